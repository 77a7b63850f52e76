//! What plugins say. Bounded, made harmless for terminals, and passed on to `tracing` under the
//! target `plugin`.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tracing::{debug, error, info, warn};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use std::sync::{Arc, Mutex, PoisonError};

/// The longest message that is kept, in bytes.
const MESSAGE_BYTES: usize = 4 << 10;

/// Messages that an instance may have printed in any [`PERIOD`]; more are counted and dropped.
const MESSAGES: usize = 50;

const PERIOD: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

/// The log of one instance. Clones write to the same one.
#[derive(Clone)]
pub(super) struct PluginLog(Arc<Mutex<Inner>>);

struct Inner {
    plugin: String,
    printed: VecDeque<Instant>,
    dropped: u64,
    /// the last thing said at `warn` or `error`: the best explanation of a trap that follows
    last_complaint: Option<String>,
}

impl PluginLog {
    pub(super) fn new(plugin: &str) -> PluginLog {
        PluginLog(Arc::new(Mutex::new(Inner {
            plugin: plugin.to_owned(),
            printed: VecDeque::new(),
            dropped: 0,
            last_complaint: None,
        })))
    }

    pub(super) fn write(&self, level: Level, message: &str) {
        let text = harmless(message, MESSAGE_BYTES);
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(level, Level::Warn | Level::Error) && explains(&text) {
            inner.last_complaint = Some(text.clone());
        }
        let now = Instant::now();
        while inner.printed.front().is_some_and(|t| now.duration_since(*t) > PERIOD) {
            inner.printed.pop_front();
        }
        if inner.printed.len() >= MESSAGES {
            inner.dropped += 1;
            return;
        }
        inner.printed.push_back(now);
        let plugin = &inner.plugin;
        match level {
            Level::Debug => debug!(target: "plugin", "{plugin}: {text}"),
            Level::Info => info!(target: "plugin", "{plugin}: {text}"),
            Level::Warn => warn!(target: "plugin", "{plugin}: {text}"),
            Level::Error => error!(target: "plugin", "{plugin}: {text}"),
        }
    }

    /// The last warning or error, taken out.
    pub(super) fn take_complaint(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).last_complaint.take()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if self.dropped > 0 {
            warn!(target: "plugin", "{}: {} more messages were dropped", self.plugin, self.dropped);
        }
    }
}

/// Whether a line may say why a trap follows. What runtimes print around a panic does not: of
/// `componentize-py` the line before it does, the exception's.
fn explains(line: &str) -> bool {
    let panics = line.starts_with("thread '") && line.contains(" panicked at ");
    let empty = line.trim().is_empty();
    let hint = line.starts_with("note: run with `RUST_BACKTRACE=");
    !(panics || empty || hint || line == "Python function threw an unexpected exception")
}

/// The text without what could steer a terminal or forge a log line: control characters
/// (escape, carriage return, line feed, C1) and the marks that reorder text are written as
/// `\u{…}`; cut to `limit` bytes.
pub fn harmless(text: &str, limit: usize) -> String {
    let mut out = String::with_capacity(text.len().min(limit));
    for c in text.trim_end().chars() {
        let start = out.len();
        match c {
            '\t' => out.push(' '),
            '\u{200e}' | '\u{200f}' | '\u{061c}' => out.extend(c.escape_unicode()),
            '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => out.extend(c.escape_unicode()),
            c if c.is_control() => out.extend(c.escape_default()),
            c => out.push(c),
        }
        if out.len() > limit {
            out.truncate(start);
            out.push('…');
            break;
        }
    }
    out
}

/// WASI's stdout or stderr: whole lines become messages.
#[derive(Clone)]
pub(super) struct LogStream {
    log: PluginLog,
    level: Level,
    line: Arc<Mutex<Vec<u8>>>,
}

impl LogStream {
    pub(super) fn new(log: &PluginLog, level: Level) -> LogStream {
        LogStream { log: log.clone(), level, line: Arc::default() }
    }

    fn take(&self, bytes: &[u8]) {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        for part in bytes.split_inclusive(|b| *b == b'\n') {
            let room = MESSAGE_BYTES.saturating_sub(line.len());
            line.extend_from_slice(&part[..part.len().min(room)]);
            if part.ends_with(b"\n") {
                self.log.write(self.level, &String::from_utf8_lossy(&line));
                line.clear();
            }
        }
    }
}

impl OutputStream for LogStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 << 10)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for LogStream {
    async fn ready(&mut self) {}
}

impl IsTerminal for LogStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LogStream {
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        // Only WASI 0.3 asks for this one, and it is not linked.
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_a_terminal() {
        assert_eq!(
            harmless("a\x1b[2Jb\r\nc\u{202e}d\u{9b}e\n", 100),
            "a\\u{1b}[2Jb\\r\\nc\\u{202e}d\\u{9b}e"
        );
        assert_eq!(harmless("tab\there", 100), "tab here");
        let long = "é".repeat(5000);
        assert!(harmless(&long, MESSAGE_BYTES).len() <= MESSAGE_BYTES + '…'.len_utf8());
    }

    #[test]
    fn a_flood_is_bounded_and_counted() {
        let log = PluginLog::new("loud");
        for i in 0..10_000 {
            log.write(Level::Info, &format!("message {i}"));
        }
        let inner = log.0.lock().expect("not poisoned");
        assert_eq!(inner.printed.len(), MESSAGES);
        assert_eq!(inner.dropped, 10_000 - MESSAGES as u64);
    }

    #[test]
    fn the_exception_explains_and_not_what_is_printed_around_it() {
        let log = PluginLog::new("python");
        let stream = LogStream::new(&log, Level::Warn);
        stream.take(
            b"Traceback (most recent call last):\n  File \"/0/app.py\", line 5, in describe\n\
              ValueError: no such thing\n\n\
              thread '<unnamed>' (1) panicked at runtime/src/lib.rs:1280:25:\n\
              Python function threw an unexpected exception\n\
              note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n",
        );
        assert_eq!(log.take_complaint().as_deref(), Some("ValueError: no such thing"));
    }

    #[test]
    fn a_line_without_end_stays_bounded() {
        let stream = LogStream::new(&PluginLog::new("endless"), Level::Warn);
        for _ in 0..1000 {
            stream.take(&[b'x'; 1000]);
        }
        assert_eq!(stream.line.lock().expect("not poisoned").len(), MESSAGE_BYTES);
        stream.take(b"\n");
        assert_eq!(stream.log.take_complaint().map(|c| c.len()), Some(MESSAGE_BYTES));
    }
}
