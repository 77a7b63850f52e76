//! What has changed from one picture to the next, in cells of 1, 2 or 4 units a side:
//!
//! ```text
//! a cell has changed where |sum - sum before| > threshold * samples of the cell
//! ```

use crate::cells::{Grid, UNIT};

/// The cells of a picture.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cells {
    pub(crate) grid: Grid,
    /// pixels
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// units across and down a cell
    pub(crate) units: usize,
    /// by how much the mean sample of a cell has to differ, in steps of the samples
    pub(crate) threshold: u64,
}

/// What of a picture has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// pixels of all cells that have changed
    pub(crate) pixels: usize,
    /// `(x, y, width, height)` of the least box around them, in pixels
    pub(crate) area: Option<(usize, usize, usize, usize)>,
}

impl Cells {
    /// The sums of the cells, row by row from the top, from those of the units.
    pub(crate) fn sums(&self, units: &[u32], cells: &mut Vec<u32>) {
        cells.clear();
        if self.units == 1 {
            return cells.extend_from_slice(units);
        }
        for rows in units.chunks(self.units * self.grid.columns) {
            let start = cells.len();
            cells.resize(start + self.columns(), 0);
            for row in rows.chunks(self.grid.columns) {
                for (cell, units) in cells[start..].iter_mut().zip(row.chunks(self.units)) {
                    *cell += units.iter().sum::<u32>();
                }
            }
        }
    }

    /// What differs between the cells of two pictures.
    pub(crate) fn compare(&self, before: &[u32], now: &[u32]) -> Changes {
        let side = self.units * UNIT;
        let columns = self.columns();
        let (mut pixels, mut area) = (0, None);
        for (row, (before, now)) in before.chunks(columns).zip(now.chunks(columns)).enumerate() {
            let (top, bottom) = (row * side, (row * side + side).min(self.height));
            let limit = |left: usize, right: usize| {
                self.threshold * ((right - left) * (bottom - top) * self.grid.channels()) as u64
            };
            let (whole, last) = (limit(0, side), limit((columns - 1) * side, self.width));
            for (column, (before, now)) in before.iter().zip(now).enumerate() {
                let limit = if column + 1 == columns { last } else { whole };
                if u64::from(before.abs_diff(*now)) > limit {
                    let (left, right) = (column * side, (column * side + side).min(self.width));
                    pixels += (right - left) * (bottom - top);
                    area = Some(union(area, (left, top, right, bottom)));
                }
            }
        }
        let area = area.map(|(left, top, right, bottom)| (left, top, right - left, bottom - top));
        Changes { pixels, area }
    }

    /// Cells across.
    fn columns(&self) -> usize {
        self.grid.columns.div_ceil(self.units)
    }

    /// The share of the picture that has changed: `0.0000` to `1.0000`, rounded to the nearest.
    pub(crate) fn score(&self, changes: &Changes) -> String {
        let all = (self.width * self.height) as u64;
        let parts = (10_000 * changes.pixels as u64 + all / 2) / all;
        format!("{}.{:04}", parts / 10_000, parts % 10_000)
    }
}

/// The least box around both, as left, top, right, bottom.
fn union(
    area: Option<(usize, usize, usize, usize)>,
    cell: (usize, usize, usize, usize),
) -> (usize, usize, usize, usize) {
    area.map_or(cell, |area| {
        (area.0.min(cell.0), area.1.min(cell.1), area.2.max(cell.2), area.3.max(cell.3))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use filmgate_plugin::{Layout, PixelFormat};

    /// 40 x 20 pixels: 3 x 2 units, those of the last column 8 wide, of the last row 4 high.
    fn cells(units: usize) -> Cells {
        let layout = Layout { format: PixelFormat::Gray8, width: 40, height: 20 };
        let grid = Grid::new(layout.format, layout.plane(0));
        Cells { grid, width: 40, height: 20, units, threshold: 2 }
    }

    #[test]
    fn the_threshold_is_the_last_that_does_not_count() {
        let before = [0; 6];
        let still = Changes::default();
        assert_eq!(cells(1).compare(&before, &[512, 512, 256, 128, 128, 64]), still);
        let corner = Changes { pixels: 32, area: Some((32, 16, 8, 4)) };
        assert_eq!(cells(1).compare(&before, &[0, 0, 0, 0, 0, 65]), corner);
        assert_eq!(cells(1).compare(&[0, 0, 0, 0, 0, 65], &before), corner);
    }

    #[test]
    fn the_box_holds_all_that_changed() {
        let changes = cells(1).compare(&[0; 6], &[0, 9999, 0, 9999, 0, 0]);
        assert_eq!(changes, Changes { pixels: 256 + 64, area: Some((0, 0, 32, 20)) });
        assert_eq!(cells(1).score(&changes), "0.4000");
    }

    #[test]
    fn cells_may_have_several_units() {
        let mut sums = vec![99];
        cells(2).sums(&[1, 10, 100, 1000, 10_000, 100_000], &mut sums);
        assert_eq!(sums, [11_011, 100_100]);
        cells(4).sums(&[1, 10, 100, 1000, 10_000, 100_000], &mut sums);
        assert_eq!(sums, [111_111]);
        // The first cell: 32 x 20 pixels, 1280 of difference is the threshold.
        assert_eq!(cells(2).compare(&[0; 2], &[1280, 320]), Changes::default());
        let changes = cells(2).compare(&[0; 2], &[1281, 320]);
        assert_eq!(changes, Changes { pixels: 640, area: Some((0, 0, 32, 20)) });
        let changes = cells(4).compare(&[0], &[9999]);
        assert_eq!(cells(4).score(&changes), "1.0000");
    }
}
