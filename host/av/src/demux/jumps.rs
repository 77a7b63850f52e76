//! Timestamp discontinuities in mid-stream, as broadcasts have them: they are removed, as the ffmpeg
//! program does, so that video and audio go on without a gap.

use tracing::warn;

use crate::demux::facts::{MediaFacts, StreamKind};
use crate::demux::packet::Packet;

/// A step forward that is no pause but another clock (ffmpeg's `-dts_delta_threshold`).
const FORWARD: i64 = 10_000_000_000;

/// A step back.
const BACK: i64 = -100_000_000;

/// Smooths the clock of one input.
#[derive(Default)]
pub(crate) struct Jumps {
    /// of the file, for warnings
    name: String,
    streams: Vec<Clock>,
    /// what the last jump came to; the other streams are about to make the same one
    latest: i64,
    count: u64,
}

#[derive(Clone, Copy, Default)]
struct Clock {
    /// sound and pictures come without pauses; nothing else does
    steady: bool,
    /// when the next packet is due, nanoseconds, smoothed
    due: Option<i64>,
    /// what is added to its times
    offset: i64,
}

impl Jumps {
    pub(crate) fn new(facts: &MediaFacts, name: String) -> Jumps {
        let steady = |kind| matches!(kind, StreamKind::Video | StreamKind::Audio);
        let streams = facts.streams.iter();
        let streams = streams.map(|s| Clock { steady: steady(s.kind), ..Clock::default() });
        Jumps { name, streams: streams.collect(), latest: 0, count: 0 }
    }

    /// How many there were.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Moves a packet to where it would be had the clock not jumped.
    pub(crate) fn smooth(&mut self, packet: &mut Packet) {
        let Some(time) = packet.decode_time().or_else(|| packet.time()) else { return };
        let by = self.offset_at(packet.stream(), time, packet.length());
        if by != 0 {
            packet.shift(by);
        }
    }

    /// What to add to the times of a packet of `stream` that is due at `time`.
    fn offset_at(&mut self, stream: usize, time: i64, length: i64) -> i64 {
        let Some(clock) = self.streams.get_mut(stream) else { return self.latest };
        if !clock.steady {
            return self.latest;
        }
        let jumped = |step: i64| !(BACK..=FORWARD).contains(&step);
        if let Some(due) = clock.due
            && jumped(time + clock.offset - due)
        {
            if jumped(time + self.latest - due) {
                self.latest = due - time;
                self.count += 1;
                let step = (time + clock.offset - due) as f64 / 1e9;
                let at = due as f64 / 1e9;
                warn!(
                    "{}: stream {stream}: removed a timestamp discontinuity of {step:.1} s at {at:.1} s",
                    self.name
                );
            }
            clock.offset = self.latest;
        }
        clock.due = Some(time + clock.offset + length);
        clock.offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000_000;

    fn jumps() -> Jumps {
        let steady = Clock { steady: true, ..Clock::default() };
        Jumps { streams: vec![steady, steady, Clock::default()], ..Jumps::default() }
    }

    #[test]
    fn one_jump_of_two_streams_is_one() {
        let mut jumps = jumps();
        for (stream, time, offset) in [
            (0, 0, 0),
            (1, 0, 0),
            (0, S, 0),
            (0, 102 * S, -100 * S),
            // Sound from before the jump, told between pictures from behind it.
            (1, S, 0),
            (1, 102 * S, -100 * S),
            (2, 103 * S, -100 * S),
        ] {
            assert_eq!(jumps.offset_at(stream, time, S), offset, "{stream} {time}");
        }
        assert_eq!(jumps.count(), 1);
    }

    #[test]
    fn pauses_stay() {
        let mut jumps = jumps();
        assert_eq!(jumps.offset_at(0, 0, S), 0);
        assert_eq!(jumps.offset_at(0, 8 * S, S), 0);
        assert_eq!(jumps.offset_at(0, 3 * S, S), 6 * S);
    }
}
