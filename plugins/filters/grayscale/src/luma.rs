//! Luma as Pillow's `convert("L")` reckons it, ITU-R BT.601 in 16-bit fixed point, written back to
//! all three channels.

use filmgate_plugin::PixelFormat;

#[cfg(target_arch = "wasm32")]
mod vectors;

/// The share of red, in 65536ths.
const RED: u16 = 19595;
/// The share of green; twice [`HALF_GREEN`].
const GREEN: u16 = 38470;
/// Half the share of green, which fits a signed 16-bit factor.
#[cfg(target_arch = "wasm32")]
const HALF_GREEN: u16 = GREEN / 2;
/// The share of blue.
const BLUE: u16 = 7471;

// So white stays white, and 32 bits hold the sum for 16-bit samples too.
const _: () = assert!(RED as u32 + GREEN as u32 + BLUE as u32 == 1 << 16);

/// Luma of one pixel, in samples of 8 or 16 bits.
fn luma(red: u16, green: u16, blue: u16) -> u16 {
    let sum = u32::from(red) * u32::from(RED)
        + u32::from(green) * u32::from(GREEN)
        + u32::from(blue) * u32::from(BLUE);
    ((sum + 0x8000) >> 16) as u16
}

/// Sets the three colours of each pixel to its luma; alpha stays. `format` is `rgb24`, `rgba` or
/// `rgb48`.
pub(crate) fn spread(samples: &mut [u8], format: PixelFormat) {
    match format {
        PixelFormat::Rgb24 => rgb24(samples),
        PixelFormat::Rgba => rgba(samples),
        _ => spread16(samples),
    }
}

#[cfg(target_arch = "wasm32")]
use vectors::{rgb24, rgba};

#[cfg(not(target_arch = "wasm32"))]
fn rgb24(samples: &mut [u8]) {
    spread8::<3>(samples);
}

#[cfg(not(target_arch = "wasm32"))]
fn rgba(samples: &mut [u8]) {
    spread8::<4>(samples);
}

/// Pixels of `CHANNELS` bytes, red, green and blue first.
fn spread8<const CHANNELS: usize>(samples: &mut [u8]) {
    for pixel in samples.as_chunks_mut::<CHANNELS>().0 {
        let value = luma(pixel[0].into(), pixel[1].into(), pixel[2].into());
        pixel[..3].fill(value as u8);
    }
}

/// Pixels of three samples of two bytes, the low byte first.
fn spread16(samples: &mut [u8]) {
    for pixel in samples.as_chunks_mut::<6>().0 {
        let [r0, r1, g0, g1, b0, b1] = *pixel;
        let at = |low, high| u16::from_le_bytes([low, high]);
        let [low, high] = luma(at(r0, r1), at(g0, g1), at(b0, b1)).to_le_bytes();
        *pixel = [low, high, low, high, low, high];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luma_is_pillows() {
        // From Image.new("RGB", (1, 1), colour).convert("L").
        for (colour, expected) in [
            ([255, 255, 255], 255),
            ([255, 0, 0], 76),
            ([0, 255, 0], 150),
            ([0, 0, 255], 29),
            ([1, 2, 3], 2),
            ([200, 100, 50], 124),
        ] {
            let mut pixel = colour;
            rgb24(&mut pixel);
            assert_eq!(pixel, [expected; 3]);
        }
    }

    #[test]
    fn alpha_stays() {
        let mut pixels = [255, 0, 0, 7, 0, 0, 255, 200];
        rgba(&mut pixels);
        assert_eq!(pixels, [76, 76, 76, 7, 29, 29, 29, 200]);
    }

    #[test]
    fn white_is_white_at_16_bits() {
        let mut pixels = [0xff; 6];
        spread16(&mut pixels);
        assert_eq!(pixels, [0xff; 6]);
        let mut red = [0xff, 0xff, 0, 0, 0, 0];
        spread16(&mut red);
        let expected = ((65535_u64 * 19595 + 0x8000) >> 16) as u16;
        assert_eq!(u16::from_le_bytes([red[4], red[5]]), expected);
    }
}
