//! Another size for a picture: a triangle as wide as the larger of the two grids asks for, so that
//! every pixel counts where it becomes smaller and neighbours blend where it becomes larger.
//!
//! Along one side, from n samples to m, output i and input j count with the whole number
//!
//! ```text
//! w = max(0, 2 max(n, m) - |(2 i + 1) n - (2 j + 1) m|)
//! ```
//!
//! and the output is the sum of w times the input, divided by the sum of w and rounded to the
//! nearest, halves up. First along the rows, then along the columns, on 255 times the opacity and on
//! the colours times the opacity; at the end the opacity is divided by 255 and the colours by the
//! opacity, rounded in the same way.

use filmgate_overlay::Picture;

/// The colours times the opacity, and 255 times the opacity: at most 255 * 255 each.
type Sums = [u16; 4];

/// The picture at another size, from 1x1.
pub(crate) fn scale(picture: &Picture, width: usize, height: usize) -> Picture {
    let weighted = |[red, green, blue, alpha]: [u8; 4]| -> Sums {
        [red, green, blue, 255].map(|sample| u16::from(sample) * u16::from(alpha))
    };
    let rows = picture.rows().map(|row| row.iter().copied().map(weighted).collect());
    let across: Vec<Vec<Sums>> = rows.map(|row: Vec<Sums>| line(&row, width)).collect();
    let mut pixels = vec![[0; 4]; width * height];
    for x in 0..width {
        let column: Vec<Sums> = across.iter().map(|row| row[x]).collect();
        for (y, sums) in line(&column, height).into_iter().enumerate() {
            pixels[y * width + x] = plain(sums);
        }
    }
    Picture::new(width, pixels)
}

/// One row or column at another length.
fn line(samples: &[Sums], length: usize) -> Vec<Sums> {
    let (n, m) = (samples.len() as i64, length as i64);
    let reach = 2 * n.max(m);
    let output = |i: i64| -> Sums {
        let middle = (2 * i + 1) * n;
        // Those j for which |middle - (2 j + 1) m| < reach.
        let first = ((middle - reach).div_euclid(m) / 2).max(0);
        let last = ((middle + reach).div_euclid(m) / 2).min(n - 1);
        let (mut sums, mut all) = ([0; 4], 0_u64);
        for j in first..=last {
            let weight = (reach - (middle - (2 * j + 1) * m).abs()).max(0).unsigned_abs();
            all += weight;
            for (sum, sample) in sums.iter_mut().zip(samples[j as usize]) {
                *sum += weight * u64::from(sample);
            }
        }
        sums.map(|sum| rounded(sum, all) as u16)
    };
    (0..m).map(output).collect()
}

/// R G B A, not weighted any more.
fn plain(sums: Sums) -> [u8; 4] {
    let [red, green, blue, alpha] = sums.map(u64::from);
    if alpha == 0 {
        return [0; 4];
    }
    let color = |sum: u64| rounded(255 * sum, alpha).min(255) as u8;
    [color(red), color(green), color(blue), rounded(alpha, 255) as u8]
}

fn rounded(number: u64, by: u64) -> u64 {
    (2 * number + by) / (2 * by)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_color_stays_one_color() {
        let picture = Picture::filled(7, 5, [200, 3, 77, 128]);
        for (width, height) in [(1, 1), (3, 2), (14, 10), (13, 3)] {
            let expected = Picture::filled(width, height, [200, 3, 77, 128]);
            assert_eq!(scale(&picture, width, height), expected);
        }
    }

    #[test]
    fn neighbours_blend() {
        let picture = Picture::new(2, vec![[0, 0, 0, 255], [200, 200, 200, 255]]);
        let wide: Vec<u8> = scale(&picture, 4, 1).rows().flatten().map(|pixel| pixel[0]).collect();
        assert_eq!(wide, [0, 50, 150, 200]);
        let small: Vec<u8> = scale(&picture, 1, 1).rows().flatten().map(|pixel| pixel[0]).collect();
        assert_eq!(small, [100]);
    }

    #[test]
    fn what_cannot_be_seen_does_not_shine_through() {
        let picture = Picture::new(2, vec![[255, 0, 0, 0], [0, 0, 200, 255]]);
        let pixel = scale(&picture, 1, 1).rows().flatten().copied().next();
        assert_eq!(pixel, Some([0, 0, 200, 128]));
    }
}
