//! The dedupe filter: drops pictures that repeat the last one that was kept, and shows that one
//! for so much longer.
//!
//! A frame can be answered only once, so the kept one is held until a different one comes, or the
//! stream ends: then it is known for how long it is shown.

mod blocks;

use blocks::{Blocks, Limits};
use filmgate_plugin::{
    Description, Error, Filter, FilterDescription, Frame, Parameter, Parameters, PixelFormat,
    StreamInfo, export_filter,
};

struct Dedupe {
    /// how each plane that is looked at is compared, in their order
    planes: Vec<Blocks>,
    /// at least each so many-eth picture is kept; 0: however many repeat
    keep_every: u64,
    held: Option<Held>,
}

/// The last picture that was kept.
struct Held {
    frame: Frame,
    /// the samples of its planes, as far as they were needed yet
    planes: Vec<Vec<u8>>,
    /// how many pictures behind it were dropped
    repeats: u64,
    /// when the last of them ends; none where nobody knows
    end: Option<i64>,
}

impl Filter for Dedupe {
    fn describe() -> FilterDescription {
        let about = Description::new(
            "dedupe",
            env!("CARGO_PKG_VERSION"),
            "drops pictures that repeat the last one, and shows that one longer",
        )
        .license(env!("CARGO_PKG_LICENSE"))
        .homepage(env!("CARGO_PKG_REPOSITORY"))
        .parameter(
            Parameter::decimal(
                "block",
                "how much a repeated picture may differ in a block of 16x16, on average, in 255ths",
            )
            .range(0.0..=255.0)
            .default(6.0),
        )
        .parameter(
            Parameter::decimal(
                "mean",
                "how much a repeated picture may differ in a whole plane, on average, in 255ths",
            )
            .range(0.0..=255.0)
            .default(0.5),
        )
        .parameter(
            Parameter::integer(
                "keep-every",
                "at least one picture in so many is kept; 0: however many repeat",
            )
            .range(0..=1_000_000)
            .unit("frames")
            .default(0),
        )
        .parameter(
            Parameter::choice(
                "planes",
                "which planes of a YUV picture are compared: the light alone, or the colours too",
                ["luma", "all"],
            )
            .default("all"),
        );
        FilterDescription::serial(about, PixelFormat::ALL)
    }

    fn configure(input: &StreamInfo, parameters: &Parameters) -> Result<Self, Error> {
        let layout = input.layout()?;
        let most = f64::from((1_u32 << layout.format.bits()) - 1);
        let limits = Limits {
            block: parameters.decimal("block")? * most / 255.0,
            mean: parameters.decimal("mean")? * most / 255.0,
        };
        let all = parameters.choice("planes")? == "all";
        let planes = layout.planes().take(if all { 3 } else { 1 });
        Ok(Dedupe {
            planes: planes.map(|plane| Blocks::new(layout.format, plane, limits)).collect(),
            keep_every: parameters.integer("keep-every")?.unsigned_abs(),
            held: None,
        })
    }

    /// Without the repeats, nobody knows the rate.
    fn output(&self, input: StreamInfo) -> StreamInfo {
        StreamInfo { frame_rate: None, ..input }
    }

    fn process(&mut self, frame: Frame) -> Result<Vec<Frame>, Error> {
        let info = frame.info();
        let mut planes = Vec::with_capacity(self.planes.len());
        if let Some(held) = &mut self.held
            && (self.keep_every == 0 || held.repeats + 1 < self.keep_every)
            && held.is_repeated(&self.planes, &frame, &mut planes)
        {
            held.repeats += 1;
            held.end = info.duration.map(|duration| info.timestamp + duration);
            return Ok(Vec::new());
        }
        let next = Held { frame, planes, repeats: 0, end: None };
        let before = self.held.replace(next);
        Ok(before.map(|held| held.shown_until(Some(info.timestamp))).into_iter().collect())
    }

    fn flush(&mut self) -> Result<Vec<Frame>, Error> {
        let last = self.held.take();
        let shown = |held: Held| {
            let end = held.end;
            held.shown_until(end)
        };
        Ok(last.map(shown).into_iter().collect())
    }
}

impl Held {
    /// Whether `frame` repeats this one. Its planes, as far as they were looked at, come into
    /// `planes`.
    fn is_repeated(&mut self, blocks: &[Blocks], frame: &Frame, planes: &mut Vec<Vec<u8>>) -> bool {
        for (index, blocks) in (0..).zip(blocks) {
            if self.planes.len() == index as usize {
                self.planes.push(self.frame.plane(index));
            }
            planes.push(frame.plane(index));
            if !blocks.repeats(&self.planes[index as usize], &planes[index as usize]) {
                return false;
            }
        }
        true
    }

    /// The picture, shown until `end` where others were dropped behind it.
    fn shown_until(mut self, end: Option<i64>) -> Frame {
        if self.repeats > 0 {
            let start = self.frame.info().timestamp;
            let duration = end.map(|end| end.saturating_sub(start));
            self.frame.set_duration(duration.filter(|duration| *duration > 0));
            self.frame.set_tag("dedupe.repeats", &self.repeats.to_string());
        }
        self.frame
    }
}

export_filter!(Dedupe);

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(keep_every: i64) -> Dedupe {
        let stream = StreamInfo::new(20, 18, PixelFormat::Yuv420p);
        let parameters = Parameters::new([
            ("block", 6.0.into()),
            ("mean", 0.5.into()),
            ("keep-every", keep_every.into()),
            ("planes", "all".into()),
        ]);
        Dedupe::configure(&stream, &parameters).expect("parameters in range")
    }

    /// One picture for each (luma, chroma), 40 apart; the answers as (index, duration, repeats).
    fn run(
        filter: &mut Dedupe,
        pictures: &[(u8, u8)],
        duration: Option<i64>,
    ) -> Vec<(u64, Option<i64>, Option<String>)> {
        let stream = StreamInfo::new(20, 18, PixelFormat::Yuv420p);
        let mut out = Vec::new();
        for (&(luma, chroma), index) in pictures.iter().zip(0..) {
            let mut info = stream.frame(index, 40 * index as i64);
            info.duration = duration;
            let mut frame = Frame::new(&info);
            frame.edit_plane(0, |samples| samples.fill(luma));
            frame.edit_plane(2, |samples| samples.fill(chroma));
            out.extend(filter.process(frame).expect("it always works"));
        }
        out.extend(filter.flush().expect("it always works"));
        out.iter()
            .map(|frame| {
                let info = frame.info();
                assert_eq!(frame.plane(0)[0], pictures[info.index as usize].0);
                (info.index, info.duration, frame.tag("dedupe.repeats"))
            })
            .collect()
    }

    fn repeats(count: u64) -> Option<String> {
        Some(count.to_string())
    }

    #[test]
    fn repeats_are_dropped_and_the_kept_ones_last_longer() {
        let pictures = [(10, 5), (10, 5), (10, 5), (11, 5), (11, 6), (11, 6)];
        let expected = [(0, Some(120), repeats(2)), (3, Some(40), None), (4, Some(80), repeats(1))];
        assert_eq!(run(&mut filter(0), &pictures, Some(40)), expected);
    }

    #[test]
    fn the_last_duration_stays_unknown_where_the_dropped_ones_are() {
        let pictures = [(10, 5), (10, 5), (20, 5), (20, 5)];
        let expected = [(0, Some(80), repeats(1)), (2, None, repeats(1))];
        assert_eq!(run(&mut filter(0), &pictures, None), expected);
    }

    #[test]
    fn no_gap_is_longer_than_allowed() {
        let same = [(10, 5); 7];
        let kept = |every| -> Vec<u64> {
            run(&mut filter(every), &same, Some(40)).iter().map(|frame| frame.0).collect()
        };
        assert_eq!(kept(0), [0]);
        assert_eq!(kept(1), [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(kept(3), [0, 3, 6]);
    }

    #[test]
    fn slow_change_adds_up() {
        // Compared with the last kept one, not with the last one.
        let stream = StreamInfo::new(16, 16, PixelFormat::Gray8);
        let parameters = Dedupe::describe().about().defaults();
        let mut filter = Dedupe::configure(&stream, &parameters).expect("the defaults are sound");
        let mut kept = Vec::new();
        for index in 0..9_u64 {
            let mut frame = Frame::new(&stream.frame(index, index as i64));
            frame.edit_plane(0, |samples| samples[..64].fill(index as u8));
            kept.extend(filter.process(frame).expect("it always works"));
        }
        kept.extend(filter.flush().expect("it always works"));
        let kept: Vec<u64> = kept.iter().map(|frame| frame.info().index).collect();
        assert_eq!(kept, [0, 3, 6]);
    }
}
