//! A 3D table made ready for looking up. At 8 bits all is in whole numbers:
//!
//! ```text
//! place = clamp((v / 255 - least) / (most - least), 0, 1) * (size - 1)
//! i     = min(floor(place), size - 2)        the entry below
//! f     = floor(255 * (place - i) + 1/2)     how far it is to the next, in 255ths
//! c     = floor(2^14 * entry + 1/2)          of each entry and channel, clamped to 16 bits
//! ```
//!
//! Tetrahedral: from the entry below in all three channels one goes on along the channel with the
//! largest f, then along the next, then along the last; with `f1 >= f2 >= f3` and the four entries
//! passed,
//!
//! ```text
//! out = clamp(((255 - f1) c0 + (f1 - f2) c1 + (f2 - f3) c2 + f3 c3 + 2^13) >> 14, 0, 255)
//! ```
//!
//! Trilinear, the shares of the four rows of entries along red being
//! `G = (2^14 fg + 127) / 255`, `s11 = (G fb + 127) / 255`, `s10 = G - s11`,
//! `s01 = ((2^14 - G) fb + 127) / 255`, `s00 = 2^14 - G - s01`, divisions cut to whole numbers:
//!
//! ```text
//! e   = ((255 - fr) c + fr c' + 2^7) >> 8          of each row: two neighbours along red
//! out = clamp((sum(s e) + 2^19) >> 20, 0, 255)
//! ```
//!
//! At 16 bits the same is done in floating point of 64 bits, and rounded at the end.

use filmgate_plugin::rows;

use crate::cube::Cube;

/// For 8 bits.
pub(crate) struct Grid {
    /// Each entry's red, green and blue, from the lowest 16 bits up; signed, 2^14 stands for 1.
    pub(crate) entries: Vec<u64>,
    /// For each channel and sample: where it lies.
    pub(crate) places: Box<[[Place; 256]; 3]>,
    /// How far it is to the next entry along red, green and blue.
    pub(crate) steps: [u32; 3],
}

/// Where a sample lies along its channel.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    /// what it adds to the number of the entry
    pub(crate) entry: u32,
    /// How far it is to the next entry, in 255ths, in the topmost 8 bits; the step to that entry
    /// in the others. So the largest of several has the largest share.
    pub(crate) onward: u32,
}

impl Grid {
    pub(crate) fn new(cube: &Cube) -> Grid {
        let channel = |value: f32| {
            let scaled = (f64::from(value) * 16384.0 + 0.5).floor();
            u64::from(scaled.clamp(-32768.0, 32767.0) as i16 as u16)
        };
        let entries = cube.entries.iter();
        let entries = entries.map(|e| channel(e[0]) | channel(e[1]) << 16 | channel(e[2]) << 32);
        let mut places = Box::new([[Place::default(); 256]; 3]);
        let steps = steps(cube.size);
        for ((places, step), c) in places.iter_mut().zip(steps).zip(0..) {
            for (place, sample) in places.iter_mut().zip(0_u32..) {
                let (below, share) = cube.place(c, f64::from(sample) / 255.0);
                let share = (255.0 * share + 0.5).floor() as u32;
                *place = Place { entry: below as u32 * step, onward: share << 24 | step };
            }
        }
        Grid { entries: entries.collect(), places, steps }
    }
}

/// From an entry to the next along red, green and blue.
fn steps(size: usize) -> [u32; 3] {
    [1, size as u32, (size * size) as u32]
}

/// For 16 bits.
pub(crate) struct Wide {
    cube: Cube,
    /// For each channel and sample: what it adds to the number of the entry, and how far it is
    /// from there to the next.
    places: [Vec<(u32, f64)>; 3],
}

impl Wide {
    pub(crate) fn new(cube: Cube) -> Wide {
        let steps = steps(cube.size);
        let places = std::array::from_fn(|channel| {
            let place = |sample: u32| {
                let (below, share) = cube.place(channel, f64::from(sample) / 65535.0);
                (below as u32 * steps[channel], share)
            };
            (0..=65535).map(place).collect()
        });
        Wide { cube, places }
    }

    /// Changes a packed plane of `rgb48`.
    pub(crate) fn apply(&self, samples: &mut [u8], tetrahedral: bool) {
        for bytes in samples.as_chunks_mut::<6>().0 {
            let mut channels = rows::samples16(bytes);
            let places = std::array::from_fn(|channel| {
                self.places[channel][usize::from(channels.next().unwrap_or(0))]
            });
            drop(channels);
            let color = if tetrahedral { self.tetrahedral(places) } else { self.trilinear(places) };
            let mut color = color.into_iter();
            rows::change16(bytes, |sample| match color.next() {
                Some(light) => (65535.0 * light + 0.5).floor().clamp(0.0, 65535.0) as u16,
                None => sample,
            });
        }
    }

    fn entry(&self, number: u32) -> [f64; 3] {
        self.cube.entries[number as usize].map(f64::from)
    }

    fn tetrahedral(&self, places: [(u32, f64); 3]) -> [f64; 3] {
        let [red, green, blue] = steps(self.cube.size);
        let mut onward = [(places[0].1, red), (places[1].1, green), (places[2].1, blue)];
        onward.sort_by(|one, other| other.0.total_cmp(&one.0));
        let mut number = places.iter().map(|place| place.0).sum();
        let mut before = 1.0;
        let mut color = [0.0; 3];
        for (share, step) in onward.into_iter().chain([(0.0, 0)]) {
            let entry = self.entry(number);
            color.iter_mut().zip(entry).for_each(|(c, value)| *c += (before - share) * value);
            (before, number) = (share, number + step);
        }
        color
    }

    fn trilinear(&self, places: [(u32, f64); 3]) -> [f64; 3] {
        let steps = steps(self.cube.size);
        let mut color = [0.0; 3];
        for corner in 0..8_u32 {
            let (mut number, mut weight) = (0, 1.0);
            for ((place, step), channel) in places.iter().zip(steps).zip(0..) {
                let beyond = corner >> channel & 1;
                number += place.0 + beyond * step;
                weight *= if beyond == 1 { place.1 } else { 1.0 - place.1 };
            }
            let entry = self.entry(number);
            color.iter_mut().zip(entry).for_each(|(c, value)| *c += weight * value);
        }
        color
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table in which every colour stays as it is.
    pub(crate) fn identity(size: usize) -> Cube {
        let light = |i: usize| i as f32 / (size - 1) as f32;
        let entry = |i: usize| [light(i % size), light(i / size % size), light(i / size / size)];
        Cube {
            dimensions: 3,
            size,
            domain: [(0.0, 1.0); 3],
            entries: (0..size * size * size).map(entry).collect(),
        }
    }

    #[test]
    fn sixteen_bits_stay_as_they_are() {
        let samples: Vec<u8> = (0..600_u32).map(|i| (i * 77 % 256) as u8).collect();
        for tetrahedral in [true, false] {
            let mut changed = samples.clone();
            Wide::new(identity(9)).apply(&mut changed, tetrahedral);
            assert_eq!(changed, samples);
        }
    }

    #[test]
    fn the_last_sample_is_at_the_end_of_the_last_step() {
        let grid = Grid::new(&identity(5));
        let [red, green, blue] = [0, 1, 2].map(|channel: usize| grid.places[channel][255]);
        assert_eq!([red.entry, green.entry, blue.entry], [3, 15, 75]);
        assert_eq!([red.onward, green.onward], [255 << 24 | 1, 255 << 24 | 5]);
        let place = grid.places[0][100];
        // 100 * 4 = 255 + 145
        assert_eq!((place.entry, place.onward >> 24), (1, 145));
    }
}
