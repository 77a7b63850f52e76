//! The samples. With a sample v, the blurred one s, the amount p in percent and the threshold t:
//!
//! ```text
//! out = clamp(v + sign(v - s) * floor(|v - s| * p / 100)) if |v - s| > t else v
//! ```

use filmgate_plugin::{PixelFormat, rows};

#[cfg(target_arch = "wasm32")]
mod vectors;

/// How much is added, and from where on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mask {
    bits: u32,
    /// percent, 1 to 500
    amount: u32,
    threshold: u32,
}

impl Mask {
    /// `threshold` is given in 255ths of what a sample of `format` can hold.
    pub(crate) fn new(format: PixelFormat, amount: u32, threshold: u32) -> Mask {
        let bits = format.bits();
        let most = (1_u32 << bits) - 1;
        Mask { bits, amount, threshold: threshold * most / 255 }
    }

    /// Sharpens `samples`, of which `soft` are the blurred ones.
    pub(crate) fn sharpen(&self, samples: &mut [u8], soft: &[u8]) {
        let done = self.vectors(samples, soft);
        let (samples, soft) = (&mut samples[done..], &soft[done..]);
        if self.bits == 8 {
            for (sample, soft) in samples.iter_mut().zip(soft) {
                *sample = self.sharper((*sample).into(), (*soft).into()) as u8;
            }
            return;
        }
        let mut soft = rows::samples16(soft);
        rows::change16(samples, |sample| {
            let soft = soft.next().unwrap_or(sample);
            self.sharper(sample.into(), soft.into()) as u16
        });
    }

    /// One sample.
    fn sharper(&self, sample: u32, soft: u32) -> u32 {
        let differs = sample.abs_diff(soft);
        if differs <= self.threshold {
            return sample;
        }
        let more = differs * self.amount / 100;
        if sample > soft {
            (sample + more).min((1 << self.bits) - 1)
        } else {
            sample.saturating_sub(more)
        }
    }

    /// Does as much as can be done in vectors, and answers how many bytes that were.
    #[cfg(target_arch = "wasm32")]
    fn vectors(&self, samples: &mut [u8], soft: &[u8]) -> usize {
        match self.bits {
            8 => vectors::eight(samples, soft, self.amount, self.threshold),
            10 => vectors::ten(samples, soft, self.amount, self.threshold),
            _ => 0,
        }
    }

    /// There are vectors on WebAssembly only.
    #[cfg(not(target_arch = "wasm32"))]
    fn vectors(&self, _: &mut [u8], _: &[u8]) -> usize {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_cut_off_and_ends_kept() {
        let mask = Mask::new(PixelFormat::Gray8, 150, 0);
        assert_eq!(mask.sharper(100, 99), 101);
        assert_eq!(mask.sharper(100, 101), 99);
        assert_eq!(mask.sharper(100, 97), 104);
        assert_eq!(mask.sharper(250, 200), 255);
        assert_eq!(mask.sharper(5, 60), 0);
    }

    #[test]
    fn the_threshold_is_the_last_that_does_not_count() {
        let mask = Mask::new(PixelFormat::Gray8, 100, 3);
        assert_eq!((mask.sharper(100, 97), mask.sharper(100, 96)), (100, 104));
        assert_eq!(Mask::new(PixelFormat::Yuv420p10, 100, 8).threshold, 32);
        assert_eq!(Mask::new(PixelFormat::Gray16, 100, 8).threshold, 8 * 257);
    }

    /// The division of the vectors, `q15mulr(x, 20971) >> 6`, on all that they divide.
    #[test]
    fn hundredths_are_exact() {
        for x in 0..=255_u32 * 99 {
            assert_eq!(((x * 20971 + (1 << 14)) >> 15) >> 6, x / 100, "{x}");
        }
    }

    /// The same of ten bits, in binary32.
    #[test]
    fn hundredths_of_ten_bits_are_exact() {
        for x in 0..=1023_u32 * 500 {
            assert_eq!((x as f32 / 100.0).floor() as u32, x / 100, "{x}");
        }
    }
}
