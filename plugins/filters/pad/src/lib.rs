//! The pad filter: frames on a larger canvas of one color.

use filmgate_overlay::Colors;
use filmgate_plugin::{
    Color, Description, Error, Filter, FilterDescription, Frame, FrameInfo, Layout, Parameter,
    Parameters, PixelFormat, PlaneLayout, StreamInfo, export_filter,
};

/// The longest side of a canvas.
const MOST: i64 = 16384;

/// The most pixels of a frame that the host takes.
const MOST_PIXELS: u64 = 1 << 26;

struct Pad {
    width: u32,
    height: u32,
    /// none of them where frames stay as they are
    planes: Vec<Part>,
}

/// A plane, and where it is on the canvas.
struct Part {
    source: PlaneLayout,
    canvas: PlaneLayout,
    /// in samples of the plane
    at: (usize, usize),
    /// a row of the canvas
    bar: Vec<u8>,
}

impl Filter for Pad {
    fn describe() -> FilterDescription {
        let pixels = |name: &str, summary: &str, least: i64| {
            Parameter::integer(name, summary).range(least..=MOST).unit("px")
        };
        let about = Description::new(
            "pad",
            env!("CARGO_PKG_VERSION"),
            "puts frames on a larger canvas of one color",
        )
        .license(env!("CARGO_PKG_LICENSE"))
        .homepage(env!("CARGO_PKG_REPOSITORY"))
        .parameter(pixels("width", "of the canvas; the frame's where it is not given", 1))
        .parameter(pixels("height", "of the canvas; the frame's where it is not given", 1))
        .parameter(pixels("x", "the frame's first column; in the middle where not given", 0))
        .parameter(pixels("y", "the frame's first row; in the middle where not given", 0))
        .parameter(Parameter::color("color", "of the canvas").default(Color {
            red: 0,
            green: 0,
            blue: 0,
            alpha: 255,
        }));
        FilterDescription::parallel(about, PixelFormat::ALL)
    }

    fn configure(input: &StreamInfo, parameters: &Parameters) -> Result<Self, Error> {
        let layout = input.layout()?;
        let shift = layout.format.chroma_shift();
        let side = |size, at, whole, shift| Side { size, at, whole, shift, format: layout.format };
        let (width, x) = side("width", "x", layout.width, shift.0).read(parameters)?;
        let (height, y) = side("height", "y", layout.height, shift.1).read(parameters)?;
        if u64::from(width) * u64::from(height) > MOST_PIXELS {
            let why = format!("{width}x{height} is more than {MOST_PIXELS} pixels");
            return Err(Error::parameter("width", why));
        }
        if (width, height) == (layout.width, layout.height) {
            return Ok(Pad { width, height, planes: Vec::new() });
        }
        let color = parameters.color("color")?;
        let pixels = Colors::of(input)?.pixels([color.red, color.green, color.blue], color.alpha);
        let canvas = Layout { width, height, ..layout };
        let part = |index: u32| {
            let (across, down) = if index == 0 { (0, 0) } else { shift };
            let plane = canvas.plane(index);
            Part {
                source: layout.plane(index),
                canvas: plane,
                at: ((x >> across) as usize, (y >> down) as usize),
                bar: pixels[index as usize].repeat(plane.columns),
            }
        };
        Ok(Pad { width, height, planes: (0..layout.format.plane_count()).map(part).collect() })
    }

    fn output(&self, input: StreamInfo) -> StreamInfo {
        StreamInfo { width: self.width, height: self.height, ..input }
    }

    fn process(&mut self, frame: Frame) -> Result<Vec<Frame>, Error> {
        if self.planes.is_empty() {
            return Ok(frame.into());
        }
        let info = FrameInfo { width: self.width, height: self.height, ..frame.info() };
        let mut padded = Frame::new(&info);
        for (part, index) in self.planes.iter().zip(0..) {
            part.copy(&frame, &mut padded, index);
        }
        Ok(padded.into())
    }
}

impl Part {
    fn copy(&self, frame: &Frame, padded: &mut Frame, index: u32) {
        let left = self.at.0 * self.canvas.pixel_bytes();
        let (row, wide) = (self.source.row_bytes(), self.canvas.row_bytes());
        for band in self.canvas.bands() {
            let mut samples = self.bar.repeat(band.len());
            let inside = |y: usize| y.clamp(self.at.1, self.at.1 + self.source.rows);
            let (from, to) = (inside(band.start), inside(band.end));
            if from < to {
                let rows = frame.rows(index, (from - self.at.1) as u32, (to - from) as u32);
                let places = samples.chunks_exact_mut(wide).skip(from - band.start);
                for (place, row_of) in places.zip(rows.chunks_exact(row)) {
                    place[left..left + row].copy_from_slice(row_of);
                }
            }
            padded.set_rows(index, band.start as u32, &samples);
        }
    }
}

/// One of the two directions.
struct Side {
    /// the names of its parameters
    size: &'static str,
    at: &'static str,
    /// pixels of the frame
    whole: u32,
    /// how often chroma is halved
    shift: u32,
    format: PixelFormat,
}

impl Side {
    /// How long the canvas is, and where the frame begins on it.
    fn read(&self, parameters: &Parameters) -> Result<(u32, u32), Error> {
        let number = |name: &str| -> Result<Option<u32>, Error> {
            let Some(number) = parameters.get::<i64>(name)? else { return Ok(None) };
            let number = u32::try_from(number).ok().filter(|n| i64::from(*n) <= MOST);
            number.map(Some).ok_or_else(|| Error::parameter(name, "is out of range"))
        };
        let size = number(self.size)?.unwrap_or(self.whole);
        if size < self.whole {
            let why = format!(
                "the frame has {} px, which do not fit in {size}; scale or crop it first",
                self.whole
            );
            return Err(Error::parameter(self.size, why));
        }
        let step = 1_u32 << self.shift;
        let Some(at) = number(self.at)? else {
            return Ok((size, (size - self.whole) / 2 / step * step));
        };
        if at + self.whole > size {
            let why = format!("{at} px and the frame's {} are more than {size}", self.whole);
            return Err(Error::parameter(self.at, why));
        }
        if at % step > 0 {
            let (format, below) = (self.format, at - 1);
            let why = format!(
                "is {at}, but in {format} {step} pixels share a color sample; take {below} or {}",
                at + 1
            );
            return Err(Error::parameter(self.at, why));
        }
        Ok((size, at))
    }
}

export_filter!(Pad);

#[cfg(test)]
mod tests {
    use super::*;

    fn padded(format: PixelFormat, given: &[(&'static str, i64)]) -> Result<Frame, Error> {
        let stream = StreamInfo::new(2, 2, format);
        let mut frame = Frame::new(&stream.frame(3, 40));
        frame.edit_plane(0, |samples| samples.fill(90));
        let green = Color { red: 0, green: 255, blue: 0, alpha: 7 };
        let color = ("color", filmgate_plugin::Value::Color(green));
        let given = given.iter().map(|(name, number)| (*name, (*number).into())).chain([color]);
        let mut filter = Pad::configure(&stream, &Parameters::new(given))?;
        let output = filter.output(stream);
        let frame = filter.process(frame)?.remove(0);
        let info = frame.info();
        assert_eq!((output.width, output.height), (info.width, info.height));
        assert_eq!((info.index, info.timestamp), (3, 40));
        Ok(frame)
    }

    #[test]
    fn the_frame_is_in_the_middle_or_where_it_is_said() {
        let gray = padded(PixelFormat::Gray8, &[("width", 5)]).expect("it fits");
        assert_eq!(gray.plane(0), [150, 90, 90, 150, 150].repeat(2));
        let yuv = padded(PixelFormat::Yuv420p, &[("width", 5), ("height", 6)]).expect("it fits");
        assert_eq!(yuv.plane(0)[10..15], [90, 90, 145, 145, 145]);
        assert_eq!(yuv.plane(1), [54, 54, 54, 128, 54, 54, 54, 54, 54]);
        let alpha = padded(PixelFormat::Rgba, &[("height", 3), ("y", 1)]).expect("it fits");
        assert_eq!(alpha.plane(0)[..8], [0, 255, 0, 7].repeat(2));
        let none = padded(PixelFormat::Gray8, &[]).expect("nothing to do");
        assert_eq!(none.plane(0), [90; 4]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let message = |format, given: &[(&'static str, i64)]| {
            padded(format, given).expect_err("it does not fit").message().to_owned()
        };
        let gray = PixelFormat::Gray8;
        assert!(message(gray, &[("width", 1)]).starts_with("width: the frame has 2 px"));
        assert!(message(gray, &[("height", 4), ("y", 3)]).starts_with("y: 3 px and the frame's 2"));
        let large = message(gray, &[("width", 16384), ("height", 16384)]);
        assert!(large.ends_with("is more than 67108864 pixels"), "{large}");
        let odd = message(PixelFormat::Yuv420p, &[("width", 9), ("x", 3)]);
        assert!(odd.ends_with("take 2 or 4"), "{odd}");
    }
}
