//! The fade filter: frames come out of a color, or go into it.

mod mix;

use filmgate_overlay::Colors;
use filmgate_plugin::{
    Color, Description, Error, Filter, FilterDescription, Frame, Parameter, Parameters,
    PixelFormat, PlaneLayout, StreamInfo, export_filter,
};
use mix::{Mix, ONE};

struct Fade {
    out: bool,
    /// nanoseconds
    start: f64,
    duration: f64,
    planes: Vec<(PlaneLayout, Vec<u16>)>,
}

impl Filter for Fade {
    fn describe() -> FilterDescription {
        let time = |name: &str, summary: &str| {
            Parameter::decimal(name, summary).range(0.0..=1_000_000.0).unit("s")
        };
        let about = Description::new(
            "fade",
            env!("CARGO_PKG_VERSION"),
            "fades in from a color, or out to it",
        )
        .license(env!("CARGO_PKG_LICENSE"))
        .homepage(env!("CARGO_PKG_REPOSITORY"))
        .parameter(
            Parameter::choice("type", "in from the color, or out to it", ["in", "out"])
                .default("in"),
        )
        .parameter(time("start", "when it begins, from the start of the stream").default(0.0))
        .parameter(time("duration", "how long it takes; 0 switches at once").default(1.0))
        .parameter(
            Parameter::color("color", "what there is before or behind; opacity is not looked at")
                .default(Color { red: 0, green: 0, blue: 0, alpha: 255 }),
        );
        FilterDescription::parallel(about, PixelFormat::ALL)
    }

    fn configure(input: &StreamInfo, parameters: &Parameters) -> Result<Self, Error> {
        let color = parameters.color("color")?;
        let pixels = Colors::of(input)?.pixels([color.red, color.green, color.blue], 255);
        let layout = input.layout()?;
        let wide = |bytes: &[u8]| bytes.iter().rev().fold(0, |n, b| n << 8 | u16::from(*b));
        let samples =
            |pixel: &Vec<u8>| pixel.chunks(layout.format.sample_bytes()).map(wide).collect();
        Ok(Fade {
            out: parameters.choice("type")? == "out",
            start: parameters.decimal("start")? * 1e9,
            duration: parameters.decimal("duration")? * 1e9,
            planes: layout.planes().zip(pixels.iter().map(samples)).collect(),
        })
    }

    fn process(&mut self, mut frame: Frame) -> Result<Vec<Frame>, Error> {
        let share = self.share(frame.info().timestamp);
        if share < ONE {
            for ((plane, color), index) in self.planes.iter().zip(0..) {
                let mix = Mix::new(color, share, plane.sample_bytes);
                frame.edit_bands(index, plane, 0, |band| mix.apply(band.samples));
            }
        }
        Ok(frame.into())
    }
}

impl Fade {
    /// How much of the frame is seen at this time, of `ONE`.
    fn share(&self, timestamp: i64) -> u32 {
        let passed = timestamp as f64 - self.start;
        let done = match passed {
            passed if passed < 0.0 => 0.0,
            passed if passed >= self.duration => 1.0,
            passed => passed / self.duration,
        };
        let done = (done * f64::from(ONE)).round() as u32;
        if self.out { ONE - done } else { done }
    }
}

export_filter!(Fade);

#[cfg(test)]
mod tests {
    use super::*;

    fn faded(format: PixelFormat, kind: &str, seconds: f64, color: Color) -> Frame {
        let stream = StreamInfo::new(3, 2, format);
        let mut frame = Frame::new(&stream.frame(3, (seconds * 1e9) as i64));
        for index in 0..format.plane_count() {
            frame.edit_plane(index, |samples| samples.fill(101));
        }
        let parameters = Parameters::new([
            ("type", kind.into()),
            ("start", 1.0.into()),
            ("duration", 2.0.into()),
            ("color", filmgate_plugin::Value::Color(color)),
        ]);
        let mut filter = Fade::configure(&stream, &parameters).expect("parameters in range");
        filter.process(frame).expect("it always works").remove(0)
    }

    const BLACK: Color = Color { red: 0, green: 0, blue: 0, alpha: 255 };

    #[test]
    fn in_and_out() {
        let light = |kind, seconds| faded(PixelFormat::Yuv420p, kind, seconds, BLACK).plane(0)[0];
        // 16 + 85 / 2
        let seen = [0.0, 1.0, 2.0, 3.0, 9.0].map(|seconds| light("in", seconds));
        assert_eq!(seen, [16, 16, 59, 101, 101]);
        let seen = [0.0, 1.0, 2.0, 3.0, 9.0].map(|seconds| light("out", seconds));
        assert_eq!(seen, [101, 101, 59, 16, 16]);
        assert_eq!(faded(PixelFormat::Yuv420p, "in", 0.0, BLACK).plane(1), [128, 128]);
    }

    #[test]
    fn colors_and_opacity() {
        let color = Color { red: 201, green: 1, blue: 101, alpha: 9 };
        let pixel = faded(PixelFormat::Rgba, "in", 2.0, color).plane(0);
        assert_eq!(pixel, [151, 51, 101, 101].repeat(6));
        let wide = faded(PixelFormat::Rgb48, "out", 4.0, color).plane(0);
        assert_eq!(wide[..6], [201, 201, 1, 1, 101, 101]);
    }
}
