//! The samples, row by row. Distances, sums and masks are 16 bits each, low byte first, in lines
//! of a multiple of [`TURN`] bytes, masks of twice that, as many as a turn of bytes has samples; what is in them behind a row's end is never seen.
//!
//! ```text
//! d = floor(sqrt(64 * (du² + dv²))) at 8 bits, floor(sqrt(4 * (du² + dv²))) at 10
//! x = clamp(sum of d over 3x3 pixels - begin, 0, width)
//! m = 2 * min(floor((x * 2^shift * factor + 2^14) / 2^15), 2^14 - 1)
//! out = b + floor(((v - b) * m + 2^14) / 2^15)
//! ```

#[cfg(not(target_arch = "wasm32"))]
mod scalar;
#[cfg(target_arch = "wasm32")]
mod vectors;

#[cfg(not(target_arch = "wasm32"))]
use scalar as kernel;
#[cfg(target_arch = "wasm32")]
use vectors as kernel;

use crate::key::Cut;

/// Rows are worked on in multiples of this many bytes.
pub(crate) const TURN: usize = 128;

/// To which samples of a pixel the mask applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spread {
    /// R, G and B
    Three,
    /// R, G, B and A
    Four,
    /// A alone; the others stay
    Alpha,
}

/// Cb and Cr of R, G and B, around 0: BT.601 in full range, in 256ths to the nearest.
pub(crate) fn chroma([red, green, blue]: [u8; 3]) -> [i16; 2] {
    let [red, green, blue] = [red, green, blue].map(i32::from);
    let cb = -43 * red - 85 * green + 128 * blue;
    let cr = 128 * red - 107 * green - 21 * blue;
    [cb, cr].map(|v| ((v + 128) >> 8) as i16)
}

/// The row with zeros behind it, up to a multiple of [`TURN`].
pub(crate) fn padded(row: &[u8]) -> Vec<u8> {
    let mut line = row.to_vec();
    line.resize(row.len().next_multiple_of(TURN), 0);
    line
}

/// Lets the outermost of `count` numbers, which begin behind the first place, go on by one.
pub(crate) fn extend(line: &mut [u8], count: usize) {
    line.copy_within(2..4, 0);
    line.copy_within(2 * count..2 * count + 2, 2 * count + 2);
}

/// How far each pair of samples is from the key.
pub(crate) fn distances(cb: &[u8], cr: &[u8], key: [i16; 2], bits: u32, out: &mut [u8]) {
    // As many bytes of samples as make a turn of distances.
    if bits == 8 {
        in_turns::<64, _>([cb, cr], out, |[cb, cr], out| kernel::distances8(cb, cr, key, out));
    } else {
        in_turns::<TURN, _>([cb, cr], out, |[cb, cr], out| kernel::distances10(cb, cr, key, out));
    }
}

/// How far each pixel of a row is from the key.
pub(crate) fn distances_rgb(row: &[u8], channels: usize, key: [i16; 2], out: &mut [u8]) {
    if channels == 3 {
        in_turns::<192, _>([row], out, |[row], out| kernel::distances_rgb::<3>(row, key, out));
    } else {
        in_turns::<256, _>([row], out, |[row], out| kernel::distances_rgb::<4>(row, key, out));
    }
}

/// Calls `measure` with `BYTES` bytes of each input and a turn of `out`, the last time with zeros
/// behind the input's end.
fn in_turns<const BYTES: usize, const INPUTS: usize>(
    inputs: [&[u8]; INPUTS],
    out: &mut [u8],
    measure: impl Fn([&[u8; BYTES]; INPUTS], &mut [u8; TURN]),
) {
    let turns = inputs.map(|input| input.as_chunks::<BYTES>());
    let mut out = out.as_chunks_mut::<TURN>().0.iter_mut();
    for turn in 0..turns[0].0.len() {
        if let Some(out) = out.next() {
            measure(turns.map(|(whole, _)| &whole[turn]), out);
        }
    }
    if let (false, Some(out)) = (turns[0].1.is_empty(), out.next()) {
        let ends = turns.map(|(_, rest)| {
            let mut end = [0; BYTES];
            end[..rest.len()].copy_from_slice(rest);
            end
        });
        measure(ends.each_ref(), out);
    }
}

/// The weighted sums of three lines.
pub(crate) fn stack(lines: [&[u8]; 3], weights: [i16; 3], out: &mut [u8]) {
    kernel::stack(lines, weights, out);
}

/// Masks of sums over three numbers side by side.
pub(crate) fn masks(sums: &[u8], cut: Cut, out: &mut [u8]) {
    kernel::masks(sums, cut, out);
}

/// As [`masks`], twice as many: two to a number, which is its own neighbour. `half` becomes the
/// mean of the two.
pub(crate) fn masks_wide(sums: &[u8], cut: Cut, out: &mut [u8], half: &mut [u8]) {
    kernel::masks_wide(sums, cut, out, half);
}

/// The means of two lines into the first one.
pub(crate) fn average(first: &mut [u8], second: &[u8]) {
    kernel::average(first, second);
}

/// From one mask a pixel to one a sample.
pub(crate) fn spread(mask: &[u8], kind: Spread, out: &mut [u8]) {
    kernel::spread(mask, kind, out);
}

/// Puts the background where the mask is 0.
pub(crate) fn blend(samples: &mut [u8], masks: &[u8], background: &[u8], bits: u32) {
    let done = samples.len() / TURN * TURN;
    let (whole, rest) = samples.split_at_mut(done);
    let each = if bits == 8 { 2 } else { 1 };
    let run = if bits == 8 { kernel::blend8 } else { kernel::blend10 };
    run(whole, masks, background);
    if !rest.is_empty() {
        let mut end = [0; TURN];
        end[..rest.len()].copy_from_slice(rest);
        run(&mut end, &masks[each * done..], &background[done..]);
        rest.copy_from_slice(&end[..rest.len()]);
    }
}
