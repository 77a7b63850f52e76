//! YUV pictures. The mask has the size of the luma; each pixel's distance is that of its own chroma
//! and its eight neighbours' added up, which softens the steps of halved chroma.

use filmgate_plugin::Layout;

use crate::key::Cut;
use crate::rows::{self, TURN};

pub(crate) struct Planar {
    cut: Cut,
    /// Cb and Cr of the key
    key: [i16; 2],
    bits: u32,
    /// of the chroma planes
    columns: usize,
    rows: usize,
    wide: bool,
    tall: bool,
    /// bytes a row of luma and of chroma
    row_bytes: [usize; 2],
    height: usize,
    /// a row of each plane's background
    background: [Vec<u8>; 3],
    /// The distances of three rows of chroma, with one more on each side.
    distances: [Vec<u8>; 3],
    /// those of three rows added up
    sums: Vec<u8>,
    mask: Vec<u8>,
    /// the mask at the width of the chroma, for two rows of luma
    halves: [Vec<u8>; 2],
}

impl Planar {
    pub(crate) fn new(layout: &Layout, key: [u16; 3], background: [u16; 3], cut: Cut) -> Planar {
        let (luma, chroma) = (layout.plane(0), layout.plane(1));
        let (across, down) = layout.format.chroma_shift();
        let masks = (2 * chroma.columns).next_multiple_of(2 * TURN);
        let distances = || vec![0; masks + TURN];
        let widths = [luma.row_bytes(), chroma.row_bytes(), chroma.row_bytes()];
        let line = |plane: usize| {
            let sample = background[plane].to_le_bytes();
            let row = sample[..luma.sample_bytes].repeat(widths[plane] / luma.sample_bytes);
            rows::padded(&row)
        };
        Planar {
            cut,
            key: [key[1] as i16, key[2] as i16],
            bits: layout.format.bits(),
            columns: chroma.columns,
            rows: chroma.rows,
            wide: across == 1,
            tall: down == 1,
            row_bytes: [widths[0], widths[1]],
            height: luma.rows,
            background: [line(0), line(1), line(2)],
            distances: [distances(), distances(), distances()],
            sums: distances(),
            mask: vec![0; 2 * masks],
            halves: [vec![0; masks], vec![0; masks]],
        }
    }

    /// Cuts the key colour out of packed planes.
    pub(crate) fn cut(&mut self, planes: &mut [Vec<u8>; 3]) {
        self.measure(1, planes, 0);
        self.distances[0] = self.distances[1].clone();
        for y in 0..self.rows {
            // The row below is measured before anything in it changes.
            self.measure(2, planes, (y + 1).min(self.rows - 1));
            self.cut_row(planes, y);
            self.distances.rotate_left(1);
        }
    }

    /// The distances of row `y` of the chroma. The last one is taken again behind the last one,
    /// when it is still as it was.
    fn measure(&mut self, index: usize, planes: &[Vec<u8>; 3], y: usize) {
        let at = y * self.row_bytes[1]..(y + 1) * self.row_bytes[1];
        let (cb, cr) = (&planes[1][at.clone()], &planes[2][at]);
        let line = &mut self.distances[index];
        rows::distances(cb, cr, self.key, self.bits, &mut line[2..]);
        rows::extend(line, self.columns);
    }

    fn cut_row(&mut self, planes: &mut [Vec<u8>; 3], y: usize) {
        let [luma_bytes, chroma_bytes] = self.row_bytes;
        let halves: &[[i16; 3]] = if self.tall { &[[1, 2, 0], [0, 2, 1]] } else { &[[1, 1, 1]] };
        for (half, weights) in halves.iter().enumerate() {
            let lines = self.distances.each_ref().map(Vec::as_slice);
            rows::stack(lines, *weights, &mut self.sums);
            if self.wide {
                rows::masks_wide(&self.sums, self.cut, &mut self.mask, &mut self.halves[half]);
            } else {
                rows::masks(&self.sums, self.cut, &mut self.mask);
            }
            let row = y * halves.len() + half;
            if row < self.height {
                let samples = &mut planes[0][row * luma_bytes..][..luma_bytes];
                rows::blend(samples, &self.mask, &self.background[0], self.bits);
            }
        }
        if self.tall {
            let [first, second] = &mut self.halves;
            rows::average(first, second);
        }
        let mask = if self.wide { &self.halves[0] } else { &self.mask };
        for (plane, background) in planes.iter_mut().zip(&self.background).skip(1) {
            let samples = &mut plane[y * chroma_bytes..][..chroma_bytes];
            rows::blend(samples, mask, background, self.bits);
        }
    }
}
