//! How much light is left where: reckoned once, for the upper left quarter of a plane, since the
//! other three look the same.

/// Light that stays whole, in the units of [`Light`]. It stands for 2^15, which does not fit.
pub(crate) const FULL: i16 = i16::MAX;

/// The light of the upper half of a plane, pixel by pixel, in 2^15ths.
#[derive(Debug)]
pub(crate) struct Light {
    /// pixels a row
    pub(crate) columns: usize,
    /// rows of the whole plane
    pub(crate) rows: usize,
    /// two bytes a pixel, low byte first; the middle row too where there is one
    half: Vec<u8>,
}

impl Light {
    /// With d the distance from the picture's middle, the corner's being 1, the light is
    /// `cos(a * d)^4`, and a such that the corner has lost `strength`, 0 to 1, of it.
    ///
    /// The plane is smaller than the picture of `width` x `height` by the powers of two `across`
    /// and `down`. What is `aspect` high counts as far as what is 1 wide.
    pub(crate) fn new(
        width: u32,
        height: u32,
        across: u32,
        down: u32,
        aspect: f64,
        strength: f64,
    ) -> Light {
        let (columns, rows) = (width.div_ceil(1 << across), height.div_ceil(1 << down));
        let angle = (1.0 - strength).sqrt().sqrt().acos();
        let corner = (f64::from(width) / 2.0 * aspect).hypot(f64::from(height) / 2.0);
        // From the middle of the plane, in pixels of the picture.
        let away = |at: u32, of: u32, shift: u32| {
            (f64::from(at) - f64::from(of - 1) / 2.0).abs() * f64::from(1 << shift)
        };
        let side: Vec<f64> =
            (0..columns.div_ceil(2)).map(|x| away(x, columns, across) * aspect).collect();
        let mut half = Vec::with_capacity((columns * rows.div_ceil(2) * 2) as usize);
        for y in 0..rows.div_ceil(2) {
            let y = away(y, rows, down);
            let start = half.len();
            for x in &side {
                let light = (angle * (x * x + y * y).sqrt() / corner).cos();
                let light = (light * light) * (light * light);
                let units = (light * 32768.0 + 0.5) as i16;
                half.extend(units.to_le_bytes());
            }
            for x in (0..(columns / 2) as usize).rev() {
                let at = start + 2 * x;
                half.extend_from_within(at..at + 2);
            }
        }
        Light { columns: columns as usize, rows: rows as usize, half }
    }

    /// The light of row `y` and of the one as far from the bottom, which is below it or itself.
    pub(crate) fn row(&self, y: usize) -> &[u8] {
        &self.half[2 * y * self.columns..][..2 * self.columns]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(light: &Light, y: usize) -> Vec<i16> {
        light.row(y).as_chunks::<2>().0.iter().map(|bytes| i16::from_le_bytes(*bytes)).collect()
    }

    #[test]
    fn the_corner_loses_what_was_asked_for() {
        // The outermost pixel's middle is not quite the corner.
        let light = Light::new(1001, 801, 0, 0, 1.0, 0.25);
        let first = f64::from(numbers(&light, 0)[0]) / 32768.0;
        assert!((first - 0.75).abs() < 0.002, "{first}");
        assert_eq!(numbers(&light, 400)[500], FULL);
    }

    #[test]
    fn it_is_the_same_on_both_sides() {
        for columns in [1, 2, 5, 8] {
            let row = numbers(&Light::new(columns, 3, 0, 0, 1.0, 0.6), 0);
            assert_eq!(row.len(), columns as usize);
            assert!(row.iter().eq(row.iter().rev()), "{row:?}");
        }
    }

    #[test]
    fn no_strength_takes_nothing() {
        assert!(numbers(&Light::new(9, 9, 1, 1, 1.0, 0.0), 0).iter().all(|v| *v == FULL));
    }

    #[test]
    fn an_ellipse_touches_all_sides_alike() {
        let light = Light::new(101, 51, 0, 0, 51.0 / 101.0, 0.8);
        let (left, top) = (numbers(&light, 25)[0], numbers(&light, 0)[50]);
        assert!(left.abs_diff(top) < 400, "{left} {top}");
    }
}
