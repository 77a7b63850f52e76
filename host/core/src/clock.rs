//! A monotonic clock that tests can hold still: the system's, or one that only moves when it is told
//! to. Code that waits takes one, so that its tests need not wait.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::cancel::Cancel;

/// The longest sleep before [`Clock::rest`] looks at the job's `Cancel` again.
const STEP: Duration = Duration::from_millis(50);

/// Cheap to clone; the clones of a manual clock show the same time.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// none: the system's
    manual: Option<Arc<Mutex<Instant>>>,
}

impl Clock {
    /// The system's monotonic clock.
    pub fn system() -> Clock {
        Clock::default()
    }

    /// A clock that stands still but for [`Clock::sleep`], which moves it on at once, and
    /// [`Clock::advance`].
    pub fn manual() -> Clock {
        Clock { manual: Some(Arc::new(Mutex::new(Instant::now()))) }
    }

    pub fn now(&self) -> Instant {
        match &self.manual {
            None => Instant::now(),
            Some(now) => *now.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Lets time pass.
    pub fn sleep(&self, time: Duration) {
        match &self.manual {
            None => thread::sleep(time),
            Some(_) => self.advance(time),
        }
    }

    /// Moves a manual clock on; the system's goes its own way.
    pub fn advance(&self, time: Duration) {
        if let Some(now) = &self.manual {
            *now.lock().unwrap_or_else(PoisonError::into_inner) += time;
        }
    }

    /// Sleeps for `delay`; false where the job was canceled meanwhile.
    pub fn rest(&self, delay: Duration, cancel: &Cancel) -> bool {
        let until = self.now() + delay;
        loop {
            let left = until.saturating_duration_since(self.now());
            if cancel.is_cancelled() {
                return false;
            }
            if left.is_zero() {
                return true;
            }
            self.sleep(left.min(STEP));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_when_told() {
        let clock = Clock::manual();
        let (start, other) = (clock.now(), clock.clone());
        assert_eq!(clock.now(), start);
        other.advance(Duration::from_secs(60));
        assert_eq!(clock.now() - start, Duration::from_secs(60));
        assert!(clock.rest(Duration::from_secs(3_600), &Cancel::new()));
        assert_eq!(clock.now() - start, Duration::from_secs(3_660));
    }

    #[test]
    fn who_rests_wakes_when_the_job_is_stopped() {
        let (clock, cancel) = (Clock::system(), Cancel::new());
        assert!(clock.rest(Duration::from_millis(1), &cancel));
        cancel.cancel();
        assert!(!clock.rest(Duration::from_secs(3_600), &cancel));
    }
}
