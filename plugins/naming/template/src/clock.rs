//! Dates and times of day, from microseconds since 1970.

const DAY: i64 = 86_400;

/// A moment, as a calendar and a clock show it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    year: i64,
    month: i64,
    day: i64,
    /// seconds since midnight
    second: i64,
}

impl Clock {
    /// `micros`: since 1970-01-01 UTC. `offset`: minutes east of UTC.
    pub(crate) fn new(micros: i64, offset: i64) -> Clock {
        let seconds = micros.div_euclid(1_000_000).saturating_add(offset.clamp(-1440, 1440) * 60);
        let (year, month, day) = civil(seconds.div_euclid(DAY));
        Clock { year, month, day, second: seconds.rem_euclid(DAY) }
    }

    /// `2018-09-08`
    pub(crate) fn date(self) -> String {
        format!("{}-{}-{}", self.year(), self.month(), self.day())
    }

    /// `23-15-02`; no colons, which file systems of other systems refuse
    pub(crate) fn time(self) -> String {
        let Clock { second, .. } = self;
        format!("{:02}-{:02}-{:02}", second / 3600, second / 60 % 60, second % 60)
    }

    /// Four digits.
    pub(crate) fn year(self) -> String {
        format!("{:04}", self.year)
    }

    /// Two digits.
    pub(crate) fn month(self) -> String {
        format!("{:02}", self.month)
    }

    /// Two digits.
    pub(crate) fn day(self) -> String {
        format!("{:02}", self.day)
    }
}

/// Year, month and day of a day, counted from 1970-01-01, in the Gregorian calendar
/// (`civil_from_days` of <https://howardhinnant.github.io/date_algorithms.html>).
fn civil(days: i64) -> (i64, i64, i64) {
    // Years that begin in March, in eras of 400: the leap day comes last.
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// A place in a source, `01-02-03.045`, from nanoseconds.
pub(crate) fn position(nanos: i64) -> String {
    let millis = nanos.max(0) / 1_000_000;
    let seconds = millis / 1000;
    format!(
        "{:02}-{:02}-{:02}.{:03}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60,
        millis % 1000
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(seconds: i64, offset: i64) -> String {
        let clock = Clock::new(seconds * 1_000_000, offset);
        format!("{} {}", clock.date(), clock.time())
    }

    #[test]
    fn moments_are_what_date_says() {
        // By `date -u -d @SECONDS`.
        assert_eq!(shown(0, 0), "1970-01-01 00-00-00");
        assert_eq!(shown(951_782_399, 0), "2000-02-28 23-59-59");
        assert_eq!(shown(951_782_400, 0), "2000-02-29 00-00-00");
        assert_eq!(shown(1_536_448_502, 0), "2018-09-08 23-15-02");
        assert_eq!(shown(4_107_542_400, 0), "2100-03-01 00-00-00");
        assert_eq!(shown(-1, 0), "1969-12-31 23-59-59");
    }

    #[test]
    fn the_zone_moves_the_day() {
        assert_eq!(shown(1_536_448_502, 120), "2018-09-09 01-15-02");
        assert_eq!(shown(0, -330), "1969-12-31 18-30-00");
    }

    #[test]
    fn positions_have_milliseconds() {
        assert_eq!(position(0), "00-00-00.000");
        assert_eq!(position(3_723_045_999_999), "01-02-03.045");
        assert_eq!(position(360_000 * 1_000_000_000), "100-00-00.000");
    }
}
