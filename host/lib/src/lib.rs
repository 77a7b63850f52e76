//! filmgate: a native media host whose logic is swapped out by sandboxed WebAssembly plugins.
//!
//! This crate is the one face of the library; the crates behind it are `filmgate-core`, `-sys`,
//! `-av`, `-plugin`, `-picture`, `-engine`, `-join`, `-watch` and `-cli`.
#![forbid(unsafe_code)]

pub use filmgate_av as media;
pub use filmgate_cli as commands;
pub use filmgate_core::{backoff, cancel, collide, frame, publish, url};
pub use filmgate_engine::{encode, job, namer, pipeline, spec, split};
pub use filmgate_join as join;
pub use filmgate_picture as picture;
pub use filmgate_plugin as plugin;
pub use filmgate_sys as sys;
pub use filmgate_watch as watch;
