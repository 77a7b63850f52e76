//! The same on 128 bytes of each row at a time, from the top row to the bottom one.

use core::arch::wasm32::*;

use filmgate_plugin::eight_times;
use filmgate_plugin::simd::{TURN, load, store};

/// The function for samples of one size, which are widened to be added.
macro_rules! add {
    ($name:ident, $low:ident, $high:ident, $add:ident) => {
        /// The sums of the first `bytes` bytes of each row; `false` where there are too few.
        #[target_feature(enable = "simd128")]
        pub(super) fn $name(
            sums: &mut [u8],
            part: &[u8],
            bytes: usize,
            stride: usize,
            rows: usize,
        ) -> bool {
            if bytes < TURN {
                return false;
            }
            // What is left behind the last whole strip is done as the last 128 bytes, some of them
            // twice.
            for at in (0..bytes).step_by(TURN).map(|at| at.min(bytes - TURN)) {
                let mut low = [u16x8_splat(0); 8];
                let mut high = low;
                for y in 0..rows {
                    let (turn, _) = part[y * stride + at..].as_chunks::<TURN>();
                    let vectors = turn[0].as_chunks::<16>().0;
                    eight_times!(i => {
                        let samples = load(&vectors[i]);
                        low[i] = $add(low[i], $low(samples));
                        high[i] = $add(high[i], $high(samples));
                    });
                }
                let places = sums[2 * at..2 * (at + TURN)].as_chunks_mut::<16>().0;
                for (i, place) in places.iter_mut().enumerate() {
                    store(place, if i % 2 == 0 { low[i / 2] } else { high[i / 2] });
                }
            }
            true
        }
    };
}

add!(add8, u16x8_extend_low_u8x16, u16x8_extend_high_u8x16, u16x8_add);
add!(add16, u32x4_extend_low_u16x8, u32x4_extend_high_u16x8, u32x4_add);
