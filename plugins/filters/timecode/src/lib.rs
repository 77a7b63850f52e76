//! The timecode filter: writes time, frame numbers or any text into every frame.

mod clock;
mod font;
mod pattern;
mod strip;

use clock::Clock;
use filmgate_overlay::{Anchor, Colors};
use filmgate_plugin::{
    Color, Description, Error, Filter, FilterDescription, Frame, Layout, Parameter, Parameters,
    PixelFormat, StreamInfo, export_filter,
};
use pattern::Pattern;
use strip::{Strip, Style};

struct Timecode {
    layout: Layout,
    clock: Clock,
    pattern: Pattern,
    anchor: Anchor,
    strip: Strip,
}

impl Filter for Timecode {
    fn describe() -> FilterDescription {
        let about = Description::new(
            "timecode",
            env!("CARGO_PKG_VERSION"),
            "writes time, frame numbers or any text into the picture",
        )
        .license(env!("CARGO_PKG_LICENSE"))
        .homepage(env!("CARGO_PKG_REPOSITORY"))
        .parameter(
            Parameter::text(
                "text",
                "what is written; {time}, {timecode}, {frame} and {tag:KEY} are filled in",
            )
            .length(1..=256)
            .default("{time}"),
        );
        let about = Anchor::described(about, "top-left")
            .parameter(
                Parameter::integer(
                    "size",
                    "how many pixels across and down a dot of the letters is",
                )
                .range(1..=32)
                .unit("px")
                .default(2),
            )
            .parameter(
                Parameter::color("color", "of the letters").default(color(255, 255, 255, 255)),
            )
            .parameter(
                Parameter::color("background", "of the box behind them")
                    .default(color(0, 0, 0, 160)),
            )
            .parameter(
                Parameter::integer("offset", "what is added to {time} and {timecode}")
                    .range(-360_000_000..=360_000_000)
                    .unit("ms")
                    .default(0),
            );
        FilterDescription::parallel(about, PixelFormat::ALL)
    }

    fn configure(input: &StreamInfo, parameters: &Parameters) -> Result<Self, Error> {
        let clock = Clock { offset: parameters.integer("offset")?, rate: input.frame_rate };
        let style = Style {
            size: parameters.integer("size")?.clamp(1, 32) as usize,
            color: pixel(parameters.color("color")?),
            background: pixel(parameters.color("background")?),
        };
        Ok(Timecode {
            layout: input.layout()?,
            pattern: Pattern::read(parameters.text("text")?, &clock)?,
            anchor: Anchor::read(parameters)?,
            strip: Strip::new(style, Colors::of(input)?)?,
            clock,
        })
    }

    fn process(&mut self, mut frame: Frame) -> Result<Vec<Frame>, Error> {
        let text = self.pattern.fill(&frame, &self.clock);
        let glyphs = self.strip.glyphs(&text);
        let size = self.strip.size(glyphs.len());
        let place = self.anchor.place(size, (self.layout.width, self.layout.height));
        // Chroma samples of subsampled formats belong to one letter each.
        let place = (place.0 & !1, place.1 & !1);
        for index in 0..self.layout.format.plane_count() {
            let (first, count) = self.strip.rows(place.1, index, &self.layout);
            frame.edit_rows(index, first, count, |samples| {
                self.strip.paint(&glyphs, (samples, first), index, &self.layout, place);
            });
        }
        Ok(frame.into())
    }
}

fn color(red: u8, green: u8, blue: u8, alpha: u8) -> Color {
    Color { red, green, blue, alpha }
}

fn pixel(color: Color) -> [u8; 4] {
    [color.red, color.green, color.blue, color.alpha]
}

export_filter!(Timecode);

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, format: PixelFormat, size: (u32, u32), place: (i64, i64)) -> Frame {
        let mut stream = StreamInfo::new(size.0, size.1, format);
        stream.frame_rate = Some(filmgate_plugin::Rational { num: 25, den: 1 });
        let parameters = Parameters::new([
            ("text", text.into()),
            ("position", "top-left".into()),
            ("x", place.0.into()),
            ("y", place.1.into()),
            ("size", 1.into()),
            ("color", color(255, 255, 255, 255).into()),
            ("background", color(0, 0, 0, 255).into()),
            ("offset", 0.into()),
        ]);
        let mut filter = Timecode::configure(&stream, &parameters).expect("parameters in range");
        let mut frame = Frame::new(&stream.frame(7, 40_000_000));
        for index in 0..format.plane_count() {
            frame.edit_plane(index, |samples| samples.fill(99));
        }
        filter.process(frame).expect("it always works").remove(0)
    }

    /// The rows of a gray picture, `#` for white, `.` for black and `:` for what was there.
    fn drawn(frame: &Frame, width: usize) -> Vec<String> {
        let dot = |sample: &u8| match sample {
            255 => '#',
            0 => '.',
            _ => ':',
        };
        frame.plane(0).chunks(width).map(|row| row.iter().map(dot).collect()).collect()
    }

    #[test]
    fn letters_are_those_of_the_font() {
        let frame = written("1", PixelFormat::Gray8, (18, 18), (1, 2));
        let expected = [
            "::::::::::::::::::",
            "::::::::::::::::::",
            "................::",
            "................::",
            "................::",
            ".......##.......::",
            "......###.......::",
            ".....####.......::",
            ".......##.......::",
        ];
        assert_eq!(drawn(&frame, 18)[..9], expected);
    }

    #[test]
    fn what_does_not_fit_is_cut_off() {
        let whole = drawn(&written("{frame}", PixelFormat::Gray8, (40, 20), (0, 0)), 40);
        let cut = drawn(&written("{frame}", PixelFormat::Gray8, (9, 7), (0, 0)), 9);
        assert!(whole.iter().zip(&cut).all(|(whole, cut)| whole.starts_with(cut)));
        let left = drawn(&written("{frame}", PixelFormat::Gray8, (40, 20), (-6, -4)), 40);
        assert!(whole[4..].iter().zip(&left).all(|(whole, left)| left.starts_with(&whole[6..16])));
    }

    #[test]
    fn colors_are_those_of_the_format() {
        let frame = written("#", PixelFormat::Yuv420p, (33, 21), (0, 0));
        assert_eq!(frame.plane(0)[..16], [16; 16]);
        assert!(frame.plane(0)[..33 * 16].contains(&235));
        assert_eq!(frame.plane(1)[..9], [128, 128, 128, 128, 128, 128, 128, 128, 99]);
        assert_eq!(frame.plane(2)[8 * 17], 99);
    }
}
