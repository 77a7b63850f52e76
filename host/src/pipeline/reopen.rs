//! Pictures of a source that outlives its connections: one that stalls, ends or resets is opened
//! again, after a while that grows (`backoff`), and its pictures go on as if they came from one
//! source. Times never go back; the pause is as long in them as it was on the clock. What was lost
//! meanwhile is counted.
//!
//! Recordings (files, and what the network gives with an end of its own) are read once. What the
//! pictures are for is the caller's business.

use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::error::PipelineError;
use super::job::undecodable;
use super::jumps::Jumps;
use crate::backoff::{Backoff, rest};
use crate::frame::{Frame, StreamInfo};
use crate::media::{
    DecodeOptions, Input, InputSource, MediaError, MediaErrorKind, OpenOptions, VideoDecoder,
};

/// What a picture lasts when nobody knows: 25 a second.
const USUAL_DURATION: i64 = 40_000_000;

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
                Ok(None) => self.lost(),
                Err(e) if is_final(&e) || cancel.is_cancelled() => return Err(e.into()),
                Err(e) if self.reading.reopen => {
                    let stalled = e.kind == MediaErrorKind::TimedOut;
                    now.fate = Some((if stalled { Loss::Stalled } else { Loss::Ended }, e.message));
                    match now.ended {
                        true => self.lost(),
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

    fn lost(&mut self) {
        let Some(mut now) = self.now.take() else { return };
        let (loss, why) = now.fate.take().unwrap_or((Loss::Ended, "it ended".to_owned()));
        warn!("{}: lost: {why}; it is opened again", now.input.path().display());
        self.account.damaged += now.decoder.damaged();
        self.account.jumps += now.jumps.count();
        self.backoff.held(now.since.elapsed());
        match loss {
            Loss::Stalled => self.account.stalls += 1,
            Loss::Ended => self.account.losses += 1,
        }
        self.account.trouble = Some(why);
    }

    /// Waits, and tries once to open the source again.
    fn open_again(&mut self) -> Result<(), PipelineError> {
        if !rest(self.backoff.delay(), &self.reading.options.cancel) {
            return Ok(());
        }
        let Reading { source, options, decode, .. } = &self.reading;
        let opened = Input::open_source(source, options);
        match opened.and_then(|input| Connection::new(input, decode, Some(&self.like))) {
            Ok(now) => {
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
            ended: false,
            fate: None,
        })
    }

    /// The next picture; none at the end. `silence` is for pictures alone, where the source
    /// is `live`: sound may go on without them.
    fn next(&mut self, silence: Duration, live: bool) -> Result<Option<Frame>, MediaError> {
        loop {
            if let Some(frame) = self.decoder.receive()? {
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
