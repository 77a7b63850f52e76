//! Samples mixed with a color: `(v * share + color * (32768 - share) + 16384) >> 15`.

/// All of the frame, and nothing of the color.
pub(crate) const ONE: u32 = 1 << 15;

/// Samples whose weights are known beforehand: a multiple of 1, 3 and 4 channels.
const PERIOD: usize = 48;

/// What samples are multiplied with, and what is added.
pub(crate) struct Mix {
    shares: [u32; PERIOD],
    added: [u32; PERIOD],
    wide: bool,
}

impl Mix {
    /// `color`: the samples of a pixel of a plane. Opacity, the fourth channel, stays.
    pub(crate) fn new(color: &[u16], share: u32, sample_bytes: usize) -> Mix {
        let (mut shares, mut added) = ([share; PERIOD], [0; PERIOD]);
        for (i, (share, added)) in shares.iter_mut().zip(&mut added).enumerate() {
            let channel = i % color.len();
            if channel == 3 {
                *share = ONE;
            }
            *added = u32::from(color[channel]) * (ONE - *share) + ONE / 2;
        }
        Mix { shares, added, wide: sample_bytes == 2 }
    }

    /// Changes whole pixels.
    pub(crate) fn apply(&self, samples: &mut [u8]) {
        let (periods, rest) = samples.as_chunks_mut::<PERIOD>();
        if !self.wide {
            for period in periods {
                for ((v, share), added) in period.iter_mut().zip(&self.shares).zip(&self.added) {
                    *v = ((u32::from(*v) * share + added) >> 15) as u8;
                }
            }
            for ((v, share), added) in rest.iter_mut().zip(&self.shares).zip(&self.added) {
                *v = ((u32::from(*v) * share + added) >> 15) as u8;
            }
            return;
        }
        for samples in samples.chunks_mut(2 * PERIOD) {
            let samples = samples.as_chunks_mut::<2>().0;
            for ((v, share), added) in samples.iter_mut().zip(&self.shares).zip(&self.added) {
                *v = (((u32::from(u16::from_le_bytes(*v)) * share + added) >> 15) as u16)
                    .to_le_bytes();
            }
        }
    }
}
