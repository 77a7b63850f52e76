//! RGB pictures. Their Cb and Cr are BT.601's in full range, as JPEG has them.

use filmgate_plugin::{Color, Layout};

use crate::key::Cut;
use crate::rows::{self, Spread, TURN};

pub(crate) struct Packed {
    cut: Cut,
    key: [i16; 2],
    columns: usize,
    rows: usize,
    channels: usize,
    spread: Spread,
    background: Vec<u8>,
    /// The distances of three rows, with one more on each side.
    distances: [Vec<u8>; 3],
    sums: Vec<u8>,
    mask: Vec<u8>,
    /// the mask of each sample
    masks: Vec<u8>,
}

impl Packed {
    pub(crate) fn new(layout: &Layout, key: Color, background: Option<Color>, cut: Cut) -> Packed {
        let plane = layout.plane(0);
        let (columns, channels) = (plane.columns, plane.channels);
        let mask = (2 * columns).next_multiple_of(2 * TURN);
        let distances = || vec![0; mask + TURN];
        let spread = match (channels, background) {
            (3, _) => Spread::Three,
            (_, Some(_)) => Spread::Four,
            (_, None) => Spread::Alpha,
        };
        let Color { red, green, blue, alpha } =
            background.unwrap_or(Color { red: 0, green: 0, blue: 0, alpha: 0 });
        Packed {
            cut,
            key: rows::chroma([key.red, key.green, key.blue]),
            columns,
            rows: plane.rows,
            channels,
            spread,
            background: rows::padded(&[red, green, blue, alpha][..channels].repeat(columns)),
            distances: [distances(), distances(), distances()],
            sums: distances(),
            mask: vec![0; mask],
            masks: vec![0; channels * mask],
        }
    }

    /// Cuts the key colour out of a packed plane.
    pub(crate) fn cut(&mut self, samples: &mut [u8]) {
        let row_bytes = self.columns * self.channels;
        self.measure(1, &samples[..row_bytes]);
        self.distances[0] = self.distances[1].clone();
        for y in 0..self.rows {
            // The row below is measured before anything in it changes.
            let below = (y + 1).min(self.rows - 1);
            self.measure(2, &samples[below * row_bytes..][..row_bytes]);
            let lines = self.distances.each_ref().map(Vec::as_slice);
            rows::stack(lines, [1, 1, 1], &mut self.sums);
            rows::masks(&self.sums, self.cut, &mut self.mask);
            rows::spread(&self.mask, self.spread, &mut self.masks);
            let row = &mut samples[y * row_bytes..][..row_bytes];
            rows::blend(row, &self.masks, &self.background, 8);
            self.distances.rotate_left(1);
        }
    }

    fn measure(&mut self, index: usize, row: &[u8]) {
        let line = &mut self.distances[index];
        rows::distances_rgb(row, self.channels, self.key, &mut line[2..]);
        rows::extend(line, self.columns);
    }
}
