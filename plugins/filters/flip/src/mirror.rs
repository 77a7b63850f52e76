//! Mirroring, in place: pixels in the opposite order, and rows in the opposite order.

#[cfg(target_arch = "wasm32")]
mod vectors;

/// Puts the pixels of a row, or of a whole plane, into the opposite order. `pixel` bytes make one:
/// 1, 2, 3, 4 or 6.
pub(crate) fn reverse(samples: &mut [u8], pixel: usize) {
    let half = samples.len() / pixel / 2 * pixel;
    let (front, rest) = samples.split_at_mut(half);
    let middle = rest.len() - half;
    let back = &mut rest[middle..];
    let (front, back) = swapped(front, back, pixel);
    match pixel {
        1 => swap::<1>(front, back),
        2 => swap::<2>(front, back),
        3 => swap::<3>(front, back),
        4 => swap::<4>(front, back),
        _ => swap::<6>(front, back),
    }
}

/// Exchanges the pixels of `front` with those of `back`, the first with the last.
fn swap<const PIXEL: usize>(front: &mut [u8], back: &mut [u8]) {
    let front = front.as_chunks_mut::<PIXEL>().0.iter_mut();
    for (first, last) in front.zip(back.as_chunks_mut::<PIXEL>().0.iter_mut().rev()) {
        std::mem::swap(first, last);
    }
}

/// Does what can be done in vectors, and answers what is left: the end of `front` and the start of
/// `back`.
#[cfg(target_arch = "wasm32")]
fn swapped<'a>(
    front: &'a mut [u8],
    back: &'a mut [u8],
    pixel: usize,
) -> (&'a mut [u8], &'a mut [u8]) {
    match pixel {
        1 => vectors::bytes(front, back),
        2 => vectors::pairs(front, back),
        3 => vectors::threes(front, back),
        4 => vectors::fours(front, back),
        _ => vectors::sixes(front, back),
    }
}

/// There are vectors on WebAssembly only.
#[cfg(not(target_arch = "wasm32"))]
fn swapped<'a>(
    front: &'a mut [u8],
    back: &'a mut [u8],
    _pixel: usize,
) -> (&'a mut [u8], &'a mut [u8]) {
    (front, back)
}

/// Puts the rows of a plane into the opposite order.
pub(crate) fn exchange_rows(samples: &mut [u8], row_bytes: usize) {
    let half = samples.len() / row_bytes / 2 * row_bytes;
    let (upper, lower) = samples.split_at_mut(half);
    let lower = lower.rchunks_exact_mut(row_bytes);
    for (upper, lower) in upper.chunks_exact_mut(row_bytes).zip(lower) {
        exchange(upper, lower);
    }
}

/// Exchanges two rows, as many bytes a turn as is good for hot loops.
fn exchange(one: &mut [u8], other: &mut [u8]) {
    const TURN: usize = 64;
    let (turns, rest) = one.as_chunks_mut::<TURN>();
    let (other_turns, other_rest) = other.as_chunks_mut::<TURN>();
    for (one, other) in turns.iter_mut().zip(other_turns) {
        (*one, *other) = (*other, *one);
    }
    rest.swap_with_slice(other_rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pixel_size_and_odd_lengths() {
        for pixel in [1, 2, 3, 4, 6] {
            for count in [0, 1, 2, 3, 7, 64, 129] {
                let samples: Vec<u8> = (0..pixel * count).map(|i| i as u8).collect();
                let mut turned = samples.clone();
                reverse(&mut turned, pixel);
                let expected: Vec<u8> = samples.chunks(pixel).rev().flatten().copied().collect();
                assert_eq!(turned, expected, "{count} pixels of {pixel} bytes");
            }
        }
    }

    #[test]
    fn the_middle_row_stays() {
        let mut samples: Vec<u8> = (0..210).map(|i| i as u8 / 70).collect();
        exchange_rows(&mut samples, 70);
        assert_eq!([samples[0], samples[69], samples[70], samples[209]], [2, 2, 1, 0]);
    }
}
