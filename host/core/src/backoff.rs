//! How long to wait before something that failed is tried again: 1, 2, 4 and then always 5 s, each
//! a fifth more or less, so that not all who lost the same server come back at the same moment.

use std::hash::{BuildHasher, RandomState};
use std::thread;
use std::time::{Duration, Instant};

use crate::cancel::Cancel;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(5);

/// What held this long was good: the next attempt comes soon again.
const GOOD: Duration = Duration::from_secs(5);

/// How often who waits looks about.
const STEP: Duration = Duration::from_millis(50);

/// The waits between attempts.
#[derive(Debug)]
pub struct Backoff {
    next: Duration,
}

impl Default for Backoff {
    fn default() -> Backoff {
        Backoff { next: FIRST }
    }
}

impl Backoff {
    /// The wait before the next attempt.
    pub fn delay(&mut self) -> Duration {
        let delay = jittered(self.next);
        self.next = (self.next * 2).min(LONGEST);
        delay
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

/// Waits; false when the job was stopped meanwhile.
pub fn rest(delay: Duration, cancel: &Cancel) -> bool {
    let until = Instant::now() + delay;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if cancel.is_cancelled() {
            return false;
        }
        if left.is_zero() {
            return true;
        }
        thread::sleep(left.min(STEP));
    }
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
    fn who_rests_wakes_when_the_job_is_stopped() {
        let cancel = Cancel::new();
        assert!(rest(Duration::from_millis(1), &cancel));
        cancel.cancel();
        assert!(!rest(Duration::from_secs(3_600), &cancel));
    }
}
