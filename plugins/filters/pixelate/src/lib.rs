//! The pixelate filter: a picture, or a rectangle in it, in coarse blocks of one colour each.

mod blocks;

use blocks::{Blocks, cuts};
use filmgate_plugin::{
    Description, Error, Filter, FilterDescription, Frame, Parameter, Parameters, PixelFormat,
    StreamInfo, export_filter,
};
use filmgate_region::Region;

struct Pixelate {
    planes: Vec<(u32, Blocks)>,
}

impl Filter for Pixelate {
    fn describe() -> FilterDescription {
        let about = Description::new(
            "pixelate",
            env!("CARGO_PKG_VERSION"),
            "turns the picture, or a rectangle in it, into coarse blocks",
        )
        .license(env!("CARGO_PKG_LICENSE"))
        .homepage(env!("CARGO_PKG_REPOSITORY"))
        .parameter(
            Parameter::integer("block", "how wide and high a block is")
                .range(2..=256)
                .unit("px")
                .default(16),
        );
        FilterDescription::parallel(Region::describe(about), PixelFormat::ALL)
    }

    fn configure(input: &StreamInfo, parameters: &Parameters) -> Result<Self, Error> {
        let layout = input.layout()?;
        let block = parameters.integer("block")? as usize;
        let region = Region::of(&layout, parameters)?;
        let blocks = |(index, plane)| {
            let (across, down) = if index == 0 { (0, 0) } else { layout.format.chroma_shift() };
            let columns = cuts(&region.columns, block, across);
            (index, Blocks::new(plane, columns, cuts(&region.rows, block, down)))
        };
        Ok(Pixelate { planes: (0..).zip(layout.planes()).map(blocks).collect() })
    }

    fn process(&mut self, mut frame: Frame) -> Result<Vec<Frame>, Error> {
        for (index, blocks) in &mut self.planes {
            frame.edit_plane(*index, |samples| blocks.draw(samples));
        }
        Ok(frame.into())
    }
}

export_filter!(Pixelate);

#[cfg(test)]
mod tests {
    use super::*;

    fn configured(given: &[(&str, &str)]) -> Result<Pixelate, Error> {
        let parameters = [("x", "0"), ("y", "0"), ("width", "100%"), ("height", "100%")]
            .into_iter()
            .map(|default| *given.iter().find(|g| g.0 == default.0).unwrap_or(&default))
            .map(|(name, value)| (name, value.into()))
            .chain([("block", 2.into())]);
        let stream = StreamInfo::new(6, 4, PixelFormat::Yuv420p);
        Pixelate::configure(&stream, &Parameters::new(parameters))
    }

    fn drawn(given: &[(&str, &str)]) -> Frame {
        let mut frame = Frame::new(&StreamInfo::new(6, 4, PixelFormat::Yuv420p).frame(3, 40));
        for index in 0..3 {
            frame.edit_plane(index, |samples| {
                for (i, sample) in samples.iter_mut().enumerate() {
                    *sample = (i * i) as u8;
                }
            });
        }
        let mut filter = configured(given).expect("parameters in range");
        filter.process(frame).expect("it always works").remove(0)
    }

    #[test]
    fn blocks_are_means() {
        let light = drawn(&[]).plane(0);
        // 0, 1, 36, 49 and 4, 9, 64, 81.
        assert_eq!(light[..6], light[6..12]);
        assert_eq!(light[..4], [22, 22, 40, 40]);
    }

    #[test]
    fn what_is_outside_of_the_rectangle_stays() {
        let frame = drawn(&[("x", "50%"), ("y", "2"), ("width", "2"), ("height", "2")]);
        let light = frame.plane(0);
        for (i, sample) in light.iter().enumerate() {
            let inside = (3..5).contains(&(i % 6)) && i / 6 >= 2;
            // 225, 0, 185 and 228.
            assert_eq!(*sample, if inside { 160 } else { (i * i) as u8 }, "{i}");
        }
        assert_eq!(frame.plane(1)[..3], [0, 1, 4]);
    }

    #[test]
    fn mistakes_are_named() {
        for (name, value, why) in [
            ("x", "6", "right of the picture"),
            ("y", "4", "below the picture"),
            ("width", "0", "must be above 0"),
            ("height", "-3", "must be pixels"),
            ("x", "101%", "0% to 100%"),
            ("width", "wide", "must be pixels"),
        ] {
            let error = configured(&[(name, value)]).err().expect("a mistake");
            let text = error.message();
            assert!(text.starts_with(name) && text.contains(why), "{name}={value}: {text}");
        }
    }
}
