//! What stops a blocking call into libav: the job's [`Cancel`] and a deadline.

use std::ffi::{c_int, c_void};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use crate::error::{MediaError, MediaErrorKind};
use ffmpeg_next::ffi;
use filmgate_core::cancel::Cancel;

/// Asked by libav and by our own reads, often: both questions are cheap.
pub(crate) struct Interrupt {
    cancel: Cancel,
    deadline: Mutex<Option<(Instant, Duration)>>,
}

impl Interrupt {
    pub(crate) fn new(cancel: &Cancel) -> Interrupt {
        Interrupt { cancel: cancel.clone(), deadline: Mutex::new(None) }
    }

    pub(crate) fn set_deadline(&self, within: Option<Duration>) {
        let at = within.and_then(|d| Instant::now().checked_add(d).map(|at| (at, d)));
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }

    pub(crate) fn is_due(&self) -> bool {
        self.cancel.is_cancelled() || self.overdue().is_some()
    }

    fn overdue(&self) -> Option<Duration> {
        let deadline = *self.deadline.lock().unwrap_or_else(PoisonError::into_inner);
        deadline.filter(|(at, _)| Instant::now() >= *at).map(|(_, within)| within)
    }

    /// # Errors
    /// Cancelled or TimedOut, where either has happened: libav may have stopped early and still
    /// report success.
    pub(crate) fn check(&self, doing: &str) -> Result<(), MediaError> {
        if self.cancel.is_cancelled() {
            return Err(MediaError::new(MediaErrorKind::Cancelled, format!("{doing}: cancelled")));
        }
        match self.overdue() {
            Some(within) => Err(MediaError::new(
                MediaErrorKind::TimedOut,
                format!("{doing}: not done within {} s", within.as_secs_f64()),
            )),
            None => Ok(()),
        }
    }

    /// For libav; the interrupt must outlive whatever the callback is given to.
    pub(crate) fn callback(&self) -> ffi::AVIOInterruptCB {
        ffi::AVIOInterruptCB {
            callback: Some(asked),
            opaque: std::ptr::from_ref(self).cast_mut().cast(),
        }
    }
}

unsafe extern "C" fn asked(opaque: *mut c_void) -> c_int {
    // SAFETY: `opaque` is the Interrupt of `callback`, which outlives the context it was given to,
    // and is only read.
    let interrupt = unsafe { &*opaque.cast_const().cast::<Interrupt>() };
    c_int::from(interrupt.is_due())
}
