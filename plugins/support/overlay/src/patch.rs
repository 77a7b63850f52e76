//! Blending. With a picture's sample `s` of opacity `a`, from 0 to 255, and the frame's sample `d`:
//!
//! ```text
//! out = (s a + d (255 - a)) / 255      rounded to the nearest; halves cannot happen
//! ```
//!
//! Where a frame has an opacity of its own below 255, the pixel is composited as Pillow's
//! `Image.alpha_composite` does it.

use filmgate_plugin::{Layout, PixelFormat, rows};

#[cfg(target_arch = "wasm32")]
mod vectors;

/// One sample of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Weighted {
    pub(crate) alpha: u8,
    /// the sample times its opacity
    pub(crate) color: u32,
}

/// The part of a plane that a picture covers.
#[derive(Clone, Debug)]
pub(crate) struct Patch {
    /// where it starts
    column_bytes: usize,
    row: usize,
    /// of the plane that it was made for
    plane_row_bytes: usize,
    /// bytes of one row of the patch
    row_bytes: usize,
    sample_bytes: usize,
    /// how much of the frame's sample is kept: 255 - a
    keep: Vec<u8>,
    /// What is added: s a + 128. Two bytes a sample for samples of one, four for samples of two,
    /// the low one first.
    add: Vec<u8>,
    /// R G B A, for frames with an opacity of their own
    pixels: Option<Vec<u8>>,
}

impl Patch {
    /// An empty one for plane `index`, its first sample at `place`, with room for so many pixels.
    pub(crate) fn new(layout: &Layout, index: u32, place: (usize, usize), room: usize) -> Patch {
        let plane = layout.plane(index);
        let samples = room * plane.channels;
        Patch {
            column_bytes: place.0 * plane.pixel_bytes(),
            row: place.1,
            plane_row_bytes: plane.row_bytes(),
            row_bytes: 0,
            sample_bytes: plane.sample_bytes,
            keep: Vec::with_capacity(samples),
            add: Vec::with_capacity(2 * samples * plane.sample_bytes),
            pixels: (layout.format == PixelFormat::Rgba).then(|| Vec::with_capacity(samples)),
        }
    }

    /// The next sample of the row.
    pub(crate) fn push(&mut self, sample: Weighted) {
        self.keep.push(255 - sample.alpha);
        let add = (sample.color + 128).to_le_bytes();
        self.add.extend_from_slice(&add[..2 * self.sample_bytes]);
    }

    /// The next pixel of the row, beside its samples.
    pub(crate) fn push_pixel(&mut self, pixel: [u8; 4]) {
        self.pixels.iter_mut().for_each(|pixels| pixels.extend(pixel));
    }

    /// The row is complete. All rows are of one length.
    pub(crate) fn end_row(&mut self) {
        if self.row_bytes == 0 {
            self.row_bytes = self.keep.len() * self.sample_bytes;
        }
    }

    /// The first of the plane's rows that it covers.
    pub(crate) fn first_row(&self) -> usize {
        self.row
    }

    /// How many rows it covers.
    pub(crate) fn rows(&self) -> usize {
        (self.keep.len() * self.sample_bytes).checked_div(self.row_bytes).unwrap_or(0)
    }

    /// Blends it over the rows that it covers, of a plane of the layout that it was made for.
    pub(crate) fn paint(&self, samples: &mut [u8]) {
        self.paint_at(samples, self.plane_row_bytes, 0, 0);
    }

    /// The same on a plane of another layout, so many bytes further to the right, and from row
    /// `row` of `samples` on.
    pub(crate) fn paint_at(
        &self,
        samples: &mut [u8],
        plane_row_bytes: usize,
        column_bytes: usize,
        row: usize,
    ) {
        let start = column_bytes + self.column_bytes;
        let covered = samples.chunks_exact_mut(plane_row_bytes).skip(row);
        let covered = covered.map(|row| &mut row[start..start + self.row_bytes]);
        let keep = self.keep.chunks_exact(self.row_bytes / self.sample_bytes);
        let add = self.add.chunks_exact(2 * self.row_bytes);
        for (i, ((row, keep), add)) in covered.zip(keep).zip(add).enumerate() {
            match &self.pixels {
                Some(pixels) if !opaque(row) => {
                    composite(row, &pixels[i * self.row_bytes..][..self.row_bytes]);
                }
                _ => blend(row, keep, add, self.sample_bytes),
            }
        }
    }
}

/// Blends one row.
#[cfg(target_arch = "wasm32")]
fn blend(row: &mut [u8], keep: &[u8], add: &[u8], sample_bytes: usize) {
    match sample_bytes {
        1 => vectors::blend8(row, keep, add),
        _ => vectors::blend16(row, keep, add),
    }
}

/// Blends one row.
#[cfg(not(target_arch = "wasm32"))]
fn blend(row: &mut [u8], keep: &[u8], add: &[u8], sample_bytes: usize) {
    match sample_bytes {
        1 => scalar8(row, keep, add),
        _ => scalar16(row, keep, add),
    }
}

/// Samples of one byte, one at a time. `(u + (u >> 8)) >> 8` is `(u - 128) / 255`, rounded, for all
/// `u - 128` up to 255 * 255.
fn scalar8(row: &mut [u8], keep: &[u8], add: &[u8]) {
    for ((sample, keep), add) in row.iter_mut().zip(keep).zip(rows::samples16(add)) {
        let sum = u32::from(add) + u32::from(*sample) * u32::from(*keep);
        *sample = ((sum + (sum >> 8)) >> 8) as u8;
    }
}

/// Samples of two bytes, one at a time. `(u + ((u + (u >> 8)) >> 8)) >> 8` is `(u - 128) / 255`,
/// rounded, for all `u - 128` up to 255 * 65535.
fn scalar16(row: &mut [u8], keep: &[u8], add: &[u8]) {
    let mut weights = keep.iter().zip(add.as_chunks::<4>().0);
    rows::change16(row, |sample| match weights.next() {
        Some((keep, add)) => {
            let sum = u32::from_le_bytes(*add) + u32::from(sample) * u32::from(*keep);
            ((sum + ((sum + (sum >> 8)) >> 8)) >> 8) as u16
        }
        None => sample,
    });
}

/// Whether a row of R G B A is opaque throughout.
fn opaque(row: &[u8]) -> bool {
    row.as_chunks::<4>().0.iter().all(|pixel| pixel[3] == 255)
}

/// Composites pixels over a row of R G B A, one at a time, with the arithmetic of Pillow's
/// `ImagingAlphaComposite`, which has 7 bits of precision below the sample.
fn composite(row: &mut [u8], pixels: &[u8]) {
    for (below, above) in row.as_chunks_mut::<4>().0.iter_mut().zip(pixels.as_chunks::<4>().0) {
        let alpha = u32::from(above[3]);
        if alpha == 0 {
            continue;
        }
        let kept = u32::from(below[3]) * (255 - alpha);
        // 255 times the opacity that comes out.
        let opacity = alpha * 255 + kept;
        let share = alpha * 255 * 255 * 128 / opacity;
        for (below, above) in below[..3].iter_mut().zip(above) {
            let sum = u32::from(*above) * share + u32::from(*below) * (255 * 128 - share);
            let sum = sum + (128 << 7);
            *below = ((((sum >> 8) + sum) >> 8) >> 7) as u8;
        }
        let sum = opacity + 128;
        below[3] = (((sum >> 8) + sum) >> 8) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_division_is_exact() {
        let check = |sample: u16, most: u32| {
            for keep in 0..=255_u8 {
                let alpha = u32::from(255 - keep);
                for color in [0, 1, most / 3, most] {
                    let sum = color * alpha + u32::from(sample) * u32::from(keep);
                    let expected = (2 * sum + 255) / 510;
                    let add = (color * alpha + 128).to_le_bytes();
                    let blended = if most == 255 {
                        let mut row = [sample as u8];
                        scalar8(&mut row, &[keep], &add[..2]);
                        u32::from(row[0])
                    } else {
                        let mut row = sample.to_le_bytes();
                        scalar16(&mut row, &[keep], &add);
                        u32::from(u16::from_le_bytes(row))
                    };
                    assert_eq!(blended, expected, "{color} over {sample}, {alpha}");
                }
            }
        };
        (0..=255).for_each(|sample| check(sample, 255));
        (0..=65535).step_by(7).chain([65535]).for_each(|sample| check(sample, 65535));
    }

    #[test]
    fn compositing_over_something_opaque_is_blending() {
        for alpha in 0..=255_u8 {
            let mut row = [7, 100, 255, 255];
            composite(&mut row, &[255, 3, 0, alpha]);
            let mut blended = [7, 100, 255];
            let add = [255_u32, 3, 0].map(|color| color * u32::from(alpha) + 128);
            let add: Vec<u8> = add.iter().flat_map(|sum| sum.to_le_bytes()[..2].to_vec()).collect();
            scalar8(&mut blended, &[255 - alpha; 3], &add);
            assert_eq!(row[..3], blended);
            assert_eq!(row[3], 255);
        }
    }
}
