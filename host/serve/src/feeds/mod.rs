//! Live feeds: each has a process that decodes, filters and encodes, and hubs that hand out what it
//! makes. A process that dies is started again, and viewers stay where they are.

pub(crate) mod hub;
mod plugins;
mod session;
pub(crate) mod settings;

use std::collections::{BTreeMap, HashMap};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use filmgate_core::backoff::Backoff;
use filmgate_feed::{FeedSpec, Format, Order, StreamSpec, StreamState};
use serde_json::Value;

use crate::error::{Fault, ServeError};
use hub::Hub;
pub(crate) use plugins::{MOST as PLUGIN_BYTES, Plugins};
use session::Session;
use settings::FeedSettings;

/// How long a source that is opened for viewers stays open behind the last one.
const LINGER: Duration = Duration::from_secs(10);
/// How often the supervisors look about.
const LOOK: Duration = Duration::from_millis(100);

/// All feeds of a server.
pub(crate) struct Feeds {
    all: BTreeMap<String, Arc<Feed>>,
    pub(crate) plugins: Plugins,
}

/// A feed.
pub(crate) struct Feed {
    pub(crate) name: String,
    pub(crate) settings: FeedSettings,
    pub(crate) streams: Vec<Stream>,
    state: Mutex<State>,
    /// where its clock goes on, nanoseconds
    clock: AtomicI64,
    stopped: AtomicBool,
    root: std::path::PathBuf,
}

/// A stream of a feed.
pub(crate) struct Stream {
    pub(crate) name: String,
    hubs: HashMap<Format, Arc<Hub>>,
}

/// How a feed does now.
#[derive(Default)]
struct State {
    session: Option<Arc<Session>>,
    picture: Option<Picture>,
    streams: HashMap<String, StreamState>,
    /// the plugins of each stream, as the worker describes them
    chains: HashMap<String, Value>,
    /// what they were given, for the next worker
    given: HashMap<String, Vec<String>>,
    error: Option<String>,
    restarts: u64,
    /// when somebody watched last
    watched: Option<Instant>,
    events: std::collections::VecDeque<Event>,
}

/// What a source gives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Picture {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) frame_rate: Option<f64>,
}

/// Something that happened to a feed.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// seconds since 1970
    pub(crate) at: f64,
    pub(crate) text: String,
}

/// The most events that are kept of a feed.
const EVENTS: usize = 200;

/// What is shown of a feed.
pub(crate) struct Shown {
    pub(crate) running: bool,
    pub(crate) picture: Option<Picture>,
    pub(crate) streams: HashMap<String, StreamState>,
    pub(crate) chains: HashMap<String, Value>,
    pub(crate) error: Option<String>,
    pub(crate) restarts: u64,
    pub(crate) events: Vec<Event>,
}

impl Feeds {
    /// # Errors
    /// `Settings` for names that clash or are not allowed.
    pub(crate) fn new(
        settings: &[FeedSettings],
        root: &std::path::Path,
    ) -> Result<Feeds, ServeError> {
        let mut all = BTreeMap::new();
        let mut names = std::collections::HashSet::new();
        for feed in settings {
            feed.check()?;
            let made = Arc::new(Feed::new(feed, root));
            for stream in &made.streams {
                if !names.insert(stream.name.clone()) {
                    let twice =
                        format!("feed {}: stream {} is given twice", feed.name, stream.name);
                    return Err(ServeError::Settings(twice));
                }
            }
            if all.insert(feed.name.clone(), made).is_some() {
                return Err(ServeError::Settings(format!("feed {} is given twice", feed.name)));
            }
        }
        Ok(Feeds { all, plugins: Plugins::new(root) })
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Feed>> {
        self.all.values()
    }

    /// # Errors
    /// `NotFound`.
    pub(crate) fn get(&self, name: &str) -> Result<Arc<Feed>, Fault> {
        let found = self.all.get(name).map(Arc::clone);
        found.ok_or_else(|| Fault::NotFound(format!("feed {name}")))
    }

    /// The feed that has a stream of this name.
    pub(crate) fn of_stream(&self, stream: &str) -> Option<Arc<Feed>> {
        self.all.values().find(|feed| feed.streams.iter().any(|s| s.name == stream)).cloned()
    }

    /// The feed that is sent to this path.
    pub(crate) fn sent_to(&self, path: &str) -> Option<Arc<Feed>> {
        self.all.values().find(|f| f.settings.paths.iter().any(|p| p == path)).cloned()
    }

    /// The stream that is found at this path of its own, and in which format.
    pub(crate) fn at(&self, path: &str) -> Option<(String, String)> {
        let (_, ending) = path.rsplit_once('.')?;
        let feeds = self.all.values().flat_map(|feed| feed.settings.streams());
        let found = feeds.into_iter().find(|s| s.paths.iter().any(|p| p == path))?;
        Some((found.name, ending.to_owned()))
    }

    /// Starts the threads that keep sources open.
    pub(crate) fn start(&self) -> Vec<JoinHandle<()>> {
        let own = self.all.values().filter(|feed| feed.settings.source.is_some());
        let start = |feed: &Arc<Feed>| {
            let feed = Arc::clone(feed);
            let name = format!("feed {}", feed.name);
            std::thread::Builder::new().name(name).spawn(move || feed.keep_open()).ok()
        };
        own.filter_map(start).collect()
    }

    pub(crate) fn stop(&self) {
        for feed in self.all.values() {
            feed.stopped.store(true, Ordering::Relaxed);
            if let Some(session) = feed.state().session.clone() {
                session.stop();
            }
        }
    }
}

/// Somebody who watches: sources and formats that are there only meanwhile go on.
pub(crate) struct Watching {
    feed: Arc<Feed>,
    stream: String,
    pub(crate) format: Format,
    pub(crate) hub: Arc<Hub>,
}

impl Drop for Watching {
    fn drop(&mut self) {
        if self.hub.leave() == 0 {
            self.feed.want(&self.stream, self.format, false);
        }
    }
}

impl Stream {
    pub(crate) fn hub(&self, format: Format) -> &Arc<Hub> {
        &self.hubs[&format]
    }

    pub(crate) fn hubs(&self) -> impl Iterator<Item = (&Format, &Arc<Hub>)> {
        self.hubs.iter()
    }
}

impl Feed {
    fn new(settings: &FeedSettings, root: &std::path::Path) -> Feed {
        let streams = settings.streams().into_iter().map(|stream| {
            let history = Duration::from_secs(stream.history.into());
            let hubs = Format::ALL.iter().map(|format| {
                // Single pictures take much room, and nobody goes back to them.
                let history = if *format == Format::Jpeg { Duration::ZERO } else { history };
                (*format, Arc::new(Hub::new(history, *format == Format::Mp4)))
            });
            Stream { name: stream.name, hubs: hubs.collect() }
        });
        Feed {
            name: settings.name.clone(),
            settings: settings.clone(),
            streams: streams.collect(),
            state: Mutex::default(),
            clock: AtomicI64::new(0),
            stopped: AtomicBool::new(false),
            root: root.to_owned(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn stream(&self, name: &str) -> Option<&Stream> {
        self.streams.iter().find(|stream| stream.name == name)
    }

    /// # Errors
    /// `NotFound`.
    pub(crate) fn find(&self, name: &str) -> Result<&Stream, Fault> {
        let none = || Fault::NotFound(format!("stream {name} of the feed {}", self.name));
        self.stream(name).ok_or_else(none)
    }

    /// Counts somebody who watches, until it is dropped.
    ///
    /// # Errors
    /// `NotFound`.
    pub(crate) fn watch(self: &Arc<Feed>, stream: &str, format: Format) -> Result<Watching, Fault> {
        let hub = Arc::clone(self.find(stream)?.hub(format));
        if hub.enter() == 0 {
            self.want(stream, format, true);
        }
        Ok(Watching { feed: Arc::clone(self), stream: stream.to_owned(), format, hub })
    }

    /// What is to be done for it, as the worker is told it.
    fn spec(&self) -> FeedSpec {
        let state = self.state();
        let streams = self.settings.streams().into_iter().map(|stream| {
            let given = state.given.get(&stream.name).unwrap_or(&stream.plugins);
            StreamSpec { name: stream.name.clone(), job: stream.job(given) }
        });
        FeedSpec {
            source: self.settings.source_job(&self.root),
            repeat: self.settings.repeat,
            offset: self.clock.load(Ordering::Relaxed),
            streams: streams.collect(),
            below: self.root.clone(),
        }
    }

    /// Starts a worker. `stdin`: where a source that is sent comes from.
    ///
    /// # Errors
    /// `Conflict` where one runs already; `System`.
    pub(crate) fn begin(self: &Arc<Feed>, stdin: Stdio) -> Result<Arc<Session>, Fault> {
        let spec = self.spec();
        let mut state = self.state();
        if state.session.is_some() {
            return Err(Fault::Conflict(format!("the feed {} is being sent already", self.name)));
        }
        if self.stopped.load(Ordering::Relaxed) {
            return Err(Fault::Conflict("the server is ending".to_owned()));
        }
        let session = Session::start(self, &spec, stdin)?;
        state.session = Some(Arc::clone(&session));
        state.error = None;
        drop(state);
        self.note("the source is being opened");
        Ok(session)
    }

    /// A worker has ended.
    fn ended(&self, error: Option<String>) {
        let mut state = self.state();
        state.session = None;
        state.streams.clear();
        state.picture = None;
        state.restarts += 1;
        state.error.clone_from(&error);
        drop(state);
        self.note(&error.map_or("the source has ended".to_owned(), |e| format!("ended: {e}")));
    }

    pub(crate) fn note(&self, text: &str) {
        tracing::info!("feed {}: {text}", self.name);
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let at = since.unwrap_or_default().as_secs_f64();
        let mut state = self.state();
        state.events.push_back(Event { at, text: text.to_owned() });
        while state.events.len() > EVENTS {
            state.events.pop_front();
        }
    }

    /// Keeps the source open: always, or while somebody watches.
    fn keep_open(self: Arc<Feed>) {
        let mut backoff = Backoff::default();
        while !self.stopped.load(Ordering::Relaxed) {
            if !self.is_wanted() {
                std::thread::sleep(LOOK);
                continue;
            }
            let begun = Instant::now();
            let session = match self.begin(Stdio::null()) {
                Ok(session) => session,
                Err(e) => {
                    self.note(&e.to_string());
                    std::thread::sleep(Duration::from_secs(1));
                    continue;
                }
            };
            while !session.is_over() {
                std::thread::sleep(LOOK);
                if !self.is_wanted() {
                    session.stop();
                }
            }
            backoff.held(begun.elapsed());
            let until = Instant::now() + backoff.delay();
            while Instant::now() < until && !self.stopped.load(Ordering::Relaxed) {
                std::thread::sleep(LOOK);
            }
        }
    }

    fn is_wanted(&self) -> bool {
        if !self.settings.on_demand {
            return true;
        }
        let mut state = self.state();
        if self.viewers() > 0 {
            state.watched = Some(Instant::now());
        }
        state.watched.is_some_and(|watched| watched.elapsed() < LINGER)
    }

    /// How many watch.
    pub(crate) fn viewers(&self) -> usize {
        self.streams.iter().flat_map(|s| s.hubs.values()).map(|hub| hub.viewers()).sum()
    }

    /// Somebody looks into what viewers do not hold open, such as a playlist.
    pub(crate) fn looked_at(&self) {
        self.state().watched = Some(Instant::now());
    }

    /// Has a stream do something; from which frame on.
    ///
    /// # Errors
    /// `Conflict` where it does not run; `Request` for what cannot be done, with the reason.
    pub(crate) fn order(&self, stream: &str, order: Order) -> Result<Option<u64>, Fault> {
        let session = self.state().session.clone();
        let none = || Fault::Conflict(format!("the feed {} is not running now", self.name));
        session.ok_or_else(none)?.ask(stream, order)
    }

    /// Says that a format has its first viewer, or none any more.
    fn want(&self, stream: &str, format: Format, wanted: bool) {
        if format.is_on_demand()
            && let Some(session) = self.state().session.clone()
        {
            session.tell(stream, Order::Make { format, wanted });
        }
    }

    pub(crate) fn shown(&self) -> Shown {
        let state = self.state();
        Shown {
            running: state.session.is_some(),
            picture: state.picture,
            streams: state.streams.clone(),
            chains: state.chains.clone(),
            error: state.error.clone(),
            restarts: state.restarts,
            events: state.events.iter().cloned().collect(),
        }
    }
}
