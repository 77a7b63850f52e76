//! Which pixel format runs where: for the whole chain, the formats that need the fewest
//! conversions between what the decoder gives and what the encoder takes, and among those the
//! ones that lose least; but colour is never given up to save a conversion.

use filmgate_core::frame::PixelFormat;

/// One conversion weighs more than anything else but the loss of all colour.
const CONVERSION: u32 = 100_000;

/// What it costs to turn pictures of format `from` into `to`: nothing, or a conversion and what
/// is lost by it.
pub fn cost(from: PixelFormat, to: PixelFormat) -> u32 {
    if from == to {
        return 0;
    }
    let mut cost = CONVERSION;
    if to.is_gray() && !from.is_gray() {
        // All colour is gone: worse than to convert there and back.
        cost += 3 * CONVERSION;
    }
    // Ten-bit samples in sixteen are only larger; the other way round is a loss.
    cost += from.bits().saturating_sub(to.bits()) * 1_000;
    if !from.is_gray() && !to.is_gray() {
        let chroma = |f: PixelFormat| f.chroma_shift().0 + f.chroma_shift().1;
        cost += chroma(to).saturating_sub(chroma(from)) * 3_000;
        if from.is_yuv() != to.is_yuv() {
            cost += 2_000;
        }
    }
    if from == PixelFormat::Rgba {
        cost += 1_000;
    }
    // Samples that hold nothing new are work for everybody behind.
    cost + to.frame_bytes(8, 8).saturating_sub(from.frame_bytes(8, 8)).min(900) as u32
}

/// The formats in which each of `stages` gets its pictures, the last being the encoder. A stage
/// lists what it takes, its favourite first; it is taken to give back what it gets.
///
/// # Errors
/// The number of the first stage that takes nothing at all.
pub fn negotiate(
    source: PixelFormat,
    stages: &[&[PixelFormat]],
) -> Result<Vec<PixelFormat>, usize> {
    // The cheapest way to each format that the stage before may give, and how it was come by.
    let mut ways = vec![(source, 0u32, Vec::new())];
    for (number, formats) in stages.iter().enumerate() {
        let mut next: Vec<(PixelFormat, u32, Vec<PixelFormat>)> = Vec::new();
        for (rank, &to) in (0u32..).zip(formats.iter()) {
            let best = ways.iter().min_by_key(|(from, so_far, _)| so_far + cost(*from, to));
            if let Some((from, so_far, path)) = best {
                let mut path = path.clone();
                path.push(to);
                next.push((to, so_far + cost(*from, to) + rank, path));
            }
        }
        if next.is_empty() {
            return Err(number);
        }
        ways = next;
    }
    Ok(ways
        .into_iter()
        .min_by_key(|(_, cost, _)| *cost)
        .map(|(_, _, path)| path)
        .unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use PixelFormat::*;

    const X264: &[PixelFormat] =
        &[Yuv420p, Yuv422p, Yuv444p, Gray8, Yuv420p10, Yuv422p10, Yuv444p10];

    #[test]
    fn nothing_is_converted_without_need() {
        let all = PixelFormat::ALL;
        for format in [Yuv420p, Yuv422p, Yuv420p10] {
            assert_eq!(negotiate(format, &[&all, &all, X264]), Ok(vec![format; 3]));
        }
    }

    #[test]
    fn one_conversion_serves_several_plugins() {
        let rgb: &[PixelFormat] = &[Rgb24];
        let both: &[PixelFormat] = &[Yuv420p, Rgb24];
        let chain = negotiate(Yuv420p, &[rgb, both, rgb, X264]);
        assert_eq!(chain, Ok(vec![Rgb24, Rgb24, Rgb24, Yuv444p]));
    }

    #[test]
    fn a_favourite_decides_only_between_equals() {
        assert_eq!(negotiate(Yuv420p, &[&[Rgb24, Yuv420p], X264]), Ok(vec![Yuv420p; 2]));
        assert_eq!(negotiate(Yuv420p10, &[&[Yuv420p, Gray16], X264]), Ok(vec![Yuv420p; 2]));
        // Eight bits of luma and chroma are nearer to ten than sixteen bits without colour.
        assert_eq!(negotiate(Rgb24, &[&[Gray8, Yuv444p], X264]), Ok(vec![Yuv444p; 2]));
    }

    #[test]
    fn colour_is_not_given_up_to_save_a_conversion() {
        let chain = negotiate(Yuv420p, &[&[Rgb24, Gray8], X264]);
        assert_eq!(chain.map(|c| c[0]), Ok(Rgb24));
        assert_eq!(negotiate(Yuv420p, &[&[Gray8], X264]), Ok(vec![Gray8; 2]));
        assert_eq!(negotiate(Gray8, &[&[Rgb24, Gray8], X264]), Ok(vec![Gray8; 2]));
    }

    #[test]
    fn a_stage_without_formats_is_named() {
        assert_eq!(negotiate(Yuv420p, &[&[Yuv420p], &[], X264]), Err(1));
    }
}
