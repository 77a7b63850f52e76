//! What filmgate promises about plugins, tried with plugins that break every rule.
