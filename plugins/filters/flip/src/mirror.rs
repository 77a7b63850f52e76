//! Mirroring, in place, of pixels with three samples. The host does all others.

#[cfg(target_arch = "wasm32")]
mod vectors;

/// Bytes of the pixels that are mirrored here.
pub(crate) const WIDE: [usize; 2] = [3, 6];

/// Puts the pixels of a row into the opposite order. `pixel` bytes make one: 3 or 6.
pub(crate) fn reverse(samples: &mut [u8], pixel: usize) {
    let half = samples.len() / pixel / 2 * pixel;
    let (front, rest) = samples.split_at_mut(half);
    let middle = rest.len() - half;
    let back = &mut rest[middle..];
    let (front, back) = swapped(front, back, pixel);
    match pixel {
        3 => swap::<3>(front, back),
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
        3 => vectors::threes(front, back),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pixel_size_and_odd_lengths() {
        for pixel in WIDE {
            for count in [0, 1, 2, 3, 7, 64, 129] {
                let samples: Vec<u8> = (0..pixel * count).map(|i| i as u8).collect();
                let mut turned = samples.clone();
                reverse(&mut turned, pixel);
                let expected: Vec<u8> = samples.chunks(pixel).rev().flatten().copied().collect();
                assert_eq!(turned, expected, "{count} pixels of {pixel} bytes");
            }
        }
    }
}
