//! Colours of pictures as samples of a stream. The README has the formulas.

use filmgate_plugin::{Error, PixelFormat, StreamInfo};

/// How a stream writes colours.
#[derive(Clone, Copy, Debug)]
pub struct Colors {
    format: PixelFormat,
    /// the weights of red and blue in light, in ten-thousandths
    red: i64,
    blue: i64,
    full: bool,
}

impl Colors {
    /// As the stream's format, `color-space` and `color-range` say; BT.601 and limited range
    /// where it does not know.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where the format is unknown.
    pub fn of(stream: &StreamInfo) -> Result<Colors, Error> {
        let format = stream.layout()?.format;
        // ITU-R BT.601, BT.709, BT.2020, SMPTE ST 240, FCC 47 CFR 73.682.
        let (red, blue) = match stream.text("color-space") {
            Some("bt709") => (2126, 722),
            Some("bt2020nc" | "bt2020c") => (2627, 593),
            Some("smpte240m") => (2120, 870),
            Some("fcc") => (3000, 1100),
            _ => (2990, 1140),
        };
        let full = format.is_gray() || stream.text("color-range") == Some("pc");
        Ok(Colors { format, red, blue, full })
    }

    /// The samples of one colour: of each plane where planes hold one sample a pixel, else of
    /// each channel. What there is less of stays 0.
    pub(crate) fn samples(&self, color: [u8; 3]) -> [u16; 3] {
        if self.format.is_yuv() {
            return [self.light(color), self.difference(color, 2), self.difference(color, 0)];
        }
        let scale = if self.format.bits() == 16 { 257 } else { 1 };
        if self.format.is_gray() {
            return [self.light(color), 0, 0];
        }
        color.map(|channel| u16::from(channel) * scale)
    }

    /// The bytes of one pixel of a color, for each plane of the format.
    pub fn pixels(&self, color: [u8; 3], alpha: u8) -> Vec<Vec<u8>> {
        let samples = self.samples(color);
        let bytes = |sample: &u16| sample.to_le_bytes()[..self.format.sample_bytes()].to_vec();
        if self.format.is_yuv() {
            return samples.iter().map(bytes).collect();
        }
        let channels = self.format.channels();
        let mut pixel: Vec<u8> = samples.iter().take(channels).flat_map(bytes).collect();
        pixel.extend((channels == 4).then_some(alpha));
        vec![pixel]
    }

    /// The greatest sample.
    pub(crate) fn most(&self) -> u32 {
        (1 << self.format.bits()) - 1
    }

    /// 2550000 times the light, from 0 to 1.
    fn weighted(&self, [red, green, blue]: [u8; 3]) -> i64 {
        let green = i64::from(green) * (10_000 - self.red - self.blue);
        i64::from(red) * self.red + green + i64::from(blue) * self.blue
    }

    fn light(&self, color: [u8; 3]) -> u16 {
        let light = self.weighted(color);
        match (self.full, self.format.bits()) {
            (false, bits) => {
                ((16 << (bits - 8)) + rounded((219 << (bits - 8)) * light, 2_550_000)) as u16
            }
            // Exactly 257 times the sample of 8 bits.
            (true, 16) => (257 * rounded(255 * light, 2_550_000)) as u16,
            (true, bits) => rounded(((1 << bits) - 1) * light, 2_550_000) as u16,
        }
    }

    /// Cb is the difference of channel 2, blue, from light, Cr that of channel 0, red.
    fn difference(&self, color: [u8; 3], channel: usize) -> u16 {
        let bits = self.format.bits();
        let most = (1 << bits) - 1;
        let weight = if channel == 0 { self.red } else { self.blue };
        let range = if self.full { most } else { 224 << (bits - 8) };
        let difference = 10_000 * i64::from(color[channel]) - self.weighted(color);
        let middle = 128 << (bits - 8);
        (middle + rounded(range * difference, 510 * (10_000 - weight))).clamp(0, most) as u16
    }
}

/// The quotient, rounded to the nearest, halves up.
fn rounded(number: i64, by: i64) -> i64 {
    (2 * number + by).div_euclid(2 * by)
}

#[cfg(test)]
mod tests {
    use super::*;
    use filmgate_plugin::Property;

    fn samples(format: PixelFormat, more: &[(&str, &str)], color: [u8; 3]) -> [u16; 3] {
        let mut stream = StreamInfo::new(2, 2, format);
        stream.more.extend(
            more.iter()
                .map(|(name, value)| Property { name: (*name).into(), value: (*value).into() }),
        );
        Colors::of(&stream).expect("a known format").samples(color)
    }

    #[test]
    fn the_colors_of_the_standards() {
        let yuv = PixelFormat::Yuv420p;
        assert_eq!(samples(yuv, &[], [255, 255, 255]), [235, 128, 128]);
        assert_eq!(samples(yuv, &[], [0, 0, 0]), [16, 128, 128]);
        // The colour bars of BT.601 and BT.709.
        assert_eq!(samples(yuv, &[], [255, 0, 0]), [81, 90, 240]);
        assert_eq!(samples(yuv, &[("color-space", "bt709")], [255, 0, 0]), [63, 102, 240]);
        assert_eq!(samples(yuv, &[("color-space", "bt709")], [0, 0, 255]), [32, 240, 118]);
        let full = [("color-range", "pc")];
        assert_eq!(samples(yuv, &full, [255, 255, 255]), [255, 128, 128]);
        assert_eq!(samples(yuv, &full, [0, 0, 255]), [29, 255, 107]);
        assert_eq!(samples(PixelFormat::Yuv444p10, &[], [255, 255, 255]), [940, 512, 512]);
        assert_eq!(samples(PixelFormat::Yuv444p10, &[], [255, 0, 0])[2], 960);
    }

    #[test]
    fn gray_and_rgb() {
        assert_eq!(samples(PixelFormat::Gray8, &[], [255, 255, 255])[0], 255);
        assert_eq!(samples(PixelFormat::Gray8, &[], [0, 255, 0])[0], 150);
        assert_eq!(samples(PixelFormat::Gray16, &[], [0, 255, 0])[0], 150 * 257);
        assert_eq!(samples(PixelFormat::Rgb24, &[], [1, 2, 3]), [1, 2, 3]);
        assert_eq!(samples(PixelFormat::Rgb48, &[], [1, 2, 255]), [257, 514, 65535]);
    }
}
