//! How much two planes differ: the sum of the absolute differences of their samples.

use filmgate_plugin::rows;

#[cfg(target_arch = "wasm32")]
mod vectors;

/// The sum over two planes of one length. `bits`: 8, 10 or 16 a sample.
#[cfg(target_arch = "wasm32")]
pub(crate) fn sum(old: &[u8], new: &[u8], bits: u32) -> u64 {
    match bits {
        8 => vectors::eight(old, new),
        10 => vectors::ten(old, new),
        _ => vectors::sixteen(old, new),
    }
}

/// The sum over two planes of one length. `bits`: 8, 10 or 16 a sample.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn sum(old: &[u8], new: &[u8], bits: u32) -> u64 {
    scalar(old, new, bits)
}

/// [`sum`] one sample at a time.
fn scalar(old: &[u8], new: &[u8], bits: u32) -> u64 {
    if bits == 8 {
        return old.iter().zip(new).map(|(old, new)| u64::from(old.abs_diff(*new))).sum();
    }
    let pairs = rows::samples16(old).zip(rows::samples16(new));
    pairs.map(|(old, new)| u64::from(old.abs_diff(new))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_do_not_cancel_out() {
        assert_eq!(sum(&[0, 255, 7], &[255, 0, 7], 8), 510);
        assert_eq!(sum(&[0, 4, 3, 0], &[0, 0, 4, 0], 10), 1025);
        assert_eq!(sum(&[255, 255], &[0, 0], 16), 65535);
        assert_eq!(sum(&[], &[], 8), 0);
    }
}
