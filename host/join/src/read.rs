//! The segments' packets in their order, made ready for the output: a thread reads ahead while
//! another one writes. Where packets go on the time line is not decided here.

use std::collections::VecDeque;

use crossbeam_channel::Sender;

use super::clock::rescale;
use super::display::{derive_display_times, unshown};
use super::error::JoinError;
use super::nal::{self, Framing, Setup, UnitCodec};
use super::payload::{Payload, is_no_text, opus_samples, sample_bytes, strip_adts};
use super::plan::{Action, Plan, Planned, Units};
use super::plugin_transcode::{FrameCounts, PluginTranscode};
use super::segment::Identity;
use super::tracks::frame_clock;
use filmgate_av::{Input, MediaError, OpenOptions, Packet, StreamKind};
use filmgate_core::cancel::Cancel;
use filmgate_core::frame::Rational;
use filmgate_core::time::NANOSECONDS;

/// Bytes that are read from a file at once.
const BUFFER: usize = 256 << 10;

/// Packets and bytes that go over to the writer at once.
const BATCH: (usize, usize) = (64, 512 << 10);

/// Packets in which every stream is expected to have begun.
const BEGINNING: usize = 512;

/// How much earlier than video audio may begin and still be priming: nanoseconds.
const LEAD: i64 = 100_000_000;

/// A packet on its way to the writer.
pub(super) struct Ready {
    pub(super) track: usize,
    pub(super) packet: Packet,
    /// in the track's clock, from where the segment begins
    pub(super) pts: i64,
    pub(super) dts: i64,
    pub(super) duration: i64,
    /// of audio: what a player that counts samples plays of it
    pub(super) length: i64,
    pub(super) key: bool,
    /// of the payload
    pub(super) hash: u64,
    /// bytes of the payload
    pub(super) size: u64,
}

impl Ready {
    /// Cuts some samples off the front of PCM, `size` bytes each.
    pub(super) fn cut(&mut self, samples: i64, size: u64) -> Result<(), MediaError> {
        let bytes = u64::try_from(samples).unwrap_or(0).saturating_mul(size);
        let Some(rest) = self.packet.data().get(usize::try_from(bytes).unwrap_or(usize::MAX)..)
        else {
            return Ok(());
        };
        if rest.is_empty() {
            return Ok(());
        }
        let rest = rest.to_vec();
        self.packet.replace_data(&rest)?;
        self.pts += samples;
        (self.dts, self.size) = (self.pts, rest.len() as u64);
        self.length = (self.length - samples).max(1);
        self.duration = (self.duration - samples).max(1);
        Ok(())
    }
}

/// What the writer is told.
pub(super) enum Event {
    /// The segment in this place begins; at what time of its own, in nanoseconds.
    Begin(usize, i64),
    Packets(Vec<Ready>),
    /// of the segment's video, which went through plugins
    Frames(FrameCounts),
    /// The segment ends, after so many timestamp discontinuities that were removed.
    End {
        jumps: u64,
    },
}

/// Reads all segments that are joined.
pub(super) struct Reader<'a> {
    pub(super) plan: &'a Plan,
    pub(super) cancel: &'a Cancel,
    pub(super) events: Sender<Event>,
    /// whether payloads are hashed
    pub(super) hashes: bool,
    /// how all video is re-encoded, if it goes through plugins
    pub(super) transcode: Option<&'a PluginTranscode>,
}

/// Why reading ended early.
pub(super) enum Stop {
    /// the writer has gone
    Gone,
    /// the segment in this place
    Failed(usize, JoinError),
}

impl Reader<'_> {
    /// Reads a segment whose packets are copied.
    ///
    /// # Errors
    /// The first one.
    pub(super) fn copy(&self, place: usize, planned: &Planned) -> Result<(), Stop> {
        let failed = |e: JoinError| Stop::Failed(place, e);
        let mut input = self.open(planned).map_err(failed)?;
        let mut readers = self.readers(planned);
        let (start, mut early) = self.beginning(&mut input, planned, &readers).map_err(failed)?;
        readers.begin(start);
        self.send(Event::Begin(place, start.nanoseconds()))?;
        let (mut batch, mut bytes) = (Vec::with_capacity(BATCH.0), 0);
        loop {
            let packet = match early.pop_front() {
                Some(packet) => Some(packet),
                None => input.read().map_err(|e| failed(e.into()))?,
            };
            let Some(packet) = packet else { break };
            let Some(ready) = readers.ready(packet, self.hashes).map_err(failed)? else { continue };
            bytes += ready.packet.size();
            batch.push(ready);
            if batch.len() >= BATCH.0 || bytes >= BATCH.1 {
                let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH.0));
                self.send(Event::Packets(full))?;
                bytes = 0;
            }
        }
        self.send(Event::Packets(batch))?;
        unchanged(&mut input, planned).map_err(failed)?;
        self.send(Event::End { jumps: input.jumps() })
    }

    pub(super) fn send(&self, event: Event) -> Result<(), Stop> {
        self.events.send(event).map_err(|_| Stop::Gone)
    }

    fn open(&self, planned: &Planned) -> Result<Input, JoinError> {
        let options = OpenOptions {
            quick: planned.segment.quick,
            buffer: BUFFER,
            ..OpenOptions::files(self.cancel)
        };
        let mut input = Input::open(&planned.segment.path, &options)?;
        unchanged(&mut input, planned)?;
        derive_display_times(&mut input, planned);
        input.remove_jumps();
        Ok(input)
    }

    pub(super) fn readers(&self, planned: &Planned) -> TrackReaders {
        let audio = matches!(planned.action, Action::Reencode { audio: true, .. });
        let streams = planned.streams.iter().enumerate();
        let readers = streams.filter_map(|(track, stream)| {
            let (plan, stream) = (&self.plan.tracks[track], (*stream)?);
            let shape = &planned.shapes[stream];
            let model = &self.plan.segments[plan.model.0].shapes[plan.model.1];
            let sized = if audio { model } else { shape };
            let film = plan.kind == StreamKind::Video && !plan.cover;
            let setup = UnitCodec::of(&plan.codec)
                .filter(|_| !plan.cover)
                .and_then(|codec| Setup::read(codec, &shape.extradata));
            Some(TrackReader {
                track,
                stream,
                kind: plan.kind,
                cover: plan.cover,
                clock: plan.clock,
                start: 0,
                counted: frame_clock(&self.plan.format, model).filter(|_| film).map(|_| 0),
                frame: i64::from(sized.frame_size),
                sample: sample_bytes(sized),
                payload: Payload::of(shape, plan.whole),
                units: plan.units.clone(),
                setup,
                encoded: false,
                reorders: shape.reorders && plan.kind == StreamKind::Video && !plan.cover,
                aac: plan.codec == "aac",
                opus: plan.codec == "opus",
                text: plan.codec == "mov_text",
                last: None,
            })
        });
        TrackReaders(readers.collect())
    }

    /// Where the segment begins: at the first frame, or at the first audio if that is much earlier
    /// or alone; and the packets that were read to find out.
    pub(super) fn beginning(
        &self,
        input: &mut Input,
        planned: &Planned,
        readers: &TrackReaders,
    ) -> Result<(Start, VecDeque<Packet>), JoinError> {
        let leader = self.plan.leader().and_then(|t| planned.streams.get(t).copied().flatten());
        let sound: Vec<usize> =
            readers.0.iter().filter(|l| l.kind == StreamKind::Audio).map(|l| l.stream).collect();
        let mut early = VecDeque::new();
        let mut first: Option<Start> = None;
        let mut heard: Option<Start> = None;
        let found = |first: &Option<Start>, heard: &Option<Start>| {
            (leader.is_none() || first.is_some()) && (sound.is_empty() || heard.is_some())
        };
        while !found(&first, &heard) && early.len() < BEGINNING {
            let Some(packet) = input.read()? else { break };
            let time = packet.pts().or_else(|| packet.dts());
            let start = time.map(|time| Start { time, base: packet.time_base() });
            if Some(packet.stream()) == leader {
                first = first.or(start);
            }
            if sound.contains(&packet.stream()) && !packet.is_hidden() {
                heard = heard.or(start);
            }
            early.push_back(packet);
        }
        if let Some(leader) = leader.filter(|_| first.is_some()) {
            decoding_times(input, leader, &mut early)?;
        }
        let start = match (first, heard) {
            (Some(film), Some(sound)) if sound.nanoseconds() + LEAD < film.nanoseconds() => sound,
            (Some(film), _) => film,
            (None, Some(sound)) => sound,
            (None, None) => Start { time: 0, base: Rational { num: 1, den: 1000 } },
        };
        Ok((start, early))
    }
}

/// Sets the decoding times of the first packets of video if the container has none (mkv): a frame
/// each before the first one of which that is known.
fn decoding_times(
    input: &mut Input,
    film: usize,
    early: &mut VecDeque<Packet>,
) -> Result<(), MediaError> {
    /// More than any codec reorders.
    const REORDERED: usize = 32;
    let mut waiting = early.iter().filter(|p| p.stream() == film && p.dts().is_none()).count();
    let known = |early: &VecDeque<Packet>| {
        early.iter().position(|p| p.stream() == film && p.dts().is_some())
    };
    while known(early).is_none() && waiting <= REORDERED {
        let Some(packet) = input.read()? else { return Ok(()) };
        waiting += usize::from(packet.stream() == film);
        early.push_back(packet);
    }
    let Some(at) = known(early) else { return Ok(()) };
    let mut dts = early.get(at).and_then(Packet::dts).unwrap_or(0);
    for packet in early.iter_mut().take(at).rev().filter(|p| p.stream() == film) {
        dts -= packet.duration().max(1);
        packet.set_dts(dts);
    }
    Ok(())
}

/// A time as a stream tells it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    pub(super) time: i64,
    pub(super) base: Rational,
}

impl Start {
    pub(super) fn in_clock(self, clock: Rational) -> i64 {
        rescale(self.time, self.base, clock)
    }

    pub(super) fn nanoseconds(self) -> i64 {
        self.in_clock(Rational { num: 1, den: 1_000_000_000 })
    }
}

/// That the file that is read is still the one that was looked at, and no longer than it was.
pub(super) fn unchanged(input: &mut Input, planned: &Planned) -> Result<(), JoinError> {
    let path = &planned.segment.path;
    let read = |e: std::io::Error| JoinError::System(format!("{}: {e}", path.display()));
    let Some(metadata) = input.file_metadata().map_err(read)? else { return Ok(()) };
    if Identity::of(&metadata) == planned.segment.identity {
        Ok(())
    } else {
        Err(JoinError::Changed(path.clone()))
    }
}

pub(super) struct TrackReaders(Vec<TrackReader>);

/// Reads the packets of one stream for a track.
struct TrackReader {
    track: usize,
    stream: usize,
    kind: StreamKind,
    cover: bool,
    clock: Rational,
    /// when the segment begins, in the track's clock
    start: i64,
    /// when the segment begins, in nanoseconds, for a track whose container counts frames
    counted: Option<i64>,
    /// samples of a packet, where all have as many
    frame: i64,
    /// bytes of a sample of PCM
    sample: Option<u64>,
    payload: Payload,
    units: Units,
    setup: Option<Setup>,
    /// its packets come from an encoder
    encoded: bool,
    /// frames are decoded in another order than they are shown in
    reorders: bool,
    aac: bool,
    opus: bool,
    text: bool,
    /// the end of the packet before
    last: Option<i64>,
}

impl TrackReaders {
    /// The segment begins at that time of its own. Re-encoded video counts from there already.
    pub(super) fn begin(&mut self, start: Start) {
        for reader in &mut self.0 {
            let counted = reader.encoded && reader.kind == StreamKind::Video;
            reader.start = if counted { 0 } else { start.in_clock(reader.clock) };
            if let Some(begun) = &mut reader.counted {
                *begun = if counted { 0 } else { start.nanoseconds() };
            }
        }
    }

    /// The packets of a track will come from an encoder.
    pub(super) fn encoded(&mut self, track: usize, setup: Option<Setup>) {
        for reader in self.0.iter_mut().filter(|l| l.track == track) {
            reader.encoded = true;
            reader.payload = match (&setup, reader.aac) {
                (Some(setup), _) => Payload::Units(setup.codec, setup.framing),
                (None, true) => Payload::Aac,
                (None, false) => Payload::Whole,
            };
            reader.setup.clone_from(&setup);
        }
    }

    pub(super) fn track_of(&self, stream: usize) -> Option<usize> {
        self.0.iter().find(|l| l.stream == stream).map(|l| l.track)
    }

    /// As `ready`, for a packet of a track, whatever its stream.
    pub(super) fn ready_for(
        &mut self,
        track: usize,
        packet: Packet,
        hashes: bool,
    ) -> Result<Option<Ready>, JoinError> {
        match self.0.iter_mut().find(|l| l.track == track) {
            Some(reader) if reader.kind == StreamKind::Video && packet.is_hidden() => Ok(None),
            Some(reader) => reader.ready(packet, hashes).map(Some),
            None => Ok(None),
        }
    }

    /// None for packets of streams that are left out.
    fn ready(&mut self, packet: Packet, hashes: bool) -> Result<Option<Ready>, JoinError> {
        let stream = packet.stream();
        match self.0.iter_mut().find(|l| l.stream == stream) {
            // What the edit list cuts off at the end: nothing that is shown needs it.
            Some(reader) if reader.kind == StreamKind::Video && packet.is_hidden() => Ok(None),
            Some(reader) if reader.text && is_no_text("mov_text", packet.data()) => Ok(None),
            Some(reader) => reader.ready(packet, hashes).map(Some),
            None => Ok(None),
        }
    }
}

impl TrackReader {
    fn ready(&mut self, mut packet: Packet, hashes: bool) -> Result<Ready, JoinError> {
        let base = packet.time_base();
        if self.reorders && !self.encoded && packet.pts().is_none() {
            return Err(unshown(&packet));
        }
        let time = |t: i64| match self.counted {
            Some(start) => rescale(rescale(t, base, NANOSECONDS) - start, NANOSECONDS, self.clock),
            None => rescale(t, base, self.clock) - self.start,
        };
        let (pts, dts) = (packet.pts().map(time), packet.dts().map(time));
        if let (Some(start), Some(own), Some(pts)) = (self.counted, packet.time(), pts) {
            self.is_even(own - start, pts)?;
        }
        let following = self.last.unwrap_or(0);
        let pts = pts.or(dts).unwrap_or(following);
        let dts = dts.unwrap_or(pts);
        let duration = self.duration(&packet);
        let length = match self.opus.then(|| opus_samples(packet.data())).flatten() {
            Some(samples) => rescale(samples, Rational { num: 1, den: 48_000 }, self.clock),
            None => duration.max(self.frame).max(1),
        };
        self.last = Some(pts + duration);
        let (pts, dts) = if self.cover { (0, 0) } else { (pts, dts) };
        let (hash, size) = if hashes {
            (self.payload.hash(packet.data()), self.payload.size(packet.data()))
        } else {
            (0, 0)
        };
        self.shape(&mut packet)?;
        let key = packet.is_key();
        Ok(Ready { track: self.track, packet, pts, dts, duration, length, key, hash, size })
    }

    /// Checks that a frame is where a container that counts frames puts it, within a quarter of a
    /// frame: other containers round to milliseconds.
    fn is_even(&self, time: i64, pts: i64) -> Result<(), JoinError> {
        let frame = rescale(1, self.clock, NANOSECONDS);
        if 4 * (time - rescale(pts, self.clock, NANOSECONDS)).abs() <= frame {
            return Ok(());
        }
        Err(JoinError::Unfit(format!(
            "stream {}: the frame at {:.3} s is not at a multiple of {:.3} ms, and AVI counts frames \
             instead of storing timestamps; choose a container that stores them (.mkv or .mp4)",
            self.stream,
            time as f64 / 1e9,
            frame as f64 / 1e6
        )))
    }

    /// In the track's clock, which counts samples of audio. Audio packets are as long as their samples,
    /// whatever a container that counts milliseconds makes of it.
    fn duration(&self, packet: &Packet) -> i64 {
        let base = packet.time_base();
        let told = rescale(packet.duration(), base, self.clock).max(0);
        if self.counted.is_some() {
            return told.max(1);
        }
        if let Some(bytes) = self.sample {
            return (packet.size() as u64 / bytes) as i64;
        }
        let tick = rescale(1, base, self.clock).max(1);
        if self.kind == StreamKind::Audio
            && self.frame > 0
            && (told == 0 || (told - self.frame).abs() <= tick)
        {
            self.frame
        } else {
            told
        }
    }

    /// Frames the packet as the track wants it.
    fn shape(&mut self, packet: &mut Packet) -> Result<(), MediaError> {
        if self.aac && strip_adts(packet.data()).len() < packet.size() {
            let raw = strip_adts(packet.data()).to_vec();
            return packet.replace_data(&raw);
        }
        let (Some(setup), Units::Rewrite { to, sets }) = (&mut self.setup, &self.units) else {
            return Ok(());
        };
        if let Some(new) = packet.new_extradata().and_then(|e| Setup::read(setup.codec, e)) {
            *setup = new;
        }
        if setup.framing == Framing::StartCodes && packet.is_key() {
            // A stream with start codes may change them anywhere.
            let own = nal::sets_within(setup.codec, packet.data(), setup.framing);
            if !own.is_empty() {
                setup.sets = own;
            }
        }
        let wanted = (*sets && packet.is_key()).then_some(&setup.sets[..]);
        if setup.framing == *to && wanted.is_none() {
            return Ok(());
        }
        let data = nal::reframe(setup.codec, packet.data(), setup.framing, *to, wanted);
        packet.replace_data(&data)
    }
}
