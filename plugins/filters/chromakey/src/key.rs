//! Colours as the stream has them, and where they are cut off.

use filmgate_plugin::Color;

/// From R, G and B to Y, Cb and Cr.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Matrix {
    /// how much red and blue count for the light
    red: f64,
    blue: f64,
    full: bool,
}

impl Matrix {
    /// By libav's names, as ITU-T H.273, table 4, has their numbers. Where nobody knows: BT.601 in
    /// limited range.
    pub(crate) fn of(space: Option<&str>, range: Option<&str>) -> Matrix {
        let (red, blue) = match space {
            Some("bt709") => (0.2126, 0.0722),
            Some("fcc") => (0.30, 0.11),
            Some("smpte240m") => (0.212, 0.087),
            Some("bt2020nc" | "bt2020c") => (0.2627, 0.0593),
            _ => (0.299, 0.114),
        };
        Matrix { red, blue, full: range == Some("pc") }
    }

    /// The Y, Cb and Cr of a colour, to the nearest.
    pub(crate) fn samples(&self, color: Color, bits: u32) -> [u16; 3] {
        let [red, green, blue] = [color.red, color.green, color.blue].map(|v| f64::from(v) / 255.0);
        let light = self.red * red + self.blue * blue + (1.0 - self.red - self.blue) * green;
        let (cb, cr) = ((blue - light) / (1.0 - self.blue), (red - light) / (1.0 - self.red));
        let scale = f64::from(1 << (bits - 8));
        let most = f64::from((1 << bits) - 1);
        let (black, white, color) = if self.full {
            (0.0, most, most)
        } else {
            (16.0 * scale, 219.0 * scale, 224.0 * scale)
        };
        let chroma = |v: f64| 128.0 * scale + v / 2.0 * color;
        [black + light * white, chroma(cb), chroma(cr)].map(|v| (v + 0.5).min(most) as u16)
    }
}

/// From the distance of a pixel and its neighbours to what is left of it.
///
/// Distances are those of Cb and Cr, in eighths of an 8-bit step, added up over 3x3 pixels: 1 is
/// the greatest there is, `72 * 255 * sqrt(2)`. All that is below `begin` goes, all that is `width`
/// beyond it stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) begin: u16,
    pub(crate) width: u16,
    /// By how much `width` is shifted to the left to be 2^14 or more …
    pub(crate) shift: u32,
    /// … and what makes 2^14 of it then, in 2^15ths.
    pub(crate) factor: i16,
}

/// What is left of a pixel that stays, in 2^15ths. It changes no sample of 10 bits or less.
pub(crate) const ALL: i16 = 2 * HALF;
/// The greatest result of the product that makes a mask, which is doubled.
pub(crate) const HALF: i16 = (1 << 14) - 1;

impl Cut {
    pub(crate) fn new(similarity: f64, blend: f64) -> Cut {
        let one = 72.0 * 255.0 * std::f64::consts::SQRT_2;
        let width = ((blend * one + 0.5) as u16).max(1);
        let shift = width.leading_zeros() - 1;
        let factor = (1_u32 << 29) / (u32::from(width) << shift);
        let factor = factor.min(i16::MAX as u32) as i16;
        Cut { begin: (similarity * one + 0.5) as u16, width, shift, factor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn color(red: u8, green: u8, blue: u8) -> Color {
        Color { red, green, blue, alpha: 255 }
    }

    #[test]
    fn colours_are_those_of_the_standards() {
        let unknown = Matrix::of(None, None);
        assert_eq!(unknown.samples(color(0, 255, 0), 8), [145, 54, 34]);
        assert_eq!(unknown.samples(color(255, 255, 255), 8), [235, 128, 128]);
        assert_eq!(unknown.samples(color(0, 0, 0), 10), [64, 512, 512]);
        let hd = Matrix::of(Some("bt709"), Some("tv"));
        assert_eq!(hd.samples(color(0, 255, 0), 8), [173, 42, 26]);
        let full = Matrix::of(None, Some("pc"));
        assert_eq!(full.samples(color(0, 0, 255), 8), [29, 255, 107]);
    }

    #[test]
    fn what_is_beyond_stays_whole() {
        for hundredths in 0..=100 {
            let cut = Cut::new(0.1, f64::from(hundredths) / 100.0);
            let wide = u32::from(cut.width) << cut.shift;
            assert!((1 << 14..1 << 15).contains(&wide), "{cut:?}");
            let product = (wide * cut.factor as u32 + (1 << 14)) >> 15;
            assert!(product >= HALF as u32, "{cut:?}");
        }
        for above in -1023..=1023_i32 {
            assert_eq!((above * i32::from(ALL) + (1 << 14)) >> 15, above);
        }
    }
}
