//! Red, green and blue as though they were luma and chroma: with the luma `Y`, the map's answer
//! `Y'` to it and `s = round(8192 * saturation)`,
//!
//! ```text
//! Y   = (r * R + g * G + b * B + 2^15) >> 16      R + G + B = 2^16
//! out = clamp(Y' + (((in - Y) * s + 2^12) >> 13), 0, most)
//! ```

use filmgate_plugin::{PixelFormat, rows};

use crate::map::{Map, Scale, Settings};

/// How pixels change.
pub(crate) struct Mix {
    /// what becomes of each luma
    light: Vec<u16>,
    saturation: i64,
    /// the shares of red, green and blue in luma, in 65536ths
    shares: [u32; 3],
    format: PixelFormat,
}

impl Mix {
    /// `matrix` is the stream's colour space by libav's name.
    pub(crate) fn new(
        settings: &Settings,
        scale: &Scale,
        format: PixelFormat,
        matrix: &str,
    ) -> Mix {
        let light = match settings.light(scale) {
            None => (0..=scale.most as u16).collect(),
            Some(Map::Line(line)) => (0..=scale.most as u16).map(|s| line.at(s)).collect(),
            Some(Map::Pairs(pairs)) => pairs.into_iter().take(256).map(|pair| pair & 255).collect(),
            Some(Map::Table(table)) => table,
        };
        let saturation = (settings.saturation * 8192.0 + 0.5).floor() as i64;
        Mix { light, saturation, shares: shares(matrix), format }
    }

    /// Changes a packed plane of red, green and blue; opacity stays.
    pub(crate) fn apply(&self, samples: &mut [u8]) {
        match self.format {
            PixelFormat::Rgb48 => {
                for bytes in samples.as_chunks_mut::<6>().0 {
                    let mut pixel = [0; 3];
                    pixel.iter_mut().zip(rows::samples16(bytes)).for_each(|(p, s)| *p = s);
                    let mut changed = self.pixel(pixel).into_iter();
                    rows::change16(bytes, |sample| changed.next().unwrap_or(sample));
                }
            }
            PixelFormat::Rgba => self.eight::<4>(samples),
            _ => self.eight::<3>(samples),
        }
    }

    fn eight<const CHANNELS: usize>(&self, samples: &mut [u8]) {
        let (turns, rest) = samples.as_chunks_mut::<CHANNELS>().0.as_chunks_mut::<16>();
        let change = |pixel: &mut [u8; CHANNELS]| {
            let changed = self.pixel([pixel[0].into(), pixel[1].into(), pixel[2].into()]);
            pixel.iter_mut().zip(changed).for_each(|(sample, changed)| *sample = changed as u8);
        };
        turns.iter_mut().for_each(|turn| turn.iter_mut().for_each(change));
        rest.iter_mut().for_each(change);
    }

    #[inline]
    fn pixel(&self, pixel: [u16; 3]) -> [u16; 3] {
        let weighted = pixel.iter().zip(self.shares).map(|(s, share)| u32::from(*s) * share);
        let luma = (weighted.sum::<u32>() + (1 << 15)) >> 16;
        let most = self.light.len() as i64 - 1;
        let light = self.light.get(luma as usize).copied().unwrap_or(0);
        pixel.map(|sample| {
            let colour = (i64::from(sample) - i64::from(luma)) * self.saturation;
            (i64::from(light) + ((colour + (1 << 12)) >> 13)).clamp(0, most) as u16
        })
    }
}

/// ITU-R BT.709 and BT.2020 where the stream says so, BT.601 otherwise, as the host converts.
fn shares(matrix: &str) -> [u32; 3] {
    match matrix {
        "bt709" => [13933, 46871, 4732],
        "bt2020nc" | "bt2020c" => [17216, 44434, 3886],
        _ => [19595, 38470, 7471],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mixed(saturation: f64, brightness: f64, format: PixelFormat, samples: &[u8]) -> Vec<u8> {
        let settings = Settings { brightness, contrast: 1.0, saturation, gamma: 1.0 };
        let mix = Mix::new(&settings, &Scale::new(format.bits(), true), format, "");
        let mut samples = samples.to_vec();
        mix.apply(&mut samples);
        samples
    }

    #[test]
    fn the_shares_are_of_a_whole() {
        for matrix in ["bt709", "bt2020nc", ""] {
            assert_eq!(shares(matrix).iter().sum::<u32>(), 1 << 16);
        }
    }

    #[test]
    fn without_saturation_there_is_luma() {
        assert_eq!(mixed(0.0, 0.0, PixelFormat::Rgba, &[255, 0, 0, 7]), [76, 76, 76, 7]);
        assert_eq!(mixed(0.0, 0.0, PixelFormat::Rgb24, &[0, 255, 0]), [150; 3]);
        assert_eq!(mixed(1.0, 0.1, PixelFormat::Rgb24, &[0, 255, 10]), [26, 255, 36]);
    }

    #[test]
    fn sixteen_bits_do_not_overflow() {
        let white = [255; 6];
        assert_eq!(mixed(3.0, 0.0, PixelFormat::Rgb48, &white), white);
        assert_eq!(mixed(3.0, -1.0, PixelFormat::Rgb48, &white), [0; 6]);
    }
}
