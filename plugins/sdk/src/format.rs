//! Facts about pixel formats: how many planes, how wide, how many bytes.

use std::fmt;

use crate::Error;

/// How the samples of a picture are laid out, named as libav names them (`ffmpeg -pix_fmts`).
///
/// Samples of two bytes have the low byte first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PixelFormat {
    /// One plane, 8 bits a sample.
    Gray8,
    /// One plane of R G B, 8 bits a sample.
    Rgb24,
    /// One plane of R G B A, 8 bits a sample, not premultiplied.
    Rgba,
    /// Y, Cb, Cr; chroma halved both ways; 8 bits a sample.
    Yuv420p,
    /// Y, Cb, Cr; chroma halved horizontally; 8 bits a sample.
    Yuv422p,
    /// Y, Cb, Cr of one size; 8 bits a sample.
    Yuv444p,
    /// One plane, 16 bits a sample.
    Gray16,
    /// One plane of R G B, 16 bits a sample.
    Rgb48,
    /// As [`Yuv420p`](PixelFormat::Yuv420p) with 10 bits, in the low bits of two bytes.
    Yuv420p10,
    /// As [`Yuv422p`](PixelFormat::Yuv422p) with 10 bits, in the low bits of two bytes.
    Yuv422p10,
    /// As [`Yuv444p`](PixelFormat::Yuv444p) with 10 bits, in the low bits of two bytes.
    Yuv444p10,
}

use PixelFormat::*;

impl PixelFormat {
    /// Every format of the contract, the 8-bit ones first.
    pub const ALL: [PixelFormat; 11] = [
        Yuv420p, Yuv422p, Yuv444p, Gray8, Rgb24, Rgba, Yuv420p10, Yuv422p10, Yuv444p10, Gray16,
        Rgb48,
    ];

    /// The name in the contract, which is libav's.
    pub fn name(self) -> &'static str {
        match self {
            Gray8 => "gray8",
            Rgb24 => "rgb24",
            Rgba => "rgba",
            Yuv420p => "yuv420p",
            Yuv422p => "yuv422p",
            Yuv444p => "yuv444p",
            Gray16 => "gray16",
            Rgb48 => "rgb48",
            Yuv420p10 => "yuv420p10",
            Yuv422p10 => "yuv422p10",
            Yuv444p10 => "yuv444p10",
        }
    }

    /// The format of that name; `None` where this version of the crate does not know it.
    pub fn from_name(name: &str) -> Option<PixelFormat> {
        PixelFormat::ALL.into_iter().find(|format| format.name() == name)
    }

    /// Whether the planes are Y, Cb and Cr.
    pub fn is_yuv(self) -> bool {
        matches!(self, Yuv420p | Yuv422p | Yuv444p | Yuv420p10 | Yuv422p10 | Yuv444p10)
    }

    /// Whether there is light only, and no colour.
    pub fn is_gray(self) -> bool {
        matches!(self, Gray8 | Gray16)
    }

    /// Significant bits of one sample: 8, 10 or 16.
    pub fn bits(self) -> u32 {
        match self {
            Gray16 | Rgb48 => 16,
            Yuv420p10 | Yuv422p10 | Yuv444p10 => 10,
            _ => 8,
        }
    }

    /// Bytes that one sample takes: 1 or 2.
    pub fn sample_bytes(self) -> usize {
        if self.bits() > 8 { 2 } else { 1 }
    }

    /// How many planes there are: 1 or 3.
    pub fn plane_count(self) -> u32 {
        if self.is_yuv() { 3 } else { 1 }
    }

    /// Samples that one pixel has in a plane: 1, 3 or 4.
    pub fn channels(self) -> usize {
        match self {
            Rgb24 | Rgb48 => 3,
            Rgba => 4,
            _ => 1,
        }
    }

    /// How much smaller chroma is, as powers of two, horizontally and vertically.
    pub fn chroma_shift(self) -> (u32, u32) {
        match self {
            Yuv420p | Yuv420p10 => (1, 1),
            Yuv422p | Yuv422p10 => (1, 0),
            _ => (0, 0),
        }
    }
}

impl fmt::Display for PixelFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A format and a size: all there is to know to find one's way in a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// how the samples lie
    pub format: PixelFormat,
    /// pixels a row
    pub width: u32,
    /// rows
    pub height: u32,
}

impl Layout {
    /// From the name of a format.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where this version of the crate does not know the format.
    pub fn named(format: &str, width: u32, height: u32) -> Result<Layout, Error> {
        let format = PixelFormat::from_name(format).ok_or_else(|| {
            Error::unsupported(format!("this plugin does not know the pixel format {format:?}"))
        })?;
        Ok(Layout { format, width, height })
    }

    /// Plane `index`, from 0.
    ///
    /// # Panics
    /// Where the format has no such plane.
    pub fn plane(&self, index: u32) -> PlaneLayout {
        let count = self.format.plane_count();
        assert!(index < count, "{} has {count} planes, there is no plane {index}", self.format);
        let (across, down) = if index == 0 { (0, 0) } else { self.format.chroma_shift() };
        PlaneLayout {
            columns: self.width.div_ceil(1 << across) as usize,
            rows: self.height.div_ceil(1 << down) as usize,
            channels: self.format.channels(),
            sample_bytes: self.format.sample_bytes(),
        }
    }

    /// All planes, in their order.
    pub fn planes(&self) -> impl Iterator<Item = PlaneLayout> + use<> {
        let layout = *self;
        (0..layout.format.plane_count()).map(move |index| layout.plane(index))
    }
}

/// How the bytes of one packed plane lie: rows from the top, without padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaneLayout {
    /// pixels a row, in this plane
    pub columns: usize,
    /// rows, in this plane
    pub rows: usize,
    /// samples a pixel: 1, 3 (R G B) or 4 (R G B A)
    pub channels: usize,
    /// bytes a sample: 1 or 2
    pub sample_bytes: usize,
}

impl PlaneLayout {
    /// Bytes from one pixel to its right neighbour.
    pub fn pixel_bytes(&self) -> usize {
        self.channels * self.sample_bytes
    }

    /// Bytes from one row to the next.
    pub fn row_bytes(&self) -> usize {
        self.columns * self.pixel_bytes()
    }

    /// Bytes of the whole plane.
    pub fn bytes(&self) -> usize {
        self.row_bytes() * self.rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for format in PixelFormat::ALL {
            assert_eq!(PixelFormat::from_name(format.name()), Some(format));
        }
        assert_eq!(PixelFormat::from_name("nv12"), None);
    }

    #[test]
    fn chroma_rounds_up() {
        let layout = Layout { format: Yuv420p10, width: 5, height: 3 };
        let bytes: Vec<_> = layout.planes().map(|plane| plane.bytes()).collect();
        assert_eq!(bytes, [5 * 3 * 2, 3 * 2 * 2, 3 * 2 * 2]);
        let layout = Layout { format: Yuv422p, width: 5, height: 3 };
        let bytes: Vec<_> = layout.planes().map(|plane| plane.bytes()).collect();
        assert_eq!(bytes, [15, 9, 9]);
    }

    #[test]
    fn interleaved_formats_have_one_plane() {
        let layout = Layout { format: Rgb48, width: 2, height: 3 };
        assert_eq!(layout.planes().count(), 1);
        assert_eq!(layout.plane(0).row_bytes(), 12);
        assert_eq!(layout.plane(0).pixel_bytes(), 6);
    }

    #[test]
    fn an_unknown_format_is_named() {
        let error = Layout::named("nv12", 2, 2).expect_err("nv12 is no format of the contract");
        assert!(error.message().contains("nv12"));
    }
}
