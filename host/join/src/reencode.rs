//! Re-encodes a segment to match the first one: its video, its audio, or both; all other streams
//! are copied.

use std::collections::VecDeque;

use super::display::Display;
use super::error::JoinError;
use super::fitter::Fitter;
use super::nal::{Framing, Setup, UnitCodec};
use super::plan::{Action, Planned, Track};
use super::plugin_transcode::{FrameCounts, QUALITY};
use super::read::{Event, Reader, Ready, Start, Stop, TrackReaders};
use filmgate_av::{
    AudioTranscoder, DecodeOptions, EncodeOptions, Input, MediaError, OpenOptions, Packet,
    StreamKind, VideoDecoder, VideoEncoder, encoder_named,
};
use filmgate_core::frame::{Frame, StreamInfo};
use filmgate_core::time::NANOSECONDS;
use filmgate_engine::graph::SerialGraph;

/// The video of one segment while it is re-encoded.
struct VideoStream {
    track: usize,
    stream: usize,
    decoder: VideoDecoder,
    fitter: Option<Fitter>,
    /// the plugins
    line: Option<SerialGraph>,
    encoder: VideoEncoder,
    count: FrameCounts,
    /// frames that the encoder got
    sent: u64,
    /// nanoseconds that frames count from
    origin: i64,
}

/// The audio of one segment while it is re-encoded.
struct AudioStream {
    track: usize,
    stream: usize,
    transcoder: AudioTranscoder,
}

/// One segment while it is re-encoded.
struct Reencoder<'r, 'a> {
    reader: &'r Reader<'a>,
    readers: TrackReaders,
    video_stream: Option<VideoStream>,
    audio_streams: Vec<AudioStream>,
    place: usize,
    /// packets that came before the segment's start was known
    early: VecDeque<(usize, Packet)>,
    /// nanoseconds: where the file begins, if it only has decoding times. The first frame is shown
    /// there, whenever it came out of the decoder.
    counted: Option<i64>,
    start: Option<Start>,
    batch: Vec<Ready>,
}

/// Reads a segment and sends it on, re-encoded as far as its plan says.
pub(super) fn segment(reader: &Reader<'_>, place: usize, planned: &Planned) -> Result<(), Stop> {
    let failed = |e: JoinError| Stop::Failed(place, e);
    let mut input = open(reader, planned).map_err(failed)?;
    let (mut reencoder, start) = prepare(reader, place, planned, &mut input).map_err(failed)?;
    if let Some((start, early)) = start {
        reencoder.begin(start)?;
        for packet in early {
            reencoder.packet(packet)?;
        }
    }
    while let Some(packet) = input.read().map_err(|e| failed(e.into()))? {
        reencoder.packet(packet)?;
    }
    reencoder.end()?;
    super::read::unchanged(&mut input, planned).map_err(failed)?;
    reader.send(Event::End { jumps: input.jumps() })
}

fn open(reader: &Reader<'_>, planned: &Planned) -> Result<Input, JoinError> {
    let mut input = Input::open(&planned.segment.path, &OpenOptions::files(reader.cancel))?;
    super::read::unchanged(&mut input, planned)?;
    super::display::derive_display_times(&mut input, planned);
    input.remove_jumps();
    Ok(input)
}

type Begun = Option<(Start, VecDeque<Packet>)>;

fn prepare<'r, 'a>(
    reader: &'r Reader<'a>,
    place: usize,
    planned: &Planned,
    input: &mut Input,
) -> Result<(Reencoder<'r, 'a>, Begun), JoinError> {
    let Action::Reencode { video, audio } = planned.action else {
        return Err(JoinError::System("a segment that fits was to be re-encoded".to_owned()));
    };
    let (mut video_stream, mut audio_streams) = (None, Vec::new());
    let mut readers = reader.readers(planned);
    for (number, track) in reader.plan.tracks.iter().enumerate() {
        let Some(stream) = planned.streams.get(number).copied().flatten() else { continue };
        let model = &reader.plan.segments[track.model.0].segment.path;
        let model = || Input::open(model, &OpenOptions::files(reader.cancel));
        match track.kind {
            StreamKind::Video if video && !track.cover && video_stream.is_none() => {
                video_stream = Some(VideoStream::new(reader, (number, stream), input, &model()?)?);
                readers.encoded(number, units_of(track));
            }
            StreamKind::Audio if audio => {
                let transcoder = AudioTranscoder::new(input, stream, &model()?, track.model.1)?;
                audio_streams.push(AudioStream { track: number, stream, transcoder });
                readers.encoded(number, None);
            }
            _ => {}
        }
    }
    // Plugins do not change where a segment begins, unless its first frames are hidden.
    let told = !matches!(planned.segment.display, Display::Unknown(_));
    let as_copied = reader.transcode.is_some()
        && told
        && planned.differences.iter().all(|d| d.field != "start");
    let start = match video_stream.as_ref().filter(|_| !as_copied) {
        None => Some(reader.beginning(input, planned, &readers)?),
        Some(_) => None,
    };
    let reencoder = Reencoder {
        reader,
        readers,
        video_stream,
        audio_streams,
        place,
        early: VecDeque::new(),
        counted: (!told).then(|| input.facts().start),
        start: None,
        batch: Vec::new(),
    };
    Ok((reencoder, start))
}

/// How the encoder frames what it makes: with its parameter sets before every key frame.
fn units_of(track: &Track) -> Option<Setup> {
    let codec = UnitCodec::of(&track.codec)?;
    Some(Setup { codec, framing: Framing::StartCodes, sets: Vec::new() })
}

impl VideoStream {
    fn new(
        reader: &Reader<'_>,
        (track, stream): (usize, usize),
        input: &Input,
        model: &Input,
    ) -> Result<VideoStream, JoinError> {
        let plan = &reader.plan.tracks[track];
        let options = DecodeOptions::default();
        let like = VideoDecoder::new(model, plan.model.1, &options)?.output();
        let own = VideoDecoder::new(input, stream, &options)?.output();
        let turn = rotation(input, stream) - rotation(model, plan.model.1);
        let shape = |info: &StreamInfo| f64::from(info.width) / f64::from(info.height.max(1));
        let straight = turn.rem_euclid(360) == 0 && (shape(&own) / shape(&like) - 1.0).abs() < 0.01;
        let (decoded, fitter) = if straight {
            (like.clone(), None)
        } else {
            let decoded = StreamInfo { width: own.width, height: own.height, ..like.clone() };
            let fitter = Fitter::new(&decoded, turn, &like)?;
            (decoded, Some(fitter))
        };
        let decoder = VideoDecoder::continuing(input, stream, &options, &decoded)?;
        let (line, encoder) = match reader.transcode {
            Some(transcode) => (
                Some(SerialGraph::start(&transcode.chain, &transcode.pool)?),
                transcode.encoder(reader.plan)?,
            ),
            None => (None, VideoEncoder::new(&like, plan.clock, &usual(&plan.codec)?)?),
        };
        let (count, origin) = (FrameCounts::default(), input.facts().start);
        Ok(VideoStream { track, stream, decoder, fitter, line, encoder, count, sent: 0, origin })
    }
}

fn usual(codec: &str) -> Result<EncodeOptions, MediaError> {
    let codec = encoder_named(codec)?;
    Ok(EncodeOptions { codec, crf: Some(QUALITY), ..EncodeOptions::default() })
}

fn rotation(input: &Input, stream: usize) -> i32 {
    let facts = input.facts().streams.get(stream);
    facts.and_then(|s| s.video.as_ref()).map_or(0, |v| v.rotation)
}

impl Reencoder<'_, '_> {
    fn failed(&self, error: impl Into<JoinError>) -> Stop {
        Stop::Failed(self.place, error.into())
    }

    /// The segment begins.
    fn begin(&mut self, start: Start) -> Result<(), Stop> {
        let counted = self.counted.map(|time| Start { time, base: NANOSECONDS });
        self.readers.begin(counted.unwrap_or(start));
        self.start = Some(start);
        self.reader.send(Event::Begin(self.place, start.nanoseconds()))?;
        while let Some((track, packet)) = self.early.pop_front() {
            self.ready(track, packet)?;
        }
        Ok(())
    }

    fn packet(&mut self, packet: Packet) -> Result<(), Stop> {
        let stream = packet.stream();
        if self.video_stream.as_ref().is_some_and(|f| f.stream == stream) {
            if let Some(video_stream) = &mut self.video_stream {
                video_stream
                    .decoder
                    .send(&packet)
                    .map_err(|e| Stop::Failed(self.place, e.into()))?;
            }
            return self.frames();
        }
        if let Some(audio_stream) = self.audio_streams.iter_mut().find(|s| s.stream == stream) {
            audio_stream
                .transcoder
                .send(Some(&packet))
                .map_err(|e| Stop::Failed(self.place, e.into()))?;
            let track = audio_stream.track;
            return self.heard(track);
        }
        match self.readers.track_of(stream) {
            Some(track) => self.ready(track, packet),
            None => Ok(()),
        }
    }

    /// What the audio encoder has ready.
    fn heard(&mut self, track: usize) -> Result<(), Stop> {
        while let Some(packet) = self
            .audio_streams
            .iter_mut()
            .find(|s| s.track == track)
            .and_then(|s| s.transcoder.receive())
        {
            self.ready(track, packet)?;
        }
        Ok(())
    }

    /// Encodes what the decoder has ready.
    fn frames(&mut self) -> Result<(), Stop> {
        loop {
            let place = self.place;
            let failed = |e: MediaError| Stop::Failed(place, e.into());
            let Some(video_stream) = &mut self.video_stream else { return Ok(()) };
            let Some(frame) = video_stream.decoder.receive().map_err(failed)? else {
                return Ok(());
            };
            let origin = video_stream.origin;
            if self.start.is_none() {
                let time = frame.timestamp.saturating_add(origin);
                self.begin(Start { time, base: NANOSECONDS })?;
            }
            let Some(video_stream) = &mut self.video_stream else { return Ok(()) };
            video_stream.count.decoded += 1;
            let frame = match &mut video_stream.fitter {
                Some(fitter) => fitter.fit(&frame).map_err(failed)?,
                None => frame,
            };
            let frames = match &mut video_stream.line {
                Some(line) => line.feed(frame).map_err(|e| Stop::Failed(place, e.into()))?,
                None => vec![frame],
            };
            self.encode(frames)?;
        }
    }

    /// Encodes frames that are as they will be in the output.
    fn encode(&mut self, frames: Vec<Frame>) -> Result<(), Stop> {
        let start = self.start.map_or(0, Start::nanoseconds);
        for mut frame in frames {
            let Some(video_stream) = &mut self.video_stream else { return Ok(()) };
            frame.timestamp = frame.timestamp + video_stream.origin - start;
            frame.baggage = None;
            video_stream.sent += 1;
            video_stream.encoder.send(&frame).map_err(|e| Stop::Failed(self.place, e.into()))?;
            self.encoded()?;
        }
        Ok(())
    }

    fn encoded(&mut self) -> Result<(), Stop> {
        loop {
            let place = self.place;
            let Some(video_stream) = &mut self.video_stream else { return Ok(()) };
            let packet =
                video_stream.encoder.receive().map_err(|e| Stop::Failed(place, e.into()))?;
            let (Some(packet), track) = (packet, video_stream.track) else { return Ok(()) };
            video_stream.count.encoded += 1;
            self.ready(track, packet.into_packet())?;
        }
    }

    /// A packet that is as it will be in the output.
    fn ready(&mut self, track: usize, packet: Packet) -> Result<(), Stop> {
        /// Packets that go over to the writer at once.
        const BATCH: usize = 16;
        if self.start.is_none() {
            self.early.push_back((track, packet));
            return Ok(());
        }
        let ready = self.readers.ready_for(track, packet, self.reader.hashes);
        self.batch.extend(ready.map_err(|e| self.failed(e))?);
        if self.batch.len() >= BATCH {
            let batch = std::mem::take(&mut self.batch);
            self.reader.send(Event::Packets(batch))?;
        }
        Ok(())
    }

    /// All that is still in decoders and encoders.
    fn end(&mut self) -> Result<(), Stop> {
        if let Some(video_stream) = &mut self.video_stream {
            video_stream.decoder.end().map_err(|e| Stop::Failed(self.place, e.into()))?;
            self.frames()?;
            let kept = match self.video_stream.as_mut().and_then(|f| f.line.as_mut()) {
                Some(line) => line.flush().map_err(|e| Stop::Failed(self.place, e.into()))?,
                None => Vec::new(),
            };
            self.encode(kept)?;
            if let Some(video_stream) = &mut self.video_stream {
                video_stream.encoder.finish().map_err(|e| Stop::Failed(self.place, e.into()))?;
            }
            self.encoded()?;
        }
        for number in 0..self.audio_streams.len() {
            let audio_stream = &mut self.audio_streams[number];
            audio_stream.transcoder.send(None).map_err(|e| Stop::Failed(self.place, e.into()))?;
            let track = audio_stream.track;
            self.heard(track)?;
        }
        let batch = std::mem::take(&mut self.batch);
        self.reader.send(Event::Packets(batch))?;
        self.counted()
    }

    /// Checks that the encoder gave back every frame that it got, and reports the counts.
    fn counted(&self) -> Result<(), Stop> {
        let Some(video_stream) = &self.video_stream else { return Ok(()) };
        if video_stream.count.encoded != video_stream.sent {
            let message = format!(
                "the encoder made {} frames of {}",
                video_stream.count.encoded, video_stream.sent
            );
            return Err(self.failed(JoinError::Proof(message)));
        }
        self.reader.send(Event::Frames(FrameCounts {
            damaged: video_stream.decoder.damaged() + video_stream.decoder.undecodable_lead(),
            lost_alpha: video_stream.decoder.lost_alpha()
                || video_stream.fitter.as_ref().is_some_and(Fitter::lost_alpha)
                || self.reader.transcode.is_some_and(|t| t.chain.lost_alpha()),
            ..video_stream.count
        }))
    }
}
