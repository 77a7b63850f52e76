//! One source for several sessions: each has a tap. A session that falls behind loses frames of its
//! own, and never holds up another.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use super::pace::Pace;
use super::{Event, Source, SourceReport};
use crate::error::PipelineError;
use crate::stop::Stop;
use filmgate_core::frame::{Frame, PixelFormat, Rational, StreamInfo};
use filmgate_core::time::frame_duration;

/// Frames that may wait for a session: what a hiccup of a plugin may take.
const WAITING: usize = 8;

/// What fills a tap.
pub struct Outlet {
    frames: Sender<Frame>,
    dropped: Arc<AtomicU64>,
}

/// A source that gives what somebody else reads.
pub struct Tap {
    info: StreamInfo,
    time_base: Rational,
    frames: Receiver<Frame>,
    given: u64,
    dropped: Arc<AtomicU64>,
}

impl Tap {
    /// A tap for frames like `info`, and what fills it. It ends when that is dropped.
    pub fn new(info: StreamInfo, time_base: Rational) -> (Outlet, Tap) {
        let (sender, frames) = bounded(WAITING);
        let dropped = Arc::<AtomicU64>::default();
        let outlet = Outlet { frames: sender, dropped: Arc::clone(&dropped) };
        (outlet, Tap { info, time_base, frames, given: 0, dropped })
    }

    /// Counts the frames for which its session had no time.
    pub fn dropped(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.dropped)
    }
}

impl Source for Tap {
    fn offers(&self, _: &[PixelFormat]) -> Vec<StreamInfo> {
        vec![self.info.clone()]
    }

    fn time_base(&self) -> Rational {
        self.time_base
    }

    fn is_endless(&self) -> bool {
        true
    }

    fn next(&mut self) -> Result<Option<Event>, PipelineError> {
        let next = self.frames.recv().ok();
        self.given += u64::from(next.is_some());
        Ok(next.map(Event::Frame))
    }

    fn report(&self) -> SourceReport {
        SourceReport { decoded: self.given, frames: self.given, ..SourceReport::default() }
    }
}

/// Reads a source and fills the taps until it ends, or all sessions have.
pub struct Pour {
    /// let frames go at the times that they are for: for files, which are faster than that
    pub realtime: bool,
    /// nanoseconds that are added to all times
    pub offset: i64,
}

impl Pour {
    /// Gives the time, nanoseconds, at which a next source is to go on.
    ///
    /// # Errors
    /// What the source says, where it was not stopped.
    pub fn run(
        &self,
        source: &mut dyn Source,
        outlets: &[Outlet],
        stop: &Stop,
    ) -> Result<i64, PipelineError> {
        let mut pace = self.realtime.then(Pace::new);
        let rate = source.offers(&[]).first().and_then(|info| info.frame_rate);
        let usual = frame_duration(rate);
        let mut end = self.offset;
        while !stop.gently.is_cancelled() {
            let mut frame = match source.next() {
                Ok(Some(Event::Frame(frame))) => frame,
                Ok(Some(Event::Packet(_))) => continue,
                Ok(None) => break,
                Err(_) if stop.gently.is_cancelled() => break,
                Err(e) => return Err(e),
            };
            if let Some(pace) = &mut pace {
                pace.wait(frame.timestamp, &stop.gently);
            }
            frame.timestamp = frame.timestamp.saturating_add(self.offset);
            end = frame.timestamp.saturating_add(frame.duration.unwrap_or(usual));
            let taken = outlets.iter().filter(|outlet| outlet.give(&frame)).count();
            if taken == 0 {
                break;
            }
        }
        Ok(end)
    }
}

impl Outlet {
    /// False when its session has ended.
    fn give(&self, frame: &Frame) -> bool {
        match self.frames.try_send(frame.clone()) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
                true
            }
            Err(TrySendError::Disconnected(_)) => false,
        }
    }
}
