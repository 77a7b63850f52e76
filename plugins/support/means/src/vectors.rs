//! The same on vectors: samples of 8 bits 16 at a time, of 10 and 16 bits 8 at a time.
//!
//! Along a row, the sum over the window changes from one sample to the next by what enters less
//! what leaves; the running total of these differences is taken within a vector by adding it to
//! itself, moved by one pixel, two pixels, four pixels, and from vector to vector by carrying the
//! last pixel's on.
//!
//! Sums of bytes stay within 16 bits because they are taken of `v - 128`; the rounding constant
//! makes up for it. A sum times its weight of 24 bits is two products of 16 bits each,
//! `i32x4_dot_i16x8`, in which the samples just outside of the window take the other half.

use core::arch::wasm32::*;

use crate::{TURN, Window};
use filmgate_plugin::eight_times;
use filmgate_plugin::simd::{load, store};

/// The weights of sums of bytes, as vectors need them.
#[derive(Clone, Copy)]
struct Weights {
    low: v128,
    high: v128,
    round: v128,
}

impl Weights {
    #[target_feature(enable = "simd128")]
    fn of(window: Window) -> Weights {
        let pair = |ww: u32, fw: u32| u32x4_splat(fw << 16 | ww);
        let samples = 2 * window.radius as u32 + 1;
        Weights {
            low: pair(window.ww & 0x7fff, window.fw & 0x7fff),
            high: pair(window.ww >> 15, window.fw >> 15),
            round: u32x4_splat((128 * samples).wrapping_mul(window.ww).wrapping_add(1 << 23)),
        }
    }

    /// The means of eight sums, in the upper half of the answer the same eight again. They are in
    /// the top bytes of what is added up, whence a shuffle takes them; the compiler makes less of
    /// shifting and narrowing.
    #[inline]
    #[target_feature(enable = "simd128")]
    fn means(self, sums: v128, far: v128) -> v128 {
        let low = self.four(i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(sums, far));
        let high = self.four(i16x8_shuffle::<4, 12, 5, 13, 6, 14, 7, 15>(sums, far));
        i8x16_shuffle::<3, 7, 11, 15, 19, 23, 27, 31, 3, 7, 11, 15, 19, 23, 27, 31>(low, high)
    }

    #[inline]
    #[target_feature(enable = "simd128")]
    fn four(self, pairs: v128) -> v128 {
        let high = i32x4_shl(i32x4_dot_i16x8(pairs, self.high), 15);
        i32x4_add(i32x4_add(i32x4_dot_i16x8(pairs, self.low), self.round), high)
    }
}

/// What samples of two bytes are weighed and divided by.
#[derive(Clone, Copy)]
struct Division {
    share: v128,
    length: v128,
}

impl Division {
    #[target_feature(enable = "simd128")]
    fn of(window: Window) -> Division {
        Division { share: f32x4_splat(window.share), length: f32x4_splat(window.length) }
    }

    /// The means of four sums. At 2^23 and above, the next number is one away: adding that rounds
    /// to the nearest whole number, and leaves it in the low bits.
    #[inline]
    #[target_feature(enable = "simd128")]
    fn means(self, sums: v128, far: v128) -> v128 {
        let far = f32x4_mul(f32x4_convert_i32x4(far), self.share);
        let mean = f32x4_div(f32x4_add(f32x4_convert_i32x4(sums), far), self.length);
        v128_and(f32x4_add(mean, f32x4_splat(8_388_608.0)), u32x4_splat(0xffff))
    }
}

/// As `scalar::across8` and `across16`.
#[target_feature(enable = "simd128")]
pub(crate) fn across(
    line: &[u8],
    out: &mut [u8],
    window: Window,
    channels: usize,
    sample_bytes: usize,
) {
    match (sample_bytes, channels) {
        (1, 1) => across8::<1>(line, out, window),
        (1, 3) => across8::<3>(line, out, window),
        (1, _) => across8::<4>(line, out, window),
        (_, 1) => across16::<1>(line, out, window),
        (_, 3) => across16::<3>(line, out, window),
        _ => across16::<4>(line, out, window),
    }
}

/// The sums one pixel in front of the row, channel by channel, over and over.
fn before<const CHANNELS: usize>(window: Window, at: impl Fn(usize) -> i32) -> [i32; 8] {
    let reach = (2 * window.radius + 1) * CHANNELS;
    std::array::from_fn(|i| (i % CHANNELS..reach).step_by(CHANNELS).map(&at).sum())
}

#[target_feature(enable = "simd128")]
fn across8<const CHANNELS: usize>(line: &[u8], out: &mut [u8], window: Window) {
    let reach = (2 * window.radius + 1) * CHANNELS;
    let weights = Weights::of(window);
    let [a, b, c, d, e, f, g, h] =
        before::<CHANNELS>(window, |i| i32::from(line[i]) - 128).map(|sum| sum as i16);
    let mut carry = i16x8(a, b, c, d, e, f, g, h);
    let (leaving, _) = line.as_chunks::<TURN>();
    let (entering, _) = line[reach..].as_chunks::<TURN>();
    let (next, _) = line[reach + CHANNELS..].as_chunks::<TURN>();
    let inputs = leaving.iter().zip(entering).zip(next);
    for (out, ((leaving, entering), next)) in out.as_chunks_mut::<TURN>().0.iter_mut().zip(inputs) {
        let (leaving, entering) = (leaving.as_chunks::<16>().0, entering.as_chunks::<16>().0);
        let (next, out) = (next.as_chunks::<16>().0, out.as_chunks_mut::<16>().0);
        eight_times!(i => {
            let (leaves, enters, next) = (load(&leaving[i]), load(&entering[i]), load(&next[i]));
            let (l, e) = (u16x8_extend_low_u8x16(leaves), u16x8_extend_low_u8x16(enters));
            let sums = i16x8_add(total16::<CHANNELS>(i16x8_sub(e, l)), carry);
            carry = last16::<CHANNELS>(sums);
            let low = weights.means(sums, i16x8_add(l, u16x8_extend_low_u8x16(next)));
            let (l, e) = (u16x8_extend_high_u8x16(leaves), u16x8_extend_high_u8x16(enters));
            let sums = i16x8_add(total16::<CHANNELS>(i16x8_sub(e, l)), carry);
            carry = last16::<CHANNELS>(sums);
            let high = weights.means(sums, i16x8_add(l, u16x8_extend_high_u8x16(next)));
            store(&mut out[i], i64x2_shuffle::<0, 2>(low, high));
        });
    }
}

/// The running totals within a vector, channel by channel.
#[inline]
#[target_feature(enable = "simd128")]
fn total16<const CHANNELS: usize>(v: v128) -> v128 {
    let zero = i16x8_splat(0);
    match CHANNELS {
        1 => {
            let v = i16x8_add(v, i16x8_shuffle::<7, 8, 9, 10, 11, 12, 13, 14>(zero, v));
            let v = i16x8_add(v, i16x8_shuffle::<6, 7, 8, 9, 10, 11, 12, 13>(zero, v));
            i16x8_add(v, i16x8_shuffle::<4, 5, 6, 7, 8, 9, 10, 11>(zero, v))
        }
        3 => {
            let v = i16x8_add(v, i16x8_shuffle::<5, 6, 7, 8, 9, 10, 11, 12>(zero, v));
            i16x8_add(v, i16x8_shuffle::<2, 3, 4, 5, 6, 7, 8, 9>(zero, v))
        }
        _ => i16x8_add(v, i16x8_shuffle::<4, 5, 6, 7, 8, 9, 10, 11>(zero, v)),
    }
}

/// The last pixel's totals where the next vector needs them.
#[inline]
#[target_feature(enable = "simd128")]
fn last16<const CHANNELS: usize>(v: v128) -> v128 {
    match CHANNELS {
        1 => i16x8_shuffle::<7, 7, 7, 7, 7, 7, 7, 7>(v, v),
        3 => i16x8_shuffle::<5, 6, 7, 5, 6, 7, 5, 6>(v, v),
        _ => i16x8_shuffle::<4, 5, 6, 7, 4, 5, 6, 7>(v, v),
    }
}

#[target_feature(enable = "simd128")]
fn across16<const CHANNELS: usize>(line: &[u8], out: &mut [u8], window: Window) {
    let reach = (2 * window.radius + 1) * CHANNELS;
    let division = Division::of(window);
    let samples = line.as_chunks::<2>().0;
    let sums = before::<CHANNELS>(window, |i| u16::from_le_bytes(samples[i]).into());
    let mut carry = i32x4(sums[0], sums[1], sums[2], sums[3]);
    let (leaving, _) = line.as_chunks::<TURN>();
    let (entering, _) = line[2 * reach..].as_chunks::<TURN>();
    let (next, _) = line[2 * (reach + CHANNELS)..].as_chunks::<TURN>();
    let inputs = leaving.iter().zip(entering).zip(next);
    for (out, ((leaving, entering), next)) in out.as_chunks_mut::<TURN>().0.iter_mut().zip(inputs) {
        let (leaving, entering) = (leaving.as_chunks::<16>().0, entering.as_chunks::<16>().0);
        let (next, out) = (next.as_chunks::<16>().0, out.as_chunks_mut::<16>().0);
        eight_times!(i => {
            let (leaves, enters, next) = (load(&leaving[i]), load(&entering[i]), load(&next[i]));
            let (l, e) = (u32x4_extend_low_u16x8(leaves), u32x4_extend_low_u16x8(enters));
            let sums = i32x4_add(total32::<CHANNELS>(i32x4_sub(e, l)), carry);
            carry = last32::<CHANNELS>(sums);
            let low = division.means(sums, i32x4_add(l, u32x4_extend_low_u16x8(next)));
            let (l, e) = (u32x4_extend_high_u16x8(leaves), u32x4_extend_high_u16x8(enters));
            let sums = i32x4_add(total32::<CHANNELS>(i32x4_sub(e, l)), carry);
            carry = last32::<CHANNELS>(sums);
            let high = division.means(sums, i32x4_add(l, u32x4_extend_high_u16x8(next)));
            store(&mut out[i], u16x8_narrow_i32x4(low, high));
        });
    }
}

/// The running totals within a vector, channel by channel.
#[inline]
#[target_feature(enable = "simd128")]
fn total32<const CHANNELS: usize>(v: v128) -> v128 {
    let zero = i32x4_splat(0);
    match CHANNELS {
        1 => {
            let v = i32x4_add(v, i32x4_shuffle::<3, 4, 5, 6>(zero, v));
            i32x4_add(v, i32x4_shuffle::<2, 3, 4, 5>(zero, v))
        }
        3 => i32x4_add(v, i32x4_shuffle::<1, 2, 3, 4>(zero, v)),
        _ => v,
    }
}

/// The last pixel's totals where the next vector needs them.
#[inline]
#[target_feature(enable = "simd128")]
fn last32<const CHANNELS: usize>(v: v128) -> v128 {
    match CHANNELS {
        1 => i32x4_shuffle::<3, 3, 3, 3>(v, v),
        3 => i32x4_shuffle::<1, 2, 3, 1>(v, v),
        _ => v,
    }
}

/// As `scalar::down8` and `down16`.
#[target_feature(enable = "simd128")]
pub(crate) fn down(
    sums: &mut [u8],
    inputs: [&[u8]; 3],
    out: &mut [u8],
    window: Window,
    sample_bytes: usize,
) {
    if sample_bytes == 1 {
        let weights = Weights::of(window);
        // Sums of bytes start from 0 as all others do; their middle is 128 for each sample.
        let middle = i16x8_splat((128 * (2 * window.radius + 1)) as u16 as i16);
        rows(sums, inputs, out, |sums, inputs| down8(sums, inputs, weights, middle));
    } else {
        let division = Division::of(window);
        rows(sums, inputs, out, |sums, inputs| down16(sums, inputs, division));
    }
}

/// Calls `mean` with the sums of each vector, and with what is at its place in the inputs.
#[inline]
#[target_feature(enable = "simd128")]
fn rows(
    sums: &mut [u8],
    inputs: [&[u8]; 3],
    out: &mut [u8],
    mean: impl Fn(&mut [u8; 32], [v128; 3]) -> v128,
) {
    let [leaving, entering, next] = inputs.map(|row| row.as_chunks::<TURN>().0);
    let sums = sums.as_chunks_mut::<{ 2 * TURN }>().0.iter_mut();
    let inputs = leaving.iter().zip(entering).zip(next);
    let turns = out.as_chunks_mut::<TURN>().0.iter_mut().zip(sums).zip(inputs);
    for ((out, sums), ((leaving, entering), next)) in turns {
        let inputs = [leaving, entering, next].map(|turn| turn.as_chunks::<16>().0);
        let (out, sums) = (out.as_chunks_mut::<16>().0, sums.as_chunks_mut::<32>().0);
        eight_times!(i => {
            let vector = mean(&mut sums[i], inputs.map(|vectors| load(&vectors[i])));
            store(&mut out[i], vector);
        });
    }
}

#[inline]
#[target_feature(enable = "simd128")]
fn down8(sums: &mut [u8; 32], inputs: [v128; 3], weights: Weights, middle: v128) -> v128 {
    let [first, second] = sums.as_chunks_mut::<16>().0 else { return inputs[0] };
    let [l, e, n] = inputs.map(|v| u16x8_extend_low_u8x16(v));
    let moved = i16x8_add(load(first), i16x8_sub(e, l));
    store(first, moved);
    let low = weights.means(i16x8_sub(moved, middle), i16x8_add(l, n));
    let [l, e, n] = inputs.map(|v| u16x8_extend_high_u8x16(v));
    let moved = i16x8_add(load(second), i16x8_sub(e, l));
    store(second, moved);
    let high = weights.means(i16x8_sub(moved, middle), i16x8_add(l, n));
    i64x2_shuffle::<0, 2>(low, high)
}

#[inline]
#[target_feature(enable = "simd128")]
fn down16(sums: &mut [u8; 32], inputs: [v128; 3], division: Division) -> v128 {
    let [first, second] = sums.as_chunks_mut::<16>().0 else { return inputs[0] };
    let [l, e, n] = inputs.map(|v| u32x4_extend_low_u16x8(v));
    let moved = i32x4_add(load(first), i32x4_sub(e, l));
    store(first, moved);
    let low = division.means(moved, i32x4_add(l, n));
    let [l, e, n] = inputs.map(|v| u32x4_extend_high_u16x8(v));
    let moved = i32x4_add(load(second), i32x4_sub(e, l));
    store(second, moved);
    u16x8_narrow_i32x4(low, division.means(moved, i32x4_add(l, n)))
}
