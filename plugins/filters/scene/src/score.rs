//! How likely a picture begins a scene: FFmpeg's score, as its filters `select` and `scdet` reckon
//! it.
//!
//! ```text
//! m = sum / samples / 2^(bits - 8)         how much the picture differs from the one before
//! score = min(m, |m - m before|) / 100     from 0 to 1, as a number of 32 bits
//! ```
//!
//! So a picture scores high where it differs much, and much more than the one before did; a
//! camera that moves evenly does not.

/// Remembers how much the last picture differed from its predecessor.
pub(crate) struct Score {
    samples: f64,
    /// 2^(bits - 8)
    scale: f64,
    before: f64,
}

impl Score {
    /// For planes of so many samples of so many bits.
    pub(crate) fn new(samples: usize, bits: u32) -> Score {
        Score { samples: samples as f64, scale: f64::from(1_u32 << (bits - 8)), before: 0.0 }
    }

    /// The score of the next picture, whose samples differ from those before by `sum` altogether.
    pub(crate) fn next(&mut self, sum: u64) -> f64 {
        let mean = sum as f64 / self.samples / self.scale;
        let jump = (mean - self.before).abs();
        self.before = mean;
        // FFmpeg clips it as a float, and so rounds it.
        f64::from(((mean.min(jump) / 100.0) as f32).clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lesser_of_difference_and_jump_counts() {
        let mut score = Score::new(10, 8);
        assert_eq!(score.next(500), 0.5);
        assert_eq!(score.next(600), f64::from(0.1_f32));
        assert_eq!(score.next(100), f64::from(0.1_f32));
        assert_eq!(score.next(2550), 1.0);
        assert_eq!(Score::new(10, 10).next(2000), 0.5);
    }
}
