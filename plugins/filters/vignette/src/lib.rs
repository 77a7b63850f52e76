//! The vignette filter: pictures darker towards their corners, as lenses make them and FFmpeg's
//! `vignette`.

mod light;
mod shade;

use filmgate_plugin::{
    Description, Error, Filter, FilterDescription, Frame, Parameter, Parameters, PixelFormat,
    StreamInfo, export_filter,
};
use light::Light;
use shade::{Black, shade};

struct Vignette {
    black: Black,
    /// How much light is left in each plane of the luma's size, and of the chroma's.
    lights: Vec<Light>,
    planes: u32,
}

impl Filter for Vignette {
    fn describe() -> FilterDescription {
        let about = Description::new(
            "vignette",
            env!("CARGO_PKG_VERSION"),
            "darkens pictures towards their corners",
        )
        .license(env!("CARGO_PKG_LICENSE"))
        .homepage(env!("CARGO_PKG_REPOSITORY"))
        .parameter(
            Parameter::decimal("strength", "how much of its light the corner loses")
                .range(0.0..=100.0)
                .unit("%")
                .default(50.0),
        )
        .parameter(
            Parameter::choice(
                "shape",
                "what is equally bright: circles, or ellipses as wide as the picture",
                ["circle", "ellipse"],
            )
            .default("circle"),
        );
        FilterDescription::parallel(about, PixelFormat::ALL)
    }

    fn configure(input: &StreamInfo, parameters: &Parameters) -> Result<Self, Error> {
        let layout = input.layout()?;
        let strength = parameters.decimal("strength")? / 100.0;
        let (width, height) = (f64::from(layout.width), f64::from(layout.height));
        // How many heights of a sample a width is: of the picture's own, or of its whole extent.
        let aspect = if parameters.choice("shape")? == "ellipse" {
            height / width
        } else {
            f64::from(input.sample_aspect.num) / f64::from(input.sample_aspect.den)
        };
        let (across, down) = layout.format.chroma_shift();
        let shifts =
            if layout.format.is_yuv() { vec![(0, 0), (across, down)] } else { vec![(0, 0)] };
        let light = |(across, down)| {
            Light::new(layout.width, layout.height, across, down, aspect, strength)
        };
        Ok(Vignette {
            black: Black::of(layout.format, input.text("color-range")),
            lights: shifts.into_iter().map(light).collect(),
            planes: layout.format.plane_count(),
        })
    }

    fn process(&mut self, mut frame: Frame) -> Result<Vec<Frame>, Error> {
        for index in 0..self.planes {
            let Some(light) = self.lights.get(index.min(1) as usize) else { continue };
            frame.edit_plane(index, |samples| shade(samples, light, self.black, index > 0));
        }
        Ok(frame.into())
    }
}

export_filter!(Vignette);
