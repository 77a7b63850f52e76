//! The points of a curve, read from text, and the ready-made ones.

use filmgate_plugin::Error;

/// Where a curve passes; both from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) y: f64,
}

/// Reads `x/y x/y …`. The columns of a table with `most + 1` entries that two points fall into
/// must rise.
pub(crate) fn read(name: &str, text: &str, most: u32) -> Result<Vec<Point>, Error> {
    let mut points: Vec<Point> = Vec::new();
    for (word, number) in text.split_whitespace().zip(1..) {
        let fail = |why: &str| Error::parameter(name, format!("point {number}, {word:?}, {why}"));
        let share = |text: &str| text.parse::<f64>().ok().filter(|n| n.is_finite());
        let point = word.split_once('/').and_then(|(x, y)| Some((share(x)?, share(y)?)));
        let (x, y) = point.ok_or_else(|| fail("is not two numbers as 0.5/0.6"))?;
        if !(0.0..=1.0).contains(&x) || !(0.0..=1.0).contains(&y) {
            return Err(fail("has a number that is not from 0 to 1"));
        }
        if points.last().is_some_and(|last| column(last.x, most) >= column(x, most)) {
            return Err(fail("is not to the right of the one before, or too close to it"));
        }
        points.push(Point { x, y });
    }
    Ok(points)
}

/// The entry of a table that a point belongs to: the one below it.
pub(crate) fn column(x: f64, most: u32) -> usize {
    (x * f64::from(most)) as usize
}

/// Ready-made curves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Preset {
    name: &'static str,
    /// red, green and blue
    pub(crate) colours: [Option<&'static str>; 3],
    pub(crate) master: Option<&'static str>,
}

impl Preset {
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        PRESETS.iter().map(|preset| preset.name)
    }

    /// The one of that name; the first, which is none, for any other.
    pub(crate) fn named(name: &str) -> Preset {
        PRESETS.iter().find(|preset| preset.name == name).copied().unwrap_or(NONE)
    }
}

const NONE: Preset = Preset { name: "none", colours: [None; 3], master: None };

const fn all(name: &'static str, master: &'static str) -> Preset {
    Preset { name, colours: [None; 3], master: Some(master) }
}

const fn each(name: &'static str, [red, green, blue]: [&'static str; 3]) -> Preset {
    Preset { name, colours: [Some(red), Some(green), Some(blue)], master: None }
}

/// The points are those of FFmpeg's presets (ffmpeg-filters, `curves`), so that a name looks the
/// same in both.
const PRESETS: [Preset; 11] = [
    NONE,
    each(
        "color_negative",
        [
            "0.129/1 0.466/0.498 0.725/0",
            "0.109/1 0.301/0.498 0.517/0",
            "0.098/1 0.235/0.498 0.423/0",
        ],
    ),
    each(
        "cross_process",
        [
            "0/0 0.25/0.156 0.501/0.501 0.686/0.745 1/1",
            "0/0 0.25/0.188 0.38/0.501 0.745/0.815 1/0.815",
            "0/0 0.231/0.094 0.709/0.874 1/1",
        ],
    ),
    all("darker", "0/0 0.5/0.4 1/1"),
    all("increase_contrast", "0/0 0.149/0.066 0.831/0.905 0.905/0.98 1/1"),
    all("lighter", "0/0 0.4/0.5 1/1"),
    all("linear_contrast", "0/0 0.305/0.286 0.694/0.713 1/1"),
    all("medium_contrast", "0/0 0.286/0.219 0.639/0.643 1/1"),
    all("negative", "0/1 1/0"),
    all("strong_contrast", "0/0 0.301/0.196 0.592/0.6 0.686/0.737 1/1"),
    each("vintage", ["0/0.11 0.42/0.51 1/0.95", "0/0 0.50/0.48 1/1", "0/0.22 0.49/0.44 1/0.8"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_read() {
        let points = read("red", " 0/0.25  1/1 ", 255);
        assert_eq!(points, Ok(vec![Point { x: 0.0, y: 0.25 }, Point { x: 1.0, y: 1.0 }]));
        for preset in PRESETS {
            for text in preset.colours.iter().chain([&preset.master]).flatten() {
                assert!(read("red", text, 255).is_ok_and(|points| points.len() >= 2));
            }
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let message = |text| read("red", text, 255).expect_err("it is wrong").message().to_owned();
        assert_eq!(message("0/0 1"), "red: point 2, \"1\", is not two numbers as 0.5/0.6");
        assert!(message("0/0 inf/1").contains("is not two numbers"));
        assert!(message("0/0 1/1.5").contains("not from 0 to 1"));
        assert!(message("0/0 0.5/1 0.5/0").starts_with("red: point 3"));
        assert!(message("0/0 0.001/1").contains("too close"));
        assert!(read("red", "0/0 0.001/1", 65535).is_ok());
    }
}
