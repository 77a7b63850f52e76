//! What a job that was stopped still waits for, told after a second: an encoder that works on its
//! last frames cannot be interrupted, nor a disk that syncs.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::out::tell;
use filmgate_core::cancel::Cancel;

/// How long a stop may take without a word.
const PATIENCE: Duration = Duration::from_secs(1);

/// Looks whether a job ends soon after it is stopped. Dropped, it goes away.
pub(super) struct Notice {
    running: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Notice {
    /// `what` says what the job waits for now.
    pub(super) fn start(
        cancel: &Cancel,
        what: impl Fn() -> &'static str + Send + 'static,
    ) -> Notice {
        let cancel = cancel.clone();
        let (over, ended) = channel::<()>();
        let watch = move || {
            let mut since: Option<Instant> = None;
            while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(Duration::from_millis(50))
            {
                if !cancel.is_cancelled() {
                    continue;
                }
                if since.get_or_insert_with(Instant::now).elapsed() >= PATIENCE {
                    let what = what();
                    tell(format_args!(
                        "filmgate: stopping; waiting for {what}. Ctrl-C again ends at once.\n"
                    ));
                    return;
                }
            }
        };
        let spawned = thread::Builder::new().name("stopping".to_owned()).spawn(watch);
        Notice { running: spawned.ok().map(|thread| (over, thread)) }
    }
}

impl Drop for Notice {
    fn drop(&mut self) {
        if let Some((over, thread)) = self.running.take() {
            drop(over);
            // It only looks at a flag.
            let _ = thread.join();
        }
    }
}
