//! What goes to stdout and stderr, so that it never ends the program in a way of its own: a reader
//! that has gone away (`| head`) is no fault, a full disk is an error like any other.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use serde::{Serialize, Serializer};
use tracing::{error, info};

use super::exit::Exit;
use filmgate_core::url;

/// Adds a line to a text that is being put together; writing to a `String` cannot fail.
macro_rules! line {
    ($out:expr, $($text:tt)*) => {{
        use std::fmt::Write as _;
        let _ = writeln!($out, $($text)*);
    }};
}
pub(super) use line;

/// Prints a result.
pub(super) fn print(text: &str) -> Result<()> {
    let (text, mut out) = (url::redact_known(text), io::stdout().lock());
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other.context("the result cannot be written to stdout"),
    }
}

pub(super) fn print_json(value: &impl Serialize) -> Result<()> {
    print(&(serde_json::to_string_pretty(value)? + "\n"))
}

/// The command line, as it was typed.
pub(super) fn command() -> Vec<String> {
    std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect()
}

/// Whether stderr is JSON, a line a message.
static JSON: AtomicBool = AtomicBool::new(false);

/// Standard error for the log: whatever is said, by us or by a library, no secret of an address is
/// in it.
pub struct Stderr;

impl Write for Stderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = url::redact(&String::from_utf8_lossy(line));
        io::stderr().write_all(text.as_bytes()).map(|()| line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// What is told to people has a target of its own, so that no `RUST_LOG` can lose it.
pub const SAID: &str = "filmgate::said";

/// From now on what is told goes through the log, which writes JSON.
pub fn speak_json() {
    JSON.store(true, Ordering::Relaxed);
}

pub(super) fn speaks_json() -> bool {
    JSON.load(Ordering::Relaxed)
}

/// Tells people. Where nobody can hear it, nothing can be done about that.
pub fn tell(text: impl Display) {
    let text = url::redact(&text.to_string());
    if speaks_json() {
        info!(target: SAID, "{}", text.trim_end())
    } else {
        let _ = write!(io::stderr(), "{text}");
    }
}

/// Tells why the program ends.
pub fn tell_error(message: &str, exit: Exit) {
    if speaks_json() {
        error!(target: SAID, exit = exit as u8, "{message}")
    } else {
        tell(format_args!("filmgate: {message}\n"))
    }
}

/// A path in JSON, whose texts are UTF-8: what is not, stands as U+FFFD.
pub(super) fn lossy<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

/// The same as a text.
pub(super) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
