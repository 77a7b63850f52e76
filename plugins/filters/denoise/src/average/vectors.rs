//! The same on 16 bytes at a time: 16 samples of 8 bits, or 8 samples of 10.
//!
//! The division: `q15mulr(sum, y)` is `floor((sum * y + 2^14) / 2^15)`, and with y = 2^15 / N that
//! is `sum / N` rounded to the nearest, which is what the definition says, since halves cannot
//! happen for odd N. 2^15 / N is rounded up for that; the error, at most 5 * 1023 * 0.4 / 2^15 =
//! 0.06, stays below the distance of any `sum / N` from the next half, which is at least
//! 1 / 2N = 0.1.

use core::arch::wasm32::*;

use filmgate_plugin::simd::{TURN, load, store};

/// Averages whole vectors, and answers how many bytes that were.
#[target_feature(enable = "simd128")]
pub(super) fn eight<const OTHERS: usize>(
    center: &[u8],
    others: [&[u8]; OTHERS],
    threshold: u16,
    out: &mut [u8],
) -> usize {
    let limit = u8x16_splat(threshold as u8);
    turns(center, others, out, |center, others| {
        let mut low = u16x8_extend_low_u8x16(center);
        let mut high = u16x8_extend_high_u8x16(center);
        for other in others {
            let differs = v128_or(u8x16_sub_sat(other, center), u8x16_sub_sat(center, other));
            let counted = v128_bitselect(other, center, u8x16_le(differs, limit));
            low = u16x8_add(low, u16x8_extend_low_u8x16(counted));
            high = u16x8_add(high, u16x8_extend_high_u8x16(counted));
        }
        u8x16_narrow_i16x8(share::<OTHERS>(low), share::<OTHERS>(high))
    })
}

/// Averages whole vectors, and answers how many bytes that were.
#[target_feature(enable = "simd128")]
pub(super) fn ten<const OTHERS: usize>(
    center: &[u8],
    others: [&[u8]; OTHERS],
    threshold: u16,
    out: &mut [u8],
) -> usize {
    let limit = u16x8_splat(threshold);
    turns(center, others, out, |center, others| {
        let mut sum = center;
        for other in others {
            let differs = v128_or(u16x8_sub_sat(other, center), u16x8_sub_sat(center, other));
            sum = u16x8_add(sum, v128_bitselect(other, center, u16x8_le(differs, limit)));
        }
        share::<OTHERS>(sum)
    })
}

/// The sums over all pictures, divided by their number and rounded.
#[inline]
#[target_feature(enable = "simd128")]
fn share<const OTHERS: usize>(sums: v128) -> v128 {
    let share = const { (1_usize << 15).div_ceil(OTHERS + 1) as i16 };
    i16x8_q15mulr_sat(sums, i16x8_splat(share))
}

/// Runs `average` over all but what is left behind the last whole turn.
#[inline]
#[target_feature(enable = "simd128")]
fn turns<const OTHERS: usize>(
    center: &[u8],
    others: [&[u8]; OTHERS],
    out: &mut [u8],
    average: impl Fn(v128, [v128; OTHERS]) -> v128,
) -> usize {
    let center = center.as_chunks::<TURN>().0;
    let others = others.map(|samples| samples.as_chunks::<TURN>().0);
    let out = out.as_chunks_mut::<TURN>().0;
    for (turn, (out, center)) in out.iter_mut().zip(center).enumerate() {
        let others = others.map(|turns| turns[turn].as_chunks::<16>().0);
        let out = out.as_chunks_mut::<16>().0.iter_mut();
        for (i, (out, center)) in out.zip(center.as_chunks::<16>().0).enumerate() {
            store(out, average(load(center), others.map(|vectors| load(&vectors[i]))));
        }
    }
    center.len() * TURN
}
