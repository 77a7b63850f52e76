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
    /// What differs between the units of two pictures.
    pub(crate) fn compare(&self, before: &[u32], now: &[u32]) -> Changes {
        let side = self.units * UNIT;
        let (mut pixels, mut area) = (0, None);
        for y in (0..self.height).step_by(side) {
            for x in (0..self.width).step_by(side) {
                let right = (x + side).min(self.width);
                let bottom = (y + side).min(self.height);
                let size = (right - x) * (bottom - y);
                let differs = self.sum(before, x, y).abs_diff(self.sum(now, x, y));
                if differs > self.threshold * (size * self.grid.channels()) as u64 {
                    pixels += size;
                    area = Some(union(area, (x, y, right, bottom)));
                }
            }
        }
        let area = area.map(|(left, top, right, bottom)| (left, top, right - left, bottom - top));
        Changes { pixels, area }
    }

    /// The sum of the cell whose first pixel is at (x, y).
    fn sum(&self, sums: &[u32], x: usize, y: usize) -> u64 {
        let (column, row) = (x / UNIT, y / UNIT);
        let columns = column..(column + self.units).min(self.grid.columns);
        let rows = row..(row + self.units).min(self.grid.rows);
        rows.flat_map(|row| &sums[row * self.grid.columns..][columns.clone()])
            .map(|sum| u64::from(*sum))
            .sum()
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
        // The first cell: 32 x 20 pixels, 1280 of difference is the threshold.
        let changes = cells(2).compare(&[0; 6], &[1280, 0, 0, 0, 0, 0]);
        assert_eq!(changes, Changes::default());
        let changes = cells(2).compare(&[0; 6], &[1000, 0, 0, 281, 0, 0]);
        assert_eq!(changes, Changes { pixels: 640, area: Some((0, 0, 32, 20)) });
        let changes = cells(4).compare(&[0; 6], &[9999; 6]);
        assert_eq!(cells(4).score(&changes), "1.0000");
    }
}
