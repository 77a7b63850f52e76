//! The passes with vectors of eight samples. They do what the scalar loops do, bit for bit.

use core::arch::wasm32::{
    i16x8_narrow_i32x4, i16x8_shuffle, i32x4_add, i32x4_dot_i16x8, i32x4_shr, i32x4_shuffle,
    i32x4_splat, v128,
};

use filmgate_plugin::simd::{load_apart, store_apart};

use crate::kernel::{BITS, Kernel};

/// The samples as bytes. Every host of WebAssembly has the low byte first.
fn bytes(samples: &[i16]) -> &[u8] {
    bytemuck::cast_slice(samples)
}

/// Columns that a turn does.
const COLUMNS: usize = 32;

/// As [`super::down`], but for the last columns; how many were done.
#[target_feature(enable = "simd128")]
pub(super) fn down(
    rows: &[i16],
    stride: usize,
    first: usize,
    weights: &[i16],
    out: &mut [i16],
) -> usize {
    let last = rows.len() / stride - 1;
    let (rows, mut done) = (bytes(rows), 0);
    let pairs = weights.as_chunks::<2>().0;
    let half = i32x4_splat(1 << (BITS - 1));
    let row_at = |y: usize| 2 * y.min(last) * stride;
    let out: &mut [u8] = bytemuck::cast_slice_mut(out);
    while 2 * (done + COLUMNS) <= out.len() {
        let mut sums = [half; 8];
        for ([a, b], y) in pairs.iter().zip((first..).step_by(2)) {
            let weight = i32x4_splat(i32::from(*b) << 16 | i32::from(*a) & 0xffff);
            let upper = load_apart::<4>(rows, row_at(y) + 2 * done, 16);
            let lower = load_apart::<4>(rows, row_at(y + 1) + 2 * done, 16);
            let (Some(upper), Some(lower)) = (upper, lower) else { return done };
            for i in 0..4 {
                let (upper, lower) = (upper[i], lower[i]);
                let low = i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(upper, lower);
                let high = i16x8_shuffle::<4, 12, 5, 13, 6, 14, 7, 15>(upper, lower);
                sums[2 * i] = i32x4_add(sums[2 * i], i32x4_dot_i16x8(low, weight));
                sums[2 * i + 1] = i32x4_add(sums[2 * i + 1], i32x4_dot_i16x8(high, weight));
            }
        }
        let pair = |i: usize| {
            i16x8_narrow_i32x4(i32x4_shr(sums[2 * i], BITS), i32x4_shr(sums[2 * i + 1], BITS))
        };
        if !store_apart::<4>(out, 2 * done, 16, [pair(0), pair(1), pair(2), pair(3)]) {
            return done;
        }
        done += COLUMNS;
    }
    done
}

/// As [`super::across`], but for the last samples; how many were done.
#[target_feature(enable = "simd128")]
pub(super) fn across(row: &[i16], kernel: &Kernel, out: &mut [i16]) -> usize {
    match kernel.taps {
        8 => across_of::<1>(row, kernel, out),
        16 => across_of::<2>(row, kernel, out),
        24 => across_of::<3>(row, kernel, out),
        32 => across_of::<4>(row, kernel, out),
        _ => across_any(row, kernel, out),
    }
}

/// The sums of four vectors of four, as one vector.
#[inline]
#[target_feature(enable = "simd128")]
fn sums([a, b, c, d]: [v128; 4]) -> v128 {
    let ab = i32x4_add(i32x4_shuffle::<0, 4, 2, 6>(a, b), i32x4_shuffle::<1, 5, 3, 7>(a, b));
    let cd = i32x4_add(i32x4_shuffle::<0, 4, 2, 6>(c, d), i32x4_shuffle::<1, 5, 3, 7>(c, d));
    i32x4_add(i32x4_shuffle::<0, 1, 4, 5>(ab, cd), i32x4_shuffle::<2, 3, 6, 7>(ab, cd))
}

/// `N` vectors of weights a sample.
#[target_feature(enable = "simd128")]
fn across_of<const N: usize>(row: &[i16], kernel: &Kernel, out: &mut [i16]) -> usize {
    let (row, weights) = (bytes(row), bytes(&kernel.weights));
    let out: &mut [u8] = bytemuck::cast_slice_mut(out);
    let half = i32x4_splat(1 << (BITS - 1));
    let one = |start: usize, number: usize| -> Option<v128> {
        let samples = load_apart::<N>(row, 2 * start, 16)?;
        let weights = load_apart::<N>(weights, 16 * N * number, 16)?;
        let mut sum = i32x4_dot_i16x8(samples[0], weights[0]);
        for i in 1..N {
            sum = i32x4_add(sum, i32x4_dot_i16x8(samples[i], weights[i]));
        }
        Some(sum)
    };
    let mut done = 0;
    for s in kernel.starts.as_chunks::<8>().0 {
        let four = |s: &[usize], number: usize| -> Option<v128> {
            let all = [
                one(s[0], number)?,
                one(s[1], number + 1)?,
                one(s[2], number + 2)?,
                one(s[3], number + 3)?,
            ];
            Some(i32x4_shr(i32x4_add(sums(all), half), BITS))
        };
        let (Some(low), Some(high)) = (four(&s[..4], done), four(&s[4..], done + 4)) else {
            return done;
        };
        if !store_apart::<1>(out, 2 * done, 16, [i16x8_narrow_i32x4(low, high)]) {
            return done;
        }
        done += 8;
    }
    done
}

/// Any number of weights.
#[target_feature(enable = "simd128")]
fn across_any(row: &[i16], kernel: &Kernel, out: &mut [i16]) -> usize {
    let (row, all) = (bytes(row), bytes(&kernel.weights));
    for (x, (start, out)) in kernel.starts.iter().zip(out.iter_mut()).enumerate() {
        let mut sum = i32x4_splat(0);
        for at in (0..2 * kernel.taps).step_by(64) {
            let vectors = (2 * kernel.taps - at).min(64) / 16;
            for i in 0..vectors {
                let samples = load_apart::<1>(row, 2 * start + at + 16 * i, 16);
                let weights = load_apart::<1>(all, 2 * x * kernel.taps + at + 16 * i, 16);
                let (Some([samples]), Some([weights])) = (samples, weights) else { return x };
                sum = i32x4_add(sum, i32x4_dot_i16x8(samples, weights));
            }
        }
        let sum = i32x4_add(sums([sum; 4]), i32x4_splat(1 << (BITS - 1)));
        let rounded = i32x4_shr(sum, BITS);
        let narrow = i16x8_narrow_i32x4(rounded, rounded);
        *out = core::arch::wasm32::i16x8_extract_lane::<0>(narrow);
    }
    kernel.starts.len()
}
