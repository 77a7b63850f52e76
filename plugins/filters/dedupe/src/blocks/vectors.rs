//! The same on 16 bytes at a time, four rows of both pictures a turn.
//!
//! The 16 rows of a block fit 16 bits a lane: at 8 bits 16 rows * 2 samples * 4 vectors * 255 =
//! 32640, at 10 bits 16 rows * 2 vectors * 1023 = 32736. Samples of 16 bits are summed in 32.

use core::arch::wasm32::*;

use filmgate_plugin::simd::{load, store};

/// Rows that a turn takes.
const ROWS: usize = 4;

/// One sample a byte; a block is `VECTORS` vectors wide.
#[target_feature(enable = "simd128")]
pub(super) fn eight<const VECTORS: usize>(
    old: &[u8],
    new: &[u8],
    row_bytes: usize,
    blocks: usize,
    sums: &mut Vec<u32>,
) {
    let mut lanes = vec![[0; 16]; blocks];
    strip::<VECTORS>(old, new, row_bytes, &mut lanes, |sum, old, new| {
        let differs = v128_or(u8x16_sub_sat(old, new), u8x16_sub_sat(new, old));
        u16x8_add(sum, u16x8_extadd_pairwise_u8x16(differs))
    });
    sums.extend(lanes.iter().map(|lanes| total(u32x4_extadd_pairwise_u16x8(load(lanes)))));
}

/// One sample of 10 bits in two bytes.
#[target_feature(enable = "simd128")]
pub(super) fn ten(old: &[u8], new: &[u8], row_bytes: usize, blocks: usize, sums: &mut Vec<u32>) {
    let mut lanes = vec![[0; 16]; blocks];
    strip::<2>(old, new, row_bytes, &mut lanes, |sum, old, new| {
        u16x8_add(sum, differs16(old, new))
    });
    sums.extend(lanes.iter().map(|lanes| total(u32x4_extadd_pairwise_u16x8(load(lanes)))));
}

/// Samples of 16 bits.
#[target_feature(enable = "simd128")]
pub(super) fn sixteen<const VECTORS: usize>(
    old: &[u8],
    new: &[u8],
    row_bytes: usize,
    blocks: usize,
    sums: &mut Vec<u32>,
) {
    let mut lanes = vec![[0; 16]; blocks];
    strip::<VECTORS>(old, new, row_bytes, &mut lanes, |sum, old, new| {
        u32x4_add(sum, u32x4_extadd_pairwise_u16x8(differs16(old, new)))
    });
    sums.extend(lanes.iter().map(|lanes| total(load(lanes))));
}

/// Adds the rows of a strip to the lanes of their blocks.
#[inline]
#[target_feature(enable = "simd128")]
fn strip<const VECTORS: usize>(
    old: &[u8],
    new: &[u8],
    row_bytes: usize,
    lanes: &mut [[u8; 16]],
    add: impl Fn(v128, v128, v128) -> v128,
) {
    let mut groups = old.chunks_exact(ROWS * row_bytes);
    let mut new_groups = new.chunks_exact(ROWS * row_bytes);
    for (old, new) in groups.by_ref().zip(new_groups.by_ref()) {
        rows::<VECTORS, ROWS>(old, new, row_bytes, lanes, &add);
    }
    let rest = groups.remainder().chunks_exact(row_bytes);
    for (old, new) in rest.zip(new_groups.remainder().chunks_exact(row_bytes)) {
        rows::<VECTORS, 1>(old, new, row_bytes, lanes, &add);
    }
}

/// Adds so many rows at once.
#[inline]
#[target_feature(enable = "simd128")]
fn rows<const VECTORS: usize, const ROWS: usize>(
    old: &[u8],
    new: &[u8],
    row_bytes: usize,
    lanes: &mut [[u8; 16]],
    add: &impl Fn(v128, v128, v128) -> v128,
) {
    // All of one known length, so that the index is checked once.
    let vectors = lanes.len() * VECTORS;
    let row = |plane, i| -> &[[u8; 16]] {
        let plane: &[u8] = plane;
        &plane[i * row_bytes..].as_chunks::<16>().0[..vectors]
    };
    let old: [&[[u8; 16]]; ROWS] = std::array::from_fn(|i| row(old, i));
    let new: [&[[u8; 16]]; ROWS] = std::array::from_fn(|i| row(new, i));
    for (block, lanes) in lanes.iter_mut().enumerate() {
        let mut sum = load(lanes);
        for vector in block * VECTORS..(block + 1) * VECTORS {
            for i in 0..ROWS {
                sum = add(sum, load(&old[i][vector]), load(&new[i][vector]));
            }
        }
        store(lanes, sum);
    }
}

#[inline]
#[target_feature(enable = "simd128")]
fn differs16(old: v128, new: v128) -> v128 {
    v128_or(u16x8_sub_sat(old, new), u16x8_sub_sat(new, old))
}

/// All four lanes together.
#[inline]
#[target_feature(enable = "simd128")]
fn total(lanes: v128) -> u32 {
    u32x4_extract_lane::<0>(lanes)
        + u32x4_extract_lane::<1>(lanes)
        + u32x4_extract_lane::<2>(lanes)
        + u32x4_extract_lane::<3>(lanes)
}
