//! One job, in a process of its own: a crash, a hang or a memory that runs full ends that job, and
//! nothing else.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use filmgate_core::cancel::Cancel;
use filmgate_core::{digest, publish};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use super::table::{Job, State};
use crate::child::PARENT;

/// What runners need to know of their surroundings.
pub(crate) struct Context<'a> {
    pub(crate) root: &'a Path,
    /// whether the job is to end
    pub(crate) asked_to_end: &'a dyn Fn() -> bool,
    /// whether it has had its time
    pub(crate) late: &'a dyn Fn() -> bool,
}

/// How a job ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) state: State,
    pub(crate) exit: Option<i32>,
    pub(crate) error: Option<String>,
    pub(crate) summary: Option<Value>,
    pub(crate) receipt: Option<Value>,
}

impl Ended {
    fn failed(error: impl Into<String>) -> Ended {
        let error = Some(error.into());
        Ended { state: State::Failed, exit: None, error, summary: None, receipt: None }
    }
}

/// How often a running job is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// Progress is noted no more often than this.
const PROGRESS: Duration = Duration::from_secs(1);
/// What a job that was asked to end may take for it.
const GRACE: Duration = Duration::from_secs(15);
/// The most that is kept of what a job said on stderr.
const SAID: u64 = 64 << 10;
/// The longest line of a job.
const LINE: u64 = 16 << 20;

/// Runs a job to its end; `note` takes its events.
pub(crate) fn run(job: &Job, context: &Context<'_>, note: &mut dyn FnMut(&Value)) -> Ended {
    let folder = super::folder(context.root, &job.id);
    if let Err(e) = publish::make_folders(&folder) {
        return Ended::failed(format!("{}: {e}", folder.display()));
    }
    let receipt = folder.join("receipt.json");
    if let Some(ended) = take_up(job, &receipt) {
        let _ = fs::remove_dir_all(&folder);
        return ended;
    }
    let mut spec = job.spec.clone();
    if job.attempts > 1 && job.verb != "split" {
        // What an earlier attempt published before it was killed, without its receipt.
        spec["overwrite"] = json!(true);
    }
    if job.verb != "split" || spec.get("keep").is_none() {
        spec["receipt"] = json!(receipt);
    }
    let config = folder.join("job.toml");
    let text = toml::to_string(&spec);
    let written = match text {
        Ok(text) => fs::write(&config, text).map_err(|e| e.to_string()),
        Err(e) => Err(e.to_string()),
    };
    if let Err(e) = written {
        return Ended::failed(format!("{}: {e}", config.display()));
    }
    let ended = match start(job, &config, context.root) {
        Ok(child) => follow(child, context, note),
        Err(e) => Ended::failed(format!("the job cannot be started: {e}")),
    };
    let text = fs::read_to_string(&receipt).ok();
    let receipt = text.and_then(|text| serde_json::from_str(&text).ok());
    // A job that was killed is looked at again with these files.
    if ended.state != State::Canceled {
        let _ = fs::remove_dir_all(&folder);
    }
    Ended { receipt, ..ended }
}

fn start(job: &Job, config: &Path, root: &Path) -> std::io::Result<Child> {
    Command::new("/proc/self/exe")
        .args([&*job.verb, "--progress-json", "--config"])
        .arg(config)
        .current_dir(root)
        // Ctrl-C is for the server, which asks its jobs to end.
        .process_group(0)
        .env(PARENT, std::process::id().to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

/// An attempt that was killed behind its receipt had its output in place: what is missing is the
/// removal of those sources that it had joined.
fn take_up(job: &Job, receipt: &Path) -> Option<Ended> {
    if job.attempts < 2 {
        return None;
    }
    let text = fs::read_to_string(receipt).ok()?;
    let receipt: Value = serde_json::from_str(&text).ok()?;
    let is_whole = |file: &Value| {
        let path = Path::new(file["path"].as_str().unwrap_or_default());
        let found = digest::of_file(path, &Cancel::new());
        found.is_ok_and(|(_, sha256)| Some(&*sha256) == file["sha256"].as_str())
    };
    let mut outputs = receipt["outputs"].as_array()?.iter();
    if !outputs.all(is_whole) {
        return None;
    }
    if job.verb == "join" && job.spec["delete-sources"] == json!(true) {
        for source in receipt["inputs"].as_array()? {
            let path = Path::new(source["path"].as_str()?);
            if path.exists() && is_whole(source) {
                let removed = fs::remove_file(path).and_then(|()| publish::sync_parent(path));
                if let Err(e) = removed {
                    return Some(Ended::failed(format!("{}: {e}", path.display())));
                }
            }
        }
    }
    let summary = Some(receipt["summary"].clone());
    Some(Ended { state: State::Done, exit: Some(0), error: None, summary, receipt: Some(receipt) })
}

/// Reads what a job says until it ends.
fn follow(mut child: Child, context: &Context<'_>, note: &mut dyn FnMut(&Value)) -> Ended {
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Ended::failed("the job has no output");
    };
    let (send, lines) = channel();
    thread::spawn(move || {
        let mut reader = BufReader::new(stdout);
        let mut line = Vec::new();
        while (&mut reader).take(LINE).read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
            if let Ok(event) = serde_json::from_slice::<Value>(&line)
                && send.send(event).is_err()
            {
                return;
            }
            line.clear();
        }
    });
    let said = thread::spawn(move || {
        let mut kept = Vec::new();
        let mut stderr = stderr;
        let _ = (&mut stderr).take(SAID).read_to_end(&mut kept);
        let _ = std::io::copy(&mut stderr, &mut std::io::sink());
        String::from_utf8_lossy(&kept).into_owned()
    });
    let (mut result, mut asked, mut is_late) = (None, None, false);
    let mut noted = Instant::now();
    loop {
        match lines.recv_timeout(LOOK) {
            Ok(event) if event["event"] == "result" => result = Some(event),
            Ok(event) if event["event"] == "progress" && noted.elapsed() < PROGRESS => {}
            Ok(event) => {
                noted = Instant::now();
                note(&event);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if asked.is_none() {
            is_late = (context.late)();
            if is_late || (context.asked_to_end)() {
                asked = Some(Instant::now());
                signal(&child, Signal::SIGTERM);
            }
        } else if asked.is_some_and(|at| at.elapsed() > GRACE) {
            signal(&child, Signal::SIGKILL);
        }
    }
    let status = child.wait();
    let said = said.join().unwrap_or_default();
    match status {
        Ok(status) => judge(status, result, &said, asked.is_some(), is_late),
        Err(e) => Ended::failed(format!("the job cannot be waited for: {e}")),
    }
}

fn signal(child: &Child, signal: Signal) {
    // The child has not been waited for, so that the number is still its own.
    if let Ok(pid) = i32::try_from(child.id()) {
        let _ = kill(Pid::from_raw(pid), signal);
    }
}

fn judge(
    status: ExitStatus,
    result: Option<Value>,
    said: &str,
    was_asked: bool,
    is_late: bool,
) -> Ended {
    let exit = status.code();
    let told = result.as_ref().and_then(|r| r["error"].as_str()).map(str::to_owned);
    let mut summary = result;
    if let Some(Value::Object(fields)) = &mut summary {
        fields.remove("event");
    }
    let (state, error) = match exit {
        Some(0 | 3) => (State::Done, told),
        _ if is_late => (State::Failed, Some("it took longer than jobs.timeout".to_owned())),
        _ if was_asked => (State::Canceled, None),
        Some(code) => {
            let last = said.lines().rev().find(|line| !line.trim().is_empty());
            let said = last.map(|line| line.trim_start_matches("filmgate: ").to_owned());
            (State::Failed, told.or(said).or(Some(format!("exit code {code}"))))
        }
        None => (State::Failed, Some(death(status))),
    };
    Ended { state, exit, error, summary, receipt: None }
}

/// How a process died.
fn death(status: ExitStatus) -> String {
    let number = status.signal().unwrap_or_default();
    let name = Signal::try_from(number).map_or("a signal", Signal::as_str);
    let more = if number == Signal::SIGKILL as i32 { ", perhaps out of memory" } else { "" };
    format!("the job's process crashed: {name}{more}; its sources are untouched")
}
