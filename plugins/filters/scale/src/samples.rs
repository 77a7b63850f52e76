//! Samples of all formats as 16 bits with sign, which the passes work on, and back.
//!
//! | samples | become |
//! |---|---|
//! | 8 bits | v * 64 |
//! | 10 bits | v * 16 |
//! | 16 bits | v / 2 - 16384, which leaves room for overshoot |
//! | R G B of `rgba` | v * alpha * 64 / 255: premultiplied, so that what cannot be seen has no color |

use filmgate_plugin::PlaneLayout;

/// How the samples of a plane are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    Eight,
    Ten,
    Sixteen,
    Rgba,
}

impl Depth {
    pub(crate) fn of(plane: &PlaneLayout, bits: u32) -> Depth {
        match (plane.channels, bits) {
            (4, _) => Depth::Rgba,
            (_, 8) => Depth::Eight,
            (_, 10) => Depth::Ten,
            _ => Depth::Sixteen,
        }
    }

    /// Rows of a plane, of `row` bytes each, into rows `stride` apart.
    pub(crate) fn read(self, samples: &[u8], row: usize, rows: &mut [i16], stride: usize) {
        for (from, to) in samples.chunks_exact(row).zip(rows.chunks_exact_mut(stride)) {
            self.read_row(from, to);
        }
    }

    fn read_row(self, from: &[u8], to: &mut [i16]) {
        let wide = from.as_chunks::<2>().0;
        match self {
            Depth::Eight => to.iter_mut().zip(from).for_each(|(to, v)| *to = i16::from(*v) << 6),
            Depth::Ten => {
                // What is above the 10 bits is nobody's.
                let sample = |v: &[u8; 2]| (u16::from_le_bytes(*v).min(1023) << 4) as i16;
                to.iter_mut().zip(wide).for_each(|(to, v)| *to = sample(v));
            }
            Depth::Sixteen => {
                let sample = |v: &[u8; 2]| (u16::from_le_bytes(*v) >> 1) as i16 - 0x4000;
                to.iter_mut().zip(wide).for_each(|(to, v)| *to = sample(v));
            }
            Depth::Rgba => {
                let pixels = from.as_chunks::<4>().0;
                for (to, [r, g, b, a]) in to.as_chunks_mut::<4>().0.iter_mut().zip(pixels) {
                    let weighted =
                        |v: u8| ((u32::from(v) * u32::from(*a) * 64 * 2 + 255) / 510) as i16;
                    *to = [weighted(*r), weighted(*g), weighted(*b), i16::from(*a) << 6];
                }
            }
        }
    }

    /// A row back, rounded to the nearest.
    pub(crate) fn write(self, from: &[i16], to: &mut [u8]) {
        match self {
            Depth::Eight => {
                let sample = |v: i16| (v.saturating_add(32) >> 6).clamp(0, 255) as u8;
                to.iter_mut().zip(from).for_each(|(to, v)| *to = sample(*v));
            }
            Depth::Ten => {
                let sample = |v: i16| (v.saturating_add(8) >> 4).clamp(0, 1023).to_le_bytes();
                to.as_chunks_mut::<2>().0.iter_mut().zip(from).for_each(|(to, v)| *to = sample(*v));
            }
            Depth::Sixteen => {
                // The highest bit again as the lowest, so that white is white.
                let sample = |v: i16| {
                    let v = v.saturating_add(0x4000).max(0) as u16;
                    (v << 1 | v >> 14).to_le_bytes()
                };
                to.as_chunks_mut::<2>().0.iter_mut().zip(from).for_each(|(to, v)| *to = sample(*v));
            }
            Depth::Rgba => {
                let pixels = from.as_chunks::<4>().0;
                for (to, [r, g, b, a]) in to.as_chunks_mut::<4>().0.iter_mut().zip(pixels) {
                    // Where there is no opacity, there is no color either.
                    let per = if *a > 0 { 255.0 / f32::from(*a) } else { 0.0 };
                    let plain = |v: i16| (f32::from(v) * per + 0.5) as u8;
                    let alpha = (a.saturating_add(32) >> 6).clamp(0, 255) as u8;
                    *to = [plain(*r), plain(*g), plain(*b), alpha];
                }
            }
        }
    }
}

/// Interleaved channels apart, each `stride` samples behind the one before.
pub(crate) fn apart(row: &[i16], channels: usize, out: &mut [i16], stride: usize) {
    match channels {
        3 => {
            let (r, rest) = out.split_at_mut(stride);
            let (g, b) = rest.split_at_mut(stride);
            let out = r.iter_mut().zip(g).zip(b);
            for ([pr, pg, pb], ((r, g), b)) in row.as_chunks::<3>().0.iter().zip(out) {
                (*r, *g, *b) = (*pr, *pg, *pb);
            }
        }
        _ => {
            for (channel, out) in out.chunks_exact_mut(stride).take(channels).enumerate() {
                let samples = row.iter().skip(channel).step_by(channels);
                out.iter_mut().zip(samples).for_each(|(out, v)| *out = *v);
            }
        }
    }
}

/// And together again: `count` pixels.
pub(crate) fn together(out: &[i16], stride: usize, channels: usize, row: &mut [i16]) {
    match channels {
        3 => {
            let (r, rest) = out.split_at(stride);
            let (g, b) = rest.split_at(stride);
            let pixels = row.as_chunks_mut::<3>().0.iter_mut();
            for (pixel, ((r, g), b)) in pixels.zip(r.iter().zip(g).zip(b)) {
                *pixel = [*r, *g, *b];
            }
        }
        _ => {
            for (channel, out) in out.chunks_exact(stride).take(channels).enumerate() {
                let samples = row.iter_mut().skip(channel).step_by(channels);
                samples.zip(out).for_each(|(sample, v)| *sample = *v);
            }
        }
    }
}
