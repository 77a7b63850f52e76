//! Pictures of 256 colours, for GIF: a palette made for what is in the picture, and a pattern of
//! dots for the colours between.
//!
//! A palette is kept as long as it fits the pictures, so that they do not flicker and compress
//! well, and made anew where the scene changes. The pattern (Bayer's) stands still for the same
//! reason.

use crate::av::AvFrame;
use crate::error::{MediaError, MediaErrorKind as Kind};
use ffmpeg_next::ffi::{self, AVPixelFormat};
use filmgate_core::frame::Frame;

/// One of the 256 stands for "as in the picture before", which makes GIFs small.
const COLORS: usize = 255;

/// How far the dots move a sample up and down together, of 256.
const SPREAD: i32 = 14;

/// Histograms have 5 bits a channel.
const BINS: usize = 1 << 15;

const UNKNOWN: u16 = u16::MAX;

/// A palette, with what is known of its use so far.
pub(crate) struct Palette {
    colors: Vec<[u8; 3]>,
    /// the nearest colour by bin, filled as they are asked for
    nearest: Vec<u16>,
    /// the mean square error on the picture it was made for
    error: u64,
}

impl Palette {
    /// The palette to use for `frame` (rgb24): `before`, where it still fits, or a new one.
    pub(crate) fn for_frame(before: Option<Palette>, frame: &Frame) -> Palette {
        if let Some(mut palette) = before
            && palette.error_on(frame) <= 2 * palette.error + 24
        {
            return palette;
        }
        let colors = median_cut(&histogram(frame));
        let mut palette = Palette { colors, nearest: vec![UNKNOWN; BINS], error: 0 };
        palette.error = palette.error_on(frame);
        palette
    }

    /// The frame in this palette, as libav's PAL8.
    pub(crate) fn apply(&mut self, frame: &Frame) -> Result<AvFrame, MediaError> {
        let memory = || MediaError::memory("make a picture of 256 colours");
        let internal = || MediaError::new(Kind::Encode, "a picture without a plane");
        let plane = frame.planes.first().ok_or_else(internal)?;
        let mut out = AvFrame::new().ok_or_else(memory)?;
        let raw = out.get_mut();
        raw.format = AVPixelFormat::AV_PIX_FMT_PAL8 as i32;
        (raw.width, raw.height) = (frame.width as i32, frame.height as i32);
        // SAFETY: a frame with format and size; libav gives it a plane and a palette.
        if unsafe { ffi::av_frame_get_buffer(raw, 0) } < 0 || raw.data[1].is_null() {
            return Err(memory());
        }
        let (target, stride) = (raw.data[0], raw.linesize[0].max(0) as usize);
        for (y, row) in plane.rows().enumerate() {
            // SAFETY: libav allocated `height` rows, `stride` bytes apart, of `width` bytes.
            let target = unsafe {
                std::slice::from_raw_parts_mut(target.add(y * stride), frame.width as usize)
            };
            for (x, (to, sample)) in target.iter_mut().zip(row.chunks_exact(3)).enumerate() {
                let shift = (i32::from(BAYER[y & 7][x & 7]) * SPREAD) / 64 - SPREAD / 2;
                let moved = [0, 1, 2].map(|i| (i32::from(sample[i]) + shift).clamp(0, 255) as u8);
                *to = self.index_of(moved);
            }
        }
        let mut table = [0u32; 256];
        for (to, [r, g, b]) in table.iter_mut().zip(&self.colors) {
            *to = u32::from_be_bytes([255, *r, *g, *b]);
        }
        // SAFETY: the palette's plane holds 256 numbers of 32 bits (AVPALETTE_SIZE).
        unsafe { raw.data[1].cast::<[u32; 256]>().write_unaligned(table) };
        Ok(out)
    }

    fn index_of(&mut self, color: [u8; 3]) -> u8 {
        let bin = bin(color);
        if self.nearest[bin] == UNKNOWN {
            let center = [bin >> 10, bin >> 5 & 31, bin & 31].map(|c| (c << 3 | c >> 2) as u8);
            let distances = self.colors.iter().map(|c| distance(*c, center));
            let best = distances.enumerate().min_by_key(|(_, d)| *d);
            self.nearest[bin] = best.map_or(0, |(i, _)| i as u16);
        }
        self.nearest[bin] as u8
    }

    /// The mean square error on some of a picture's samples.
    fn error_on(&mut self, frame: &Frame) -> u64 {
        let Some(plane) = frame.planes.first() else { return 0 };
        let (mut sum, mut count) = (0u64, 0u64);
        for row in plane.rows().step_by(5) {
            for sample in row.chunks_exact(3).step_by(3) {
                let color = [sample[0], sample[1], sample[2]];
                let index = usize::from(self.index_of(color));
                sum += u64::from(distance(self.colors[index], color));
                count += 1;
            }
        }
        sum / count.max(1)
    }
}

fn bin([r, g, b]: [u8; 3]) -> usize {
    usize::from(r >> 3) << 10 | usize::from(g >> 3) << 5 | usize::from(b >> 3)
}

/// Squared, with green counted twice, as the eye does.
fn distance(a: [u8; 3], b: [u8; 3]) -> u32 {
    let d = [0, 1, 2].map(|i| u32::from(a[i].abs_diff(b[i])));
    d[0] * d[0] + 2 * d[1] * d[1] + d[2] * d[2]
}

/// Samples in one bin: how many, and the sum of each channel.
#[derive(Clone, Copy, Default)]
struct Bin {
    count: u64,
    sums: [u64; 3],
}

impl Bin {
    fn mean(&self) -> [u8; 3] {
        self.sums.map(|s| (s / self.count.max(1)) as u8)
    }
}

fn histogram(frame: &Frame) -> Vec<Bin> {
    let mut bins = vec![Bin::default(); BINS];
    for row in frame.planes.iter().take(1).flat_map(|p| p.rows()) {
        for sample in row.chunks_exact(3) {
            let bin = &mut bins[bin([sample[0], sample[1], sample[2]])];
            bin.count += 1;
            for (sum, s) in bin.sums.iter_mut().zip(sample) {
                *sum += u64::from(*s);
            }
        }
    }
    bins.retain(|b| b.count > 0);
    bins
}

/// Splits the colours where they differ most until there are as many groups as places, and takes
/// the mean of each. Never empty for a picture.
fn median_cut(bins: &[Bin]) -> Vec<[u8; 3]> {
    let mut boxes: Vec<Vec<Bin>> = vec![bins.to_vec()];
    while boxes.len() < COLORS {
        let widest = boxes.iter().enumerate().filter(|(_, b)| b.len() > 1);
        let Some((at, _)) = widest.max_by_key(|(_, b)| spread(b).1) else { break };
        let mut low = boxes.swap_remove(at);
        let channel = spread(&low).0;
        low.sort_by_key(|b| b.mean()[channel]);
        let half = low.iter().map(|b| b.count).sum::<u64>() / 2;
        let mut seen = 0;
        let middle = low.iter().position(|b| {
            seen += b.count;
            seen > half
        });
        let high = low.split_off(middle.unwrap_or(0).clamp(1, low.len() - 1));
        boxes.extend([low, high]);
    }
    let total = |b: &Vec<Bin>| {
        b.iter().fold(Bin::default(), |mut all, one| {
            all.count += one.count;
            all.sums = [0, 1, 2].map(|i| all.sums[i] + one.sums[i]);
            all
        })
    };
    boxes.iter().map(|b| total(b).mean()).collect()
}

/// The channel in which a group differs most, and by how much in all.
fn spread(group: &[Bin]) -> (usize, u64) {
    let count: u64 = group.iter().map(|b| b.count).sum::<u64>().max(1);
    let variance = |i: usize| {
        let mean = group.iter().map(|b| b.sums[i]).sum::<u64>() / count;
        let of = |b: &Bin| u64::from(b.mean()[i]).abs_diff(mean).pow(2) * b.count;
        group.iter().map(of).sum::<u64>() * [1, 2, 1][i]
    };
    let all = [variance(0), variance(1), variance(2)];
    let channel = (0..3).max_by_key(|&i| all[i]).unwrap_or(1);
    (channel, all.iter().sum())
}

/// Bayer's 8x8 matrix.
#[rustfmt::skip]
const BAYER: [[u8; 8]; 8] = [
    [ 0, 32,  8, 40,  2, 34, 10, 42], [48, 16, 56, 24, 50, 18, 58, 26],
    [12, 44,  4, 36, 14, 46,  6, 38], [60, 28, 52, 20, 62, 30, 54, 22],
    [ 3, 35, 11, 43,  1, 33,  9, 41], [51, 19, 59, 27, 49, 17, 57, 25],
    [15, 47,  7, 39, 13, 45,  5, 37], [63, 31, 55, 23, 61, 29, 53, 21],
];

#[cfg(test)]
mod tests {
    use super::*;
    use filmgate_core::frame::{PixelFormat, Plane};

    fn picture(samples: Vec<u8>, width: u32, height: u32) -> Frame {
        let size = PixelFormat::Rgb24.plane_size(0, width, height).expect("one plane");
        Frame {
            format: PixelFormat::Rgb24,
            width,
            height,
            planes: vec![Plane::packed(samples, size).expect("fits")],
            index: 0,
            timestamp: 0,
            duration: None,
            tags: None,
            baggage: None,
        }
    }

    #[test]
    fn few_colors_are_kept_as_they_are() {
        let samples = [[200, 30, 40], [10, 220, 90], [0, 0, 0], [255, 255, 255]].concat();
        let mut palette = Palette::for_frame(None, &picture(samples.clone(), 2, 2));
        let found: Vec<[u8; 3]> = samples
            .chunks_exact(3)
            .map(|s| {
                let index = palette.index_of([s[0], s[1], s[2]]);
                palette.colors[usize::from(index)]
            })
            .collect();
        assert_eq!(found.concat(), samples);
    }

    #[test]
    fn a_palette_stays_until_the_scene_changes() {
        let ramp = |f: fn(u8) -> [u8; 3]| (0..=255u8).flat_map(f).collect::<Vec<u8>>();
        let red = picture(ramp(|i| [i, 0, 0]), 16, 16);
        let blue = picture(ramp(|i| [0, 0, i]), 16, 16);
        let first = Palette::for_frame(None, &red);
        let colors = first.colors.clone();
        let second = Palette::for_frame(Some(first), &red);
        assert_eq!(second.colors, colors);
        assert_ne!(Palette::for_frame(Some(second), &blue).colors, colors);
    }
}
