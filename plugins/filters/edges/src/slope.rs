//! The samples. With the 3x3 samples round one, whose outermost go on beyond the border,
//!
//! ```text
//! gx = (right column) - (left column), gy = (bottom row) - (top row), their middle counted
//! twice by Sobel, once by Prewitt;  laplacian: gx = n + s + w + e - 4 c, gy = 0
//! out = min(floor(sqrt(gx² + gy²) * gain), most)
//! ```
//!
//! The root and the product are binary32 up to 10 bits, binary64 at 16.

use filmgate_plugin::{PixelFormat, PlaneLayout};

#[cfg(target_arch = "wasm32")]
mod vectors;

/// Rows are worked on in multiples of this many bytes; what is behind a row's end is never seen.
const TURN: usize = 128;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Sobel,
    Prewitt,
    Laplacian,
}

/// Draws the edges of planes of one layout.
#[derive(Debug)]
pub(crate) struct Slope {
    operator: Operator,
    gain: f32,
    bits: u32,
    plane: PlaneLayout,
    /// The row, and those above and below, with one more pixel on each side.
    lines: [Vec<u8>; 3],
    /// where a row is made that is no multiple of [`TURN`]
    aside: Vec<u8>,
}

impl Slope {
    pub(crate) fn new(
        format: PixelFormat,
        plane: PlaneLayout,
        operator: Operator,
        gain: f32,
    ) -> Slope {
        let stride = plane.row_bytes().next_multiple_of(TURN);
        let line = || vec![0; stride + 2 * plane.pixel_bytes()];
        let lines = [line(), line(), line()];
        Slope { operator, gain, bits: format.bits(), plane, lines, aside: vec![0; stride] }
    }

    /// Draws the edges of a packed plane over it.
    pub(crate) fn draw(&mut self, samples: &mut [u8]) {
        let row_bytes = self.plane.row_bytes();
        let row = |y: usize| y * row_bytes..(y + 1) * row_bytes;
        self.take(1, &samples[row(0)]);
        self.lines[0] = self.lines[1].clone();
        for y in 0..self.plane.rows {
            // The row below is still as it was; behind the last comes the last once more.
            let below = (y + 1).min(self.plane.rows - 1);
            if below > y {
                self.take(2, &samples[row(below)]);
            } else {
                let [_, last, below] = &mut self.lines;
                below.copy_from_slice(last);
            }
            let out = &mut samples[row(y)];
            if row_bytes.is_multiple_of(TURN) {
                draw(self.operator, self.gain, self.bits, &self.plane, &self.lines, out);
            } else {
                let Slope { aside, lines, plane, .. } = self;
                draw(self.operator, self.gain, self.bits, plane, lines, aside);
                out.copy_from_slice(&aside[..row_bytes]);
            }
            self.lines.rotate_left(1);
        }
    }

    /// Keeps a row as one of the lines.
    fn take(&mut self, index: usize, row: &[u8]) {
        let pixel = self.plane.pixel_bytes();
        let line = &mut self.lines[index];
        line[..pixel].copy_from_slice(&row[..pixel]);
        line[pixel..pixel + row.len()].copy_from_slice(row);
        line[pixel + row.len()..][..pixel].copy_from_slice(&row[row.len() - pixel..]);
    }
}

/// One row, from itself and its neighbours.
fn draw(
    operator: Operator,
    gain: f32,
    bits: u32,
    plane: &PlaneLayout,
    lines: &[Vec<u8>; 3],
    out: &mut [u8],
) {
    let alpha = plane.channels == 4;
    #[cfg(target_arch = "wasm32")]
    if bits < 16 {
        let lines = lines.each_ref().map(Vec::as_slice);
        return vectors::draw(operator, gain, bits, plane.pixel_bytes(), alpha, lines, out);
    }
    let (size, channels) = (plane.sample_bytes, plane.channels);
    for i in 0..plane.columns * channels {
        let at = |y: usize, x: usize| match size {
            1 => i64::from(lines[y][i + x * channels]),
            _ => {
                let at = 2 * (i + x * channels);
                i64::from(u16::from_le_bytes([lines[y][at], lines[y][at + 1]]))
            }
        };
        let value =
            if alpha && i % 4 == 3 { at(1, 1) as u16 } else { steepness(operator, gain, bits, at) };
        match size {
            1 => out[i] = value as u8,
            _ => out[2 * i..2 * i + 2].copy_from_slice(&value.to_le_bytes()),
        }
    }
}

/// One sample; `at` takes row and column of the 3x3 samples round it.
fn steepness(operator: Operator, gain: f32, bits: u32, at: impl Fn(usize, usize) -> i64) -> u16 {
    let middle = if operator == Operator::Sobel { 2 } else { 1 };
    let (gx, gy) = if operator == Operator::Laplacian {
        (at(0, 1) + at(1, 0) + at(1, 2) + at(2, 1) - 4 * at(1, 1), 0)
    } else {
        let column = |x: usize| at(0, x) + middle * at(1, x) + at(2, x);
        let row = |y: usize| at(y, 0) + middle * at(y, 1) + at(y, 2);
        (column(2) - column(0), row(2) - row(0))
    };
    let square = gx * gx + gy * gy;
    let most = (1_u32 << bits) - 1;
    if bits == 16 {
        ((square as f64).sqrt() * f64::from(gain)).floor().min(most.into()) as u16
    } else {
        ((square as f32).sqrt() * gain).floor().min(most as f32) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(operator: Operator, gain: f32, columns: usize, samples: &[u8]) -> Vec<u8> {
        let rows = samples.len() / columns;
        let plane = PlaneLayout { columns, rows, channels: 1, sample_bytes: 1 };
        let mut samples = samples.to_vec();
        Slope::new(PixelFormat::Gray8, plane, operator, gain).draw(&mut samples);
        samples
    }

    #[test]
    fn a_step_is_an_edge_on_both_sides() {
        let step = [10, 10, 20, 20].repeat(3);
        assert_eq!(drawn(Operator::Sobel, 1.0, 4, &step), [0, 40, 40, 0].repeat(3));
        assert_eq!(drawn(Operator::Prewitt, 1.0, 4, &step), [0, 30, 30, 0].repeat(3));
        assert_eq!(drawn(Operator::Laplacian, 1.0, 4, &step), [0, 10, 10, 0].repeat(3));
        assert_eq!(drawn(Operator::Sobel, 0.26, 4, &step), [0, 10, 10, 0].repeat(3));
        assert_eq!(drawn(Operator::Sobel, 32.0, 4, &step), [0, 255, 255, 0].repeat(3));
    }

    #[test]
    fn both_directions_count() {
        // A point: its neighbours to the side see 2 * 9, those at the corners (9, 9).
        let point = [0, 0, 0, 0, 9, 0, 0, 0, 0];
        assert_eq!(drawn(Operator::Sobel, 1.0, 3, &point), [12, 18, 12, 18, 0, 18, 12, 18, 12]);
    }

    #[test]
    fn one_sample_has_no_edge() {
        assert_eq!(drawn(Operator::Sobel, 1.0, 1, &[77]), [0]);
    }
}
