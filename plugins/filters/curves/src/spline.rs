//! The natural cubic spline through points, as a table.
//!
//! Between two points the curve is a cubic; at the points its slope and curvature do not jump, and
//! at the two ends its curvature is 0. Left of the first point and right of the last it is level.
//! Entry `i` of a table with `m + 1` entries, in the stretch that starts at the point (x, y), is
//! the curve's value at `x + (i - floor(m * x)) / m`, times `m`, cut to a whole number: places and
//! values are cut as FFmpeg cuts them.

use crate::points::{Point, column};

/// What becomes of each sample from 0 to `most`. Without a point each stays as it is.
pub(crate) fn table(points: &[Point], most: u32) -> Vec<u16> {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return (0..=most as u16).collect();
    };
    let mut table = vec![level(first.y, most); most as usize + 1];
    let bends = curvatures(points);
    for (ends, bends) in points.windows(2).zip(bends.windows(2)) {
        let ([from, to], [bend, next]) = ([ends[0], ends[1]], [bends[0], bends[1]]);
        let length = to.x - from.x;
        let slope = (to.y - from.y) / length - length * (2.0 * bend + next) / 6.0;
        let start = column(from.x, most);
        for (entry, i) in table[start..=column(to.x, most)].iter_mut().zip(0_u32..) {
            let x = f64::from(i) / f64::from(most);
            let cubic = bend / 2.0 + (next - bend) / (6.0 * length) * x;
            *entry = level(from.y + (slope + cubic * x) * x, most);
        }
    }
    table[column(last.x, most)..].fill(level(last.y, most));
    table
}

/// A value from 0 to 1 as a sample. Sums that fall short of a whole number by what floating point
/// cannot hold are meant to be that number: a straight line changes nothing.
fn level(value: f64, most: u32) -> u16 {
    (value * f64::from(most) + 1e-9).clamp(0.0, f64::from(most)) as u16
}

/// The second derivatives at the points. That slopes do not jump gives a linear equation for each
/// inner point and its two neighbours; they are solved from the left, then from the right.
fn curvatures(points: &[Point]) -> Vec<f64> {
    let mut bends = vec![0.0; points.len()];
    // What the next bend takes part with in a bend, once those on the left are put in.
    let mut shares = vec![0.0; points.len()];
    for (i, three) in points.windows(3).enumerate() {
        let (before, behind) = (three[1].x - three[0].x, three[2].x - three[1].x);
        let jump = (three[2].y - three[1].y) / behind - (three[1].y - three[0].y) / before;
        let whole = 2.0 * (before + behind) - before * shares[i];
        shares[i + 1] = behind / whole;
        bends[i + 1] = (6.0 * jump - before * bends[i]) / whole;
    }
    for i in (1..points.len().max(2) - 1).rev() {
        bends[i] -= shares[i] * bends[i + 1];
    }
    bends
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(points: &[(f64, f64)], most: u32) -> Vec<u16> {
        let points: Vec<Point> = points.iter().map(|&(x, y)| Point { x, y }).collect();
        table(&points, most)
    }

    #[test]
    fn straight_lines_are_straight() {
        for most in [255, 65535] {
            let same: Vec<u16> = (0..=most as u16).collect();
            assert_eq!(through(&[], most), same);
            assert_eq!(through(&[(0.0, 0.0), (1.0, 1.0)], most), same);
            let turned: Vec<u16> = same.iter().rev().copied().collect();
            assert_eq!(through(&[(0.0, 1.0), (1.0, 0.0)], most), turned);
        }
    }

    #[test]
    fn outside_the_points_it_is_level() {
        let table = through(&[(0.2, 0.4), (0.8, 1.0)], 255);
        assert_eq!([table[0], table[51], table[204], table[255]], [102, 102, 255, 255]);
        assert_eq!(through(&[(0.5, 0.5)], 255), [127; 256]);
    }

    #[test]
    fn slopes_do_not_jump() {
        let table = through(&[(0.0, 0.0), (0.3, 0.6), (0.5, 0.55), (1.0, 1.0)], 65535);
        let slope = |at: usize| f64::from(table[at + 40]) - f64::from(table[at]);
        for x in [0.3, 0.5] {
            let at = column(x, 65535);
            assert!((slope(at - 41) - slope(at + 1)).abs() < 3.0);
        }
        assert_eq!(table[column(0.3, 65535)], (0.6 * 65535.0) as u16);
    }
}
