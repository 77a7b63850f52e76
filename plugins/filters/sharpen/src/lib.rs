//! The sharpen filter: an unsharp mask. What blurring takes away is added once more. At 8 bits it
//! is, bit for bit, Pillow's `UnsharpMask`.

mod mask;

use filmgate_means::{Kind, Softener};
use filmgate_plugin::{
    Description, Error, Filter, FilterDescription, Frame, Parameter, Parameters, PixelFormat,
    StreamInfo, export_filter,
};
use mask::Mask;

struct Sharpen {
    mask: Mask,
    /// The planes that change, each with what blurs it.
    planes: Vec<(u32, Softener)>,
    /// a plane, blurred
    soft: Vec<u8>,
}

impl Filter for Sharpen {
    fn describe() -> FilterDescription {
        let about = Description::new(
            "sharpen",
            env!("CARGO_PKG_VERSION"),
            "sharpens with an unsharp mask, as Pillow's UnsharpMask",
        )
        .license(env!("CARGO_PKG_LICENSE"))
        .homepage(env!("CARGO_PKG_REPOSITORY"))
        .parameter(
            Parameter::decimal("radius", "the standard deviation of the blur that is taken off")
                .range(0.5..=64.0)
                .unit("px")
                .default(2.0),
        )
        .parameter(
            Parameter::integer("amount", "how much of the difference is added")
                .range(1..=500)
                .unit("%")
                .default(100),
        )
        .parameter(
            Parameter::integer("threshold", "the greatest difference that is let be, in 255ths")
                .range(0..=255)
                .default(0),
        )
        .parameter(
            Parameter::choice(
                "planes",
                "which planes of a YUV picture change: the light alone, or the colours too",
                ["luma", "all"],
            )
            .default("luma"),
        );
        FilterDescription::parallel(about, PixelFormat::ALL)
    }

    fn configure(input: &StreamInfo, parameters: &Parameters) -> Result<Self, Error> {
        let layout = input.layout()?;
        let radius = parameters.decimal("radius")? as f32;
        let (amount, threshold) = (parameters.integer("amount")?, parameters.integer("threshold")?);
        let count = if parameters.choice("planes")? == "all" { layout.planes().count() } else { 1 };
        // Chroma that is halved is blurred half as far, so that the mask covers the same.
        let (across, down) = layout.format.chroma_shift();
        let softener = |(index, plane)| {
            let (across, down) = if index == 0 { (0, 0) } else { (across, down) };
            let radius = |shift: u32| radius / (1 << shift) as f32;
            (index, Softener::new(plane, Kind::Gaussian, radius(across), radius(down)))
        };
        Ok(Sharpen {
            mask: Mask::new(layout.format, amount as u32, threshold as u32),
            planes: (0..).zip(layout.planes()).take(count).map(softener).collect(),
            soft: Vec::new(),
        })
    }

    fn process(&mut self, mut frame: Frame) -> Result<Vec<Frame>, Error> {
        let Sharpen { mask, planes, soft } = self;
        for (index, softener) in planes {
            frame.edit_plane(*index, |samples| {
                soft.clear();
                soft.extend_from_slice(samples);
                softener.soften(soft);
                mask.sharpen(samples, soft);
            });
        }
        Ok(frame.into())
    }
}

export_filter!(Sharpen);

#[cfg(test)]
mod tests {
    use super::*;

    /// A step from dark to light, sharpened.
    fn step(threshold: i64) -> Vec<u8> {
        let stream = StreamInfo::new(12, 1, PixelFormat::Gray8);
        let mut frame = Frame::new(&stream.frame(0, 0));
        frame.edit_plane(0, |samples| {
            samples[..6].fill(100);
            samples[6..].fill(140);
        });
        let parameters = Parameters::new([
            ("radius", 1.0.into()),
            ("amount", 100.into()),
            ("threshold", threshold.into()),
            ("planes", "luma".into()),
        ]);
        let mut filter = Sharpen::configure(&stream, &parameters).expect("parameters in range");
        filter.process(frame).expect("it always works")[0].plane(0)
    }

    #[test]
    fn an_edge_gets_steeper_and_flats_stay() {
        let row = step(0);
        assert!(row[5] < 90 && row[6] > 150, "{row:?}");
        assert_eq!((row[0], row[11]), (100, 140));
    }

    #[test]
    fn small_differences_are_let_be() {
        let row = step(40);
        assert_eq!(row, [[100; 6], [140; 6]].concat());
    }
}
