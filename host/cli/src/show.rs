//! The progress bar.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::out::speaks_json;
use filmgate_core::words::counted;
use filmgate_engine::graph::Progress;

/// A progress bar on stderr, where that is a terminal. Dropped, it goes away.
pub(super) struct Bar {
    running: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Bar {
    /// `duration`: nanoseconds of the whole, where known.
    pub(super) fn start(progress: &Arc<Progress>, duration: Option<i64>, quiet: bool) -> Bar {
        if quiet || speaks_json() || !std::io::stderr().is_terminal() {
            return Bar { running: None };
        }
        let progress = Arc::clone(progress);
        let (stop, stopped) = channel();
        let bar = bar(duration);
        let spawned = thread::Builder::new().name("progress".to_owned()).spawn(move || {
            while let Err(RecvTimeoutError::Timeout) =
                stopped.recv_timeout(Duration::from_millis(100))
            {
                let speed = progress.frames() as f64 / bar.elapsed().as_secs_f64().max(1e-3);
                bar.set_message(format!("{}, {speed:.0} fps", counted(progress.frames(), "frame")));
                bar.set_position(milliseconds(progress.position()));
            }
            bar.finish_and_clear();
        });
        Bar { running: spawned.ok().map(|thread| (stop, thread)) }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            drop(stop);
            // The bar's thread cannot fail in a way that matters here.
            let _ = thread.join();
        }
    }
}

fn bar(duration: Option<i64>) -> ProgressBar {
    let (bar, template) = match duration {
        Some(duration) => {
            (ProgressBar::new(milliseconds(duration)), "{bar:30} {percent:>3} %  {msg}, {eta} left")
        }
        None => (ProgressBar::new_spinner(), "{spinner} {elapsed}  {msg}"),
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn milliseconds(nanoseconds: i64) -> u64 {
    u64::try_from(nanoseconds / 1_000_000).unwrap_or(0)
}
