//! The fps filter: drops and repeats frames for a constant frame rate, with the same choice of
//! frames as FFmpeg's `fps` with `round=near`.
//!
//! How often a frame is shown is known when the next one comes, so each is held until then.

mod rate;

use filmgate_plugin::{
    Description, Error, Filter, FilterDescription, Frame, Parameter, Parameters, PixelFormat,
    StreamInfo, export_filter, log,
};
use rate::Rate;

/// Bytes of frames in one answer: the host lets a plugin hold 256 MiB of them, and counts clones
/// in full.
const ANSWER_BYTES: usize = 160 << 20;

/// Frames in one answer: the host lets a plugin hold 128.
const ANSWER_FRAMES: usize = 100;

struct Fps {
    rate: Rate,
    /// how many frames one answer may hold
    most: i64,
    held: Option<Held>,
    /// the number of the next frame that comes out, at the constant rate
    next: i64,
}

/// The last frame that came in.
struct Held {
    frame: Frame,
    /// when it started, and when it ends as far as the input says: nanoseconds
    start: i64,
    end: Option<i64>,
}

impl Filter for Fps {
    fn describe() -> FilterDescription {
        let about = Description::new(
            "fps",
            env!("CARGO_PKG_VERSION"),
            "drops and repeats frames for a constant frame rate",
        )
        .license(env!("CARGO_PKG_LICENSE"))
        .homepage(env!("CARGO_PKG_REPOSITORY"))
        .parameter(
            Parameter::text(
                "rate",
                "frames a second, as in 25, 29.97 or 30000/1001; also ntsc, pal, film",
            )
            .length(1..=21)
            .default("25"),
        );
        FilterDescription::serial(about, PixelFormat::ALL)
    }

    fn configure(input: &StreamInfo, parameters: &Parameters) -> Result<Self, Error> {
        let rate = Rate::parse(parameters.text("rate")?)?;
        let bytes: usize = input.layout()?.planes().map(|plane| plane.bytes()).sum();
        let most = (ANSWER_BYTES / bytes.max(1)).clamp(1, ANSWER_FRAMES) as i64;
        Ok(Fps { rate, most, held: None, next: 0 })
    }

    fn output(&self, input: StreamInfo) -> StreamInfo {
        StreamInfo { frame_rate: Some(self.rate.rational()), ..input }
    }

    fn process(&mut self, frame: Frame) -> Result<Vec<Frame>, Error> {
        let info = frame.info();
        let start = info.timestamp;
        let end = info.duration.map(|duration| start.saturating_add(duration));
        match self.held.replace(Held { frame, start, end }) {
            Some(held) => Ok(self.shown_until(held.frame, self.rate.number(start))),
            None => {
                self.next = self.rate.number(start);
                Ok(Vec::new())
            }
        }
    }

    fn flush(&mut self) -> Result<Vec<Frame>, Error> {
        let Some(held) = self.held.take() else { return Ok(Vec::new()) };
        // Where its duration is unknown, a frame of the constant rate is left of it.
        let end = held.end.map_or(self.rate.number(held.start) + 1, |end| self.rate.number(end));
        Ok(self.shown_until(held.frame, end))
    }
}

impl Fps {
    /// The frame as often as it takes to fill the time until `end`, not at all where that is past.
    fn shown_until(&mut self, frame: Frame, end: i64) -> Vec<Frame> {
        let wanted = end - self.next;
        if wanted <= 0 {
            return Vec::new();
        }
        let count = wanted.min(self.most);
        if count < wanted {
            log::warn(format!(
                "a gap of {wanted} frames at {:.3} s is longer than one frame can be repeated; \
                 the last of {count} is shown for the rest",
                self.rate.time(self.next) as f64 / 1e9
            ));
        }
        let mut frames = vec![frame];
        while (frames.len() as i64) < count {
            frames.push(frames[0].clone());
        }
        for (frame, number) in frames.iter_mut().zip(self.next..) {
            let last = number - self.next + 1 == count;
            let start = self.rate.time(number);
            let until = if last { end } else { number + 1 };
            frame.set_timestamp(start);
            frame.set_duration(Some(self.rate.time(until) - start));
        }
        self.next = end;
        frames
    }
}

export_filter!(Fps);

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes out for frames at these milliseconds, as (index, microseconds, duration).
    fn run(rate: &str, times: &[i64], duration: Option<i64>) -> Vec<(u64, i64, i64)> {
        let stream = StreamInfo::new(2, 2, PixelFormat::Gray8);
        let parameters = Parameters::new([("rate", rate.into())]);
        let mut filter = Fps::configure(&stream, &parameters).expect("a rate");
        let mut out = Vec::new();
        for (time, index) in times.iter().zip(0..) {
            let mut info = stream.frame(index, time * 1_000_000);
            info.duration = duration.map(|duration| duration * 1_000_000);
            out.extend(filter.process(Frame::new(&info)).expect("it always works"));
        }
        out.extend(filter.flush().expect("it always works"));
        let facts = |frame: &Frame| {
            let info = frame.info();
            (info.index, info.timestamp / 1000, info.duration.unwrap_or(0) / 1000)
        };
        out.iter().map(facts).collect()
    }

    fn numbers(rate: &str, times: &[i64]) -> Vec<u64> {
        run(rate, times, Some(40)).iter().map(|frame| frame.0).collect()
    }

    #[test]
    fn frames_are_dropped_and_repeated() {
        assert_eq!(numbers("25", &[0, 40, 80, 120]), [0, 1, 2, 3]);
        assert_eq!(numbers("50", &[0, 40, 80]), [0, 0, 1, 1, 2, 2]);
        assert_eq!(numbers("12.5", &[0, 40, 80, 120]), [0, 2]);
        assert_eq!(numbers("25", &[0, 40, 200, 240]), [0, 1, 1, 1, 1, 2, 3]);
    }

    #[test]
    fn times_are_those_of_the_rate() {
        let out = run("25", &[3, 41, 85], Some(40));
        assert_eq!(out, [(0, 0, 40_000), (1, 40_000, 40_000), (2, 80_000, 40_000)]);
        assert_eq!(run("25", &[-80], None), [(0, -80_000, 40_000)]);
    }

    #[test]
    fn a_time_that_falls_back_repeats_nothing() {
        assert_eq!(numbers("25", &[0, 40, 20, 80]), [0, 2, 3]);
    }

    #[test]
    fn a_gap_that_is_too_long_is_bridged_by_one_long_frame() {
        let out = run("25", &[0, 3_600_000], Some(40));
        assert_eq!(out.len(), ANSWER_FRAMES + 1);
        assert_eq!(out[99], (0, 3_960_000, 3_596_040_000));
        assert_eq!(out[100], (1, 3_600_000_000, 40_000));
    }
}
