//! Pictures that describe themselves: whatever libav reads and decodes, and single pictures that
//! are shown for a while.

use std::collections::VecDeque;

use super::job::ticks;
use super::pictures::{Ended, Pictures, nanoseconds};
use filmgate_av::{DecodeOptions, Input, MediaError, VideoDecoder};
use filmgate_core::frame::{Frame, PixelFormat, Rational, StreamInfo};

/// The pictures of an input, at its own times.
pub struct Decoded {
    input: Input,
    decoder: VideoDecoder,
    video: usize,
    /// everything has been sent to the decoder
    over: bool,
    count: u64,
}

impl Decoded {
    /// # Errors
    /// NoVideo, Unsupported.
    pub fn new(input: Input) -> Result<Decoded, MediaError> {
        let video = input.best_video()?;
        let decoder = VideoDecoder::new(&input, video, &DecodeOptions::default())?;
        Ok(Decoded { input, decoder, video, over: false, count: 0 })
    }
}

impl Pictures for Decoded {
    fn offers(&self, _: &[PixelFormat]) -> Vec<StreamInfo> {
        vec![self.decoder.output()]
    }

    fn choose(&mut self, _: &StreamInfo) -> Result<(), MediaError> {
        Ok(())
    }

    fn time_base(&self) -> Rational {
        let stream = self.input.facts().streams.get(self.video);
        stream.map_or(Rational { num: 1, den: 90_000 }, |s| s.time_base)
    }

    fn next(&mut self) -> Result<Option<Frame>, MediaError> {
        loop {
            if let Some(mut frame) = self.decoder.receive()? {
                frame.index = self.count;
                self.count += 1;
                return Ok(Some(frame));
            }
            if self.over {
                return Ok(None);
            }
            match self.input.read()? {
                Some(packet) if packet.stream() == self.video => self.decoder.send(&packet)?,
                Some(_) => {}
                None => {
                    self.decoder.end()?;
                    self.over = true;
                }
            }
        }
    }

    fn ended(&self) -> Ended {
        Ended { damaged: self.decoder.damaged(), ..Ended::default() }
    }
}

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
}

impl Slides {
    /// Shows each of the pictures for `duration` nanoseconds. All become as large as the first.
    ///
    /// # Errors
    /// Of reading and decoding the first one.
    pub fn new(inputs: Vec<Input>, duration: i64, rate: Rational) -> Result<Slides, MediaError> {
        let mut rest: VecDeque<Input> = inputs.into();
        let first = rest.pop_front().ok_or_else(nothing)?;
        let mut source = Decoded::new(first)?;
        let info = StreamInfo { frame_rate: Some(rate), ..source.decoder.output() };
        let now = source.next()?.ok_or_else(nothing)?;
        let length = nanoseconds(1, rate).max(1);
        let times = u64::try_from((duration + length / 2) / length).unwrap_or(1).max(1);
        Ok(Slides { rest, now, info, rate, times, left: times, count: 0 })
    }

    /// The next picture, made as large as the first.
    fn turn_over(&mut self) -> Result<bool, MediaError> {
        let Some(input) = self.rest.pop_front() else { return Ok(false) };
        let video = input.best_video()?;
        let options = DecodeOptions::default();
        let decoder = VideoDecoder::continuing(&input, video, &options, &self.info)?;
        let mut source = Decoded { input, decoder, video, over: false, count: 0 };
        self.now = source.next()?.ok_or_else(nothing)?;
        self.left = self.times;
        Ok(true)
    }
}

fn nothing() -> MediaError {
    let message = "there is no picture in it".to_owned();
    MediaError { kind: filmgate_av::MediaErrorKind::Decode, message }
}

impl Pictures for Slides {
    fn offers(&self, _: &[PixelFormat]) -> Vec<StreamInfo> {
        vec![self.info.clone()]
    }

    fn choose(&mut self, _: &StreamInfo) -> Result<(), MediaError> {
        Ok(())
    }

    fn time_base(&self) -> Rational {
        ticks(self.rate)
    }

    fn next(&mut self) -> Result<Option<Frame>, MediaError> {
        if self.left == 0 && !self.turn_over()? {
            return Ok(None);
        }
        self.left -= 1;
        let index = self.count;
        self.count += 1;
        let mut frame = self.now.clone();
        (frame.index, frame.timestamp) = (index, nanoseconds(index, self.rate));
        frame.duration = Some(nanoseconds(1, self.rate));
        Ok(Some(frame))
    }
}
