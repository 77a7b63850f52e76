//! The same in blocks: one from the front and one from the back, each reversed, change places.

use core::arch::wasm32::*;

use filmgate_plugin::simd::{load, store};

type Rest<'a> = (&'a mut [u8], &'a mut [u8]);

/// Exchanges blocks, several a turn, and answers what is left between them.
#[inline]
#[target_feature(enable = "simd128")]
fn blocks<'a, const TURN: usize, const BLOCK: usize>(
    front: &'a mut [u8],
    back: &'a mut [u8],
    exchange: impl Fn(&mut [u8; BLOCK], &mut [u8; BLOCK]),
) -> Rest<'a> {
    let (turns, front) = front.as_chunks_mut::<TURN>();
    let (back, back_turns) = back.as_rchunks_mut::<TURN>();
    for (first, last) in turns.iter_mut().zip(back_turns.iter_mut().rev()) {
        let last = last.as_chunks_mut::<BLOCK>().0.iter_mut().rev();
        for (first, last) in first.as_chunks_mut::<BLOCK>().0.iter_mut().zip(last) {
            exchange(first, last);
        }
    }
    let (blocks, front) = front.as_chunks_mut::<BLOCK>();
    let (back, back_blocks) = back.as_rchunks_mut::<BLOCK>();
    for (first, last) in blocks.iter_mut().zip(back_blocks.iter_mut().rev()) {
        exchange(first, last);
    }
    (front, back)
}

macro_rules! reversed48 {
    ($name:ident, $of:ident) => {
        /// Exchanges 48 bytes of whole pixels.
        #[target_feature(enable = "simd128")]
        pub(super) fn $name<'a>(front: &'a mut [u8], back: &'a mut [u8]) -> Rest<'a> {
            blocks::<96, 48>(front, back, |first, last| {
                let (one, other) = ($of(three(first)), $of(three(last)));
                put(first, other);
                put(last, one);
            })
        }
    };
}

reversed48!(threes, of_threes);
reversed48!(sixes, of_sixes);

/// Sixteen pixels of three bytes. A shuffle has two inputs; the middle of the answer needs all
/// three vectors.
#[inline]
#[target_feature(enable = "simd128")]
fn of_threes([a, b, c]: [v128; 3]) -> [v128; 3] {
    let ends =
        u8x16_shuffle::<15, 16, 15, 16, 15, 16, 15, 16, 15, 16, 15, 16, 15, 16, 15, 16>(a, c);
    [
        u8x16_shuffle::<29, 30, 31, 26, 27, 28, 23, 24, 25, 20, 21, 22, 17, 18, 19, 14>(b, c),
        u8x16_shuffle::<15, 17, 11, 12, 13, 8, 9, 10, 5, 6, 7, 2, 3, 4, 16, 0>(b, ends),
        u8x16_shuffle::<17, 12, 13, 14, 9, 10, 11, 6, 7, 8, 3, 4, 5, 0, 1, 2>(a, b),
    ]
}

/// Eight pixels of six bytes.
#[inline]
#[target_feature(enable = "simd128")]
fn of_sixes([a, b, c]: [v128; 3]) -> [v128; 3] {
    let ends =
        u8x16_shuffle::<12, 13, 14, 15, 16, 17, 18, 19, 12, 13, 14, 15, 16, 17, 18, 19>(a, c);
    [
        u8x16_shuffle::<26, 27, 28, 29, 30, 31, 20, 21, 22, 23, 24, 25, 14, 15, 16, 17>(b, c),
        u8x16_shuffle::<22, 23, 8, 9, 10, 11, 12, 13, 2, 3, 4, 5, 6, 7, 16, 17>(b, ends),
        u8x16_shuffle::<14, 15, 16, 17, 6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5>(a, b),
    ]
}

#[inline]
#[target_feature(enable = "simd128")]
fn three(block: &[u8; 48]) -> [v128; 3] {
    let mut vectors = [u8x16_splat(0); 3];
    for (vector, bytes) in vectors.iter_mut().zip(block.as_chunks::<16>().0) {
        *vector = load(bytes);
    }
    vectors
}

#[inline]
#[target_feature(enable = "simd128")]
fn put(block: &mut [u8; 48], vectors: [v128; 3]) {
    for (bytes, vector) in block.as_chunks_mut::<16>().0.iter_mut().zip(vectors) {
        store(bytes, vector);
    }
}
