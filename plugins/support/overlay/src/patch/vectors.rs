//! The same on 16 bytes at a time.

use core::arch::wasm32::*;

use super::{scalar8, scalar16};
use filmgate_plugin::simd::{load, store};

/// Bytes of the frame that a turn does, beside twice as many of what is added and those that say
/// how much is kept.
const TURN: usize = 64;

macro_rules! blend {
    ($name:ident, $scalar:ident, $vector:ident, $keep:literal) => {
        #[target_feature(enable = "simd128")]
        pub(super) fn $name(row: &mut [u8], keep: &[u8], add: &[u8]) {
            const SAMPLES: usize = TURN / 16 * $keep;
            let (turns, row) = row.as_chunks_mut::<TURN>();
            let (keep_turns, keep) = keep.as_chunks::<SAMPLES>();
            let (add_turns, add) = add.as_chunks::<{ 2 * TURN }>();
            for ((row, keep), add) in turns.iter_mut().zip(keep_turns).zip(add_turns) {
                let keep = keep.as_chunks::<$keep>().0;
                let add = add.as_chunks::<32>().0;
                for ((row, keep), add) in row.as_chunks_mut::<16>().0.iter_mut().zip(keep).zip(add)
                {
                    $vector(row, keep, add);
                }
            }
            let (vectors, row) = row.as_chunks_mut::<16>();
            let (keep_vectors, keep) = keep.as_chunks::<$keep>();
            let (add_vectors, add) = add.as_chunks::<32>();
            for ((row, keep), add) in vectors.iter_mut().zip(keep_vectors).zip(add_vectors) {
                $vector(row, keep, add);
            }
            $scalar(row, keep, add);
        }
    };
}

blend!(blend8, scalar8, vector8, 16);
blend!(blend16, scalar16, vector16, 8);

#[inline]
#[target_feature(enable = "simd128")]
fn vector8(row: &mut [u8; 16], keep: &[u8; 16], add: &[u8; 32]) {
    let (samples, keep) = (load(row), load(keep));
    let (add, more) = halves(add);
    let low = u16x8_add(add, u16x8_extmul_low_u8x16(samples, keep));
    let high = u16x8_add(more, u16x8_extmul_high_u8x16(samples, keep));
    // At most 255, which the signed narrowing takes as it is.
    store(row, u8x16_narrow_i16x8(share8(low), share8(high)));
}

#[inline]
#[target_feature(enable = "simd128")]
fn share8(sum: v128) -> v128 {
    u16x8_shr(u16x8_add(sum, u16x8_shr(sum, 8)), 8)
}

#[inline]
#[target_feature(enable = "simd128")]
fn vector16(row: &mut [u8; 16], keep: &[u8; 8], add: &[u8; 32]) {
    let mut wide = [0; 16];
    wide[..8].copy_from_slice(keep);
    let (samples, keep) = (load(row), u16x8_extend_low_u8x16(load(&wide)));
    let (add, more) = halves(add);
    let low = u32x4_add(add, u32x4_extmul_low_u16x8(samples, keep));
    let high = u32x4_add(more, u32x4_extmul_high_u16x8(samples, keep));
    // The low halves of the eight lanes; the high ones are 0.
    store(
        row,
        u8x16_shuffle::<0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 25, 28, 29>(
            share16(low),
            share16(high),
        ),
    );
}

#[inline]
#[target_feature(enable = "simd128")]
fn share16(sum: v128) -> v128 {
    u32x4_shr(u32x4_add(sum, u32x4_shr(u32x4_add(sum, u32x4_shr(sum, 8)), 8)), 8)
}

/// The two vectors of 32 bytes.
#[inline]
#[target_feature(enable = "simd128")]
fn halves(bytes: &[u8; 32]) -> (v128, v128) {
    let (vectors, _) = bytes.as_chunks::<16>();
    (load(&vectors[0]), load(&vectors[1]))
}
