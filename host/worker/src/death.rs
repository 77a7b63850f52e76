//! Why a worker did not finish its job, in words.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use nix::sys::signal::Signal;

/// What ended a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// a signal, by its number
    Signal(i32),
    /// it ended by itself, with this exit code
    Exit(i32),
    /// its job took longer than it may
    Deadline(Duration),
    /// it took more memory than it may, in bytes
    Memory(u64),
    /// it sent what is no message
    Garbage(String),
    /// it does not read, or did not take the job
    Stuck,
}

impl Cause {
    pub(crate) fn of(status: ExitStatus) -> Cause {
        match (status.signal(), status.code()) {
            (Some(number), _) => Cause::Signal(number),
            (None, code) => Cause::Exit(code.unwrap_or(-1)),
        }
    }

    /// One word for counters: `sigsegv`, `deadline`, `memory`, `garbage`, `stuck`, `exit`.
    pub fn label(&self) -> String {
        match self {
            Cause::Signal(number) => signal(*number).to_ascii_lowercase(),
            Cause::Exit(_) => "exit".to_owned(),
            Cause::Deadline(_) => "deadline".to_owned(),
            Cause::Memory(_) => "memory".to_owned(),
            Cause::Garbage(_) => "garbage".to_owned(),
            Cause::Stuck => "stuck".to_owned(),
        }
    }

    /// Whether the content that the worker read may be at fault, and not whoever ran it.
    pub fn may_be_the_content(&self) -> bool {
        !matches!(self, Cause::Signal(number) if *number == Signal::SIGTERM as i32)
    }
}

fn signal(number: i32) -> String {
    match Signal::try_from(number) {
        Ok(signal) => signal.as_str().to_owned(),
        Err(_) => format!("signal {number}"),
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Signal(number) => match Signal::try_from(*number) {
                Ok(Signal::SIGSYS) => f.write_str("made a call that the sandbox forbids (SIGSYS)"),
                Ok(Signal::SIGXCPU) => f.write_str("used up its processor time (SIGXCPU)"),
                Ok(Signal::SIGKILL) => {
                    f.write_str("was killed (SIGKILL), perhaps because memory ran out")
                }
                _ => write!(f, "crashed with {}", signal(*number)),
            },
            Cause::Exit(code) => write!(f, "ended with exit code {code}"),
            Cause::Deadline(time) => {
                write!(f, "was ended after {} s", time.as_secs_f64())
            }
            Cause::Memory(bytes) => {
                write!(f, "was ended because it took {} MiB of memory", bytes >> 20)
            }
            Cause::Garbage(what) => write!(f, "was ended because it sent {what}"),
            Cause::Stuck => f.write_str("was ended because it did not answer"),
        }
    }
}

/// A worker that did not finish its job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crash {
    pub cause: Cause,
    /// what it said it was at: `the mjpeg decoder`
    pub stage: Option<String>,
}

impl fmt::Display for Crash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the worker process {}", self.cause)?;
        match &self.stage {
            Some(stage) => write!(f, " in {stage}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_told_in_words() {
        let crash = |cause| Crash { cause, stage: Some("the h264 decoder".to_owned()) };
        for (cause, text, label) in [
            (Cause::Signal(11), "crashed with SIGSEGV in the h264 decoder", "sigsegv"),
            (Cause::Signal(31), "a call that the sandbox forbids (SIGSYS)", "sigsys"),
            (Cause::Signal(9), "killed (SIGKILL), perhaps because memory ran out", "sigkill"),
            (Cause::Signal(24), "used up its processor time (SIGXCPU)", "sigxcpu"),
            (Cause::Signal(40), "crashed with signal 40", "signal 40"),
            (Cause::Exit(101), "ended with exit code 101", "exit"),
            (Cause::Memory(3 << 30), "it took 3072 MiB of memory", "memory"),
            (Cause::Deadline(Duration::from_millis(1500)), "ended after 1.5 s", "deadline"),
        ] {
            assert_eq!(cause.label(), label);
            let told = crash(cause).to_string();
            assert!(told.contains(text), "{told}");
        }
    }
}
