//! From a source through plugins to a sink. libav and plugins do not know each other; they meet
//! here.
#![forbid(unsafe_code)]

pub mod encode;
pub mod job;
pub mod namer;
pub mod pipeline;
pub mod spec;
pub mod split;
