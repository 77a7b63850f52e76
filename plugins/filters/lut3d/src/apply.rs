//! Pictures of 8 bits looked up in a [`Grid`]. Where a colour lies is found pixel by pixel; its
//! three channels are weighed at once.

use crate::grid::{Grid, Place};

#[cfg(not(target_arch = "wasm32"))]
use scalar as blend;
#[cfg(target_arch = "wasm32")]
use vectors as blend;

/// Pixels that a turn of the loop does.
const TURN: usize = 32;

/// Changes a packed plane of three or four channels; the fourth stays.
pub(crate) fn tetrahedral<const CHANNELS: usize>(grid: &Grid, samples: &mut [u8]) {
    let all: u32 = grid.steps.iter().sum();
    each::<CHANNELS>(grid, samples, |[red, green, blue]| {
        let (a, b, c) = (red.onward, green.onward, blue.onward);
        let most = a.max(b).max(c);
        let least = a.min(b).min(c);
        // The sum may wrap, and back again.
        let middle = a.wrapping_add(b).wrapping_add(c).wrapping_sub(most).wrapping_sub(least);
        let first = red.entry + green.entry + blue.entry;
        let last = first + all;
        let entries = [first, first + step(most), last - step(least), last];
        let [most, middle, least] = [most >> 24, middle >> 24, least >> 24];
        let weights = [255 - most, most - middle, middle - least, least];
        blend::four(entries.map(|number| entry(grid, number)), weights)
    });
}

/// Changes a packed plane of three or four channels; the fourth stays.
pub(crate) fn trilinear<const CHANNELS: usize>(grid: &Grid, samples: &mut [u8]) {
    let [_, green_step, blue_step] = grid.steps;
    each::<CHANNELS>(grid, samples, |[red, green, blue]| {
        let first = red.entry + green.entry + blue.entry;
        let rows = [first, first + green_step, first + blue_step, first + green_step + blue_step];
        let [fg, fb] = [green.onward >> 24, blue.onward >> 24];
        let green = (fg * 16384 + 127) / 255;
        let both = (green * fb + 127) / 255;
        let blue = ((16384 - green) * fb + 127) / 255;
        let shares = [16384 - green - blue, green - both, blue, both];
        let rows = rows.map(|number| [entry(grid, number), entry(grid, number + 1)]);
        blend::eight(rows, red.onward >> 24, shares)
    });
}

fn step(onward: u32) -> u32 {
    onward & 0x00ff_ffff
}

fn entry(grid: &Grid, number: u32) -> u64 {
    grid.entries.get(number as usize).copied().unwrap_or(0)
}

/// Red, green and blue in the lowest 24 bits of what `color` answers.
#[inline]
fn each<const CHANNELS: usize>(grid: &Grid, samples: &mut [u8], color: impl Fn([Place; 3]) -> u32) {
    let [reds, greens, blues] = &*grid.places;
    let change = |pixel: &mut [u8; CHANNELS]| {
        let place = |places: &[Place; 256], channel: usize| places[usize::from(pixel[channel])];
        let found = color([place(reds, 0), place(greens, 1), place(blues, 2)]).to_le_bytes();
        pixel[..3].copy_from_slice(&found[..3]);
    };
    let (turns, rest) = samples.as_chunks_mut::<CHANNELS>().0.as_chunks_mut::<TURN>();
    for turn in turns {
        turn.iter_mut().for_each(&change);
    }
    rest.iter_mut().for_each(&change);
}

/// The weighing, a channel at a time.
#[cfg(any(test, not(target_arch = "wasm32")))]
mod scalar {
    pub(super) fn four(entries: [u64; 4], weights: [u32; 4]) -> u32 {
        packed(|channel| {
            let weighed = entries.iter().zip(weights).map(|(e, w)| at(*e, channel) * w as i32);
            (weighed.sum::<i32>() + (1 << 13)) >> 14
        })
    }

    pub(super) fn eight(rows: [[u64; 2]; 4], share: u32, shares: [u32; 4]) -> u32 {
        packed(|channel| {
            let row = |[one, other]: [u64; 2]| {
                let share = share as i32;
                (at(one, channel) * (255 - share) + at(other, channel) * share + (1 << 7)) >> 8
            };
            let weighed = rows.into_iter().zip(shares).map(|(r, s)| row(r) * s as i32);
            (weighed.sum::<i32>() + (1 << 19)) >> 20
        })
    }

    fn at(entry: u64, channel: u32) -> i32 {
        i32::from((entry >> (16 * channel)) as i16)
    }

    fn packed(channel: impl Fn(u32) -> i32) -> u32 {
        (0..3).map(|c| (channel(c).clamp(0, 255) as u32) << (8 * c)).sum()
    }
}

/// The same with a vector lane for each channel. A dot product weighs two entries at once.
#[cfg(target_arch = "wasm32")]
mod vectors {
    use core::arch::wasm32::*;

    #[inline]
    #[target_feature(enable = "simd128")]
    pub(super) fn four(entries: [u64; 4], weights: [u32; 4]) -> u32 {
        let [a, b, c, d] = entries;
        let first = i32x4_dot_i16x8(pair(a, b), both(weights[0], weights[1]));
        let second = i32x4_dot_i16x8(pair(c, d), both(weights[2], weights[3]));
        let sum = i32x4_add(i32x4_add(first, second), i32x4_splat(1 << 13));
        packed(i32x4_shr(sum, 14))
    }

    #[inline]
    #[target_feature(enable = "simd128")]
    pub(super) fn eight(rows: [[u64; 2]; 4], share: u32, shares: [u32; 4]) -> u32 {
        let share = both(255 - share, share);
        let row = |[one, other]: [u64; 2]| {
            let sum = i32x4_add(i32x4_dot_i16x8(pair(one, other), share), i32x4_splat(1 << 7));
            i32x4_shr(sum, 8)
        };
        let [a, b, c, d] = rows.map(row);
        // Each row's numbers fit 16 bits: beside each other, they are weighed in pairs.
        let low = i16x8_narrow_i32x4(a, c);
        let high = i16x8_narrow_i32x4(b, d);
        let first = i32x4_dot_i16x8(
            i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(low, high),
            both(shares[0], shares[1]),
        );
        let second = i32x4_dot_i16x8(
            i16x8_shuffle::<4, 12, 5, 13, 6, 14, 7, 15>(low, high),
            both(shares[2], shares[3]),
        );
        let sum = i32x4_add(i32x4_add(first, second), i32x4_splat(1 << 19));
        packed(i32x4_shr(sum, 20))
    }

    /// The channels of two entries beside each other.
    #[inline]
    #[target_feature(enable = "simd128")]
    fn pair(one: u64, other: u64) -> v128 {
        i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(u64x2_splat(one), u64x2_splat(other))
    }

    /// A weight for each of a pair.
    #[inline]
    #[target_feature(enable = "simd128")]
    fn both(one: u32, other: u32) -> v128 {
        u32x4_splat(one | other << 16)
    }

    #[inline]
    #[target_feature(enable = "simd128")]
    fn packed(channels: v128) -> u32 {
        let channels = i16x8_narrow_i32x4(channels, channels);
        u32x4_extract_lane::<0>(u8x16_narrow_i16x8(channels, channels))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cube::Cube;

    fn cube(size: usize, entry: impl Fn([f64; 3]) -> [f64; 3]) -> Cube {
        let light = |i: usize| i as f64 / (size - 1) as f64;
        let at = |i: usize| [light(i % size), light(i / size % size), light(i / size / size)];
        Cube {
            dimensions: 3,
            size,
            domain: [(0.0, 1.0); 3],
            entries: (0..size.pow(3)).map(|i| entry(at(i)).map(|v| v as f32)).collect(),
        }
    }

    fn both(grid: &Grid, samples: &[u8]) -> [Vec<u8>; 2] {
        let (mut one, mut other) = (samples.to_vec(), samples.to_vec());
        tetrahedral::<4>(grid, &mut one);
        trilinear::<4>(grid, &mut other);
        [one, other]
    }

    #[test]
    fn the_same_colours_stay_the_same() {
        let samples: Vec<u8> = (0..4096_u32).map(|i| (i * 89 % 257) as u8).collect();
        for size in [2, 17, 33, 64] {
            let grid = Grid::new(&cube(size, |color| color));
            assert_eq!(both(&grid, &samples), [samples.clone(), samples.clone()], "{size}");
        }
    }

    #[test]
    fn what_is_straight_is_exact_and_clamped() {
        let grid = Grid::new(&cube(5, |[r, g, b]| [1.0 - r, g * 1.5 - 0.25, (r + g + b) / 3.0]));
        for found in both(&grid, &[255, 100, 30, 7, 0, 255, 255, 9, 10, 0, 20, 0]) {
            assert_eq!(found, [0, 86, 128, 7, 255, 255, 170, 9, 245, 0, 10, 0]);
        }
    }
}
