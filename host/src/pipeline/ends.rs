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
use super::stats::{Meter, Progress};
use crate::cancel::Cancel;
use crate::frame::Frame;
use crate::media::{Input, MediaError, MediaErrorKind, Muxer, Packet, VideoDecoder, VideoEncoder};

/// How the source ended.
#[derive(Default)]
pub(super) struct Ended {
    pub(super) frames: u64,
    pub(super) damaged: u64,
    pub(super) truncated: Option<String>,
}

/// Reads and decodes, on a thread of its own.
pub(super) struct Source {
    pub(super) input: Input,
    pub(super) decoder: VideoDecoder,
    pub(super) video: usize,
    /// which of the input's streams are copied
    pub(super) wanted: Vec<bool>,
    pub(super) deal: Deal,
    pub(super) packets: Sender<Packet>,
    pub(super) meter: Arc<Meter>,
    pub(super) accept_truncated: bool,
    /// where pictures are kept for comparison
    pub(super) sources: Option<Sources>,
}

impl Source {
    pub(super) fn run(mut self, trouble: &Trouble, cancel: &Cancel) -> Ended {
        let mut ended = Ended::default();
        if let Err(e) = self.read_all(cancel, &mut ended) {
            trouble.report(e);
        }
        ended.damaged = self.decoder.damaged();
        ended
    }

    fn read_all(&mut self, cancel: &Cancel, ended: &mut Ended) -> Result<(), PipelineError> {
        while !cancel.is_cancelled() {
            let packet = match self.input.read() {
                Ok(Some(packet)) => packet,
                Ok(None) => break,
                Err(e) if e.kind == MediaErrorKind::Truncated && self.accept_truncated => {
                    warn!("{e}");
                    ended.truncated = Some(e.to_string());
                    continue;
                }
                Err(e) => return Err(e.into()),
            };
            let stream = packet.stream();
            let delivered = if stream == self.video {
                let (decoder, meter) = (&mut self.decoder, &self.meter);
                meter.time(0, || decoder.send(&packet))?;
                self.deliver(ended)?
            } else {
                !self.wanted.get(stream).copied().unwrap_or(false)
                    || self.packets.send(packet).is_ok()
            };
            if !delivered {
                return Ok(());
            }
        }
        let (decoder, meter) = (&mut self.decoder, &self.meter);
        meter.time(0, || decoder.end())?;
        self.deliver(ended)?;
        Ok(())
    }

    /// Passes on what the decoder has ready; false when nobody takes it any more.
    fn deliver(&mut self, ended: &mut Ended) -> Result<bool, PipelineError> {
        loop {
            let start = Instant::now();
            let frame = self.decoder.receive()?;
            self.meter.add(start.elapsed(), u64::from(frame.is_some()));
            let Some(frame) = frame else { return Ok(true) };
            ended.frames += 1;
            if let Some(sources) = &self.sources {
                sources.put(&frame);
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
    pub(super) muxer: Muxer,
    pub(super) encoded: usize,
    pub(super) copies: Vec<Option<usize>>,
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
            let (muxer, stream) = (&mut self.muxer, self.encoded);
            self.mux.time(1, || muxer.write_encoded(stream, packet))?;
        }
    }

    fn copy(&mut self, packet: Packet) -> Result<(), PipelineError> {
        let Some(stream) = self.copies.get(packet.stream()).copied().flatten() else {
            return Ok(());
        };
        let muxer = &mut self.muxer;
        Ok(self.mux.time(0, || muxer.write_copied(stream, packet))?)
    }

    pub(super) fn finish(mut self, summary: &mut Summary) -> Result<(), PipelineError> {
        let encoder = &mut self.encoder;
        self.encode.time(0, || encoder.finish())?;
        self.write()?;
        summary.frames_out = self.frames;
        summary.nudged = self.encoder.nudged();
        let (muxer, meter) = (self.muxer, self.mux);
        meter.time(0, || muxer.finish())?;
        summary.encode = self.encode.reading();
        summary.mux = meter.reading();
        if self.frames == 0 {
            return Err(no_frames().into());
        }
        Ok(())
    }
}

fn no_frames() -> MediaError {
    MediaError {
        kind: MediaErrorKind::Decode,
        message: "not one picture reached the encoder: the input holds none that can be decoded, or the plugins dropped them all".to_owned(),
    }
}
