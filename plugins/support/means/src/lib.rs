//! Sliding means: each sample of a plane becomes the mean of a window round it, first along its
//! row, then along its column, once (a box blur) or three times each (nearly a Gaussian). The cost
//! does not grow with the window.
//!
//! A window of radius R, which need not be whole, with r its whole part and a the rest, reaches
//! from r samples before to r samples behind and takes the next one on each side with the weight
//! a. Beyond the plane's border, its outermost sample goes on for ever.
//!
//! ```text
//! acc = v(-r) + … + v(r)          far = v(-r - 1) + v(r + 1)
//! 8 bits:       out = floor((acc * ww + far * fw + 2^23) / 2^24)
//!               ww = floor(2^24 / (2R + 1)), fw = floor((2^24 - (2r + 1) * ww) / 2)
//! 10, 16 bits:  out = nearest((acc + far * a) / (2R + 1)), step by step in binary32, halves to even
//! ```
//!
//! At 8 bits that is, bit for bit, what Pillow's `BoxBlur` does, and three times with the radius of
//! [`Window::gaussian`] its `GaussianBlur`. For a whole R both are the mean, rounded to the
//! nearest.

mod column;
mod line;
mod scalar;
#[cfg(target_arch = "wasm32")]
mod vectors;

use column::Column;
use filmgate_plugin::PlaneLayout;
use line::Line;

/// Rows are worked on in multiples of this many bytes; what is behind a row's end is never seen.
const TURN: usize = 128;

/// What one mean is taken over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// whole samples on each side
    radius: usize,
    /// what the next sample on each side counts: 0 to 1
    share: f32,
    /// 2R + 1
    length: f32,
    /// what a sample counts, in 2^24ths
    ww: u32,
    /// what the next sample on each side counts, in 2^24ths
    fw: u32,
}

impl Window {
    /// The window of radius `radius`, from 0, in samples.
    pub fn of(radius: f32) -> Window {
        let whole = radius as usize;
        let length = radius * 2.0 + 1.0;
        let ww = (16_777_216.0 / length) as u32;
        let fw = ((1 << 24) - (2 * whole as u32 + 1) * ww) / 2;
        Window { radius: whole, share: radius - whole as f32, length, ww, fw }
    }

    /// The window whose mean, taken three times, is nearly a Gaussian with the standard deviation
    /// `sigma`, in samples: P. Gwosdek et al., "Theoretical Foundations of Gaussian Convolution by
    /// Extended Box Filtering" (2011), equations 7, 11 and 14, in the precision that Pillow has.
    pub fn gaussian(sigma: f32) -> Window {
        let variance = sigma * sigma / 3.0;
        let length = (12.0 * f64::from(variance) + 1.0).sqrt() as f32;
        let whole = ((f64::from(length) - 1.0) / 2.0).floor() as f32;
        let mut share = (2.0 * whole + 1.0) * (whole * (whole + 1.0) - 3.0 * variance);
        share /= 6.0 * (variance - (whole + 1.0) * (whole + 1.0));
        Window::of(whole + share)
    }
}

/// How often the mean is taken, each way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Once: every sample in reach counts alike.
    Box,
    /// Three times: nearly a Gaussian.
    Gaussian,
}

/// Softens planes of one layout. It keeps its buffers from plane to plane, some rows.
#[derive(Debug)]
pub struct Softener {
    plane: PlaneLayout,
    line: Line,
    columns: Vec<Column>,
}

impl Softener {
    /// `across`, `down`: the radius of a box or the standard deviation of a Gaussian, in samples of
    /// this plane, above 0 and at most 64.
    pub fn new(plane: PlaneLayout, kind: Kind, across: f32, down: f32) -> Softener {
        let (times, window): (usize, fn(f32) -> Window) = match kind {
            Kind::Box => (1, Window::of),
            Kind::Gaussian => (3, Window::gaussian),
        };
        let column = || Column::new(&plane, window(down));
        Softener {
            plane,
            line: Line::new(&plane, window(across), times),
            columns: (0..times).map(|_| column()).collect(),
        }
    }

    /// Softens a packed plane in place.
    pub fn soften(&mut self, samples: &mut [u8]) {
        let row_bytes = self.plane.row_bytes();
        self.columns.iter_mut().for_each(Column::restart);
        let mut done = 0;
        for y in 0..self.plane.rows {
            let Some(first) = self.columns.first_mut() else { return };
            // Rows come out behind those that went in, so that reading stays ahead of writing.
            self.line.soften(&samples[y * row_bytes..][..row_bytes], first.next_row());
            flow(&mut self.columns, &mut |column| {
                column.give(&mut samples[done * row_bytes..][..row_bytes]);
                done += 1;
            });
        }
    }
}

/// Lets every row that can be finished run through all columns that follow.
fn flow(columns: &mut [Column], last: &mut impl FnMut(&mut Column)) {
    let Some((first, rest)) = columns.split_first_mut() else { return };
    while first.ready() {
        match rest.first_mut() {
            Some(next) => {
                first.give(next.next_row());
                flow(rest, last);
            }
            None => last(first),
        }
    }
}

#[cfg(test)]
mod tests;
