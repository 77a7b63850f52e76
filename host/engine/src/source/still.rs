//! The frame of an input at one time, with those around it that plugins need to see.
//!
//! Serial plugins get some frames from before that time first, and as many from behind it as they
//! need to give it back, so that filters over time show what they show in a whole job: as many as
//! they say that they look back, or [`LEAD`] where one does not say it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::reader::Reader;
use super::{Event, Source, SourceReport};
use crate::error::PipelineError;
use filmgate_av::{DecodeOptions, Input, MediaError, MediaErrorKind};
use filmgate_core::frame::{Frame, PixelFormat, Rational, StreamInfo};
use filmgate_core::time::frame_duration;
use filmgate_plugin::seconds;

/// Frames that serial plugins which do not say how far they look see before the one that is wanted.
pub const LEAD: usize = 32;

/// Frames that they may see behind it before they are asked to give back what they hold; more than
/// a plugin may hold.
const AHEAD: usize = 160;

/// The frame that is wanted, shared by the source, which finds it, and the sink, which says when it
/// has what came of it.
#[derive(Clone, Default)]
pub struct Wanted(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    frame: Option<Frame>,
    reached: bool,
}

impl Wanted {
    /// The frame as it is in the input, once the source has found it.
    pub fn frame(&self) -> Option<Frame> {
        self.lock().frame.clone()
    }

    /// What was wanted has come through the plugins: nothing more is read.
    pub fn reached(&self) {
        self.lock().reached = true;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An input from shortly before the wanted time on.
pub struct Reel {
    reader: Reader,
    /// the wanted time, nanoseconds from the start
    at: i64,
    /// frames to give out before the wanted one
    lead: usize,
    /// nanoseconds that a frame lasts, as far as is known
    length: i64,
    /// what is added to the decoder's numbers, which begin where it began: as far as frames come
    /// evenly, plugins see the numbers of a whole job
    offset: Option<u64>,
    wanted: Wanted,
    begun: bool,
    ready: VecDeque<Frame>,
    ahead: usize,
    given: u64,
    /// the last frame stands for every time behind it
    to_the_end: bool,
}

impl Reel {
    /// `at`: nanoseconds from the start. `lead`: frames that are given out before. `to_the_end`:
    /// behind the last frame there is that one; else a time there is an error.
    ///
    /// # Errors
    /// NoVideo, Unsupported.
    pub fn new(
        input: Input,
        at: i64,
        lead: usize,
        to_the_end: bool,
        wanted: &Wanted,
    ) -> Result<Reel, PipelineError> {
        let video = input.best_video()?;
        let reader = Reader::new(input, video, &DecodeOptions::default(), None)?;
        let length = frame_duration(reader.output().frame_rate);
        Ok(Reel {
            reader,
            at,
            lead,
            length,
            offset: None,
            wanted: wanted.clone(),
            begun: false,
            ready: VecDeque::new(),
            ahead: 0,
            given: 0,
            to_the_end,
        })
    }

    /// Goes to the time and decodes up to it: the wanted frame is the last one that begins no
    /// later, or the first one there is.
    fn begin(&mut self) -> Result<(), PipelineError> {
        let early = i64::try_from(self.lead).unwrap_or(0).saturating_mul(self.length);
        self.reader.input.seek(self.reader.video, self.at.saturating_sub(early))?;
        let mut next = None;
        while let Some(frame) = self.read()? {
            let late = frame.timestamp > self.at;
            if late && !self.ready.is_empty() {
                next = Some(frame);
                break;
            }
            if self.ready.len() > self.lead {
                self.ready.pop_front();
            }
            self.ready.push_back(frame);
            if late {
                break;
            }
        }
        let Some(last) = self.ready.back() else {
            return Err(no_frame("the input gave no picture at that time".to_owned()).into());
        };
        let end = last.timestamp.saturating_add(last.duration.unwrap_or(self.length));
        if next.is_none() && !self.to_the_end && self.at > end.saturating_add(self.length) {
            let message = format!(
                "{}: there is no picture at {}; the last one ends at {}",
                self.reader.input.path().display(),
                seconds(self.at),
                seconds(end)
            );
            return Err(no_frame(message).into());
        }
        self.wanted.lock().frame = Some(last.clone());
        self.ready.extend(next);
        Ok(())
    }

    /// The next frame, with its number in the whole.
    fn read(&mut self) -> Result<Option<Frame>, PipelineError> {
        let Some(mut frame) = self.reader.frame()? else { return Ok(None) };
        let length = self.length;
        let number = |f: &Frame| u64::try_from((f.timestamp + length / 2) / length).unwrap_or(0);
        frame.index += *self.offset.get_or_insert_with(|| number(&frame));
        Ok(Some(frame))
    }
}

fn no_frame(message: String) -> MediaError {
    MediaError { kind: MediaErrorKind::Decode, message }
}

impl Source for Reel {
    fn offers(&self, _: &[PixelFormat]) -> Vec<StreamInfo> {
        vec![self.reader.output()]
    }

    fn time_base(&self) -> Rational {
        let stream = self.reader.input.facts().streams.get(self.reader.video);
        stream.map_or(Rational { num: 1, den: 90_000 }, |s| s.time_base)
    }

    fn first(&self) -> Option<(&Input, usize)> {
        Some((&self.reader.input, self.reader.video))
    }

    fn next(&mut self) -> Result<Option<Event>, PipelineError> {
        if !std::mem::replace(&mut self.begun, true) {
            self.begin()?;
        }
        if self.wanted.lock().reached {
            return Ok(None);
        }
        let frame = match self.ready.pop_front() {
            Some(frame) => Some(frame),
            None if self.ahead < AHEAD => {
                self.ahead += 1;
                self.read()?
            }
            None => None,
        };
        self.given += u64::from(frame.is_some());
        Ok(frame.map(Event::Frame))
    }

    fn report(&self) -> SourceReport {
        SourceReport {
            decoded: self.given,
            frames: self.given,
            damaged: self.reader.decoder.damaged(),
            lost_alpha: self.reader.decoder.lost_alpha(),
            ..SourceReport::default()
        }
    }

    fn nothing(&self) -> MediaError {
        no_frame("the plugins gave no picture at that time".to_owned())
    }
}
