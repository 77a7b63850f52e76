//! Finding a date and a time of day in a name.

/// Year, month, day, hour, minute, second, and what stands behind them of a second's digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stamp {
    parts: [u32; 6],
    /// nanoseconds
    fraction: u32,
}

/// How many digits each part has.
const DIGITS: [usize; 6] = [4, 2, 2, 2, 2, 2];

impl Stamp {
    /// The last one in the file's name; in the folders' names where that has none. Between its
    /// parts may stand one character that is no letter or digit, and `T` or a blank before the
    /// hour: `20180908-101502`, `2018-09-08_10-15-02`, `2018-09-08T10:15:02`, `20180908101502`.
    pub(crate) fn find(path: &str) -> Option<Stamp> {
        path.rsplit('/').find_map(|name| {
            let bytes = name.as_bytes();
            let begins = |&at: &usize| at == 0 || !bytes[at - 1].is_ascii_digit();
            (0..bytes.len()).rev().filter(begins).find_map(|at| Stamp::read(&bytes[at..]))
        })
    }

    fn read(bytes: &[u8]) -> Option<Stamp> {
        let mut rest = bytes;
        let mut parts = [0; 6];
        for (number, (part, digits)) in parts.iter_mut().zip(DIGITS).enumerate() {
            if number > 0
                && let [first, behind @ ..] = rest
                && (!first.is_ascii_alphanumeric() || number == 3 && *first == b'T')
            {
                rest = behind;
            }
            let (text, behind) = rest.split_at_checked(digits)?;
            if !text.iter().all(u8::is_ascii_digit) {
                return None;
            }
            *part = text.iter().fold(0, |n, d| n * 10 + u32::from(d - b'0'));
            rest = behind;
        }
        let [year, month, day, hour, minute, second] = parts;
        let is_time = (1970..=2199).contains(&year)
            && (1..=12).contains(&month)
            && (1..=31).contains(&day)
            && hour < 24
            && minute < 60
            && second <= 60;
        is_time.then(|| Stamp { parts, fraction: fraction(rest) })
    }

    /// `2018-09-08 10:15:02`
    pub(crate) fn text(self) -> String {
        let [year, month, day, hour, minute, second] = self.parts;
        let fraction = match self.fraction {
            0 => String::new(),
            nanos => format!(".{:03}", nanos / 1_000_000),
        };
        format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}{fraction}")
    }
}

/// Digits of a second behind one more character: `.250`, `-250`, or at once.
fn fraction(rest: &[u8]) -> u32 {
    let digits = match rest {
        [b'.' | b'-' | b'_' | b',', digits @ ..] => digits,
        digits => digits,
    };
    let count = digits.iter().take_while(|d| d.is_ascii_digit()).count();
    if count == 0 || count > 9 {
        return 0;
    }
    let value = digits[..count].iter().fold(0, |n, d| n * 10 + u32::from(d - b'0'));
    value * 10u32.pow(9 - count as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(path: &str) -> Option<String> {
        Stamp::find(path).map(Stamp::text)
    }

    #[test]
    fn many_ways_of_writing_are_one_time() {
        for name in [
            "20180908-101502.mp4",
            "cam1_2018-09-08_10-15-02.ts",
            "2018-09-08T10:15:02Z.mkv",
            "VID_20180908_101502.mp4",
            "clip 2018.09.08 10.15.02.mov",
            "x20180908101502y",
            "20180908-101502/seg.mp4",
        ] {
            assert_eq!(text(name).as_deref(), Some("2018-09-08 10:15:02"), "{name}");
        }
        assert_eq!(text("a-20180908-101502.250.mp4").as_deref(), Some("2018-09-08 10:15:02.250"));
    }

    #[test]
    fn numbers_that_are_no_time_are_none() {
        for name in ["seg10.mp4", "20181308-101502", "20180908-251502", "120180908101502", "2018"] {
            assert_eq!(text(name), None, "{name}");
        }
    }
}
