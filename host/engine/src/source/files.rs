//! Inputs in turn, as if they were one: files, URLs, devices, numbered images, standard input.

use std::collections::VecDeque;

use tracing::warn;

use super::parts::Parts;
use super::reader::{Came, Reader};
use super::window::{Cut, Window};
use super::{Event, Source, SourceReport};
use crate::error::{PipelineError, undecodable};
use filmgate_av::{DecodeOptions, Input, MediaErrorKind, Packet};
use filmgate_core::cancel::Cancel;
use filmgate_core::frame::{PixelFormat, Rational, StreamInfo};

/// How long after the end of the wanted part its last audio may still come, nanoseconds: files
/// have audio and video of one time close together.
const AFTERMATH: i64 = 5_000_000_000;

/// How long before the wanted part a text may begin that is still shown in it, nanoseconds: texts
/// stand in files where they begin.
const TEXT_LEAD: i64 = 15_000_000_000;

/// What is read, and how.
#[derive(Clone, Debug, Default)]
pub struct FilesOptions {
    /// the video to decode; libav's choice where none
    pub video: Option<usize>,
    pub window: Window,
    pub decode: DecodeOptions,
    /// accept inputs that end too early
    pub accept_truncated: bool,
    pub cancel: Cancel,
}

/// Inputs in turn. The streams of the first one decide what is copied.
pub struct Files {
    parts: Parts,
    cut: Cut,
    accept_truncated: bool,
    cancel: Cancel,
    duration: Option<i64>,
    /// steady streams of which packets of the wanted part may still come
    waiting: Vec<usize>,
    /// copied packets that are known to be wanted, and the frames between them
    ready: VecDeque<Event>,
    state: State,
    decoded: u64,
    given: u64,
    truncated: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// the present input has not been begun
    Fresh,
    Reading,
    Over,
}

impl Files {
    /// For inputs that are open; those behind the first follow it.
    ///
    /// # Errors
    /// NoVideo; Undecodable.
    pub fn new(
        mut first: Input,
        rest: Vec<Input>,
        options: FilesOptions,
    ) -> Result<Files, PipelineError> {
        let video = options.video.map_or_else(|| first.best_video(), Ok)?;
        first.learn_hdr(video)?;
        first.learn_fields(video)?;
        let reader = Reader::new(first, video, &options.decode, None).map_err(undecodable)?;
        let parts = Parts::new(reader, rest, options.decode);
        let whole = parts.duration().map(|all| (all - options.window.start).max(0));
        let duration = match (whole, options.window.duration) {
            (Some(whole), Some(wanted)) => Some(whole.min(wanted)),
            (one, other) => one.or(other),
        };
        Ok(Files {
            parts,
            cut: Cut::new(options.window),
            accept_truncated: options.accept_truncated,
            cancel: options.cancel,
            duration,
            waiting: Vec::new(),
            ready: VecDeque::new(),
            state: State::Fresh,
            decoded: 0,
            given: 0,
            truncated: None,
        })
    }

    /// Goes to the wanted part of the present input.
    fn begin(&mut self) -> Result<(), PipelineError> {
        let lead = if self.parts.has_texts() { TEXT_LEAD } else { 0 };
        let part = &mut self.parts.now;
        let from = self.cut.start().saturating_sub(part.offset).saturating_sub(lead);
        part.reader.input.seek(part.reader.video, from)?;
        self.waiting = self.parts.steady();
        self.state = State::Reading;
        Ok(())
    }

    /// Takes one step in the present input.
    fn step(&mut self) -> Result<(), PipelineError> {
        let came = match self.parts.now.reader.next(!self.cut.is_over()) {
            Err(e) if e.kind == MediaErrorKind::Truncated && self.accept_truncated => {
                warn!("{e}");
                self.truncated = Some(e.to_string());
                return Ok(());
            }
            other => other?,
        };
        match came {
            Came::Frame(frame) => {
                self.decoded += 1;
                let time = self.parts.frame_time(&frame);
                if let Some(frame) = self.cut.frame(frame, time) {
                    self.given += 1;
                    self.ready.push_back(Event::Frame(frame));
                }
            }
            Came::Packet(packet) => self.copy_packet(packet),
            Came::Video(packet) => {
                if self.cut.is_over() && !self.is_near_the_end(&packet) {
                    self.state = State::Over;
                }
            }
            Came::End => return self.next_part(),
        }
        self.release(false);
        if self.cut.is_over() && self.waiting.is_empty() {
            self.state = State::Over;
        }
        Ok(())
    }

    fn next_part(&mut self) -> Result<(), PipelineError> {
        let more = !self.cut.is_over() && !self.cancel.is_cancelled() && self.parts.next()?;
        self.state = if more { State::Fresh } else { State::Over };
        Ok(())
    }

    /// Whether audio of the wanted part may still come behind this packet of the video.
    fn is_near_the_end(&self, packet: &Packet) -> bool {
        let part = &self.parts.now;
        let begin = part.reader.input.facts().start;
        let time = packet.time().map_or(0, |t| t.saturating_sub(begin) + part.offset);
        self.cut.end().is_none_or(|end| time < end.saturating_add(AFTERMATH))
    }

    /// Takes a packet that may be wanted in the output as it is.
    fn copy_packet(&mut self, packet: Packet) {
        let by = -self.cut.start();
        // A cover picture has a time of its own, or none.
        let timeless = packet.time().is_none() || self.parts.is_cover(packet.stream());
        let Some((packet, time)) = self.parts.adopt(packet, by) else { return };
        if timeless {
            return self.ready.push_back(Event::Packet(packet));
        }
        if self.cut.end().is_some_and(|end| time >= end) {
            self.waiting.retain(|stream| *stream != packet.stream());
        }
        let length = packet.length();
        if self.parts.is_text(packet.stream()) && length > 0 {
            self.cut.text(packet, time, length)
        } else {
            self.cut.packet(packet, time, length)
        }
    }

    /// Gives out the packets that are known to be wanted.
    fn release(&mut self, last: bool) {
        while let Some(packet) = self.cut.release(last) {
            self.ready.push_back(Event::Packet(packet));
        }
    }
}

impl Source for Files {
    fn offers(&self, _: &[PixelFormat]) -> Vec<StreamInfo> {
        vec![self.parts.now.reader.output()]
    }

    fn time_base(&self) -> Rational {
        let reader = &self.parts.now.reader;
        let stream = reader.input.facts().streams.get(reader.video);
        stream.map_or(Rational { num: 1, den: 90_000 }, |s| s.time_base)
    }

    fn first(&self) -> Option<(&Input, usize)> {
        Some((&self.parts.now.reader.input, self.parts.now.reader.video))
    }

    fn copy(&mut self, streams: &[bool]) -> Vec<String> {
        self.parts.copy(streams)
    }

    fn window(&self) -> Window {
        self.cut.window()
    }

    fn duration(&self) -> Option<i64> {
        self.duration
    }

    fn next(&mut self) -> Result<Option<Event>, PipelineError> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            if self.cancel.is_cancelled() {
                return Ok(None);
            }
            match self.state {
                State::Fresh => self.begin()?,
                State::Reading => self.step()?,
                State::Over => {
                    self.release(true);
                    return Ok(self.ready.pop_front());
                }
            }
        }
    }

    fn report(&self) -> SourceReport {
        SourceReport {
            decoded: self.decoded,
            frames: self.given,
            damaged: self.parts.damaged(),
            undecodable_lead: self.parts.undecodable_lead(),
            jumps: self.parts.jumped(),
            lost_alpha: self.parts.lost_alpha(),
            truncated: self.truncated.clone(),
            ..SourceReport::default()
        }
    }
}
