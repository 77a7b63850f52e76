//! The same on 16 bytes at a time: 16 samples of 8 bits, or 8 samples of 10.
//!
//! At 8 bits, with the amount p = 100 k + f, `floor(d * p / 100)` is `d * k + floor(d * f / 100)`,
//! and the last part `q15mulr(d * f, 20971) >> 6`, which a test tries for every d and f. At 10
//! bits it is reckoned in binary32, which is exact there.

use core::arch::wasm32::*;

use filmgate_plugin::eight_times;
use filmgate_plugin::simd::{TURN, load, store};

/// Sharpens whole turns, and answers how many bytes that were.
#[target_feature(enable = "simd128")]
pub(super) fn eight(samples: &mut [u8], soft: &[u8], amount: u32, threshold: u32) -> usize {
    let (whole, part) = (u16x8_splat((amount / 100) as u16), u16x8_splat((amount % 100) as u16));
    let limit = u8x16_splat(threshold as u8);
    let share = |differs: v128| {
        let hundredths = i16x8_q15mulr_sat(i16x8_mul(differs, part), i16x8_splat(20971));
        i16x8_add(i16x8_mul(differs, whole), u16x8_shr(hundredths, 6))
    };
    turns(samples, soft, |sample, soft| {
        let differs = v128_or(u8x16_sub_sat(sample, soft), u8x16_sub_sat(soft, sample));
        let low = share(u16x8_extend_low_u8x16(differs));
        let high = share(u16x8_extend_high_u8x16(differs));
        let more = v128_and(u8x16_narrow_i16x8(low, high), u8x16_gt(differs, limit));
        let (up, down) = (u8x16_add_sat(sample, more), u8x16_sub_sat(sample, more));
        v128_bitselect(up, down, u8x16_ge(sample, soft))
    })
}

/// Sharpens whole turns, and answers how many bytes that were.
#[target_feature(enable = "simd128")]
pub(super) fn ten(samples: &mut [u8], soft: &[u8], amount: u32, threshold: u32) -> usize {
    let amount = f32x4_splat(amount as f32);
    let limit = u16x8_splat(threshold as u16);
    // 2^23 more, and the whole number is in the low bits.
    let share = |differs: v128| {
        let more = f32x4_mul(f32x4_convert_u32x4(differs), amount);
        let more = f32x4_floor(f32x4_div(more, f32x4_splat(100.0)));
        v128_and(f32x4_add(more, f32x4_splat(8_388_608.0)), u32x4_splat(0x7fff))
    };
    turns(samples, soft, |sample, soft| {
        let differs = v128_or(u16x8_sub_sat(sample, soft), u16x8_sub_sat(soft, sample));
        let low = share(u32x4_extend_low_u16x8(differs));
        let high = share(u32x4_extend_high_u16x8(differs));
        let more = v128_and(u16x8_narrow_i32x4(low, high), u16x8_gt(differs, limit));
        let up = u16x8_min(u16x8_add(sample, more), u16x8_splat(1023));
        v128_bitselect(up, u16x8_sub_sat(sample, more), u16x8_ge(sample, soft))
    })
}

/// Runs `sharper` over all but what is left behind the last whole turn.
#[inline]
#[target_feature(enable = "simd128")]
fn turns(samples: &mut [u8], soft: &[u8], sharper: impl Fn(v128, v128) -> v128) -> usize {
    let samples = samples.as_chunks_mut::<TURN>().0;
    for (samples, soft) in samples.iter_mut().zip(soft.as_chunks::<TURN>().0) {
        let (samples, soft) = (samples.as_chunks_mut::<16>().0, soft.as_chunks::<16>().0);
        eight_times!(i => {
            let vector = sharper(load(&samples[i]), load(&soft[i]));
            store(&mut samples[i], vector);
        });
    }
    samples.len() * TURN
}
