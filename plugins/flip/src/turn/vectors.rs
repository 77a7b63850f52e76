//! The same in blocks: as many vectors as a block has rows are read, exchanged among each other,
//! and written.
//!
//! Zipping vector `i` of the first half of a block with vector `i` of the second half, low halves
//! and high halves in turn, takes the topmost bit of a pixel's place in the block to the bottom.
//! Done log2(rows) times, that exchanges rows and columns. Pixels of one byte go in blocks of 8
//! rows and 16 columns, since square ones need more registers than there are.

use core::arch::wasm32::*;
use std::ops::Range;

use filmgate_plugin::PlaneLayout;
use filmgate_plugin::simd::{load, store};

use super::Turn;

/// Turns the columns `band` of the plane, and answers whether it did: not where they, or the rows,
/// are fewer than a block has, or where its pixels are of six bytes.
#[target_feature(enable = "simd128")]
pub(super) fn turn(
    turn: Turn,
    samples: &[u8],
    plane: &PlaneLayout,
    band: &Range<usize>,
    out: &mut [u8],
) -> bool {
    let job = Job { turn, samples, plane, band };
    // The stages are written out: the compiler keeps the vectors of a loop in memory.
    match plane.pixel_bytes() {
        1 => blocks::<8, 16>(
            job,
            out,
            |bytes| sixteen(bytes),
            |rows| zip(zip(zip(rows, low8, high8), low8, high8), low8, high8),
            |vectors, column, out| {
                let vector = vectors[column / 2];
                let pixels = match column % 2 {
                    0 => i64x2_extract_lane::<0>(vector),
                    _ => i64x2_extract_lane::<1>(vector),
                };
                if let Some(out) = out.first_chunk_mut() {
                    *out = pixels.to_le_bytes();
                }
            },
        ),
        2 => blocks::<8, 8>(
            job,
            out,
            |bytes| sixteen(bytes),
            |rows| zip(zip(zip(rows, low16, high16), low16, high16), low16, high16),
            whole,
        ),
        3 => blocks::<4, 4>(
            job,
            out,
            |bytes| four_threes(bytes),
            |rows| zip(zip(rows, low32, high32), low32, high32),
            |vectors, column, out| {
                let vector = vectors[column];
                let pixels = u8x16_shuffle::<0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 3, 7, 11, 15>(
                    vector, vector,
                );
                if let Some((first, rest)) = out.split_first_chunk_mut()
                    && let Some(rest) = rest.first_chunk_mut()
                {
                    *first = i64x2_extract_lane::<0>(pixels).to_le_bytes();
                    *rest = i32x4_extract_lane::<2>(pixels).to_le_bytes();
                }
            },
        ),
        4 => blocks::<4, 4>(
            job,
            out,
            |bytes| sixteen(bytes),
            |rows| zip(zip(rows, low32, high32), low32, high32),
            whole,
        ),
        _ => false,
    }
}

/// What is turned, and how.
struct Job<'a> {
    turn: Turn,
    samples: &'a [u8],
    plane: &'a PlaneLayout,
    band: &'a Range<usize>,
}

/// Pixels that fill a vector.
#[inline]
#[target_feature(enable = "simd128")]
fn sixteen(bytes: &[u8]) -> Option<v128> {
    bytes.first_chunk().map(|bytes| load(bytes))
}

/// Four pixels of three bytes, with room for four.
#[inline]
#[target_feature(enable = "simd128")]
fn four_threes(bytes: &[u8]) -> Option<v128> {
    let (first, rest) = bytes.split_first_chunk()?;
    let rest = u32::from_le_bytes(*rest.first_chunk()?);
    let pixels = u64x2(u64::from_le_bytes(*first), rest.into());
    Some(u8x16_shuffle::<0, 1, 2, 15, 3, 4, 5, 15, 6, 7, 8, 15, 9, 10, 11, 15>(pixels, pixels))
}

/// Writes a column that fills a vector.
#[inline]
fn whole<const ROWS: usize>(vectors: &[v128; ROWS], column: usize, out: &mut [u8]) {
    if let Some(out) = out.first_chunk_mut() {
        store(out, vectors[column]);
    }
}

/// Block by block, `put` writing one column after the other. What is left over at the right and
/// below is done by blocks that overlap those before them, and write the same once more. Blocks
/// that share lines of the cache follow each other.
#[inline]
#[target_feature(enable = "simd128")]
fn blocks<const ROWS: usize, const COLUMNS: usize>(
    Job { turn, samples, plane, band }: Job<'_>,
    out: &mut [u8],
    get: impl Fn(&[u8]) -> Option<v128>,
    exchange: impl Fn([v128; ROWS]) -> [v128; ROWS],
    put: impl Fn(&[v128; ROWS], usize, &mut [u8]),
) -> bool {
    let (rows, pixel) = (plane.rows, plane.pixel_bytes());
    if band.len() < COLUMNS || rows < ROWS {
        return false;
    }
    let (source_row, target_row) = (plane.row_bytes(), rows * pixel);
    // Rows read, or written, from below are so many bytes before each other.
    let source_step = if turn == Turn::Right { source_row.wrapping_neg() } else { source_row };
    let target_step = if turn == Turn::Left { target_row.wrapping_neg() } else { target_row };
    let (across, down) = (starts(band.len(), COLUMNS), starts(rows, ROWS));
    for across in across.chunks(LINE / COLUMNS) {
        for (&y, &x) in down.iter().flat_map(|y| across.iter().map(move |x| (y, x))) {
            let x = band.start + x;
            let mut block = [u8x16_splat(0); ROWS];
            let mut at = turn.source_row(plane, y) * source_row + x * pixel;
            for vector in &mut block {
                if let Some(pixels) = samples.get(at..).and_then(&get) {
                    *vector = pixels;
                }
                at = at.wrapping_add(source_step);
            }
            let block = exchange(block);
            let mut at = turn.target_row(band, x) * target_row + y * pixel;
            for column in 0..COLUMNS {
                if let Some(out) = out.get_mut(at..) {
                    put(&block, column, out);
                }
                at = at.wrapping_add(target_step);
            }
        }
    }
    true
}

/// Pixels across that are turned before going on: with one byte each, a line of the cache.
const LINE: usize = 64;

/// Where blocks start that cover `length`, the last of which may overlap the one before.
fn starts(length: usize, side: usize) -> Vec<usize> {
    (0..length).step_by(side).map(|start| start.min(length - side)).collect()
}

#[inline]
#[target_feature(enable = "simd128")]
fn zip<const ROWS: usize>(
    rows: [v128; ROWS],
    low: fn(v128, v128) -> v128,
    high: fn(v128, v128) -> v128,
) -> [v128; ROWS] {
    std::array::from_fn(|i| {
        let (one, other) = (rows[i / 2], rows[i / 2 + ROWS / 2]);
        if i % 2 == 0 { low(one, other) } else { high(one, other) }
    })
}

macro_rules! zips {
    ($($name:ident $($lane:literal)*;)*) => {
        $(#[inline]
        fn $name(one: v128, other: v128) -> v128 {
            u8x16_shuffle::<$($lane),*>(one, other)
        })*
    };
}

zips! {
    low8 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23;
    high8 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31;
    low16 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23;
    high16 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31;
    low32 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23;
    high32 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31;
}
