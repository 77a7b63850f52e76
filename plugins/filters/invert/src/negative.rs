//! The samples: `out = min(max(top - in, 0), most)`, where `most` is the greatest number that a
//! sample holds, and `top` what a sample and its negative add up to.

use filmgate_plugin::{PixelFormat, rows};

/// What becomes of the samples of one plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Negative {
    /// `top` and the bits of a sample: 8, 10 or 16
    Samples { top: u32, bits: u32 },
    /// red, green and blue of 8 bits; opacity stays
    Rgba,
}

impl Negative {
    /// For plane `index`. The luma of limited range lies between black and white, 16 and 235 at 8
    /// bits (ITU-R BT.601); chroma mirrors about what stands for no colour, 128, in both ranges.
    pub(crate) fn of(format: PixelFormat, index: u32, full_range: bool) -> Negative {
        let bits = format.bits();
        let top = match (format, index) {
            (PixelFormat::Rgba, _) => return Negative::Rgba,
            (format, 0) if format.is_yuv() && !full_range => (16 + 235) << (bits - 8),
            (_, 0) => (1 << bits) - 1,
            _ => 1 << bits,
        };
        Negative::Samples { top, bits }
    }

    /// Turns all samples of a plane.
    pub(crate) fn change(self, samples: &mut [u8]) {
        let rest = self.vectors(samples);
        match self {
            Negative::Rgba => {
                for pixel in rest.as_chunks_mut::<4>().0 {
                    *pixel = [!pixel[0], !pixel[1], !pixel[2], pixel[3]];
                }
            }
            Negative::Samples { top, bits: 8 } => {
                rest.iter_mut().for_each(|s| *s = negative(top, 255, u32::from(*s)) as u8);
            }
            Negative::Samples { top, bits } => {
                let most = (1 << bits) - 1;
                rows::change16(rest, |sample| negative(top, most, sample.into()) as u16);
            }
        }
    }

    /// Does whole vectors, and answers what is left behind them.
    #[cfg(target_arch = "wasm32")]
    fn vectors(self, samples: &mut [u8]) -> &mut [u8] {
        match self {
            Negative::Rgba => vectors::rgba(samples),
            Negative::Samples { top, bits: 8 } => vectors::eight(samples, top),
            Negative::Samples { top, bits } => vectors::sixteen(samples, top, (1 << bits) - 1),
        }
    }

    /// There are vectors on WebAssembly only.
    #[cfg(not(target_arch = "wasm32"))]
    fn vectors(self, samples: &mut [u8]) -> &mut [u8] {
        samples
    }
}

/// One sample.
fn negative(top: u32, most: u32, sample: u32) -> u32 {
    top.saturating_sub(sample).min(most)
}

/// The same on 16 bytes at a time. `top` may be one more than a sample holds: that one is added
/// behind the subtraction, where it saturates.
#[cfg(target_arch = "wasm32")]
mod vectors {
    use core::arch::wasm32::*;

    use filmgate_plugin::simd;

    #[target_feature(enable = "simd128")]
    pub(super) fn eight(samples: &mut [u8], top: u32) -> &mut [u8] {
        let (most, more) = (u8x16_splat(top.min(255) as u8), u8x16_splat((top > 255) as u8));
        simd::change(samples, |v| u8x16_add_sat(u8x16_sub_sat(most, v), more))
    }

    #[target_feature(enable = "simd128")]
    pub(super) fn sixteen(samples: &mut [u8], top: u32, most: u32) -> &mut [u8] {
        let (top, most) = (u16x8_splat(top as u16), u16x8_splat(most as u16));
        simd::change(samples, |v| u16x8_min(u16x8_sub_sat(top, v), most))
    }

    #[target_feature(enable = "simd128")]
    pub(super) fn rgba(samples: &mut [u8]) -> &mut [u8] {
        let colours = u32x4_splat(0x00ff_ffff);
        simd::change(samples, |v| v128_xor(v, colours))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_wraps() {
        let luma = Negative::of(PixelFormat::Yuv420p, 0, false);
        let mut samples = [0, 16, 128, 235, 251, 252, 255];
        luma.change(&mut samples);
        assert_eq!(samples, [251, 235, 123, 16, 0, 0, 0]);
        let chroma = Negative::of(PixelFormat::Yuv420p, 1, true);
        let mut samples = [0, 1, 128, 255];
        chroma.change(&mut samples);
        assert_eq!(samples, [255, 255, 128, 1]);
    }

    #[test]
    fn every_depth_has_its_own_range() {
        let turned = |format, index, full, sample: u16| {
            let mut bytes = sample.to_le_bytes();
            Negative::of(format, index, full).change(&mut bytes);
            u16::from_le_bytes(bytes)
        };
        assert_eq!(turned(PixelFormat::Yuv420p10, 0, false, 64), 940);
        assert_eq!(turned(PixelFormat::Yuv420p10, 0, true, 64), 959);
        assert_eq!(turned(PixelFormat::Yuv420p10, 2, false, 512), 512);
        assert_eq!(turned(PixelFormat::Yuv420p10, 2, false, 0), 1023);
        assert_eq!(turned(PixelFormat::Gray16, 0, false, 1), 65534);
    }

    #[test]
    fn opacity_stays() {
        let mut samples = [0, 100, 255, 7];
        Negative::Rgba.change(&mut samples);
        assert_eq!(samples, [255, 155, 0, 7]);
    }
}
