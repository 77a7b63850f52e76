//! The segments' packets in their order, made ready for the output: a thread reads ahead while
//! another one writes. Where packets go on the time line is not decided here.

use std::collections::VecDeque;

use crossbeam_channel::Sender;

use super::clock::rescale;
use super::error::JoinError;
use super::nal::{self, Framing, Setup, UnitCodec};
use super::payload::{Payload, strip_adts};
use super::plan::{Plan, Planned, Units};
use super::segment::Identity;
use crate::cancel::Cancel;
use crate::frame::Rational;
use crate::media::{Input, MediaError, OpenOptions, Packet, StreamKind};

/// Bytes that are read from a file at once.
const BUFFER: usize = 256 << 10;

/// Packets and bytes that go over to the writer at once.
const BATCH: (usize, usize) = (64, 512 << 10);

/// Packets in which every stream is expected to have begun.
const BEGINNING: usize = 512;

/// How much earlier than the film sound may begin, and still be what winds the decoder up:
/// nanoseconds.
const LEAD: i64 = 100_000_000;

/// A packet on its way to the writer.
pub struct Ready {
    pub track: usize,
    pub packet: Packet,
    /// in the track's clock, from where the segment begins
    pub pts: i64,
    pub dts: i64,
    pub duration: i64,
    pub key: bool,
    /// of the payload
    pub hash: u64,
    /// bytes of the payload
    pub size: u64,
}

/// What the writer is told.
pub enum Event {
    /// The segment in this place begins; at what time of its own, in nanoseconds.
    Begin(usize, i64),
    Packets(Vec<Ready>),
    End(usize),
}

/// Reads all segments that are joined.
pub struct Reader<'a> {
    pub plan: &'a Plan,
    pub cancel: &'a Cancel,
    pub events: Sender<Event>,
    /// whether payloads are hashed
    pub hashes: bool,
}

/// Why reading ended early.
pub enum Stop {
    /// the writer has gone
    Gone,
    /// the segment in this place
    Failed(usize, JoinError),
}

impl Reader<'_> {
    /// # Errors
    /// The first one of any segment.
    pub fn run(&self) -> Result<(), Stop> {
        for (place, planned) in self.plan.joined() {
            self.segment(place, planned)?;
        }
        Ok(())
    }

    fn segment(&self, place: usize, planned: &Planned) -> Result<(), Stop> {
        let failed = |e: JoinError| Stop::Failed(place, e);
        let mut input = self.open(planned).map_err(failed)?;
        let mut lanes = self.lanes(planned);
        let (start, mut early) = self.beginning(&mut input, planned, &lanes).map_err(failed)?;
        for lane in &mut lanes.0 {
            lane.start = start.in_clock(lane.clock);
        }
        self.send(Event::Begin(place, start.nanoseconds()))?;
        let (mut batch, mut bytes) = (Vec::with_capacity(BATCH.0), 0);
        loop {
            let packet = match early.pop_front() {
                Some(packet) => Some(packet),
                None => input.read().map_err(|e| failed(e.into()))?,
            };
            let Some(packet) = packet else { break };
            let Some(ready) = lanes.ready(packet, self.hashes).map_err(|e| failed(e.into()))?
            else {
                continue;
            };
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
        self.send(Event::End(place))
    }

    fn send(&self, event: Event) -> Result<(), Stop> {
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
        Ok(input)
    }

    fn lanes(&self, planned: &Planned) -> Lanes {
        let streams = planned.streams.iter().enumerate();
        let lanes = streams.filter_map(|(track, stream)| {
            let (plan, stream) = (&self.plan.tracks[track], (*stream)?);
            let shape = &planned.shapes[stream];
            let setup = UnitCodec::of(&plan.codec)
                .filter(|_| !plan.cover)
                .and_then(|codec| Setup::read(codec, &shape.extradata));
            Some(Lane {
                track,
                stream,
                kind: plan.kind,
                cover: plan.cover,
                clock: plan.clock,
                start: 0,
                frame: i64::from(shape.frame_size),
                payload: Payload::of(shape, plan.whole),
                units: plan.units.clone(),
                setup,
                aac: plan.codec == "aac",
                last: None,
            })
        });
        Lanes(lanes.collect())
    }

    /// Where the segment begins, by the first picture, or by the first sound where that is much
    /// earlier or alone; and the packets that were read to find out.
    fn beginning(
        &self,
        input: &mut Input,
        planned: &Planned,
        lanes: &Lanes,
    ) -> Result<(Start, VecDeque<Packet>), JoinError> {
        let leader = self.plan.leader().and_then(|t| planned.streams.get(t).copied().flatten());
        let sound: Vec<usize> = lanes
            .0
            .iter()
            .filter(|l| l.kind == StreamKind::Audio)
            .map(|l| l.stream)
            .collect();
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
        let start = match (first, heard) {
            (Some(film), Some(sound)) if sound.nanoseconds() + LEAD < film.nanoseconds() => sound,
            (Some(film), _) => film,
            (None, Some(sound)) => sound,
            (None, None) => Start { time: 0, base: Rational { num: 1, den: 1000 } },
        };
        Ok((start, early))
    }
}

/// A time as a stream tells it.
#[derive(Clone, Copy, Debug)]
struct Start {
    time: i64,
    base: Rational,
}

impl Start {
    fn in_clock(self, clock: Rational) -> i64 {
        rescale(self.time, self.base, clock)
    }

    fn nanoseconds(self) -> i64 {
        self.in_clock(Rational { num: 1, den: 1_000_000_000 })
    }
}

/// That the file that is read is still the one that was looked at, and no longer than it was.
fn unchanged(input: &mut Input, planned: &Planned) -> Result<(), JoinError> {
    let path = &planned.segment.path;
    let read = |e: std::io::Error| JoinError::System(format!("{}: {e}", path.display()));
    let Some(metadata) = input.file_metadata().map_err(read)? else { return Ok(()) };
    match Identity::of(&metadata) == planned.segment.identity {
        true => Ok(()),
        false => Err(JoinError::Changed(path.clone())),
    }
}

struct Lanes(Vec<Lane>);

/// The way of one stream's packets into a track.
struct Lane {
    track: usize,
    stream: usize,
    kind: StreamKind,
    cover: bool,
    clock: Rational,
    /// when the segment begins, in the track's clock
    start: i64,
    /// samples of a packet, where all have as many
    frame: i64,
    payload: Payload,
    units: Units,
    setup: Option<Setup>,
    aac: bool,
    /// the end of the packet before
    last: Option<i64>,
}

impl Lanes {
    /// None for packets of streams that are left out.
    fn ready(&mut self, packet: Packet, hashes: bool) -> Result<Option<Ready>, MediaError> {
        let stream = packet.stream();
        match self.0.iter_mut().find(|l| l.stream == stream) {
            // What the edit list cuts off at the end: nothing that is shown needs it.
            Some(lane) if lane.kind == StreamKind::Video && packet.is_hidden() => Ok(None),
            Some(lane) => lane.ready(packet, hashes).map(Some),
            None => Ok(None),
        }
    }
}

impl Lane {
    fn ready(&mut self, mut packet: Packet, hashes: bool) -> Result<Ready, MediaError> {
        let base = packet.time_base();
        let time = |t: Option<i64>| t.map(|t| rescale(t, base, self.clock) - self.start);
        let (pts, dts) = (time(packet.pts()), time(packet.dts()));
        let following = self.last.unwrap_or(0);
        let pts = pts.or(dts).unwrap_or(following);
        let dts = dts.unwrap_or(pts);
        let duration = self.duration(&packet);
        self.last = Some(pts + duration);
        let (pts, dts) = if self.cover { (0, 0) } else { (pts, dts) };
        let (hash, size) = match hashes {
            true => (self.payload.hash(packet.data()), self.payload.size(packet.data())),
            false => (0, 0),
        };
        self.shape(&mut packet)?;
        let key = packet.is_key();
        Ok(Ready { track: self.track, packet, pts, dts, duration, key, hash, size })
    }

    /// In the track's clock. Packets of sound are as long as what is in them, whatever a container
    /// that counts milliseconds makes of it.
    fn duration(&self, packet: &Packet) -> i64 {
        let base = packet.time_base();
        let told = rescale(packet.duration(), base, self.clock).max(0);
        let tick = rescale(1, base, self.clock).max(1);
        match self.kind == StreamKind::Audio && self.frame > 0 {
            true if told == 0 || (told - self.frame).abs() <= tick => self.frame,
            _ => told,
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
