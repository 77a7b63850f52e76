//! One sample at a time.
//!
//! Sums of bytes are kept in two bytes: at most 129 * 255, which fits.

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use whole::*;

/// Adds `times` times the samples of a row to the sums.
pub(crate) fn add(sums: &mut [u8], row: &[u8], times: u32, sample_bytes: usize) {
    if sample_bytes == 1 {
        for (sum, sample) in sums.as_chunks_mut::<2>().0.iter_mut().zip(row) {
            let more = u16::from(*sample).wrapping_mul(times as u16);
            *sum = u16::from_le_bytes(*sum).wrapping_add(more).to_le_bytes();
        }
    } else {
        let row = row.as_chunks::<2>().0;
        for (sum, sample) in sums.as_chunks_mut::<4>().0.iter_mut().zip(row) {
            let more = u32::from(u16::from_le_bytes(*sample)).wrapping_mul(times);
            *sum = u32::from_le_bytes(*sum).wrapping_add(more).to_le_bytes();
        }
    }
}

/// What vectors do on WebAssembly.
#[cfg(not(target_arch = "wasm32"))]
mod whole {
    use crate::Window;

    fn mean8(sum: u32, far: u32, window: Window) -> u8 {
        ((sum * window.ww + far * window.fw + (1 << 23)) >> 24) as u8
    }

    fn mean16(sum: u32, far: u32, window: Window) -> u16 {
        let mean = (sum as f32 + far as f32 * window.share) / window.length;
        mean.round_ties_even() as u16
    }

    pub(crate) fn across8(line: &[u8], out: &mut [u8], window: Window, channels: usize) {
        let reach = (2 * window.radius + 1) * channels;
        for channel in 0..channels {
            let window_before = line[channel..reach].iter().step_by(channels);
            let mut sum: u32 = window_before.map(|v| u32::from(*v)).sum();
            for i in (channel..out.len()).step_by(channels) {
                let at = |i: usize| u32::from(line.get(i).copied().unwrap_or(0));
                sum = sum + at(i + reach) - at(i);
                out[i] = mean8(sum, at(i) + at(i + reach + channels), window);
            }
        }
    }

    pub(crate) fn across16(line: &[u8], out: &mut [u8], window: Window, channels: usize) {
        let reach = (2 * window.radius + 1) * channels;
        let (line, out) = (line.as_chunks::<2>().0, out.as_chunks_mut::<2>().0);
        let at = |i: usize| u32::from(line.get(i).map_or(0, |v| u16::from_le_bytes(*v)));
        for channel in 0..channels {
            let mut sum: u32 = (channel..reach).step_by(channels).map(at).sum();
            for i in (channel..out.len()).step_by(channels) {
                sum = sum + at(i + reach) - at(i);
                out[i] = mean16(sum, at(i) + at(i + reach + channels), window).to_le_bytes();
            }
        }
    }

    pub(crate) fn down8(sums: &mut [u8], inputs: [&[u8]; 3], out: &mut [u8], window: Window) {
        let [leaving, entering, next] = inputs;
        for (i, sum) in sums.as_chunks_mut::<2>().0.iter_mut().enumerate() {
            let at = |row: &[u8]| u16::from(row[i]);
            let moved = u16::from_le_bytes(*sum) + at(entering) - at(leaving);
            *sum = moved.to_le_bytes();
            out[i] = mean8(moved.into(), (at(leaving) + at(next)).into(), window);
        }
    }

    pub(crate) fn down16(sums: &mut [u8], inputs: [&[u8]; 3], out: &mut [u8], window: Window) {
        let [leaving, entering, next] = inputs.map(|row| row.as_chunks::<2>().0);
        let sums = sums.as_chunks_mut::<4>().0.iter_mut();
        for (i, (sum, out)) in sums.zip(out.as_chunks_mut::<2>().0).enumerate() {
            let at = |row: &[[u8; 2]]| u32::from(u16::from_le_bytes(row[i]));
            let moved = u32::from_le_bytes(*sum) + at(entering) - at(leaving);
            *sum = moved.to_le_bytes();
            *out = mean16(moved, at(leaving) + at(next), window).to_le_bytes();
        }
    }
}
