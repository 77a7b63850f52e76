//! Pictures of a source that outlives its connections: one that stalls, ends or resets is opened
//! again, after a while that grows (`backoff`), and its pictures go on as if they came from one
//! source. Times never go back; the pause is as long in them as it was on the clock. What was lost
//! meanwhile is counted.
//!
//! Recordings (files, and what says how long it is) are read once. What ends by its own word (HLS
//! by EXT-X-ENDLIST, a body over HTTP that is as long as its server announced) has ended, and is not
//! opened again. What the pictures are for is the caller's business.

use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::error::PipelineError;
use super::job::undecodable;
use super::jumps::Jumps;
use filmgate_av::{
    DecodeOptions, Ending, Input, InputSource, MediaError, MediaErrorKind, OpenOptions,
    VideoDecoder,
};
use filmgate_core::backoff::{Backoff, rest};
use filmgate_core::frame::{Frame, StreamInfo};

/// What a picture lasts when nobody knows: 25 a second.
const USUAL_DURATION: i64 = 40_000_000;

/// How far behind the end of a playlist its last picture may lie, since lengths are rounded in it:
/// nanoseconds.
const AROUND: i64 = 10_000_000_000;

/// How a source went, over all of its connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// why a recording ended early, or a live source that is not opened again
    pub broken: Option<String>,
}

/// Why there are no more pictures of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// nothing came for too long
    Stalled,
    /// it ended, or broke
    Ended,
}

/// How a source is read.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) source: InputSource,
    pub(crate) options: OpenOptions,
    pub(crate) decode: DecodeOptions,
    /// open it again when it is lost
    pub(crate) reopen: bool,
}

/// The connection that is being read.
struct Connection {
    input: Input,
    decoder: VideoDecoder,
    video: usize,
    jumps: Jumps,
    since: Instant,
    /// when its last packet of pictures came
    heard: Instant,
    /// what is added to its times
    offset: Option<i64>,
    /// pictures up to this time, by the source's own clock, were seen already
    seen: Option<i64>,
    /// nothing more is read of it
    ended: bool,
    /// why, where that is no plain end
    fate: Option<(Loss, String)>,
}

/// A source of pictures.
pub(crate) struct Pictures {
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
}

impl Pictures {
    /// Begins with an input that is open. Only a source that is live is opened again: one that
    /// does not say how long it is.
    ///
    /// # Errors
    /// As [`VideoDecoder::new`].
    pub(crate) fn new(mut reading: Reading, input: Input) -> Result<Pictures, PipelineError> {
        reading.reopen &= reading.source.may_come_back() && input.facts().duration.is_none();
        let now = Connection::new(input, &reading.decode, None)?;
        let like = now.decoder.output();
        let rate = like.frame_rate.filter(|r| r.num > 0);
        let usual = rate.map_or(USUAL_DURATION, |r| {
            (i64::from(r.den) * 1_000_000_000 / i64::from(r.num)).max(1)
        });
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
        })
    }

    /// What all pictures are like, those of later connections too.
    pub(crate) fn info(&self) -> &StreamInfo {
        &self.like
    }

    /// Degrees clockwise by which they are to be turned for display.
    pub(crate) fn rotation(&self) -> i32 {
        let facts = self.now.as_ref().and_then(|c| c.input.facts().streams.get(c.video));
        facts.and_then(|s| s.video.as_ref()).map_or(0, |v| v.rotation)
    }

    /// Whether it is opened again when it is lost.
    pub(crate) fn is_endless(&self) -> bool {
        self.reading.reopen
    }

    /// Goes to a time of a recording.
    pub(crate) fn seek(&mut self, time: i64) -> Result<(), MediaError> {
        match &mut self.now {
            Some(now) => now.input.seek(now.video, time),
            None => Ok(()),
        }
    }

    /// How it went up to now.
    pub(crate) fn account(&self) -> Continuity {
        let mut account = self.account.clone();
        if let Some(now) = &self.now {
            account.damaged += now.decoder.damaged();
            account.jumps += now.jumps.count();
        }
        account
    }

    /// The next picture, with its time in the whole; none at the end of a source that is not opened
    /// again, and when the job was stopped. Its number is the connection's.
    ///
    /// # Errors
    /// Of a source that is not opened again: what went wrong before the first picture; behind it,
    /// that is an end, and [`Continuity::broken`] says why. OutOfMemory.
    pub(crate) fn next(&mut self) -> Result<Option<Frame>, PipelineError> {
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
                Ok(Some(frame)) => return Ok(Some(self.place(frame))),
                Ok(None) if !self.reading.reopen => return Ok(None),
                Ok(None) => self.over(),
                Err(e) if is_final(&e) || cancel.is_cancelled() => return Err(e.into()),
                Err(e) if self.reading.reopen => {
                    let stalled = e.kind == MediaErrorKind::TimedOut;
                    now.fate = Some((if stalled { Loss::Stalled } else { Loss::Ended }, e.message));
                    match now.ended {
                        true => self.over(),
                        false => now.finish(),
                    }
                }
                Err(e) if self.last.is_some() => {
                    warn!("{e}");
                    self.account.broken = Some(e.message);
                    match self.now.as_mut().filter(|now| !now.ended) {
                        Some(now) => now.finish(),
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
        match now.input.ending() {
            Ending::Declared => {
                info!("{}: ended", now.input.path().display());
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
        self.close();
        self.now = Some(next);
        true
    }

    /// A live playlist that is finished when it is opened again is a recording by now, which begins
    /// with what was seen already.
    fn leave_out_seen(&mut self, next: &mut Connection) {
        if !next.input.is_finished_playlist() {
            return;
        }
        self.reading.reopen = false;
        let facts = next.input.facts();
        let (start, length) = (facts.start, facts.duration.unwrap_or(0));
        // Another time than the playlist has is of another broadcast.
        let within = |t: &i64| (0..=length + AROUND).contains(&t.saturating_sub(start));
        let Some(seen) = self.source_time.filter(within) else { return };
        // Where it cannot go there, it reads up to there.
        let _ = next.input.seek(next.video, seen - start);
        next.seen = Some(seen);
    }

    fn lost(&mut self) {
        let Some(now) = &mut self.now else { return };
        let (loss, why) = now.fate.take().unwrap_or((Loss::Ended, "it ended".to_owned()));
        warn!("{}: lost: {why}; it is opened again", now.input.path().display());
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
            self.account.damaged += now.decoder.damaged();
            self.account.jumps += now.jumps.count();
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
                self.account.reopened += 1;
                info!("{}: open again", now.input.path().display());
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
            self.source_time = Some(own.saturating_add(now.input.facts().start));
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

fn nanoseconds(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

impl Connection {
    fn new(
        input: Input,
        options: &DecodeOptions,
        like: Option<&StreamInfo>,
    ) -> Result<Connection, MediaError> {
        let video = input.best_video()?;
        let decoder = match like {
            None => VideoDecoder::new(&input, video, options),
            Some(like) => VideoDecoder::continuing(&input, video, options, like),
        }?;
        let (jumps, since) = (Jumps::new(input.facts()), Instant::now());
        Ok(Connection {
            input,
            decoder,
            video,
            jumps,
            since,
            heard: since,
            offset: None,
            seen: None,
            ended: false,
            fate: None,
        })
    }

    /// The next picture; none at the end. `silence` is for pictures alone, where the source
    /// is `live`: sound may go on without them.
    fn next(&mut self, silence: Duration, live: bool) -> Result<Option<Frame>, MediaError> {
        loop {
            if let Some(frame) = self.decoder.receive()? {
                let time = frame.timestamp.saturating_add(self.input.facts().start);
                if self.seen.is_some_and(|seen| time <= seen) {
                    continue;
                }
                return Ok(Some(frame));
            }
            if self.ended {
                return Ok(None);
            }
            let Some(mut packet) = self.input.read()? else {
                self.finish();
                continue;
            };
            if packet.stream() == self.video {
                self.heard = Instant::now();
                self.jumps.smooth(&mut packet);
                self.decoder.send(&packet)?;
            }
            if live && self.heard.elapsed() > silence {
                let message = format!("no picture for {} s", silence.as_secs_f64());
                return Err(MediaError { kind: MediaErrorKind::TimedOut, message });
            }
        }
    }

    /// Has the decoder give out what it holds.
    fn finish(&mut self) {
        // What it can say is said again by `receive`.
        let _ = self.decoder.end();
        self.ended = true;
    }
}
