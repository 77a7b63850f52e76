//! Quarter turns, from one plane into another: rows become columns.

use std::ops::Range;

use filmgate_plugin::PlaneLayout;

#[cfg(target_arch = "wasm32")]
mod vectors;

/// How rows become columns. With `w` columns and `h` rows before:
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// `out(x, y) = in(w - 1 - y, x)`
    Left,
    /// `out(x, y) = in(y, h - 1 - x)`
    Right,
    /// `out(x, y) = in(y, x)`
    Transpose,
}

impl Turn {
    /// The row of the source that becomes column `x`.
    fn source_row(self, plane: &PlaneLayout, x: usize) -> usize {
        if self == Turn::Right { plane.rows - 1 - x } else { x }
    }

    /// Which of the rows that the columns `band` of the source become is that of column `x`.
    fn target_row(self, band: &Range<usize>, x: usize) -> usize {
        if self == Turn::Left { band.end - 1 - x } else { x - band.start }
    }

    /// The rows `rows` of what becomes of a packed plane of the layout `plane`.
    pub(crate) fn apply(
        self,
        samples: &[u8],
        plane: &PlaneLayout,
        rows: Range<usize>,
        out: &mut Vec<u8>,
    ) {
        out.resize(rows.len() * plane.rows * plane.pixel_bytes(), 0);
        let band = match self {
            Turn::Left => plane.columns - rows.end..plane.columns - rows.start,
            _ => rows,
        };
        if self.vectors(samples, plane, &band, out) {
            return;
        }
        match plane.pixel_bytes() {
            1 => self.pixels::<1>(samples, plane, &band, out),
            2 => self.pixels::<2>(samples, plane, &band, out),
            3 => self.pixels::<3>(samples, plane, &band, out),
            4 => self.pixels::<4>(samples, plane, &band, out),
            _ => self.pixels::<6>(samples, plane, &band, out),
        }
    }

    /// Answers whether it did all of it.
    #[cfg(target_arch = "wasm32")]
    fn vectors(
        self,
        samples: &[u8],
        plane: &PlaneLayout,
        band: &Range<usize>,
        out: &mut [u8],
    ) -> bool {
        vectors::turn(self, samples, plane, band, out)
    }

    /// There are vectors on WebAssembly only.
    #[cfg(not(target_arch = "wasm32"))]
    fn vectors(self, _: &[u8], _: &PlaneLayout, _: &Range<usize>, _: &mut [u8]) -> bool {
        false
    }

    /// One pixel at a time, in strips as wide as a few lines of the cache.
    fn pixels<const PIXEL: usize>(
        self,
        samples: &[u8],
        plane: &PlaneLayout,
        band: &Range<usize>,
        out: &mut [u8],
    ) {
        const STRIP: usize = 16;
        let (columns, rows) = (plane.columns, plane.rows);
        let source = samples.as_chunks::<PIXEL>().0;
        let target = out.as_chunks_mut::<PIXEL>().0;
        for start in (0..rows).step_by(STRIP) {
            let strip = start..rows.min(start + STRIP);
            for x in band.clone() {
                let row = self.target_row(band, x) * rows;
                let pixels = target[row + strip.start..row + strip.end].iter_mut();
                for (pixel, y) in pixels.zip(strip.clone()) {
                    *pixel = source[self.source_row(plane, y) * columns + x];
                }
            }
        }
    }
}

/// Writes each sample of a plane that is halved across twice, so that it becomes as wide as
/// `whole`.
pub(crate) fn widen(samples: &[u8], plane: &PlaneLayout, whole: &PlaneLayout, out: &mut Vec<u8>) {
    out.resize(whole.bytes(), 0);
    for (wide, row) in whole.rows_mut(out).zip(plane.rows(samples)) {
        match plane.sample_bytes {
            1 => double::<1>(row, wide),
            _ => double::<2>(row, wide),
        }
    }
}

fn double<const SAMPLE: usize>(row: &[u8], wide: &mut [u8]) {
    let row = row.as_chunks::<SAMPLE>().0;
    let (pairs, odd) = wide.as_chunks_mut::<SAMPLE>().0.as_chunks_mut::<2>();
    for (pair, sample) in pairs.iter_mut().zip(row) {
        *pair = [*sample; 2];
    }
    if let (Some(last), Some(sample)) = (odd.first_mut(), row.last()) {
        *last = *sample;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_the_definition_says() {
        for (channels, sample_bytes) in [(1, 1), (1, 2), (3, 1), (4, 1), (3, 2)] {
            let plane = PlaneLayout { columns: 37, rows: 21, channels, sample_bytes };
            let (w, h, pixel) = (plane.columns, plane.rows, plane.pixel_bytes());
            let samples: Vec<u8> = (0..plane.bytes()).map(|i| (i * 7 % 251) as u8).collect();
            let at = |x: usize, y: usize| &samples[(y * w + x) * pixel..][..pixel];
            let mut out = Vec::new();
            for turn in [Turn::Left, Turn::Right, Turn::Transpose] {
                // As a whole, and in two bands.
                for cut in [0, 9] {
                    turn.apply(&samples, &plane, 0..cut, &mut out);
                    let upper = out.clone();
                    turn.apply(&samples, &plane, cut..w, &mut out);
                    out.splice(0..0, upper);
                    for (i, found) in out.chunks(pixel).enumerate() {
                        let (x, y) = (i % h, i / h);
                        let expected = match turn {
                            Turn::Left => at(w - 1 - y, x),
                            Turn::Right => at(y, h - 1 - x),
                            Turn::Transpose => at(y, x),
                        };
                        assert_eq!(found, expected, "{turn:?} {plane:?} at {x}, {y}");
                    }
                }
            }
        }
    }

    #[test]
    fn an_odd_row_ends_with_half_a_pair() {
        let plane = PlaneLayout { columns: 2, rows: 2, channels: 1, sample_bytes: 2 };
        let mut out = Vec::new();
        let whole = PlaneLayout { columns: 3, ..plane };
        widen(&[1, 0, 2, 0, 3, 0, 4, 0], &plane, &whole, &mut out);
        assert_eq!(out, [1, 0, 1, 0, 2, 0, 3, 0, 3, 0, 4, 0]);
    }
}
