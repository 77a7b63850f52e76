//! The same on 16 bytes at a time.
//!
//! For 8 and 16 bits, `clamp(a - b + bias)` is one saturating subtraction of signed numbers: with
//! its top bit flipped, an unsigned sample becomes the signed number `sample - bias`; the
//! difference of two of these is `a - b`, saturated to `-bias ..= bias - 1`; flipping the top bit
//! back adds the bias. For 10 bits there is room to add the bias first.

use core::arch::wasm32::*;

use super::{Depth, scalar};
use filmgate_plugin::simd::{TURN, load, store};

macro_rules! relief {
    ($name:ident, $depth:expr, $vector:ident) => {
        #[target_feature(enable = "simd128")]
        pub(super) fn $name(light: &mut [u8], shade: &[u8]) {
            let Some(last) = light.last_chunk::<16>().zip(shade.last_chunk::<16>()) else {
                return scalar(light, shade, $depth);
            };
            // Rows are rarely a multiple of 16 bytes. What is left over is done as the row's last
            // 16 bytes, reckoned before the loop overwrites some of them with the same values.
            let last = $vector(load(last.0), load(last.1));

            let (light_turns, light_rest) = light.as_chunks_mut::<TURN>();
            let (shade_turns, shade_rest) = shade.as_chunks::<TURN>();
            for (light, shade) in light_turns.iter_mut().zip(shade_turns) {
                // Eight turns, known to the compiler, which unrolls them.
                let light = light.as_chunks_mut::<16>().0.iter_mut();
                for (light, shade) in light.zip(shade.as_chunks::<16>().0) {
                    let relief = $vector(load(light), load(shade));
                    store(light, relief);
                }
            }
            let rest = light_rest.as_chunks_mut::<16>().0.iter_mut();
            for (light, shade) in rest.zip(shade_rest.as_chunks::<16>().0) {
                let relief = $vector(load(light), load(shade));
                store(light, relief);
            }

            if let Some(end) = light.last_chunk_mut::<16>() {
                store(end, last);
            }
        }
    };
}

relief!(eight, Depth::Eight, vector8);
relief!(ten, Depth::Ten, vector10);
relief!(sixteen, Depth::Sixteen, vector16);

#[inline]
#[target_feature(enable = "simd128")]
fn vector8(light: v128, shade: v128) -> v128 {
    let top = u8x16_splat(0x80);
    v128_xor(i8x16_sub_sat(v128_xor(light, top), v128_xor(shade, top)), top)
}

#[inline]
#[target_feature(enable = "simd128")]
fn vector10(light: v128, shade: v128) -> v128 {
    u16x8_min(u16x8_sub_sat(u16x8_add_sat(light, u16x8_splat(512)), shade), u16x8_splat(1023))
}

#[inline]
#[target_feature(enable = "simd128")]
fn vector16(light: v128, shade: v128) -> v128 {
    let top = u16x8_splat(0x8000);
    v128_xor(i16x8_sub_sat(v128_xor(light, top), v128_xor(shade, top)), top)
}
