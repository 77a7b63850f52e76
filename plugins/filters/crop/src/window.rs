//! The rectangle that stays, read from the parameters.

use filmgate_plugin::{Error, Layout, Parameters};

/// A rectangle within a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) x: u32,
    pub(crate) y: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Window {
    /// What the parameters say for pictures of this layout.
    pub(crate) fn read(parameters: &Parameters, layout: &Layout) -> Result<Window, Error> {
        let shift = layout.format.chroma_shift();
        let format = layout.format.name();
        let across = Axis {
            names: Names { size: "width", at: "x", before: "left", behind: "right" },
            whole: layout.width,
            step: 1 << shift.0,
            format,
            unit: "columns",
        };
        let down = Axis {
            names: Names { size: "height", at: "y", before: "top", behind: "bottom" },
            whole: layout.height,
            step: 1 << shift.1,
            format,
            unit: "rows",
        };
        let (x, width) = across.read(parameters)?;
        let (y, height) = down.read(parameters)?;
        Ok(Window { x, y, width, height })
    }

    pub(crate) fn is_whole(&self, layout: &Layout) -> bool {
        (self.width, self.height) == (layout.width, layout.height)
    }
}

/// What the parameters of an axis are called.
struct Names {
    size: &'static str,
    at: &'static str,
    before: &'static str,
    behind: &'static str,
}

/// One of the two directions.
struct Axis {
    names: Names,
    /// columns or rows of the picture
    whole: u32,
    /// columns or rows that share a chroma sample
    step: u32,
    /// the pixel format's name, for errors
    format: &'static str,
    /// what is counted, for errors
    unit: &'static str,
}

impl Axis {
    /// Where the window starts, and how long it is.
    fn read(&self, parameters: &Parameters) -> Result<(u32, u32), Error> {
        let number = |name: &str| -> Result<Option<u32>, Error> {
            let Some(number) = parameters.get::<i64>(name)? else { return Ok(None) };
            let number = u32::try_from(number).ok().filter(|n| *n <= 1 << 20);
            number.map(Some).ok_or_else(|| Error::parameter(name, "is out of range"))
        };
        let names = &self.names;
        let (size, at) = (number(names.size)?, number(names.at)?);
        let (before, behind) = (number(names.before)?, number(names.behind)?);
        let by_size = size.is_some() || at.is_some();
        if by_size && (before.is_some() || behind.is_some()) {
            let margins = format!("{} and {}", names.before, names.behind);
            let place = format!("{} and {}", names.size, names.at);
            return Err(Error::parameter(
                if size.is_some() { names.size } else { names.at },
                format!("give either {place}, or the margins {margins}"),
            ));
        }
        match by_size {
            true => self.placed(size, at),
            false => self.between(before.unwrap_or(0), behind.unwrap_or(0)),
        }
    }

    fn placed(&self, size: Option<u32>, at: Option<u32>) -> Result<(u32, u32), Error> {
        let (whole, unit) = (self.whole, self.unit);
        // Centred, but on a chroma sample: nobody asked for this very place.
        let middle = |size: u32| {
            let start = whole.saturating_sub(size) / 2;
            start - start % self.step
        };
        let (start, size) = match (size, at) {
            (Some(size), Some(at)) => (at, size),
            (Some(size), None) => (middle(size), size),
            (None, at) => (at.unwrap_or(0), whole.saturating_sub(at.unwrap_or(0))),
        };
        if size == 0 || start + size > whole {
            let name = if at.is_some() { self.names.at } else { self.names.size };
            let wanted = format!("{size} {unit} from {start} on");
            return Err(Error::parameter(
                name,
                format!("the picture has {whole} {unit}, there are no {wanted}"),
            ));
        }
        self.aligned(self.names.at, start)?;
        Ok((start, size))
    }

    fn between(&self, before: u32, behind: u32) -> Result<(u32, u32), Error> {
        if before + behind >= self.whole {
            let name = if before >= behind { self.names.before } else { self.names.behind };
            let (whole, unit) = (self.whole, self.unit);
            return Err(Error::parameter(
                name,
                format!("margins of {before} and {behind} leave nothing of {whole} {unit}"),
            ));
        }
        self.aligned(self.names.before, before)?;
        Ok((before, self.whole - before - behind))
    }

    /// Refuses a start within a chroma sample: the colours would be off by half a sample.
    fn aligned(&self, name: &str, start: u32) -> Result<(), Error> {
        let (step, rest) = (self.step, start % self.step);
        if rest == 0 {
            return Ok(());
        }
        let (format, unit) = (self.format, self.unit);
        let (below, above) = (start - rest, start - rest + step);
        Err(Error::parameter(
            name,
            format!(
                "is {start}, but in {format} {step} {unit} share a colour sample; \
                 take {below} or {above}"
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use filmgate_plugin::PixelFormat::{self, Gray8, Yuv420p, Yuv422p, Yuv444p};
    use filmgate_plugin::Value;

    fn window(format: PixelFormat, given: &[(&'static str, i64)]) -> Result<Window, Error> {
        let given = given.iter().map(|(name, number)| (*name, Value::Integer(*number)));
        Window::read(&Parameters::new(given), &Layout { format, width: 100, height: 51 })
    }

    fn placed(format: PixelFormat, given: &[(&'static str, i64)]) -> [u32; 4] {
        let window = window(format, given).expect("it fits");
        [window.x, window.y, window.width, window.height]
    }

    #[test]
    fn by_size_and_place() {
        assert_eq!(placed(Gray8, &[("width", 10), ("x", 7)]), [7, 0, 10, 51]);
        assert_eq!(placed(Gray8, &[("x", 7)]), [7, 0, 93, 51]);
        assert_eq!(placed(Gray8, &[("height", 51), ("y", 0)]), [0, 0, 100, 51]);
        // (100 - 11) / 2 = 44 and (51 - 5) / 2 = 23, or 22 on a chroma sample.
        assert_eq!(placed(Gray8, &[("width", 11), ("height", 5)]), [44, 23, 11, 5]);
        assert_eq!(placed(Yuv420p, &[("width", 11), ("height", 5)]), [44, 22, 11, 5]);
    }

    #[test]
    fn by_margins() {
        assert_eq!(placed(Gray8, &[("left", 3), ("bottom", 1)]), [3, 0, 97, 50]);
        assert_eq!(placed(Yuv420p, &[("right", 3), ("top", 50)]), [0, 50, 97, 1]);
    }

    #[test]
    fn a_split_chroma_sample_is_refused() {
        let error = window(Yuv420p, &[("left", 3)]).expect_err("it splits a sample");
        assert_eq!(
            error.message(),
            "left: is 3, but in yuv420p 2 columns share a colour sample; take 2 or 4"
        );
        let error = window(Yuv420p, &[("height", 5), ("y", 1)]).expect_err("it splits a sample");
        assert!(error.message().starts_with("y: is 1,"));
        assert_eq!(placed(Yuv422p, &[("top", 3)]), [0, 3, 100, 48]);
        assert_eq!(placed(Yuv444p, &[("top", 3), ("left", 1)]), [1, 3, 99, 48]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let message = |given: &[(&'static str, i64)]| {
            window(Gray8, given).expect_err("it does not fit").message().to_owned()
        };
        assert_eq!(
            message(&[("width", 10), ("x", 91)]),
            "x: the picture has 100 columns, there are no 10 columns from 91 on"
        );
        assert!(message(&[("width", 101)]).starts_with("width: the picture has 100 columns"));
        assert!(message(&[("y", 51)]).starts_with("y: the picture has 51 rows"));
        assert!(
            message(&[("top", 25), ("bottom", 26)]).starts_with("bottom: margins of 25 and 26")
        );
        assert_eq!(
            message(&[("width", 10), ("left", 1)]),
            "width: give either width and x, or the margins left and right"
        );
    }
}
