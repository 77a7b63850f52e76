//! The invert filter: pictures as their negatives, in the range of values that they use.

mod negative;

use filmgate_plugin::{
    Description, Error, Filter, FilterDescription, Frame, Parameter, Parameters, PixelFormat,
    PlaneLayout, StreamInfo, export_filter,
};
use negative::Negative;

struct Invert {
    /// What becomes of each plane that changes.
    planes: Vec<(u32, PlaneLayout, Negative)>,
}

impl Filter for Invert {
    fn describe() -> FilterDescription {
        let about = Description::new(
            "invert",
            env!("CARGO_PKG_VERSION"),
            "turns pictures into their negatives; opacity stays",
        )
        .license(env!("CARGO_PKG_LICENSE"))
        .homepage(env!("CARGO_PKG_REPOSITORY"))
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
        let format = layout.format;
        let full_range = input.text("color-range") == Some("pc");
        let count = if parameters.choice("planes")? == "all" { format.plane_count() } else { 1 };
        let negative =
            |index| (index, layout.plane(index), Negative::of(format, index, full_range));
        Ok(Invert { planes: (0..count).map(negative).collect() })
    }

    fn process(&mut self, mut frame: Frame) -> Result<Vec<Frame>, Error> {
        for (index, plane, negative) in &self.planes {
            frame.edit_bands(*index, plane, 0, |band| negative.change(band.samples));
        }
        Ok(frame.into())
    }
}

export_filter!(Invert);

#[cfg(test)]
mod tests {
    use super::*;
    use filmgate_plugin::Property;

    /// The first samples of each plane of a picture that is `value` throughout.
    fn inverted(format: PixelFormat, range: &str, planes: &str, value: u8) -> Vec<Vec<u8>> {
        let mut stream = StreamInfo::new(2, 2, format);
        stream.more.push(Property { name: "color-range".into(), value: range.into() });
        let mut frame = Frame::new(&stream.frame(0, 0));
        for index in 0..format.plane_count() {
            frame.edit_plane(index, |samples| samples.fill(value));
        }
        let parameters = Parameters::new([("planes", planes.into())]);
        let mut filter = Invert::configure(&stream, &parameters).expect("a known format");
        let frame = filter.process(frame).expect("it always works").remove(0);
        (0..format.plane_count()).map(|index| frame.plane(index)[..1].to_vec()).collect()
    }

    #[test]
    fn the_range_counts() {
        assert_eq!(inverted(PixelFormat::Yuv420p, "tv", "all", 16), [[235], [240], [240]]);
        assert_eq!(inverted(PixelFormat::Yuv420p, "pc", "all", 16), [[239], [240], [240]]);
        assert_eq!(inverted(PixelFormat::Yuv420p, "", "luma", 20), [[231], [20], [20]]);
        assert_eq!(inverted(PixelFormat::Gray8, "tv", "all", 16), [[239]]);
    }
}
