//! The same on 16 bytes at a time. Sums of one turn fit 16 bits a lane (8 and 10 bits a sample),
//! those of one stretch 32.

use core::arch::wasm32::*;

use super::scalar;
use filmgate_plugin::simd::{TURN, load};

/// Bytes after which the sums of 32 bits are emptied: at 16 bits a sample a turn adds at most
/// 8 * 2 * 65535 to a lane, and 2048 turns stay below 2^32.
const STRETCH: usize = 2048 * TURN;

macro_rules! sum {
    ($name:ident, $bits:literal, $turn:ident) => {
        #[target_feature(enable = "simd128")]
        pub(super) fn $name(old: &[u8], new: &[u8]) -> u64 {
            let mut sum = 0;
            for (old, new) in old.chunks(STRETCH).zip(new.chunks(STRETCH)) {
                let (old_turns, old_rest) = old.as_chunks::<TURN>();
                let (new_turns, new_rest) = new.as_chunks::<TURN>();
                let mut lanes = u32x4_splat(0);
                for (old, new) in old_turns.iter().zip(new_turns) {
                    lanes = u32x4_add(lanes, $turn(old, new));
                }
                sum += total(lanes) + scalar(old_rest, new_rest, $bits);
            }
            sum
        }
    };
}

sum!(eight, 8, turn8);
sum!(ten, 10, turn10);
sum!(sixteen, 16, turn16);

#[inline]
#[target_feature(enable = "simd128")]
fn turn8(old: &[u8; TURN], new: &[u8; TURN]) -> v128 {
    let mut sum = u16x8_splat(0);
    for (old, new) in old.as_chunks::<16>().0.iter().zip(new.as_chunks::<16>().0) {
        let (old, new) = (load(old), load(new));
        let differs = v128_or(u8x16_sub_sat(old, new), u8x16_sub_sat(new, old));
        sum = u16x8_add(sum, u16x8_extadd_pairwise_u8x16(differs));
    }
    u32x4_extadd_pairwise_u16x8(sum)
}

#[inline]
#[target_feature(enable = "simd128")]
fn turn10(old: &[u8; TURN], new: &[u8; TURN]) -> v128 {
    let mut sum = u16x8_splat(0);
    for (old, new) in old.as_chunks::<16>().0.iter().zip(new.as_chunks::<16>().0) {
        sum = u16x8_add(sum, differs16(load(old), load(new)));
    }
    u32x4_extadd_pairwise_u16x8(sum)
}

#[inline]
#[target_feature(enable = "simd128")]
fn turn16(old: &[u8; TURN], new: &[u8; TURN]) -> v128 {
    let mut sum = u32x4_splat(0);
    for (old, new) in old.as_chunks::<16>().0.iter().zip(new.as_chunks::<16>().0) {
        sum = u32x4_add(sum, u32x4_extadd_pairwise_u16x8(differs16(load(old), load(new))));
    }
    sum
}

#[inline]
#[target_feature(enable = "simd128")]
fn differs16(old: v128, new: v128) -> v128 {
    v128_or(u16x8_sub_sat(old, new), u16x8_sub_sat(new, old))
}

/// All four lanes together.
#[target_feature(enable = "simd128")]
fn total(lanes: v128) -> u64 {
    [
        u32x4_extract_lane::<0>(lanes),
        u32x4_extract_lane::<1>(lanes),
        u32x4_extract_lane::<2>(lanes),
        u32x4_extract_lane::<3>(lanes),
    ]
    .map(u64::from)
    .iter()
    .sum()
}
