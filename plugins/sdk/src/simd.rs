//! Vectors of 16 bytes from slices and back, for `core::arch::wasm32`.
//!
//! The arithmetic of `core::arch::wasm32` is safe to call; only its loads and stores take raw
//! pointers. With these two, a plugin's loops need no `unsafe`. Mark functions that use them
//! `#[target_feature(enable = "simd128")]`; such functions are safe to call anywhere on wasm32,
//! because an engine without SIMD does not load the module in the first place.

use core::arch::wasm32::{v128, v128_load, v128_store};

/// Bytes that one turn of a hot loop should at least do: eight vectors. The host checks its
/// deadline at every turn, which costs 15 % at 128 bytes a turn and more than the loop itself at
/// 32.
pub const TURN: usize = 128;

/// Does something eight times over, with a constant from 0 to 7: the vectors of one [`TURN`].
///
/// The compiler unrolls a loop of eight by itself only where it does little; what it leaves a loop
/// has the host look at its deadline with every vector.
///
/// ```ignore
/// eight_times!(i => {
///     let vector = change(load(&input[i]));
///     store(&mut output[i], vector);
/// });
/// ```
#[macro_export]
macro_rules! eight_times {
    ($i:ident => $body:block) => {{
        $crate::eight_times!($i $body 0 1 2 3 4 5 6 7);
    }};
    ($i:ident $body:block $($number:literal)*) => {
        $({
            let $i = $number;
            $body
        })*
    };
}

/// The vector of 16 bytes.
#[inline]
#[target_feature(enable = "simd128")]
#[allow(unsafe_code)]
pub fn load(bytes: &[u8; 16]) -> v128 {
    // SAFETY: the reference covers 16 readable bytes, and v128.load takes any alignment.
    unsafe { v128_load(bytes.as_ptr().cast()) }
}

/// Writes the vector over 16 bytes.
#[inline]
#[target_feature(enable = "simd128")]
#[allow(unsafe_code)]
pub fn store(bytes: &mut [u8; 16], vector: v128) {
    // SAFETY: the reference covers 16 writable bytes that nobody else refers to, and v128.store
    // takes any alignment.
    unsafe { v128_store(bytes.as_mut_ptr().cast(), vector) }
}

/// `N` vectors, the first of which starts at byte `at` and each other one `step` bytes, forwards or
/// backwards, from the one before; none where one of them is not inside. There is one check for all.
#[inline]
#[target_feature(enable = "simd128")]
#[allow(unsafe_code)]
pub fn load_apart<const N: usize>(bytes: &[u8], at: usize, step: isize) -> Option<[v128; N]> {
    check_apart::<N>(bytes.len(), at, step)?;
    let mut vectors = [core::arch::wasm32::u64x2_splat(0); N];
    for (vector, i) in vectors.iter_mut().zip(0..) {
        // SAFETY: 16 bytes from there are inside `bytes`, as those of the first and of the last
        // vector are, between which all others start; v128.load takes any alignment.
        *vector = unsafe { v128_load(bytes.as_ptr().offset(at as isize + i * step).cast()) };
    }
    Some(vectors)
}

/// Writes `N` vectors where [`load_apart`] reads them, and answers whether they were inside.
#[inline]
#[target_feature(enable = "simd128")]
#[allow(unsafe_code)]
pub fn store_apart<const N: usize>(
    bytes: &mut [u8],
    at: usize,
    step: isize,
    vectors: [v128; N],
) -> bool {
    if check_apart::<N>(bytes.len(), at, step).is_none() {
        return false;
    }
    for (vector, i) in vectors.into_iter().zip(0..) {
        // SAFETY: as in `load_apart`; the slice is borrowed mutably, so nobody else refers to it.
        unsafe { v128_store(bytes.as_mut_ptr().offset(at as isize + i * step).cast(), vector) };
    }
    true
}

/// Whether the first and the last of `N` vectors are within `length` bytes.
#[inline]
fn check_apart<const N: usize>(length: usize, at: usize, step: isize) -> Option<()> {
    let way = step.checked_mul(N.saturating_sub(1) as isize)?;
    let end = at.max(at.checked_add_signed(way)?).checked_add(16)?;
    (end <= length).then_some(())
}

/// Replaces every whole vector of `bytes` by what `change` makes of it, [`TURN`] bytes a turn, and
/// answers the bytes behind the last one, fewer than 16.
#[inline]
#[target_feature(enable = "simd128")]
pub fn change(bytes: &mut [u8], change: impl Fn(v128) -> v128) -> &mut [u8] {
    let (turns, rest) = bytes.as_chunks_mut::<TURN>();
    for turn in turns {
        // Eight vectors, known to the compiler, which unrolls them.
        for vector in turn.as_chunks_mut::<16>().0 {
            let changed = change(load(vector));
            store(vector, changed);
        }
    }
    let (vectors, rest) = rest.as_chunks_mut::<16>();
    for vector in vectors {
        let changed = change(load(vector));
        store(vector, changed);
    }
    rest
}
