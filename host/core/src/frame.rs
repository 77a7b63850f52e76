//! The plain picture that libav, plugins and the engine all know: planes, format, time, tags.
//!
//! Nothing here knows libav or wasmtime. A plane may stand in a buffer that libav owns, behind
//! [`Samples`], so that a decoded picture reaches a plugin, and a plugin's picture the encoder,
//! without being copied on the way.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

pub use crate::plane::{Plane, PlaneSize, Samples};
pub use crate::pool::{PlaneBuffer, PlanePool};

/// How the samples of a picture are laid out: the formats of the plugin contract
/// (`wit/frames.wit`), named as libav names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PixelFormat {
    Gray8,
    Rgb24,
    Rgba,
    Yuv420p,
    Yuv422p,
    Yuv444p,
    Gray16,
    Rgb48,
    Yuv420p10,
    Yuv422p10,
    Yuv444p10,
}

/// The greatest width and height that any picture may have, in samples (libav's own limit for
/// most codecs, and small enough that no product below overflows 64 bits).
pub const MAX_SIDE: u32 = 16_384;

/// The greatest number of samples a plane may have: 8192 x 8192.
pub const MAX_PIXELS: u64 = 8_192 * 8_192;

impl PixelFormat {
    pub const ALL: [PixelFormat; 11] = [
        PixelFormat::Gray8,
        PixelFormat::Rgb24,
        PixelFormat::Rgba,
        PixelFormat::Yuv420p,
        PixelFormat::Yuv422p,
        PixelFormat::Yuv444p,
        PixelFormat::Gray16,
        PixelFormat::Rgb48,
        PixelFormat::Yuv420p10,
        PixelFormat::Yuv422p10,
        PixelFormat::Yuv444p10,
    ];

    /// The name in the contract.
    pub fn name(self) -> &'static str {
        match self {
            PixelFormat::Gray8 => "gray8",
            PixelFormat::Rgb24 => "rgb24",
            PixelFormat::Rgba => "rgba",
            PixelFormat::Yuv420p => "yuv420p",
            PixelFormat::Yuv422p => "yuv422p",
            PixelFormat::Yuv444p => "yuv444p",
            PixelFormat::Gray16 => "gray16",
            PixelFormat::Rgb48 => "rgb48",
            PixelFormat::Yuv420p10 => "yuv420p10",
            PixelFormat::Yuv422p10 => "yuv422p10",
            PixelFormat::Yuv444p10 => "yuv444p10",
        }
    }

    pub fn from_name(name: &str) -> Option<PixelFormat> {
        PixelFormat::ALL.into_iter().find(|f| f.name() == name)
    }

    /// Whether a matrix made its samples of colors: those of YUV, and of gray, which is Y alone.
    pub fn has_matrix(self) -> bool {
        self.is_yuv() || matches!(self, PixelFormat::Gray8 | PixelFormat::Gray16)
    }

    pub fn is_yuv(self) -> bool {
        matches!(
            self,
            PixelFormat::Yuv420p
                | PixelFormat::Yuv422p
                | PixelFormat::Yuv444p
                | PixelFormat::Yuv420p10
                | PixelFormat::Yuv422p10
                | PixelFormat::Yuv444p10
        )
    }

    pub fn is_gray(self) -> bool {
        matches!(self, PixelFormat::Gray8 | PixelFormat::Gray16)
    }

    /// Significant bits of one sample: 8, 10 or 16.
    pub fn bits(self) -> u32 {
        match self {
            PixelFormat::Gray16 | PixelFormat::Rgb48 => 16,
            PixelFormat::Yuv420p10 | PixelFormat::Yuv422p10 | PixelFormat::Yuv444p10 => 10,
            _ => 8,
        }
    }

    /// Bytes one sample takes: 1, or 2 with the low byte first.
    pub fn sample_bytes(self) -> usize {
        if self.bits() > 8 { 2 } else { 1 }
    }

    /// Chroma subsampling as powers of two, horizontally and vertically; (0, 0) where there is none.
    pub fn chroma_shift(self) -> (u32, u32) {
        match self {
            PixelFormat::Yuv420p | PixelFormat::Yuv420p10 => (1, 1),
            PixelFormat::Yuv422p | PixelFormat::Yuv422p10 => (1, 0),
            _ => (0, 0),
        }
    }

    pub fn plane_count(self) -> usize {
        if self.is_yuv() { 3 } else { 1 }
    }

    /// The size of plane `index` of a `width` x `height` picture. Sizes must have passed
    /// [`check_size`] before.
    pub fn plane_size(self, index: usize, width: u32, height: u32) -> Option<PlaneSize> {
        if index >= self.plane_count() {
            return None;
        }
        let channels = match self {
            PixelFormat::Rgb24 | PixelFormat::Rgb48 => 3,
            PixelFormat::Rgba => 4,
            _ => 1,
        };
        let (sx, sy) = if index == 0 { (0, 0) } else { self.chroma_shift() };
        let columns = width.div_ceil(1 << sx) as usize;
        let rows = height.div_ceil(1 << sy) as usize;
        Some(PlaneSize { row_bytes: columns * channels * self.sample_bytes(), rows })
    }

    pub fn plane_sizes(self, width: u32, height: u32) -> impl Iterator<Item = PlaneSize> {
        (0..self.plane_count()).filter_map(move |i| self.plane_size(i, width, height))
    }

    /// Bytes of a whole picture, packed.
    pub fn frame_bytes(self, width: u32, height: u32) -> usize {
        self.plane_sizes(width, height).map(PlaneSize::bytes).sum()
    }
}

impl fmt::Display for PixelFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether a picture of this size may exist: from 1 to [`MAX_SIDE`] a side and at most
/// [`MAX_PIXELS`] in all.
pub fn check_size(width: u32, height: u32) -> Result<(), String> {
    if width == 0 || height == 0 {
        return Err(format!("a picture of {width}x{height} has no samples"));
    }
    if width > MAX_SIDE || height > MAX_SIDE || u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(format!(
            "a picture of {width}x{height} is larger than filmgate takes ({MAX_SIDE} a side, {MAX_PIXELS} samples)"
        ));
    }
    Ok(())
}

/// Texts attached to a picture by plugins, by key.
pub type Tags = BTreeMap<String, String>;

/// What the decoder knew about a picture and only the encoder understands (side data, field
/// order …). It travels with the picture untouched.
pub type Baggage = Arc<dyn Any + Send + Sync>;

/// One picture. Cheap to clone: planes are shared.
#[derive(Clone)]
pub struct Frame {
    pub format: PixelFormat,
    /// samples
    pub width: u32,
    /// rows
    pub height: u32,
    /// as many as `format` has
    pub planes: Vec<Plane>,
    /// number of the source picture, from 0
    pub index: u64,
    /// nanoseconds from the start of the stream
    pub timestamp: i64,
    /// nanoseconds, above 0
    pub duration: Option<i64>,
    pub tags: Option<Box<Tags>>,
    pub baggage: Option<Baggage>,
}

impl Frame {
    /// Bytes that its planes hold, packed.
    pub fn bytes(&self) -> usize {
        self.planes.iter().map(|p| p.size().bytes()).sum()
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Frame {{ {} {}x{}, index {}, {} ns }}",
            self.format, self.width, self.height, self.index, self.timestamp
        )
    }
}

/// A fraction; `den` is above 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rational {
    pub num: i32,
    pub den: i32,
}

impl fmt::Display for Rational {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.num, self.den)
    }
}

/// How sample values mean colours, by libav's names (ISO/IEC 23091-2, H.273); empty where
/// nobody knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Color {
    /// `tv` or `pc`
    pub range: Option<String>,
    /// the matrix: `bt709`, `smpte170m` …
    pub space: Option<String>,
    pub primaries: Option<String>,
    pub transfer: Option<String>,
}

impl Color {
    /// What a screen shows, as YUV: by BT.709's matrix, or BT.601's. The primaries and the curve
    /// of sRGB are BT.709's, whatever the matrix.
    pub fn of_screen(bt709: bool, full_range: bool) -> Color {
        let some = |text: &str| Some(text.to_owned());
        Color {
            range: some(if full_range { "pc" } else { "tv" }),
            space: some(if bt709 { "bt709" } else { "smpte170m" }),
            primaries: some("bt709"),
            transfer: some("bt709"),
        }
    }
}

/// What is fixed about a stream of pictures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamInfo {
    pub format: PixelFormat,
    pub width: u32,
    pub height: u32,
    /// frames a second; none where it varies or nobody knows
    pub frame_rate: Option<Rational>,
    /// width of a sample divided by its height
    pub sample_aspect: Rational,
    pub color: Color,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plane_sizes_round_chroma_up() {
        let sizes: Vec<_> = PixelFormat::Yuv420p.plane_sizes(5, 3).collect();
        assert_eq!(sizes[0], PlaneSize { row_bytes: 5, rows: 3 });
        assert_eq!(sizes[1], PlaneSize { row_bytes: 3, rows: 2 });
        assert_eq!(
            PixelFormat::Yuv422p10.plane_size(2, 5, 3),
            Some(PlaneSize { row_bytes: 6, rows: 3 })
        );
        assert_eq!(PixelFormat::Rgb48.frame_bytes(2, 2), 24);
        assert_eq!(PixelFormat::Gray8.plane_size(1, 5, 3), None);
    }

    #[test]
    fn absurd_sizes_are_refused() {
        assert!(check_size(0, 1).is_err());
        assert!(check_size(u32::MAX, u32::MAX).is_err());
        assert!(check_size(MAX_SIDE, MAX_SIDE).is_err());
        assert!(check_size(8192, 8192).is_ok());
    }
}
