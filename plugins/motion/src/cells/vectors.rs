//! The same on 16 bytes at a time, eight rows a turn.
//!
//! The 16 rows of a unit fit 16 bits a lane: at 8 bits 16 rows * 2 samples * 4 vectors * 255 =
//! 32640, at 10 bits 16 rows * 2 vectors * 1023 = 32736. Samples of 16 bits are summed in 32.

use core::arch::wasm32::*;

use super::UNIT;
use filmgate_plugin::simd::load;

/// One sample a byte; a unit is `VECTORS` vectors wide.
#[target_feature(enable = "simd128")]
pub(super) fn eight<const VECTORS: usize>(rows: &[&[u8]; UNIT], units: usize, sums: &mut Vec<u32>) {
    strip::<VECTORS>(
        rows,
        units,
        sums,
        |sum, samples| u16x8_add(sum, u16x8_extadd_pairwise_u8x16(samples)),
        |sum| u32x4_extadd_pairwise_u16x8(sum),
    );
}

/// R G B A, of which A does not count.
#[target_feature(enable = "simd128")]
pub(super) fn rgba(rows: &[&[u8]; UNIT], units: usize, sums: &mut Vec<u32>) {
    let color = u32x4_splat(0x00ff_ffff);
    strip::<4>(
        rows,
        units,
        sums,
        |sum, samples| u16x8_add(sum, u16x8_extadd_pairwise_u8x16(v128_and(samples, color))),
        |sum| u32x4_extadd_pairwise_u16x8(sum),
    );
}

/// One sample of 10 bits in two bytes.
#[target_feature(enable = "simd128")]
pub(super) fn ten(rows: &[&[u8]; UNIT], units: usize, sums: &mut Vec<u32>) {
    strip::<2>(
        rows,
        units,
        sums,
        |sum, samples| u16x8_add(sum, samples),
        |sum| u32x4_extadd_pairwise_u16x8(sum),
    );
}

/// Samples of 16 bits.
#[target_feature(enable = "simd128")]
pub(super) fn sixteen<const VECTORS: usize>(
    rows: &[&[u8]; UNIT],
    units: usize,
    sums: &mut Vec<u32>,
) {
    strip::<VECTORS>(
        rows,
        units,
        sums,
        |sum, samples| u32x4_add(sum, u32x4_extadd_pairwise_u16x8(samples)),
        |sum| sum,
    );
}

/// Appends the sums of whole units. `add` puts a vector of samples to the lanes of a sum, `widen`
/// makes four lanes of them.
#[inline]
#[target_feature(enable = "simd128")]
fn strip<const VECTORS: usize>(
    rows: &[&[u8]; UNIT],
    units: usize,
    sums: &mut Vec<u32>,
    add: impl Fn(v128, v128) -> v128,
    widen: impl Fn(v128) -> v128,
) {
    let mut lanes = vec![[0; 16]; units];
    let (upper, lower) = rows.split_at(UNIT / 2);
    for half in [upper, lower] {
        half8::<VECTORS>(half, &mut lanes, &add);
    }
    sums.extend(lanes.iter().map(|lanes| total(widen(load(lanes)))));
}

/// Adds eight rows to the lanes of their units.
#[inline]
#[target_feature(enable = "simd128")]
fn half8<const VECTORS: usize>(
    half: &[&[u8]],
    lanes: &mut [[u8; 16]],
    add: &impl Fn(v128, v128) -> v128,
) {
    let vectors = lanes.len() * VECTORS;
    let Ok(rows) = <[&[u8]; 8]>::try_from(half) else { return };
    // All of one known length, so that the index is checked once.
    let rows = rows.map(|row| &row.as_chunks::<16>().0[..vectors]);
    for (unit, lanes) in lanes.iter_mut().enumerate() {
        let mut sum = load(lanes);
        for vector in unit * VECTORS..(unit + 1) * VECTORS {
            for row in rows {
                sum = add(sum, load(&row[vector]));
            }
        }
        filmgate_plugin::simd::store(lanes, sum);
    }
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
