//! The means along all columns at once, row by row as rows come in. It keeps no more rows than the
//! window is high.

use filmgate_plugin::PlaneLayout;

use crate::{TURN, Window, scalar};

/// Takes the mean of columns.
#[derive(Debug)]
pub(crate) struct Column {
    window: Window,
    rows: usize,
    sample_bytes: usize,
    row_bytes: usize,
    /// bytes from one row of the ring to the next
    stride: usize,
    /// the rows in reach, row y at `y % kept`
    ring: Vec<u8>,
    kept: usize,
    /// the sums over the window: two bytes for a byte, four bytes for two
    sums: Vec<u8>,
    /// where a row is made that does not fit its place
    aside: Vec<u8>,
    taken: usize,
    given: usize,
}

impl Column {
    pub(crate) fn new(plane: &PlaneLayout, window: Window) -> Column {
        let stride = plane.row_bytes().next_multiple_of(TURN);
        let kept = 2 * window.radius + 3;
        Column {
            window,
            rows: plane.rows,
            sample_bytes: plane.sample_bytes,
            row_bytes: plane.row_bytes(),
            stride,
            ring: vec![0; kept * stride],
            kept,
            sums: vec![0; 2 * stride],
            aside: vec![0; stride],
            taken: 0,
            given: 0,
        }
    }

    /// Before the first row of a plane.
    pub(crate) fn restart(&mut self) {
        (self.taken, self.given) = (0, 0);
    }

    /// Where to put the next row.
    pub(crate) fn next_row(&mut self) -> &mut [u8] {
        let at = self.taken % self.kept * self.stride;
        self.taken += 1;
        &mut self.ring[at..at + self.stride]
    }

    /// Whether all rows have come that the next mean takes.
    pub(crate) fn ready(&self) -> bool {
        let needed = (self.given + self.window.radius + 2).min(self.rows);
        self.given < self.rows && self.taken >= needed
    }

    /// The next row of means into `out`, which is as long as a row, or that rounded up to a
    /// multiple of [`TURN`].
    pub(crate) fn give(&mut self, out: &mut [u8]) {
        if self.given == 0 {
            self.begin();
        }
        let (y, radius) = (self.given, self.window.radius);
        let leaving = self.place(y.saturating_sub(radius + 1));
        let entering = self.place(y + radius);
        let next = self.place(y + radius + 1);
        let whole = out.len() == self.stride;
        let to = if whole { &mut *out } else { &mut self.aside[..] };
        let row = |at: usize| &self.ring[at..at + self.stride];
        let inputs = [row(leaving), row(entering), row(next)];
        down(&mut self.sums, inputs, to, self.window, self.sample_bytes);
        if !whole {
            out.copy_from_slice(&self.aside[..self.row_bytes]);
        }
        self.given += 1;
    }

    /// Where row `y` stands, or the last one there is.
    fn place(&self, y: usize) -> usize {
        y.min(self.rows - 1) % self.kept * self.stride
    }

    /// The sums as they are one row above the first.
    fn begin(&mut self) {
        self.sums.fill(0);
        for y in 0..=self.window.radius {
            let times = if y == 0 { self.window.radius + 1 } else { 1 };
            let at = self.place(y.saturating_sub(1));
            let row = &self.ring[at..at + self.stride];
            scalar::add(&mut self.sums, row, times as u32, self.sample_bytes);
        }
    }
}

#[cfg(target_arch = "wasm32")]
use crate::vectors::down;

/// Moves `sums` on by one row and makes the means of it. `inputs`: the row that leaves the window,
/// the one that enters it, and the one behind that.
#[cfg(not(target_arch = "wasm32"))]
fn down(sums: &mut [u8], inputs: [&[u8]; 3], out: &mut [u8], window: Window, sample_bytes: usize) {
    match sample_bytes {
        1 => scalar::down8(sums, inputs, out, window),
        _ => scalar::down16(sums, inputs, out, window),
    }
}
