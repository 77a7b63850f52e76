//! The edges filter: how steeply the light changes at each sample, light on dark, as FFmpeg's
//! `sobel` and `prewitt` have it.

mod slope;

use filmgate_plugin::{
    Description, Error, Filter, FilterDescription, Frame, Layout, Parameter, Parameters,
    PixelFormat, StreamInfo, export_filter,
};
use slope::{Operator, Slope};

struct Edges {
    slope: Slope,
    /// What the chroma planes become, where they do not stay.
    neutral: Option<Vec<u8>>,
}

impl Filter for Edges {
    fn describe() -> FilterDescription {
        let about = Description::new(
            "edges",
            env!("CARGO_PKG_VERSION"),
            "draws edges, light on dark: Sobel, Prewitt or Laplace",
        )
        .license(env!("CARGO_PKG_LICENSE"))
        .homepage(env!("CARGO_PKG_REPOSITORY"))
        .parameter(
            Parameter::choice(
                "operator",
                "how they are found: by the slope, or by the curvature (laplacian)",
                ["sobel", "prewitt", "laplacian"],
            )
            .default("sobel"),
        )
        .parameter(
            Parameter::decimal("gain", "what their strength is multiplied by")
                .range(0.1..=32.0)
                .default(1.0),
        )
        .parameter(
            Parameter::choice(
                "color",
                "what becomes of the colours of a YUV picture",
                ["drop", "keep"],
            )
            .default("drop"),
        );
        FilterDescription::parallel(about, PixelFormat::ALL)
    }

    fn configure(input: &StreamInfo, parameters: &Parameters) -> Result<Self, Error> {
        let layout = input.layout()?;
        let operator = match parameters.choice("operator")? {
            "prewitt" => Operator::Prewitt,
            "laplacian" => Operator::Laplacian,
            _ => Operator::Sobel,
        };
        let gain = parameters.decimal("gain")? as f32;
        let drop = layout.format.is_yuv() && parameters.choice("color")? == "drop";
        Ok(Edges {
            slope: Slope::new(layout.format, layout.plane(0), operator, gain),
            neutral: drop.then(|| neutral(&layout)),
        })
    }

    fn process(&mut self, mut frame: Frame) -> Result<Vec<Frame>, Error> {
        frame.edit_plane(0, |samples| self.slope.draw(samples));
        if let Some(neutral) = &self.neutral {
            frame.set_plane(1, neutral);
            frame.set_plane(2, neutral);
        }
        Ok(frame.into())
    }
}

/// A chroma plane without colour.
fn neutral(layout: &Layout) -> Vec<u8> {
    let middle: &[u8] = if layout.format.bits() == 8 { &[128] } else { &[0, 2] };
    middle.repeat(layout.plane(1).bytes() / middle.len())
}

export_filter!(Edges);

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(format: PixelFormat, color: &str) -> (Frame, Frame) {
        let stream = StreamInfo::new(4, 4, format);
        let mut frame = Frame::new(&stream.frame(3, 40));
        for index in 0..format.plane_count() {
            frame.edit_plane(index, |samples| {
                for (i, sample) in samples.iter_mut().enumerate() {
                    *sample = (i * 7) as u8;
                }
            });
        }
        let parameters = Parameters::new([
            ("operator", "sobel".into()),
            ("gain", 1.0.into()),
            ("color", color.into()),
        ]);
        let mut filter = Edges::configure(&stream, &parameters).expect("parameters in range");
        let mut frames = filter.process(frame.clone()).expect("it always works");
        (frame, frames.remove(0))
    }

    #[test]
    fn colours_go_or_stay() {
        let (_, after) = drawn(PixelFormat::Yuv420p, "drop");
        assert_eq!((after.plane(1), after.plane(2)), (vec![128; 4], vec![128; 4]));
        let (_, after) = drawn(PixelFormat::Yuv420p10, "drop");
        assert_eq!(after.plane(1), [0, 2].repeat(4));
        let (before, after) = drawn(PixelFormat::Yuv420p, "keep");
        assert_eq!(after.plane(1), before.plane(1));
        assert_ne!(after.plane(0), before.plane(0));
    }

    #[test]
    fn alpha_and_time_stay() {
        let (before, after) = drawn(PixelFormat::Rgba, "drop");
        let alpha =
            |frame: &Frame| frame.plane(0).into_iter().skip(3).step_by(4).collect::<Vec<_>>();
        assert_eq!(alpha(&after), alpha(&before));
        assert_eq!(after.info(), before.info());
    }
}
