//! The same on 16 bytes at a time. `q15mulr` is the definition's product, shift and rounding.

use core::arch::wasm32::*;

use filmgate_plugin::eight_times;
use filmgate_plugin::simd::{TURN, load, store};

/// Shades whole vectors, and answers how many samples that were.
#[target_feature(enable = "simd128")]
pub(super) fn eight(samples: &mut [u8], lights: &[u8], black: u16) -> usize {
    let black = i16x8_splat(black as i16);
    turns::<{ 2 * TURN }, 32>(samples, lights, |samples, lights| {
        let lights = lights.as_chunks::<16>().0;
        let low = shade(u16x8_extend_low_u8x16(samples), load(&lights[0]), black);
        let high = shade(u16x8_extend_high_u8x16(samples), load(&lights[1]), black);
        u8x16_narrow_i16x8(low, high)
    })
}

/// Shades whole vectors, and answers how many samples that were.
#[target_feature(enable = "simd128")]
pub(super) fn ten(samples: &mut [u8], lights: &[u8], black: u16) -> usize {
    let black = i16x8_splat(black as i16);
    turns::<TURN, 16>(samples, lights, |samples, lights| shade(samples, load(lights), black)) / 2
}

#[inline]
#[target_feature(enable = "simd128")]
fn shade(samples: v128, lights: v128, black: v128) -> v128 {
    i16x8_add(i16x8_q15mulr_sat(i16x8_sub(samples, black), lights), black)
}

/// Runs `shade` on whole turns, then on whole vectors, and answers how many bytes that were.
/// `LIGHTS` bytes of light belong to a turn, `EACH` to a vector.
#[inline]
#[target_feature(enable = "simd128")]
fn turns<const LIGHTS: usize, const EACH: usize>(
    samples: &mut [u8],
    lights: &[u8],
    shade: impl Fn(v128, &[u8; EACH]) -> v128,
) -> usize {
    let done = samples.len() / 16 * 16;
    let (turns, rest) = samples.as_chunks_mut::<TURN>();
    let light_turns = lights.as_chunks::<LIGHTS>().0;
    let light_rest = &lights[turns.len() * LIGHTS..];
    for (samples, lights) in turns.iter_mut().zip(light_turns) {
        let (samples, lights) = (samples.as_chunks_mut::<16>().0, lights.as_chunks::<EACH>().0);
        eight_times!(i => {
            let vector = shade(load(&samples[i]), &lights[i]);
            store(&mut samples[i], vector);
        });
    }
    for (samples, lights) in
        rest.as_chunks_mut::<16>().0.iter_mut().zip(light_rest.as_chunks::<EACH>().0)
    {
        let vector = shade(load(samples), lights);
        store(samples, vector);
    }
    done
}
