//! The curves filter: what becomes of red, green and blue, drawn as smooth curves through points.

mod points;
mod spline;

use filmgate_plugin::{
    ColorTables, Description, Error, Filter, FilterDescription, Frame, Parameter, Parameters,
    PixelFormat, PlaneLayout, StreamInfo, export_filter, kind,
};
use points::Preset;

/// The parameters with points, as the tables are made of them.
const MASTER: &str = "master";
const CHANNELS: [&str; 3] = ["red", "green", "blue"];

struct Curves {
    /// none where nothing changes
    tables: Option<(PlaneLayout, ColorTables)>,
}

impl Filter for Curves {
    fn describe() -> FilterDescription {
        let about = Description::new(
            "curves",
            env!("CARGO_PKG_VERSION"),
            "bends red, green and blue along curves through given points",
        )
        .license(env!("CARGO_PKG_LICENSE"))
        .homepage(env!("CARGO_PKG_REPOSITORY"))
        .parameter(
            Parameter::choice("preset", "ready-made curves, as FFmpeg names them", Preset::names())
                .default("none"),
        )
        .parameter(curve(MASTER, "points of the curve behind those of the colours"))
        .parameter(curve("red", "points of the curve for red, as 0/0 0.5/0.6 1/1"))
        .parameter(curve("green", "points of the curve for green"))
        .parameter(curve("blue", "points of the curve for blue"));
        let formats = [PixelFormat::Rgb24, PixelFormat::Rgba, PixelFormat::Rgb48];
        FilterDescription::parallel(about, formats)
    }

    fn configure(input: &StreamInfo, parameters: &Parameters) -> Result<Self, Error> {
        let layout = input.layout()?;
        let format = layout.format;
        let preset = Preset::named(parameters.choice("preset")?);
        let most = (1_u32 << format.bits()) - 1;
        let table = |name: &str, ready: Option<&str>| -> Result<Option<Vec<u16>>, Error> {
            let given = parameters.get::<&str>(name)?.filter(|text| !text.trim().is_empty());
            let Some(text) = given.or(ready) else { return Ok(None) };
            let points = points::read(name, text, most)?;
            Ok(Some(spline::table(&points, most)))
        };
        let master = table(MASTER, preset.master)?;
        let mut colours = [const { None }; 3];
        for ((colour, name), ready) in colours.iter_mut().zip(CHANNELS).zip(preset.colours) {
            *colour = table(name, ready)?;
        }
        if master.is_none() && colours.iter().all(Option::is_none) {
            return Ok(Curves { tables: None });
        }
        let tables = colours.map(|colour| behind(colour, master.as_deref(), most as u16));
        Ok(Curves { tables: Some((layout.plane(0), ColorTables::new(tables, format))) })
    }

    fn process(&mut self, mut frame: Frame) -> Result<Vec<Frame>, Error> {
        if let Some((plane, tables)) = &self.tables {
            frame.edit_bands(0, plane, 0, |band| tables.apply(band.samples));
        }
        Ok(frame.into())
    }
}

export_filter!(Curves);

/// The master's entry for each entry of the colour's table. A table that there is not changes
/// nothing.
fn behind(colour: Option<Vec<u16>>, master: Option<&[u16]>, most: u16) -> Vec<u16> {
    let colour = colour.unwrap_or_else(|| (0..=most).collect());
    let Some(master) = master else { return colour };
    let entry = |sample: u16| master.get(usize::from(sample)).copied().unwrap_or(sample);
    colour.into_iter().map(entry).collect()
}

/// A curve as text.
fn curve(name: &str, summary: &str) -> Parameter<kind::Text> {
    Parameter::text(name, summary).length(0..=4096)
}

#[cfg(test)]
mod tests {
    use super::*;
    use filmgate_plugin::Value;

    fn curved(
        format: PixelFormat,
        given: &[(&'static str, &str)],
        samples: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let stream = StreamInfo::new(1, 1, format);
        let mut frame = Frame::new(&stream.frame(0, 0));
        frame.set_plane(0, samples);
        let named = given.iter().any(|(name, _)| *name == "preset");
        let default = (!named).then_some(("preset", "none"));
        let given = given.iter().copied().chain(default).map(|(n, v)| (n, Value::Text(v.into())));
        let mut filter = Curves::configure(&stream, &Parameters::new(given))?;
        Ok(filter.process(frame)?.remove(0).plane(0))
    }

    #[test]
    fn every_colour_has_its_curve_and_all_have_the_master() {
        let half = ("red", "0/0 1/0.5");
        let samples = [200, 200, 200, 9];
        assert_eq!(curved(PixelFormat::Rgba, &[half], &samples), Ok(vec![100, 200, 200, 9]));
        let negative = ("master", "0/1 1/0");
        assert_eq!(
            curved(PixelFormat::Rgba, &[half, negative], &samples),
            Ok(vec![155, 55, 55, 9])
        );
        assert_eq!(
            curved(PixelFormat::Rgb48, &[negative], &[0, 0, 1, 0, 0, 1]),
            Ok(vec![255, 255, 254, 255, 255, 254])
        );
    }

    #[test]
    fn points_replace_those_of_the_preset() {
        let negative = ("preset", "negative");
        assert_eq!(curved(PixelFormat::Rgb24, &[negative], &[0, 1, 255]), Ok(vec![255, 254, 0]));
        let straight = ("master", "0/0 1/1");
        assert_eq!(
            curved(PixelFormat::Rgb24, &[negative, straight], &[0, 1, 255]),
            Ok(vec![0, 1, 255])
        );
    }

    #[test]
    fn errors_name_the_parameter() {
        let error = curved(PixelFormat::Rgb24, &[("green", "0/0 half/1")], &[0; 3]);
        assert!(error.is_err_and(|e| e.message().starts_with("green: ")));
    }
}
