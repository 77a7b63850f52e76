//! The same on vectors of eight numbers of 16 bits.
//!
//! The squares of both differences are added by one `i32x4_dot_i16x8`. At 2^23 and above, binary32
//! numbers are whole, with the low bits of the number in the low bits of the vector's lanes, so
//! adding 2^23 makes integers of the floored roots; a shuffle takes them from there. The roots of
//! integers below 2^24 are floored right in binary32.

use core::arch::wasm32::*;

use filmgate_plugin::eight_times;
use filmgate_plugin::simd::{load, store};

use super::{Spread, TURN};
use crate::key::{ALL, Cut, HALF};

/// The distances of eight pixels, from pairs of differences in 32 bits each, times `scale`.
#[inline]
#[target_feature(enable = "simd128")]
fn distances(low: v128, high: v128, scale: v128) -> v128 {
    let four = |pairs: v128| {
        let square = f32x4_convert_i32x4(i32x4_dot_i16x8(pairs, pairs));
        let root = f32x4_floor(f32x4_sqrt(f32x4_mul(square, scale)));
        f32x4_add(root, f32x4_splat(8_388_608.0))
    };
    i16x8_shuffle::<0, 2, 4, 6, 8, 10, 12, 14>(four(low), four(high))
}

/// The same from differences in 16 bits each.
#[inline]
#[target_feature(enable = "simd128")]
fn distances16(du: v128, dv: v128, scale: v128) -> v128 {
    let low = i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(du, dv);
    let high = i16x8_shuffle::<4, 12, 5, 13, 6, 14, 7, 15>(du, dv);
    distances(low, high, scale)
}

#[target_feature(enable = "simd128")]
pub(super) fn distances8(cb: &[u8; 64], cr: &[u8; 64], key: [i16; 2], out: &mut [u8; TURN]) {
    let (u, v) = (i16x8_splat(key[0]), i16x8_splat(key[1]));
    let scale = f32x4_splat(64.0);
    let (cb, cr) = (cb.as_chunks::<16>().0, cr.as_chunks::<16>().0);
    let out = out.as_chunks_mut::<16>().0;
    for i in 0..4 {
        let (cb, cr) = (load(&cb[i]), load(&cr[i]));
        let du = i16x8_sub(u16x8_extend_low_u8x16(cb), u);
        let dv = i16x8_sub(u16x8_extend_low_u8x16(cr), v);
        store(&mut out[2 * i], distances16(du, dv, scale));
        let du = i16x8_sub(u16x8_extend_high_u8x16(cb), u);
        let dv = i16x8_sub(u16x8_extend_high_u8x16(cr), v);
        store(&mut out[2 * i + 1], distances16(du, dv, scale));
    }
}

#[target_feature(enable = "simd128")]
pub(super) fn distances10(cb: &[u8; TURN], cr: &[u8; TURN], key: [i16; 2], out: &mut [u8; TURN]) {
    let (u, v) = (i16x8_splat(key[0]), i16x8_splat(key[1]));
    let scale = f32x4_splat(4.0);
    let (cb, cr) = (cb.as_chunks::<16>().0, cr.as_chunks::<16>().0);
    let out = out.as_chunks_mut::<16>().0;
    eight_times!(i => {
        let (du, dv) = (i16x8_sub(load(&cb[i]), u), i16x8_sub(load(&cr[i]), v));
        store(&mut out[i], distances16(du, dv, scale));
    });
}

#[target_feature(enable = "simd128")]
pub(super) fn distances_rgb<const CHANNELS: usize>(
    row: &[u8],
    key: [i16; 2],
    out: &mut [u8; TURN],
) {
    let key = u32x4_splat(u32::from(key[1] as u16) << 16 | u32::from(key[0] as u16));
    let scale = f32x4_splat(64.0);
    let row = row.as_chunks::<16>().0;
    let out = out.as_chunks_mut::<16>().0;
    // Sixteen pixels at a time: four vectors of 32 bits a pixel.
    for i in 0..4 {
        let pixels = if CHANNELS == 3 { three(&row[3 * i..]) } else { four(&row[4 * i..]) };
        let pairs = pixels.map(|pixels| i16x8_sub(pairs(pixels), key));
        store(&mut out[2 * i], distances(pairs[0], pairs[1], scale));
        store(&mut out[2 * i + 1], distances(pairs[2], pairs[3], scale));
    }
}

/// Sixteen pixels of four bytes.
#[inline]
#[target_feature(enable = "simd128")]
fn four(row: &[[u8; 16]]) -> [v128; 4] {
    [load(&row[0]), load(&row[1]), load(&row[2]), load(&row[3])]
}

/// Sixteen pixels of three bytes, with anything for the fourth one.
#[inline]
#[target_feature(enable = "simd128")]
fn three(row: &[[u8; 16]]) -> [v128; 4] {
    let (a, b, c) = (load(&row[0]), load(&row[1]), load(&row[2]));
    [
        i8x16_shuffle::<0, 1, 2, 0, 3, 4, 5, 0, 6, 7, 8, 0, 9, 10, 11, 0>(a, a),
        i8x16_shuffle::<12, 13, 14, 0, 15, 16, 17, 0, 18, 19, 20, 0, 21, 22, 23, 0>(a, b),
        i8x16_shuffle::<8, 9, 10, 0, 11, 12, 13, 0, 14, 15, 16, 0, 17, 18, 19, 0>(b, c),
        i8x16_shuffle::<4, 5, 6, 0, 7, 8, 9, 0, 10, 11, 12, 0, 13, 14, 15, 0>(c, c),
    ]
}

/// Cb in the low and Cr in the high 16 bits of each pixel, as `super::chroma` has them.
#[inline]
#[target_feature(enable = "simd128")]
fn pairs(pixels: v128) -> v128 {
    let bytes = u32x4_splat(0x00ff_00ff);
    let red_blue = v128_and(pixels, bytes);
    let green = v128_and(u32x4_shr(pixels, 8), u32x4_splat(0xff));
    let half = i32x4_splat(128);
    let weigh = |red: i16, green_weight: i16, blue: i16| {
        let outer = i16x8(red, blue, red, blue, red, blue, red, blue);
        let sum = i32x4_dot_i16x8(red_blue, outer);
        let sum = i32x4_add(sum, i32x4_dot_i16x8(green, i16x8_splat(green_weight)));
        i32x4_shr(i32x4_add(sum, half), 8)
    };
    let (cb, cr) = (weigh(-43, -85, 128), weigh(128, -107, -21));
    v128_or(v128_and(cb, u32x4_splat(0xffff)), i32x4_shl(cr, 16))
}

#[target_feature(enable = "simd128")]
pub(super) fn stack(lines: [&[u8]; 3], weights: [i16; 3], out: &mut [u8]) {
    let [a, b, c] = lines.map(|line| line.as_chunks::<TURN>().0);
    let weights = weights.map(|weight| i16x8_splat(weight));
    let lines = a.iter().zip(b).zip(c);
    for (out, ((a, b), c)) in out.as_chunks_mut::<TURN>().0.iter_mut().zip(lines) {
        let [a, b, c] = [a, b, c].map(|line| line.as_chunks::<16>().0);
        let out = out.as_chunks_mut::<16>().0;
        eight_times!(i => {
            let sum = i16x8_add(i16x8_mul(load(&a[i]), weights[0]), i16x8_mul(load(&b[i]), weights[1]));
            store(&mut out[i], i16x8_add(sum, i16x8_mul(load(&c[i]), weights[2])));
        });
    }
}

/// What makes masks of sums.
#[derive(Clone, Copy)]
struct Masks {
    begin: v128,
    width: v128,
    shift: u32,
    factor: v128,
}

impl Masks {
    #[target_feature(enable = "simd128")]
    fn of(cut: Cut) -> Masks {
        Masks {
            begin: u16x8_splat(cut.begin),
            width: u16x8_splat(cut.width),
            shift: cut.shift,
            factor: i16x8_splat(cut.factor),
        }
    }

    #[inline]
    #[target_feature(enable = "simd128")]
    fn mask(self, sums: v128) -> v128 {
        let beyond = u16x8_min(u16x8_sub_sat(sums, self.begin), self.width);
        let product = i16x8_q15mulr_sat(i16x8_shl(beyond, self.shift), self.factor);
        i16x8_shl(i16x8_min(product, i16x8_splat(HALF)), 1)
    }
}

/// The line from its first, second and third number on.
fn shifted(line: &[u8]) -> [&[[u8; TURN]]; 3] {
    [0, 2, 4].map(|at| line[at..].as_chunks::<TURN>().0)
}

#[target_feature(enable = "simd128")]
pub(super) fn masks(sums: &[u8], cut: Cut, out: &mut [u8]) {
    let masks = Masks::of(cut);
    let [before, own, behind] = shifted(sums);
    let sums = before.iter().zip(own).zip(behind);
    for (out, ((before, own), behind)) in out.as_chunks_mut::<TURN>().0.iter_mut().zip(sums) {
        let [before, own, behind] = [before, own, behind].map(|line| line.as_chunks::<16>().0);
        let out = out.as_chunks_mut::<16>().0;
        eight_times!(i => {
            let sum = i16x8_add(i16x8_add(load(&before[i]), load(&behind[i])), load(&own[i]));
            store(&mut out[i], masks.mask(sum));
        });
    }
}

#[target_feature(enable = "simd128")]
pub(super) fn masks_wide(sums: &[u8], cut: Cut, out: &mut [u8], half: &mut [u8]) {
    let masks = Masks::of(cut);
    let [before, own, behind] = shifted(sums);
    let sums = before.iter().zip(own).zip(behind);
    let outs = out.as_chunks_mut::<{ 2 * TURN }>().0.iter_mut();
    let outs = outs.zip(half.as_chunks_mut::<TURN>().0);
    for ((out, half), ((before, own), behind)) in outs.zip(sums) {
        let [before, own, behind] = [before, own, behind].map(|line| line.as_chunks::<16>().0);
        let (out, half) = (out.as_chunks_mut::<16>().0, half.as_chunks_mut::<16>().0);
        eight_times!(i => {
            let own = i16x8_shl(load(&own[i]), 1);
            let even = masks.mask(i16x8_add(load(&before[i]), own));
            let odd = masks.mask(i16x8_add(load(&behind[i]), own));
            store(&mut half[i], u16x8_avgr(even, odd));
            store(&mut out[2 * i], i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(even, odd));
            store(&mut out[2 * i + 1], i16x8_shuffle::<4, 12, 5, 13, 6, 14, 7, 15>(even, odd));
        });
    }
}

#[target_feature(enable = "simd128")]
pub(super) fn average(first: &mut [u8], second: &[u8]) {
    let turns = first.as_chunks_mut::<TURN>().0.iter_mut().zip(second.as_chunks::<TURN>().0);
    for (first, second) in turns {
        let (first, second) = (first.as_chunks_mut::<16>().0, second.as_chunks::<16>().0);
        eight_times!(i => {
            let mean = u16x8_avgr(load(&first[i]), load(&second[i]));
            store(&mut first[i], mean);
        });
    }
}

#[target_feature(enable = "simd128")]
pub(super) fn spread(mask: &[u8], kind: Spread, out: &mut [u8]) {
    let stays =
        if kind == Spread::Alpha { u64x2_splat(0x0000_ffff_ffff_ffff) } else { u64x2_splat(0) };
    let all = i16x8_splat(ALL);
    let masks = mask.as_chunks::<TURN>().0.iter();
    if kind == Spread::Three {
        for (out, mask) in out.as_chunks_mut::<{ 3 * TURN }>().0.iter_mut().zip(masks) {
            let (out, mask) = (out.as_chunks_mut::<16>().0, mask.as_chunks::<16>().0);
            eight_times!(i => {
                let m = load(&mask[i]);
                store(&mut out[3 * i], i16x8_shuffle::<0, 0, 0, 1, 1, 1, 2, 2>(m, m));
                store(&mut out[3 * i + 1], i16x8_shuffle::<2, 3, 3, 3, 4, 4, 4, 5>(m, m));
                store(&mut out[3 * i + 2], i16x8_shuffle::<5, 5, 6, 6, 6, 7, 7, 7>(m, m));
            });
        }
        return;
    }
    for (out, mask) in out.as_chunks_mut::<{ 4 * TURN }>().0.iter_mut().zip(masks) {
        let (out, mask) = (out.as_chunks_mut::<16>().0, mask.as_chunks::<16>().0);
        eight_times!(i => {
            let m = load(&mask[i]);
            let each = [
                i16x8_shuffle::<0, 0, 0, 0, 1, 1, 1, 1>(m, m),
                i16x8_shuffle::<2, 2, 2, 2, 3, 3, 3, 3>(m, m),
                i16x8_shuffle::<4, 4, 4, 4, 5, 5, 5, 5>(m, m),
                i16x8_shuffle::<6, 6, 6, 6, 7, 7, 7, 7>(m, m),
            ];
            store(&mut out[4 * i], v128_bitselect(all, each[0], stays));
            store(&mut out[4 * i + 1], v128_bitselect(all, each[1], stays));
            store(&mut out[4 * i + 2], v128_bitselect(all, each[2], stays));
            store(&mut out[4 * i + 3], v128_bitselect(all, each[3], stays));
        });
    }
}

#[inline]
#[target_feature(enable = "simd128")]
fn blended(samples: v128, masks: &[u8; 16], background: v128) -> v128 {
    let above = i16x8_sub(samples, background);
    i16x8_add(i16x8_q15mulr_sat(above, load(masks)), background)
}

#[target_feature(enable = "simd128")]
pub(super) fn blend8(samples: &mut [u8], masks: &[u8], background: &[u8]) {
    let inputs = masks.as_chunks::<{ 2 * TURN }>().0.iter().zip(background.as_chunks::<TURN>().0);
    for (samples, (masks, background)) in samples.as_chunks_mut::<TURN>().0.iter_mut().zip(inputs) {
        let (samples, masks) = (samples.as_chunks_mut::<16>().0, masks.as_chunks::<16>().0);
        let background = background.as_chunks::<16>().0;
        eight_times!(i => {
            let (v, b) = (load(&samples[i]), load(&background[i]));
            let (low, b_low) = (u16x8_extend_low_u8x16(v), u16x8_extend_low_u8x16(b));
            let (high, b_high) = (u16x8_extend_high_u8x16(v), u16x8_extend_high_u8x16(b));
            let low = blended(low, &masks[2 * i], b_low);
            let high = blended(high, &masks[2 * i + 1], b_high);
            store(&mut samples[i], u8x16_narrow_i16x8(low, high));
        });
    }
}

#[target_feature(enable = "simd128")]
pub(super) fn blend10(samples: &mut [u8], masks: &[u8], background: &[u8]) {
    let inputs = masks.as_chunks::<TURN>().0.iter().zip(background.as_chunks::<TURN>().0);
    for (samples, (masks, background)) in samples.as_chunks_mut::<TURN>().0.iter_mut().zip(inputs) {
        let (samples, masks) = (samples.as_chunks_mut::<16>().0, masks.as_chunks::<16>().0);
        let background = background.as_chunks::<16>().0;
        eight_times!(i => {
            let vector = blended(load(&samples[i]), &masks[i], load(&background[i]));
            store(&mut samples[i], vector);
        });
    }
}
