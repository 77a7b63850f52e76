//! The same on 16 pixels (RGB) or 4 pixels (RGBA) at a time.
//!
//! A dot product multiplies pairs of signed 16-bit numbers and adds them up in 32 bits. The share
//! of green is too large for that, so green takes part twice, with half its share:
//! `(red, green) · (RED, HALF_GREEN) + (green, blue) · (HALF_GREEN, BLUE)`. Nothing is rounded on
//! the way.

use core::arch::wasm32::*;

use super::{BLUE, HALF_GREEN, RED, spread8};
use filmgate_plugin::simd::{TURN, load, store};

/// Sixteen RGB pixels.
const STEP: usize = 48;
/// Four times that a turn.
const RGB_TURN: usize = 4 * STEP;
/// In a shuffle with zeros behind, any byte of these.
const Z: usize = 16;

#[target_feature(enable = "simd128")]
pub(super) fn rgb24(samples: &mut [u8]) {
    let (turns, rest) = samples.as_chunks_mut::<RGB_TURN>();
    for turn in turns {
        for pixels in turn.as_chunks_mut::<STEP>().0 {
            rgb_step(pixels);
        }
    }
    let (steps, rest) = rest.as_chunks_mut::<STEP>();
    for pixels in steps {
        rgb_step(pixels);
    }
    spread8::<3>(rest);
}

#[inline]
#[target_feature(enable = "simd128")]
fn rgb_step(pixels: &mut [u8; STEP]) {
    let first = rgb_luma(from::<0>(pixels));
    let second = rgb_luma(from::<12>(pixels));
    let third = rgb_luma(from::<24>(pixels));
    // The last four pixels end with the step: they are the upper part of its last vector.
    let end = from::<32>(pixels);
    let end = u8x16_shuffle::<4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 0, 0, 0>(end, end);
    let fourth = rgb_luma(end);
    let luma =
        u8x16_narrow_i16x8(u16x8_narrow_i32x4(first, second), u16x8_narrow_i32x4(third, fourth));
    let thrice = [
        u8x16_shuffle::<0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5>(luma, luma),
        u8x16_shuffle::<5, 5, 6, 6, 6, 7, 7, 7, 8, 8, 8, 9, 9, 9, 10, 10>(luma, luma),
        u8x16_shuffle::<10, 11, 11, 11, 12, 12, 12, 13, 13, 13, 14, 14, 14, 15, 15, 15>(luma, luma),
    ];
    for (bytes, vector) in pixels.as_chunks_mut::<16>().0.iter_mut().zip(thrice) {
        store(bytes, vector);
    }
}

/// The vector that starts at byte `AT`, which is at most 32.
#[inline]
#[target_feature(enable = "simd128")]
fn from<const AT: usize>(pixels: &[u8; STEP]) -> v128 {
    const { assert!(AT + 16 <= STEP) };
    match pixels[AT..].first_chunk() {
        Some(bytes) => load(bytes),
        None => u8x16_splat(0),
    }
}

/// Luma of the four pixels in the first twelve bytes, in 32 bits each.
#[inline]
#[target_feature(enable = "simd128")]
fn rgb_luma(pixels: v128) -> v128 {
    let zero = u8x16_splat(0);
    luma(
        u8x16_shuffle::<0, Z, 1, Z, 3, Z, 4, Z, 6, Z, 7, Z, 9, Z, 10, Z>(pixels, zero),
        u8x16_shuffle::<1, Z, 2, Z, 4, Z, 5, Z, 7, Z, 8, Z, 10, Z, 11, Z>(pixels, zero),
    )
}

#[target_feature(enable = "simd128")]
pub(super) fn rgba(samples: &mut [u8]) {
    let (turns, rest) = samples.as_chunks_mut::<TURN>();
    for turn in turns {
        for pixels in turn.as_chunks_mut::<16>().0 {
            rgba_step(pixels);
        }
    }
    let (steps, rest) = rest.as_chunks_mut::<16>();
    for pixels in steps {
        rgba_step(pixels);
    }
    spread8::<4>(rest);
}

#[inline]
#[target_feature(enable = "simd128")]
fn rgba_step(bytes: &mut [u8; 16]) {
    let pixels = load(bytes);
    let zero = u8x16_splat(0);
    let luma = luma(
        u8x16_shuffle::<0, Z, 1, Z, 4, Z, 5, Z, 8, Z, 9, Z, 12, Z, 13, Z>(pixels, zero),
        u8x16_shuffle::<1, Z, 2, Z, 5, Z, 6, Z, 9, Z, 10, Z, 13, Z, 14, Z>(pixels, zero),
    );
    let thrice = u8x16_shuffle::<0, 0, 0, 3, 4, 4, 4, 7, 8, 8, 8, 11, 12, 12, 12, 15>(luma, luma);
    store(bytes, v128_bitselect(pixels, thrice, u32x4_splat(0xff00_0000)));
}

/// Luma of four pixels from their red and green, and green and blue, in 16 bits each.
#[inline]
#[target_feature(enable = "simd128")]
fn luma(red_green: v128, green_blue: v128) -> v128 {
    let (red, green, blue) = (RED as i16, HALF_GREEN as i16, BLUE as i16);
    let first = i32x4_dot_i16x8(red_green, i16x8(red, green, red, green, red, green, red, green));
    let second =
        i32x4_dot_i16x8(green_blue, i16x8(green, blue, green, blue, green, blue, green, blue));
    let sum = i32x4_add(i32x4_add(first, second), i32x4_splat(0x8000));
    u32x4_shr(sum, 16)
}
