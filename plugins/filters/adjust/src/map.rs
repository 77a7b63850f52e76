//! What becomes of one sample: a line, or a table where gamma bends it.
//!
//! With black `b` and white `w` (16 and 235 for the luma of limited range at 8 bits, otherwise 0
//! and the greatest sample `m`), and rounding to the nearest, halves up:
//!
//! ```text
//! gamma 1:  f = round(8192 * contrast)
//!           t = (s * f + 2^(12 - k)) >> (13 - k)        k = 5 at 8 bits, 3 at 10
//!           t = s * f                                   k = 13 at 16 bits
//!           o = b + (w - b) * ((1 - contrast) / 2 + brightness) - b * contrast
//!           out = clamp((t + round(2^k * o) + 2^(k - 1)) >> k, 0, m)
//! else:     v = contrast * ((s - b) / (w - b) - 1/2) + 1/2 + brightness
//!           out = clamp(floor(b + (w - b) * max(v, 0)^(1 / gamma) + 1/2), 0, m)
//! ```
//!
//! Chroma goes by the first, with saturation for contrast and `o = middle * (1 - saturation)`.

/// What the user wants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) brightness: f64,
    pub(crate) contrast: f64,
    pub(crate) saturation: f64,
    pub(crate) gamma: f64,
}

/// Where black and white are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    /// 8, 10 or 16
    pub(crate) bits: u32,
    pub(crate) black: u32,
    pub(crate) white: u32,
    /// the greatest sample
    pub(crate) most: u32,
}

impl Scale {
    /// Limited range is that of ITU-R BT.601 and BT.709.
    pub(crate) fn new(bits: u32, full_range: bool) -> Scale {
        let most = (1 << bits) - 1;
        match full_range {
            true => Scale { bits, black: 0, white: most, most },
            false => Scale { bits, black: 16 << (bits - 8), white: 235 << (bits - 8), most },
        }
    }
}

/// What becomes of each sample of a plane.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Map {
    Line(Line),
    /// For 8 bits: an entry for each pair of neighbours, the first in the low byte. Two at a time
    /// are looked up in half the work.
    Pairs(Vec<u16>),
    /// For more bits: as many entries as a sample has values.
    Table(Vec<u16>),
}

/// `(t + offset) >> k`, as above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// 0 … 24576: 8192 stands for 1
    pub(crate) factor: i32,
    /// with the half for rounding, in fractions of `k` bits
    pub(crate) offset: i32,
    pub(crate) bits: u32,
}

impl Line {
    fn new(factor: f64, offset: f64, bits: u32) -> Line {
        let fraction = Line::fraction(bits);
        let offset = (offset * f64::from(1 << fraction) + 0.5).floor() as i32;
        let factor = (factor * 8192.0 + 0.5).floor() as i32;
        Line { factor, offset: offset + (1 << (fraction - 1)), bits }
    }

    /// `k`: as many bits behind the point as fit a signed number of 16 bits.
    fn fraction(bits: u32) -> u32 {
        match bits {
            8 => 5,
            10 => 3,
            _ => 13,
        }
    }

    /// Products of 16 bits do not fit the vectors, and a table is quicker than what would.
    fn into_map(self, scale: &Scale) -> Map {
        match self.bits {
            16 => Map::Table((0..=scale.most as u16).map(|sample| self.at(sample)).collect()),
            _ => Map::Line(self),
        }
    }

    /// One sample.
    pub(crate) fn at(&self, sample: u16) -> u16 {
        let fraction = Line::fraction(self.bits);
        let cut = 13 - fraction;
        let product = i64::from(sample) * i64::from(self.factor);
        let product = (product + ((1 << cut) >> 1)) >> cut;
        let most = (1 << self.bits) - 1;
        ((product + i64::from(self.offset)) >> fraction).clamp(0, most) as u16
    }
}

impl Settings {
    /// Whether everything stays.
    pub(crate) fn is_neutral(&self) -> bool {
        self.leaves_light() && self.saturation == 1.0
    }

    fn leaves_light(&self) -> bool {
        self.brightness == 0.0 && self.contrast == 1.0 && self.gamma == 1.0
    }

    /// For luma and gray; none where it stays.
    pub(crate) fn light(&self, scale: &Scale) -> Option<Map> {
        if self.leaves_light() {
            return None;
        }
        let (black, span) = (f64::from(scale.black), f64::from(scale.white - scale.black));
        if self.gamma == 1.0 {
            let middle = (1.0 - self.contrast) / 2.0 + self.brightness;
            let offset = black + span * middle - black * self.contrast;
            return Some(Line::new(self.contrast, offset, scale.bits).into_map(scale));
        }
        let bent = |sample: u32| {
            let light = (f64::from(sample) - black) / span;
            let light = self.contrast * (light - 0.5) + 0.5 + self.brightness;
            let light = light.max(0.0).powf(1.0 / self.gamma);
            (black + span * light + 0.5).floor().clamp(0.0, f64::from(scale.most)) as u16
        };
        let table: Vec<u16> = (0..=scale.most).map(bent).collect();
        Some(match scale.bits {
            8 => Map::Pairs(pairs(&table)),
            _ => Map::Table(table),
        })
    }

    /// For chroma; none where it stays.
    pub(crate) fn chroma(&self, scale: &Scale) -> Option<Map> {
        let middle = f64::from(scale.most.div_ceil(2));
        let offset = middle * (1.0 - self.saturation);
        (self.saturation != 1.0).then(|| Map::Line(Line::new(self.saturation, offset, scale.bits)))
    }
}

/// An entry for each pair of samples of 8 bits.
fn pairs(table: &[u16]) -> Vec<u16> {
    table.iter().flat_map(|second| table.iter().map(move |first| first | second << 8)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Settings =
        Settings { brightness: 0.0, contrast: 1.0, saturation: 1.0, gamma: 1.0 };

    fn at(map: &Map, sample: u16) -> u16 {
        match map {
            Map::Line(line) => line.at(sample),
            Map::Pairs(pairs) => pairs[usize::from(sample)] & 255,
            Map::Table(table) => table[usize::from(sample)],
        }
    }

    #[test]
    fn a_line_is_within_a_level_of_what_it_stands_for() {
        for (bits, full) in [(8, true), (8, false), (10, true), (10, false), (16, true)] {
            let scale = Scale::new(bits, full);
            for contrast in [0.0, 0.3, 1.0, 1.7, 3.0] {
                for brightness in [-1.0, -0.2, 0.0, 0.37, 1.0] {
                    let settings = Settings { contrast, brightness, ..PLAIN };
                    let Some(map) = settings.light(&scale) else { continue };
                    let (black, span) =
                        (f64::from(scale.black), f64::from(scale.white - scale.black));
                    for sample in 0..=scale.most {
                        let light = (f64::from(sample) - black) / span - 0.5;
                        let light = contrast * light + 0.5 + brightness;
                        let exact = (black + span * light).clamp(0.0, f64::from(scale.most));
                        let found = f64::from(at(&map, sample as u16));
                        // Half a level of rounding, and what `factor` and `t` cut off; at 16 bits
                        // the error of `factor`, 1/16384, goes 65535 levels far.
                        let allowed = if bits == 16 { 4.6 } else { 0.66 };
                        assert!(
                            (found - exact).abs() <= allowed,
                            "{settings:?} {scale:?} {sample}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn chroma_turns_about_its_middle() {
        for (bits, middle) in [(8, 128), (10, 512)] {
            let scale = Scale::new(bits, false);
            for saturation in [0.0, 0.5, 3.0] {
                let map = Settings { saturation, ..PLAIN }.chroma(&scale).expect("it changes");
                assert_eq!(at(&map, middle), middle);
            }
        }
        let map = Settings { saturation: 2.0, ..PLAIN }.chroma(&Scale::new(8, true));
        let map = map.expect("it changes");
        assert_eq!([at(&map, 0), at(&map, 100), at(&map, 255)], [0, 72, 255]);
    }

    #[test]
    fn gamma_keeps_black_and_white() {
        let map = Settings { gamma: 2.2, ..PLAIN }.light(&Scale::new(10, false));
        let map = map.expect("it changes");
        assert_eq!([at(&map, 0), at(&map, 64), at(&map, 940)], [64, 64, 940]);
        assert!(at(&map, 300) > 400 && at(&map, 1023) > 940);
    }
}
