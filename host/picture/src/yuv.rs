//! From the YUV of films to that of JPEGs: full range and the matrix of BT.601 (JFIF 1.02), in
//! fixed point and without a detour over RGB.
//!
//! Where only the range differs, samples are stretched one by one. Where the matrix differs too
//! (BT.709 of every HD film), colours are turned into each other's axes: the chroma by a matrix of
//! two by two, the light by adding what the chroma says. What RGB would clip is not clipped then.

use filmgate_core::frame::{Color, Frame, Plane, PlanePool};

/// The light's shares of red and blue in BT.601.
const BT601: (f64, f64) = (0.299, 0.114);

/// What turns the samples of a film into a JPEG's.
///
/// All of it is arithmetic of 16 bits that cannot overflow, written with operations that are not
/// checked for it, so that the compiler makes vector code of the loops.
#[derive(Clone, Copy, Debug)]
pub(super) struct Levels {
    /// what black is
    black: i16,
    /// what white is, less what black is
    span: i16,
    /// a step of light, in 2^-12
    gain: u16,
    /// a step of chroma, in 2^-13
    stretch: i16,
    /// none where the matrix is the same
    matrix: Option<Matrix>,
    same: bool,
}

#[derive(Clone, Copy, Debug)]
struct Matrix {
    /// what a step of Cb and one of Cr add to the light, in 2^-12 of 16ths
    light: [i16; 2],
    /// what they add to Cb, in 2^-13
    blue: [i16; 2],
    /// and to Cr
    red: [i16; 2],
}

impl Levels {
    pub(super) fn new(color: &Color) -> Levels {
        let full = color.range.as_deref() == Some("pc");
        let (black, span, chroma) = if full { (0, 255, 255.0) } else { (16, 219, 224.0) };
        let axes = color.space.as_deref().and_then(shares).map(axes);
        let fixed = |value: f64, one: f64| (value * one).round() as i16;
        let stretch = 255.0 / chroma;
        let matrix = axes.map(|m| Matrix {
            light: m[0].map(|x| fixed(x * 16.0 * f64::from(span) / chroma, 4096.0)),
            blue: m[1].map(|x| fixed(x * stretch, 8192.0)),
            red: m[2].map(|x| fixed(x * stretch, 8192.0)),
        });
        Levels {
            black,
            span,
            gain: (255.0 / f64::from(span) * 4096.0).round() as u16,
            stretch: fixed(stretch, 8192.0),
            matrix,
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
                self.light(light, pool)?,
                mixed(blue, red, [self.stretch, 0], pool)?,
                mixed(blue, red, [0, self.stretch], pool)?,
            ],
            Some(matrix) => vec![
                self.light_with_chroma(frame, matrix, pool)?,
                mixed(blue, red, matrix.blue, pool)?,
                mixed(blue, red, matrix.red, pool)?,
            ],
        };
        Ok(Frame { planes, ..frame.clone() })
    }

    fn light(&self, from: &Plane, pool: &PlanePool) -> Result<Plane, String> {
        let nothing = vec![0; from.size().row_bytes];
        let mut buffer = pool.packed_buffer(from.size());
        for (to, from) in buffer.rows_mut().zip(from.rows()) {
            self.light_row(to, from, &nothing);
        }
        buffer.into_plane()
    }

    fn light_with_chroma(
        &self,
        frame: &Frame,
        matrix: &Matrix,
        pool: &PlanePool,
    ) -> Result<Plane, String> {
        let (from, blue, red) = (&frame.planes[0], &frame.planes[1], &frame.planes[2]);
        let (across, down) = frame.format.chroma_shift();
        let mut of_chroma = vec![0; blue.size().row_bytes];
        let mut added = vec![0; of_chroma.len() << across];
        let mut buffer = pool.packed_buffer(from.size());
        for (y, (to, from)) in buffer.rows_mut().zip(from.rows()).enumerate() {
            if y & ((1 << down) - 1) == 0 {
                let line = y >> down;
                light_of_chroma(&mut of_chroma, blue.row(line), red.row(line), matrix.light);
                match across {
                    0 => added.copy_from_slice(&of_chroma),
                    _ => doubled(&mut added, &of_chroma),
                }
            }
            self.light_row(to, from, &added);
        }
        buffer.into_plane()
    }

    /// `added`: what is added to each sample, in 16ths.
    fn light_row(&self, to: &mut [u8], from: &[u8], added: &[i16]) {
        let (black, top, gain) = (self.black << 4, self.span << 4, self.gain);
        for ((to, from), added) in to.iter_mut().zip(from).zip(added) {
            // In 16ths: at most 4080 and what the chroma adds, some 1500.
            let steps = (i16::from(*from) << 4).wrapping_sub(black).wrapping_add(*added);
            let wide = (steps.max(0).min(top) as u16) << 4;
            let sixteenths = (u32::from(wide).wrapping_mul(u32::from(gain)) >> 16) as i16;
            *to = (sixteenths.wrapping_add(8) >> 4).min(255) as u8;
        }
    }
}

/// The upper half of a product.
fn upper(a: i16, b: i16) -> i16 {
    (i32::from(a).wrapping_mul(i32::from(b)) >> 16) as i16
}

/// A row or plane of chroma as shares of both, in 2^-13.
fn mixed(blue: &Plane, red: &Plane, shares: [i16; 2], pool: &PlanePool) -> Result<Plane, String> {
    let mut buffer = pool.packed_buffer(blue.size());
    for ((to, blue), red) in buffer.rows_mut().zip(blue.rows()).zip(red.rows()) {
        for ((to, blue), red) in to.iter_mut().zip(blue).zip(red) {
            let blue = (i16::from(*blue)).wrapping_sub(128) << 6;
            let red = (i16::from(*red)).wrapping_sub(128) << 6;
            let eighths = upper(blue, shares[0]).wrapping_add(upper(red, shares[1]));
            let sample = (eighths.wrapping_add(4) >> 3).wrapping_add(128);
            *to = sample.clamp(0, 255) as u8;
        }
    }
    buffer.into_plane()
}

/// What a row of chroma adds to the light of its samples, in 16ths.
fn light_of_chroma(to: &mut [i16], blue: &[u8], red: &[u8], shares: [i16; 2]) {
    for ((to, blue), red) in to.iter_mut().zip(blue).zip(red) {
        let blue = (i16::from(*blue)).wrapping_sub(128) << 4;
        let red = (i16::from(*red)).wrapping_sub(128) << 4;
        *to = upper(blue, shares[0]).wrapping_add(upper(red, shares[1]));
    }
}

/// Each value twice.
fn doubled(to: &mut [i16], from: &[i16]) {
    for (to, from) in to.chunks_exact_mut(2).zip(from) {
        to[0] = *from;
        to[1] = *from;
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
    use filmgate_core::frame::PixelFormat;

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
