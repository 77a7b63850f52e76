//! What filmgate promises about plugins, tried with plugins that break every rule. The table in
//! docs/promises.md says which test holds which promise.

mod answers;
mod cache;
mod capabilities;
mod compat;
mod compile;
mod contract;
mod deadline;
mod descriptions;
mod determinism;
mod files;
mod held;
mod logs;
mod memory;
mod names;
mod old;
mod program;
mod recursion;
mod sources;
mod supervision;
mod tools;
mod waiting;
