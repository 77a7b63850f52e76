//! Timestamps: where each packet goes on the time line of the output. Plain arithmetic, without
//! files.
//!
//! Video keeps the times of its segment, moved by where the segment begins. Audio cannot. A packet
//! of AAC holds 1024 samples (ISO/IEC 14496-3), so a segment of 6 s at 44.1 kHz, 264600 samples,
//! needs 258.4 packets: its last packet is padded, and a packet of priming (encoder delay) precedes
//! the first. Edit lists hide both within a segment, but a player that counts samples plays
//! everything. Copied as they are, 260 packets per segment would be 1640 samples (37 ms) too long:
//! after 200 segments audio would be 7.4 s late.
//!
//! So the packets of an audio track follow one another without gap or overlap, and at each seam as
//! many are left out as keep the track within half a packet (11.6 ms) of the segment's own clock.
//! What is left out is priming and padding, and at most half a packet of audio. Where audio is
//! missing, whole packets of silence are added.

use filmgate_core::frame::Rational;

pub use filmgate_core::time::rescale;

/// The coarsest clock in which all of `bases` can be told without rounding; none where it would be
/// finer than containers can hold.
pub fn common(bases: impl IntoIterator<Item = Rational>) -> Option<Rational> {
    /// mp4 stores sample durations in 32 bits (`stts`, ISO/IEC 14496-12, 8.6.1.2), signed in libav
    /// (movenc.c): 2^31 ticks of 10 ns are 21 s from packet to packet.
    const FINEST: i64 = 100_000_000;
    let mut all: i64 = 1;
    for base in bases {
        let divisor = gcd(i64::from(base.num), i64::from(base.den));
        let den = i64::from(base.den) / divisor.max(1);
        all = all / gcd(all, den).max(1) * den;
        if all <= 0 || all > FINEST {
            return None;
        }
    }
    Some(Rational { num: 1, den: i32::try_from(all).ok()? })
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a.abs() } else { gcd(b, a % b) }
}

/// What becomes of an audio packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It would overlap the packets that are already there.
    LeaveOut,
    /// It begins at `at`, after this number of packets of silence.
    Place { at: i64, silent: u64 },
}

/// The most packets of priming that an encoder puts in front: 2 and a half for AAC with
/// spectral band replication (HE-AAC), fewer for all others.
const PRIMING: i64 = 3;

/// One audio track, in samples on the time line of the output.
#[derive(Clone, Debug)]
pub struct AudioTimeline {
    /// samples of a packet of silence, where there is such a thing
    pub silent: Option<i64>,
    /// the first packets of the track may precede its start
    leads: bool,
    /// where the next packet goes; none before the first
    end: Option<i64>,
    /// the next packet is the first of its segment
    seam: bool,
}

impl AudioTimeline {
    pub fn new(silent: Option<i64>) -> AudioTimeline {
        AudioTimeline { silent, leads: true, end: None, seam: true }
    }

    /// Whether the first packets of the track may precede its start: not in AVI, which begins all
    /// streams together, and not PCM in mov, whose edit list would hide them.
    pub fn leading(self, leads: bool) -> AudioTimeline {
        AudioTimeline { leads, ..self }
    }

    pub fn leads(&self) -> bool {
        self.leads
    }

    /// A segment begins.
    pub fn seam(&mut self) {
        self.seam = true;
    }

    pub fn end(&self) -> Option<i64> {
        self.end
    }

    /// Finds the place of the next packet of the segment, which its clock puts at `wanted`, and
    /// which holds `length` samples. `start` is where the track begins to be heard.
    pub fn fit(&mut self, wanted: i64, length: i64, start: i64) -> Fit {
        let Some(end) = self.end else { return self.fit_first(wanted, length, start) };
        let late = wanted - end;
        if self.seam && 2 * late < -length {
            return Fit::LeaveOut;
        }
        // Within a segment packets follow one another, however their timestamps are rounded: mkv and
        // flv count milliseconds, so packets of 23.22 ms are 23 or 24 ms apart. More than a packet
        // and a half late is a gap of at least half a packet, which no rounding makes: a recorder
        // lost audio there. At a seam half a packet late is nearer to one packet of silence.
        let gap = if self.seam { 2 * late > length } else { 2 * late > 3 * length };
        self.seam = false;
        if gap { self.behind_silence(end, wanted) } else { Fit::Place { at: end, silent: 0 } }
    }

    /// The first packet of the track. Priming may precede the start.
    fn fit_first(&mut self, wanted: i64, length: i64, start: i64) -> Fit {
        let earliest = if self.leads { start - PRIMING * length } else { start };
        if wanted < earliest {
            return Fit::LeaveOut;
        }
        self.seam = false;
        if 2 * (wanted - start) > length {
            self.behind_silence(start, wanted)
        } else {
            Fit::Place { at: wanted, silent: 0 }
        }
    }

    fn behind_silence(&self, from: i64, wanted: i64) -> Fit {
        match self.silent {
            Some(step) if step > 0 => {
                let count = ((wanted - from + step / 2) / step).max(0);
                Fit::Place { at: from + count * step, silent: count.unsigned_abs() }
            }
            _ => Fit::Place { at: wanted, silent: 0 },
        }
    }

    /// A packet has been put at `at`.
    pub fn put(&mut self, at: i64, length: i64) {
        self.end = Some(at + length);
    }

    /// Packets of silence that bring the track up to `until`, where there is no sound before.
    pub fn missing(&self, until: i64, start: i64) -> u64 {
        let late = until - self.end.unwrap_or(start);
        match self.silent {
            Some(step) if step > 0 && 2 * late > step => ((late + step / 2) / step).unsigned_abs(),
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(num: i32, den: i32) -> Rational {
        Rational { num, den }
    }

    #[test]
    fn clocks_meet() {
        assert_eq!(common([base(1, 12_800), base(1, 90_000)]), Some(base(1, 5_760_000 / 2)));
        assert_eq!(common([base(1, 1000), base(1001, 30_000)]), Some(base(1, 30_000)));
        assert_eq!(common([base(1, 99_999_989), base(1, 1000)]), None);
        assert_eq!(rescale(-3, base(1, 2), base(1, 1)), -2);
        assert_eq!(rescale(i64::MAX, base(1, 1), base(1, 90_000)), i64::MAX);
    }

    /// Two hundred segments of 6 s of AAC, a packet of priming in front of each and padding behind.
    #[test]
    fn priming_and_padding_do_not_add_up() {
        let (rate, step, long) = (44_100, 1024, 6 * 44_100);
        let mut chain = AudioTimeline::new(Some(step));
        let (mut placed, mut left_out, mut worst) = (0, 0, 0);
        for segment in 0..200 {
            let start = segment * long;
            chain.seam();
            for packet in -1..=258 {
                let wanted = start + packet * step;
                let Fit::Place { at, silent } = chain.fit(wanted, step, 0) else {
                    left_out += 1;
                    continue;
                };
                assert_eq!(silent, 0);
                if 2 * at + step > 2 * (start + long) {
                    left_out += 1;
                    continue;
                }
                worst = worst.max((at - wanted).abs());
                chain.put(at, step);
                placed += 1;
            }
        }
        let drift = placed * step - (200 * long + step);
        assert!(drift.abs() <= step / 2, "{drift}");
        assert!(worst <= step / 2 && worst * 1000 / rate < 20, "{worst}");
        assert!((300..420).contains(&left_out), "{left_out}");
    }

    #[test]
    fn nothing_precedes_the_start_where_it_may_not() {
        let mut chain = AudioTimeline::new(None).leading(false);
        assert_eq!(chain.fit(-1, 1024, 0), Fit::LeaveOut);
        assert_eq!(chain.fit(3, 1024, 0), Fit::Place { at: 3, silent: 0 });
        let mut chain = AudioTimeline::new(None);
        assert_eq!(chain.fit(-1024, 1024, 0), Fit::Place { at: -1024, silent: 0 });
    }

    #[test]
    fn gaps_are_filled_where_there_is_silence_to_fill_them_with() {
        let mut chain = AudioTimeline::new(Some(1024));
        assert_eq!(chain.fit(44_100, 1024, 0), Fit::Place { at: 43 * 1024, silent: 43 });
        let mut chain = AudioTimeline::new(None);
        chain.put(0, 1024);
        chain.seam();
        assert_eq!(chain.fit(44_100, 1024, 0), Fit::Place { at: 44_100, silent: 0 });
        assert_eq!(chain.missing(100_000, 0), 0);
    }

    #[test]
    fn clocks_that_round_do_not_tear_a_segment() {
        let mut chain = AudioTimeline::new(Some(1024));
        for (packet, milliseconds) in [0, 23, 46, 70, 93, 116].into_iter().enumerate() {
            let wanted = milliseconds * 441 / 10;
            let at = packet as i64 * 1024;
            assert_eq!(chain.fit(wanted, 1024, 0), Fit::Place { at, silent: 0 });
            chain.put(at, 1024);
        }
    }
}
