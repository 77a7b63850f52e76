//! What a stream has just been: the latest chunks, for as many viewers as there are. Each viewer reads
//! by a place of its own; one that is too slow skips to the latest keyframe, and delays nobody.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use filmgate_feed::Kind;
use tokio::sync::watch;

/// The most that is kept of a stream in one format.
const MOST: usize = 64 << 20;
/// How long a segment of HLS is at least, nanoseconds.
const SEGMENT: i64 = 2_000_000_000;
/// How many whole segments a playlist names.
const SEGMENTS: usize = 6;

/// A part of a stream.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    pub(crate) kind: Kind,
    /// nanoseconds of the stream
    pub(crate) timestamp: i64,
    /// milliseconds since 1970
    pub(crate) at: f64,
    pub(crate) bytes: Bytes,
}

/// A segment of HLS.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) number: u64,
    pub(crate) generation: u64,
    start: i64,
    end: i64,
    parts: Vec<Bytes>,
}

impl Segment {
    pub(crate) fn seconds(&self) -> f64 {
        (self.end - self.start).max(1) as f64 / 1e9
    }

    pub(crate) fn bytes(&self) -> Bytes {
        self.parts.concat().into()
    }
}

#[derive(Default)]
struct Ring {
    /// counts headers: a source that came again
    generation: u64,
    header: Bytes,
    pieces: VecDeque<Piece>,
    /// the number of the first one that is kept
    first: u64,
    bytes: usize,
    segments: VecDeque<Segment>,
    current: Option<Segment>,
    headers: VecDeque<(u64, Bytes)>,
}

/// A stream in one format.
pub(crate) struct Hub {
    ring: Mutex<Ring>,
    pulse: watch::Sender<u64>,
    /// how far back somebody may begin, nanoseconds
    history: i64,
    has_segments: bool,
    viewers: AtomicUsize,
    skipped: AtomicU64,
    sent: AtomicU64,
}

/// Where a viewer stands.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    generation: u64,
    next: Option<u64>,
    /// nanoseconds before now at which to begin
    back: i64,
}

/// What a viewer is given.
#[derive(Debug)]
pub(crate) enum Given {
    /// what comes first; `true` where it is not the first one that this viewer is given
    Header(Bytes, bool),
    Piece(Piece),
    Wait,
}

impl Place {
    /// Begins so many nanoseconds before now, as far as there are keyframes.
    pub(crate) fn before_now(back: i64) -> Place {
        Place { back, ..Place::default() }
    }
}

impl Hub {
    pub(crate) fn new(history: Duration, has_segments: bool) -> Hub {
        Hub {
            ring: Mutex::default(),
            pulse: watch::Sender::new(0),
            history: i64::try_from(history.as_nanos()).unwrap_or(i64::MAX),
            has_segments,
            viewers: AtomicUsize::new(0),
            skipped: AtomicU64::new(0),
            sent: AtomicU64::new(0),
        }
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what a worker says.
    pub(crate) fn push(&self, piece: Piece) {
        let mut ring = self.ring();
        if piece.kind == Kind::Header {
            ring.begin(piece.bytes);
        } else {
            // Pictures have no header.
            if ring.generation == 0 {
                ring.begin(Bytes::new());
            }
            if self.has_segments {
                ring.segment(&piece);
            }
            ring.bytes += piece.bytes.len();
            ring.pieces.push_back(piece);
            ring.trim(self.history);
        }
        drop(ring);
        self.pulse.send_modify(|count| *count += 1);
    }

    pub(crate) fn pulse(&self) -> watch::Receiver<u64> {
        self.pulse.subscribe()
    }

    /// What comes next for a viewer.
    pub(crate) fn next(&self, place: &mut Place) -> Given {
        let ring = self.ring();
        if ring.generation == 0 {
            return Given::Wait;
        }
        if place.generation != ring.generation {
            let again = place.generation != 0;
            // What is left of the connection before belongs to the header before.
            (place.generation, place.next) = (ring.generation, None);
            return Given::Header(ring.header.clone(), again);
        }
        let wanted = match place.next {
            Some(next) if next < ring.first => {
                self.skipped.fetch_add(1, Ordering::Relaxed);
                None
            }
            other => other,
        };
        let Some(next) = wanted.or_else(|| ring.beginning(place.back)) else { return Given::Wait };
        place.back = 0;
        place.next = Some(next);
        let index = usize::try_from(next - ring.first).unwrap_or(usize::MAX);
        let Some(piece) = ring.pieces.get(index) else { return Given::Wait };
        place.next = Some(next + 1);
        self.sent.fetch_add(piece.bytes.len() as u64, Ordering::Relaxed);
        Given::Piece(piece.clone())
    }

    /// A place behind all that has come yet.
    pub(crate) fn end(&self) -> Place {
        let ring = self.ring();
        let next = Some(ring.first + ring.pieces.len() as u64);
        Place { generation: ring.generation, next, back: 0 }
    }

    /// The whole segments, the newest last.
    pub(crate) fn segments(&self) -> Vec<Segment> {
        self.ring().segments.iter().cloned().collect()
    }

    /// The header that segments of a generation need.
    pub(crate) fn header(&self, generation: u64) -> Option<Bytes> {
        let ring = self.ring();
        ring.headers.iter().find(|(g, _)| *g == generation).map(|(_, header)| header.clone())
    }

    /// One viewer more; the number before.
    pub(crate) fn enter(&self) -> usize {
        self.viewers.fetch_add(1, Ordering::Relaxed)
    }

    /// One viewer less; the number then.
    pub(crate) fn leave(&self) -> usize {
        self.viewers.fetch_sub(1, Ordering::Relaxed) - 1
    }

    pub(crate) fn viewers(&self) -> usize {
        self.viewers.load(Ordering::Relaxed)
    }

    /// How often a viewer was too slow.
    pub(crate) fn skipped(&self) -> u64 {
        self.skipped.load(Ordering::Relaxed)
    }

    /// Bytes given to viewers.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

impl Ring {
    fn begin(&mut self, header: Bytes) {
        self.generation += 1;
        self.first += self.pieces.len() as u64;
        self.pieces.clear();
        self.bytes = 0;
        self.close();
        self.headers.push_back((self.generation, header.clone()));
        while self.headers.len() > 2 {
            self.headers.pop_front();
        }
        self.header = header;
    }

    /// The newest keyframe that is `back` nanoseconds old, or the oldest one there is.
    fn beginning(&self, back: i64) -> Option<u64> {
        let keys = || self.pieces.iter().enumerate().filter(|(_, p)| p.kind == Kind::Key);
        let last = self.pieces.back()?.timestamp;
        let old_enough = keys().filter(|(_, p)| last - p.timestamp >= back).last();
        let (index, _) = old_enough.or_else(|| keys().next())?;
        Some(self.first + index as u64)
    }

    /// Forgets what nobody can begin with any more.
    fn trim(&mut self, history: i64) {
        let Some(last) = self.pieces.back().map(|p| p.timestamp) else { return };
        loop {
            // The next keyframe behind the first piece.
            let mut keys = self.pieces.iter().enumerate().skip(1);
            let next = keys.find(|(_, p)| p.kind == Kind::Key);
            let Some((index, key)) = next else { break };
            // One more is kept than is needed, for viewers that are about to read it.
            let is_needed = last - key.timestamp < history.max(1) && history > 0;
            let is_latest = !self.pieces.iter().skip(index + 1).any(|p| p.kind == Kind::Key);
            if self.bytes <= MOST && (is_needed || is_latest) {
                break;
            }
            self.forget(index);
        }
        // One group of pictures that is larger than all that may be kept.
        if self.bytes > MOST {
            self.forget(self.pieces.len());
        }
    }

    fn forget(&mut self, count: usize) {
        let gone: usize = self.pieces.drain(..count).map(|p| p.bytes.len()).sum();
        self.bytes -= gone;
        self.first += count as u64;
    }

    fn segment(&mut self, piece: &Piece) {
        let is_full = self.current.as_ref().is_some_and(|s| piece.timestamp - s.start >= SEGMENT);
        if piece.kind == Kind::Key && (self.current.is_none() || is_full) {
            if let Some(current) = &mut self.current {
                current.end = piece.timestamp;
            }
            let number = self.close();
            let (start, end) = (piece.timestamp, piece.timestamp);
            let generation = self.generation;
            self.current = Some(Segment { number, generation, start, end, parts: Vec::new() });
        }
        if let Some(current) = &mut self.current {
            current.end = current.end.max(piece.timestamp);
            current.parts.push(piece.bytes.clone());
        }
    }

    /// Ends the segment that is being filled; the number of the next one.
    fn close(&mut self) -> u64 {
        if let Some(whole) = self.current.take() {
            self.segments.push_back(whole);
        }
        let next = self.segments.back().map_or(0, |s| s.number + 1);
        while self.segments.len() > SEGMENTS {
            self.segments.pop_front();
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(kind: Kind, ms: i64) -> Piece {
        let bytes = Bytes::from(format!("{kind:?}{ms};"));
        Piece { kind, timestamp: ms * 1_000_000, at: 0.0, bytes }
    }

    fn hub(history: u64) -> Hub {
        let hub = Hub::new(Duration::from_millis(history), true);
        hub.push(Piece { bytes: Bytes::from_static(b"head"), ..piece(Kind::Header, 0) });
        hub
    }

    fn fill(hub: &Hub, from: i64, to: i64) {
        for ms in (from..to).step_by(40) {
            hub.push(piece(if ms % 1000 == 0 { Kind::Key } else { Kind::Delta }, ms));
        }
    }

    fn timestamp(given: &Given) -> i64 {
        match given {
            Given::Piece(piece) => piece.timestamp / 1_000_000,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn viewers_begin_at_the_latest_keyframe() {
        let hub = hub(0);
        let mut place = Place::default();
        assert!(matches!(hub.next(&mut place), Given::Header(bytes, false) if bytes == "head"));
        assert!(matches!(hub.next(&mut place), Given::Wait));
        fill(&hub, 0, 2480);
        assert_eq!(timestamp(&hub.next(&mut place)), 2000);
        assert_eq!(timestamp(&hub.next(&mut place)), 2040);
        let mut last = Place::default();
        while !matches!(hub.next(&mut last), Given::Wait) {}
        fill(&hub, 2480, 2520);
        assert_eq!(timestamp(&hub.next(&mut last)), 2480);
    }

    #[test]
    fn slow_viewers_skip() {
        let hub = hub(0);
        fill(&hub, 0, 1000);
        let mut place = Place::default();
        hub.next(&mut place);
        assert_eq!(timestamp(&hub.next(&mut place)), 0);
        fill(&hub, 1000, 6000);
        assert_eq!(timestamp(&hub.next(&mut place)), 5000);
        assert_eq!(hub.skipped(), 1);
    }

    #[test]
    fn history_is_kept_as_long_as_asked() {
        let hub = hub(3000);
        fill(&hub, 0, 10_000);
        let mut place = Place::before_now(2_500_000_000);
        hub.next(&mut place);
        assert_eq!(timestamp(&hub.next(&mut place)), 7000);
        let mut all = Place::before_now(60_000_000_000);
        hub.next(&mut all);
        let oldest = timestamp(&hub.next(&mut all));
        assert!((5000..=7000).contains(&oldest), "{oldest}");
    }

    #[test]
    fn a_source_that_comes_again_has_a_header_again() {
        let hub = hub(0);
        fill(&hub, 0, 2000);
        let mut place = Place::default();
        hub.next(&mut place);
        hub.next(&mut place);
        hub.push(Piece { bytes: Bytes::from_static(b"new"), ..piece(Kind::Header, 0) });
        fill(&hub, 3000, 3500);
        assert!(matches!(hub.next(&mut place), Given::Header(bytes, true) if bytes == "new"));
        assert_eq!(timestamp(&hub.next(&mut place)), 3000);
    }

    #[test]
    fn segments_begin_with_keyframes() {
        let hub = hub(0);
        fill(&hub, 0, 9000);
        let segments = hub.segments();
        assert_eq!(segments.iter().map(|s| s.number).collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert!(segments.iter().all(|s| (s.seconds() - 2.0).abs() < 1e-6));
        assert!(segments[1].bytes().starts_with(b"Key2000;Delta2040;"));
        assert!(hub.header(segments[0].generation).is_some());
    }
}
