//! How large the output is, and which part of the source goes where in it.

use filmgate_plugin::{Error, Parameters, Rational, StreamInfo};

/// The longest side of an output.
pub(crate) const MOST: u32 = 16384;

/// The most pixels of a frame that the host takes.
const MOST_PIXELS: u64 = 1 << 26;

/// What a side of the output is to be.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Side {
    /// in pixels
    Pixels(u32),
    /// as the other side says, a multiple of so many pixels
    Following(u32),
}

/// What becomes of the frame's shape where the output has another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Stretch,
    Fit,
    Pad,
    Fill,
}

/// Sizes and places.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Plan {
    /// the output, with bars
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// the picture in it, in pixels: place and size
    pub(crate) at: (u32, u32),
    pub(crate) inner: (u32, u32),
    /// the part of the source that is seen, in its pixels: place and size
    pub(crate) from: (f64, f64),
    pub(crate) seen: (f64, f64),
    pub(crate) sample_aspect: Rational,
}

impl Plan {
    /// # Errors
    /// Where a side is no length, out of range, or missing.
    pub(crate) fn new(input: &StreamInfo, parameters: &Parameters) -> Result<Plan, Error> {
        let mode = match parameters.choice("mode")? {
            "fit" => Mode::Fit,
            "pad" => Mode::Pad,
            "fill" => Mode::Fill,
            _ => Mode::Stretch,
        };
        let width = Side::read("width", parameters.text("width")?, input.width)?;
        let height = Side::read("height", parameters.text("height")?, input.height)?;
        let Some((width, height)) = sides(width, height, input, mode)? else {
            let why = "one of width and height must be a size; give one, or both with mode=fit, \
                       pad or fill";
            return Err(Error::parameter("width", why));
        };
        for (name, side) in [("width", width), ("height", height)] {
            if side > MOST {
                let why = format!("would be {side} px to keep the shape; the most is {MOST}");
                return Err(Error::parameter(name, why));
            }
        }
        if u64::from(width) * u64::from(height) > MOST_PIXELS {
            let why = format!("{width}x{height} is more than {MOST_PIXELS} pixels");
            return Err(Error::parameter("width", why));
        }
        Ok(Plan::placed(input, mode, (width, height)))
    }

    fn placed(input: &StreamInfo, mode: Mode, (width, height): (u32, u32)) -> Plan {
        let source = (f64::from(input.width), f64::from(input.height));
        let mut plan = Plan {
            width,
            height,
            at: (0, 0),
            inner: (width, height),
            from: (0.0, 0.0),
            seen: source,
            sample_aspect: Rational { num: 1, den: 1 },
        };
        let aspect = aspect(input);
        // Output pixels a source pixel, each way, where all of the frame is seen.
        let fit = (f64::from(width) / (source.0 * aspect), f64::from(height) / source.1);
        match mode {
            Mode::Stretch => plan.sample_aspect = stretched(input, width, height),
            Mode::Fit | Mode::Pad => {
                let scale = fit.0.min(fit.1);
                let side = |length: f64, most: u32| (length.round() as u32).clamp(1, most);
                plan.inner =
                    (side(source.0 * aspect * scale, width), side(source.1 * scale, height));
                if mode == Mode::Fit {
                    (plan.width, plan.height) = plan.inner;
                } else {
                    // On a whole chroma sample of every format.
                    let middle = |all: u32, part: u32| ((all - part) / 2) & !1;
                    plan.at = (middle(width, plan.inner.0), middle(height, plan.inner.1));
                }
            }
            Mode::Fill => {
                let scale = fit.0.max(fit.1);
                let seen = |pixels: u32, scale: f64, all: f64| (f64::from(pixels) / scale).min(all);
                plan.seen = (seen(width, scale * aspect, source.0), seen(height, scale, source.1));
                plan.from = ((source.0 - plan.seen.0) / 2.0, (source.1 - plan.seen.1) / 2.0);
            }
        }
        plan
    }

    /// Whether frames come out as they come in.
    pub(crate) fn is_nothing(&self, input: &StreamInfo) -> bool {
        let size = (input.width, input.height);
        (self.width, self.height) == size
            && self.inner == size
            && self.seen == (f64::from(size.0), f64::from(size.1))
    }
}

impl Side {
    fn read(name: &str, text: &str, whole: u32) -> Result<Side, Error> {
        let wrong = |why: &str| Error::parameter(name, format!("{why}; it is {text:?}"));
        match text {
            "-1" => return Ok(Side::Following(1)),
            "-2" => return Ok(Side::Following(2)),
            _ => {}
        }
        let form = "must be pixels, as in 640, a share of the frame, as in 50%, or -1 or -2 to keep \
                    the shape";
        let pixels = match text.strip_suffix('%') {
            Some(share) => {
                let share: f64 = share.parse().map_err(|_| wrong(form))?;
                let pixels = (share * f64::from(whole) / 100.0).round();
                if !(share > 0.0 && pixels <= f64::from(MOST)) {
                    return Err(wrong(&format!("must be above 0% and come to at most {MOST} px")));
                }
                (pixels as i64).max(1)
            }
            None => text.parse::<i64>().map_err(|_| wrong(form))?,
        };
        let fits = u32::try_from(pixels).ok().filter(|n| (1..=MOST).contains(n));
        fits.map(Side::Pixels).ok_or_else(|| wrong(&format!("must be from 1 to {MOST} px")))
    }
}

/// Both sides in pixels; none where neither is given.
fn sides(
    width: Side,
    height: Side,
    input: &StreamInfo,
    mode: Mode,
) -> Result<Option<(u32, u32)>, Error> {
    // Stretched, samples keep their shape; in the other modes they become square.
    let aspect = if mode == Mode::Stretch { 1.0 } else { aspect(input) };
    let shape = f64::from(input.width) * aspect / f64::from(input.height);
    let follow = |length: f64, multiple: u32| {
        let count = (length / f64::from(multiple)).round().clamp(1.0, f64::from(1 << 24));
        count as u32 * multiple
    };
    Ok(match (width, height) {
        (Side::Pixels(width), Side::Pixels(height)) => Some((width, height)),
        (Side::Pixels(width), Side::Following(multiple)) => {
            Some((width, follow(f64::from(width) / shape, multiple)))
        }
        (Side::Following(multiple), Side::Pixels(height)) => {
            Some((follow(f64::from(height) * shape, multiple), height))
        }
        (Side::Following(_), Side::Following(_)) => None,
    })
}

/// The width of a source sample, its height being one.
fn aspect(input: &StreamInfo) -> f64 {
    let Rational { num, den } = input.sample_aspect;
    if num > 0 && den > 0 { f64::from(num) / f64::from(den) } else { 1.0 }
}

/// The shape of samples that leaves the whole frame as wide as it is shown.
fn stretched(input: &StreamInfo, width: u32, height: u32) -> Rational {
    let Rational { num, den } = input.sample_aspect;
    if num <= 0 || den <= 0 {
        return input.sample_aspect;
    }
    let wide = i128::from(num) * i128::from(input.width) * i128::from(height);
    let high = i128::from(den) * i128::from(input.height) * i128::from(width);
    let divisor = gcd(wide, high);
    let (mut num, mut den) = (wide / divisor, high / divisor);
    while num > i128::from(i32::MAX) || den > i128::from(i32::MAX) {
        (num, den) = ((num / 2).max(1), (den / 2).max(1));
    }
    Rational { num: num as i32, den: den as i32 }
}

fn gcd(a: i128, b: i128) -> i128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use filmgate_plugin::PixelFormat;

    fn plan(
        size: (u32, u32),
        aspect: (i32, i32),
        sides: [&str; 2],
        mode: &str,
    ) -> Result<Plan, Error> {
        let mut input = StreamInfo::new(size.0, size.1, PixelFormat::Yuv420p);
        input.sample_aspect = Rational { num: aspect.0, den: aspect.1 };
        let values = [("width", sides[0]), ("height", sides[1]), ("mode", mode)];
        Plan::new(&input, &Parameters::new(values.map(|(name, value)| (name, value.into()))))
    }

    fn size(size: (u32, u32), sides: [&str; 2], mode: &str) -> (u32, u32) {
        let plan = plan(size, (1, 1), sides, mode).expect("sizes in range");
        (plan.width, plan.height)
    }

    #[test]
    fn sizes_are_pixels_shares_or_what_keeps_the_shape() {
        assert_eq!(size((1280, 720), ["640", "-1"], "stretch"), (640, 360));
        assert_eq!(size((1280, 720), ["-1", "100"], "stretch"), (178, 100));
        assert_eq!(size((1280, 720), ["-2", "101"], "stretch"), (180, 101));
        assert_eq!(size((1280, 720), ["50%", "33.3%"], "stretch"), (640, 240));
        assert_eq!(size((1280, 720), ["1", "-2"], "stretch"), (1, 2));
        assert_eq!(size((640, 480), ["320", "320"], "fit"), (320, 240));
    }

    #[test]
    fn the_displayed_shape_stays() {
        // A DVD: 720x576 shown as 1024x576.
        let stretch = plan((720, 576), (64, 45), ["1024", "576"], "stretch").expect("a size");
        assert_eq!((stretch.sample_aspect.num, stretch.sample_aspect.den), (1, 1));
        let half = plan((720, 576), (64, 45), ["360", "-1"], "stretch").expect("a size");
        assert_eq!((half.height, half.sample_aspect.num), (288, 64));
        let fit = plan((720, 576), (64, 45), ["512", "512"], "fit").expect("a size");
        assert_eq!((fit.inner, fit.sample_aspect.num), ((512, 288), 1));
    }

    #[test]
    fn bars_and_what_is_cut_off() {
        let pad = plan((640, 480), (1, 1), ["320", "180"], "pad").expect("a size");
        assert_eq!((pad.width, pad.inner, pad.at), (320, (240, 180), (40, 0)));
        let fill = plan((640, 480), (1, 1), ["320", "180"], "fill").expect("a size");
        assert_eq!((fill.inner, fill.from, fill.seen), ((320, 180), (0.0, 60.0), (640.0, 360.0)));
    }

    #[test]
    fn mistakes_are_named() {
        for (sides, mode, why) in [
            (["0", "-1"], "stretch", "width: must be from 1 to 16384"),
            (["-1", "100000"], "stretch", "height: must be from 1 to 16384"),
            (["-1", "-2"], "fit", "width: one of width and height"),
            (["wide", "-1"], "fit", "width: must be pixels"),
            (["0%", "-1"], "fit", "width: must be above 0%"),
            (["NaN%", "-1"], "fit", "width: must be above 0%"),
            (["16384", "-1"], "stretch", "height: would be 32768 px"),
            (["16384", "16384"], "stretch", "width: 16384x16384 is more than 67108864 pixels"),
            (["1.5", "2"], "stretch", "width: must be pixels"),
        ] {
            let error = plan((100, 200), (1, 1), sides, mode).expect_err("a mistake");
            assert!(error.message().starts_with(why), "{sides:?}: {}", error.message());
        }
    }
}
