//! The blur filter: every sample becomes the mean of those round it, all alike (a box) or by their
//! distance (a Gaussian). At 8 bits it is, bit for bit, Pillow's `BoxBlur` and `GaussianBlur`.
//!
//! The samples themselves are the business of `filmgate-means`.

use filmgate_means::{Kind, Softener};
use filmgate_plugin::{
    Description, Error, Filter, FilterDescription, Frame, Parameter, Parameters, PixelFormat,
    PlaneLayout, StreamInfo, export_filter,
};
use filmgate_region::Region;

struct Blur {
    parts: Vec<Part>,
}

/// What changes in a plane.
struct Part {
    plane: u32,
    layout: PlaneLayout,
    /// none where the whole plane is softened
    region: Option<Region>,
    softener: Softener,
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
        FilterDescription::parallel(Region::describe(about), PixelFormat::ALL)
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
        let region = Region::of(&layout, parameters)?;
        let part = |(plane, layout_of): (u32, PlaneLayout)| {
            let (across, down) = if plane == 0 { (0, 0) } else { (across, down) };
            let radius = |shift: u32| radius / (1 << shift) as f32;
            let whole = region.is_whole(&layout);
            let region = (!whole).then(|| region.shifted((across, down)));
            let softened = region.as_ref().map_or(layout_of, |region| PlaneLayout {
                columns: region.columns.len(),
                rows: region.rows.len(),
                ..layout_of
            });
            let softener = Softener::new(softened, kind, radius(across), radius(down));
            Part { plane, layout: layout_of, region, softener }
        };
        let parts = (0..).zip(layout.planes()).take(count).map(part);
        // A region of a pixel may have nothing of halved chroma.
        Ok(Blur { parts: parts.filter(|part| !part.is_empty()).collect() })
    }

    fn process(&mut self, mut frame: Frame) -> Result<Vec<Frame>, Error> {
        self.parts.iter_mut().for_each(|part| part.soften(&mut frame));
        Ok(frame.into())
    }
}

impl Part {
    fn is_empty(&self) -> bool {
        let empty = |region: &Region| region.columns.is_empty() || region.rows.is_empty();
        self.region.as_ref().is_some_and(empty)
    }

    /// Softens the plane, or the region as if it were a frame of its own: nothing of what is
    /// beside it gets in.
    fn soften(&mut self, frame: &mut Frame) {
        let Part { plane, layout, region, softener } = self;
        let Some(Region { columns, rows }) = region else {
            return frame.edit_plane(*plane, |samples| softener.soften(samples));
        };
        let pixel = layout.pixel_bytes();
        let inside = columns.start * pixel..columns.end * pixel;
        frame.edit_rows(*plane, rows.start, rows.len(), |samples| {
            let kept = layout.rows(samples).map(|row| &row[inside.clone()]);
            let mut part: Vec<u8> = kept.flatten().copied().collect();
            softener.soften(&mut part);
            let rows = layout.rows_mut(samples).zip(part.chunks_exact(inside.len()));
            rows.for_each(|(row, part)| row[inside.clone()].copy_from_slice(part));
        });
    }
}

export_filter!(Blur);

#[cfg(test)]
mod tests {
    use super::*;

    /// A white point in the middle of black, blurred.
    fn spread(format: PixelFormat, kind: &str, radius: f64, planes: &str) -> Frame {
        spread_in(format, kind, radius, planes, ["0", "0", "100%", "100%"])
    }

    /// The same in a rectangle: x, y, width and height.
    fn spread_in(
        format: PixelFormat,
        kind: &str,
        radius: f64,
        planes: &str,
        [x, y, width, height]: [&str; 4],
    ) -> Frame {
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
            ("x", x.into()),
            ("y", y.into()),
            ("width", width.into()),
            ("height", height.into()),
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
    fn what_is_outside_of_the_rectangle_stays() {
        // The point is in the rectangle's upper left corner, where it counts four times in nine.
        let frame = spread_in(PixelFormat::Yuv420p, "box", 1.0, "all", ["4", "4", "3", "100%"]);
        let light = frame.plane(0);
        assert_eq!((light[4 * 9 + 4], light[5 * 9 + 5]), (113, 28));
        let touched: Vec<usize> = (0..81).filter(|i| light[*i] != 0).collect();
        assert_eq!(touched, [40, 41, 49, 50]);
        // A pixel at an odd place has nothing of the chroma.
        let frame = spread_in(PixelFormat::Yuv420p, "box", 1.0, "all", ["5", "5", "1", "1"]);
        assert_eq!(frame.plane(1).iter().filter(|v| **v != 0).count(), 1);
    }

    #[test]
    fn time_and_number_stay() {
        let info = spread(PixelFormat::Rgb24, "box", 1.0, "all").info();
        assert_eq!((info.index, info.timestamp), (3, 40));
    }
}
