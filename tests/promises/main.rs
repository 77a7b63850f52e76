//! What filmgate promises about plugins, tried with plugins that break every rule. The table in
//! docs/promises.md says which test holds which promise.

mod capabilities;
mod deadline;
mod memory;
mod recursion;
mod waiting;
