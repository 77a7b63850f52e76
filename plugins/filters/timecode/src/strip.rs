//! A line of text in a box, on the planes of frames. Each letter is prepared once, as a layer that
//! is laid over wherever it is needed.
//!
//! The box is half a letter wider than the text on each side; it is as high as the letters, which
//! have room above and below. A dot of a letter has the colour of the text, everything else in the
//! box that of the background; both are blended over the frame by their own opacity.

use filmgate_overlay::{Colors, Layer, Picture};
use filmgate_plugin::{Error, Layout};

use crate::font::{Font, HEIGHT, WIDTH};

/// How text looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    /// pixels across and down a dot
    pub(crate) size: usize,
    /// R G B A
    pub(crate) color: [u8; 4],
    /// R G B A
    pub(crate) background: [u8; 4],
}

/// Draws text.
pub(crate) struct Strip {
    style: Style,
    colors: Colors,
    font: Font,
    /// The letters that were needed yet, by their places in the font, each for a frame of its own
    /// size; at the end, half a letter of nothing.
    layers: Vec<Option<Layer>>,
}

impl Strip {
    pub(crate) fn new(style: Style, colors: Colors) -> Result<Strip, Error> {
        let font = Font::read()?;
        let layers = vec![None; font.len() + 1];
        Ok(Strip { style, colors, font, layers })
    }

    /// What is drawn for a text: half a letter of nothing, the letters' places in the font, and
    /// half a letter of nothing.
    pub(crate) fn glyphs(&self, text: &str) -> Vec<usize> {
        let margin = self.font.len();
        let letters = text.chars().map(|letter| self.font.place(letter));
        [margin].into_iter().chain(letters).chain([margin]).collect()
    }

    /// Width and height in pixels of so many glyphs.
    pub(crate) fn size(&self, glyphs: usize) -> (usize, usize) {
        // The two margins make one letter.
        (glyphs.saturating_sub(1) * WIDTH * self.style.size, HEIGHT * self.style.size)
    }

    /// The rows of one plane that a box covers whose upper edge is at the pixel `top`: the first,
    /// and how many.
    pub(crate) fn rows(&self, top: i64, plane: u32, frame: &Layout) -> (usize, usize) {
        let down = if plane == 0 { 0 } else { frame.format.chroma_shift().1 };
        let inside = |y: i64| y.clamp(0, frame.height.into()) as usize;
        let (first, end) = (inside(top), inside(top + self.size(1).1 as i64));
        (first >> down, end.div_ceil(1 << down) - (first >> down))
    }

    /// Draws on one plane, the upper left pixel at `place`, which is even. What lies outside of
    /// the frame is cut off. Of the plane there are the rows that the box covers, from `first` on.
    pub(crate) fn paint(
        &mut self,
        glyphs: &[usize],
        (samples, first): (&mut [u8], usize),
        plane: u32,
        frame: &Layout,
        place: (i64, i64),
    ) {
        let mut x = place.0;
        for &glyph in glyphs {
            let width = self.glyph_width(glyph);
            let cell = Layout { width: width as u32, height: self.size(1).1 as u32, ..*frame };
            let fits = |at: i64, side: u32, all: u32| at >= 0 && at + i64::from(side) <= all.into();
            if fits(x, cell.width, frame.width) && fits(place.1, cell.height, frame.height) {
                let layer = match self.layers[glyph].take() {
                    Some(layer) => layer,
                    None => Layer::new(&self.picture(glyph), (0, 0), &cell, &self.colors),
                };
                let place = (x as usize, place.1 as usize);
                layer.paint_plane((&mut *samples, first), plane, frame, place);
                self.layers[glyph] = Some(layer);
            } else {
                let layer = Layer::new(&self.picture(glyph), (x, place.1), frame, &self.colors);
                layer.paint_plane((&mut *samples, first), plane, frame, (0, 0));
            }
            x += width as i64;
        }
    }

    fn glyph_width(&self, glyph: usize) -> usize {
        if glyph == self.font.len() { WIDTH / 2 * self.style.size } else { WIDTH * self.style.size }
    }

    /// A glyph, in its colours.
    fn picture(&self, glyph: usize) -> Picture {
        let Style { size, color, background } = self.style;
        let width = self.glyph_width(glyph);
        let mut picture = Picture::filled(width, HEIGHT * size, background);
        if glyph == self.font.len() {
            return picture;
        }
        let rows = self.font.rows(glyph);
        for (i, pixel) in picture.pixels_mut().iter_mut().enumerate() {
            let (x, y) = (i % width / size, i / width / size);
            if rows[y] & (0x80 >> x) != 0 {
                *pixel = color;
            }
        }
        picture
    }
}
