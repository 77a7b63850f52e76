//! Red, green and blue looked up in a table each.

use crate::{PixelFormat, rows};

/// What becomes of each sample of red, green and blue. Opacity stays.
pub struct ColorTables(Kind);

enum Kind {
    /// For each pair of neighbours an entry for all their values, the first in the low byte: two
    /// samples are looked up in half the work. Of `rgb24` the pairs are R G, B R and G B, of `rgba`
    /// R G and B A.
    Eight(Vec<Pairs>),
    Sixteen([Vec<u16>; 3]),
}

type Pairs = Box<[u16; 1 << 16]>;

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
        let opacity: Vec<u16> = (0..256).collect();
        let [red, green, blue] = &tables;
        ColorTables(Kind::Eight(match format {
            PixelFormat::Rgba => vec![pairs(red, green), pairs(blue, &opacity)],
            _ => vec![pairs(red, green), pairs(blue, red), pairs(green, blue)],
        }))
    }

    /// Changes packed samples of whole pixels.
    pub fn apply(&self, samples: &mut [u8]) {
        match &self.0 {
            Kind::Eight(pairs) => match pairs.as_slice() {
                [a, b, c] => eight([a, b, c, a, b, c, a, b, c, a, b, c], samples),
                [a, b] => eight([a, b, a, b, a, b, a, b, a, b, a, b], samples),
                _ => {}
            },
            Kind::Sixteen(tables) => sixteen(tables, samples),
        }
    }
}

fn pairs(first: &[u16], second: &[u16]) -> Pairs {
    let mut pairs = vec![0; 1 << 16];
    for (row, second) in pairs.chunks_exact_mut(256).zip(second) {
        row.iter_mut().zip(first).for_each(|(entry, first)| *entry = *first & 0xff | *second << 8);
    }
    // It has as many entries as the type says.
    pairs.try_into().unwrap_or_else(|_| Box::new([0; 1 << 16]))
}

/// 24 bytes at a time: whole pixels of three bytes and of four.
fn eight(tables: [&[u16; 1 << 16]; 12], samples: &mut [u8]) {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = tables;
    let four = |bytes: &mut [u8; 8], tables: [&[u16; 1 << 16]; 4]| {
        let before = u64::from_le_bytes(*bytes);
        let at =
            |place: usize| u64::from(tables[place][usize::from((before >> (16 * place)) as u16)]);
        *bytes = (at(0) | at(1) << 16 | at(2) << 32 | at(3) << 48).to_le_bytes();
    };
    let change = |bytes: &mut [u8; 24]| {
        if let [first, second, third] = bytes.as_chunks_mut::<8>().0 {
            four(first, [a, b, c, d]);
            four(second, [e, f, g, h]);
            four(third, [i, j, k, l]);
        }
    };
    let (turns, rest) = samples.as_chunks_mut::<{ 24 * 5 }>();
    for turn in turns {
        turn.as_chunks_mut::<24>().0.iter_mut().for_each(change);
    }
    for (pair, table) in rest.as_chunks_mut::<2>().0.iter_mut().zip(tables.into_iter().cycle()) {
        *pair = table[usize::from(u16::from_le_bytes(*pair))].to_le_bytes();
    }
    // A pixel of three bytes may be left with one: blue, the last of an odd number of pixels.
    if rest.len() % 2 == 1
        && let [.., blue] = rest
    {
        *blue = b[usize::from(*blue)] as u8;
    }
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
        for pixels in [1, 2, 7, 40, 41, 83] {
            let mut samples = [10, 20, 30].repeat(pixels);
            ColorTables::new(tables(), PixelFormat::Rgb24).apply(&mut samples);
            assert_eq!(samples, [11, 22, 33].repeat(pixels));
        }
        let mut samples = [0; 6 * 33];
        ColorTables::new(tables(), PixelFormat::Rgb48).apply(&mut samples);
        assert_eq!(samples[6 * 32..], [1, 0, 2, 0, 3, 0]);
    }
}
