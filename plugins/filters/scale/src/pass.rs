//! The arithmetic: a column of samples, then a row of samples, each by its weights.
//!
//! Samples are 16 bits with sign. Both passes add up in 32 bits and round to the nearest, halves
//! up; a result that does not fit is the nearest that does.

use crate::kernel::{BITS, Kernel};

#[cfg(target_arch = "wasm32")]
mod vectors;

/// Samples that a row has behind its end, so that the last weights, which are 0, have something.
/// They may be more for a kernel with many weights.
pub(crate) fn padded(samples: usize, taps: usize) -> usize {
    samples + taps.max(64)
}

/// One row of `rows`, which are `stride` samples apart: each sample of the result is that of its
/// column, `weights` from row `first` on. An even number of weights; those beyond the last row are 0.
pub(crate) fn down(rows: &[i16], stride: usize, first: usize, weights: &[i16], out: &mut [i16]) {
    #[cfg(target_arch = "wasm32")]
    let done = vectors::down(rows, stride, first, weights, out);
    #[cfg(not(target_arch = "wasm32"))]
    let done = 0;
    let last = rows.len() / stride - 1;
    for (x, out) in out.iter_mut().enumerate().skip(done) {
        let taps = weights.iter().zip(first..);
        let sum: i32 = taps
            .map(|(weight, y)| i32::from(*weight) * i32::from(rows[y.min(last) * stride + x]))
            .sum();
        let rounded = (sum + (1 << (BITS - 1))) >> BITS;
        *out = rounded.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16;
    }
}

/// A row by a kernel whose number of weights is a multiple of 8. `row` is `padded`.
pub(crate) fn across(row: &[i16], kernel: &Kernel, out: &mut [i16]) {
    #[cfg(target_arch = "wasm32")]
    let done = vectors::across(row, kernel, out);
    #[cfg(not(target_arch = "wasm32"))]
    let done = 0;
    for (x, out) in out.iter_mut().enumerate().take(kernel.starts.len()).skip(done) {
        let taps = kernel.weights(x).iter().zip(&row[kernel.starts[x]..]);
        let sum: i32 = taps.map(|(weight, sample)| i32::from(*weight) * i32::from(*sample)).sum();
        let rounded = (sum + (1 << (BITS - 1))) >> BITS;
        *out = rounded.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16;
    }
}
