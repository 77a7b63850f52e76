//! Which encoder is meant, and with what quality when nobody says.

use std::ffi::c_int;
use std::ptr;

use crate::av::{self, Codec};
use crate::codec::encode::EncodeOptions;
use crate::codec::encoders::find_encoder;
use crate::error::{MediaError, MediaErrorKind as Kind, near_matches};
use crate::formats;
use ffmpeg_next::ffi;
use filmgate_core::frame::PixelFormat;

/// Short names of codecs, with their encoders, the best first.
const SHORT: &[(&[&str], &[&str])] = &[
    (&["h264", "avc", "x264"], &["libx264", "libopenh264"]),
    (&["hevc", "h265", "x265"], &["libx265", "libkvazaar"]),
    (&["vp9"], &["libvpx-vp9"]),
    (&["vp8"], &["libvpx"]),
    (&["av1"], &["libsvtav1", "libaom-av1", "librav1e"]),
    (&["theora"], &["libtheora"]),
    (&["prores"], &["prores_ks"]),
    (&["jpeg", "jpg"], &["mjpeg"]),
    (&["mpeg2"], &["mpeg2video"]),
    (&["webp"], &["libwebp"]),
    (&["raw"], &["rawvideo"]),
];

/// The encoder that a name means: libav's own names, and those of codecs (`hevc`), for which the
/// best encoder that this FFmpeg has is taken.
///
/// # Errors
/// Unsupported, with near matches.
pub fn encoder_named(name: &str) -> Result<String, MediaError> {
    let lower = name.to_ascii_lowercase();
    if let Some((_, encoders)) = SHORT.iter().find(|(names, _)| names.contains(&&*lower))
        && let Some(found) = encoders.iter().find(|e| find_encoder(e).is_ok())
    {
        return Ok((*found).to_owned());
    }
    let unknown = match find_encoder(&lower) {
        Ok(_) => return Ok(lower),
        Err(error) => error,
    };
    let text = av::c_string(&lower);
    // SAFETY: look-ups that give null or static descriptions.
    let usual = unsafe {
        let codec = ffi::avcodec_descriptor_get_by_name(text.as_ptr()).as_ref();
        codec.map_or(ptr::null(), |c| ffi::avcodec_find_encoder(c.id))
    };
    // SAFETY: static, if not null.
    let usual = unsafe { usual.as_ref() }.map(|e| unsafe { av::text(e.name) });
    match usual.filter(|name| find_encoder(name).is_ok()) {
        Some(name) => Ok(name),
        None => Err(unknown),
    }
}

/// The codec for a container, or for pictures of an ending, where none is asked for.
pub fn default_encoder(format: &str) -> &'static str {
    match format {
        "webm" | "ivf" => "vp9",
        "hevc" => "hevc",
        "gif" => "gif",
        "apng" => "apng",
        "ogg" => "theora",
        "mjpeg" => "mjpeg",
        "mpeg" | "mxf" => "mpeg2video",
        "yuv4mpegpipe" => "wrapped_avframe",
        "rawvideo" | "framemd5" => "rawvideo",
        _ => "h264",
    }
}

/// The encoder for single pictures in files of an ending; none where it is no picture's.
pub fn picture_encoder(ending: &str) -> Option<&'static str> {
    Some(match ending {
        "png" => "png",
        "jpg" | "jpeg" => "mjpeg",
        "bmp" => "bmp",
        "tif" | "tiff" => "tiff",
        "webp" => "libwebp",
        "jp2" => "jpeg2000",
        "jxl" => "libjxl",
        "ppm" => "ppm",
        "pgm" => "pgm",
        "pam" => "pam",
        "qoi" => "qoi",
        "tga" => "targa",
        _ => return None,
    })
}

/// A pixel format by the contract's name or libav's.
///
/// # Errors
/// Unsupported, with all that there are.
pub fn pixel_format(name: &str) -> Result<PixelFormat, MediaError> {
    let named = |f: &PixelFormat| f.name() == name || formats::name(formats::to_av(*f)) == name;
    if let Some(format) = PixelFormat::ALL.into_iter().find(named) {
        return Ok(format);
    }
    let known = PixelFormat::ALL.map(|f| f.name().to_owned());
    let near = near_matches(name, known.clone());
    let message =
        format!("no pixel format \"{name}\" for encoders here{near} (known: {})", known.join(", "));
    Err(MediaError::new(Kind::Unsupported, message))
}

/// The quantiser for encoders of constant quality by that alone: the one asked for as `crf`, else
/// one that looks well. None for encoders with another notion of quality, and for a set bit rate,
/// which libav otherwise takes to be 200 kbit/s whatever the size.
pub(crate) fn quantiser(options: &EncodeOptions) -> Option<f64> {
    let usual = match &*options.codec {
        "mjpeg" => 3.0,
        "mpeg1video" | "mpeg2video" | "mpeg4" | "libxvid" | "msmpeg4" | "msmpeg4v2" | "wmv1"
        | "wmv2" | "flv" | "h263" | "h263p" | "h261" => 4.0,
        "libtheora" => 7.0,
        _ => return None,
    };
    options.bit_rate.is_none().then(|| options.crf.unwrap_or(usual))
}

/// Whether an encoder has an option of this name, and takes this value for it. Encoders of fixed
/// quantisers take a `crf` too, which they get as one.
pub fn takes_option(codec: &str, key: &str, value: &str) -> bool {
    let like = |codec: &str| EncodeOptions { codec: codec.to_owned(), ..EncodeOptions::default() };
    let Ok(encoder) = find_encoder(codec) else { return false };
    if key == "crf" && quantiser(&like(codec)).is_some() {
        return true;
    }
    // SAFETY: the description of an encoder.
    let Some(mut context) = (unsafe { Codec::new(encoder) }) else { return false };
    let (key, value) = (av::c_string(key), av::c_string(value));
    let children = ffi::AV_OPT_SEARCH_CHILDREN as c_int;
    // SAFETY: a fresh context, which begins with its AVClass.
    unsafe {
        let object = context.as_mut_ptr().cast();
        ffi::av_opt_set(object, key.as_ptr(), value.as_ptr(), children) >= 0
    }
}

/// Options that an encoder needs to do well, where the user says nothing of them.
pub(crate) fn usual_options(options: &EncodeOptions) -> Vec<(String, String)> {
    let quality = options.crf.is_none() && options.bit_rate.is_none();
    let mut usual: Vec<(&str, &str)> = Vec::new();
    match &*options.codec {
        "libvpx-vp9" | "libvpx" => {
            usual.extend([("cpu-used", "4")]);
            if options.codec == "libvpx-vp9" {
                usual.push(("row-mt", "1"));
            }
            usual.extend(quality.then_some(("crf", "31")));
            // Their crf is an upper bound beside a bit rate, and quality alone without one.
            usual.extend(options.bit_rate.is_none().then_some(("b", "0")));
        }
        "libaom-av1" => {
            usual.extend([("cpu-used", "6"), ("row-mt", "1")]);
            usual.extend(quality.then_some(("crf", "30")));
            usual.extend(options.bit_rate.is_none().then_some(("b", "0")));
        }
        // It tells its whole story on stderr otherwise.
        "libx265" => usual.push(("x265-params", "log-level=error")),
        "libsvtav1" => usual.extend(quality.then_some(("crf", "35"))),
        _ => {}
    }
    let given = |key: &str| options.options.iter().any(|(k, _)| k == key);
    usual.retain(|(key, _)| !(given(key) || *key == "b" && options.bit_rate.is_some()));
    usual.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_mean_the_best_encoder() {
        assert_eq!(encoder_named("h264").expect("known"), "libx264");
        assert_eq!(encoder_named("H265").expect("known"), "libx265");
        assert_eq!(encoder_named("vp9").expect("known"), "libvpx-vp9");
        assert_eq!(encoder_named("ffv1").expect("known"), "ffv1");
        let error = encoder_named("libx26").expect_err("unknown");
        assert!(error.message.contains("did you mean libx264"), "{error}");
    }

    #[test]
    fn pixel_formats_have_both_names() {
        assert_eq!(pixel_format("yuv420p10le").expect("known"), PixelFormat::Yuv420p10);
        assert_eq!(pixel_format("yuv420p10").expect("known"), PixelFormat::Yuv420p10);
        assert_eq!(pixel_format("gray").expect("known"), PixelFormat::Gray8);
        assert!(pixel_format("yuv420").is_err());
    }
}
