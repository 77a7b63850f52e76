//! Locks the process in before it parses media: resource limits, Landlock and seccomp. Whatever
//! takes over a decoder afterwards reaches no file, program or network that the [`Profile`] does not
//! name. Nothing can be taken back: not by this process, and not by its threads.
#![forbid(unsafe_code)]

mod enter;
#[cfg(target_os = "linux")]
mod filter;
#[cfg(target_os = "linux")]
mod paths;
mod profile;
#[cfg(target_os = "linux")]
mod support;

pub use enter::{enter, support};
pub use filmgate_sys::warm_libraries as warm;
pub use profile::{Entered, Error, Limits, Mode, Network, Profile, Support};
