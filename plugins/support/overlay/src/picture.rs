//! What is laid over a frame.

/// R G B A, 8 bits each, not premultiplied; rows from the top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    pixels: Vec<[u8; 4]>,
}

impl Picture {
    /// `pixels` row by row from the top; what is left over of the last row is dropped.
    pub fn new(width: usize, mut pixels: Vec<[u8; 4]>) -> Picture {
        let rows = pixels.len().checked_div(width).unwrap_or(0);
        pixels.truncate(rows * width);
        Picture { width, pixels }
    }

    /// A picture of one colour.
    pub fn filled(width: usize, height: usize, color: [u8; 4]) -> Picture {
        Picture { width, pixels: vec![color; width * height] }
    }

    /// Pixels a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.pixels.len().checked_div(self.width).unwrap_or(0)
    }

    /// The rows from the top.
    pub fn rows(&self) -> impl Iterator<Item = &[[u8; 4]]> {
        self.pixels.chunks_exact(self.width.max(1))
    }

    /// All pixels, row by row from the top.
    pub fn pixels_mut(&mut self) -> &mut [[u8; 4]] {
        &mut self.pixels
    }

    /// The pixel at (x, y), or nothing at all outside.
    pub(crate) fn at(&self, x: i64, y: i64) -> [u8; 4] {
        let inside = |x: i64, side: usize| usize::try_from(x).ok().filter(|x| *x < side);
        match inside(x, self.width).zip(inside(y, self.height())) {
            Some((x, y)) => self.pixels[y * self.width + x],
            None => [0; 4],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_nothing_outside() {
        let picture = Picture::new(2, vec![[1; 4], [2; 4], [3; 4], [4; 4], [5; 4]]);
        assert_eq!((picture.width(), picture.height()), (2, 2));
        assert_eq!(picture.at(1, 1), [4; 4]);
        assert_eq!(picture.at(-1, 0), [0; 4]);
        assert_eq!(picture.at(0, 2), [0; 4]);
        assert_eq!(Picture::new(0, Vec::new()).height(), 0);
    }
}
