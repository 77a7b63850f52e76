//! Codecs of video: decoding, encoding, conversion of pixel formats, raw frames.

pub(crate) mod alpha;
pub(crate) mod available;
pub(crate) mod choice;
pub(crate) mod convert;
pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod encoders;
pub(crate) mod hdr;
pub(crate) mod leading;
pub(crate) mod lend;
pub(crate) mod order;
pub(crate) mod palette;
pub(crate) mod raw;
pub(crate) mod setup;
