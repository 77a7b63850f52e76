//! Whether a plane repeats another one, in blocks of 16 x 16 pixels, those at the right and the
//! bottom edge smaller:
//!
//! ```text
//! it does where  the sum of |a - b| over each block <= floor(block limit * samples of the block)
//!           and  the sum of |a - b| over the plane  <= floor(mean limit * samples of the plane)
//! ```

use filmgate_plugin::{PixelFormat, PlaneLayout, rows};

#[cfg(target_arch = "wasm32")]
mod vectors;

/// Pixels across and down a block.
const BLOCK: usize = 16;

/// By how much the samples of a repeated picture may differ on average, in steps of the samples.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// in any one block
    pub(crate) block: f64,
    /// in a whole plane
    pub(crate) mean: f64,
}

/// The sum of |a - b| that an average of `limit` over so many samples allows.
fn allowed(limit: f64, samples: usize) -> u64 {
    (limit * samples as f64).floor() as u64
}

/// How planes of one kind are compared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blocks {
    plane: PlaneLayout,
    bits: u32,
    limits: Limits,
}

impl Blocks {
    pub(crate) fn new(format: PixelFormat, plane: PlaneLayout, limits: Limits) -> Blocks {
        Blocks { plane, bits: format.bits(), limits }
    }

    /// Whether `new` repeats `old`. Looks no further than the first block that does not.
    pub(crate) fn repeats(&self, old: &[u8], new: &[u8]) -> bool {
        let row_bytes = self.plane.row_bytes();
        let strip_bytes = BLOCK * row_bytes;
        let mut budget = allowed(self.limits.mean, self.samples(self.plane.bytes()));
        let mut sums = Vec::with_capacity(self.plane.columns.div_ceil(BLOCK));
        for (old, new) in old.chunks(strip_bytes).zip(new.chunks(strip_bytes)) {
            sums.clear();
            self.strip(old, new, &mut sums);
            let height = old.len() / row_bytes;
            let whole = allowed(self.limits.block, BLOCK * height * self.plane.channels);
            let narrow = match self.plane.columns % BLOCK {
                0 => whole,
                columns => allowed(self.limits.block, columns * height * self.plane.channels),
            };
            let most = (sums.len() - 1, narrow);
            let limit = |i: usize| if i == most.0 { most.1 } else { whole };
            if sums.iter().enumerate().any(|(i, sum)| u64::from(*sum) > limit(i)) {
                return false;
            }
            let sum: u64 = sums.iter().map(|sum| u64::from(*sum)).sum();
            match budget.checked_sub(sum) {
                Some(left) => budget = left,
                None => return false,
            }
        }
        true
    }

    fn samples(&self, bytes: usize) -> usize {
        bytes / self.plane.sample_bytes
    }

    /// Appends the sums of one row of blocks.
    fn strip(&self, old: &[u8], new: &[u8], sums: &mut Vec<u32>) {
        let done = self.vectors(old, new, sums);
        let (row_bytes, block_bytes) = (self.plane.row_bytes(), BLOCK * self.plane.pixel_bytes());
        for start in (done * block_bytes..row_bytes).step_by(block_bytes) {
            let end = (start + block_bytes).min(row_bytes);
            let pairs = old.chunks_exact(row_bytes).zip(new.chunks_exact(row_bytes));
            let rows = pairs.map(|(old, new)| (&old[start..end], &new[start..end]));
            sums.push(rows.map(|(old, new)| self.row(old, new)).sum());
        }
    }

    /// The sum of one row of one block.
    fn row(&self, old: &[u8], new: &[u8]) -> u32 {
        if self.bits == 8 {
            return old.iter().zip(new).map(|(old, new)| u32::from(old.abs_diff(*new))).sum();
        }
        let pairs = rows::samples16(old).zip(rows::samples16(new));
        pairs.map(|(old, new)| u32::from(old.abs_diff(new))).sum()
    }

    /// Appends the sums of as many blocks as can be done in vectors, and answers how many.
    #[cfg(target_arch = "wasm32")]
    fn vectors(&self, old: &[u8], new: &[u8], sums: &mut Vec<u32>) -> usize {
        let row_bytes = self.plane.row_bytes();
        let whole = self.plane.columns / BLOCK;
        match (self.bits, self.plane.channels) {
            (8, 1) => vectors::eight::<1>(old, new, row_bytes, whole, sums),
            (8, 3) => vectors::eight::<3>(old, new, row_bytes, whole, sums),
            (8, _) => vectors::eight::<4>(old, new, row_bytes, whole, sums),
            (10, _) => vectors::ten(old, new, row_bytes, whole, sums),
            (_, 1) => vectors::sixteen::<2>(old, new, row_bytes, whole, sums),
            (_, _) => vectors::sixteen::<6>(old, new, row_bytes, whole, sums),
        }
        whole
    }

    /// There are vectors on WebAssembly only.
    #[cfg(not(target_arch = "wasm32"))]
    fn vectors(&self, _: &[u8], _: &[u8], _: &mut Vec<u32>) -> usize {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(format: PixelFormat, block: f64, mean: f64) -> Blocks {
        let plane = PlaneLayout {
            columns: 18,
            rows: 17,
            channels: format.channels(),
            sample_bytes: format.sample_bytes(),
        };
        Blocks::new(format, plane, Limits { block, mean })
    }

    /// A plane of zeros but for some samples.
    fn plane(blocks: &Blocks, samples: &[(usize, u8)]) -> Vec<u8> {
        let mut plane = vec![0; blocks.plane.bytes()];
        samples.iter().for_each(|(at, value)| plane[*at] = *value);
        plane
    }

    #[test]
    fn one_block_is_enough() {
        let blocks = blocks(PixelFormat::Gray8, 0.5, 100.0);
        let black = plane(&blocks, &[]);
        // The first block has 256 samples, that in the corner two.
        assert!(blocks.repeats(&black, &plane(&blocks, &[(0, 100), (19, 28)])));
        assert!(!blocks.repeats(&black, &plane(&blocks, &[(0, 100), (19, 29)])));
        let corner = 18 * 17 - 1;
        assert!(blocks.repeats(&black, &plane(&blocks, &[(corner, 1)])));
        assert!(!blocks.repeats(&plane(&blocks, &[(corner, 2)]), &black));
    }

    #[test]
    fn the_whole_plane_counts_too() {
        let blocks = blocks(PixelFormat::Gray8, 255.0, 0.25);
        let black = plane(&blocks, &[]);
        // 306 samples: 76 is the last sum that counts as the same.
        assert!(blocks.repeats(&black, &plane(&blocks, &[(0, 40), (300, 36)])));
        assert!(!blocks.repeats(&black, &plane(&blocks, &[(0, 40), (300, 37)])));
    }

    #[test]
    fn nothing_at_all_may_differ_where_the_limits_are_zero() {
        for format in [PixelFormat::Rgb24, PixelFormat::Rgba, PixelFormat::Gray16] {
            let blocks = blocks(format, 0.0, 0.0);
            let black = plane(&blocks, &[]);
            assert!(blocks.repeats(&black, &black));
            let last = blocks.plane.bytes() - 1;
            assert!(!blocks.repeats(&black, &plane(&blocks, &[(last, 1)])), "{format}");
        }
    }
}
