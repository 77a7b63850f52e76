//! The crop filter: a rectangle of each picture, sample for sample.

mod window;

use filmgate_plugin::{
    Description, Error, Filter, FilterDescription, Frame, Parameter, Parameters, PixelFormat,
    StreamInfo, export_filter, kind,
};
use window::Window;

struct Crop {
    /// none where the whole picture stays
    window: Option<Window>,
}

impl Filter for Crop {
    fn describe() -> FilterDescription {
        let about = Description::new(
            "crop",
            env!("CARGO_PKG_VERSION"),
            "keeps a rectangle of each picture, given by its size and place or by margins",
        )
        .license(env!("CARGO_PKG_LICENSE"))
        .homepage(env!("CARGO_PKG_REPOSITORY"))
        .category("geometry")
        .keywords("cut trim margin border rectangle region")
        .example("width=640,height=360")
        .parameter(pixels("width", "how wide the rectangle is", 1))
        .parameter(pixels("height", "how high the rectangle is", 1))
        .parameter(pixels("x", "its first column; the middle where only the width is given", 0))
        .parameter(pixels("y", "its first row; the middle where only the height is given", 0))
        .parameter(pixels("left", "columns to take away on the left, instead of width and x", 0))
        .parameter(pixels("right", "columns to take away on the right, instead of width and x", 0))
        .parameter(pixels("top", "rows to take away above, instead of height and y", 0))
        .parameter(pixels("bottom", "rows to take away below, instead of height and y", 0));
        FilterDescription::parallel(about, PixelFormat::ALL)
    }

    fn configure(input: &StreamInfo, parameters: &Parameters) -> Result<Self, Error> {
        let layout = input.layout()?;
        let window = Window::read(parameters, &layout)?;
        Ok(Crop { window: (!window.is_whole(&layout)).then_some(window) })
    }

    fn output(&self, input: StreamInfo) -> StreamInfo {
        match &self.window {
            None => input,
            Some(window) => StreamInfo { width: window.width, height: window.height, ..input },
        }
    }

    fn process(&mut self, mut frame: Frame) -> Result<Vec<Frame>, Error> {
        if let Some(Window { x, y, width, height }) = self.window {
            frame.crop(x, y, width, height);
        }
        Ok(frame.into())
    }
}

export_filter!(Crop);

/// A number of columns or rows.
fn pixels(name: &str, summary: &str, least: i64) -> Parameter<kind::Integer> {
    Parameter::integer(name, summary).range(least..=16384).unit("px")
}

#[cfg(test)]
mod tests {
    use super::*;
    use filmgate_plugin::Value;

    /// A picture whose planes count upwards, cropped.
    fn cropped(format: PixelFormat, given: &[(&'static str, i64)]) -> Frame {
        let stream = StreamInfo::new(6, 5, format);
        let mut frame = Frame::new(&stream.frame(3, 40));
        for index in 0..format.plane_count() {
            frame.edit_plane(index, |samples| {
                samples.iter_mut().zip(0..).for_each(|(sample, i)| *sample = i);
            });
        }
        let given = given.iter().map(|(name, number)| (*name, Value::Integer(*number)));
        let mut filter = Crop::configure(&stream, &Parameters::new(given)).expect("it fits");
        let output = filter.output(stream);
        let frame = filter.process(frame).expect("it always works").remove(0);
        let info = frame.info();
        assert_eq!((output.width, output.height), (info.width, info.height));
        assert_eq!((info.index, info.timestamp), (3, 40));
        frame
    }

    #[test]
    fn chroma_goes_along() {
        let frame = cropped(PixelFormat::Yuv420p, &[("left", 2), ("top", 2), ("right", 1)]);
        assert_eq!(frame.plane(0), [14, 15, 16, 20, 21, 22, 26, 27, 28]);
        assert_eq!(frame.plane(1), [4, 5, 7, 8]);
        assert_eq!(frame.plane(2), [4, 5, 7, 8]);
    }

    #[test]
    fn pixels_stay_whole() {
        let frame = cropped(PixelFormat::Rgb24, &[("width", 1), ("x", 5), ("height", 2), ("y", 3)]);
        assert_eq!(frame.plane(0), [69, 70, 71, 87, 88, 89]);
        let frame = cropped(PixelFormat::Gray16, &[("width", 1), ("height", 1)]);
        assert_eq!(frame.plane(0), [28, 29]);
    }

    #[test]
    fn rows_alone_and_nothing_at_all() {
        assert_eq!(cropped(PixelFormat::Gray8, &[("bottom", 4)]).plane(0), [0, 1, 2, 3, 4, 5]);
        assert_eq!(cropped(PixelFormat::Gray8, &[]).plane(0).len(), 30);
    }
}
