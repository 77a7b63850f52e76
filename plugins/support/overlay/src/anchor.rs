//! Where on a frame something stands, and the parameters that say so.

use filmgate_plugin::{Description, Error, Parameter, Parameters};

/// What the parameter `position` may be: the edges and corners, from the upper left.
const POSITIONS: [&str; 9] = [
    "top-left",
    "top",
    "top-right",
    "left",
    "center",
    "right",
    "bottom-left",
    "bottom",
    "bottom-right",
];

/// The margin where none is given, in pixels.
const MARGIN: i64 = 16;

/// A place on frames of any size.
#[derive(Clone, Copy, Debug)]
pub struct Anchor {
    across: Axis,
    down: Axis,
}

#[derive(Clone, Copy, Debug)]
enum Axis {
    /// so many pixels from the left or upper edge
    Start(i64),
    /// so many pixels right of, or below, the middle
    Middle(i64),
    /// so many pixels from the right or lower edge
    End(i64),
}

impl Anchor {
    /// Adds the parameters `position`, `x` and `y`, which [`Anchor::read`] reads, to what a plugin
    /// says of itself. `default` is a corner, an edge, or `center`.
    pub fn described(about: Description, default: &str) -> Description {
        let distance =
            |name, summary| Parameter::integer(name, summary).range(-16384..=16384).unit("px");
        about
            .parameter(
                Parameter::choice("position", "the corner or edge it stands at", POSITIONS)
                    .default(default),
            )
            .parameter(distance(
                "x",
                "distance from the left or right edge, 16 where not given; without such an edge: to the right of the middle, 0",
            ))
            .parameter(distance(
                "y",
                "distance from the upper or lower edge, 16 where not given; without such an edge: below the middle, 0",
            ))
    }

    /// What the user gave for them.
    ///
    /// # Errors
    /// Where there is no position.
    pub fn read(parameters: &Parameters) -> Result<Anchor, Error> {
        let position = parameters.choice("position")?;
        Ok(Anchor::new(position, parameters.get("x")?, parameters.get("y")?))
    }

    /// `position` is one of [`POSITIONS`]. `x` and `y` are the distances from the edges that it
    /// names, 16 where none is given; in a direction in which it names none, the distance to the
    /// right of, or below, the middle, 0 where none is given.
    fn new(position: &str, x: Option<i64>, y: Option<i64>) -> Anchor {
        let axis = |start: &str, end: &str, given: Option<i64>| {
            let has = |edge: &str| position.split('-').any(|part| part == edge);
            match (has(start), has(end)) {
                (true, _) => Axis::Start(given.unwrap_or(MARGIN)),
                (_, true) => Axis::End(given.unwrap_or(MARGIN)),
                _ => Axis::Middle(given.unwrap_or(0)),
            }
        };
        Anchor { across: axis("left", "right", x), down: axis("top", "bottom", y) }
    }

    /// The upper left pixel of something of size `inner` on a frame of size `outer`.
    pub fn place(&self, inner: (usize, usize), outer: (u32, u32)) -> (i64, i64) {
        let place = |axis, inner: usize, outer: u32| {
            let (inner, outer) = (inner as i64, i64::from(outer));
            match axis {
                Axis::Start(margin) => margin,
                Axis::Middle(shift) => (outer - inner).div_euclid(2) + shift,
                Axis::End(margin) => outer - inner - margin,
            }
        };
        (place(self.across, inner.0, outer.0), place(self.down, inner.1, outer.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn margins_point_inwards() {
        let place = |position, x, y| Anchor::new(position, x, y).place((10, 5), (101, 50));
        assert_eq!(place("top-left", Some(3), Some(4)), (3, 4));
        assert_eq!(place("bottom-right", Some(3), Some(4)), (88, 41));
        assert_eq!(place("bottom-right", None, None), (75, 29));
        assert_eq!(place("center", None, None), (45, 22));
        assert_eq!(place("center", Some(-7), Some(1)), (38, 23));
        assert_eq!(place("top", None, None), (45, 16));
        assert_eq!(place("right", None, None), (75, 22));
        assert_eq!(place("left", Some(-20), None), (-20, 22));
    }
}
