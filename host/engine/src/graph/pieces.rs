//! A stream cut into pieces, for a serial filter that says how far it looks.
//!
//! Piece k is the frames from k * length on, `length` of them. Whoever works on it is given
//! `before` frames ahead of it first and `after` behind it at the end, and what is answered for
//! those is thrown away: the piece before and the piece behind have them too. By the contract
//! (`concurrency` in `wit/filter.wit`) what is left is the same, bit for bit, as when one instance
//! sees every frame, wherever the stream is cut.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::chain::{Link, Stage};
use super::stats::Meter;
use crate::error::PipelineError;
use filmgate_core::frame::{Frame, StreamInfo};
use filmgate_plugin::{Reach, Supervised};

/// Bytes of frames in a piece, about: as many wait in the queues of each worker.
const BYTES: usize = 64 << 20;

/// Frames in a piece. The longer it is, the less is worked on twice.
const FEWEST: usize = 8;
const MOST: usize = 48;

/// Where a stream is cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cuts {
    length: u64,
    before: u64,
    after: u64,
}

impl Cuts {
    pub(crate) fn new(reach: Reach, input: &StreamInfo) -> Cuts {
        let frame = input.format.frame_bytes(input.width, input.height).max(1);
        let around = reach.before + reach.after;
        // No frame is ahead of one piece of a worker and behind another one of the same worker.
        let length = (BYTES / frame).clamp(FEWEST, MOST).max(2 * around);
        Cuts { length: length as u64, before: reach.before as u64, after: reach.after as u64 }
    }

    /// The pieces for which frame `turn`, from 0, is needed.
    pub(crate) fn pieces(&self, turn: u64) -> RangeInclusive<u64> {
        turn.saturating_sub(self.after) / self.length..=(turn + self.before) / self.length
    }

    /// How many frames one worker is given for a piece at most.
    pub(crate) fn frames(&self) -> usize {
        (self.before + self.length + self.after) as usize
    }

    /// Whether the frame belongs to the piece, rather than being seen on the way in or out.
    fn holds(&self, piece: u64, turn: u64) -> bool {
        turn / self.length == piece
    }

    fn last(&self, piece: u64) -> u64 {
        (piece + 1) * self.length - 1
    }
}

/// A frame on its way to a worker.
pub(crate) struct Task {
    pub(crate) piece: u64,
    /// the frame's place among all that come to the plugin
    pub(crate) turn: u64,
    pub(crate) frame: Frame,
}

/// What a worker has of a piece.
pub(crate) struct Share {
    pub(crate) frames: Vec<Frame>,
    /// whether that is all of it
    pub(crate) whole: bool,
}

/// One instance of the filter, which works on one piece after another.
pub(crate) struct PieceWorker {
    filter: Supervised,
    meter: Arc<Meter>,
    cuts: Cuts,
    /// the piece that it works on, and the frame that it was given last
    current: Option<(u64, u64)>,
}

impl PieceWorker {
    /// One for each of `count` threads, and how the stream is cut between them.
    ///
    /// # Errors
    /// What the plugin says to its configuration.
    pub(crate) fn start(
        stage: &Stage,
        count: usize,
    ) -> Result<Option<(Cuts, Vec<PieceWorker>)>, PipelineError> {
        let (Some(reach), [Link::Filter { supervisor, input, meter }]) =
            (stage.reach, stage.links.as_slice())
        else {
            return Ok(None);
        };
        let cuts = Cuts::new(reach, input);
        let mut workers = Vec::with_capacity(count);
        for _ in 0..count {
            let (filter, meter) = (supervisor.start(input)?, Arc::clone(meter));
            workers.push(PieceWorker { filter, meter, cuts, current: None });
        }
        Ok(Some((cuts, workers)))
    }

    /// # Errors
    /// What the plugin does wrong.
    pub(crate) fn take(&mut self, task: Task) -> Result<Share, PipelineError> {
        let Task { piece, turn, frame } = task;
        let counted = u64::from(self.cuts.holds(piece, turn));
        let answers = self.meter.time(counted, || self.filter.process_at(frame, turn))?;
        let last = self.cuts.last(piece);
        let whole = turn == last + self.cuts.after;
        if whole {
            self.filter.check_answered(last)?;
        }
        self.current = (!whole).then_some((piece, turn));
        Ok(Share { frames: self.of_piece(piece, turn, answers), whole })
    }

    /// The stream has ended. None where that was on the way into a piece, or behind one.
    ///
    /// # Errors
    /// What the plugin does wrong.
    pub(crate) fn end(&mut self) -> Result<Option<Share>, PipelineError> {
        let Some((piece, turn)) = self.current.filter(|c| c.1 / self.cuts.length >= c.0) else {
            return Ok(None);
        };
        let answers = self.meter.time(0, || self.filter.last_answers())?;
        Ok(Some(Share { frames: self.of_piece(piece, turn, answers), whole: true }))
    }

    fn of_piece(&self, piece: u64, now: u64, answers: Vec<(Option<u64>, Frame)>) -> Vec<Frame> {
        let holds = |turn: Option<u64>| self.cuts.holds(piece, turn.unwrap_or(now));
        answers.into_iter().filter(|(turn, _)| holds(*turn)).map(|(_, frame)| frame).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_has_what_is_around_it() {
        for (length, before, after) in [(8, 2, 2), (8, 0, 4), (8, 4, 0), (8, 0, 0), (10, 3, 2)] {
            let cuts = Cuts { length, before, after };
            for turn in 0..100 {
                let needed = |piece: &u64| {
                    let first = (piece * length).saturating_sub(before);
                    (first..=cuts.last(*piece) + after).contains(&turn)
                };
                let expected: Vec<u64> = (0..20).filter(needed).collect();
                assert_eq!(cuts.pieces(turn).collect::<Vec<_>>(), expected, "{cuts:?} {turn}");
            }
        }
    }
}
