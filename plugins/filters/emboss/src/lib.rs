//! The emboss filter: pictures as grey relief, lit from the lower left, bit for bit as Pillow's
//! `ImageFilter.EMBOSS` has it.

mod relief;

use filmgate_plugin::{
    Description, Error, Filter, FilterDescription, Frame, Parameter, Parameters, PixelFormat,
    PlaneLayout, StreamInfo, export_filter,
};
use relief::Depth;

struct Emboss {
    depth: Depth,
    /// The planes that change, and how they lie.
    planes: Vec<(u32, PlaneLayout)>,
}

impl Filter for Emboss {
    fn describe() -> FilterDescription {
        let about = Description::new(
            "emboss",
            env!("CARGO_PKG_VERSION"),
            "grey relief, as Pillow's ImageFilter.EMBOSS",
        )
        .license(env!("CARGO_PKG_LICENSE"))
        .homepage(env!("CARGO_PKG_REPOSITORY"))
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
        let all = parameters.choice("planes")? == "all";
        // A plane with less than three columns or rows is border throughout.
        let changes = |(index, plane): &(u32, PlaneLayout)| {
            (all || *index == 0) && plane.columns >= 3 && plane.rows >= 3
        };
        Ok(Emboss {
            depth: Depth::of(layout.format),
            planes: (0..).zip(layout.planes()).filter(changes).collect(),
        })
    }

    fn process(&mut self, mut frame: Frame) -> Result<Vec<Frame>, Error> {
        for (index, plane) in &self.planes {
            frame.edit_bands(*index, plane, 1, |band| relief::emboss(band, plane, self.depth));
        }
        Ok(frame.into())
    }
}

export_filter!(Emboss);

#[cfg(test)]
mod tests {
    use super::*;

    /// One frame whose planes count upwards, through the filter.
    fn embossed(format: PixelFormat, planes: &str) -> (Frame, Frame) {
        let stream = StreamInfo::new(6, 6, format);
        let mut frame = Frame::new(&stream.frame(3, 40));
        for index in 0..format.plane_count() {
            frame.edit_plane(index, |samples| {
                samples
                    .iter_mut()
                    .zip(0_u32..)
                    .for_each(|(sample, i)| *sample = (i as u8).wrapping_mul(3));
            });
        }
        let parameters = Parameters::new([("planes", planes.into())]);
        let mut filter = Emboss::configure(&stream, &parameters).expect("a known format");
        let mut frames = filter.process(frame.clone()).expect("it always works");
        assert_eq!(frames.len(), 1);
        (frame, frames.remove(0))
    }

    #[test]
    fn luma_leaves_chroma_alone() {
        let (before, after) = embossed(PixelFormat::Yuv420p, "luma");
        assert_ne!(after.plane(0), before.plane(0));
        assert_eq!(after.plane(1), before.plane(1));
        let (before, after) = embossed(PixelFormat::Yuv420p, "all");
        assert_ne!(after.plane(1), before.plane(1));
        assert_ne!(after.plane(2), before.plane(2));
    }

    #[test]
    fn every_channel_changes_where_there_is_one_plane() {
        let (before, after) = embossed(PixelFormat::Rgba, "luma");
        let (before, after) = (before.plane(0), after.plane(0));
        // The pixel at (1, 1): 24 + 4 samples in; its lower left neighbour stands at 48.
        for channel in 0..4 {
            let expected = i16::from(before[28 + channel]) - i16::from(before[48 + channel]) + 128;
            assert_eq!(i16::from(after[28 + channel]), expected.clamp(0, 255));
        }
        assert_eq!(after[..28], before[..28]);
    }

    #[test]
    fn time_and_number_stay() {
        let (before, after) = embossed(PixelFormat::Gray8, "luma");
        assert_eq!(before.info(), after.info());
    }

    #[test]
    fn a_picture_that_is_all_border_stays() {
        let stream = StreamInfo::new(2, 9, PixelFormat::Gray8);
        let filter = Emboss::configure(&stream, &Emboss::describe().about().defaults());
        assert!(filter.is_ok_and(|filter| filter.planes.is_empty()));
    }
}
