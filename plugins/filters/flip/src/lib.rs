//! The flip filter: pictures mirrored, or turned by a quarter, sample for sample.

mod mirror;
mod turn;

use filmgate_plugin::{
    Description, Error, Filter, FilterDescription, Frame, FrameInfo, Layout, Parameter, Parameters,
    PixelFormat, Rational, StreamInfo, export_filter,
};
use turn::Turn;

/// What is done to a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Horizontal,
    Vertical,
    Both,
    Quarter(Turn),
}

struct Flip {
    mode: Mode,
    input: Layout,
    output: Layout,
    /// A plane of 4:2:2 whose samples stand twice, before it is turned.
    widened: Vec<u8>,
    /// Where some rows of a turned plane are put together.
    turned: Vec<u8>,
}

impl Filter for Flip {
    fn describe() -> FilterDescription {
        let about = Description::new(
            "flip",
            env!("CARGO_PKG_VERSION"),
            "mirrors pictures, or turns them by a quarter",
        )
        .license(env!("CARGO_PKG_LICENSE"))
        .homepage(env!("CARGO_PKG_REPOSITORY"))
        .category("geometry")
        .keywords("mirror rotate turn transpose upside down")
        .example("mode=right")
        .parameter(
            Parameter::choice(
                "mode",
                "mirrored (left and right, top and bottom, both), turned by 90 degrees to the \
                 left or to the right, or rows and columns exchanged",
                ["horizontal", "vertical", "both", "left", "right", "transpose"],
            )
            .default("horizontal"),
        );
        FilterDescription::parallel(about, PixelFormat::ALL)
    }

    fn configure(input: &StreamInfo, parameters: &Parameters) -> Result<Self, Error> {
        let mode = match parameters.choice("mode")? {
            "vertical" => Mode::Vertical,
            "both" => Mode::Both,
            "left" => Mode::Quarter(Turn::Left),
            "right" => Mode::Quarter(Turn::Right),
            "transpose" => Mode::Quarter(Turn::Transpose),
            _ => Mode::Horizontal,
        };
        let input = input.layout()?;
        let output = match mode {
            Mode::Quarter(_) => turned(&input),
            _ => input,
        };
        Ok(Flip { mode, input, output, widened: Vec::new(), turned: Vec::new() })
    }

    fn output(&self, input: StreamInfo) -> StreamInfo {
        let Mode::Quarter(_) = self.mode else { return input };
        let Rational { num, den } = input.sample_aspect;
        StreamInfo {
            width: self.output.width,
            height: self.output.height,
            format: self.output.format.name().to_owned(),
            sample_aspect: Rational { num: den, den: num },
            ..input
        }
    }

    fn process(&mut self, mut frame: Frame) -> Result<Vec<Frame>, Error> {
        if let Mode::Quarter(turn) = self.mode {
            return Ok(self.quarter(&frame, turn).into());
        }
        let mut horizontal = self.mode != Mode::Vertical;
        let plane = self.input.plane(0);
        // The host has no vectors for pixels of three samples.
        if horizontal && mirror::WIDE.contains(&plane.pixel_bytes()) {
            frame.edit_bands(0, &plane, 0, |band| {
                let rows = plane.rows_mut(band.samples);
                rows.for_each(|row| mirror::reverse(row, plane.pixel_bytes()));
            });
            horizontal = false;
        }
        frame.flip(horizontal, self.mode != Mode::Horizontal);
        Ok(frame.into())
    }
}

impl Flip {
    fn quarter(&mut self, frame: &Frame, turn: Turn) -> Frame {
        let output = self.output;
        let mut out = Frame::like(
            frame,
            &FrameInfo {
                width: output.width,
                height: output.height,
                format: output.format.name().to_owned(),
                ..frame.info()
            },
        );
        for (plane, index) in self.input.planes().zip(0..) {
            let samples = frame.plane(index);
            let (samples, plane) = if index > 0 && output.format != self.input.format {
                let luma = self.input.plane(0);
                turn::widen(&samples, &plane, &luma, &mut self.widened);
                (self.widened.as_slice(), luma)
            } else {
                (samples.as_slice(), plane)
            };
            for band in output.plane(index).bands() {
                let first = band.start as u32;
                turn.apply(samples, &plane, band, &mut self.turned);
                out.set_rows(index, first, &self.turned);
            }
        }
        out
    }
}

export_filter!(Flip);

/// What a picture is when it has been turned. Chroma that is halved across would be halved down,
/// for which the contract has no format: it gets a sample for each pixel.
fn turned(input: &Layout) -> Layout {
    let format = match input.format {
        PixelFormat::Yuv422p => PixelFormat::Yuv444p,
        PixelFormat::Yuv422p10 => PixelFormat::Yuv444p10,
        other => other,
    };
    Layout { format, width: input.height, height: input.width }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of 3 x 2 whose planes count upwards, flipped: what is announced, and the frame.
    fn flipped(format: PixelFormat, mode: &str) -> (StreamInfo, Frame) {
        let mut stream = StreamInfo::new(3, 2, format);
        stream.sample_aspect = Rational { num: 4, den: 3 };
        let mut frame = Frame::new(&stream.frame(3, 40));
        for index in 0..format.plane_count() {
            frame.edit_plane(index, |samples| {
                samples.iter_mut().zip(0..).for_each(|(sample, i)| *sample = i);
            });
        }
        let parameters = Parameters::new([("mode", mode.into())]);
        let mut filter = Flip::configure(&stream, &parameters).expect("a known format");
        let frame = filter.process(frame).expect("it always works").remove(0);
        (filter.output(stream), frame)
    }

    #[test]
    fn every_mode() {
        let light = |mode| flipped(PixelFormat::Gray8, mode).1.plane(0);
        assert_eq!(light("horizontal"), [2, 1, 0, 5, 4, 3]);
        assert_eq!(light("vertical"), [3, 4, 5, 0, 1, 2]);
        assert_eq!(light("both"), [5, 4, 3, 2, 1, 0]);
        assert_eq!(light("left"), [2, 5, 1, 4, 0, 3]);
        assert_eq!(light("right"), [3, 0, 4, 1, 5, 2]);
        assert_eq!(light("transpose"), [0, 3, 1, 4, 2, 5]);
    }

    #[test]
    fn pixels_stay_whole() {
        let samples = |mode| flipped(PixelFormat::Rgb24, mode).1.plane(0);
        assert_eq!(samples("both")[..6], [15, 16, 17, 12, 13, 14]);
        assert_eq!(samples("right")[..6], [9, 10, 11, 0, 1, 2]);
    }

    #[test]
    fn a_turn_changes_the_stream() {
        let (stream, frame) = flipped(PixelFormat::Yuv420p, "left");
        assert_eq!((stream.width, stream.height), (2, 3));
        assert_eq!(stream.sample_aspect, Rational { num: 3, den: 4 });
        assert_eq!((frame.info().index, frame.info().timestamp), (3, 40));
        assert_eq!(frame.plane(1), [1, 0]);
        let (stream, _) = flipped(PixelFormat::Yuv420p, "both");
        assert_eq!((stream.width, stream.height, stream.sample_aspect.num), (3, 2, 4));
    }

    #[test]
    fn chroma_that_was_halved_across_becomes_whole() {
        let (stream, frame) = flipped(PixelFormat::Yuv422p, "left");
        assert_eq!(stream.format, "yuv444p");
        // The chroma rows are 0 0 1 and 2 2 3 when each sample stands for two pixels.
        assert_eq!(frame.plane(1), [1, 3, 0, 2, 0, 2]);
        assert_eq!(flipped(PixelFormat::Yuv422p10, "right").0.format, "yuv444p10");
        assert_eq!(flipped(PixelFormat::Yuv422p10, "both").0.format, "yuv422p10");
    }
}
