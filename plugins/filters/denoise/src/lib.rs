//! The denoise filter: each sample averaged over neighbouring pictures, where it holds still.
//!
//! It looks as far ahead as back, so it keeps pictures, and gives the last ones when the stream
//! has ended.

mod average;

use std::collections::VecDeque;

use average::Average;
use filmgate_plugin::{
    Description, Error, Filter, FilterDescription, Frame, Live, Parameter, Parameters, PixelFormat,
    StreamInfo, export_filter,
};

struct Denoise {
    format: PixelFormat,
    average: Average,
    /// how many pictures it looks ahead, and back
    reach: usize,
    /// how many planes change, from the first
    planes: u32,
    /// The untouched samples of the pictures in reach: at most `2 * reach + 1`.
    window: VecDeque<Planes>,
    /// The pictures that are not answered yet; they belong to the last ones of `window`.
    waiting: VecDeque<Frame>,
    /// Where an averaged plane is put together.
    averaged: Vec<u8>,
}

/// The samples of one picture, plane by plane.
type Planes = Vec<Vec<u8>>;

impl Filter for Denoise {
    fn describe() -> FilterDescription {
        let about = Description::new(
            "denoise",
            env!("CARGO_PKG_VERSION"),
            "averages what holds still over neighbouring pictures",
        )
        .license(env!("CARGO_PKG_LICENSE"))
        .homepage(env!("CARGO_PKG_REPOSITORY"))
        .category("detail")
        .keywords("noise grain temporal average smooth")
        .example("frames=5,threshold=12")
        .parameter(
            Parameter::choice(
                "frames",
                "how many pictures are averaged: one in the middle, as many before as behind",
                ["3", "5"],
            )
            .default("3"),
        )
        .parameter(
            Parameter::integer(
                "threshold",
                "how much a sample may differ and still count as the same, in 255ths",
            )
            .range(0..=255)
            .default(8),
        )
        .parameter(
            Parameter::choice(
                "planes",
                "which planes of a YUV picture change: the light alone, or the colours too",
                ["luma", "all"],
            )
            .default("luma"),
        );
        FilterDescription::temporal(about, PixelFormat::ALL, 2, 2)
    }

    fn configure(input: &StreamInfo, parameters: &Parameters) -> Result<Self, Error> {
        let format = input.layout()?.format;
        let reach = match parameters.choice("frames")? {
            "5" => 2,
            _ => 1,
        };
        let threshold = parameters.integer("threshold")?;
        let all = parameters.choice("planes")? == "all";
        Ok(Denoise {
            format,
            average: Average::new(format, threshold as u16),
            reach,
            planes: if all { format.plane_count() } else { 1 },
            window: VecDeque::with_capacity(2 * reach + 1),
            waiting: VecDeque::with_capacity(reach + 1),
            averaged: Vec::new(),
        })
    }

    fn process(&mut self, frame: Frame) -> Result<Vec<Frame>, Error> {
        if self.window.len() > 2 * self.reach {
            self.window.pop_front();
        }
        self.window.push_back((0..self.planes).map(|index| frame.plane(index)).collect());
        self.waiting.push_back(frame);
        if self.waiting.len() <= self.reach {
            return Ok(Vec::new());
        }
        Ok(self.next().into_iter().collect())
    }

    fn flush(&mut self) -> Result<Vec<Frame>, Error> {
        let mut frames = Vec::with_capacity(self.waiting.len());
        frames.extend(std::iter::from_fn(|| self.next()));
        Ok(frames)
    }
}

impl Live for Denoise {
    /// How far it looks, and at which planes, cannot change: those of the frames before are not
    /// there.
    fn reconfigure(&mut self, parameters: &Parameters) -> Result<(), Error> {
        let reach = if parameters.choice("frames")? == "5" { 2 } else { 1 };
        let all = parameters.choice("planes")? == "all";
        let planes = if all { self.format.plane_count() } else { 1 };
        if (reach, planes) != (self.reach, self.planes) {
            return Err(Error::Unsupported("it has to begin anew".to_owned()));
        }
        self.average = Average::new(self.format, parameters.integer("threshold")? as u16);
        Ok(())
    }
}

impl Denoise {
    /// The picture that has waited longest, averaged with those in its reach.
    fn next(&mut self) -> Option<Frame> {
        // The pictures that wait are the last ones of the window.
        let middle = self.window.len() - self.waiting.len();
        let mut frame = self.waiting.pop_front()?;
        for index in 0..self.planes {
            let plane = |picture: usize| self.window.get(picture)?.get(index as usize);
            let Some(center) = plane(middle) else { break };
            let before = (1..=self.reach).map(|back| plane(middle.checked_sub(back)?));
            let behind = (1..=self.reach).map(|ahead| plane(middle + ahead));
            // Where the stream has no picture, the middle one stands in for it.
            let others: Vec<&[u8]> =
                before.chain(behind).map(|other| other.unwrap_or(center).as_slice()).collect();
            self.average.plane(center, &others, &mut self.averaged);
            frame.set_plane(index, &self.averaged);
        }
        Some(frame)
    }
}

export_filter!(Denoise, live);

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: (u32, u32) = (5, 1);

    fn filter(given: &[(&str, &str)]) -> Denoise {
        let parameters = Parameters::new(
            [("frames", "3"), ("planes", "luma")]
                .into_iter()
                .map(|default| *given.iter().find(|g| g.0 == default.0).unwrap_or(&default))
                .map(|(name, value)| (name, value.into()))
                .chain([("threshold", 8.into())]),
        );
        let stream = StreamInfo::new(STREAM.0, STREAM.1, PixelFormat::Gray8);
        Denoise::configure(&stream, &parameters).expect("parameters in range")
    }

    fn frame(index: u64, value: u8) -> Frame {
        let stream = StreamInfo::new(STREAM.0, STREAM.1, PixelFormat::Gray8);
        let mut info = stream.frame(index, 40 * index as i64);
        info.duration = Some(40);
        let mut frame = Frame::new(&info);
        frame.set_plane(0, &[value; 5]);
        frame.set_tag("test.value", &value.to_string());
        frame
    }

    /// All frames through the filter, and how many each call gave.
    fn run(filter: &mut Denoise, values: &[u8]) -> (Vec<Frame>, Vec<usize>) {
        let (mut frames, mut counts) = (Vec::new(), Vec::new());
        for (value, index) in values.iter().zip(0..) {
            let out = filter.process(frame(index, *value)).expect("it always works");
            counts.push(out.len());
            frames.extend(out);
        }
        let out = filter.flush().expect("it always works");
        counts.push(out.len());
        frames.extend(out);
        (frames, counts)
    }

    #[test]
    fn as_many_come_out_as_went_in() {
        for (frames, reach) in [("3", 1), ("5", 2)] {
            for count in 0..7 {
                let values: Vec<u8> = (0..count).collect();
                let (out, counts) = run(&mut filter(&[("frames", frames)]), &values);
                assert_eq!(out.len(), values.len());
                let kept = values.len().min(reach);
                assert_eq!(counts.last(), Some(&kept));
                for (frame, index) in out.iter().zip(0..) {
                    let info = frame.info();
                    assert_eq!((info.index, info.timestamp), (index, 40 * index as i64));
                    assert_eq!(info.duration, Some(40));
                    assert_eq!(frame.tag("test.value"), Some(index.to_string()));
                }
            }
        }
    }

    #[test]
    fn neighbours_are_averaged_where_they_are_close() {
        let (out, _) = run(&mut filter(&[]), &[10, 13, 18, 100, 101]);
        let values: Vec<u8> = out.iter().map(|frame| frame.plane(0)[4]).collect();
        // (10 + 10 + 13) / 3, (10 + 13 + 18) / 3, (13 + 18 + 18) / 3, (100 + 100 + 101) / 3 …
        assert_eq!(values, [11, 14, 16, 100, 101]);
        let (out, _) = run(&mut filter(&[("frames", "5")]), &[10, 13, 18, 100, 101]);
        let values: Vec<u8> = out.iter().map(|frame| frame.plane(0)[0]).collect();
        // (3 * 10 + 13 + 18) / 5, (2 * 13 + 10 + 18 + 13) / 5, (3 * 18 + 10 + 13) / 5 …
        assert_eq!(values, [12, 13, 15, 100, 101]);
    }
}
