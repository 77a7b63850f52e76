//! Exponential back-off: how long to wait before something that failed is retried, 1, 2, 4 … s.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use crate::cancel::Cancel;
use crate::clock::Clock;

const FIRST: Duration = Duration::from_secs(1);

/// The longest wait before a reconnect.
const LONGEST: Duration = Duration::from_secs(5);

/// What worked for so long before it failed counts as good: the next retry comes soon again.
const GOOD: Duration = Duration::from_secs(5);

/// The waits between attempts.
#[derive(Debug)]
pub struct Backoff {
    next: Duration,
    longest: Duration,
    jitter: bool,
}

/// For reconnects: 1, 2, 4, and then always 5 s, each a fifth more or less, so that clients that lost
/// the same server do not all come back at the same moment.
impl Default for Backoff {
    fn default() -> Backoff {
        Backoff { next: FIRST, longest: LONGEST, jitter: true }
    }
}

impl Backoff {
    /// 1, 2, 4 … up to `longest`, always the same, for what nobody else waits for.
    pub fn steady(longest: Duration) -> Backoff {
        Backoff { next: FIRST, longest, jitter: false }
    }

    /// The wait before the next attempt.
    pub fn delay(&mut self) -> Duration {
        let delay = self.next;
        self.next = (delay * 2).min(self.longest);
        if self.jitter { jittered(delay) } else { delay }
    }

    /// What was opened worked for so long before it failed.
    pub fn held(&mut self, time: Duration) {
        if time >= GOOD {
            self.next = FIRST;
        }
    }
}

fn jittered(delay: Duration) -> Duration {
    let random = RandomState::new().hash_one(0u8) % 1_000;
    delay.mul_f64(0.8 + random as f64 / 1_000.0 * 0.4)
}

/// Waits on the system's clock; false when the job was stopped meanwhile.
pub fn rest(delay: Duration, cancel: &Cancel) -> bool {
    Clock::system().rest(delay, cancel)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_five_seconds_and_are_spread() {
        let mut backoff = Backoff::default();
        for wanted in [1_000, 2_000, 4_000, 5_000, 5_000] {
            let delay = backoff.delay().as_millis();
            assert!((wanted * 8 / 10..=wanted * 12 / 10).contains(&delay), "{delay} of {wanted}");
        }
        backoff.held(Duration::from_secs(1));
        assert!(backoff.delay() >= Duration::from_secs(4));
        backoff.held(Duration::from_secs(10));
        assert!(backoff.delay() <= Duration::from_millis(1_200));
        let all: Vec<Duration> = (0..100).map(|_| jittered(FIRST)).collect();
        assert!(all.iter().any(|d| *d != all[0]));
    }

    #[test]
    fn steady_delays_are_always_the_same() {
        let mut backoff = Backoff::steady(Duration::from_secs(30));
        let delays = [1, 2, 4, 8, 16, 30, 30].map(|_| backoff.delay().as_secs());
        assert_eq!(delays, [1, 2, 4, 8, 16, 30, 30]);
    }
}
