//! What is kept of every packet of a track until the output is read back: a hash for every few of
//! them, and when each is shown or heard, in a byte or two. A join of a day's recordings has
//! millions of packets. PCM is kept by blocks of samples instead.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Packets that are hashed together.
pub(super) const BLOCK: u64 = 16;

/// Hashes and times of a track's packets, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    packets: u64,
    /// of all packets of the block that is not full, in their order
    running: u64,
    /// of each full block
    blocks: Vec<u64>,
    times: Steps,
}

impl Ledger {
    /// The next packet: the hash of its payload, and its time.
    pub(super) fn push(&mut self, hash: u64, time: i64) {
        self.times.push(time);
        self.running = fold(self.running, hash);
        self.packets += 1;
        if self.packets.is_multiple_of(BLOCK) {
            self.blocks.push(std::mem::take(&mut self.running));
        }
    }

    /// To hold packets against it, from the first one on.
    pub(super) fn check(&self) -> Check<'_> {
        Check { ledger: self, seen: 0, running: 0, walk: Walk::default() }
    }
}

/// A hash of all before and the next one.
fn fold(before: u64, hash: u64) -> u64 {
    xxh3_64_with_seed(&hash.to_le_bytes(), before)
}

/// What is wrong with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// it, or one of so many before it, is not what was written
    Differs(u64),
    OneTooMany,
}

/// The packets of a track as they are read back.
pub(super) struct Check<'a> {
    ledger: &'a Ledger,
    seen: u64,
    running: u64,
    walk: Walk,
}

impl Check<'_> {
    /// The next packet; gives the time that it was written with.
    pub(super) fn next(&mut self, hash: u64) -> Result<i64, Fault> {
        let time =
            if self.seen < self.ledger.packets { self.walk.next(&self.ledger.times) } else { None };
        let time = time.ok_or(Fault::OneTooMany)?;
        self.running = fold(self.running, hash);
        self.seen += 1;
        let of_block = match self.seen % BLOCK {
            0 => BLOCK,
            some => some,
        };
        let known = match self.seen % BLOCK {
            0 => self.ledger.blocks.get((self.seen / BLOCK - 1) as usize).copied(),
            _ if self.seen == self.ledger.packets => Some(self.ledger.running),
            _ => return Ok(time),
        };
        if known == Some(std::mem::take(&mut self.running)) {
            Ok(time)
        } else {
            Err(Fault::Differs(of_block - 1))
        }
    }
}

/// Numbers, kept as how much more each one rises than the one before did: for sound that is
/// nothing at all, for pictures a few ticks.
#[derive(Clone, Debug, Default)]
struct Steps {
    bytes: Vec<u8>,
    last: Walk,
}

/// A place among such numbers.
#[derive(Clone, Copy, Debug, Default)]
struct Walk {
    at: usize,
    value: i64,
    step: i64,
}

impl Steps {
    fn push(&mut self, value: i64) {
        let step = value.wrapping_sub(self.last.value);
        let more = step.wrapping_sub(self.last.step);
        // Small numbers of either sign are small, and seven bits of them go into each byte.
        let mut rest = (more.wrapping_shl(1) ^ (more >> 63)) as u64;
        while rest > 0x7f {
            self.bytes.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        self.bytes.push(rest as u8);
        (self.last.value, self.last.step) = (value, step);
    }
}

impl Walk {
    fn next(&mut self, steps: &Steps) -> Option<i64> {
        let (mut rest, mut shift) = (0u64, 0u32);
        loop {
            let byte = *steps.bytes.get(self.at)?;
            self.at += 1;
            rest |= u64::from(byte & 0x7f).wrapping_shl(shift);
            if byte < 0x80 {
                break;
            }
            shift += 7;
        }
        let more = (rest >> 1) as i64 ^ -((rest & 1) as i64);
        self.step = self.step.wrapping_add(more);
        self.value = self.value.wrapping_add(self.step);
        Some(self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: [i64; 8] = [0, 1024, 2048, -512, i64::MAX, i64::MIN, 7, 7];

    fn ledger(packets: u64) -> Ledger {
        let mut ledger = Ledger::default();
        (0..packets).for_each(|n| ledger.push(n * n, TIMES[(n % 8) as usize]));
        ledger
    }

    fn found(ledger: &Ledger, packets: impl Iterator<Item = u64>) -> Result<Vec<i64>, Fault> {
        let mut check = ledger.check();
        packets.map(|hash| check.next(hash)).collect()
    }

    #[test]
    fn what_was_written_is_found_again() {
        for packets in [0, 1, 15, 16, 17, 40] {
            let times = found(&ledger(packets), (0..packets).map(|n| n * n)).expect("the same");
            let wanted: Vec<i64> = (0..packets).map(|n| TIMES[(n % 8) as usize]).collect();
            assert_eq!(times, wanted);
        }
    }

    #[test]
    fn no_packet_may_be_another_in_another_place_or_too_many() {
        let packets = 40;
        for wrong in 0..packets {
            let other = (0..packets).map(|n| if n == wrong { 1_000_000 } else { n * n });
            assert!(matches!(found(&ledger(packets), other), Err(Fault::Differs(_))), "{wrong}");
            let swapped = (0..packets).map(|n| if n / 2 == wrong / 2 { n ^ 1 } else { n });
            let swapped = swapped.map(|n| n * n);
            assert!(matches!(found(&ledger(packets), swapped), Err(Fault::Differs(_))), "{wrong}");
        }
        let more = (0..=packets).map(|n| n * n);
        assert_eq!(found(&ledger(packets), more), Err(Fault::OneTooMany));
    }

    #[test]
    fn sound_takes_a_byte_a_packet() {
        let mut ledger = Ledger::default();
        (0..10_000).for_each(|n| ledger.push(0, n * 1024));
        assert!(ledger.times.bytes.len() < 10_010, "{}", ledger.times.bytes.len());
    }
}
