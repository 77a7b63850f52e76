//! The vectors of [`super::Rows`]: 32 pixels of two rows in a turn.

use std::arch::x86_64::*;

use super::{BITS, CHROMA_BITS, HALF, Rows, Target};

/// Pixels of a turn.
const TURN: usize = 32;

/// Bytes that a load may read behind the pixels it is for.
const BEHIND: usize = 4;

struct Constants {
    /// the first two bytes of each pixel, as words
    pairs: __m256i,
    /// the third, as the first of two words
    third: __m256i,
    y: [__m256i; 2],
    u: [__m256i; 2],
    v: [__m256i; 2],
    offset: __m256i,
}

/// Which byte of four pixels goes where in half a vector; 255 for a zero.
#[derive(Clone, Copy, Debug)]
pub(super) struct Masks {
    pairs: [u8; 32],
    third: [u8; 32],
}

impl Masks {
    /// For pixels of `bytes` bytes.
    pub(super) fn new(bytes: usize) -> Masks {
        let mut masks = Masks { pairs: [255; 32], third: [255; 32] };
        for at in (0..32).step_by(4) {
            let from = (at % 16 / 4 * bytes) as u8;
            (masks.pairs[at], masks.pairs[at + 2], masks.third[at]) = (from, from + 1, from + 2);
        }
        masks
    }
}

#[target_feature(enable = "avx2")]
#[inline]
fn load(bytes: &[u8; 32]) -> __m256i {
    // SAFETY: 32 bytes.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[target_feature(enable = "avx2")]
#[inline]
fn weights([a, b, c]: [i16; 3]) -> [__m256i; 2] {
    let pair = i32::from(b) << 16 | i32::from(a) & 0xffff;
    [_mm256_set1_epi32(pair), _mm256_set1_epi32(i32::from(c) & 0xffff)]
}

#[target_feature(enable = "avx2")]
#[inline]
fn constants(rows: &Rows) -> Constants {
    Constants {
        pairs: load(&rows.masks.pairs),
        third: load(&rows.masks.third),
        y: weights(rows.weights.y),
        u: weights(rows.weights.u),
        v: weights(rows.weights.v),
        offset: _mm256_set1_epi32(rows.weights.offset),
    }
}

/// Converts from the left as many pixels as fit whole turns, and says how many those are.
#[target_feature(enable = "avx2")]
pub(super) fn convert(source: [&[u8]; 2], target: &mut Target<'_>, rows: &Rows) -> usize {
    let bytes = rows.packed.bytes;
    let constants = constants(rows);
    let Target { y: [y0, y1], u, v } = target;
    let needed = TURN * bytes + BEHIND;
    let mut x = 0;
    while x + TURN <= rows.width {
        let rest = [&source[0][x * bytes..], &source[1][x * bytes..]];
        let luma = (&mut y0[x..x + TURN], &mut y1[x..x + TURN]);
        let chroma = (&mut u[x / 2..x / 2 + TURN / 2], &mut v[x / 2..x / 2 + TURN / 2]);
        if rest[0].len() >= needed && rest[1].len() >= needed {
            turn(rest, bytes, luma, chroma, &constants);
        } else {
            // The last pixels of the rows, with room behind them.
            let mut room = [[0u8; TURN * 4 + BEHIND]; 2];
            for (to, from) in room.iter_mut().zip(rest) {
                to[..TURN * bytes].copy_from_slice(&from[..TURN * bytes]);
            }
            turn([&room[0], &room[1]], bytes, luma, chroma, &constants);
        }
        x += TURN;
    }
    x
}

/// `source` holds [`TURN`] pixels and [`BEHIND`] bytes more, the targets as many samples.
#[target_feature(enable = "avx2")]
#[inline]
fn turn(
    source: [&[u8]; 2],
    bytes: usize,
    luma: (&mut [u8], &mut [u8]),
    chroma: (&mut [u8], &mut [u8]),
    c: &Constants,
) {
    let zero = _mm256_setzero_si256();
    let (mut y0, mut y1, mut u, mut v) = ([zero; 4], [zero; 4], [zero; 4], [zero; 4]);
    for group in 0..4 {
        let at = group * 8 * bytes;
        let (pairs0, third0) = pixels(&source[0][at..], bytes, c);
        let (pairs1, third1) = pixels(&source[1][at..], bytes, c);
        let dot = |pairs, third, w: &[__m256i; 2]| {
            _mm256_add_epi32(_mm256_madd_epi16(pairs, w[0]), _mm256_madd_epi16(third, w[1]))
        };
        let shifted = |sum| _mm256_srai_epi32::<{ BITS as i32 }>(_mm256_add_epi32(sum, c.offset));
        y0[group] = shifted(dot(pairs0, third0, &c.y));
        y1[group] = shifted(dot(pairs1, third1, &c.y));
        let (pairs, third) = (_mm256_add_epi16(pairs0, pairs1), _mm256_add_epi16(third0, third1));
        u[group] = dot(pairs, third, &c.u);
        v[group] = dot(pairs, third, &c.v);
    }
    store_luma(luma.0, y0);
    store_luma(luma.1, y1);
    store_chroma(chroma, halved(u), halved(v));
}

/// Eight pixels: the words of their first two bytes, and of their third.
#[target_feature(enable = "avx2")]
#[inline]
fn pixels(source: &[u8], bytes: usize, c: &Constants) -> (__m256i, __m256i) {
    let (low, high) = (&source[..16], &source[4 * bytes..4 * bytes + 16]);
    // SAFETY: 16 bytes each, as the slices have checked.
    let both = unsafe {
        let low = _mm_loadu_si128(low.as_ptr().cast());
        let high = _mm_loadu_si128(high.as_ptr().cast());
        _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(low), high)
    };
    (_mm256_shuffle_epi8(both, c.pairs), _mm256_shuffle_epi8(both, c.third))
}

#[target_feature(enable = "avx2")]
#[inline]
fn store_luma(to: &mut [u8], y: [__m256i; 4]) {
    let packed =
        _mm256_packus_epi16(_mm256_packs_epi32(y[0], y[1]), _mm256_packs_epi32(y[2], y[3]));
    // The packing works in halves of the vector; this puts the columns in order.
    let order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    let packed = _mm256_permutevar8x32_epi32(packed, order);
    let to = &mut to[..TURN];
    // SAFETY: 32 bytes, as the slice has checked.
    unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), packed) }
}

/// Sums of two rows to means of four pixels, as words; of each four in a row, the first two in the
/// lower half of the vector and the others in the upper one.
#[target_feature(enable = "avx2")]
#[inline]
fn halved(sums: [__m256i; 4]) -> __m256i {
    let mean = |a, b| {
        let sum = _mm256_add_epi32(_mm256_hadd_epi32(a, b), _mm256_set1_epi32(HALF));
        _mm256_srai_epi32::<{ CHROMA_BITS as i32 }>(sum)
    };
    _mm256_packs_epi32(mean(sums[0], sums[1]), mean(sums[2], sums[3]))
}

#[target_feature(enable = "avx2")]
#[inline]
fn store_chroma((to_u, to_v): (&mut [u8], &mut [u8]), u: __m256i, v: __m256i) {
    let packed = _mm256_packus_epi16(u, v);
    let (low, high) = (_mm256_castsi256_si128(packed), _mm256_extracti128_si256::<1>(packed));
    let (to_u, to_v) = (&mut to_u[..TURN / 2], &mut to_v[..TURN / 2]);
    // SAFETY: 16 bytes each, as the slices have checked.
    unsafe {
        _mm_storeu_si128(to_u.as_mut_ptr().cast(), _mm_unpacklo_epi16(low, high));
        _mm_storeu_si128(to_v.as_mut_ptr().cast(), _mm_unpackhi_epi16(low, high));
    }
}
