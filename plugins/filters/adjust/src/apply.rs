//! A map over all samples of a plane.

use filmgate_plugin::rows;

use crate::map::{Line, Map};

/// Changes every sample of a packed plane.
pub(crate) fn apply(map: &Map, samples: &mut [u8]) {
    match map {
        Map::Line(line) => {
            let rest = vectors(line, samples);
            match line.bits {
                8 => rest.iter_mut().for_each(|s| *s = line.at((*s).into()) as u8),
                _ => rows::change16(rest, |sample| line.at(sample)),
            }
        }
        Map::Pairs(pairs) => by_pairs(pairs, samples),
        Map::Table(table) => by_entry(table, samples),
    }
}

/// Does whole vectors, and answers what is left behind them.
#[cfg(target_arch = "wasm32")]
fn vectors<'a>(line: &Line, samples: &'a mut [u8]) -> &'a mut [u8] {
    match line.bits {
        8 => vectors::eight(samples, line),
        10 => vectors::ten(samples, line),
        _ => samples,
    }
}

/// There are vectors on WebAssembly only.
#[cfg(not(target_arch = "wasm32"))]
fn vectors<'a>(_: &Line, samples: &'a mut [u8]) -> &'a mut [u8] {
    samples
}

/// Samples of one byte, two at a time.
fn by_pairs(pairs: &[u16], samples: &mut [u8]) {
    // An array of all values of an index needs no check of it.
    let Ok(pairs) = <&[u16; 1 << 16]>::try_from(pairs) else { return };
    let at = |pair: u64| u64::from(pairs[usize::from(pair as u16)]);
    let eight = |bytes: &mut [u8; 8]| {
        let before = u64::from_le_bytes(*bytes);
        let low = at(before) | at(before >> 16) << 16;
        let high = at(before >> 32) | at(before >> 48) << 16;
        *bytes = (low | high << 32).to_le_bytes();
    };
    let (turns, rest) = samples.as_chunks_mut::<TURN>();
    for turn in turns {
        turn.as_chunks_mut::<8>().0.iter_mut().for_each(eight);
    }
    for sample in rest {
        *sample = pairs[usize::from(*sample)] as u8;
    }
}

/// Bytes that a turn of a hot loop does.
const TURN: usize = 128;

/// Samples of two bytes, one at a time.
fn by_entry(table: &[u16], samples: &mut [u8]) {
    let change = |sample: u16| table.get(usize::from(sample)).copied().unwrap_or(sample);
    let (turns, rest) = samples.as_chunks_mut::<TURN>();
    turns.iter_mut().for_each(|turn| rows::change16(turn, change));
    rows::change16(rest, change);
}

/// A line on 8 samples at a time. With the sample moved up to 15 bits, a rounding multiplication by
/// 32768ths gives `t`.
#[cfg(target_arch = "wasm32")]
mod vectors {
    use core::arch::wasm32::*;

    use filmgate_plugin::simd;

    use crate::map::Line;

    #[target_feature(enable = "simd128")]
    pub(super) fn eight<'a>(samples: &'a mut [u8], line: &Line) -> &'a mut [u8] {
        let (factor, offset) = (i16x8_splat(line.factor as i16), i16x8_splat(line.offset as i16));
        let half = |samples| {
            let product = i16x8_q15mulr_sat(i16x8_shl(samples, 7), factor);
            i16x8_shr(i16x8_add_sat(product, offset), 5)
        };
        simd::change(samples, |v| {
            let (low, high) = (u16x8_extend_low_u8x16(v), u16x8_extend_high_u8x16(v));
            u8x16_narrow_i16x8(half(low), half(high))
        })
    }

    #[target_feature(enable = "simd128")]
    pub(super) fn ten<'a>(samples: &'a mut [u8], line: &Line) -> &'a mut [u8] {
        let (factor, offset) = (i16x8_splat(line.factor as i16), i16x8_splat(line.offset as i16));
        let (none, most) = (i16x8_splat(0), i16x8_splat(1023));
        simd::change(samples, |v| {
            let product = i16x8_q15mulr_sat(i16x8_shl(v, 5), factor);
            let changed = i16x8_shr(i16x8_add_sat(product, offset), 3);
            i16x8_min(i16x8_max(changed, none), most)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::{Scale, Settings};

    #[test]
    fn every_sample_of_a_plane_changes() {
        for (bits, gamma) in [(8, 2.0), (8, 1.0), (10, 2.0), (10, 1.0), (16, 2.0), (16, 1.0)] {
            let settings = Settings { brightness: 0.0, contrast: 0.5, saturation: 1.0, gamma };
            let map = settings.light(&Scale::new(bits, true)).expect("it changes");
            let mut samples = vec![0; 302];
            apply(&map, &mut samples);
            let bytes = if bits == 8 { 1 } else { 2 };
            assert!(samples[0] > 0 || samples[1] > 0);
            assert!(samples.chunks(bytes).all(|sample| *sample == samples[..bytes]), "{bits}");
        }
    }
}
