//! Still images as a video: each is shown for a while at a steady rate.

use std::collections::VecDeque;

use super::raw::nothing_came;
use super::reader::Reader;
use super::{Event, Source, SourceReport};
use crate::error::PipelineError;
use filmgate_av::{DecodeOptions, Input, MediaError, MediaErrorKind};
use filmgate_core::frame::{Frame, PixelFormat, Rational, StreamInfo};
use filmgate_core::time::begin_of;

/// Single pictures, each shown for a while at a steady rate.
pub struct Slides {
    rest: VecDeque<Input>,
    now: Frame,
    info: StreamInfo,
    rate: Rational,
    /// how many times each is shown, and how many times the present one still is
    times: u64,
    left: u64,
    count: u64,
    lost_alpha: bool,
}

impl Slides {
    /// Shows each of the pictures for `duration` nanoseconds. All become as large as the first.
    ///
    /// # Errors
    /// Of reading and decoding the first one.
    pub fn new(inputs: Vec<Input>, duration: i64, rate: Rational) -> Result<Slides, MediaError> {
        let mut rest: VecDeque<Input> = inputs.into();
        let first = rest.pop_front().ok_or_else(nothing)?;
        let video = first.best_video()?;
        let mut reader = Reader::new(first, video, &DecodeOptions::default(), None)?;
        let info = StreamInfo { frame_rate: Some(rate), ..reader.output() };
        let now = reader.frame()?.ok_or_else(nothing)?;
        let length = begin_of(1, rate).max(1);
        let times = u64::try_from((duration + length / 2) / length).unwrap_or(1).max(1);
        Ok(Slides {
            rest,
            now,
            info,
            rate,
            times,
            left: times,
            count: 0,
            lost_alpha: reader.decoder.lost_alpha(),
        })
    }

    /// The next picture, made as large as the first.
    fn turn_over(&mut self) -> Result<bool, MediaError> {
        let Some(input) = self.rest.pop_front() else { return Ok(false) };
        let video = input.best_video()?;
        let options = DecodeOptions::default();
        let mut reader = Reader::new(input, video, &options, Some(&self.info))?;
        self.now = reader.frame()?.ok_or_else(nothing)?;
        self.lost_alpha |= reader.decoder.lost_alpha();
        self.left = self.times;
        Ok(true)
    }
}

fn nothing() -> MediaError {
    let message = "there is no picture in it".to_owned();
    MediaError { kind: MediaErrorKind::Decode, message }
}

impl Source for Slides {
    fn offers(&self, _: &[PixelFormat]) -> Vec<StreamInfo> {
        vec![self.info.clone()]
    }

    fn time_base(&self) -> Rational {
        Rational { num: self.rate.den, den: self.rate.num }
    }

    fn next(&mut self) -> Result<Option<Event>, PipelineError> {
        if self.left == 0 && !self.turn_over()? {
            return Ok(None);
        }
        self.left -= 1;
        let index = self.count;
        self.count += 1;
        let mut frame = self.now.clone();
        (frame.index, frame.timestamp) = (index, begin_of(index as i64, self.rate));
        frame.duration = Some(begin_of(1, self.rate));
        Ok(Some(Event::Frame(frame)))
    }

    fn report(&self) -> SourceReport {
        SourceReport {
            decoded: self.count,
            frames: self.count,
            lost_alpha: self.lost_alpha,
            ..SourceReport::default()
        }
    }

    fn nothing(&self) -> MediaError {
        nothing_came()
    }
}
