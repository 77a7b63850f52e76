//! What everything in filmgate knows: frames and the buffers of their planes, cancellation, waiting
//! before a retry, files that appear whole, addresses shown without their secrets. It knows
//! neither libav nor wasmtime, and has no unsafe code.
#![forbid(unsafe_code)]

pub mod backoff;
pub mod cancel;
pub mod collide;
pub mod frame;
pub mod glob;
mod pool;
pub mod publish;
pub mod url;
