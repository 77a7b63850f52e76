//! The samples. With black b, the light m in 2^15ths and a sample v,
//! `out = b + floor(((v - b) * m + 2^14) / 2^15)`.

use filmgate_plugin::PixelFormat;

use crate::light::{FULL, Light};

#[cfg(target_arch = "wasm32")]
mod vectors;

/// How samples are stored, and what is without light.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Black {
    bits: u32,
    channels: usize,
    luma: u16,
    chroma: u16,
}

impl Black {
    /// The luma of `range` `pc`, and everything that is no YUV, begins at 0; all other luma at 16,
    /// which is what FFmpeg takes for granted where nobody knows.
    pub(crate) fn of(format: PixelFormat, range: Option<&str>) -> Black {
        let scale = 1 << (format.bits() - 8);
        let limited = format.is_yuv() && range != Some("pc");
        Black {
            bits: format.bits(),
            channels: format.channels(),
            luma: if limited { 16 * scale } else { 0 },
            chroma: 128 * scale,
        }
    }
}

/// Shades a packed plane, from the outside in, two rows at a time.
pub(crate) fn shade(samples: &mut [u8], light: &Light, black: Black, chroma: bool) {
    let level = if chroma { black.chroma } else { black.luma };
    let row_bytes = samples.len() / light.rows;
    let (upper, lower) = samples.split_at_mut(light.rows / 2 * row_bytes);
    let lights = |y: usize| Lights::of(light.row(y), black.channels);
    let mut wide = Vec::new();
    let middle = light.rows % 2;
    let mut rows = upper.chunks_exact_mut(row_bytes);
    let mut opposite = lower[middle * row_bytes..].chunks_exact_mut(row_bytes).rev();
    for y in 0..light.rows / 2 {
        let row = lights(y).for_samples(&mut wide);
        for samples in [rows.next(), opposite.next()].into_iter().flatten() {
            shade_row(samples, row, level, black.bits);
        }
    }
    if middle == 1 {
        let row = lights(light.rows / 2).for_samples(&mut wide);
        shade_row(&mut lower[..row_bytes], row, level, black.bits);
    }
}

/// The light of a row of pixels, of which each has some samples.
struct Lights<'a> {
    pixels: &'a [u8],
    channels: usize,
}

impl<'a> Lights<'a> {
    fn of(pixels: &'a [u8], channels: usize) -> Lights<'a> {
        Lights { pixels, channels }
    }

    /// The light of each sample; a fourth one, alpha, keeps all of it.
    fn for_samples(&self, wide: &'a mut Vec<u8>) -> &'a [u8] {
        if self.channels == 1 {
            return self.pixels;
        }
        wide.clear();
        let [low, high] = FULL.to_le_bytes();
        for [a, b] in self.pixels.as_chunks::<2>().0 {
            match self.channels {
                3 => wide.extend_from_slice(&[*a, *b, *a, *b, *a, *b]),
                _ => wide.extend_from_slice(&[*a, *b, *a, *b, *a, *b, low, high]),
            }
        }
        wide
    }
}

/// One row; `lights` has two bytes a sample.
fn shade_row(samples: &mut [u8], lights: &[u8], black: u16, bits: u32) {
    let lights = lights.as_chunks::<2>().0;
    let done = vectors(samples, lights, black, bits);
    if bits == 8 {
        for (sample, light) in samples[done..].iter_mut().zip(&lights[done..]) {
            *sample = shaded((*sample).into(), *light, black) as u8;
        }
        return;
    }
    let samples = samples.as_chunks_mut::<2>().0;
    for (sample, light) in samples[done..].iter_mut().zip(&lights[done..]) {
        *sample = shaded(u16::from_le_bytes(*sample), *light, black).to_le_bytes();
    }
}

/// One sample.
fn shaded(sample: u16, light: [u8; 2], black: u16) -> u16 {
    let light = i16::from_le_bytes(light);
    if light == FULL {
        return sample;
    }
    // It fits: 65535 * 2^15 + 2^14 is less than 2^31.
    let above = i32::from(sample) - i32::from(black);
    (i32::from(black) + ((above * i32::from(light) + (1 << 14)) >> 15)) as u16
}

/// Does as much as can be done in vectors, and answers how many samples that were.
#[cfg(target_arch = "wasm32")]
fn vectors(samples: &mut [u8], lights: &[[u8; 2]], black: u16, bits: u32) -> usize {
    match bits {
        8 => vectors::eight(samples, lights.as_flattened(), black),
        10 => vectors::ten(samples, lights.as_flattened(), black),
        _ => 0,
    }
}

/// There are vectors on WebAssembly only.
#[cfg(not(target_arch = "wasm32"))]
fn vectors(_: &mut [u8], _: &[[u8; 2]], _: u16, _: u32) -> usize {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn black_stays_and_full_light_too() {
        let half = 16384_i16.to_le_bytes();
        assert_eq!((shaded(16, half, 16), shaded(216, half, 16)), (16, 116));
        // Below black, and blue: what is negative comes nearer too.
        assert_eq!((shaded(0, half, 16), shaded(28, half, 128)), (8, 78));
        assert_eq!(shaded(65535, FULL.to_le_bytes(), 0), 65535);
        assert_eq!(shaded(65535, 32766_i16.to_le_bytes(), 0), 65531);
    }

    /// What vectors do where the light is full, on all samples they see.
    #[test]
    fn full_light_changes_nothing_in_vectors() {
        for above in -1023..=1023_i32 {
            assert_eq!((above * i32::from(FULL) + (1 << 14)) >> 15, above);
        }
    }

    #[test]
    fn alpha_keeps_its_light() {
        let light = Light::new(2, 1, 0, 0, 1.0, 1.0);
        let mut samples = [200; 8];
        shade(&mut samples, &light, Black::of(PixelFormat::Rgba, None), false);
        assert_eq!((samples[3], samples[7]), (200, 200));
        assert!(samples[0] < 150 && samples[0] == samples[6], "{samples:?}");
    }

    #[test]
    fn black_follows_the_range() {
        let luma = |format, range| Black::of(format, range).luma;
        assert_eq!(luma(PixelFormat::Yuv420p, None), 16);
        assert_eq!(luma(PixelFormat::Yuv420p10, Some("tv")), 64);
        assert_eq!(luma(PixelFormat::Yuv420p, Some("pc")), 0);
        assert_eq!(luma(PixelFormat::Gray8, None), 0);
    }
}
