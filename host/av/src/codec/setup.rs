//! How an encoder is set up for a stream: size, colours, fields, clock.

use std::ffi::c_int;

use crate::av;
use crate::codec::convert::{FULL_RANGE, Shape};
use crate::error::{MediaError, MediaErrorKind as Kind};
use crate::formats;
use ffmpeg_next::ffi::{self, AVPixelFormat};
use filmgate_core::frame::StreamInfo;

/// What an encoder is given for `info`: JPEG's pictures are always of full range, and its readers
/// take them to be.
pub(crate) fn widened(codec: &str, info: &StreamInfo) -> StreamInfo {
    let mut wide = info.clone();
    if codec == "mjpeg" && info.format.is_yuv() {
        wide.color.range = Some("pc".into());
        let limited = formats::numbers(&info.color).range != FULL_RANGE;
        if !limited {
            return info.clone();
        }
    }
    wide
}

pub(crate) fn shape(info: &StreamInfo) -> Shape {
    Shape::of((info.format, info.width, info.height), &info.color)
}

pub(crate) fn set_picture(
    context: &mut ffi::AVCodecContext,
    info: &StreamInfo,
    (width, height): (u32, u32),
    format: AVPixelFormat,
) -> Result<(), MediaError> {
    filmgate_core::frame::check_size(info.width, info.height)
        .map_err(|e| MediaError::new(Kind::TooLarge, format!("encode: {e}")))?;
    context.width = width as c_int;
    context.height = height as c_int;
    context.pix_fmt = format;
    context.sample_aspect_ratio = av::to_av(info.sample_aspect);
    let mut color = formats::numbers(&info.color);
    if formats::is_rgb(format) || format == AVPixelFormat::AV_PIX_FMT_PAL8 {
        (color.range, color.space) = (FULL_RANGE, ffi::AVColorSpace::AVCOL_SPC_RGB as c_int);
    }
    if formats::is_gray(format) {
        color.range = FULL_RANGE;
    }
    formats::set_color(context, color);
    if formats::is_full_range(format) {
        context.color_range = ffi::AVColorRange::AVCOL_RANGE_JPEG;
    } else if context.color_range != ffi::AVColorRange::AVCOL_RANGE_JPEG {
        // MJPEG of limited range is odd, but that is what the frames hold.
        context.strict_std_compliance = ffi::FF_COMPLIANCE_UNOFFICIAL as c_int;
    }
    Ok(())
}

/// Tells the encoder to code the two fields of each picture by themselves.
pub(crate) fn set_interlaced(context: &mut ffi::AVCodecContext, top_first: bool) {
    context.flags |= ffi::AV_CODEC_FLAG_INTERLACED_DCT as c_int;
    context.field_order =
        if top_first { ffi::AVFieldOrder::AV_FIELD_TT } else { ffi::AVFieldOrder::AV_FIELD_BB };
}

/// The caller's time base, where the codec's syntax can express it.
pub(crate) fn usable_time_base(
    id: ffi::AVCodecID,
    wanted: ffi::AVRational,
    rate: ffi::AVRational,
) -> ffi::AVRational {
    use ffi::AVCodecID::*;
    let inverse = ffi::AVRational { num: rate.den, den: rate.num };
    match id {
        // They know a few frame rates only.
        AV_CODEC_ID_MPEG1VIDEO | AV_CODEC_ID_MPEG2VIDEO => inverse,
        // For YUV4MPEG, whose pictures come evenly and which takes the rate from here.
        AV_CODEC_ID_WRAPPED_AVFRAME => inverse,
        // `vop_time_increment_resolution` has 16 bits.
        AV_CODEC_ID_MPEG4 if wanted.den > 65_535 => inverse,
        _ => wanted,
    }
}
