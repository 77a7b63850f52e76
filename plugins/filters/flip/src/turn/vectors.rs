//! The same in blocks: as many vectors as a block has rows are read, exchanged among each other,
//! and written.
//!
//! Zipping vector `i` of the first half of a block with vector `i` of the second half, low halves
//! and high halves in turn, takes the topmost bit of a pixel's place in the block to the bottom.
//! Done log2(rows) times, that exchanges rows and columns. Pixels of three bytes are spread to four
//! for that, four rows at a time, and moved together again.

use core::arch::wasm32::*;
use std::ops::Range;

use filmgate_plugin::PlaneLayout;
use filmgate_plugin::simd::{load, load_apart, store_apart};

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
        1 => job.blocks::<16, 16, 1>(out, |rows| [bytes(rows)]),
        2 => job.blocks::<8, 8, 1>(out, |rows| {
            [zip(zip(zip(rows, low16, high16), low16, high16), low16, high16)]
        }),
        3 => job.blocks::<16, 4, 3>(out, |rows| threes(rows)),
        4 => job.blocks::<4, 4, 1>(out, |rows| [zip(zip(rows, low32, high32), low32, high32)]),
        _ => false,
    }
}

/// Sixteen rows of sixteen bytes, the upper and the lower eight for themselves as long as it goes:
/// the compiler keeps so many in registers.
#[inline]
#[target_feature(enable = "simd128")]
fn bytes(rows: [v128; 16]) -> [v128; 16] {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = rows;
    let half = |rows: [v128; 8]| zip(zip(zip(rows, low8, high8), low8, high8), low8, high8);
    let [a, b, c, d, e, f, g, h] = half([a, b, c, d, e, f, g, h]);
    let [i, j, k, l, m, n, o, p] = half([i, j, k, l, m, n, o, p]);
    let low = |upper, lower| i64x2_shuffle::<0, 2>(upper, lower);
    let high = |upper, lower| i64x2_shuffle::<1, 3>(upper, lower);
    [
        low(a, i),
        high(a, i),
        low(b, j),
        high(b, j),
        low(c, k),
        high(c, k),
        low(d, l),
        high(d, l),
        low(e, m),
        high(e, m),
        low(f, n),
        high(f, n),
        low(g, o),
        high(g, o),
        low(h, p),
        high(h, p),
    ]
}

/// Sixteen rows of four pixels of three bytes as four rows of sixteen: the first vectors of all
/// rows, the second ones, the third ones.
#[inline]
#[target_feature(enable = "simd128")]
fn threes(rows: [v128; 16]) -> [[v128; 4]; 3] {
    let four = |first: usize| {
        let spread = std::array::from_fn(|i| {
            let row: v128 = rows[first + i];
            u8x16_shuffle::<0, 1, 2, 15, 3, 4, 5, 15, 6, 7, 8, 15, 9, 10, 11, 15>(row, row)
        });
        zip(zip::<4>(spread, low32, high32), low32, high32)
    };
    let (a, b, c, d) = (four(0), four(4), four(8), four(12));
    [
        std::array::from_fn(|i| {
            u8x16_shuffle::<0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 16, 17, 18, 20>(a[i], b[i])
        }),
        std::array::from_fn(|i| {
            u8x16_shuffle::<5, 6, 8, 9, 10, 12, 13, 14, 16, 17, 18, 20, 21, 22, 24, 25>(b[i], c[i])
        }),
        std::array::from_fn(|i| {
            u8x16_shuffle::<10, 12, 13, 14, 16, 17, 18, 20, 21, 22, 24, 25, 26, 28, 29, 30>(
                c[i], d[i],
            )
        }),
    ]
}

/// What is turned, and how.
struct Job<'a> {
    turn: Turn,
    samples: &'a [u8],
    plane: &'a PlaneLayout,
    band: &'a Range<usize>,
}

impl Job<'_> {
    /// Block by block of `ROWS` rows with a vector each, whose first `COLUMNS` pixels become rows
    /// of `VECTORS` vectors. What is left over at the right and below is done by blocks that
    /// overlap those before them, and write the same once more. Blocks that share lines of the
    /// cache follow each other.
    #[inline]
    #[target_feature(enable = "simd128")]
    fn blocks<const ROWS: usize, const COLUMNS: usize, const VECTORS: usize>(
        &self,
        out: &mut [u8],
        exchange: impl Fn([v128; ROWS]) -> [[v128; COLUMNS]; VECTORS],
    ) -> bool {
        let Job { turn, samples, plane, band } = self;
        let (rows, pixel) = (plane.rows, plane.pixel_bytes());
        if band.len() < COLUMNS || rows < ROWS {
            return false;
        }
        let (source_row, target_row) = (plane.row_bytes(), rows * pixel);
        // Rows are read, or written, from below.
        let backwards = |turn: Turn, row: usize| {
            if self.turn == turn { -(row as isize) } else { row as isize }
        };
        let source_step = backwards(Turn::Right, source_row);
        let target_step = backwards(Turn::Left, target_row);
        let (across, down) = (starts(band.len(), COLUMNS), starts(rows, ROWS));
        for across in across.chunks(LINE / COLUMNS) {
            for (&y, &x) in down.iter().flat_map(|y| across.iter().map(move |x| (y, x))) {
                let x = band.start + x;
                let at = turn.source_row(plane, y) * source_row + x * pixel;
                let block = load_apart::<ROWS>(samples, at, source_step)
                    .unwrap_or_else(|| at_the_end(samples, at, source_step));
                let at = turn.target_row(band, x) * target_row + y * pixel;
                for (vectors, i) in exchange(block).into_iter().zip(0..) {
                    store_apart(out, at + 16 * i, target_step, vectors);
                }
            }
        }
        true
    }
}

/// As [`load_apart`], where vectors reach beyond the end: what is there is 0.
#[target_feature(enable = "simd128")]
fn at_the_end<const ROWS: usize>(samples: &[u8], at: usize, step: isize) -> [v128; ROWS] {
    let mut block = [u8x16_splat(0); ROWS];
    for (vector, i) in block.iter_mut().zip(0..) {
        let mut bytes = [0; 16];
        let rest = at.checked_add_signed(i * step).and_then(|at| samples.get(at..));
        bytes.iter_mut().zip(rest.unwrap_or_default()).for_each(|(to, from)| *to = *from);
        *vector = load(&bytes);
    }
    block
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
