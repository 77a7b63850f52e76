//! Which video encoders there are, and what they take.

use std::ptr;

use crate::av;
use crate::codec::convert::FULL_RANGE;
use crate::error::{MediaError, MediaErrorKind as Kind, near_matches};
use crate::formats;
use crate::versions;
use ffmpeg_next::ffi::{self, AVPixelFormat};
use filmgate_core::frame::{PixelFormat, StreamInfo};

/// The contract's formats that an encoder takes, in its own order, which begins with the usual one.
///
/// # Errors
/// Unsupported for an unknown encoder, and for one that takes none of them.
pub fn encoder_formats(codec: &str) -> Result<Vec<PixelFormat>, MediaError> {
    let encoder = find_encoder(codec)?;
    if codec == "gif" {
        // It lists its own fixed palettes; a palette made for the pictures looks better.
        return Ok(vec![PixelFormat::Rgb24]);
    }
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
        let mut format = versions::pixel_formats(encoder);
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

pub(crate) fn find_encoder(codec: &str) -> Result<*const ffi::AVCodec, MediaError> {
    let name = av::c_string(codec);
    let video = ffi::AVMediaType::AVMEDIA_TYPE_VIDEO;
    // SAFETY: a look-up by name that gives null or a static description.
    let found = unsafe { ffi::avcodec_find_encoder_by_name(name.as_ptr()) };
    // SAFETY: static, if not null.
    if !found.is_null() && unsafe { (*found).type_ } == video {
        return Ok(found);
    }
    let (all, same) = encoders_like(codec);
    let hint = if same.is_empty() {
        near_matches(codec, all)
    } else {
        format!("; the encoders for {codec} are {}", same.join(", "))
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
pub(crate) unsafe fn choose_format(
    encoder: *const ffi::AVCodec,
    info: &StreamInfo,
) -> Option<AVPixelFormat> {
    // SAFETY: the caller's promise.
    let mut fitting = unsafe { accepted(encoder) };
    // SAFETY: the caller's promise.
    if unsafe { (*encoder).id } == ffi::AVCodecID::AV_CODEC_ID_GIF {
        return (info.format == PixelFormat::Rgb24).then_some(AVPixelFormat::AV_PIX_FMT_PAL8);
    }
    fitting.retain(|&f| formats::native(f) == Some(info.format));
    let plain = formats::to_av(info.format);
    let full = formats::numbers(&info.color).range == FULL_RANGE;
    match fitting.iter().find(|f| **f != plain).filter(|_| full) {
        Some(with_range) => Some(*with_range),
        None if fitting.contains(&plain) => Some(plain),
        None => fitting.first().copied(),
    }
}

/// The size that an encoder takes of a stream's pictures: some cannot halve an odd number of
/// samples for the colours, and leave out the last column or row then.
///
/// # Safety
/// `encoder` is a static description.
pub(crate) unsafe fn takes_size(encoder: *const ffi::AVCodec, info: &StreamInfo) -> (u32, u32) {
    // SAFETY: the caller's promise.
    let name = unsafe { av::text((*encoder).name) };
    let strict = name.starts_with("libx26")
        || matches!(&*name, "libsvtav1" | "libopenh264" | "libkvazaar" | "librav1e")
        || name.starts_with("h264_")
        || name.starts_with("hevc_");
    let (across, down) = if strict { info.format.chroma_shift() } else { (0, 0) };
    let even = |side: u32, shift: u32| (side >> shift << shift).max(1);
    (even(info.width, across), even(info.height, down))
}

/// The presets of x264 and x265, which print to stderr when they are given another.
const PRESETS: [&str; 10] = [
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

/// Checks the encoder's own words for speed and purpose, where filmgate knows them all.
///
/// # Errors
/// Unsupported, with those that there are.
pub fn check_words(
    codec: &str,
    preset: Option<&str>,
    tune: Option<&str>,
) -> Result<(), MediaError> {
    check_preset(codec, preset)?;
    check_tune(codec, tune)
}

pub(crate) fn check_preset(codec: &str, preset: Option<&str>) -> Result<(), MediaError> {
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

/// The tunings of x264 and x265, which print to stderr, too, when they are given another.
#[rustfmt::skip]
pub(crate) fn check_tune(codec: &str, tune: Option<&str>) -> Result<(), MediaError> {
    let known: &[&str] = match codec {
        "libx264" | "libx264rgb" => &[
            "film", "animation", "grain", "stillimage", "psnr", "ssim", "fastdecode", "zerolatency",
        ],
        "libx265" => &["psnr", "ssim", "grain", "zerolatency", "fastdecode", "animation"],
        _ => return Ok(()),
    };
    let Some(tune) = tune else { return Ok(()) };
    // x264 takes several, with commas between them.
    let Some(wrong) = tune.split([',', '+']).find(|t| !known.contains(t)) else { return Ok(()) };
    let near = near_matches(wrong, known.iter().map(|t| (*t).to_string()));
    let known = known.join(", ");
    let message = format!("the encoder \"{codec}\" has no tune \"{wrong}\"{near} (known: {known})");
    Err(MediaError::new(Kind::Unsupported, message))
}
