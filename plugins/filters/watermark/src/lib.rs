//! The watermark filter: a picture laid over every frame.

mod decode;
mod scale;

use filmgate_overlay::{Anchor, Colors, Layer, Picture};
use filmgate_plugin::{
    Description, Error, Filter, FilterDescription, Frame, Parameter, Parameters, PixelFormat,
    StreamInfo, export_filter, log,
};

struct Watermark {
    layer: Layer,
}

impl Filter for Watermark {
    fn describe() -> FilterDescription {
        let about = Description::new(
            "watermark",
            env!("CARGO_PKG_VERSION"),
            "lays a picture over all frames",
        )
        .license(env!("CARGO_PKG_LICENSE"))
        .homepage(env!("CARGO_PKG_REPOSITORY"))
        .parameter(
            Parameter::file(
                "picture",
                "what is laid over the frames: a PNG file, best with opacity",
            )
            .required(),
        );
        let about = Anchor::described(about, "bottom-right")
            .parameter(
                Parameter::integer("opacity", "how much of it there is to be seen")
                    .range(0..=100)
                    .unit("%")
                    .default(100),
            )
            .parameter(
                Parameter::decimal("scale", "how wide and high it becomes")
                    .range(0.1..=1000.0)
                    .unit("%")
                    .default(100.0),
            );
        FilterDescription::parallel(about, PixelFormat::ALL)
    }

    fn configure(input: &StreamInfo, parameters: &Parameters) -> Result<Self, Error> {
        let picture = decode::png(parameters.file("picture")?)?;
        let mut picture = scaled(picture, parameters.decimal("scale")?)?;
        let opacity = parameters.integer("opacity")?.clamp(0, 100) as u32;
        for pixel in picture.pixels_mut() {
            pixel[3] = ((u32::from(pixel[3]) * opacity + 50) / 100) as u8;
        }
        let size = (picture.width(), picture.height());
        let place = Anchor::read(parameters)?.place(size, (input.width, input.height));
        let layer = Layer::new(&picture, place, &input.layout()?, &Colors::of(input)?);
        if layer.is_empty() {
            log::warn(format!(
                "nothing of the picture, {}x{} at {},{}, can be seen in frames of {}x{}",
                size.0, size.1, place.0, place.1, input.width, input.height
            ));
        }
        Ok(Watermark { layer })
    }

    fn process(&mut self, mut frame: Frame) -> Result<Vec<Frame>, Error> {
        self.layer.paint(&mut frame);
        Ok(frame.into())
    }
}

/// The picture at so many percent of its size, rounded to the nearest, at least 1x1.
fn scaled(picture: Picture, percent: f64) -> Result<Picture, Error> {
    let side = |pixels: usize| ((pixels as f64 * percent / 100.0).round() as usize).max(1);
    let (width, height) = (side(picture.width()), side(picture.height()));
    if width * height > decode::PIXELS {
        return Err(Error::parameter(
            "scale",
            format!(
                "{percent} % of the picture are {width}x{height}; at most {} pixels can be laid over",
                decode::PIXELS
            ),
        ));
    }
    match (width, height) == (picture.width(), picture.height()) {
        true => Ok(picture),
        false => Ok(scale::scale(&picture, width, height)),
    }
}

export_filter!(Watermark);

#[cfg(test)]
mod tests {
    use super::*;

    /// A PNG of 2x1: opaque white, and black with half opacity.
    fn picture() -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 2, 1);
        encoder.set_color(png::ColorType::Rgba);
        let mut writer = encoder.write_header().expect("a sound header");
        writer.write_image_data(&[255, 255, 255, 255, 0, 0, 0, 128]).expect("all of it");
        writer.finish().expect("all of it");
        bytes
    }

    fn watermark(more: &[(&str, filmgate_plugin::Value)]) -> Result<Frame, Error> {
        let stream = StreamInfo::new(4, 3, PixelFormat::Gray8);
        let mut values = vec![
            ("picture", picture().into()),
            ("position", "bottom-right".into()),
            ("opacity", 100.into()),
            ("scale", 100.0.into()),
        ];
        values.retain(|value| more.iter().all(|given| given.0 != value.0));
        values.extend(more.iter().cloned());
        let mut filter = Watermark::configure(&stream, &Parameters::new(values))?;
        let mut frame = Frame::new(&stream.frame(0, 0));
        frame.set_plane(0, &[100; 12]);
        Ok(filter.process(frame)?.remove(0))
    }

    #[test]
    fn it_stands_where_it_should() {
        let frame = watermark(&[("x", 1.into()), ("y", 1.into())]).expect("a sound picture");
        assert_eq!(frame.plane(0), [100, 100, 100, 100, 100, 255, 50, 100, 100, 100, 100, 100]);
        let half = watermark(&[("x", 0.into()), ("y", 0.into()), ("opacity", 50.into())]);
        // 255 * 50 % is 128: (255 * 128 + 100 * 127) / 255; 128 * 50 % is 64.
        assert_eq!(half.expect("a sound picture").plane(0)[10..], [178, 75]);
    }

    #[test]
    fn outside_of_the_frame_nothing_changes() {
        let frame = watermark(&[("x", 40.into())]).expect("a sound picture");
        assert_eq!(frame.plane(0), [100; 12]);
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        let error = watermark(&[("picture", vec![1, 2, 3].into())]).expect_err("no picture");
        assert!(error.message().starts_with("picture: "), "{error:?}");
        let mut cut = picture();
        cut.truncate(50);
        let error = watermark(&[("picture", cut.into())]).expect_err("half a picture");
        assert!(error.message().starts_with("picture: "), "{error:?}");
        let error = watermark(&[("picture", Vec::new().into())]).expect_err("no picture");
        assert!(error.message().starts_with("picture: "), "{error:?}");
    }
}
