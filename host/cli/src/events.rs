//! `--progress-json`: how a job goes, as JSON lines that a program reads while it runs. The fields
//! stand in docs/json.md.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};

use super::exit::{Exit, message};

use filmgate_core::url;
use filmgate_engine::pipeline::Progress;
use filmgate_engine::spec::JobSpec;

/// At most ten events a second.
const PERIOD: Duration = Duration::from_millis(100);

/// Where the lines go; nowhere, if they were not asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Events {
    Off,
    Stdout,
    Stderr,
}

impl Events {
    /// On stdout, unless that is where `output` goes.
    pub(super) fn new(wanted: bool, output: &Path) -> Events {
        match wanted {
            false => Events::Off,
            true if output == Path::new("-") => Events::Stderr,
            true => Events::Stdout,
        }
    }

    /// As a description asks for them.
    pub(super) fn of(spec: &JobSpec) -> Events {
        let to_stdout = spec.output.iter().any(|o| o.as_os_str() == "-");
        let output = if to_stdout { Path::new("-") } else { Path::new("") };
        Events::new(spec.progress_json, output)
    }

    /// Writes the last line of a job that failed; what came of the job passes through.
    pub(super) fn tell_failure(self, result: Result<Exit>) -> Result<Exit> {
        if let Err(error) = &result {
            let exit = Exit::of(error);
            let fields =
                json!({ "status": exit.status(), "exit": exit as u8, "error": message(error) });
            self.emit("result", fields);
        }
        result
    }

    pub(super) fn is_on(self) -> bool {
        self != Events::Off
    }

    /// Writes `fields` as one line, called `event`. A reader that has gone away, or cannot hear,
    /// does not stop the job.
    pub(super) fn emit(self, event: &str, fields: Value) {
        let mut line = json!({ "event": event });
        if let (Value::Object(line), Value::Object(fields)) = (&mut line, fields) {
            line.extend(fields);
        }
        let text = url::redact_known(&format!("{line}\n"));
        let _ = match self {
            Events::Off => Ok(()),
            Events::Stdout => {
                let mut out = io::stdout().lock();
                out.write_all(text.as_bytes()).and_then(|()| out.flush())
            }
            Events::Stderr => io::stderr().write_all(text.as_bytes()),
        };
    }

    /// Tells how far `progress` has come until the answer is dropped. `duration`: nanoseconds of
    /// the whole, where known.
    pub(super) fn follow(self, progress: &Arc<Progress>, duration: Option<i64>) -> Following {
        self.follow_with(progress, duration, || json!({}))
    }

    /// As [`Events::follow`], with further fields in each event.
    pub(super) fn follow_with(
        self,
        progress: &Arc<Progress>,
        duration: Option<i64>,
        more: impl Fn() -> Value + Send + 'static,
    ) -> Following {
        if !self.is_on() {
            return Following(None);
        }
        let progress = Arc::clone(progress);
        let (stop, stopped) = channel();
        let start = Instant::now();
        let spawned = thread::Builder::new().name("events".to_owned()).spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(PERIOD) {
                let mut fields = fields(&progress, duration, start.elapsed());
                if let (Value::Object(fields), Value::Object(more)) = (&mut fields, more()) {
                    fields.extend(more);
                }
                self.emit("progress", fields);
            }
        });
        Following(spawned.ok().map(|thread| (stop, thread)))
    }
}

fn fields(progress: &Progress, duration: Option<i64>, elapsed: Duration) -> Value {
    let (frames, position) = (progress.frames(), progress.position().max(0));
    let part = duration.filter(|d| *d > 0).map(|d| (position as f64 / d as f64).min(1.0));
    let elapsed = elapsed.as_secs_f64();
    json!({
        "frames": frames,
        "position": position as f64 / 1e9,
        "percent": part.map(|part| part * 100.0),
        "fps": frames as f64 / elapsed.max(1e-3),
        "elapsed": elapsed,
        "left": part.filter(|p| *p > 0.0).map(|part| elapsed / part - elapsed),
    })
}

/// The thread that tells. Dropped, it ends, and no event comes after that.
pub(super) struct Following(Option<(Sender<()>, JoinHandle<()>)>);

impl Drop for Following {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.0.take() {
            drop(stop);
            // The thread cannot fail in a way that matters here.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_null() {
        let progress = Progress::default();
        let unknown = fields(&progress, None, Duration::from_secs(1));
        assert!(unknown["percent"].is_null() && unknown["left"].is_null());
        let begun = fields(&progress, Some(4_000_000_000), Duration::from_secs(1));
        assert_eq!(begun["percent"], 0.0);
        assert!(begun["left"].is_null());
    }

    #[test]
    fn events_make_room_for_the_output() {
        assert_eq!(Events::new(true, Path::new("-")), Events::Stderr);
        assert_eq!(Events::new(true, Path::new("x.mp4")), Events::Stdout);
        assert!(!Events::new(false, Path::new("x.mp4")).is_on());
    }
}
