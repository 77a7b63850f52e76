//! The same on 16 bytes at a time, four rows a turn.
//!
//! The 16 rows of a unit fit 16 bits a lane: at 8 bits 16 rows * 2 samples * 4 vectors * 255 =
//! 32640, at 10 bits 16 rows * 2 vectors * 1023 = 32736. Samples of 16 bits are summed in 32.

use core::arch::wasm32::*;

use super::UNIT;
use filmgate_plugin::simd::{load, store};

/// Rows that a turn takes, of two units.
const ROWS: usize = 4;

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
    for rows in rows.as_chunks::<ROWS>().0 {
        group::<VECTORS>(rows, &mut lanes, &add);
    }
    sums.extend(lanes.iter().map(|lanes| total(widen(load(lanes)))));
}

/// Adds some rows to the lanes of their units.
#[inline]
#[target_feature(enable = "simd128")]
fn group<const VECTORS: usize>(
    rows: &[&[u8]; ROWS],
    lanes: &mut [[u8; 16]],
    add: &impl Fn(v128, v128) -> v128,
) {
    let vectors = lanes.len() * VECTORS;
    // All of one known length, so that the index is checked once.
    let rows = rows.map(|row| &row.as_chunks::<16>().0[..vectors]);
    let (pairs, last) = lanes.as_chunks_mut::<2>();
    let unit = |unit: usize, lanes: &mut [u8; 16]| {
        let mut sum = load(lanes);
        for vector in unit * VECTORS..(unit + 1) * VECTORS {
            for row in rows {
                sum = add(sum, load(&row[vector]));
            }
        }
        store(lanes, sum);
    };
    let done = 2 * pairs.len();
    // 128 bytes a turn, or more.
    for (i, [first, second]) in pairs.iter_mut().enumerate() {
        unit(2 * i, first);
        unit(2 * i + 1, second);
    }
    for lanes in last {
        unit(done, lanes);
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
