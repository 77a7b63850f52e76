//! Which video encoders there are, and what they take.

use std::ptr;

use super::convert::FULL_RANGE;
use super::error::{MediaError, MediaErrorKind as Kind, near_matches};
use super::ffi::{self, AVPixelFormat};
use super::{av, formats};
use crate::frame::{PixelFormat, StreamInfo};

/// The contract's formats that an encoder takes, in its own order, which begins with the usual one.
///
/// # Errors
/// Unsupported for an unknown encoder, and for one that takes none of them.
pub fn encoder_formats(codec: &str) -> Result<Vec<PixelFormat>, MediaError> {
    let encoder = find_encoder(codec)?;
    let mut out = Vec::new();
    // SAFETY: an encoder's description is static.
    for format in unsafe { accepted(encoder) } {
        if let Some(format) = formats::native(format).filter(|f| !out.contains(f)) {
            out.push(format);
        }
    }
    if out.is_empty() {
        let message = format!("the encoder \"{codec}\" takes none of filmgate's pixel formats");
        return Err(MediaError::new(Kind::Unsupported, message));
    }
    Ok(out)
}

/// libav's formats that an encoder lists; those of the contract where it lists none.
///
/// # Safety
/// `encoder` is a static description.
unsafe fn accepted(encoder: *const ffi::AVCodec) -> Vec<AVPixelFormat> {
    // SAFETY: the caller's promise; the list ends with AV_PIX_FMT_NONE.
    unsafe {
        let mut format = (*encoder).pix_fmts;
        if format.is_null() {
            return PixelFormat::ALL.into_iter().map(formats::to_av).collect();
        }
        let mut out = Vec::new();
        while *format != AVPixelFormat::AV_PIX_FMT_NONE {
            out.push(*format);
            format = format.add(1);
        }
        out
    }
}

pub(super) fn find_encoder(codec: &str) -> Result<*const ffi::AVCodec, MediaError> {
    let name = av::c_string(codec);
    let video = ffi::AVMediaType::AVMEDIA_TYPE_VIDEO;
    // SAFETY: a look-up by name that gives null or a static description.
    let found = unsafe { ffi::avcodec_find_encoder_by_name(name.as_ptr()) };
    // SAFETY: static, if not null.
    if !found.is_null() && unsafe { (*found).type_ } == video {
        return Ok(found);
    }
    let (all, same) = encoders_like(codec);
    let hint = match same.is_empty() {
        true => near_matches(codec, all),
        false => format!("; the encoders for {codec} are {}", same.join(", ")),
    };
    let message = format!("this FFmpeg has no video encoder \"{codec}\"{hint}");
    Err(MediaError::new(Kind::Unsupported, message))
}

/// The names of all video encoders, and of those that encode the codec called `codec`.
fn encoders_like(codec: &str) -> (Vec<String>, Vec<String>) {
    let (mut all, mut same) = (Vec::new(), Vec::new());
    let mut state = ptr::null_mut();
    // SAFETY: libav's own iteration over static descriptions.
    unsafe {
        loop {
            let c = ffi::av_codec_iterate(&raw mut state);
            if c.is_null() {
                return (all, same);
            }
            let video = (*c).type_ == ffi::AVMediaType::AVMEDIA_TYPE_VIDEO;
            if video && ffi::av_codec_is_encoder(c) != 0 {
                let name = av::text((*c).name);
                if av::text(ffi::avcodec_get_name((*c).id)) == codec {
                    same.push(name.clone());
                }
                all.push(name);
            }
        }
    }
}

/// The encoder's own format for the stream's: where it takes both, the one with the range in its
/// name for full range, the plain one otherwise.
///
/// # Safety
/// `encoder` is a static description.
pub(super) unsafe fn choose_format(
    encoder: *const ffi::AVCodec,
    info: &StreamInfo,
) -> Option<AVPixelFormat> {
    // SAFETY: the caller's promise.
    let mut fitting = unsafe { accepted(encoder) };
    fitting.retain(|&f| formats::native(f) == Some(info.format));
    let plain = formats::to_av(info.format);
    let full = formats::numbers(&info.color).range == FULL_RANGE;
    match fitting.iter().find(|f| **f != plain).filter(|_| full) {
        Some(with_range) => Some(*with_range),
        None if fitting.contains(&plain) => Some(plain),
        None => fitting.first().copied(),
    }
}

/// The presets of x264 and x265 (x264.h, `x264_preset_names`), which print to stderr when they
/// are given another.
pub const PRESETS: [&str; 10] = [
    "ultrafast",
    "superfast",
    "veryfast",
    "faster",
    "fast",
    "medium",
    "slow",
    "slower",
    "veryslow",
    "placebo",
];

pub(super) fn check_preset(codec: &str, preset: Option<&str>) -> Result<(), MediaError> {
    let Some(preset) = preset.filter(|_| codec.starts_with("libx26")) else { return Ok(()) };
    // They take the number of a preset, too.
    if PRESETS.contains(&preset) || preset.parse().is_ok_and(|n: usize| n < PRESETS.len()) {
        return Ok(());
    }
    let near = near_matches(preset, PRESETS.map(String::from));
    let known = PRESETS.join(", ");
    let message =
        format!("the encoder \"{codec}\" has no preset \"{preset}\"{near} (known: {known})");
    Err(MediaError::new(Kind::Unsupported, message))
}
