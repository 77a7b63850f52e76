//! The same on vectors of eight samples of 16 bits, into which bytes are widened.
//!
//! The squares of both slopes are added by one `i32x4_dot_i16x8`. At 2^23 and above, binary32
//! numbers are whole, with the low bits of the number in the low bits of the vector's lanes, so
//! adding 2^23 makes integers of the floored results; a shuffle takes them from there.

use core::arch::wasm32::*;

use filmgate_plugin::eight_times;
use filmgate_plugin::simd::{load, store};

use super::{Operator, TURN};

/// The 3x3 samples round each of eight, row by row.
type Round = [[v128; 3]; 3];

/// As `super::draw`. `out` is a multiple of [`TURN`] long, the lines two pixels longer.
#[target_feature(enable = "simd128")]
pub(super) fn draw(
    operator: Operator,
    gain: f32,
    bits: u32,
    pixel: usize,
    alpha: bool,
    lines: [&[u8]; 3],
    out: &mut [u8],
) {
    let middle = i16x8_splat(if operator == Operator::Sobel { 2 } else { 1 });
    let finish = Finish { gain: f32x4_splat(gain), most: f32x4_splat(((1 << bits) - 1) as f32) };
    let kept = u32x4_splat(if alpha { 0xff00_0000 } else { 0 });
    let laplacian = operator == Operator::Laplacian;
    match (bits, laplacian) {
        (8, false) => rows(pixel, lines, out, |v| eight(v, kept, finish, |v| slopes(v, middle))),
        (8, true) => rows(pixel, lines, out, |v| eight(v, kept, finish, |v| curve(v))),
        (_, false) => rows(pixel, lines, out, |v| finish.ten(slopes(v, middle))),
        (_, true) => rows(pixel, lines, out, |v| finish.ten(curve(v))),
    }
}

/// Calls `make` with what is round each vector of `out`.
#[inline]
#[target_feature(enable = "simd128")]
fn rows(pixel: usize, lines: [&[u8]; 3], out: &mut [u8], make: impl Fn(Round) -> v128) {
    let shifted = |x: usize| lines.map(|line| line[x * pixel..].as_chunks::<TURN>().0);
    let columns = [shifted(0), shifted(1), shifted(2)];
    for (turn, out) in out.as_chunks_mut::<TURN>().0.iter_mut().enumerate() {
        let at = |x: usize, y: usize| columns[x][y][turn].as_chunks::<16>().0;
        let round = [0, 1, 2].map(|y| [at(0, y), at(1, y), at(2, y)]);
        let out = out.as_chunks_mut::<16>().0;
        eight_times!(i => {
            let vector = make(round.map(|row| row.map(|vectors| load(&vectors[i]))));
            store(&mut out[i], vector);
        });
    }
}

/// Sixteen bytes, in two halves; of the bytes in `kept`, the middle ones stay.
#[inline]
#[target_feature(enable = "simd128")]
fn eight(v: Round, kept: v128, finish: Finish, pair: impl Fn(Round) -> [v128; 2]) -> v128 {
    let low = finish.halves(pair(v.map(|row| row.map(|v| u16x8_extend_low_u8x16(v)))));
    let high = finish.halves(pair(v.map(|row| row.map(|v| u16x8_extend_high_u8x16(v)))));
    v128_bitselect(v[1][1], i64x2_shuffle::<0, 2>(bytes(low), bytes(high)), kept)
}

/// The slopes to the right and down.
#[inline]
#[target_feature(enable = "simd128")]
fn slopes([a, b, c]: Round, middle: v128) -> [v128; 2] {
    let across = |row: [v128; 3]| i16x8_sub(row[2], row[0]);
    let gx = i16x8_add(i16x8_add(across(a), across(c)), i16x8_mul(across(b), middle));
    let down = |x: usize| i16x8_sub(c[x], a[x]);
    let gy = i16x8_add(i16x8_add(down(0), down(2)), i16x8_mul(down(1), middle));
    [gx, gy]
}

/// The curvature, and nothing.
#[inline]
#[target_feature(enable = "simd128")]
fn curve([a, b, c]: Round) -> [v128; 2] {
    let round = i16x8_add(i16x8_add(a[1], c[1]), i16x8_add(b[0], b[2]));
    [i16x8_sub(round, i16x8_shl(b[1], 2)), i16x8_splat(0)]
}

/// What is done to the squares of the slopes.
#[derive(Clone, Copy)]
struct Finish {
    gain: v128,
    most: v128,
}

impl Finish {
    /// Eight results, in the low bits of 32 each.
    #[inline]
    #[target_feature(enable = "simd128")]
    fn halves(self, [gx, gy]: [v128; 2]) -> [v128; 2] {
        let low = i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(gx, gy);
        let high = i16x8_shuffle::<4, 12, 5, 13, 6, 14, 7, 15>(gx, gy);
        [self.four(low), self.four(high)]
    }

    #[inline]
    #[target_feature(enable = "simd128")]
    fn four(self, pairs: v128) -> v128 {
        let square = f32x4_convert_i32x4(i32x4_dot_i16x8(pairs, pairs));
        let slope = f32x4_pmin(f32x4_mul(f32x4_sqrt(square), self.gain), self.most);
        f32x4_add(f32x4_floor(slope), f32x4_splat(8_388_608.0))
    }

    /// Eight samples of 10 bits.
    #[inline]
    #[target_feature(enable = "simd128")]
    fn ten(self, pair: [v128; 2]) -> v128 {
        let [low, high] = self.halves(pair);
        i16x8_shuffle::<0, 2, 4, 6, 8, 10, 12, 14>(low, high)
    }
}

/// Eight results as bytes, in the upper half of the answer the same once more.
#[inline]
#[target_feature(enable = "simd128")]
fn bytes([low, high]: [v128; 2]) -> v128 {
    i8x16_shuffle::<0, 4, 8, 12, 16, 20, 24, 28, 0, 4, 8, 12, 16, 20, 24, 28>(low, high)
}
