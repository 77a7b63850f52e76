//! The adjust filter: brightness, contrast, saturation and gamma, in the range of values that the
//! stream uses.

mod apply;
mod map;
mod mix;

use filmgate_plugin::{
    Description, Error, Filter, FilterDescription, Frame, Parameter, Parameters, PixelFormat,
    PlaneLayout, StreamInfo, export_filter,
};
use map::{Map, Scale, Settings};
use mix::Mix;

enum Adjust {
    /// Each plane by itself; those that stay as they are, are not listed.
    Planes(Vec<(u32, PlaneLayout, Map)>),
    /// Red, green and blue, by way of their luma.
    Mixed(PlaneLayout, Mix),
}

impl Filter for Adjust {
    fn describe() -> FilterDescription {
        let about = Description::new(
            "adjust",
            env!("CARGO_PKG_VERSION"),
            "changes brightness, contrast, saturation and gamma",
        )
        .license(env!("CARGO_PKG_LICENSE"))
        .homepage(env!("CARGO_PKG_REPOSITORY"))
        .parameter(
            Parameter::decimal("brightness", "added to the light; 1 is from black to white")
                .range(-1.0..=1.0)
                .default(0.0),
        )
        .parameter(
            Parameter::decimal("contrast", "how far from mid-grey the light is moved; 1 is not")
                .range(0.0..=3.0)
                .default(1.0),
        )
        .parameter(
            Parameter::decimal("saturation", "how strong colours are: 0 is grey, 1 as they were")
                .range(0.0..=3.0)
                .default(1.0),
        )
        .parameter(
            Parameter::decimal("gamma", "above 1 lightens what is dark, below 1 darkens it")
                .range(0.1..=10.0)
                .default(1.0),
        );
        FilterDescription::parallel(about, PixelFormat::ALL)
    }

    fn configure(input: &StreamInfo, parameters: &Parameters) -> Result<Self, Error> {
        let layout = input.layout()?;
        let format = layout.format;
        let settings = Settings {
            brightness: parameters.decimal("brightness")?,
            contrast: parameters.decimal("contrast")?,
            saturation: parameters.decimal("saturation")?,
            gamma: parameters.decimal("gamma")?,
        };
        let full_range = !format.is_yuv() || input.text("color-range") == Some("pc");
        let scale = Scale::new(format.bits(), full_range);
        if !format.is_yuv() && !format.is_gray() {
            let matrix = input.text("color-space").unwrap_or_default();
            return Ok(match settings.is_neutral() {
                true => Adjust::Planes(Vec::new()),
                false => {
                    Adjust::Mixed(layout.plane(0), Mix::new(&settings, &scale, format, matrix))
                }
            });
        }
        let light = settings.light(&scale).map(|map| (0, layout.plane(0), map));
        let colours = (1..format.plane_count()).filter_map(|index| {
            settings.chroma(&scale).map(|map| (index, layout.plane(index), map))
        });
        Ok(Adjust::Planes(light.into_iter().chain(colours).collect()))
    }

    fn process(&mut self, mut frame: Frame) -> Result<Vec<Frame>, Error> {
        match self {
            Adjust::Planes(planes) => {
                for (index, plane, map) in planes {
                    frame.edit_bands(*index, plane, 0, |band| apply::apply(map, band.samples));
                }
            }
            Adjust::Mixed(plane, mix) => {
                frame.edit_bands(0, plane, 0, |band| mix.apply(band.samples));
            }
        }
        Ok(frame.into())
    }
}

export_filter!(Adjust);

#[cfg(test)]
mod tests {
    use super::*;
    use filmgate_plugin::Property;

    /// The first samples of each plane of a picture that is `value` throughout.
    fn adjusted(
        format: PixelFormat,
        range: &str,
        given: &[(&'static str, f64)],
        value: u8,
    ) -> Vec<u8> {
        let mut stream = StreamInfo::new(2, 2, format);
        stream.more.push(Property { name: "color-range".into(), value: range.into() });
        let mut frame = Frame::new(&stream.frame(0, 0));
        for index in 0..format.plane_count() {
            frame.edit_plane(index, |samples| samples.fill(value));
        }
        let names = [("brightness", 0.0), ("contrast", 1.0), ("saturation", 1.0), ("gamma", 1.0)];
        let value = |(name, default): (&'static str, f64)| {
            let given = given.iter().find(|(given, _)| *given == name);
            (name, given.map_or(default, |(_, value)| *value).into())
        };
        let parameters = Parameters::new(names.map(value));
        let mut filter = Adjust::configure(&stream, &parameters).expect("a known format");
        let frame = filter.process(frame).expect("it always works").remove(0);
        (0..format.plane_count()).map(|index| frame.plane(index)[0]).collect()
    }

    #[test]
    fn the_range_counts() {
        let brighter = [("brightness", 0.1)];
        // A tenth of 219 and of 255.
        assert_eq!(adjusted(PixelFormat::Yuv420p, "tv", &brighter, 100), [122, 100, 100]);
        assert_eq!(adjusted(PixelFormat::Yuv420p, "pc", &brighter, 100), [126, 100, 100]);
        assert_eq!(adjusted(PixelFormat::Gray8, "tv", &brighter, 100), [126]);
        // Black and white stay where gamma bends what is between.
        let lighter = [("gamma", 2.0)];
        assert_eq!(adjusted(PixelFormat::Yuv420p, "tv", &lighter, 16)[0], 16);
        assert_eq!(adjusted(PixelFormat::Yuv420p, "tv", &lighter, 235)[0], 235);
        assert_eq!(adjusted(PixelFormat::Yuv420p, "pc", &lighter, 64)[0], 128);
    }

    #[test]
    fn saturation_is_for_colours_alone() {
        let grey = [("saturation", 0.0)];
        assert_eq!(adjusted(PixelFormat::Yuv420p, "tv", &grey, 90), [90, 128, 128]);
        assert_eq!(adjusted(PixelFormat::Rgb24, "tv", &grey, 90), [90]);
        assert_eq!(adjusted(PixelFormat::Gray8, "tv", &grey, 90), [90]);
    }

    #[test]
    fn nothing_asked_for_is_nothing_done() {
        for format in PixelFormat::ALL {
            let stream = StreamInfo::new(2, 2, format);
            let filter = Adjust::configure(&stream, &Adjust::describe().about().defaults());
            assert!(matches!(filter, Ok(Adjust::Planes(planes)) if planes.is_empty()));
        }
    }
}
