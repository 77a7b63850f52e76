//! A rectangle of the frame, given in pixels or in percent of the frame, for filters that change
//! only a part of it: their parameters `x`, `y`, `width` and `height`, and what they mean.

use std::ops::Range;

use filmgate_plugin::{Description, Error, Layout, Parameter, Parameters};

/// A rectangle within a frame or a plane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// from its first column to the one behind its last
    pub columns: Range<usize>,
    /// from its first row to the one behind its last
    pub rows: Range<usize>,
}

impl Region {
    /// Adds the parameters `x`, `y`, `width` and `height`, which default to the whole frame.
    pub fn describe(about: Description) -> Description {
        let length = |name: &str, summary: &str, default: &str| {
            Parameter::text(name, summary).length(1..=16).default(default)
        };
        about
            .parameter(length("x", "the rectangle's left side: pixels, or a share as in 25%", "0"))
            .parameter(length("y", "the rectangle's upper side: pixels, or a share as in 25%", "0"))
            .parameter(length("width", "the rectangle's width: pixels, or a share", "100%"))
            .parameter(length("height", "the rectangle's height: pixels, or a share", "100%"))
    }

    /// Reads the parameters, for frames of a layout. What reaches beyond the frame is cut off; at
    /// least a pixel each way is left.
    ///
    /// # Errors
    /// Where a text is no length, or nothing of the rectangle is within the frame.
    pub fn of(layout: &Layout, parameters: &Parameters) -> Result<Region, Error> {
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
        Ok(Region {
            columns: side("x", "width", layout.width, "right of")?,
            rows: side("y", "height", layout.height, "below")?,
        })
    }

    /// The same in a plane that is smaller than the frame by these powers of two: it begins with
    /// the first sample that begins inside, and may have nothing there.
    #[must_use]
    pub fn shifted(&self, (across, down): (u32, u32)) -> Region {
        let part = |side: &Range<usize>, shift: u32| {
            side.start.div_ceil(1 << shift)..side.end.div_ceil(1 << shift)
        };
        Region { columns: part(&self.columns, across), rows: part(&self.rows, down) }
    }

    /// Whether it is the whole frame.
    pub fn is_whole(&self, layout: &Layout) -> bool {
        self.columns == (0..layout.width as usize) && self.rows == (0..layout.height as usize)
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
    fn a_part_of_halved_chroma() {
        let region = Region { columns: 3..6, rows: 3..4 };
        assert_eq!(region.shifted((1, 1)), Region { columns: 2..3, rows: 2..2 });
        assert_eq!(region.shifted((0, 0)), region);
    }
}
