//! The grayscale filter: the light of a picture without its colour, in the picture's own format.

mod luma;

use filmgate_plugin::{
    Band, Description, Error, Filter, FilterDescription, Frame, Layout, Parameters, PixelFormat,
    StreamInfo, export_filter,
};

/// What becomes of a picture, by its format.
enum Grayscale {
    /// Chroma, if there is any, is overwritten with this, which stands for no colour. One plane's
    /// worth: both chroma planes are of one size.
    Neutral { chroma: Option<Vec<u8>> },
    /// Red, green and blue are set to the luma that Pillow's `convert("L")` reckons.
    Mixed { layout: Layout },
}

impl Filter for Grayscale {
    fn describe() -> FilterDescription {
        let about = Description::new(
            "grayscale",
            env!("CARGO_PKG_VERSION"),
            "takes the colour out of pictures",
        )
        .license(env!("CARGO_PKG_LICENSE"))
        .homepage(env!("CARGO_PKG_REPOSITORY"));
        FilterDescription::parallel(about, PixelFormat::ALL)
    }

    fn configure(input: &StreamInfo, _parameters: &Parameters) -> Result<Self, Error> {
        let layout = input.layout()?;
        if layout.format.is_yuv() {
            return Ok(Grayscale::Neutral { chroma: Some(neutral(&layout)) });
        }
        if layout.format.is_gray() {
            return Ok(Grayscale::Neutral { chroma: None });
        }
        Ok(Grayscale::Mixed { layout })
    }

    fn process(&mut self, mut frame: Frame) -> Result<Vec<Frame>, Error> {
        match self {
            Grayscale::Neutral { chroma: None } => {}
            Grayscale::Neutral { chroma: Some(chroma) } => {
                frame.set_plane(1, chroma);
                frame.set_plane(2, chroma);
            }
            Grayscale::Mixed { layout } => {
                let spread = |band: Band<'_>| luma::spread(band.samples, layout.format);
                frame.edit_bands(0, &layout.plane(0), 0, spread);
            }
        }
        Ok(frame.into())
    }
}

export_filter!(Grayscale);

/// A chroma plane without colour: the middle of the sample's range.
fn neutral(layout: &Layout) -> Vec<u8> {
    let middle = 1_u16 << (layout.format.bits() - 1);
    let sample = &middle.to_le_bytes()[..layout.format.sample_bytes()];
    sample.repeat(layout.plane(1).bytes() / sample.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One frame with every byte 9, through the filter.
    fn grayed(format: PixelFormat) -> Frame {
        let stream = StreamInfo::new(3, 3, format);
        let mut frame = Frame::new(&stream.frame(0, 0));
        for index in 0..format.plane_count() {
            frame.edit_plane(index, |samples| samples.fill(9));
        }
        let parameters = Grayscale::describe().about().defaults();
        let mut filter = Grayscale::configure(&stream, &parameters).expect("a known format");
        filter.process(frame).expect("it always works").remove(0)
    }

    #[test]
    fn chroma_becomes_neutral_and_luma_stays() {
        let frame = grayed(PixelFormat::Yuv420p);
        assert_eq!(frame.plane(0), [9; 9]);
        assert_eq!(frame.plane(1), [128; 4]);
        assert_eq!(frame.plane(2), [128; 4]);
        let frame = grayed(PixelFormat::Yuv444p10);
        assert_eq!(frame.plane(0), [9; 18]);
        assert_eq!(frame.plane(1), [0, 2].repeat(9));
    }

    #[test]
    fn gray_pictures_stay() {
        assert_eq!(grayed(PixelFormat::Gray8).plane(0), [9; 9]);
        assert_eq!(grayed(PixelFormat::Gray16).plane(0), [9; 18]);
    }
}
