//! The same on 128 columns of bytes at a time, from the top row to the bottom one.

use core::arch::wasm32::*;

use filmgate_plugin::eight_times;
use filmgate_plugin::simd::{TURN, load, store};

/// The sums of the first `bytes` columns; `false` where there are too few of them.
#[target_feature(enable = "simd128")]
pub(super) fn add(sums: &mut [u8], part: &[u8], bytes: usize, stride: usize, rows: usize) -> bool {
    if bytes < TURN {
        return false;
    }
    // What is left behind the last whole strip is done as the last 128 columns, some of them twice.
    for at in (0..bytes).step_by(TURN).map(|at| at.min(bytes - TURN)) {
        let mut low = [u16x8_splat(0); 8];
        let mut high = low;
        for y in 0..rows {
            let (turn, _) = part[y * stride + at..].as_chunks::<TURN>();
            let vectors = turn[0].as_chunks::<16>().0;
            eight_times!(i => {
                let samples = load(&vectors[i]);
                low[i] = u16x8_add(low[i], u16x8_extend_low_u8x16(samples));
                high[i] = u16x8_add(high[i], u16x8_extend_high_u8x16(samples));
            });
        }
        let places = sums[2 * at..2 * (at + TURN)].as_chunks_mut::<16>().0;
        for (i, place) in places.iter_mut().enumerate() {
            store(place, if i % 2 == 0 { low[i / 2] } else { high[i / 2] });
        }
    }
    true
}
