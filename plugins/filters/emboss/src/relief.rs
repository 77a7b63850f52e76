//! The pixels: `out(x, y) = clamp(in(x, y) - in(x - 1, y + 1) + bias)`, each channel by itself, the
//! outermost pixels as they were.
//!
//! It works in place, from the top: a row needs itself and the row below, which is still untouched.

use filmgate_plugin::{Band, PixelFormat, PlaneLayout, rows};

#[cfg(target_arch = "wasm32")]
mod vectors;

/// How samples are stored and clamped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// one byte
    Eight,
    /// two bytes, of which the low 10 bits count
    Ten,
    /// two bytes
    Sixteen,
}

impl Depth {
    pub(crate) fn of(format: PixelFormat) -> Depth {
        match format.bits() {
            8 => Depth::Eight,
            10 => Depth::Ten,
            _ => Depth::Sixteen,
        }
    }
}

/// Embosses a band of a plane of at least three columns and rows, with the row below it.
pub(crate) fn emboss(band: Band<'_>, plane: &PlaneLayout, depth: Depth) {
    let row_bytes = plane.row_bytes();
    let pixel = plane.pixel_bytes();
    // All rows but the plane's first; its last is only ever the row below.
    let first = if band.first == 0 { row_bytes } else { 0 };
    rows::with_row_below(&mut band.samples[first..], row_bytes, |row, below| {
        let inner = &mut row[pixel..row_bytes - pixel];
        relief(inner, &below[..row_bytes - 2 * pixel], depth);
    });
}

/// `light - shade + bias`, clamped, sample by sample, into `light`. Both are of one length.
#[cfg(target_arch = "wasm32")]
fn relief(light: &mut [u8], shade: &[u8], depth: Depth) {
    match depth {
        Depth::Eight => vectors::eight(light, shade),
        Depth::Ten => vectors::ten(light, shade),
        Depth::Sixteen => vectors::sixteen(light, shade),
    }
}

/// `light - shade + bias`, clamped, sample by sample, into `light`. Both are of one length.
#[cfg(not(target_arch = "wasm32"))]
fn relief(light: &mut [u8], shade: &[u8], depth: Depth) {
    scalar(light, shade, depth);
}

/// [`relief`] one sample at a time.
fn scalar(light: &mut [u8], shade: &[u8], depth: Depth) {
    let clamped = |light: u16, shade: u16, bias: i32, most: i32| {
        (i32::from(light) - i32::from(shade) + bias).clamp(0, most)
    };
    if depth == Depth::Eight {
        for (light, shade) in light.iter_mut().zip(shade) {
            *light = clamped((*light).into(), (*shade).into(), 128, 255) as u8;
        }
        return;
    }
    let (bias, most) = if depth == Depth::Ten { (512, 1023) } else { (32768, 65535) };
    let mut shade = rows::samples16(shade);
    rows::change16(light, |light| match shade.next() {
        Some(shade) => clamped(light, shade, bias, most) as u16,
        None => light,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, pixel by pixel, on samples of any depth.
    fn defined(samples: &[i32], plane: &PlaneLayout, bias: i32, most: i32) -> Vec<i32> {
        let at = |x: usize, y: usize, c: usize| (y * plane.columns + x) * plane.channels + c;
        let mut out = samples.to_vec();
        for y in 1..plane.rows - 1 {
            for x in 1..plane.columns - 1 {
                for c in 0..plane.channels {
                    let relief = samples[at(x, y, c)] - samples[at(x - 1, y + 1, c)] + bias;
                    out[at(x, y, c)] = relief.clamp(0, most);
                }
            }
        }
        out
    }

    /// Samples from 0 to `most` without an obvious pattern, the extremes among them.
    fn noise(count: usize, most: i32) -> Vec<i32> {
        let mut state = 7_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            match state >> 29 {
                0 => 0,
                1 => most,
                _ => (state >> 8) as i32 % (most + 1),
            }
        };
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn it_is_what_the_definition_says() {
        for (depth, sample_bytes, bias, most) in [
            (Depth::Eight, 1, 128, 255),
            (Depth::Ten, 2, 512, 1023),
            (Depth::Sixteen, 2, 32768, 65535),
        ] {
            for (columns, rows, channels) in [(3, 3, 1), (17, 5, 3), (130, 4, 4), (64, 9, 1)] {
                let plane = PlaneLayout { columns, rows, channels, sample_bytes };
                let samples = noise(columns * rows * channels, most);
                let pack = |samples: &[i32]| -> Vec<u8> {
                    samples.iter().flat_map(|s| s.to_le_bytes()[..sample_bytes].to_vec()).collect()
                };
                let wanted = pack(&defined(&samples, &plane, bias, most));
                let mut bytes = pack(&samples);
                emboss(Band { first: 0, rows, samples: &mut bytes }, &plane, depth);
                assert_eq!(bytes, wanted, "{plane:?}");
                // In two bands, the first with a row that it only looks at.
                let row_bytes = plane.row_bytes();
                let (mut top, mut rest) = (pack(&samples), pack(&samples).split_off(row_bytes));
                top.truncate(2 * row_bytes);
                emboss(Band { first: 0, rows: 1, samples: &mut top }, &plane, depth);
                emboss(Band { first: 1, rows: rows - 1, samples: &mut rest }, &plane, depth);
                assert_eq!([&top[..row_bytes], &rest].concat(), wanted, "{plane:?} in bands");
            }
        }
    }
}
