//! One sample at a time.

use super::{Spread, TURN, chroma};
use crate::key::{ALL, Cut, HALF};

fn get(line: &[u8], i: usize) -> i32 {
    i32::from(u16::from_le_bytes([line[2 * i], line[2 * i + 1]]))
}

fn set(line: &mut [u8], i: usize, value: i32) {
    line[2 * i..2 * i + 2].copy_from_slice(&(value as u16).to_le_bytes());
}

fn distance(du: i32, dv: i32, scale: i32) -> i32 {
    (scale * (du * du + dv * dv)).isqrt()
}

pub(super) fn distances8(cb: &[u8; 64], cr: &[u8; 64], key: [i16; 2], out: &mut [u8; TURN]) {
    for i in 0..64 {
        let (du, dv) = (i32::from(cb[i]) - i32::from(key[0]), i32::from(cr[i]) - i32::from(key[1]));
        set(out, i, distance(du, dv, 64));
    }
}

pub(super) fn distances10(cb: &[u8; TURN], cr: &[u8; TURN], key: [i16; 2], out: &mut [u8; TURN]) {
    for i in 0..64 {
        let (du, dv) = (get(cb, i) - i32::from(key[0]), get(cr, i) - i32::from(key[1]));
        set(out, i, distance(du, dv, 4));
    }
}

pub(super) fn distances_rgb<const CHANNELS: usize>(
    row: &[u8],
    key: [i16; 2],
    out: &mut [u8; TURN],
) {
    for (i, pixel) in row.as_chunks::<CHANNELS>().0.iter().enumerate() {
        let [cb, cr] = chroma([pixel[0], pixel[1], pixel[2]]);
        set(out, i, distance((cb - key[0]).into(), (cr - key[1]).into(), 64));
    }
}

pub(super) fn stack(lines: [&[u8]; 3], weights: [i16; 3], out: &mut [u8]) {
    for i in 0..out.len() / 2 {
        let sum = (0..3).map(|line| get(lines[line], i) * i32::from(weights[line])).sum();
        set(out, i, sum);
    }
}

fn mask(sum: i32, cut: Cut) -> i32 {
    let beyond = (sum - i32::from(cut.begin)).clamp(0, cut.width.into());
    let product = ((beyond << cut.shift) * i32::from(cut.factor) + (1 << 14)) >> 15;
    2 * product.min(HALF.into())
}

pub(super) fn masks(sums: &[u8], cut: Cut, out: &mut [u8]) {
    let count = (sums.len() - TURN).min(out.len()) / 2;
    for i in 0..count {
        set(out, i, mask(get(sums, i) + get(sums, i + 1) + get(sums, i + 2), cut));
    }
}

pub(super) fn masks_wide(sums: &[u8], cut: Cut, out: &mut [u8], half: &mut [u8]) {
    for i in 0..half.len() / 2 {
        let own = 2 * get(sums, i + 1);
        let pair = [mask(get(sums, i) + own, cut), mask(own + get(sums, i + 2), cut)];
        set(out, 2 * i, pair[0]);
        set(out, 2 * i + 1, pair[1]);
        set(half, i, (pair[0] + pair[1] + 1) >> 1);
    }
}

pub(super) fn average(first: &mut [u8], second: &[u8]) {
    for i in 0..first.len() / 2 {
        set(first, i, (get(first, i) + get(second, i) + 1) >> 1);
    }
}

pub(super) fn spread(mask: &[u8], kind: Spread, out: &mut [u8]) {
    let channels = if kind == Spread::Three { 3 } else { 4 };
    for i in 0..out.len() / 2 {
        let stays = kind == Spread::Alpha && i % 4 != 3;
        set(out, i, if stays { ALL.into() } else { get(mask, i / channels) });
    }
}

fn blended(sample: i32, mask: i32, background: i32) -> i32 {
    background + (((sample - background) * mask + (1 << 14)) >> 15)
}

pub(super) fn blend8(samples: &mut [u8], masks: &[u8], background: &[u8]) {
    for (i, sample) in samples.iter_mut().enumerate() {
        *sample = blended((*sample).into(), get(masks, i), background[i].into()) as u8;
    }
}

pub(super) fn blend10(samples: &mut [u8], masks: &[u8], background: &[u8]) {
    for i in 0..samples.len() / 2 {
        set(samples, i, blended(get(samples, i), get(masks, i), get(background, i)));
    }
}
