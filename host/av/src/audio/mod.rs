//! Audio: decoding, resampling, encoding, silence.

pub(crate) mod resample;
pub(crate) mod silence;
pub(crate) mod sound;
