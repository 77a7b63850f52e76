//! Input and output of bytes: libav reads and writes through files that Rust opened.

pub(crate) mod avio;
pub(crate) mod file;
pub(crate) mod pipe;
pub(crate) mod sink;
