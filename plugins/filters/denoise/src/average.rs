//! The samples. With N pictures in reach (3 or 5), a middle sample `c`, the other pictures' samples
//! `v` at the same place and the threshold t:
//!
//! ```text
//! out = floor((c + sum(v if |v - c| <= t else c) + floor(N / 2)) / N)
//! ```
//!
//! A sample that differs by more, because something moved there, is replaced by the middle one, so
//! nothing is smeared.

use filmgate_plugin::{PixelFormat, rows};

#[cfg(target_arch = "wasm32")]
mod vectors;

/// How samples are stored, and which of them count as the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Average {
    bits: u32,
    threshold: u16,
}

impl Average {
    /// `threshold` is given in 255ths of what a sample of `format` can hold.
    pub(crate) fn new(format: PixelFormat, threshold: u16) -> Average {
        let bits = format.bits();
        let most = (1_u32 << bits) - 1;
        Average { bits, threshold: (u32::from(threshold) * most / 255) as u16 }
    }

    /// Averages `center` with two or four `others` of its length into `out`.
    pub(crate) fn plane(&self, center: &[u8], others: &[&[u8]], out: &mut Vec<u8>) {
        out.resize(center.len(), 0);
        match *others {
            [a, b] => self.samples(center, [a, b], out),
            [a, b, c, d] => self.samples(center, [a, b, c, d], out),
            _ => out.copy_from_slice(center),
        }
    }

    fn samples<const OTHERS: usize>(&self, center: &[u8], others: [&[u8]; OTHERS], out: &mut [u8]) {
        let done = self.vectors(center, others, out);
        let (center, out) = (&center[done..], &mut out[done..]);
        let others = others.map(|samples| &samples[done..]);
        if self.bits == 8 {
            samples8(center, others, self.threshold, out);
        } else {
            samples16(center, others, self.threshold, out);
        }
    }

    /// Does as much as can be done in vectors, and answers how many bytes that were.
    #[cfg(target_arch = "wasm32")]
    fn vectors<const OTHERS: usize>(
        &self,
        center: &[u8],
        others: [&[u8]; OTHERS],
        out: &mut [u8],
    ) -> usize {
        match self.bits {
            8 => vectors::eight(center, others, self.threshold, out),
            10 => vectors::ten(center, others, self.threshold, out),
            _ => 0,
        }
    }

    /// There are vectors on WebAssembly only.
    #[cfg(not(target_arch = "wasm32"))]
    fn vectors<const OTHERS: usize>(&self, _: &[u8], _: [&[u8]; OTHERS], _: &mut [u8]) -> usize {
        0
    }
}

fn samples8<const OTHERS: usize>(
    center: &[u8],
    others: [&[u8]; OTHERS],
    threshold: u16,
    out: &mut [u8],
) {
    for (i, (out, &middle)) in out.iter_mut().zip(center).enumerate() {
        let others = others.map(|samples| samples[i].into());
        *out = average(middle.into(), others, threshold) as u8;
    }
}

fn samples16<const OTHERS: usize>(
    center: &[u8],
    others: [&[u8]; OTHERS],
    threshold: u16,
    out: &mut [u8],
) {
    let mut center = rows::samples16(center);
    let mut others = others.map(rows::samples16);
    rows::change16(out, |_| {
        let middle = center.next().unwrap_or(0);
        let others = others.each_mut().map(|samples| samples.next().unwrap_or(middle));
        average(middle, others, threshold)
    });
}

/// One sample.
fn average<const OTHERS: usize>(middle: u16, others: [u16; OTHERS], threshold: u16) -> u16 {
    let count = OTHERS as u32 + 1;
    let close = |other: u16| if other.abs_diff(middle) <= threshold { other } else { middle };
    let sum: u32 = others.into_iter().map(|other| u32::from(close(other))).sum();
    ((u32::from(middle) + sum + count / 2) / count) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_cannot_happen_and_thirds_are_rounded() {
        assert_eq!(average(10, [10, 11], 8), 10);
        assert_eq!(average(10, [11, 11], 8), 11);
        assert_eq!(average(0, [1, 1, 0, 0], 8), 0);
        assert_eq!(average(0, [1, 1, 1, 0], 8), 1);
    }

    #[test]
    fn the_threshold_is_the_last_that_counts() {
        assert_eq!(average(100, [108, 92], 8), 100);
        assert_eq!(average(100, [108, 91], 8), 103);
        assert_eq!(average(100, [109, 91], 8), 100);
        assert_eq!(average(100, [103, 103], 0), 100);
    }

    #[test]
    fn the_extremes_do_not_overflow() {
        assert_eq!(average(65535, [65535; 4], 65535), 65535);
        assert_eq!(average(0, [65535; 4], 65535), 52428);
    }

    #[test]
    fn the_threshold_follows_the_depth() {
        let threshold = |format, given| Average::new(format, given).threshold;
        assert_eq!(threshold(PixelFormat::Gray8, 8), 8);
        assert_eq!(threshold(PixelFormat::Yuv420p10, 8), 32);
        assert_eq!(threshold(PixelFormat::Gray16, 8), 8 * 257);
        assert_eq!(threshold(PixelFormat::Gray16, 255), 65535);
    }

    #[test]
    fn planes_of_both_widths() {
        let mut out = Vec::new();
        let eight = Average::new(PixelFormat::Gray8, 8);
        eight.plane(&[10, 200], &[&[13, 100], &[16, 203]], &mut out);
        assert_eq!(out, [13, 201]);
        let sixteen = Average::new(PixelFormat::Yuv444p10, 8);
        sixteen.plane(&[0x10, 0x01], &[&[0x13, 0x01], &[0x16, 0x03]], &mut out);
        assert_eq!(out, [0x11, 0x01]);
    }
}
