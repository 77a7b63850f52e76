//! Progress of a watch: a line for each file, JSON lines, or a progress line on a terminal.

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use sd_notify::NotifyState;
use serde_json::{Value, json};
use tracing::warn;

use super::shown;
use crate::out::{print, tell};
use filmgate_core::words::counted;
use filmgate_plugin::harmless;
use filmgate_watch::{Candidate, Ended, Print, Reporter, Stats, WatchSpec};

/// Prints events on stdout. A reader that has gone away is not an error.
pub(super) fn events() -> Print {
    Box::new(|line| {
        let _ = writeln!(std::io::stdout(), "{line}");
    })
}

/// Prints the result of each file, for people, or for programs with `--json`.
pub(super) struct Printer {
    folder: PathBuf,
    json: bool,
    quiet: bool,
    once: bool,
    is_ready: AtomicBool,
    stats: Arc<Stats>,
    display: Option<Display>,
    /// why stdout could not be written
    lost: Mutex<Option<anyhow::Error>>,
}

impl Printer {
    pub(super) fn new(spec: &WatchSpec, folder: &Path, stats: &Arc<Stats>) -> Printer {
        let (json, quiet) = (spec.json, spec.quiet);
        let live = !quiet && !json && !spec.events && std::io::stderr().is_terminal();
        Printer {
            folder: folder.to_owned(),
            json,
            quiet,
            once: spec.once,
            is_ready: AtomicBool::default(),
            stats: Arc::clone(stats),
            display: live.then(|| Display::start(stats)).flatten(),
            lost: Mutex::default(),
        }
    }

    /// Whether the watch has started.
    pub(super) fn is_ready(&self) -> bool {
        self.is_ready.load(Ordering::Relaxed)
    }

    /// Prints the summary.
    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        drop(self.display.take());
        let summary = self.stats.summary();
        if self.json {
            let mut end = json!(summary);
            end["event"] = json!("end");
            self.print(&end);
        } else if !self.quiet {
            let bypassed = match summary.bypassed {
                0 => String::new(),
                count => format!(", {count} of them past a broken plugin"),
            };
            tell(format_args!(
                "{} done{bypassed}, {} failed, {} dropped by plugins, {} already processed\n",
                summary.done, summary.failed, summary.dropped, summary.known
            ));
        }
        match self.lost.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) if self.once => Err(error),
            _ => Ok(()),
        }
    }

    fn print(&self, value: &Value) {
        if let Err(e) = print(&format!("{value}\n")) {
            self.lost.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(e);
        }
    }

    fn line(&self, text: &str) {
        match &self.display {
            Some(display) => display.bar.println(text),
            None => tell(format_args!("{text}\n")),
        }
    }
}

/// `1 file is`, `3 files are`.
fn are(files: usize) -> String {
    if files == 1 { "1 file is".to_owned() } else { format!("{files} files are") }
}

impl Reporter for Printer {
    fn retrying(&self, files: usize) {
        let files = are(files);
        tell(format_args!("{files} processed again that failed or passed a broken plugin\n"));
    }

    fn redoing(&self, files: usize) {
        let files = are(files);
        tell(format_args!("{files} processed again that were done with other settings\n"));
    }

    fn outdated(&self, files: usize) {
        if files > 0 {
            warn!(
                "{} here were done with other settings (plugins, parameters, format) and stay as \
                 they are; --redo processes them again",
                counted(files as u64, "file")
            );
        }
    }

    fn metrics(&self, address: SocketAddr) {
        tell(format_args!("metrics on http://{address}/metrics\n"));
    }

    fn ready(&self) {
        self.is_ready.store(true, Ordering::Relaxed);
        // Only systemd listens, and only where it started the process.
        let status = format!("watching {}", self.folder.display());
        let _ = sd_notify::notify(&[NotifyState::Ready, NotifyState::Status(&status)]);
        if self.json {
            self.print(&json!({ "event": "ready", "folder": self.folder.to_string_lossy() }));
        }
    }

    fn ended(&self, candidate: &Candidate, ended: &Ended) {
        if self.once && matches!(ended, Ended::Empty) {
            let name = shown(&candidate.path);
            return self.line(&format!("{name}: is empty, and was left alone"));
        }
        if self.json {
            if let Some(value) = as_json(candidate, ended) {
                self.print(&value);
            }
            return;
        }
        if let Some((bad, text)) = as_text(candidate, ended)
            && (bad || !self.quiet && self.display.is_none())
        {
            self.line(&text);
        }
    }
}

/// The line, and whether it is bad news.
fn as_text(candidate: &Candidate, ended: &Ended) -> Option<(bool, String)> {
    let name = shown(&candidate.path);
    Some(match ended {
        Ended::Done(done) => {
            let size = match done.size {
                (0, 0) => String::new(),
                (width, height) => format!("{width}x{height}, "),
            };
            let mut text = format!(
                "{name} → {}: {size}{} KB, {:.1} ms",
                harmless(&done.output, 1000),
                done.bytes.div_ceil(1000),
                done.took.as_secs_f64() * 1e3
            );
            if done.replaced {
                text.push_str(", replaces an older one");
            }
            done.notes.iter().for_each(|note| {
                text.push_str("; ");
                text.push_str(note);
            });
            (done.bypassed > 0, text)
        }
        Ended::Dropped => (false, format!("{name}: the plugins returned no frame")),
        Ended::Failed { reason, quarantined } => {
            let place = match quarantined {
                Some(path) => format!(" (now {})", path.display()),
                None => String::new(),
            };
            (true, format!("{name}: failed: {reason}{place}"))
        }
        Ended::Retry(reason) | Ended::Unreadable(reason) => {
            (true, format!("{name}: will be retried: {reason}"))
        }
        Ended::Known(_) | Ended::Gone | Ended::Empty | Ended::Busy => return None,
    })
}

fn as_json(candidate: &Candidate, ended: &Ended) -> Option<Value> {
    let source = candidate.path.to_string_lossy();
    Some(match ended {
        Ended::Done(done) => json!({
            "event": "done",
            "source": source,
            "output": done.output,
            "bytes": done.bytes,
            "width": done.size.0,
            "height": done.size.1,
            "ms": done.took.as_secs_f64() * 1e3,
            "latency_ms": done.latency.as_secs_f64() * 1e3,
            "replaced": done.replaced,
            "bypassed": done.bypassed,
            "notes": done.notes,
        }),
        Ended::Dropped => json!({ "event": "dropped", "source": source }),
        Ended::Failed { reason, quarantined } => json!({
            "event": "failed",
            "source": source,
            "reason": reason,
            "quarantined": quarantined.as_ref().map(|p| p.to_string_lossy()),
        }),
        Ended::Retry(reason) | Ended::Unreadable(reason) => {
            json!({ "event": "waiting", "source": source, "reason": reason })
        }
        Ended::Known(_) | Ended::Gone | Ended::Empty | Ended::Busy => return None,
    })
}

/// A line at the foot of the terminal.
struct Display {
    bar: ProgressBar,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Display {
    fn start(stats: &Arc<Stats>) -> Option<Display> {
        let bar = ProgressBar::new_spinner();
        let bar = match ProgressStyle::with_template("{spinner} {elapsed}  {msg}") {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        };
        let (stop, stopped) = channel();
        let (stats, shown) = (Arc::clone(stats), bar.clone());
        let drawn = thread::Builder::new().name("display".to_owned()).spawn(move || {
            let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
            let mut before = 0;
            const TICK: Duration = Duration::from_millis(500);
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(TICK) {
                let done = count(&stats.done);
                let rate = (done - before) as f64 / TICK.as_secs_f64();
                before = done;
                let latency = match stats.percentile(0.99) {
                    Some(ms) => format!("99 % within {ms} ms"),
                    None => String::new(),
                };
                shown.set_message(format!(
                    "{done} done, {rate:.0}/s, {} waiting, {} failed  {latency}",
                    count(&stats.queue) + count(&stats.in_hand),
                    count(&stats.failed)
                ));
                shown.tick();
            }
        });
        Some(Display { bar, stop: Some(stop), thread: Some(drawn.ok()?) })
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It cannot fail in a way that matters at the end.
            let _ = thread.join();
        }
        self.bar.finish_and_clear();
    }
}
