//! A picture made small: the sums of its samples over units of 16 x 16 pixels. Units at the right
//! and the bottom edge may be smaller.

use filmgate_plugin::{PixelFormat, PlaneLayout};

#[cfg(target_arch = "wasm32")]
mod vectors;

/// Pixels across and down a unit.
pub(crate) const UNIT: usize = 16;

/// How the first plane of a stream is cut into units.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    plane: PlaneLayout,
    bits: u32,
    /// units across
    pub(crate) columns: usize,
}

impl Grid {
    pub(crate) fn new(format: PixelFormat, plane: PlaneLayout) -> Grid {
        Grid { plane, bits: format.bits(), columns: plane.columns.div_ceil(UNIT) }
    }

    /// Samples of one pixel that count: opacity does not.
    pub(crate) fn channels(&self) -> usize {
        self.plane.channels.min(3)
    }

    /// Writes the sum of each unit, row by row from the top, into `sums`.
    pub(crate) fn sums(&self, samples: &[u8], sums: &mut Vec<u32>) {
        let row_bytes = self.plane.row_bytes();
        // Stands in for the rows that the lowest units are short of.
        let nothing = vec![0; row_bytes];
        sums.clear();
        for strip in samples.chunks(UNIT * row_bytes) {
            let mut rows = [nothing.as_slice(); UNIT];
            for (row, samples) in rows.iter_mut().zip(strip.chunks_exact(row_bytes)) {
                *row = samples;
            }
            self.strip(&rows, sums);
        }
    }

    /// Appends the sums of one row of units.
    fn strip(&self, rows: &[&[u8]; UNIT], sums: &mut Vec<u32>) {
        let done = self.vectors(rows, sums);
        let unit_bytes = UNIT * self.plane.pixel_bytes();
        for unit in done..self.columns {
            let end = ((unit + 1) * unit_bytes).min(self.plane.row_bytes());
            let rows = rows.iter().map(|row| &row[unit * unit_bytes..end]);
            sums.push(rows.map(|row| self.row(row)).sum());
        }
    }

    /// The sum of one row of one unit.
    fn row(&self, row: &[u8]) -> u32 {
        let counted = |(i, sample): (usize, u32)| {
            if i % self.plane.channels < self.channels() { sample } else { 0 }
        };
        match self.plane.sample_bytes {
            1 => row.iter().map(|sample| (*sample).into()).enumerate().map(counted).sum(),
            _ => filmgate_plugin::rows::samples16(row).map(u32::from).sum(),
        }
    }

    /// Appends the sums of as many units as can be done in vectors, and answers how many.
    #[cfg(target_arch = "wasm32")]
    fn vectors(&self, rows: &[&[u8]; UNIT], sums: &mut Vec<u32>) -> usize {
        let whole = self.plane.columns / UNIT;
        match (self.bits, self.plane.channels) {
            (8, 1) => vectors::eight::<1>(rows, whole, sums),
            (8, 3) => vectors::eight::<3>(rows, whole, sums),
            (8, _) => vectors::rgba(rows, whole, sums),
            (10, _) => vectors::ten(rows, whole, sums),
            (_, 1) => vectors::sixteen::<2>(rows, whole, sums),
            (_, _) => vectors::sixteen::<6>(rows, whole, sums),
        }
        whole
    }

    /// There are vectors on WebAssembly only.
    #[cfg(not(target_arch = "wasm32"))]
    fn vectors(&self, _: &[&[u8]; UNIT], _: &mut Vec<u32>) -> usize {
        debug_assert!(matches!(self.bits, 8 | 10 | 16));
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_have_smaller_units() {
        let plane = PlaneLayout { columns: 17, rows: 18, channels: 1, sample_bytes: 1 };
        let grid = Grid::new(PixelFormat::Gray8, plane);
        let mut sums = vec![99];
        grid.sums(&vec![1; plane.bytes()], &mut sums);
        assert_eq!(sums, [256, 16, 32, 2]);
    }

    #[test]
    fn opacity_does_not_count() {
        let plane = PlaneLayout { columns: 2, rows: 1, channels: 4, sample_bytes: 1 };
        let grid = Grid::new(PixelFormat::Rgba, plane);
        let mut sums = Vec::new();
        grid.sums(&[1, 2, 3, 200, 10, 20, 30, 200], &mut sums);
        assert_eq!(sums, [66]);
    }

    #[test]
    fn samples_may_have_two_bytes() {
        let plane = PlaneLayout { columns: 2, rows: 1, channels: 1, sample_bytes: 2 };
        let grid = Grid::new(PixelFormat::Yuv444p10, plane);
        let mut sums = Vec::new();
        grid.sums(&[0xff, 0x03, 0x01, 0x00], &mut sums);
        assert_eq!(sums, [1024]);
    }
}
