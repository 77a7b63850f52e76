//! What stops a job: at once, or gently, so that everything that came is in the outputs.

use std::thread;
use std::time::{Duration, Instant};

use crate::error::PipelineError;
use filmgate_core::cancel::Cancel;

/// What stops a job.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    /// no more frames are taken; what came is written, and every output ends well
    pub gently: Cancel,
    /// nothing is waited for any more
    pub hard: Cancel,
    /// what came of it is not wanted: files do not appear
    pub abandon: Cancel,
}

/// How long after the gentle one the hard stop comes.
pub(crate) const GRACE: Duration = Duration::from_millis(600);

/// How long servers may take after the last frame to take what waits for them.
pub(crate) const LINGER: Duration = Duration::from_secs(10);

impl Stop {
    /// `cancel` ends the job at once, without output.
    pub fn at_once(cancel: &Cancel) -> Stop {
        let [gently, hard, abandon] = [cancel, cancel, cancel].map(Cancel::clone);
        Stop { gently, hard, abandon }
    }

    /// `cancel` ends the source; everything that came goes the way to its outputs.
    pub fn gently(cancel: &Cancel) -> Stop {
        Stop { gently: cancel.clone(), ..Stop::default() }
    }
}

/// Makes the gentle stop a hard one when the job has not ended within its time. The thread ends
/// with `over`.
pub(crate) fn watch(stop: &Stop, over: &Cancel) -> Result<thread::JoinHandle<()>, PipelineError> {
    const STEP: Duration = Duration::from_millis(20);
    let (stop, over) = (stop.clone(), over.clone());
    let run = move || {
        let mut since = None;
        while !over.is_cancelled() && !stop.hard.is_cancelled() {
            thread::sleep(STEP);
            if stop.gently.is_cancelled()
                && since.get_or_insert_with(Instant::now).elapsed() > GRACE
            {
                return stop.hard.cancel();
            }
        }
    };
    let spawned = thread::Builder::new().name("watch".to_owned()).spawn(run);
    spawned.map_err(|e| PipelineError::System(format!("a thread could not be started: {e}")))
}
