//! What goes to stdout and stderr, so that it never ends the program in a way of its own: a reader
//! that has gone away (`| head`) is no fault, a full disk is an error like any other.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Serialize, Serializer};

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
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other.context("the result cannot be written to stdout"),
    }
}

pub(super) fn print_json(value: &impl Serialize) -> Result<()> {
    print(&(serde_json::to_string_pretty(value)? + "\n"))
}

/// Tells people. Where nobody can hear it, nothing can be done about that.
pub fn tell(text: impl Display) {
    let _ = write!(io::stderr(), "{text}");
}

/// A path in JSON, whose texts are UTF-8: what is not, stands as U+FFFD.
pub(super) fn lossy<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

/// The same as a text.
pub(super) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
