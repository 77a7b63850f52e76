//! System calls and vector loops that need unsafe code and are not libav's: leases on files, the
//! offset of local time, what fresh memory holds, JPEG from planes of YUV, RGB to YUV, the
//! environment of libraries, what they load lazily, a helper process.
#![allow(unsafe_code)]

#[cfg(target_os = "linux")]
mod fork;
mod jpeg;
mod lease;
mod memory;
mod quiet;
pub mod rgb;
mod wall;
mod warm;

#[cfg(target_os = "linux")]
pub use fork::{Helper, fork_helper};
pub use jpeg::{JpegError, PlanarJpeg};
pub use lease::{Written, being_written};
pub use memory::zero_fresh_memory;
pub use quiet::quiet_libraries;
pub use wall::utc_offset;
pub use warm::warm_libraries;
