//! Where the blocks are: a rectangle given in pixels or in shares of the picture.

use std::ops::Range;

use filmgate_plugin::{Error, Layout, Parameters};

/// A rectangle within the picture, at least a pixel wide and high.
pub(crate) struct Area {
    pub(crate) columns: Range<usize>,
    pub(crate) rows: Range<usize>,
}

impl Area {
    /// # Errors
    /// Where a text is no length, or nothing of the rectangle is within the picture.
    pub(crate) fn of(layout: &Layout, parameters: &Parameters) -> Result<Area, Error> {
        let side = |start: &str, size: &str, whole: u32, beyond: &str| {
            let whole = whole as usize;
            let from = length(start, parameters.text(start)?, whole)?;
            if from >= whole {
                let why = format!("{from} px is {beyond} the picture, which ends at {whole}");
                return Err(Error::parameter(start, why));
            }
            let text = parameters.text(size)?;
            // However small a share is, there is something of it.
            let long = length(size, text, whole)?.max(usize::from(text.ends_with('%')));
            if long == 0 {
                return Err(Error::parameter(size, "must be above 0"));
            }
            Ok(from..from.saturating_add(long).min(whole))
        };
        Ok(Area {
            columns: side("x", "width", layout.width, "right of")?,
            rows: side("y", "height", layout.height, "below")?,
        })
    }
}

/// The pixels that `320` or `25%` are, the nearest whole number.
fn length(name: &str, text: &str, whole: usize) -> Result<usize, Error> {
    let wrong = |_| {
        let why = format!("must be pixels, as in 320, or a share, as in 25%; it is {text:?}");
        Error::parameter(name, why)
    };
    match text.strip_suffix('%') {
        Some(share) => {
            let share: f64 = share.parse().map_err(|_| wrong(()))?;
            if !(0.0..=100.0).contains(&share) {
                return Err(Error::parameter(name, "a share must be from 0% to 100%"));
            }
            Ok((share * whole as f64 / 100.0 + 0.5) as usize)
        }
        None => text.parse().map_err(|_| wrong(())),
    }
}

/// Where blocks begin and, last, where the last one ends, in a plane that is smaller than the
/// picture by a power of two. Each block has something of the plane.
pub(crate) fn cuts(side: &Range<usize>, block: usize, shift: u32) -> Vec<usize> {
    let all = side.clone().step_by(block).chain([side.end]);
    let mut cuts: Vec<usize> = all.map(|cut| cut.div_ceil(1 << shift)).collect();
    cuts.dedup();
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_pixels_or_shares() {
        let length = |text| length("x", text, 1280).ok();
        assert_eq!((length("320"), length("25%"), length("0")), (Some(320), Some(320), Some(0)));
        assert_eq!((length("33.3%"), length("100%")), (Some(426), Some(1280)));
        assert_eq!(
            (length("25 %"), length("NaN%"), length("1.5"), length("%")),
            (None, None, None, None)
        );
    }

    #[test]
    fn the_last_block_is_what_is_left() {
        assert_eq!(cuts(&(0..10), 4, 0), [0, 4, 8, 10]);
        assert_eq!(cuts(&(3..11), 4, 0), [3, 7, 11]);
        assert_eq!(cuts(&(3..11), 3, 1), [2, 3, 5, 6]);
        assert_eq!(cuts(&(3..4), 16, 1), [2]);
    }
}
