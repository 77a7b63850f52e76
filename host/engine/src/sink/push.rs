//! A push that lasts: one thread an output on the network, which connects, writes, and connects
//! again when the server is not there, dies, refuses or stalls, while the encoder goes on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde::Serialize;
use tracing::{info, warn};

use super::backlog::{Account, Backlog, Bounds, UNSURE, Waiting};
use super::connection::{Address, Connection};
use filmgate_av::{EncodedPacket, MediaError, StreamTemplate};
use filmgate_core::backoff::Backoff;
use filmgate_core::cancel::Cancel;

/// One packet on its way to a server.
pub(super) struct Item {
    pub(super) packet: EncodedPacket,
    /// 0 is the video's
    pub(super) stream: usize,
}

impl Waiting for Item {
    fn bytes(&self) -> usize {
        self.packet.size()
    }

    fn time(&self) -> i64 {
        self.packet.timestamp().unwrap_or(0)
    }

    fn is_picture(&self) -> bool {
        self.stream == 0
    }

    fn is_key(&self) -> bool {
        self.stream == 0 && self.packet.is_key()
    }
}

/// What became of a push.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PushSummary {
    /// connections that were made
    pub connections: u64,
    /// attempts that failed
    pub refusals: u64,
    /// connections that broke
    pub losses: u64,
    /// why the last attempt or connection failed
    pub trouble: Option<String>,
    #[serde(flatten)]
    pub account: Account,
}

/// Asks the encoder for a key frame.
pub(super) type KeyWanted = Arc<AtomicBool>;

struct State {
    backlog: Backlog<Item>,
    connections: u64,
    refusals: u64,
    losses: u64,
    trouble: Option<String>,
    /// no more packets come; what waits may be delivered until then
    end: Option<Instant>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, time: Duration) -> MutexGuard<'a, State> {
        let waited = self.changed.wait_timeout(state, time);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// An output on the network.
pub(super) struct Push {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Push {
    /// Starts the thread; whether there is a server turns out there.
    pub(super) fn start(
        address: Address,
        streams: Arc<Vec<StreamTemplate>>,
        bounds: Bounds,
        key: &KeyWanted,
        hard: &Cancel,
    ) -> Result<Push, String> {
        let state = State {
            backlog: Backlog::new(bounds),
            connections: 0,
            refusals: 0,
            losses: 0,
            trouble: None,
            end: None,
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let writer = Writer {
            address,
            streams,
            shared: Arc::clone(&shared),
            key: Arc::clone(key),
            hard: hard.clone(),
            backoff: Backoff::default(),
        };
        let thread = thread::Builder::new().name("push".to_owned()).spawn(move || writer.run());
        let thread = thread.map_err(|e| format!("a thread could not be started: {e}"))?;
        Ok(Push { shared, thread: Some(thread) })
    }

    /// Takes a packet; never waits.
    pub(super) fn push(&self, item: Item) {
        self.shared.lock().backlog.push(item);
        self.shared.changed.notify_one();
    }

    /// How it stands, while it goes on.
    pub(super) fn summary(&self) -> PushSummary {
        let state = self.shared.lock();
        PushSummary {
            connections: state.connections,
            refusals: state.refusals,
            losses: state.losses,
            trouble: state.trouble.clone(),
            account: state.backlog.account.clone(),
        }
    }

    /// For whoever watches from another thread.
    pub(super) fn watch(&self, name: &str) -> Watched {
        Watched { name: name.to_owned(), shared: Arc::clone(&self.shared) }
    }

    /// Says that there are no more packets; what waits may be delivered within `patience`.
    pub(super) fn end(&self, patience: Duration) {
        self.shared.lock().end = Some(Instant::now() + patience);
        self.shared.changed.notify_one();
    }

    /// Waits for the end.
    pub(super) fn join(mut self) -> PushSummary {
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            self.shared.lock().trouble = Some("its thread panicked".to_owned());
        }
        let mut summary = self.summary();
        summary.account = summary.account.closed();
        summary
    }
}

/// How often a thread that waits looks about.
const STEP: Duration = Duration::from_millis(50);

/// A push, seen from outside while it goes on.
#[derive(Clone)]
pub struct Watched {
    name: String,
    shared: Arc<Shared>,
}

/// How a push stands.
#[derive(Clone, Debug, Serialize)]
pub struct Standing {
    pub name: String,
    pub connected: bool,
    pub waiting_packets: usize,
    pub waiting_bytes: usize,
    pub connections: u64,
    pub losses: u64,
    pub delivered: u64,
    pub dropped: u64,
    pub unsure: u64,
}

impl Watched {
    pub fn look(&self) -> Standing {
        let state = self.shared.lock();
        let (waiting_packets, waiting_bytes) = state.backlog.waiting();
        Standing {
            name: self.name.clone(),
            connected: state.connections > state.losses,
            waiting_packets,
            waiting_bytes,
            connections: state.connections,
            losses: state.losses,
            delivered: state.backlog.account.delivered,
            dropped: state.backlog.account.dropped,
            unsure: state.backlog.account.unsure,
        }
    }
}

struct Writer {
    address: Address,
    streams: Arc<Vec<StreamTemplate>>,
    shared: Arc<Shared>,
    key: KeyWanted,
    hard: Cancel,
    /// before the next attempt
    backoff: Backoff,
}

/// Why a connection is over.
enum Over {
    /// everything was delivered
    Done,
    /// with the moment at which the write began that failed
    Broken(MediaError, Instant),
}

impl Writer {
    fn run(mut self) {
        loop {
            match Connection::open(&self.address, &self.streams, &self.hard) {
                Ok(connection) => match self.serve(connection) {
                    Over::Done => return,
                    Over::Broken(error, at) => self.broken(&error, at),
                },
                Err(error) => {
                    self.shared.lock().refusals += 1;
                    self.complain(&error, "cannot be pushed to");
                }
            }
            if !self.rest() {
                return self.shared.lock().backlog.give_up();
            }
        }
    }

    /// Writes to a connection for as long as it holds.
    fn serve(&mut self, mut connection: Connection) -> Over {
        let since = Instant::now();
        let name = &self.address.url;
        let mut state = self.shared.lock();
        state.connections += 1;
        match state.connections {
            1 => info!("{name}: connected"),
            _ => warn!(
                "{name}: connected again, {} pictures dropped so far",
                state.backlog.account.dropped
            ),
        }
        let fresh = state.connections == 1;
        let ready = state.backlog.start_at_key();
        drop(state);
        if !ready && !fresh {
            self.key.store(true, Ordering::Relaxed);
        }
        loop {
            let Some(item) = self.next() else {
                // A server may take a stream and refuse it a moment later (RTMP answers a publish
                // when it has asked its own back end).
                let is_young = since.elapsed() < UNSURE;
                while since.elapsed() < UNSURE && !self.hard.is_cancelled() {
                    thread::sleep(STEP);
                }
                return match connection.finish() {
                    Ok(()) => Over::Done,
                    Err(error) if is_young => Over::Broken(error, since),
                    Err(error) => self.unfinished(&error),
                };
            };
            let began = Instant::now();
            if let Err(error) = connection.write(item) {
                return Over::Broken(error, began);
            }
            self.backoff.held(since.elapsed());
        }
    }

    /// All packets were taken; that the farewell failed is worth a word, and no more.
    fn unfinished(&self, error: &MediaError) -> Over {
        warn!("{}: its end was not taken: {error}", self.address.url);
        self.shared.lock().trouble = Some(error.to_string());
        Over::Done
    }

    /// The next packet; none at the end.
    fn next(&self) -> Option<Item> {
        let mut state = self.shared.lock();
        loop {
            if state.end.is_some_and(|end| Instant::now() >= end) {
                state.backlog.give_up();
            }
            if let Some(item) = state.backlog.pop(Instant::now()) {
                return Some(item);
            }
            if state.end.is_some() || self.hard.is_cancelled() {
                return None;
            }
            state = self.shared.wait(state, STEP);
        }
    }

    fn broken(&mut self, error: &MediaError, at: Instant) {
        let mut state = self.shared.lock();
        state.losses += 1;
        state.backlog.lost(at);
        drop(state);
        self.complain(error, "the connection broke");
    }

    fn complain(&self, error: &MediaError, what: &str) {
        // What was broken off on purpose is no trouble.
        if self.hard.is_cancelled() {
            return;
        }
        warn!("{}: {what}: {error}", self.address.url);
        self.shared.lock().trouble = Some(error.to_string());
    }

    /// Waits before the next attempt; false when there is to be none.
    fn rest(&mut self) -> bool {
        let until = Instant::now() + self.backoff.delay();
        let mut state = self.shared.lock();
        loop {
            let now = Instant::now();
            let late = state.end.is_some_and(|end| now >= end || state.backlog.is_empty());
            if late || self.hard.is_cancelled() {
                return false;
            }
            if now >= until {
                return true;
            }
            state = self.shared.wait(state, STEP.min(until - now));
        }
    }
}
