//! What filmgate promises about plugins, tried with plugins that break every rule. The table in
//! docs/promises.md says which test holds which promise.

mod capabilities;
mod deadline;
mod logs;
mod memory;
mod names;
mod recursion;
mod waiting;
