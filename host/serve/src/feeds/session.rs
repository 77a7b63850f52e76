//! One life of a feed's worker.

use std::collections::HashMap;
use std::io::{BufReader, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use filmgate_feed::{FeedSpec, Message, Order, read_message};

use super::hub::Piece;
use super::{Feed, Picture};
use crate::child::PARENT;
use crate::error::Fault;

/// How long a worker may take to end.
const GRACE: Duration = Duration::from_secs(3);
/// How long it may take to do something.
const PATIENCE: Duration = Duration::from_secs(20);
/// The most of its log that is kept for an error message.
const LOG: usize = 2048;

/// What came of an order.
type Answer = Result<Option<u64>, String>;

/// A running worker.
pub(crate) struct Session {
    socket: Mutex<UnixStream>,
    stdin: Mutex<Option<ChildStdin>>,
    next: AtomicU64,
    waiting: Mutex<HashMap<u64, Sender<Answer>>>,
    over: AtomicBool,
    stopped: AtomicBool,
}

impl Session {
    pub(super) fn start(
        feed: &Arc<Feed>,
        spec: &FeedSpec,
        stdin: Stdio,
    ) -> Result<Arc<Session>, Fault> {
        let failed = |e| Fault::system("the feed's process", e);
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        let mut child = Command::new("/proc/self/exe")
            .arg(filmgate_feed::VERB)
            .current_dir(&feed.root)
            // Ctrl-C is for the server, which ends its feeds.
            .process_group(0)
            .env(PARENT, std::process::id().to_string())
            .stdin(stdin)
            // A socket: both directions of what the two say.
            .stdout(OwnedFd::from(theirs))
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let stdin = child.stdin.take();
        let session = Arc::new(Session {
            socket: Mutex::new(ours.try_clone().map_err(failed)?),
            stdin: Mutex::new(stdin),
            next: AtomicU64::new(1),
            waiting: Mutex::default(),
            over: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
        });
        let text = serde_json::to_string(spec).unwrap_or_default();
        session.line(&text).map_err(failed)?;
        let (this, feed) = (Arc::clone(&session), Arc::clone(feed));
        let spawned = thread::Builder::new()
            .name(format!("feed {}", feed.name))
            .spawn(move || this.follow(&feed, ours, child));
        spawned.map_err(failed)?;
        Ok(session)
    }

    fn line(&self, text: &str) -> std::io::Result<()> {
        let mut socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        socket.write_all(text.as_bytes()).and_then(|()| socket.write_all(b"\n"))
    }

    /// Where a source that is sent goes.
    pub(crate) fn take_stdin(&self) -> Option<ChildStdin> {
        self.stdin.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// Waits until it has ended, which it does by itself when its source has.
    pub(crate) fn wait(&self) {
        while !self.is_over() {
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Asks it to end, as it does when its source ends.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.end();
    }

    fn end(&self) {
        let socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = socket.shutdown(Shutdown::Write);
    }

    /// Says something that needs no answer.
    pub(super) fn tell(&self, stream: &str, order: Order) {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let _ = self.command(id, stream, order);
    }

    fn command(&self, id: u64, stream: &str, order: Order) -> std::io::Result<()> {
        let command = filmgate_feed::Command { id, stream: stream.to_owned(), order };
        self.line(&serde_json::to_string(&command)?)
    }

    /// Says something, and waits for what comes of it.
    ///
    /// # Errors
    /// `Request` with the worker's reason; `Conflict` where it ends meanwhile.
    pub(super) fn ask(&self, stream: &str, order: Order) -> Result<Option<u64>, Fault> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = channel();
        self.waiting().insert(id, sender);
        let gone = || Fault::Conflict("the feed has ended meanwhile".to_owned());
        self.command(id, stream, order).map_err(|_| gone())?;
        let answer = answer.recv_timeout(PATIENCE);
        self.waiting().remove(&id);
        answer.map_err(|_| gone())?.map_err(Fault::Request)
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Sender<Answer>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands on what the worker says, until it has ended.
    fn follow(&self, feed: &Arc<Feed>, socket: UnixStream, mut child: Child) {
        let log = child.stderr.take().map(|stderr| thread::spawn(move || gather(stderr)));
        let mut socket = BufReader::with_capacity(256 << 10, socket);
        let mut error = None;
        loop {
            match read_message(&mut socket) {
                Ok(Some((message, bytes))) => self.take(feed, message, bytes, &mut error),
                Ok(None) => break,
                Err(e) => {
                    error.get_or_insert(format!("the worker said what is no message: {e}"));
                    break;
                }
            }
        }
        let status = reap(&mut child);
        let said = log.and_then(|log| log.join().ok()).unwrap_or_default();
        if let Some(status) = status.filter(|s| !s.success() && error.is_none()) {
            error = Some(format!("the worker failed ({status}): {}", said.trim()));
        }
        if self.stopped.load(Ordering::Relaxed) {
            error = None;
        }
        self.waiting().clear();
        feed.ended(error);
        self.over.store(true, Ordering::Release);
    }

    fn take(&self, feed: &Arc<Feed>, message: Message, bytes: Vec<u8>, error: &mut Option<String>) {
        match message {
            Message::Chunk { stream, format, kind, timestamp, at } => {
                if let Some(stream) = feed.stream(&stream) {
                    let bytes = bytes.into();
                    stream.hub(format).push(Piece { kind, timestamp, at, bytes });
                }
                // A worker that dies without a word: the next one begins behind its last frame.
                feed.clock.fetch_max(timestamp + 40_000_000, Ordering::Relaxed);
            }
            Message::Opened { width, height, frame_rate } => {
                feed.state().picture = Some(Picture { width, height, frame_rate });
                feed.note(&format!("open: {width}x{height}"));
            }
            Message::Chain { stream, plugins } => {
                let given = |link: &serde_json::Value| link["given"].as_str().map(str::to_owned);
                let all = plugins.as_array();
                let given: Vec<String> = all.into_iter().flatten().filter_map(given).collect();
                let chain = if given.is_empty() { "none".to_owned() } else { given.join(", ") };
                let mut state = feed.state();
                state.chains.insert(stream.clone(), plugins);
                state.given.insert(stream.clone(), given);
                drop(state);
                // It runs from here on: who came before is told of now.
                for (format, hub) in feed.stream(&stream).iter().flat_map(|s| s.hubs()) {
                    if format.is_on_demand() && hub.viewers() > 0 {
                        self.tell(&stream, Order::Make { format: *format, wanted: true });
                    }
                }
                feed.note(&format!("plugins of {stream}: {chain}"));
            }
            Message::Status { streams } => {
                let all = streams.into_iter().map(|s| (s.stream.clone(), s));
                feed.state().streams = all.collect();
            }
            Message::Answer { id, error, frame } => {
                if let Some(sender) = self.waiting().remove(&id) {
                    let _ = sender.send(error.map_or(Ok(frame), Err));
                }
            }
            Message::Lost { stream, reason } => {
                feed.note(&format!("{stream}: {reason}"));
                *error = Some(format!("{stream}: {reason}"));
                // What it was given last may be the reason; and the next worker has all streams.
                feed.state().given.remove(&stream);
                self.end();
            }
            Message::Ended { next, error: said } => {
                feed.clock.fetch_max(next, Ordering::Relaxed);
                if error.is_none() {
                    *error = said;
                }
            }
        }
    }
}

/// The end of what a worker logs, which goes to the server's log as well.
fn gather(stderr: std::process::ChildStderr) -> String {
    use std::io::BufRead;
    let mut end = String::new();
    for line in BufReader::new(stderr).lines() {
        let Ok(line) = line else { break };
        tracing::warn!("{line}");
        end.push_str(&line);
        end.push('\n');
        while end.len() > LOG {
            let cut = end.find('\n').map_or(end.len(), |at| at + 1);
            end.drain(..cut);
        }
    }
    end
}

/// Waits for a child that has closed its socket, and kills one that goes on.
fn reap(child: &mut Child) -> Option<std::process::ExitStatus> {
    let until = Instant::now() + GRACE;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < until => thread::sleep(Duration::from_millis(10)),
            _ => {
                let _ = child.kill();
                return child.wait().ok();
            }
        }
    }
}
