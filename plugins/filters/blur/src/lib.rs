//! The blur filter: every sample becomes the mean of those round it, all alike (a box) or by their
//! distance (a Gaussian). At 8 bits it is, bit for bit, Pillow's `BoxBlur` and `GaussianBlur`.
//!
//! The samples themselves are the business of `filmgate-means`.

use filmgate_means::{Kind, Softener};
use filmgate_plugin::{
    Description, Error, Filter, FilterDescription, Frame, Parameter, Parameters, PixelFormat,
    StreamInfo, export_filter,
};

struct Blur {
    /// The planes that change, each with what changes it.
    planes: Vec<(u32, Softener)>,
}

impl Filter for Blur {
    fn describe() -> FilterDescription {
        let about = Description::new(
            "blur",
            env!("CARGO_PKG_VERSION"),
            "softens, as Pillow's GaussianBlur and BoxBlur",
        )
        .license(env!("CARGO_PKG_LICENSE"))
        .homepage(env!("CARGO_PKG_REPOSITORY"))
        .parameter(
            Parameter::choice(
                "kind",
                "how samples in reach count: by their distance, or all alike",
                ["gaussian", "box"],
            )
            .default("gaussian"),
        )
        .parameter(
            Parameter::decimal(
                "radius",
                "the standard deviation of a gaussian, or how far a box reaches",
            )
            .range(0.5..=64.0)
            .unit("px")
            .default(4.0),
        )
        .parameter(
            Parameter::choice(
                "planes",
                "which planes of a YUV picture change: the light alone, or the colours too",
                ["luma", "all"],
            )
            .default("all"),
        );
        FilterDescription::parallel(about, PixelFormat::ALL)
    }

    fn configure(input: &StreamInfo, parameters: &Parameters) -> Result<Self, Error> {
        let layout = input.layout()?;
        let kind = match parameters.choice("kind")? {
            "box" => Kind::Box,
            _ => Kind::Gaussian,
        };
        let radius = parameters.decimal("radius")? as f32;
        let count = if parameters.choice("planes")? == "all" { layout.planes().count() } else { 1 };
        // Chroma that is halved is blurred half as far, so that colours reach as far as the light.
        let (across, down) = layout.format.chroma_shift();
        let softener = |(index, plane)| {
            let (across, down) = if index == 0 { (0, 0) } else { (across, down) };
            let radius = |shift: u32| radius / (1 << shift) as f32;
            (index, Softener::new(plane, kind, radius(across), radius(down)))
        };
        Ok(Blur { planes: (0..).zip(layout.planes()).take(count).map(softener).collect() })
    }

    fn process(&mut self, mut frame: Frame) -> Result<Vec<Frame>, Error> {
        for (index, softener) in &mut self.planes {
            frame.edit_plane(*index, |samples| softener.soften(samples));
        }
        Ok(frame.into())
    }
}

export_filter!(Blur);

#[cfg(test)]
mod tests {
    use super::*;

    /// A white point in the middle of black, blurred.
    fn spread(format: PixelFormat, kind: &str, radius: f64, planes: &str) -> Frame {
        let stream = StreamInfo::new(9, 9, format);
        let mut frame = Frame::new(&stream.frame(3, 40));
        for index in 0..format.plane_count() {
            frame.edit_plane(index, |samples| {
                samples.fill(0);
                samples[samples.len() / 2] = 255;
            });
        }
        let parameters = Parameters::new([
            ("kind", kind.into()),
            ("radius", radius.into()),
            ("planes", planes.into()),
        ]);
        let mut filter = Blur::configure(&stream, &parameters).expect("parameters in range");
        filter.process(frame).expect("it always works").remove(0)
    }

    #[test]
    fn a_point_becomes_a_box() {
        let samples = spread(PixelFormat::Gray8, "box", 1.0, "all").plane(0);
        for (i, sample) in samples.into_iter().enumerate() {
            let inside = (3..=5).contains(&(i % 9)) && (3..=5).contains(&(i / 9));
            assert_eq!(sample, if inside { 28 } else { 0 });
        }
    }

    #[test]
    fn a_point_becomes_a_hill() {
        let samples = spread(PixelFormat::Gray8, "gaussian", 1.0, "all").plane(0);
        let row = &samples[36..45];
        assert!(row[4] > row[5] && row[5] > row[6] && row[5] == row[3], "{row:?}");
        assert!(row[4].abs_diff(41) <= 3, "255 / (2 pi) is 41: {row:?}");
    }

    #[test]
    fn halved_chroma_is_blurred_half_as_far() {
        let frame = spread(PixelFormat::Yuv420p, "box", 2.0, "all");
        let light = frame.plane(0).iter().filter(|v| **v != 0).count();
        let color = frame.plane(1).iter().filter(|v| **v != 0).count();
        assert_eq!((light, color), (25, 9));
        let frame = spread(PixelFormat::Yuv420p, "box", 2.0, "luma");
        assert_eq!(frame.plane(1).iter().filter(|v| **v != 0).count(), 1);
    }

    #[test]
    fn time_and_number_stay() {
        let info = spread(PixelFormat::Rgb24, "box", 1.0, "all").info();
        assert_eq!((info.index, info.timestamp), (3, 40));
    }
}
