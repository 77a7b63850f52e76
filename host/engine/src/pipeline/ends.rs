//! The two ends of a file job: what reads and decodes, and what encodes and writes.

use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, never, select};
use tracing::warn;

use super::compare::{Compare, Sources};
use super::error::PipelineError;
use super::flow::{Collect, Deal, Trouble};
use super::job::Summary;
use super::observe::Observer;
use super::output::Writer;
use super::parts::Parts;
use super::stats::{Meter, Progress};
use super::window::Cut;
use filmgate_av::{MediaError, MediaErrorKind, Packet, VideoEncoder};
use filmgate_core::cancel::Cancel;
use filmgate_core::frame::Frame;

/// How the source ended.
#[derive(Default)]
pub(super) struct Ended {
    pub(super) frames: u64,
    pub(super) damaged: u64,
    /// pictures before the first key frame
    pub(super) undecodable_lead: u64,
    /// jumps of a clock that were taken out
    pub(super) jumps: u64,
    pub(super) truncated: Option<String>,
}

/// Reads and decodes, on a thread of its own.
pub(super) struct Source {
    pub(super) parts: Parts,
    pub(super) cut: Cut,
    pub(super) deal: Deal,
    pub(super) packets: Sender<Packet>,
    pub(super) meter: Arc<Meter>,
    pub(super) accept_truncated: bool,
    /// where pictures are kept for comparison
    pub(super) sources: Option<Sources>,
}

/// How long after the end of the wanted part its last sound may still come, nanoseconds: files
/// have sound and pictures of one time close together.
const AFTERMATH: i64 = 5_000_000_000;

/// How long before the wanted part a text may begin that is still shown in it, nanoseconds: texts
/// stand in files where they begin.
const TEXT_LEAD: i64 = 15_000_000_000;

impl Source {
    pub(super) fn run(mut self, trouble: &Trouble, cancel: &Cancel) -> Ended {
        let mut ended = Ended::default();
        if let Err(e) = self.read_all(cancel, &mut ended) {
            trouble.report(e);
        }
        ended.damaged = self.parts.damaged();
        ended.undecodable_lead = self.parts.undecodable_lead();
        ended.jumps = self.parts.jumped();
        ended
    }

    fn read_all(&mut self, cancel: &Cancel, ended: &mut Ended) -> Result<(), PipelineError> {
        loop {
            let lead = if self.parts.has_texts() { TEXT_LEAD } else { 0 };
            let part = &mut self.parts.now;
            let from = self.cut.start().saturating_sub(part.offset).saturating_sub(lead);
            part.input.seek(part.video, from)?;
            if !self.read_part(cancel, ended)? || self.cut.is_over() || cancel.is_cancelled() {
                break;
            }
            if !self.parts.next()? {
                break;
            }
        }
        self.pass_on(true);
        Ok(())
    }

    /// Reads one input to its end, or the wanted part's; false when nobody takes it any more.
    fn read_part(&mut self, cancel: &Cancel, ended: &mut Ended) -> Result<bool, PipelineError> {
        let mut waiting = self.parts.steady();
        while !cancel.is_cancelled() {
            let mut packet = match self.parts.now.input.read() {
                Ok(Some(packet)) => packet,
                Ok(None) => break,
                Err(e) if e.kind == MediaErrorKind::Truncated && self.accept_truncated => {
                    warn!("{e}");
                    ended.truncated = Some(e.to_string());
                    continue;
                }
                Err(e) => return Err(e.into()),
            };
            self.parts.now.jumps.smooth(&mut packet);
            let more = if packet.stream() != self.parts.now.video {
                self.copy(packet, &mut waiting)
            } else if !self.cut.is_over() {
                let (decoder, meter) = (&mut self.parts.now.decoder, &self.meter);
                meter.time(0, || decoder.send(&packet))?;
                self.deliver(ended)?
            } else {
                self.is_near_the_end(&packet)
            };
            if !more {
                return Ok(false);
            }
            if self.cut.is_over() && waiting.is_empty() {
                return Ok(true);
            }
        }
        if !self.cut.is_over() {
            let (decoder, meter) = (&mut self.parts.now.decoder, &self.meter);
            meter.time(0, || decoder.end())?;
            return self.deliver(ended);
        }
        Ok(true)
    }

    /// Whether sound of the wanted part may still come behind this picture.
    fn is_near_the_end(&self, packet: &Packet) -> bool {
        let part = &self.parts.now;
        let begin = part.input.facts().start;
        let time = packet.time().map_or(0, |t| t.saturating_sub(begin) + part.offset);
        self.cut.end().is_none_or(|end| time < end.saturating_add(AFTERMATH))
    }

    /// Takes a packet that may be wanted in the output as it is.
    fn copy(&mut self, packet: Packet, waiting: &mut Vec<usize>) -> bool {
        let by = -self.cut.start();
        // A cover picture has a time of its own, or none.
        let timeless = packet.time().is_none() || self.parts.is_cover(packet.stream());
        let Some((packet, time)) = self.parts.adopt(packet, by) else { return true };
        if timeless {
            return self.packets.send(packet).is_ok();
        }
        if self.cut.end().is_some_and(|end| time >= end) {
            waiting.retain(|stream| *stream != packet.stream());
        }
        let length = packet.length();
        match self.parts.is_text(packet.stream()) {
            true if length > 0 => self.cut.text(packet, time, length),
            _ => self.cut.packet(packet, time, length),
        }
        self.pass_on(false)
    }

    /// Passes on the packets that are known to be wanted; false when nobody takes them any more.
    fn pass_on(&mut self, last: bool) -> bool {
        while let Some(packet) = self.cut.release(last) {
            if self.packets.send(packet).is_err() {
                return false;
            }
        }
        true
    }

    /// Passes on what the decoder has ready; false when nobody takes it any more.
    fn deliver(&mut self, ended: &mut Ended) -> Result<bool, PipelineError> {
        loop {
            let start = Instant::now();
            let frame = self.parts.now.decoder.receive()?;
            self.meter.add(start.elapsed(), u64::from(frame.is_some()));
            let Some(frame) = frame else { return Ok(self.pass_on(false)) };
            let time = self.parts.frame_time(&frame);
            let Some(mut frame) = self.cut.frame(frame, time) else { continue };
            ended.frames += 1;
            if let Some(sources) = &self.sources {
                sources.put(&mut frame);
            }
            if !self.deal.send(vec![frame]) {
                return Ok(false);
            }
        }
    }
}

/// Encodes and writes, on the thread that runs the job.
pub(super) struct Sink {
    pub(super) encoder: VideoEncoder,
    pub(super) writer: Writer,
    pub(super) encode: Meter,
    pub(super) mux: Meter,
    pub(super) frames: u64,
    pub(super) progress: Arc<Progress>,
    pub(super) observer: Option<Observer>,
    pub(super) compare: Option<Compare>,
}

impl Sink {
    /// Takes pictures and packets as they come, until both have ended. Both are taken at any
    /// time, so that neither can hold up the source while the other is waited for.
    pub(super) fn drain(
        &mut self,
        mut frames: Collect,
        mut packets: Receiver<Packet>,
        cancel: &Cancel,
    ) -> Result<(), PipelineError> {
        let (mut more_frames, mut more_packets) = (true, true);
        while (more_frames || more_packets) && !cancel.is_cancelled() {
            let pictures = match more_frames {
                true => frames.current().clone(),
                false => never(),
            };
            select! {
                recv(pictures) -> message => match message {
                    Ok(message) => {
                        frames.advance();
                        message.iter().try_for_each(|frame| self.encode(frame))?;
                    }
                    Err(_) => more_frames = false,
                },
                recv(packets) -> packet => match packet {
                    Ok(packet) => self.copy(packet)?,
                    Err(_) => {
                        more_packets = false;
                        packets = never();
                    }
                },
            }
        }
        Ok(())
    }

    fn encode(&mut self, frame: &Frame) -> Result<(), PipelineError> {
        self.progress.note(frame.timestamp);
        self.frames += 1;
        if let Some(observer) = &mut self.observer {
            observer(frame)?;
        }
        let both = self.compare.as_mut().map(|c| c.picture(frame)).transpose()?;
        let encoder = &mut self.encoder;
        self.encode.time(1, || encoder.send(both.as_ref().unwrap_or(frame)))?;
        self.write()
    }

    fn write(&mut self) -> Result<(), PipelineError> {
        loop {
            let encoder = &mut self.encoder;
            let Some(packet) = self.encode.time(0, || encoder.receive())? else { return Ok(()) };
            let writer = &mut self.writer;
            self.mux.time(1, || writer.write_encoded(packet))?;
        }
    }

    fn copy(&mut self, packet: Packet) -> Result<(), PipelineError> {
        let writer = &mut self.writer;
        self.mux.time(0, || writer.write_copied(packet))
    }

    /// Ends the encoder and the output, which appears then.
    pub(super) fn finish(mut self, summary: &mut Summary) -> Result<(), PipelineError> {
        let encoder = &mut self.encoder;
        self.encode.time(0, || encoder.finish())?;
        self.write()?;
        summary.frames_out = self.frames;
        summary.nudged = self.encoder.nudged();
        if self.frames == 0 {
            return Err(no_frames().into());
        }
        let (writer, meter) = (self.writer, self.mux);
        summary.bytes = meter.time(0, || writer.finish())?;
        summary.encode = self.encode.reading();
        summary.mux = meter.reading();
        Ok(())
    }
}

fn no_frames() -> MediaError {
    MediaError {
        kind: MediaErrorKind::Decode,
        message: "not one picture reached the encoder: the input holds none that can be decoded, or the part asked for lies behind its end".to_owned(),
    }
}
