//! Pictures of a source that outlives its connections: one that stalls, ends or resets is opened
//! again, after a while that grows (`backoff`), and its pictures go on as if they came from one
//! source. Times never go back; the pause is as long in them as it was on the clock. What was lost
//! meanwhile is counted.
//!
//! Recordings (files, and what says how long it is) are read once. What ends by its own word (HLS
//! by EXT-X-ENDLIST, a body over HTTP that is as long as its server announced) has ended, and is not
//! opened again. What the pictures are for is the caller's business.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use tracing::{info, warn};

use super::reader::{Came, Reader};
use super::select::{Choice, Select, Verdict};
use super::window::Window;
use super::{Event, Source, SourceReport};
use crate::error::{PipelineError, undecodable};
use filmgate_av::{
    DecodeOptions, Ending, Input, InputSource, MediaError, MediaErrorKind, OpenOptions, Packet,
    StreamFacts, StreamKind,
};
use filmgate_core::backoff::{Backoff, rest};
use filmgate_core::frame::{Frame, PixelFormat, PlanePool, Rational, StreamInfo};
use filmgate_core::time::{frame_duration, nanoseconds};
use filmgate_plugin::Supervisor;

/// How far behind the end of a playlist its last picture may lie, since lengths are rounded in it:
/// nanoseconds.
const AROUND: i64 = 10_000_000_000;

/// How a source went, over all of its connections.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Continuity {
    /// connections that were made behind the first one
    pub reopened: u64,
    /// attempts to make one that failed
    pub refused: u64,
    /// connections that stalled
    pub stalls: u64,
    /// connections that ended or broke
    pub losses: u64,
    /// nanoseconds without pictures, up to the first one of the next connection
    pub outage: i64,
    /// pictures that would have come in that time, at the source's rate
    pub lost: u64,
    /// why it was lost or could not be opened the last time
    pub trouble: Option<String>,
    /// packets and pictures that could not be decoded, or not fully
    pub damaged: u64,
    /// jumps of its clock that were taken out
    pub jumps: u64,
    /// pictures were transparent somewhere, and the frames given out are not
    #[serde(skip)]
    pub lost_alpha: bool,
    /// why a recording ended early, or a live source that is not opened again
    pub broken: Option<String>,
}

/// Why there are no more pictures of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loss {
    /// nothing came for too long
    Stalled,
    /// it ended, or broke
    Ended,
}

/// How a source is read.
#[derive(Clone, Debug)]
pub struct Reading {
    pub source: InputSource,
    pub options: OpenOptions,
    pub decode: DecodeOptions,
    /// open it again when it is lost
    pub reopen: bool,
}

/// The connection that is being read.
struct Connection {
    reader: Reader,
    since: Instant,
    /// when its last packet of pictures came
    heard: Instant,
    /// what is added to its times
    offset: Option<i64>,
    /// pictures up to this time, by the source's own clock, were seen already
    seen: Option<i64>,
    /// its streams that continue copied ones of the first connection
    copied: Vec<Option<usize>>,
    /// why nothing more is read of it, where that is no plain end
    fate: Option<(Loss, String)>,
}

/// The frames of such a source.
struct Pictures {
    reading: Reading,
    now: Option<Connection>,
    backoff: Backoff,
    like: StreamInfo,
    /// when the last picture begins, nanoseconds from the first one's stream's beginning
    last: Option<i64>,
    /// when it came
    heard: Instant,
    /// when the last picture begins, by the source's own clock
    source_time: Option<i64>,
    /// nanoseconds that a picture lasts
    usual: i64,
    account: Continuity,
    first: First,
}

impl Pictures {
    /// Begins with an input that is open. Only a source that is live is opened again: one that
    /// does not say how long it is.
    ///
    /// # Errors
    /// As [`VideoDecoder::new`].
    fn new(mut reading: Reading, input: Input) -> Result<Pictures, PipelineError> {
        reading.reopen &= reading.source.may_come_back() && input.facts().duration.is_none();
        let now = Connection::new(input, &reading.decode, None)?;
        let like = now.reader.output();
        let usual = frame_duration(like.frame_rate);
        Ok(Pictures {
            reading,
            now: Some(now),
            backoff: Backoff::default(),
            like,
            last: None,
            heard: Instant::now(),
            source_time: None,
            usual,
            account: Continuity::default(),
            first: First::default(),
        })
    }

    /// What all pictures are like, those of later connections too.
    fn info(&self) -> &StreamInfo {
        &self.like
    }

    /// Whether it is opened again when it is lost.
    fn is_endless(&self) -> bool {
        self.reading.reopen
    }

    /// Goes to a time of a recording.
    fn seek(&mut self, time: i64) -> Result<(), MediaError> {
        match &mut self.now {
            Some(now) => now.reader.input.seek(now.reader.video, time),
            None => Ok(()),
        }
    }

    /// How it went up to now.
    fn account(&self) -> Continuity {
        let mut account = self.account.clone();
        if let Some(now) = &self.now {
            account.damaged += now.reader.decoder.damaged();
            account.jumps += now.reader.input.jumps();
            account.lost_alpha |= now.reader.decoder.lost_alpha();
        }
        account
    }

    /// The next picture, with its time in the whole; none at the end of a source that is not opened
    /// again, and when the job was stopped. Its number is the connection's.
    ///
    /// # Errors
    /// Of a source that is not opened again: what went wrong before the first picture; behind it,
    /// that is an end, and [`Continuity::broken`] says why. OutOfMemory.
    fn next(&mut self) -> Result<Option<Event>, PipelineError> {
        loop {
            let cancel = &self.reading.options.cancel;
            if cancel.is_cancelled() {
                return Ok(None);
            }
            let Some(now) = &mut self.now else {
                self.open_again()?;
                continue;
            };
            match now.next(self.reading.options.silence, self.reading.reopen) {
                Ok(Some(Event::Frame(frame))) => {
                    return Ok(Some(Event::Frame(self.place(frame))));
                }
                Ok(Some(packet)) => return Ok(Some(packet)),
                Ok(None) if !self.reading.reopen => return Ok(None),
                Ok(None) => self.over(),
                Err(e) if is_final(&e) || cancel.is_cancelled() => return Err(e.into()),
                Err(e) if self.reading.reopen => {
                    let stalled = e.kind == MediaErrorKind::TimedOut;
                    now.fate = Some((if stalled { Loss::Stalled } else { Loss::Ended }, e.message));
                    if now.reader.ended { self.over() } else { now.reader.finish() }
                }
                Err(e) if self.last.is_some() => {
                    warn!("{e}");
                    self.account.broken = Some(e.message);
                    match self.now.as_mut().filter(|now| !now.reader.ended) {
                        Some(now) => now.reader.finish(),
                        None => return Ok(None),
                    }
                }
                Err(e) => return Err(undecodable(e)),
            }
        }
    }

    /// A connection has given all that it had: that was the end, or it was lost.
    fn over(&mut self) {
        let Some(now) = &mut self.now else { return };
        match now.reader.input.ending() {
            Ending::Declared => {
                info!("{}: ended", now.reader.input.path().display());
                self.account.broken = now.fate.take().map(|(_, why)| why);
                self.reading.reopen = false;
            }
            Ending::Unclear if self.finished_meanwhile() => {}
            Ending::Unclear | Ending::Undeclared => self.lost(),
        }
    }

    /// Asks for the playlist once more: whether it is finished by now. What is in it that was not
    /// seen yet is what is read from then on.
    fn finished_meanwhile(&mut self) -> bool {
        let Reading { source, options, decode, .. } = &self.reading;
        let opened = Input::open_source(source, options).ok().filter(Input::is_finished_playlist);
        let Some(input) = opened else { return false };
        let Ok(mut next) = Connection::new(input, decode, Some(&self.like)) else { return false };
        self.leave_out_seen(&mut next);
        next.copied = self.first.plan(&next.reader);
        self.close();
        self.now = Some(next);
        true
    }

    /// A live playlist that is finished when it is opened again is a recording by now, which begins
    /// with what was seen already.
    fn leave_out_seen(&mut self, next: &mut Connection) {
        if !next.reader.input.is_finished_playlist() {
            return;
        }
        self.reading.reopen = false;
        let facts = next.reader.input.facts();
        let (start, length) = (facts.start, facts.duration.unwrap_or(0));
        // Another time than the playlist has is of another broadcast.
        let within = |t: &i64| (0..=length + AROUND).contains(&t.saturating_sub(start));
        let Some(seen) = self.source_time.filter(within) else { return };
        // Where it cannot go there, it reads up to there.
        let _ = next.reader.input.seek(next.reader.video, seen - start);
        next.seen = Some(seen);
    }

    fn lost(&mut self) {
        let Some(now) = &mut self.now else { return };
        let (loss, why) = now.fate.take().unwrap_or((Loss::Ended, "it ended".to_owned()));
        warn!("{}: lost: {why}; it is opened again", now.reader.input.path().display());
        self.backoff.held(now.since.elapsed());
        self.close();
        match loss {
            Loss::Stalled => self.account.stalls += 1,
            Loss::Ended => self.account.losses += 1,
        }
        self.account.trouble = Some(why);
    }

    fn close(&mut self) {
        if let Some(now) = self.now.take() {
            self.account.damaged += now.reader.decoder.damaged();
            self.account.jumps += now.reader.input.jumps();
            self.account.lost_alpha |= now.reader.decoder.lost_alpha();
        }
    }

    /// Waits, and tries once to open the source again.
    fn open_again(&mut self) -> Result<(), PipelineError> {
        if !rest(self.backoff.delay(), &self.reading.options.cancel) {
            return Ok(());
        }
        let Reading { source, options, decode, .. } = &self.reading;
        let opened = Input::open_source(source, options);
        match opened.and_then(|input| Connection::new(input, decode, Some(&self.like))) {
            Ok(mut now) => {
                self.leave_out_seen(&mut now);
                now.copied = self.first.plan(&now.reader);
                self.account.reopened += 1;
                info!("{}: open again", now.reader.input.path().display());
                self.now = Some(now);
            }
            Err(e) if e.kind == MediaErrorKind::OutOfMemory => return Err(e.into()),
            Err(e) if options.cancel.is_cancelled() => drop(e),
            Err(e) => {
                warn!("{e}");
                self.account.refused += 1;
                self.account.trouble = Some(e.message);
            }
        }
        Ok(())
    }

    /// Puts a picture's time in the whole: behind the last one, and as long behind it as it came
    /// later, where it is the first one of its connection.
    fn place(&mut self, mut frame: Frame) -> Frame {
        let (arrived, pause) = (Instant::now(), self.heard.elapsed());
        let (usual, last) = (self.usual, self.last);
        if let Some(now) = &mut self.now {
            let own = frame.timestamp;
            self.source_time = Some(own.saturating_add(now.reader.input.facts().start));
            let mut outage = None;
            let offset = *now.offset.get_or_insert_with(|| match last {
                None => 0,
                Some(last) => {
                    let step = nanoseconds(pause).max(usual);
                    outage = Some(step);
                    last.saturating_add(step).saturating_sub(own)
                }
            });
            frame.timestamp = own.saturating_add(offset);
            if let Some(step) = outage {
                self.account.outage += step - usual;
                // Rounded; the picture that came is none of them.
                let missed = (step + usual / 2) / usual - 1;
                self.account.lost += u64::try_from(missed).unwrap_or(0);
            }
        }
        if let Some(last) = last {
            frame.timestamp = frame.timestamp.max(last + 1);
        }
        (self.last, self.heard) = (Some(frame.timestamp), arrived);
        frame
    }
}

/// Errors that no other connection helps with.
fn is_final(error: &MediaError) -> bool {
    matches!(error.kind, MediaErrorKind::OutOfMemory | MediaErrorKind::Cancelled)
}

impl Connection {
    fn new(
        input: Input,
        options: &DecodeOptions,
        like: Option<&StreamInfo>,
    ) -> Result<Connection, MediaError> {
        let video = input.best_video()?;
        let reader = Reader::new(input, video, options, like)?;
        let since = Instant::now();
        Ok(Connection {
            reader,
            since,
            heard: since,
            offset: None,
            seen: None,
            copied: Vec::new(),
            fate: None,
        })
    }

    /// What comes next; none at the end. `silence` is for the video alone, where the source is
    /// `live`: audio may go on without it.
    fn next(&mut self, silence: Duration, live: bool) -> Result<Option<Event>, MediaError> {
        loop {
            match self.reader.next(true)? {
                Came::Frame(frame) => {
                    let start = self.reader.input.facts().start;
                    let time = frame.timestamp.saturating_add(start);
                    if self.seen.is_none_or(|seen| time > seen) {
                        return Ok(Some(Event::Frame(frame)));
                    }
                    continue;
                }
                Came::End => return Ok(None),
                Came::Video(_) => self.heard = Instant::now(),
                Came::Packet(packet) if self.copies(packet.stream()) => {
                    return Ok(Some(Event::Packet(packet)));
                }
                Came::Packet(_) => {}
            }
            if live && self.heard.elapsed() > silence {
                let message = format!("no picture for {} s", silence.as_secs_f64());
                return Err(MediaError { kind: MediaErrorKind::TimedOut, message });
            }
        }
    }

    fn copies(&self, stream: usize) -> bool {
        self.copied.get(stream).is_some_and(Option::is_some)
    }
}

/// A stream of the first connection that is copied.
struct Copied {
    index: usize,
    /// which one of its kind
    nth: usize,
    facts: StreamFacts,
}

/// The streams of the first connection that are copied, and where they begin.
#[derive(Default)]
struct First {
    start: i64,
    copied: Vec<Copied>,
}

impl First {
    /// Which stream of an input continues which copied one: the same one of its kind, if it is
    /// coded the same way.
    fn plan(&self, reader: &Reader) -> Vec<Option<usize>> {
        let streams = &reader.input.facts().streams;
        let mut targets = vec![None; streams.len()];
        for copied in &self.copied {
            let mut same =
                streams.iter().filter(|s| s.kind == copied.facts.kind && s.index != reader.video);
            let found = same
                .nth(copied.nth)
                .filter(|s| s.codec == copied.facts.codec && s.audio == copied.facts.audio);
            if let Some(stream) = found {
                targets[stream.index] = Some(copied.index);
            }
        }
        targets
    }
}

/// A live input as a source: opened again when it is lost, its frames chosen, streams copied beside
/// them.
pub struct Live {
    pictures: Pictures,
    select: Select,
    /// whether the wanted part has been sought
    begun: bool,
    over: bool,
    ready: VecDeque<Event>,
    decoded: u64,
    given: u64,
}

impl Live {
    /// For an input that is open. `scene`: the plugin that finds scenes, where the first frames of
    /// them are wanted.
    ///
    /// # Errors
    /// As [`filmgate_av::VideoDecoder::new`]; what the plugin says to its configuration.
    pub fn new(
        reading: Reading,
        input: Input,
        choice: Choice,
        window: Window,
        scene: Option<&Arc<Supervisor>>,
        pool: &PlanePool,
    ) -> Result<Live, PipelineError> {
        let pictures = Pictures::new(reading, input)?;
        let select = Select::new(choice, window, scene, pictures.info(), pool)?;
        Ok(Live {
            pictures,
            select,
            begun: false,
            over: false,
            ready: VecDeque::new(),
            decoded: 0,
            given: 0,
        })
    }

    /// Makes a packet one of the first connection's, with its time in the whole. Packets that come
    /// before the first frame of a later connection have no place yet, and are lost.
    fn adopt(&mut self, mut packet: Packet) {
        let Some(now) = &self.pictures.now else { return };
        let target = now.copied.get(packet.stream()).copied().flatten();
        let Some(target) = target else { return };
        let Some(copied) = self.pictures.first.copied.iter().find(|c| c.index == target) else {
            return;
        };
        let offset = match (now.offset, self.pictures.last) {
            (Some(offset), _) => offset,
            (None, None) => 0,
            (None, Some(_)) => return,
        };
        let own = now.reader.input.facts().start;
        let begin = packet.time().map_or(0, |t| t.saturating_sub(own));
        let (time, length) = (offset.saturating_add(begin), packet.length());
        packet.retarget(target, copied.facts.time_base);
        let shift = offset + self.pictures.first.start - own - self.select.start();
        if shift != 0 {
            packet.shift(shift);
        }
        self.select.cut().packet(packet, time, length);
    }

    fn release(&mut self, last: bool) {
        while let Some(packet) = self.select.cut().release(last) {
            self.ready.push_back(Event::Packet(packet));
        }
    }

    fn end(&mut self) {
        self.over = true;
        self.release(true);
    }
}

impl Source for Live {
    fn offers(&self, _: &[PixelFormat]) -> Vec<StreamInfo> {
        vec![self.pictures.info().clone()]
    }

    fn time_base(&self) -> Rational {
        let stream = self.first().and_then(|(input, video)| input.facts().streams.get(video));
        stream.map_or(Rational { num: 1, den: 90_000 }, |s| s.time_base)
    }

    fn first(&self) -> Option<(&Input, usize)> {
        self.pictures.now.as_ref().map(|now| (&now.reader.input, now.reader.video))
    }

    fn copy(&mut self, streams: &[bool]) -> Vec<String> {
        let Some(now) = &mut self.pictures.now else { return Vec::new() };
        let facts = now.reader.input.facts();
        let of_kind = |index: usize, kind| {
            let before = facts.streams[..index].iter();
            before.filter(|s| s.kind == kind && s.index != now.reader.video).count()
        };
        let is_wanted = |s: &&StreamFacts| {
            streams.get(s.index).is_some_and(|c| *c) && s.kind != StreamKind::Attachment
        };
        let copied = facts.streams.iter().filter(is_wanted).map(|s| Copied {
            index: s.index,
            nth: of_kind(s.index, s.kind),
            facts: s.clone(),
        });
        let first = First { start: facts.start, copied: copied.collect() };
        now.copied = first.plan(&now.reader);
        self.pictures.first = first;
        Vec::new()
    }

    fn window(&self) -> Window {
        self.select.window()
    }

    fn duration(&self) -> Option<i64> {
        let whole = self.first().and_then(|(input, _)| input.facts().duration);
        let window = self.select.window();
        let rest = whole.map(|all| (all - window.start).max(0));
        match (rest, window.duration) {
            (Some(rest), Some(wanted)) => Some(rest.min(wanted)),
            (one, other) => one.or(other),
        }
    }

    fn is_endless(&self) -> bool {
        self.pictures.is_endless() && self.select.window().duration.is_none()
    }

    fn next(&mut self) -> Result<Option<Event>, PipelineError> {
        if !std::mem::replace(&mut self.begun, true)
            && !self.pictures.is_endless()
            && self.select.start() > 0
        {
            self.pictures.seek(self.select.start())?;
        }
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            if self.over {
                return Ok(None);
            }
            if self.select.is_over() {
                self.end();
                continue;
            }
            match self.pictures.next()? {
                None => self.end(),
                Some(Event::Packet(packet)) => self.adopt(packet),
                Some(Event::Frame(frame)) => {
                    self.decoded += 1;
                    match self.select.choose(frame)? {
                        Verdict::Wanted(frame) => {
                            self.given += 1;
                            self.ready.push_back(Event::Frame(frame));
                        }
                        Verdict::Not => {}
                        Verdict::Over => self.end(),
                    }
                }
            }
            self.release(false);
        }
    }

    fn drop_last(&mut self) {
        self.select.give_back();
    }

    fn report(&self) -> SourceReport {
        let continuity = self.pictures.account();
        SourceReport {
            decoded: self.decoded,
            frames: self.given,
            damaged: continuity.damaged,
            jumps: continuity.jumps,
            lost_alpha: continuity.lost_alpha,
            truncated: continuity.broken.clone(),
            continuity: Some(continuity),
            ..SourceReport::default()
        }
    }

    fn nothing(&self) -> MediaError {
        let broken = self.pictures.account.broken.as_deref();
        let why = broken.unwrap_or(
            "the source holds none that can be decoded, the part asked for lies behind its end, \
             or none was chosen",
        );
        let message = format!("there is not one picture: {why}");
        MediaError { kind: MediaErrorKind::Decode, message }
    }
}
