//! Frames a second as a fraction, and the times of its frames.

use filmgate_plugin::{Error, Rational};

/// Nanoseconds in a second.
const SECOND: i128 = 1_000_000_000;

/// The highest rate, in frames a second.
const MOST: i64 = 1000;

/// A constant rate: `num / den` frames a second, both above 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    num: i32,
    den: i32,
}

impl Rate {
    /// Reads `25`, `29.97`, `30000/1001`, or one of the names `ntsc`, `pal` and `film`.
    ///
    /// # Errors
    /// Where the text is no rate above 0 and up to 1000.
    pub(crate) fn parse(text: &str) -> Result<Rate, Error> {
        let wrong = |why: &str| Error::parameter("rate", format!("{why}; it is {text:?}"));
        let form = "must be frames a second, as in 25, 29.97 or 30000/1001";
        let (num, den) = fraction(text).ok_or_else(|| wrong(form))?;
        if num <= 0 || den <= 0 {
            return Err(wrong("must be above 0"));
        }
        if num > MOST.saturating_mul(den) {
            return Err(wrong("must be at most 1000 frames a second"));
        }
        let divisor = gcd(num, den);
        let narrow = |n: i64| i32::try_from(n / divisor).ok();
        narrow(num).zip(narrow(den)).map(|(num, den)| Rate { num, den }).ok_or_else(|| wrong(form))
    }

    pub(crate) fn rational(self) -> Rational {
        Rational { num: self.num, den: self.den }
    }

    /// The frame nearest to a time in nanoseconds, halves away from 0.
    ///
    /// The host rounds times to nanoseconds: 5/60 s is 83333333 ns, a hair below two and a half
    /// frames of 30 a second. What is that close to a half counts as a half.
    pub(crate) fn number(self, time: i64) -> i64 {
        let (num, den) = (i128::from(self.num), i128::from(self.den) * SECOND);
        let twice = 2 * (i128::from(time).abs() + 1) * num;
        let number = (twice + den) / (2 * den);
        (number as i64) * time.signum()
    }

    /// When a frame is shown, in nanoseconds.
    pub(crate) fn time(self, number: i64) -> i64 {
        let (num, den) = (i128::from(self.num), i128::from(self.den) * SECOND);
        (2 * i128::from(number) * den + num).div_euclid(2 * num) as i64
    }
}

/// Numerator and denominator of what the text says.
fn fraction(text: &str) -> Option<(i64, i64)> {
    match text {
        "ntsc" => return Some((30000, 1001)),
        "pal" => return Some((25, 1)),
        "film" => return Some((24, 1)),
        _ => {}
    }
    // `+` and blanks are no part of a rate; nine digits on either side are enough.
    let digits = |text: &str| {
        let sound = (1..=9).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        sound.then(|| text.parse::<i64>().ok()).flatten()
    };
    if let Some((num, den)) = text.split_once('/') {
        return Some((digits(num)?, digits(den)?));
    }
    let Some((whole, part)) = text.split_once('.') else { return Some((digits(text)?, 1)) };
    let den = 10_i64.pow(u32::try_from(part.len()).ok().filter(|n| *n <= 9)?);
    Some((digits(whole)? * den + digits(part)?, den))
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read() {
        let rate = |text| Rate::parse(text).ok().map(|rate| (rate.num, rate.den));
        assert_eq!((rate("25"), rate("29.97")), (Some((25, 1)), Some((2997, 100))));
        assert_eq!((rate("60000/1001"), rate("50/2")), (Some((60000, 1001)), Some((25, 1))));
        assert_eq!((rate("ntsc"), rate("0.1")), (Some((30000, 1001)), Some((1, 10))));
        for text in ["0", "0/1", "25/0", "1001", "-25", "1e3", "25 ", "", ".5", "5.", "NaN"] {
            let error = Rate::parse(text).expect_err(text);
            assert!(error.message().starts_with("rate: must be "), "{}", error.message());
        }
    }

    #[test]
    fn halves_go_away_from_zero_despite_nanoseconds() {
        let rate = Rate { num: 30, den: 1 };
        for frame in 0..1000_i64 {
            let time = (frame * 1_000_000_000 + 30) / 60;
            assert_eq!(rate.number(time), (frame + 1) / 2, "{frame}/60 s");
        }
        assert_eq!((rate.number(-50_000_000), rate.number(-10_000_000)), (-2, 0));
    }

    #[test]
    fn a_number_is_found_again_from_its_time() {
        for text in ["25", "ntsc", "1000", "0.1", "60000/1001"] {
            let rate = Rate::parse(text).expect("a rate");
            for number in (-5..50).chain(1_000_000..1_000_010) {
                assert_eq!(rate.number(rate.time(number)), number, "{text}");
            }
        }
    }
}
