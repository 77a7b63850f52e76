//! One encode of all frames, into any number of outputs.

use std::time::Duration;

use super::audio::Audio;
use super::outputs::{Outputs, Parts, Service};
use super::push::Watched;
use super::target::{Output, Selection};
use super::{End, Opening, PlannedEncoder, Sink, SinkPlan, SinkReport, nothing};
use crate::error::PipelineError;
use crate::graph::Meter;
use crate::source::Source;
use crate::stop::{GRACE, LINGER};
use filmgate_av::{
    EncodeOptions, MediaError, MediaErrorKind, Muxer, Packet, VideoEncoder, encoder_formats,
    encodes_fields,
};
use filmgate_core::frame::{Frame, PixelFormat, Rational, StreamInfo};

/// What is encoded, how, and where it goes.
pub struct Encoded {
    pub encode: EncodeOptions,
    pub outputs: Vec<Output>,
    pub service: Service,
    /// which streams of the input are copied
    pub selection: Selection,
    /// audio from elsewhere
    pub audio: Option<Box<dyn Audio>>,
}

impl Encoded {
    /// Whether any output is of this container.
    fn has(&self, format: &str) -> bool {
        self.outputs.iter().any(|o| o.format == format)
    }

    /// The encoder's clock: the source's, so that no timestamp is rounded; one tick a frame where a
    /// plugin set the frame rate of `frames`, and for containers that know nothing but a frame rate.
    fn time_base(&self, frames: &StreamInfo, source: &dyn Source) -> Rational {
        let ticks = |rate: Rational| Rational { num: rate.den, den: rate.num };
        let offers = source.offers(&[frames.format]);
        let given = offers.first().and_then(|offer| offer.frame_rate);
        if let Some(rate) = frames.frame_rate.filter(|r| r.num > 0 && Some(*r) != given) {
            return ticks(rate);
        }
        let by_rate = ["avi", "mxf", "h264"].iter().any(|format| self.has(format));
        let stream = source.first().and_then(|(input, video)| input.facts().streams.get(video));
        match stream.and_then(|s| s.frame_rate) {
            Some(rate) if by_rate && rate.num > 0 => ticks(rate),
            _ => source.time_base(),
        }
    }

    fn options(&self, source: &dyn Source) -> EncodeOptions {
        let needs_header = |o: &Output| Muxer::needs_global_header(&o.format);
        let mut options = self.encode.clone();
        options.global_header = self.outputs.iter().any(needs_header);
        if let Some((input, video)) = source.first() {
            let facts = input.facts().streams.get(video).and_then(|s| s.video.as_ref());
            let interlaced = facts.and_then(|f| f.interlaced);
            options.interlaced = interlaced.filter(|_| encodes_fields(&options.codec));
            options.hdr = input.x265_hdr(video);
        }
        options
    }
}

impl SinkPlan for Encoded {
    /// Those that the encoder takes, and of them what was asked for and what the container knows.
    fn formats(&self, _: &dyn Source) -> Result<Vec<PixelFormat>, PipelineError> {
        let mut formats = encoder_formats(&self.encode.codec)?;
        if self.has("yuv4mpegpipe") {
            formats.retain(|f| f.is_yuv() || *f == PixelFormat::Gray8);
        }
        let Some(wanted) = self.encode.pixel_format else { return Ok(formats) };
        if formats.contains(&wanted) {
            return Ok(vec![wanted]);
        }
        let taken: Vec<&str> = formats.into_iter().map(PixelFormat::name).collect();
        let (codec, taken) = (&self.encode.codec, taken.join(", "));
        let message = format!("the encoder \"{codec}\" does not take {wanted}; it takes {taken}");
        Err(MediaError { kind: MediaErrorKind::Unsupported, message }.into())
    }

    fn whom(&self) -> String {
        format!("the encoder {}", self.encode.codec)
    }

    fn encoder(&self) -> PlannedEncoder {
        let encode = &self.encode;
        let mut options = Vec::new();
        options.extend(encode.preset.iter().map(|p| ("preset".to_owned(), p.clone())));
        options.extend(encode.tune.iter().map(|t| ("tune".to_owned(), t.clone())));
        options.extend(encode.bit_rate.iter().map(|b| ("bitrate".to_owned(), b.to_string())));
        options.extend(encode.crf.iter().map(|c| ("crf".to_owned(), c.to_string())));
        options.extend(encode.options.iter().cloned());
        PlannedEncoder { name: encode.codec.clone(), options }
    }

    fn selection(&self) -> Selection {
        self.selection.clone()
    }

    fn open(
        self: Box<Self>,
        opening: Opening<'_>,
        report: &mut SinkReport,
    ) -> Result<Box<dyn Sink>, PipelineError> {
        let Opening { source, frames, stop, dry_run, .. } = opening;
        let options = self.options(source);
        let encoder = VideoEncoder::new(frames, self.time_base(frames, source), &options)?;
        report.encoded = Some(encoder.output());
        report.conversions.extend(encoder.note());
        let audio = self.audio.as_ref().map(|a| a.template()).transpose()?;
        let parts = Parts {
            encoder: &encoder,
            from: source.first(),
            selection: &self.selection,
            window: source.window(),
            audio,
            service: &self.service,
            stop: &stop.hard,
            dry_run,
        };
        let outputs = Outputs::begin(&self.outputs, &parts, report)?;
        let (codec, fields) = (&self.encode.codec, is_interlaced(source));
        if fields && !encodes_fields(codec) {
            report
                .left_out
                .push(format!("that frames consist of two fields: {codec} encodes none"));
        }
        report.mux = Some(Default::default());
        Ok(Box::new(Encoding {
            encoder,
            audio: self.audio,
            outputs,
            encode: Meter::default(),
            mux: Meter::default(),
            frames: 0,
            end: 0,
        }))
    }
}

fn is_interlaced(source: &dyn Source) -> bool {
    let stream = source.first().and_then(|(input, video)| input.facts().streams.get(video));
    stream.and_then(|s| s.video.as_ref()).is_some_and(|v| v.interlaced.is_some())
}

struct Encoding {
    encoder: VideoEncoder,
    audio: Option<Box<dyn Audio>>,
    outputs: Outputs,
    encode: Meter,
    mux: Meter,
    frames: u64,
    /// when the last frame is over
    end: i64,
}

impl Encoding {
    fn deliver(&mut self) -> Result<(), PipelineError> {
        loop {
            let encoder = &mut self.encoder;
            let Some(packet) = self.encode.time(0, || encoder.receive())? else { break };
            let outputs = &mut self.outputs;
            self.mux.time(1, || outputs.write_video(packet))?;
        }
        let Some(audio) = &mut self.audio else { return Ok(()) };
        for packet in audio.until(self.end)? {
            self.outputs.write_audio(packet)?;
        }
        Ok(())
    }

    /// How long servers may take after the last frame to take what waits for them.
    fn patience(end: &End<'_>) -> Duration {
        if end.stopped { GRACE / 2 } else { LINGER }
    }
}

impl Sink for Encoding {
    fn copied(&self) -> Vec<bool> {
        self.outputs.copied().to_vec()
    }

    fn frame(&mut self, frame: &Frame) -> Result<(), PipelineError> {
        if self.outputs.wants_key() {
            self.encoder.force_key();
        }
        let encoder = &mut self.encoder;
        self.encode.time(1, || encoder.send(frame))?;
        self.frames += 1;
        self.end = frame.timestamp.saturating_add(frame.duration.unwrap_or(0));
        self.deliver()
    }

    fn packet(&mut self, packet: Packet) -> Result<(), PipelineError> {
        let outputs = &mut self.outputs;
        self.mux.time(0, || outputs.write_copied(packet))
    }

    fn pushes(&self) -> Vec<Watched> {
        self.outputs.pushes()
    }

    fn finish(
        mut self: Box<Self>,
        end: &mut End<'_>,
        report: &mut SinkReport,
    ) -> Result<(), PipelineError> {
        if end.stop.abandon.is_cancelled() {
            return Err(PipelineError::Interrupted);
        }
        if self.frames == 0 {
            return Err(if end.stopped { PipelineError::Interrupted } else { nothing(end) });
        }
        let encoder = &mut self.encoder;
        self.encode.time(0, || encoder.finish())?;
        self.deliver()?;
        report.frames = self.frames;
        report.nudged_timestamps = self.encoder.nudged();
        let (outputs, mux) = (self.outputs, &self.mux);
        let (reports, failure) = mux.time(0, || outputs.finish(Self::patience(end)));
        report.encode = Some(self.encode.reading());
        report.mux = Some(mux.reading());
        report.bytes = reports.iter().filter_map(|o| o.bytes).sum();
        let alone = reports.len() == 1;
        report.outputs = reports;
        match failure {
            Some(failure) if alone => Err(failure),
            failure => {
                report.failure = failure;
                Ok(())
            }
        }
    }
}
