//! Row-wise work on packed planes, and samples of two bytes.

use std::ops::Range;

use crate::PlaneLayout;

/// Half of what the second cache of most processors holds.
const BAND_BYTES: usize = 256 << 10;

/// A band has a multiple of so many rows where it can, for filters that work in blocks.
const BLOCK: usize = 64;

impl PlaneLayout {
    /// The rows of the plane in bands that stay in the processor's cache, from the top: with
    /// [`Frame::rows`](crate::Frame::rows) and [`Frame::set_rows`](crate::Frame::set_rows) large
    /// planes are done fastest in these.
    pub fn bands(&self) -> impl DoubleEndedIterator<Item = Range<usize>> + use<> {
        let fit = (BAND_BYTES / self.row_bytes().max(1)).max(1);
        let step = if fit > BLOCK { fit / BLOCK * BLOCK } else { fit };
        let rows = self.rows;
        (0..rows).step_by(step).map(move |first| first..rows.min(first + step))
    }

    /// The rows of a packed plane of this layout, from the top.
    pub fn rows<'a>(&self, samples: &'a [u8]) -> impl DoubleEndedIterator<Item = &'a [u8]> {
        samples.chunks_exact(self.row_bytes())
    }

    /// The rows of a packed plane of this layout, from the top, to be changed.
    pub fn rows_mut<'a>(
        &self,
        samples: &'a mut [u8],
    ) -> impl DoubleEndedIterator<Item = &'a mut [u8]> {
        samples.chunks_exact_mut(self.row_bytes())
    }
}

/// Calls `change` with each row of `samples` but the last, from the top, together with the row
/// below it, which is still as it was. So a filter that looks one row down works in place.
///
/// # Panics
/// Where `row_bytes` is 0.
pub fn with_row_below(
    samples: &mut [u8],
    row_bytes: usize,
    mut change: impl FnMut(&mut [u8], &[u8]),
) {
    let mut rest = samples;
    while rest.len() >= 2 * row_bytes {
        let (row, below) = rest.split_at_mut(row_bytes);
        change(row, &below[..row_bytes]);
        rest = below;
    }
}

/// The samples of a row whose samples are two bytes.
pub fn samples16(row: &[u8]) -> impl ExactSizeIterator<Item = u16> {
    row.as_chunks::<2>().0.iter().map(|bytes| u16::from_le_bytes(*bytes))
}

/// Replaces each sample of a row whose samples are two bytes by what `change` makes of it.
pub fn change16(row: &mut [u8], mut change: impl FnMut(u16) -> u16) {
    for bytes in row.as_chunks_mut::<2>().0 {
        *bytes = change(u16::from_le_bytes(*bytes)).to_le_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_below_is_the_original() {
        let mut samples = [1, 2, 10, 20, 100, 200];
        with_row_below(&mut samples, 2, |row, below| {
            row[0] = below[0] - row[0];
            row[1] = below[1] - row[1];
        });
        assert_eq!(samples, [9, 18, 90, 180, 100, 200]);
    }

    #[test]
    fn bands_cover_the_plane() {
        for (columns, rows) in [(1, 1), (1280, 720), (300_000, 3), (4096, 65), (1279, 161)] {
            let plane = PlaneLayout { columns, rows, channels: 1, sample_bytes: 1 };
            let bands: Vec<_> = plane.bands().collect();
            assert!(bands.windows(2).all(|pair| pair[0].end == pair[1].start), "{bands:?}");
            assert!(bands[0].start == 0 && bands[bands.len() - 1].end == rows, "{bands:?}");
            assert!(bands.iter().all(|b| b.len() == 1 || b.len() * columns <= BAND_BYTES));
        }
    }

    #[test]
    fn two_bytes_make_a_sample() {
        let mut row = [0x34, 0x12, 0xff, 0x00];
        assert_eq!(samples16(&row).collect::<Vec<_>>(), [0x1234, 0x00ff]);
        change16(&mut row, |sample| sample + 1);
        assert_eq!(row, [0x35, 0x12, 0x00, 0x01]);
    }
}
