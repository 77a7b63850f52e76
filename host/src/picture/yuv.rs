//! From the YUV of films to that of JPEGs: full range and the matrix of BT.601 (JFIF 1.02), in
//! fixed point and without a detour over RGB.
//!
//! Where only the range differs, samples are stretched one by one. Where the matrix differs too
//! (BT.709 of every HD film), colours are turned into each other's axes: the chroma by a matrix of
//! two by two, the light by adding what the chroma says. What RGB would clip is not clipped then.

use crate::frame::{Color, Frame, Plane, PlanePool};

/// The light's shares of red and blue in BT.601.
const BT601: (f64, f64) = (0.299, 0.114);

/// What turns the samples of a film into a JPEG's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Levels {
    /// what black is
    black: i16,
    /// a step of light as 16ths of one, in 2^-16 / 16
    gain: u32,
    /// none where the matrix is the same
    matrix: Option<Matrix>,
    /// a step of chroma, in 2^-13
    stretch: i32,
    same: bool,
}

#[derive(Clone, Copy, Debug)]
struct Matrix {
    /// what one step of Cb and Cr adds to the light, in 2^-13 of 16ths
    light: [i32; 2],
    /// what they add to Cb, in 2^-13
    blue: [i32; 2],
    /// and to Cr
    red: [i32; 2],
}

impl Levels {
    pub(super) fn new(color: &Color) -> Levels {
        let full = color.range.as_deref() == Some("pc");
        let (black, light, chroma) = if full { (0, 255.0, 255.0) } else { (16, 219.0, 224.0) };
        let axes = color.space.as_deref().and_then(shares).map(axes);
        let fixed = |value: f64| (value * 8192.0).round() as i32;
        let stretch = 255.0 / chroma;
        let matrix = axes.map(|m| Matrix {
            light: m[0].map(|x| fixed(x * 16.0 * light / chroma)),
            blue: m[1].map(|x| fixed(x * stretch)),
            red: m[2].map(|x| fixed(x * stretch)),
        });
        Levels {
            black,
            gain: (255.0 / light * 4096.0_f64).round() as u32,
            matrix,
            stretch: fixed(stretch),
            same: full && matrix.is_none(),
        }
    }

    /// The same picture with the samples of a JPEG. It has three planes of eight bits.
    pub(super) fn full(&self, frame: &Frame, pool: &PlanePool) -> Result<Frame, String> {
        let [light, blue, red] = frame.planes.as_slice() else {
            return Err(format!("{} has not three planes", frame.format));
        };
        if self.same {
            return Ok(frame.clone());
        }
        let planes = match &self.matrix {
            None => vec![
                self.light(light, None, pool)?,
                self.chroma(blue, pool)?,
                self.chroma(red, pool)?,
            ],
            Some(matrix) => vec![
                self.light(light, Some((matrix, frame)), pool)?,
                mixed(blue, red, matrix.blue, pool)?,
                mixed(blue, red, matrix.red, pool)?,
            ],
        };
        Ok(Frame { planes, ..frame.clone() })
    }

    fn light(
        &self,
        from: &Plane,
        matrix: Option<(&Matrix, &Frame)>,
        pool: &PlanePool,
    ) -> Result<Plane, String> {
        let size = from.size();
        let mut buffer = pool.packed_buffer(size);
        let mut added = vec![0i16; size.row_bytes];
        let mut known = None;
        for (y, (to, from)) in buffer.rows_mut().zip(from.rows()).enumerate() {
            if let Some((matrix, frame)) = matrix {
                let (across, down) = frame.format.chroma_shift();
                let line = y >> down;
                if known != Some(line) {
                    let (blue, red) = (frame.planes[1].row(line), frame.planes[2].row(line));
                    light_of_chroma(&mut added, blue, red, matrix.light, across);
                    known = Some(line);
                }
            }
            self.light_row(to, from, &added);
        }
        buffer.into_plane()
    }

    fn light_row(&self, to: &mut [u8], from: &[u8], added: &[i16]) {
        let top = if self.black == 0 { 255 * 16 } else { 219 * 16 };
        let black = self.black * 16;
        for ((to, from), added) in to.iter_mut().zip(from).zip(added) {
            let steps = (i16::from(*from) * 16 - black + added).clamp(0, top);
            // At most 65280 in 16 bits, so that one multiplication of 16 bits does.
            let wide = (steps as u16) << 4;
            let sixteenths = ((u32::from(wide) * self.gain) >> 16) as u16;
            *to = ((sixteenths + 8) >> 4).min(255) as u8;
        }
    }

    fn chroma(&self, from: &Plane, pool: &PlanePool) -> Result<Plane, String> {
        let mut buffer = pool.packed_buffer(from.size());
        let stretch = self.stretch;
        for (to, from) in buffer.rows_mut().zip(from.rows()) {
            for (to, from) in to.iter_mut().zip(from) {
                *to = centred((i32::from(*from) - 128) * stretch);
            }
        }
        buffer.into_plane()
    }
}

/// A sample of chroma of a value in 2^-13 around 0.
fn centred(value: i32) -> u8 {
    (((value + (1 << 12)) >> 13) + 128).clamp(0, 255) as u8
}

fn mixed(blue: &Plane, red: &Plane, shares: [i32; 2], pool: &PlanePool) -> Result<Plane, String> {
    let mut buffer = pool.packed_buffer(blue.size());
    for ((to, blue), red) in buffer.rows_mut().zip(blue.rows()).zip(red.rows()) {
        for ((to, blue), red) in to.iter_mut().zip(blue).zip(red) {
            let (blue, red) = (i32::from(*blue) - 128, i32::from(*red) - 128);
            *to = centred(blue * shares[0] + red * shares[1]);
        }
    }
    buffer.into_plane()
}

/// What a row of chroma adds to the light of the samples that it is for, in 16ths.
fn light_of_chroma(added: &mut [i16], blue: &[u8], red: &[u8], shares: [i32; 2], across: u32) {
    let value = |blue: u8, red: u8| {
        let (blue, red) = (i32::from(blue) - 128, i32::from(red) - 128);
        ((blue * shares[0] + red * shares[1] + (1 << 12)) >> 13) as i16
    };
    if across == 0 {
        for ((added, blue), red) in added.iter_mut().zip(blue).zip(red) {
            *added = value(*blue, *red);
        }
        return;
    }
    for ((pair, blue), red) in added.chunks_mut(2).zip(blue).zip(red) {
        pair.fill(value(*blue, *red));
    }
}

/// The light's shares of red and blue in a matrix that is not BT.601's (ISO/IEC 23091-2, table 4);
/// none for BT.601, and where nobody knows, which counts as BT.601.
fn shares(space: &str) -> Option<(f64, f64)> {
    Some(match space {
        "bt709" => (0.2126, 0.0722),
        "fcc" => (0.30, 0.11),
        "smpte240m" => (0.212, 0.087),
        "bt2020nc" | "bt2020c" => (0.2627, 0.0593),
        _ => return None,
    })
}

/// What Cb and Cr of a matrix add to Y, Cb and Cr of BT.601, where all reach from 0 to 1 or from
/// -0.5 to 0.5. Y goes into Y alone, with 1.
fn axes((red, blue): (f64, f64)) -> [[f64; 2]; 3] {
    let mix = |cb: f64, cr: f64| {
        let (r, b) = (2.0 * (1.0 - red) * cr, 2.0 * (1.0 - blue) * cb);
        let g = -(red * r + blue * b) / (1.0 - red - blue);
        let y = BT601.0 * r + (1.0 - BT601.0 - BT601.1) * g + BT601.1 * b;
        [y, (b - y) / (2.0 * (1.0 - BT601.1)), (r - y) / (2.0 * (1.0 - BT601.0))]
    };
    let (of_cb, of_cr) = (mix(1.0, 0.0), mix(0.0, 1.0));
    [0, 1, 2].map(|i| [of_cb[i], of_cr[i]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::PixelFormat;

    fn color(range: &str, space: &str) -> Color {
        let some = |s: &str| (!s.is_empty()).then(|| s.to_owned());
        Color { range: some(range), space: some(space), ..Color::default() }
    }

    /// A picture of one row: yuv444p.
    fn frame(samples: &[[u8; 3]]) -> Frame {
        let width = samples.len() as u32;
        let format = PixelFormat::Yuv444p;
        let plane = |i: usize| {
            let size = format.plane_size(i, width, 1).expect("a plane");
            Plane::packed(samples.iter().map(|s| s[i]).collect(), size).expect("fits")
        };
        Frame {
            format,
            width,
            height: 1,
            planes: vec![plane(0), plane(1), plane(2)],
            index: 0,
            timestamp: 0,
            duration: None,
            tags: None,
            baggage: None,
        }
    }

    fn through(color: &Color, samples: &[[u8; 3]]) -> Vec<[u8; 3]> {
        let out = Levels::new(color).full(&frame(samples), &PlanePool::new()).expect("turned");
        (0..samples.len()).map(|x| [0, 1, 2].map(|i| out.planes[i].row(0)[x])).collect()
    }

    #[test]
    fn every_sample_of_limited_range_is_stretched_and_rounded() {
        let all: Vec<[u8; 3]> = (0..=255).map(|v| [v, v, v]).collect();
        for (before, after) in all.iter().zip(through(&color("tv", "smpte170m"), &all)) {
            let value = f64::from(before[0]);
            let light = ((value - 16.0) * 255.0 / 219.0).clamp(0.0, 255.0);
            let chroma = ((value - 128.0) * 255.0 / 224.0 + 128.0).clamp(0.0, 255.0);
            for (sample, exact) in after.iter().zip([light, chroma, chroma]) {
                assert!((f64::from(*sample) - exact).abs() < 0.6, "{before:?}: {after:?}");
            }
        }
        assert_eq!(through(&color("pc", ""), &all), all);
        assert_eq!(through(&color("", ""), &all), through(&color("tv", "bt470bg"), &all));
    }

    #[test]
    fn colours_of_other_matrices_stay_the_colours_they_are() {
        for (space, (red, blue)) in [("bt709", (0.2126, 0.0722)), ("bt2020nc", (0.2627, 0.0593))] {
            for range in ["tv", "pc"] {
                let (black, light, chroma) =
                    if range == "pc" { (0.0, 255.0, 255.0) } else { (16.0, 219.0, 224.0) };
                let colours: Vec<[f64; 3]> = (0..125)
                    .map(|i| [i % 5, i / 5 % 5, i / 25].map(|v: i32| f64::from(v) / 4.0))
                    .collect();
                let coded = |shares: (f64, f64), [r, g, b]: [f64; 3]| {
                    let y = shares.0 * r + (1.0 - shares.0 - shares.1) * g + shares.1 * b;
                    [y, (b - y) / 2.0 / (1.0 - shares.1), (r - y) / 2.0 / (1.0 - shares.0)]
                };
                let film: Vec<[u8; 3]> = colours
                    .iter()
                    .map(|c| {
                        let [y, cb, cr] = coded((red, blue), *c);
                        [y * light + black, cb * chroma + 128.0, cr * chroma + 128.0]
                            .map(|v| v.round().clamp(0.0, 255.0) as u8)
                    })
                    .collect();
                for (colour, jpeg) in colours.iter().zip(through(&color(range, space), &film)) {
                    let [y, cb, cr] = coded(BT601, *colour);
                    let wanted = [y * 255.0, cb * 255.0 + 128.0, cr * 255.0 + 128.0];
                    for (value, wanted) in jpeg.iter().zip(wanted) {
                        let far = (f64::from(*value) - wanted.min(255.0)).abs();
                        assert!(far < 2.0, "{space} {range} {colour:?}: {jpeg:?}, {wanted}");
                    }
                }
            }
        }
    }
}
