//! What everything in filmgate knows: frames and the buffers of their planes, cancellation, waiting
//! before a retry, time bases, a clock, files that appear whole, SHA-256, addresses shown without their secrets. It knows
//! neither libav nor wasmtime, and has no unsafe code.
#![forbid(unsafe_code)]

pub mod backoff;
pub mod cancel;
pub mod clock;
pub mod collide;
pub mod digest;
pub mod frame;
pub mod glob;
pub mod natural;
mod plane;
mod pool;
pub mod publish;
pub mod time;
pub mod url;
pub mod words;
