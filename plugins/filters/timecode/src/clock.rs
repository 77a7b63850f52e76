//! Times in figures.

use filmgate_plugin::Rational;

/// What times are reckoned with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// milliseconds that are added
    pub(crate) offset: i64,
    /// frames a second, where that is known
    pub(crate) rate: Option<Rational>,
}

impl Clock {
    /// `HH:MM:SS.mmm`, rounded down to milliseconds, with a minus sign before the start.
    pub(crate) fn time(&self, timestamp: i64) -> String {
        let all = timestamp.div_euclid(1_000_000) + self.offset;
        let (milliseconds, seconds) = (all.unsigned_abs() % 1000, all.unsigned_abs() / 1000);
        format!("{}{}.{milliseconds:03}", sign(all), hours(seconds))
    }

    /// `HH:MM:SS:FF`: the number of the frame within its second, at the rate rounded to a whole
    /// number; no number is ever left out (non-drop-frame, SMPTE ST 12-1). The frame is the one
    /// whose time in a stream of even rate is nearest. Where the rate is unknown, none.
    pub(crate) fn timecode(&self, timestamp: i64) -> Option<String> {
        let rate = self.rate.filter(|rate| rate.num > 0 && rate.den > 0)?;
        let (num, den) = (i128::from(rate.num), i128::from(rate.den));
        let nanoseconds = i128::from(timestamp) + 1_000_000 * i128::from(self.offset);
        let second = 1_000_000_000 * den;
        let frame = (2 * nanoseconds * num + second).div_euclid(2 * second);
        let count = frame.unsigned_abs() as u64;
        let a_second = ((2 * num + den) / (2 * den)).max(1) as u64;
        let digits = (a_second - 1).max(10).to_string().len();
        let hours = hours(count / a_second);
        Some(format!("{}{hours}:{:0digits$}", sign(frame as i64), count % a_second))
    }
}

fn sign(number: i64) -> &'static str {
    if number < 0 { "-" } else { "" }
}

/// `HH:MM:SS`
fn hours(seconds: u64) -> String {
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(num: i32, den: i32, offset: i64) -> Clock {
        Clock { offset, rate: Some(Rational { num, den }) }
    }

    #[test]
    fn times_are_rounded_down() {
        let clock = clock(25, 1, 0);
        assert_eq!(clock.time(0), "00:00:00.000");
        assert_eq!(clock.time(3_723_004_999_999), "01:02:03.004");
        assert_eq!(clock.time(-1), "-00:00:00.001");
        assert_eq!(Clock { offset: 360_000_000, ..clock }.time(0), "100:00:00.000");
    }

    #[test]
    fn frames_are_those_nearest() {
        let code = |clock: Clock, timestamp| clock.timecode(timestamp).expect("a known rate");
        assert_eq!(code(clock(25, 1, 0), 1_000_000_000), "00:00:01:00");
        assert_eq!(code(clock(25, 1, 0), 979_999_999), "00:00:00:24");
        assert_eq!(code(clock(25, 1, 3_600_000), -40_000_000), "00:59:59:24");
        assert_eq!(code(clock(25, 1, 0), -40_000_000), "-00:00:00:01");
        // Frame 1800 of 29.97 a second, at 60.06 s: the numbers run on, the clock does not.
        assert_eq!(code(clock(30_000, 1001, 0), 60_060_000_000), "00:01:00:00");
        assert_eq!(code(clock(120, 1, 0), 100_000_000), "00:00:00:012");
        assert_eq!(code(clock(1, 2, 0), 4_000_000_000), "00:00:02:00");
        assert_eq!(Clock { offset: 0, rate: None }.timecode(0), None);
    }
}
