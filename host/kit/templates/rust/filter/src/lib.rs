//! {{name}}: turns light to dark.
use filmgate_plugin::*;

struct Negative(u32);

impl Filter for Negative {
    fn describe() -> FilterDescription {
        let strength = Parameter::integer("strength", "how much is turned").range(0..=100);
        let about = Description::new("{{name}}", env!("CARGO_PKG_VERSION"), "turns light to dark")
            .parameter(strength.unit("%").default(100));
        use PixelFormat::{Gray8, Yuv420p, Yuv422p, Yuv444p};
        FilterDescription::parallel(about, [Yuv420p, Yuv422p, Yuv444p, Gray8])
    }
    fn configure(_input: &StreamInfo, parameters: &Parameters) -> Result<Self, Error> {
        Ok(Negative(parameters.integer("strength")? as u32))
    }
    fn process(&mut self, mut frame: Frame) -> Result<Vec<Frame>, Error> {
        let turn = |light: u32| (light * (100 - self.0) + (255 - light) * self.0) / 100;
        frame.edit_plane(0, |plane| plane.iter_mut().for_each(|s| *s = turn((*s).into()) as u8));
        Ok(frame.into())
    }
}
export_filter!(Negative);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn light_becomes_dark() {
        let stream = StreamInfo::new(2, 1, PixelFormat::Gray8);
        let mut frame = Frame::new(&stream.frame(0, 0));
        frame.set_plane(0, &[0, 200]);
        let frames = Negative(100).process(frame).expect("a frame");
        assert_eq!(frames[0].plane(0), [255, 55]);
    }
}
