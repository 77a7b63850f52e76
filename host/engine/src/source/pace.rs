//! Frames at the times that they are for.

use std::thread;
use std::time::{Duration, Instant};

use filmgate_core::cancel::Cancel;
use filmgate_core::time::duration;

/// Lets pictures go at the times that they are for (`--realtime`).
pub(crate) struct Pace {
    start: Option<Instant>,
}

impl Pace {
    pub(crate) fn new() -> Pace {
        Pace { start: None }
    }

    /// Waits for a picture's time, or for the end of the job.
    pub(crate) fn wait(&mut self, timestamp: i64, stop: &Cancel) {
        const STEP: Duration = Duration::from_millis(20);
        let start = *self.start.get_or_insert_with(Instant::now);
        let due = start + duration(timestamp);
        while !stop.is_cancelled() {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            thread::sleep(left.min(STEP));
        }
    }
}
