//! The chromakey filter: what has the key colour, bright or dark, becomes transparent, or another
//! colour where a picture cannot be transparent.

mod key;
mod packed;
mod planar;
mod rows;

use filmgate_plugin::{
    Color, Description, Error, Filter, FilterDescription, Frame, Parameter, Parameters,
    PixelFormat, StreamInfo, export_filter,
};
use key::{Cut, Matrix};
use packed::Packed;
use planar::Planar;

enum Chromakey {
    Planar(Planar),
    Packed(Packed),
}

impl Filter for Chromakey {
    fn describe() -> FilterDescription {
        let about = Description::new(
            "chromakey",
            env!("CARGO_PKG_VERSION"),
            "takes out what has the key colour",
        )
        .license(env!("CARGO_PKG_LICENSE"))
        .homepage(env!("CARGO_PKG_REPOSITORY"))
        .parameter(
            Parameter::color("color", "the key colour; only its hue and saturation count")
                .default(Color { red: 0, green: 255, blue: 0, alpha: 255 }),
        )
        .parameter(
            Parameter::decimal("similarity", "how far a colour may be off and still go; 1 is all")
                .range(0.0..=1.0)
                .default(0.12),
        )
        .parameter(
            Parameter::decimal("blend", "how much farther colours go in part")
                .range(0.0..=1.0)
                .default(0.06),
        )
        .parameter(Parameter::color(
            "background",
            "what is put there; without it transparency, and black where there is none",
        ));
        let formats = [
            PixelFormat::Yuv420p,
            PixelFormat::Yuv422p,
            PixelFormat::Yuv444p,
            PixelFormat::Rgba,
            PixelFormat::Rgb24,
            PixelFormat::Yuv420p10,
            PixelFormat::Yuv422p10,
            PixelFormat::Yuv444p10,
        ];
        FilterDescription::parallel(about, formats)
    }

    fn configure(input: &StreamInfo, parameters: &Parameters) -> Result<Self, Error> {
        let layout = input.layout()?;
        let color = parameters.color("color")?;
        let background: Option<Color> = parameters.get("background")?;
        let cut = Cut::new(parameters.decimal("similarity")?, parameters.decimal("blend")?);
        if !layout.format.is_yuv() {
            return Ok(Chromakey::Packed(Packed::new(&layout, color, background, cut)));
        }
        let black = Color { red: 0, green: 0, blue: 0, alpha: 255 };
        let matrix = Matrix::of(input.text("color-space"), input.text("color-range"));
        let bits = layout.format.bits();
        let key = matrix.samples(color, bits);
        let background = matrix.samples(background.unwrap_or(black), bits);
        Ok(Chromakey::Planar(Planar::new(&layout, key, background, cut)))
    }

    fn process(&mut self, mut frame: Frame) -> Result<Vec<Frame>, Error> {
        match self {
            Chromakey::Packed(packed) => frame.edit_plane(0, |samples| packed.cut(samples)),
            Chromakey::Planar(planar) => {
                let mut planes = [0, 1, 2].map(|index| frame.plane(index));
                planar.cut(&mut planes);
                for (samples, index) in planes.iter().zip(0..) {
                    frame.set_plane(index, samples);
                }
            }
        }
        Ok(frame.into())
    }
}

export_filter!(Chromakey);

#[cfg(test)]
mod tests;
