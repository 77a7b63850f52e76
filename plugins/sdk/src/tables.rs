//! Red, green and blue looked up in a table each.

use crate::{PixelFormat, rows};

/// What becomes of each sample of red, green and blue. Opacity stays.
pub struct ColorTables(Kind);

enum Kind {
    Eight { colors: Box<[[u8; 256]; 3]>, format: PixelFormat },
    Sixteen([Vec<u16>; 3]),
}

/// Pixels that a turn of the loop does.
const TURN: usize = 32;

impl ColorTables {
    /// For pictures of `format`, which is `rgb24`, `rgba` or `rgb48`. The tables are those of red,
    /// green and blue, with an entry for each value of a sample.
    ///
    /// # Panics
    /// Where a table is too short.
    pub fn new(tables: [Vec<u16>; 3], format: PixelFormat) -> ColorTables {
        let entries = 1 << format.bits();
        let sound = tables.iter().all(|table| table.len() >= entries);
        assert!(sound, "a table for {format} has {entries} entries");
        if format.bits() > 8 {
            return ColorTables(Kind::Sixteen(tables));
        }
        let narrow = |table: Vec<u16>| {
            let mut narrow = [0; 256];
            narrow.iter_mut().zip(table).for_each(|(entry, value)| *entry = value as u8);
            narrow
        };
        ColorTables(Kind::Eight { colors: Box::new(tables.map(narrow)), format })
    }

    /// Changes a packed plane.
    pub fn apply(&self, samples: &mut [u8]) {
        match &self.0 {
            Kind::Eight { colors, format: PixelFormat::Rgba } => eight::<4>(colors, samples),
            Kind::Eight { colors, .. } => eight::<3>(colors, samples),
            Kind::Sixteen(tables) => sixteen(tables, samples),
        }
    }
}

fn eight<const CHANNELS: usize>(colors: &[[u8; 256]; 3], samples: &mut [u8]) {
    let [red, green, blue] = colors;
    let change = |pixel: &mut [u8; CHANNELS]| {
        pixel[0] = red[usize::from(pixel[0])];
        pixel[1] = green[usize::from(pixel[1])];
        pixel[2] = blue[usize::from(pixel[2])];
    };
    let (turns, rest) = samples.as_chunks_mut::<CHANNELS>().0.as_chunks_mut::<TURN>();
    for turn in turns {
        turn.iter_mut().for_each(change);
    }
    rest.iter_mut().for_each(change);
}

fn sixteen(tables: &[Vec<u16>; 3], samples: &mut [u8]) {
    // Arrays of all values of an index need no check of it.
    let whole = |color: usize| <&[u16; 1 << 16]>::try_from(tables[color].as_slice());
    let (Ok(red), Ok(green), Ok(blue)) = (whole(0), whole(1), whole(2)) else { return };
    let change = |pixel: &mut [u8; 6]| {
        let mut tables = [red, green, blue].into_iter();
        rows::change16(pixel, |sample| match tables.next() {
            Some(table) => table[usize::from(sample)],
            None => sample,
        });
    };
    let (turns, rest) = samples.as_chunks_mut::<6>().0.as_chunks_mut::<TURN>();
    for turn in turns {
        turn.iter_mut().for_each(change);
    }
    rest.iter_mut().for_each(change);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_channel_has_its_table() {
        let table = |add: u16| (0..=65535_u16).map(|s| s.wrapping_add(add)).collect::<Vec<_>>();
        let tables = || [table(1), table(2), table(3)];
        let mut samples = [10; 8];
        ColorTables::new(tables(), PixelFormat::Rgba).apply(&mut samples);
        assert_eq!(samples, [11, 12, 13, 10, 11, 12, 13, 10]);
        let mut samples = [0; 6 * 33];
        ColorTables::new(tables(), PixelFormat::Rgb48).apply(&mut samples);
        assert_eq!(samples[6 * 32..], [1, 0, 2, 0, 3, 0]);
    }
}
