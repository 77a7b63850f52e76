//! Timestamps and durations in nanoseconds, and the conversion between time bases.

use std::time::Duration;

use crate::frame::Rational;

/// The time base of timestamps in filmgate: nanoseconds.
pub const NANOSECONDS: Rational = Rational { num: 1, den: 1_000_000_000 };

const SECOND: i128 = 1_000_000_000;

/// The duration of a frame where neither the stream nor its frame rate tells one, in nanoseconds:
/// 40 ms, 25 frames a second.
pub const DEFAULT_FRAME_DURATION: i64 = 40_000_000;

/// Converts `value` from the time base `from` to the time base `to`, rounded to the nearest, halves
/// away from zero, as `av_rescale_q` does. What does not fit is the nearest value that does; 0 where
/// a time base means nothing.
///
/// ```
/// use filmgate_core::{frame::Rational, time};
/// let (mpeg, film) = (Rational { num: 1, den: 90_000 }, Rational { num: 1001, den: 24_000 });
/// assert_eq!(time::rescale(2, film, mpeg), 7508); // 7507.5
/// ```
pub fn rescale(value: i64, from: Rational, to: Rational) -> i64 {
    let limit = if value < 0 { i64::MIN } else { i64::MAX };
    rounded(value, from, to).map_or(0, |ticks| i64::try_from(ticks).unwrap_or(limit))
}

/// As [`rescale`]; none where the result does not fit, or a time base means nothing.
pub fn checked_rescale(value: i64, from: Rational, to: Rational) -> Option<i64> {
    rounded(value, from, to).and_then(|ticks| i64::try_from(ticks).ok())
}

fn rounded(value: i64, from: Rational, to: Rational) -> Option<i128> {
    if from.num <= 0 || from.den <= 0 || to.num <= 0 || to.den <= 0 {
        return None;
    }
    // 63 + 31 + 31 bits at most.
    let product = i128::from(value) * i128::from(from.num) * i128::from(to.den);
    let divisor = i128::from(from.den) * i128::from(to.num);
    let half = if product < 0 { -(divisor / 2) } else { divisor / 2 };
    Some((product + half) / divisor)
}

/// When number `index`, from 0, begins at a steady `rate` a second, in nanoseconds, rounded down:
/// frames at a frame rate, samples at a sample rate.
pub fn begin_of(index: i64, rate: Rational) -> i64 {
    let time = i128::from(index) * SECOND * i128::from(rate.den) / i128::from(rate.num.max(1));
    i64::try_from(time).unwrap_or(i64::MAX)
}

/// The duration of a frame at this frame rate in nanoseconds, above 0;
/// [`DEFAULT_FRAME_DURATION`] where the frame rate is unknown.
pub fn frame_duration(rate: Option<Rational>) -> i64 {
    let rate = rate.filter(|rate| rate.num > 0);
    rate.map_or(DEFAULT_FRAME_DURATION, |rate| begin_of(1, rate).max(1))
}

/// A duration in nanoseconds, the longest that there is where it does not fit.
pub fn nanoseconds(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

/// Nanoseconds as a duration; zero for negative ones.
pub fn duration(nanoseconds: i64) -> Duration {
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(num: i32, den: i32) -> Rational {
        Rational { num, den }
    }

    #[test]
    fn values_are_rescaled_to_the_nearest() {
        assert_eq!(rescale(126_000, base(1, 90_000), NANOSECONDS), 1_400_000_000);
        assert_eq!(rescale(3, base(1, 2), base(1, 1)), 2);
        assert_eq!(rescale(-3, base(1, 2), base(1, 1)), -2);
        assert_eq!(rescale(i64::MAX, base(1, 1), base(1, 90_000)), i64::MAX);
        assert_eq!(rescale(i64::MIN, base(1, 1), base(1, 90_000)), i64::MIN);
        assert_eq!(checked_rescale(i64::MAX, base(1, 1), base(1, 90_000)), None);
        assert_eq!(checked_rescale(5, base(0, 1), NANOSECONDS), None);
        assert_eq!(rescale(5, base(0, 1), NANOSECONDS), 0);
    }

    #[test]
    fn frames_last_as_long_as_their_rate_says() {
        assert_eq!(frame_duration(None), 40_000_000);
        assert_eq!(frame_duration(Some(base(0, 1))), 40_000_000);
        assert_eq!(frame_duration(Some(base(30_000, 1001))), 33_366_666);
        assert_eq!(begin_of(30_000, base(30_000, 1001)), 1_001_000_000_000);
    }

    #[test]
    fn durations_go_there_and_back() {
        assert_eq!(
            duration(nanoseconds(Duration::from_millis(1_500))),
            Duration::from_millis(1_500)
        );
        assert_eq!(nanoseconds(Duration::MAX), i64::MAX);
        assert_eq!(duration(-1), Duration::ZERO);
    }
}
