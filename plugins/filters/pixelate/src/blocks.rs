//! The samples: each block becomes the mean of its samples, channel by channel, rounded to the
//! nearest, halves up: `floor((sum + floor(count / 2)) / count)`.
//!
//! The rows of blocks are added up first, column by column; that is where the work is.

use std::ops::Range;

use filmgate_plugin::PlaneLayout;

#[cfg(target_arch = "wasm32")]
mod vectors;

/// Draws blocks over planes of one layout.
#[derive(Debug)]
pub(crate) struct Blocks {
    plane: PlaneLayout,
    /// where blocks begin, and where the last one ends
    columns: Vec<usize>,
    rows: Vec<usize>,
    /// The sums of the columns: two bytes for a byte, four bytes for two.
    sums: Vec<u8>,
    /// one row of blocks, with some room behind
    row: Vec<u8>,
}

impl Blocks {
    /// No block is higher than 256 rows, so that sums of bytes fit into 16 bits.
    pub(crate) fn new(plane: PlaneLayout, columns: Vec<usize>, rows: Vec<usize>) -> Blocks {
        let first = columns.first().copied().unwrap_or(0);
        let width = columns.last().copied().unwrap_or(0) - first;
        let bytes = width * plane.pixel_bytes();
        Blocks { plane, columns, rows, sums: vec![0; 2 * bytes], row: vec![0; bytes + 16] }
    }

    /// Draws over a packed plane.
    pub(crate) fn draw(&mut self, samples: &mut [u8]) {
        let Some(first) = self.columns.first() else { return };
        let stride = self.plane.row_bytes();
        let (start, bytes) = (first * self.plane.pixel_bytes(), self.row.len() - 16);
        if bytes == 0 {
            return;
        }
        for band in 1..self.rows.len() {
            let (top, bottom) = (self.rows[band - 1], self.rows[band]);
            let part = &mut samples[top * stride + start..];
            let rows = bottom - top;
            add(&mut self.sums, part, bytes, stride, rows, self.plane.sample_bytes);
            self.spread(rows);
            for y in 0..rows {
                part[y * stride..][..bytes].copy_from_slice(&self.row[..bytes]);
            }
        }
    }

    /// From the sums of the columns to a row of blocks that are `rows` high.
    fn spread(&mut self, rows: usize) {
        let (channels, size) = (self.plane.channels, self.plane.sample_bytes);
        let first = self.columns.first().copied().unwrap_or(0);
        for cuts in self.columns.windows(2) {
            let (from, to) = ((cuts[0] - first) * channels, (cuts[1] - first) * channels);
            let count = ((cuts[1] - cuts[0]) * rows) as u32;
            let mut pixel = [0; 8];
            for channel in 0..channels {
                let sum = match size {
                    1 => sum8(&self.sums[2 * from..2 * to], channel, channels),
                    _ => sum16(&self.sums[4 * from..4 * to], channel, channels),
                };
                let mean = (sum + count / 2) / count;
                pixel[channel * size..][..size].copy_from_slice(&mean.to_le_bytes()[..size]);
            }
            fill(&mut self.row, from * size, to * size, &pixel[..channels * size]);
        }
    }
}

/// Where blocks begin and, last, where the last one ends, in a plane that is smaller than the
/// picture by a power of two. Each block has something of the plane.
pub(crate) fn cuts(side: &Range<usize>, block: usize, shift: u32) -> Vec<usize> {
    let all = side.clone().step_by(block).chain([side.end]);
    let mut cuts: Vec<usize> = all.map(|cut| cut.div_ceil(1 << shift)).collect();
    cuts.dedup();
    cuts
}

/// Sixteen bytes at a time, the last ones beyond `to`, where the next block comes.
fn fill(row: &mut [u8], from: usize, to: usize, pixel: &[u8]) {
    if let [sample] = pixel {
        let wide = [*sample; 16];
        for at in (from..to).step_by(16) {
            row[at..at + 16].copy_from_slice(&wide);
        }
    } else {
        for place in row[from..to].chunks_exact_mut(pixel.len()) {
            place.copy_from_slice(pixel);
        }
    }
}

fn sum8(sums: &[u8], channel: usize, channels: usize) -> u32 {
    let sums = sums.as_chunks::<2>().0[channel..].iter();
    let number = |bytes: &[u8; 2]| u32::from(u16::from_le_bytes(*bytes));
    if channels == 1 { sums.map(number).sum() } else { sums.step_by(channels).map(number).sum() }
}

/// At most 256 * 256 samples of 65535: the sum fits.
fn sum16(sums: &[u8], channel: usize, channels: usize) -> u32 {
    let sums = sums.as_chunks::<4>().0[channel..].iter();
    let number = |bytes: &[u8; 4]| u32::from_le_bytes(*bytes);
    if channels == 1 { sums.map(number).sum() } else { sums.step_by(channels).map(number).sum() }
}

/// The sums of the first `bytes` columns of bytes, or of samples of two, over `rows` rows.
fn add(sums: &mut [u8], part: &[u8], bytes: usize, stride: usize, rows: usize, size: usize) {
    #[cfg(target_arch = "wasm32")]
    {
        let add = if size == 1 { vectors::add8 } else { vectors::add16 };
        if add(sums, part, bytes, stride, rows) {
            return;
        }
    }
    sums.fill(0);
    for y in 0..rows {
        let row = &part[y * stride..][..bytes];
        if size == 1 {
            for (sum, sample) in sums.as_chunks_mut::<2>().0.iter_mut().zip(row) {
                *sum = (u16::from_le_bytes(*sum) + u16::from(*sample)).to_le_bytes();
            }
        } else {
            let row = row.as_chunks::<2>().0;
            for (sum, sample) in sums.as_chunks_mut::<4>().0.iter_mut().zip(row) {
                let sample = u32::from(u16::from_le_bytes(*sample));
                *sum = (u32::from_le_bytes(*sum) + sample).to_le_bytes();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_sums_fit() {
        for (sample_bytes, channels) in [(1, 1), (2, 1), (2, 3), (1, 4)] {
            let plane = PlaneLayout { columns: 256, rows: 256, channels, sample_bytes };
            let mut samples = vec![255; plane.bytes()];
            Blocks::new(plane, vec![0, 256], vec![0, 256]).draw(&mut samples);
            assert!(samples.iter().all(|v| *v == 255), "{plane:?}");
        }
    }

    #[test]
    fn halves_are_rounded_up() {
        let plane = PlaneLayout { columns: 2, rows: 1, channels: 1, sample_bytes: 1 };
        let mut samples = [3, 4];
        Blocks::new(plane, vec![0, 2], vec![0, 1]).draw(&mut samples);
        assert_eq!(samples, [4, 4]);
    }

    #[test]
    fn channels_do_not_mix() {
        let plane = PlaneLayout { columns: 2, rows: 2, channels: 3, sample_bytes: 2 };
        let mut samples: Vec<u8> = (0..24).collect();
        Blocks::new(plane, vec![0, 1, 2], vec![0, 2]).draw(&mut samples);
        // Red of the left column: 0x0100 and 0x0d0c.
        assert_eq!(samples[..2], 0x0706_u16.to_le_bytes());
        assert_eq!(samples[..12], samples[12..]);
    }

    #[test]
    fn the_last_block_is_what_is_left() {
        assert_eq!(cuts(&(0..10), 4, 0), [0, 4, 8, 10]);
        assert_eq!(cuts(&(3..11), 4, 0), [3, 7, 11]);
        assert_eq!(cuts(&(3..11), 3, 1), [2, 3, 5, 6]);
        assert_eq!(cuts(&(3..4), 16, 1), [2]);
    }
}
