//! The letters: `8x13bold` of X11's "misc-fixed" fonts, in the public domain, three rows further
//! down in cells of 8 x 16. The file `font.hex` has a line a letter: its number in Unicode, a colon,
//! and its rows from the top, a byte each, the leftmost dot in the highest bit. It holds what can be
//! seen of ASCII and Latin-1.

use filmgate_plugin::Error;

/// Dots across a letter.
pub(crate) const WIDTH: usize = 8;

/// Dots down a letter.
pub(crate) const HEIGHT: usize = 16;

const FILE: &str = include_str!("font.hex");

/// Stands for letters that there are not.
const UNKNOWN: char = '?';

/// A letter: its rows from the top, the leftmost dot in the highest bit.
pub(crate) type Rows = [u8; HEIGHT];

/// All letters, by their numbers, ascending.
#[derive(Debug)]
pub(crate) struct Font(Vec<(u32, Rows)>);

impl Font {
    /// # Errors
    /// Never, with the file that this was compiled with: a test reads it.
    pub(crate) fn read() -> Result<Font, Error> {
        let letters = FILE.lines().map(line).collect::<Option<Vec<_>>>();
        letters.map(Font).ok_or_else(|| Error::failed("the plugin's own font is damaged"))
    }

    /// How many letters there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The place of a letter; that of `?` where the font has no such letter.
    pub(crate) fn place(&self, letter: char) -> usize {
        let find = |letter: char| self.0.binary_search_by_key(&u32::from(letter), |(n, _)| *n);
        find(letter).or_else(|_| find(UNKNOWN)).unwrap_or(0)
    }

    /// The letter at that place.
    pub(crate) fn rows(&self, place: usize) -> &Rows {
        &self.0[place].1
    }
}

/// A line of the file.
fn line(line: &str) -> Option<(u32, Rows)> {
    let (number, digits) = line.split_once(':')?;
    let mut rows = [0; HEIGHT];
    for (i, row) in rows.iter_mut().enumerate() {
        *row = u8::from_str_radix(digits.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    (digits.len() == 2 * HEIGHT).then_some((u32::from_str_radix(number, 16).ok()?, rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_sound() {
        let font = Font::read().expect("a sound file");
        assert_eq!(font.len(), 95 + 96);
        assert!(font.0.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(*font.rows(font.place(' ')), [0; HEIGHT]);
        assert_ne!(font.rows(font.place('0')), font.rows(font.place('8')));
        assert_eq!(font.place('\u{4e00}'), font.place('?'));
        assert_ne!(font.place('ü'), font.place('?'));
    }
}
