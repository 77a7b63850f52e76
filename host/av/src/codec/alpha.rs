//! Whether a picture is transparent somewhere, in every pixel format that has alpha.

use std::ffi::c_int;

use ffmpeg_next::ffi::{self, AVPixFmtDescriptor, AVPixelFormat};

/// A picture in memory, as libav describes one.
#[derive(Clone, Copy)]
pub(crate) struct Samples {
    pub(crate) format: AVPixelFormat,
    pub(crate) size: (u32, u32),
    pub(crate) data: [*const u8; 4],
    pub(crate) linesize: [c_int; 4],
}

/// Whether a format has alpha, in its samples or in its palette.
pub(crate) fn has(format: AVPixelFormat) -> bool {
    let flags = ffi::AV_PIX_FMT_FLAG_ALPHA | ffi::AV_PIX_FMT_FLAG_PAL;
    descriptor(format).is_some_and(|d| d.flags & flags as u64 != 0)
}

fn descriptor(format: AVPixelFormat) -> Option<&'static AVPixFmtDescriptor> {
    // SAFETY: a table look-up that gives null or a static entry.
    unsafe { ffi::av_pix_fmt_desc_get(format).as_ref() }
}

/// Whether the alpha of any sample is not the largest one, at 8 bits. Alpha of floating point counts as
/// transparent without a look.
///
/// # Safety
/// `samples` describes a whole picture of its format and size, alive during the call.
pub(crate) unsafe fn shows(samples: &Samples) -> bool {
    let Some(desc) = descriptor(samples.format).filter(|_| has(samples.format)) else {
        return false;
    };
    let is = |flag: c_int| desc.flags & flag as u64 != 0;
    if is(ffi::AV_PIX_FMT_FLAG_PAL) {
        // SAFETY: the caller's promise.
        return unsafe { palette_shows(samples) };
    }
    if is(ffi::AV_PIX_FMT_FLAG_FLOAT) || is(ffi::AV_PIX_FMT_FLAG_BITSTREAM) {
        return true;
    }
    // Alpha is the last component (pixdesc.h).
    let alpha = desc.comp[usize::from(desc.nb_components.clamp(1, 4)) - 1];
    let (plane, step) = (alpha.plane.clamp(0, 3) as usize, alpha.step.max(1) as usize);
    // Encoders round: of deep samples the upper 8 bits count.
    let depth = alpha.depth.clamp(1, 16);
    let (drop, kept) = ((depth - 8).max(0), depth.min(8));
    let most = (1u32 << kept) - 1;
    let (width, bytes) = (samples.size.0 as usize, if alpha.depth > 8 { 2 } else { 1 });
    let below = |sample: &[u8]| {
        let value = match *sample {
            [low, high, ..] if bytes == 2 => {
                let both = [low, high];
                let big = is(ffi::AV_PIX_FMT_FLAG_BE);
                if big { u16::from_be_bytes(both) } else { u16::from_le_bytes(both) }
            }
            [byte, ..] => u16::from(byte),
            [] => return false,
        };
        u32::from(value) >> (alpha.shift + drop) & most != most
    };
    (0..samples.size.1 as usize).any(|y| {
        // SAFETY: the caller's promise: each row of the plane has `width` samples, `step` bytes
        // apart, the first one `offset` bytes behind the row's beginning.
        let row = unsafe {
            let at = y as isize * samples.linesize[plane] as isize + alpha.offset as isize;
            let begin = samples.data[plane].offset(at);
            std::slice::from_raw_parts(begin, (width - 1) * step + bytes)
        };
        row.chunks(step).any(below)
    })
}

/// Whether a picture uses a color of its palette that is transparent.
///
/// # Safety
/// As [`shows`], of a format with a palette.
unsafe fn palette_shows(samples: &Samples) -> bool {
    // SAFETY: 256 colors of 32 bits, ARGB in the machine's order (pixfmt.h, AV_PIX_FMT_PAL8).
    let palette = unsafe { std::slice::from_raw_parts(samples.data[1], 1024) };
    let high = if cfg!(target_endian = "big") { 0 } else { 3 };
    (0..samples.size.1 as usize).any(|y| {
        // SAFETY: a row of one byte a sample.
        let row = unsafe {
            let begin = samples.data[0].offset(y as isize * samples.linesize[0] as isize);
            std::slice::from_raw_parts(begin, samples.size.0 as usize)
        };
        row.iter().any(|index| palette[usize::from(*index) * 4 + high] != 255)
    })
}
