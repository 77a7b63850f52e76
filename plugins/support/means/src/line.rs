//! The means along a row.

use filmgate_plugin::PlaneLayout;

use crate::{TURN, Window};

/// Takes the mean of rows, one or more times over.
#[derive(Debug)]
pub(crate) struct Line {
    window: Window,
    times: usize,
    channels: usize,
    sample_bytes: usize,
    row_bytes: usize,
    /// Two rows with as much in front as the window reaches back, and enough behind.
    buffers: [Vec<u8>; 2],
}

impl Line {
    pub(crate) fn new(plane: &PlaneLayout, window: Window, times: usize) -> Line {
        let (row_bytes, border) = (plane.row_bytes(), (window.radius + 1) * plane.pixel_bytes());
        let buffer = || vec![0; row_bytes.next_multiple_of(TURN) + 2 * border];
        Line {
            window,
            times,
            channels: plane.channels,
            sample_bytes: plane.sample_bytes,
            row_bytes,
            buffers: [buffer(), buffer()],
        }
    }

    /// The means of `row` into `out`, which is as long or longer, a multiple of [`TURN`].
    pub(crate) fn soften(&mut self, row: &[u8], out: &mut [u8]) {
        let start = (self.window.radius + 1) * self.channels * self.sample_bytes;
        let [front, back] = &mut self.buffers;
        front[start..start + self.row_bytes].copy_from_slice(row);
        for _ in 1..self.times {
            extend(front, start, self.row_bytes, self.channels * self.sample_bytes);
            let softer = &mut back[start..start + out.len()];
            across(front, softer, self.window, self.channels, self.sample_bytes);
            std::mem::swap(front, back);
        }
        extend(front, start, self.row_bytes, self.channels * self.sample_bytes);
        across(front, out, self.window, self.channels, self.sample_bytes);
    }
}

/// Lets the outermost pixels of the row that begins at `start` go on before and behind it.
fn extend(line: &mut [u8], start: usize, row_bytes: usize, pixel: usize) {
    let (before, row) = line.split_at_mut(start);
    let (row, behind) = row.split_at_mut(row_bytes);
    if pixel == 1 {
        before.fill(row[0]);
        behind[..start].fill(row[row_bytes - 1]);
        return;
    }
    for to in before.chunks_exact_mut(pixel) {
        to.copy_from_slice(&row[..pixel]);
    }
    for to in behind[..start].chunks_exact_mut(pixel) {
        to.copy_from_slice(&row[row_bytes - pixel..]);
    }
}

#[cfg(target_arch = "wasm32")]
use crate::vectors::across;

/// The means of `line` into `out`. Sample i of `out` belongs to that of `line` which stands one
/// pixel and the window's radius further on.
#[cfg(not(target_arch = "wasm32"))]
fn across(line: &[u8], out: &mut [u8], window: Window, channels: usize, sample_bytes: usize) {
    match sample_bytes {
        1 => crate::scalar::across8(line, out, window, channels),
        _ => crate::scalar::across16(line, out, window, channels),
    }
}
