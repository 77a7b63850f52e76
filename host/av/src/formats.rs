//! Pixel formats and colours: the contract's names and libav's.

use std::ffi::c_int;

use crate::av;
use ffmpeg_next::ffi;
use ffmpeg_next::ffi::AVPixelFormat::{self, *};
use filmgate_core::frame::{Color, PixelFormat};

/// libav's format with exactly the same layout.
pub(crate) fn to_av(format: PixelFormat) -> AVPixelFormat {
    match format {
        PixelFormat::Gray8 => AV_PIX_FMT_GRAY8,
        PixelFormat::Rgb24 => AV_PIX_FMT_RGB24,
        PixelFormat::Rgba => AV_PIX_FMT_RGBA,
        PixelFormat::Yuv420p => AV_PIX_FMT_YUV420P,
        PixelFormat::Yuv422p => AV_PIX_FMT_YUV422P,
        PixelFormat::Yuv444p => AV_PIX_FMT_YUV444P,
        PixelFormat::Gray16 => AV_PIX_FMT_GRAY16LE,
        PixelFormat::Rgb48 => AV_PIX_FMT_RGB48LE,
        PixelFormat::Yuv420p10 => AV_PIX_FMT_YUV420P10LE,
        PixelFormat::Yuv422p10 => AV_PIX_FMT_YUV422P10LE,
        PixelFormat::Yuv444p10 => AV_PIX_FMT_YUV444P10LE,
    }
}

/// The contract's format with the same layout: libav's `yuvj…` are `yuv…` of full range.
pub(crate) fn native(format: AVPixelFormat) -> Option<PixelFormat> {
    match format {
        AV_PIX_FMT_YUVJ420P => Some(PixelFormat::Yuv420p),
        AV_PIX_FMT_YUVJ422P => Some(PixelFormat::Yuv422p),
        AV_PIX_FMT_YUVJ444P => Some(PixelFormat::Yuv444p),
        _ => PixelFormat::ALL.into_iter().find(|&f| to_av(f) == format),
    }
}

pub(crate) fn is_full_range(format: AVPixelFormat) -> bool {
    matches!(
        format,
        AV_PIX_FMT_YUVJ420P
            | AV_PIX_FMT_YUVJ422P
            | AV_PIX_FMT_YUVJ444P
            | AV_PIX_FMT_YUVJ440P
            | AV_PIX_FMT_YUVJ411P
    )
}

/// The format without a range in its name, which libswscale is told separately.
pub(crate) fn without_range(format: AVPixelFormat) -> AVPixelFormat {
    match format {
        AV_PIX_FMT_YUVJ420P => AV_PIX_FMT_YUV420P,
        AV_PIX_FMT_YUVJ422P => AV_PIX_FMT_YUV422P,
        AV_PIX_FMT_YUVJ444P => AV_PIX_FMT_YUV444P,
        AV_PIX_FMT_YUVJ440P => AV_PIX_FMT_YUV440P,
        AV_PIX_FMT_YUVJ411P => AV_PIX_FMT_YUV411P,
        other => other,
    }
}

/// Whether a format holds gray, which libav takes to be of full range.
pub(crate) fn is_gray(format: AVPixelFormat) -> bool {
    layout(format).is_some_and(|l| l.gray)
}

/// A format number as libav keeps it in frames and parameters; none where these bindings do not
/// know it.
pub(crate) fn from_number(number: c_int) -> Option<AVPixelFormat> {
    if !(0..AV_PIX_FMT_NB as c_int).contains(&number) {
        return None;
    }
    // SAFETY: the enumeration is `repr(i32)` and has a variant for every number from 0 to
    // AV_PIX_FMT_NB (libavutil/pixfmt.h counts on without gaps).
    Some(unsafe { std::mem::transmute::<c_int, AVPixelFormat>(number) })
}

/// libav's name of a format.
pub(crate) fn name(format: AVPixelFormat) -> String {
    // SAFETY: a table look-up; null for unknown formats.
    unsafe { av::text(ffi::av_get_pix_fmt_name(format)) }
}

/// What has to be known of a format to choose a contract format for it.
#[derive(Clone, Copy, Debug)]
struct Layout {
    depth: c_int,
    chroma_shift: (u8, u8),
    rgb: bool,
    alpha: bool,
    gray: bool,
    hardware: bool,
}

fn layout(format: AVPixelFormat) -> Option<Layout> {
    // SAFETY: a table look-up that gives null or a static entry.
    let desc = unsafe { ffi::av_pix_fmt_desc_get(format).as_ref() }?;
    let has = |flag: c_int| desc.flags & flag as u64 != 0;
    let palette = has(ffi::AV_PIX_FMT_FLAG_PAL);
    Some(Layout {
        depth: desc.comp[..usize::from(desc.nb_components.min(4))].iter().map(|c| c.depth).max()?,
        chroma_shift: (desc.log2_chroma_w, desc.log2_chroma_h),
        rgb: has(ffi::AV_PIX_FMT_FLAG_RGB) || has(ffi::AV_PIX_FMT_FLAG_BAYER) || palette,
        alpha: has(ffi::AV_PIX_FMT_FLAG_ALPHA) || palette,
        gray: desc.nb_components <= 2 && !palette,
        hardware: has(ffi::AV_PIX_FMT_FLAG_HWACCEL),
    })
}

/// Whether a format holds RGB, for which colour matrix and range have no meaning.
pub(crate) fn is_rgb(format: AVPixelFormat) -> bool {
    layout(format).is_some_and(|l| l.rgb)
}

/// The contract format that loses least of `format`: itself where it is one; otherwise the same
/// family, at least the same chroma resolution, and the next depth up, as far as the contract has
/// one (10 bits for YUV, 16 for RGB and gray). Alpha is kept at 8 bits only.
pub(crate) fn nearest(format: AVPixelFormat) -> Option<PixelFormat> {
    if let Some(native) = native(format) {
        return Some(native);
    }
    let layout = layout(format)?;
    // SAFETY: a table look-up.
    if layout.hardware || unsafe { ffi::sws_isSupportedInput(format) } == 0 {
        return None;
    }
    let deep = layout.depth > 8;
    Some(match layout {
        Layout { alpha: true, .. } if !deep => PixelFormat::Rgba,
        Layout { gray: true, .. } => {
            if deep {
                PixelFormat::Gray16
            } else {
                PixelFormat::Gray8
            }
        }
        Layout { rgb: true, .. } => {
            if deep {
                PixelFormat::Rgb48
            } else {
                PixelFormat::Rgb24
            }
        }
        Layout { chroma_shift: (0, _), .. } => {
            if deep {
                PixelFormat::Yuv444p10
            } else {
                PixelFormat::Yuv444p
            }
        }
        Layout { chroma_shift: (_, 0), .. } => {
            if deep {
                PixelFormat::Yuv422p10
            } else {
                PixelFormat::Yuv422p
            }
        }
        _ => {
            if deep {
                PixelFormat::Yuv420p10
            } else {
                PixelFormat::Yuv420p
            }
        }
    })
}

/// Colours by libav's names; what is unspecified becomes none.
pub(crate) fn color(
    range: ffi::AVColorRange,
    space: ffi::AVColorSpace,
    primaries: ffi::AVColorPrimaries,
    transfer: ffi::AVColorTransferCharacteristic,
) -> Color {
    use ffi::AVColorTransferCharacteristic as T;
    use ffi::{AVColorPrimaries as P, AVColorRange as R, AVColorSpace as S};
    let some = |known: bool, text: String| (known && !text.is_empty()).then_some(text);
    // SAFETY: table look-ups that give null or static text.
    unsafe {
        Color {
            range: some(
                range != R::AVCOL_RANGE_UNSPECIFIED,
                av::text(ffi::av_color_range_name(range)),
            ),
            space: some(
                space != S::AVCOL_SPC_UNSPECIFIED,
                av::text(ffi::av_color_space_name(space)),
            ),
            primaries: some(
                primaries != P::AVCOL_PRI_UNSPECIFIED,
                av::text(ffi::av_color_primaries_name(primaries)),
            ),
            transfer: some(
                transfer != T::AVCOL_TRC_UNSPECIFIED,
                av::text(ffi::av_color_transfer_name(transfer)),
            ),
        }
    }
}

/// Numbers of H.273 for a colour's names, as libav keeps them: range, matrix, primaries, transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ColorNumbers {
    pub(crate) range: c_int,
    pub(crate) space: c_int,
    pub(crate) primaries: c_int,
    pub(crate) transfer: c_int,
}

/// `unspecified` in libav's enumerations of matrix, primaries and transfer.
const UNSPECIFIED: c_int = 2;

pub(crate) fn numbers(color: &Color) -> ColorNumbers {
    type Lookup = unsafe extern "C" fn(*const std::ffi::c_char) -> c_int;
    let find = |name: &Option<String>, lookup: Lookup, missing: c_int| {
        let Some(name) = name else { return missing };
        let name = av::c_string(name);
        // SAFETY: the look-ups read a terminated string; unknown names give a negative number.
        match unsafe { lookup(name.as_ptr()) } {
            number if number >= 0 => number,
            _ => missing,
        }
    };
    ColorNumbers {
        range: find(&color.range, ffi::av_color_range_from_name, 0),
        space: find(&color.space, ffi::av_color_space_from_name, UNSPECIFIED),
        primaries: find(&color.primaries, ffi::av_color_primaries_from_name, UNSPECIFIED),
        transfer: find(&color.transfer, ffi::av_color_transfer_from_name, UNSPECIFIED),
    }
}

/// Sets a codec context's colours, as far as these bindings know the numbers.
pub(crate) fn set_color(context: &mut ffi::AVCodecContext, color: ColorNumbers) {
    /// One number into an enumeration's place.
    ///
    /// # Safety
    /// `T` is one of libav's enumerations of 4 bytes, and `number` comes from its own look-up by
    /// name, or from its list.
    unsafe fn put<T>(place: &mut T, number: c_int) {
        const { assert!(size_of::<T>() == size_of::<c_int>()) };
        // SAFETY: the caller's promise.
        unsafe { std::ptr::from_mut(place).cast::<c_int>().write(number) }
    }
    let known = color.space < ffi::AVColorSpace::AVCOL_SPC_NB as c_int
        && color.primaries < ffi::AVColorPrimaries::AVCOL_PRI_NB as c_int
        && color.transfer < ffi::AVColorTransferCharacteristic::AVCOL_TRC_NB as c_int
        && color.range < ffi::AVColorRange::AVCOL_RANGE_NB as c_int;
    let jedec = color.primaries == ffi::AVColorPrimaries::AVCOL_PRI_EBU3213 as c_int;
    if !known && !jedec {
        return;
    }
    // SAFETY: all numbers come from `numbers`, that is from libav's look-ups, and are below the
    // count that these bindings know.
    unsafe {
        put(&mut context.color_range, color.range);
        put(&mut context.colorspace, color.space);
        put(&mut context.color_primaries, color.primaries);
        put(&mut context.color_trc, color.transfer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contract_formats_are_their_own_nearest() {
        for format in PixelFormat::ALL {
            assert_eq!(nearest(to_av(format)), Some(format));
        }
    }

    #[test]
    fn the_nearest_loses_least() {
        for (from, to) in [
            (AV_PIX_FMT_NV12, PixelFormat::Yuv420p),
            (AV_PIX_FMT_YUYV422, PixelFormat::Yuv422p),
            (AV_PIX_FMT_YUV420P12LE, PixelFormat::Yuv420p10),
            (AV_PIX_FMT_P010LE, PixelFormat::Yuv420p10),
            (AV_PIX_FMT_GBRP, PixelFormat::Rgb24),
            (AV_PIX_FMT_BGR24, PixelFormat::Rgb24),
            (AV_PIX_FMT_BGR0, PixelFormat::Rgb24),
            (AV_PIX_FMT_PAL8, PixelFormat::Rgba),
            (AV_PIX_FMT_BGRA, PixelFormat::Rgba),
            (AV_PIX_FMT_GBRP10LE, PixelFormat::Rgb48),
            (AV_PIX_FMT_RGB48BE, PixelFormat::Rgb48),
            (AV_PIX_FMT_GRAY10LE, PixelFormat::Gray16),
            (AV_PIX_FMT_YUV411P, PixelFormat::Yuv422p),
            (AV_PIX_FMT_YUV410P, PixelFormat::Yuv420p),
            (AV_PIX_FMT_YUV440P, PixelFormat::Yuv444p),
            (AV_PIX_FMT_YUVJ422P, PixelFormat::Yuv422p),
            (AV_PIX_FMT_MONOWHITE, PixelFormat::Gray8),
        ] {
            assert_eq!(nearest(from), Some(to), "{}", name(from));
        }
        assert_eq!(nearest(AV_PIX_FMT_VAAPI), None);
    }

    #[test]
    fn colors_survive_both_ways() {
        let color = Color {
            range: Some("pc".into()),
            space: Some("bt709".into()),
            primaries: None,
            transfer: Some("smpte2084".into()),
        };
        let n = numbers(&color);
        assert_eq!((n.range, n.space, n.primaries, n.transfer), (2, 1, UNSPECIFIED, 16));
    }
}
