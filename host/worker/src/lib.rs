//! Media jobs in child processes of the same program: a crash in a decoder ends one job, and nothing
//! else.
//!
//! ```text
//!  caller ─► Pool::run ─► a spare worker, started in advance ─► Handler::work
//!             │  job, open files ──────────────────────────────►│ decodes, filters, encodes
//!             │◄────────────────────────────── stage, questions │
//!             │  answers, more open files ─────────────────────►│
//!             │◄───────────────────────────────────────── reply │
//! ```
//!
//! - The parent keeps names, folders, journals and publishing; a worker gets **open files only**. What
//!   it reads and writes, the parent opened.
//! - Messages are JSON in datagrams of a `SOCK_SEQPACKET` socket, at most [`MESSAGE_BYTES`] each;
//!   files travel beside them (`SCM_RIGHTS`, unix(7)). What a worker sends is checked: whatever is no
//!   message is a failure of that worker.
//! - A worker dies with its parent: by `PR_SET_PDEATHSIG`, and by the end of its socket.
//!
//! The crate knows nothing of media: jobs, questions and replies are values that the caller and its
//! [`Handler`] agree on.
#![forbid(unsafe_code)]

mod death;
mod inside;
mod pool;
mod process;
#[cfg(test)]
mod tests;
mod wire;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

pub use death::{Cause, Crash};
pub use inside::{Handler, Parent, serve};
pub use pool::{Answer, Job, Pool, RunError, Settings};
pub use wire::{MESSAGE_BYTES, sealed_file, unnamed_file};

/// The verb by which a program becomes a worker; not in the help, since it is for filmgate alone.
pub const VERB: &str = "media-worker";

static PROGRAM: OnceLock<(PathBuf, Vec<OsString>)> = OnceLock::new();

/// Names the program that workers run, and what it is given behind the verb and the parent's process id: one that calls [`serve`] for the verb [`VERB`], as `filmgate`
/// does. Without it, jobs run in this process, where a crash ends it. The first call counts.
pub fn work_with(program: impl Into<PathBuf>, arguments: Vec<OsString>) {
    let _ = PROGRAM.set((program.into(), arguments));
}

/// What [`work_with`] was given.
pub fn program() -> Option<(&'static Path, &'static [OsString])> {
    PROGRAM.get().map(|(program, arguments)| (program.as_path(), arguments.as_slice()))
}
