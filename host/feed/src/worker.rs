//! The work of a feed's process.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use filmgate_core::cancel::Cancel;
use filmgate_core::frame::PlanePool;
use filmgate_engine::graph::Progress;
use filmgate_engine::sink::{Chunk, Chunked, TakeChunk};
use filmgate_engine::source::{Outlet, Pour, Tap};
use filmgate_engine::spec::{JobSpec, PluginSpec, SpecError};
use filmgate_engine::stream::{Feed, load, prepare};
use filmgate_engine::{PipelineError, Stop, Swap};
use filmgate_plugin::{CodeCache, Description, Engine, ParameterKind, PluginRecord, resolve};

use crate::branch::{Branches, Wanted};
use crate::spec::{FeedSpec, Format, StreamSpec};
use crate::wire::{Command, Link, Message, Order, PluginState, Reporter, StreamState};

/// How often it is said how the streams do.
const STATUS: Duration = Duration::from_secs(1);

/// What the threads of a worker share.
struct Shared<W> {
    reporter: Reporter<W>,
    engine: Engine,
    pool: PlanePool,
    stop: Stop,
    streams: Mutex<HashMap<String, Arc<Running>>>,
    below: PathBuf,
}

/// A stream that runs.
struct Running {
    swap: Arc<Swap>,
    wanted: Arc<Wanted>,
    progress: Arc<Progress>,
    dropped: Arc<AtomicU64>,
    /// what its plugins were given, as `-p` has it
    plugins: Mutex<Vec<PluginSpec>>,
    job: JobSpec,
    /// frames that were encoded before its plugins took over
    begun: AtomicU64,
}

/// Runs a feed until its source ends, or its parent goes away. `commands` and `answers` are the two
/// directions of the socket.
///
/// # Errors
/// What hindered the feed as a whole.
pub fn work<W: Write + Send + 'static>(
    commands: impl Read + Send + 'static,
    answers: W,
) -> Result<(), PipelineError> {
    let mut commands = BufReader::new(commands);
    let spec = description(&mut commands)?;
    let cancel = Cancel::new();
    let stop = Stop::gently(&cancel);
    let pool = PlanePool::new();
    let engine = Engine::new(&CodeCache::ForUser, &pool, &stop.hard)?;
    let reporter = Reporter::new(answers);
    let below = std::fs::canonicalize(&spec.below).unwrap_or_else(|_| spec.below.clone());
    let streams = Mutex::default();
    let shared = Arc::new(Shared { reporter, engine, pool, stop, streams, below });
    let listener = Arc::clone(&shared);
    spawn("commands", move || listener.listen(&mut commands, &cancel))?;
    let result = shared.run(&spec);
    let (next, error) = match &result {
        Ok(next) => (*next, None),
        Err(e) => (spec.offset, Some(e.to_string())),
    };
    shared.reporter.say(&Message::Ended { next, error }, &[]);
    result.map(drop)
}

fn description(commands: &mut impl BufRead) -> Result<FeedSpec, PipelineError> {
    let wrong = |e: String| PipelineError::System(format!("the feed's description: {e}"));
    let mut line = String::new();
    commands.read_line(&mut line).map_err(|e| wrong(e.to_string()))?;
    serde_json::from_str(&line).map_err(|e| wrong(e.to_string()))
}

fn spawn(
    name: &str,
    work: impl FnOnce() + Send + 'static,
) -> Result<thread::JoinHandle<()>, PipelineError> {
    let spawned = thread::Builder::new().name(name.to_owned()).spawn(work);
    spawned.map_err(|e| PipelineError::System(format!("a thread could not be started: {e}")))
}

impl<W: Write + Send + 'static> Shared<W> {
    /// Opens source and streams, and runs them; where a next source is to go on, nanoseconds.
    fn run(self: &Arc<Self>, spec: &FeedSpec) -> Result<i64, PipelineError> {
        let mut feed = Feed::open(&spec.source, &self.stop, &self.pool)?;
        let info = feed.info.clone();
        let frame_rate = info.frame_rate.map(|r| f64::from(r.num) / f64::from(r.den.max(1)));
        let (width, height) = (info.width, info.height);
        self.reporter.say(&Message::Opened { width, height, frame_rate }, &[]);
        let (mut outlets, mut threads) = (Vec::new(), Vec::new());
        for stream in &spec.streams {
            let (outlet, tap) = Tap::new(info.clone(), feed.source.time_base());
            outlets.push(outlet);
            threads.push(self.start(stream, tap)?);
        }
        let over = Cancel::new();
        let (status, ended) = (Arc::clone(self), over.clone());
        let teller = spawn("status", move || status.tell(&ended))?;
        let result = self.pour(spec, &mut feed, &outlets);
        drop(outlets);
        for thread in threads {
            // One that panicked has said so.
            let _ = thread.join();
        }
        over.cancel();
        let _ = teller.join();
        result
    }

    /// Reads the source; a file that is to be repeated, again and again.
    fn pour(
        &self,
        spec: &FeedSpec,
        feed: &mut Feed,
        outlets: &[Outlet],
    ) -> Result<i64, PipelineError> {
        let mut pour = Pour { realtime: spec.source.realtime, offset: spec.offset };
        loop {
            let begun = pour.offset;
            pour.offset = pour.run(&mut *feed.source, outlets, &self.stop)?;
            let is_over = !spec.repeat || pour.offset == begun;
            if is_over || self.stop.gently.is_cancelled() {
                return Ok(pour.offset);
            }
            let next = Feed::open(&spec.source, &self.stop, &self.pool)?;
            if next.info != feed.info {
                return Err(SpecError::usage("the source has changed its size or format").into());
            }
            *feed = next;
        }
    }

    fn take(self: &Arc<Self>, stream: &str, format: Format) -> TakeChunk {
        let (shared, stream) = (Arc::clone(self), stream.to_owned());
        Arc::new(move |chunk: Chunk| {
            // A parent that is gone ends the feed by the end of its commands.
            shared.reporter.chunk(&stream, format, &chunk);
        })
    }

    fn start(
        self: &Arc<Self>,
        spec: &StreamSpec,
        tap: Tap,
    ) -> Result<thread::JoinHandle<()>, PipelineError> {
        let dropped = tap.dropped();
        let chunked = Format::USUAL.iter().map(|format| {
            let name = format!("{}.{}", spec.name, format.container());
            (format.container(), Chunked { name, take: self.take(&spec.name, *format) })
        });
        let with = (&self.engine, &self.pool);
        let mut prepared = prepare(&spec.job, tap, chunked.collect(), with, &self.stop)?;
        let (swap, wanted) = (Arc::<Swap>::default(), Arc::<Wanted>::default());
        prepared.exchange(&swap);
        let (this, name) = (Arc::clone(self), spec.name.clone());
        let take = Box::new(move |format| this.take(&name, format));
        let output = &prepared.chain().output;
        let mut branches = Branches::new(&spec.name, output, &self.pool, &wanted, take);
        prepared.observe(Box::new(move |frame| {
            branches.frame(frame);
            Ok(())
        }));
        let progress = Arc::<Progress>::default();
        let running = Arc::new(Running {
            swap: Arc::clone(&swap),
            wanted,
            progress: Arc::clone(&progress),
            dropped,
            plugins: Mutex::new(spec.job.plugin.clone()),
            job: spec.job.clone(),
            begun: AtomicU64::new(0),
        });
        self.streams().insert(spec.name.clone(), Arc::clone(&running));
        self.tell_chain(&spec.name, &running);
        let (this, name) = (Arc::clone(self), spec.name.clone());
        spawn("stream", move || {
            let (_, error) = prepared.run(&this.pool, &this.stop, &progress);
            swap.end();
            this.streams().remove(&name);
            if let Some(error) = error {
                let reason = error.to_string();
                this.reporter.say(&Message::Lost { stream: name, reason }, &[]);
            }
        })
    }

    fn streams(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Running>>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says once a second how the streams do.
    fn tell(&self, over: &Cancel) {
        while !over.is_cancelled() {
            let all = self.streams().clone();
            let streams = all.iter().map(|(name, running)| running.state(name)).collect();
            if !self.reporter.say(&Message::Status { streams }, &[]) {
                self.stop.gently.cancel();
                return;
            }
            filmgate_core::backoff::rest(STATUS, over);
        }
    }

    fn tell_chain(&self, stream: &str, running: &Running) {
        let given = running.plugins().clone();
        let all = running.swap.running();
        let links: Vec<_> = all
            .iter()
            .zip(&given)
            .map(|((supervisor, _), given)| Link {
                given: text(given),
                record: PluginRecord::supervised(supervisor),
                description: &supervisor.plugin().description,
            })
            .collect();
        let plugins = serde_json::to_value(links).unwrap_or_default();
        self.reporter.say(&Message::Chain { stream: stream.to_owned(), plugins }, &[]);
    }

    /// Does what the parent says, until it says no more.
    fn listen(&self, commands: &mut impl BufRead, cancel: &Cancel) {
        for line in commands.lines() {
            let Ok(line) = line else { break };
            let Ok(command) = serde_json::from_str::<Command>(&line) else {
                tracing::error!("the parent said what is no command: {line}");
                continue;
            };
            let (frame, error) = match self.obey(&command) {
                Ok(frame) => (frame, None),
                Err(e) => (None, Some(e.to_string())),
            };
            self.reporter.say(&Message::Answer { id: command.id, error, frame }, &[]);
        }
        cancel.cancel();
    }

    /// Whoever changes plugins from elsewhere may have files of the server's folder read, and no
    /// others.
    fn check_files(
        &self,
        description: &Description,
        values: &[(String, String)],
    ) -> Result<(), PipelineError> {
        let is_file = |name: &str| {
            let mut all = description.parameters.iter();
            all.any(|p| p.name == name && p.kind == ParameterKind::File)
        };
        for (name, value) in values.iter().filter(|(name, _)| is_file(name)) {
            let found = std::fs::canonicalize(value).ok();
            if !found.is_some_and(|path| path.starts_with(&self.below)) {
                let what = format!("{name}={value}: is no file below the server's folder");
                return Err(SpecError::usage(what).into());
            }
        }
        Ok(())
    }

    /// From which frame on an order holds, where it says that.
    fn obey(&self, command: &Command) -> Result<Option<u64>, PipelineError> {
        let running = self.streams().get(&command.stream).cloned();
        let running = running.ok_or_else(|| SpecError::usage("the stream does not run"))?;
        match &command.order {
            Order::Make { format, wanted } => {
                running.wanted.set(*format, *wanted);
                return Ok(None);
            }
            Order::Chain { plugins } => {
                let parse = |text: &String| text.parse::<PluginSpec>().map_err(SpecError::usage);
                let plugins = plugins.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
                let job = JobSpec { plugin: plugins.clone(), ..running.job.clone() };
                job.plugins().check()?;
                let loaded = load(&job, &self.engine, &self.stop)?;
                for (supervisor, spec) in loaded.iter().zip(&plugins) {
                    self.check_files(&supervisor.plugin().description, &spec.parameters.0)?;
                }
                running.swap.replace(loaded)?;
                *running.plugins() = plugins;
                running.begun.store(running.progress.frames(), Ordering::Relaxed);
                self.tell_chain(&command.stream, &running);
            }
            Order::Parameters { plugin, values } => {
                let all = running.swap.running();
                let none = || SpecError::usage(format!("the chain has no plugin {plugin}"));
                let (supervisor, _) = all.get(*plugin).ok_or_else(none)?;
                let mut spec = running.plugins().get(*plugin).cloned().ok_or_else(none)?;
                for (key, value) in values {
                    spec.parameters.0.retain(|(other, _)| other != key);
                    spec.parameters.0.push((key.clone(), value.clone()));
                }
                let description = &supervisor.plugin().description;
                self.check_files(description, values)?;
                let frame = supervisor.set_parameters(resolve(description, &spec.parameters.0)?)?;
                running.plugins()[*plugin] = spec;
                self.tell_chain(&command.stream, &running);
                return Ok(Some(running.begun.load(Ordering::Relaxed) + frame));
            }
        }
        Ok(Some(running.progress.frames()))
    }
}

impl Running {
    fn plugins(&self) -> std::sync::MutexGuard<'_, Vec<PluginSpec>> {
        self.plugins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self, name: &str) -> StreamState {
        let running = self.swap.running();
        let plugins = running.iter().map(|(supervisor, meter)| {
            let reading = meter.reading();
            PluginState {
                name: supervisor.plugin().name().to_owned(),
                frames: reading.frames,
                ms_a_frame: reading.ms_a_frame(),
                failures: supervisor.failures(),
                bypassed: supervisor.bypassed(),
            }
        });
        StreamState {
            stream: name.to_owned(),
            frames: self.progress.frames(),
            dropped: self.dropped.load(Ordering::Relaxed),
            plugins: plugins.collect(),
        }
    }
}

/// A plugin as `-p` is given it.
fn text(spec: &PluginSpec) -> String {
    let escaped = |value: &str| {
        let mut out = String::new();
        for c in value.chars() {
            if matches!(c, ',' | ':' | '\\') {
                out.push('\\');
            }
            out.push(c);
        }
        out
    };
    let pairs: Vec<String> =
        spec.parameters.0.iter().map(|(k, v)| format!("{k}={}", escaped(v))).collect();
    if pairs.is_empty() { spec.name.clone() } else { format!("{}:{}", spec.name, pairs.join(",")) }
}
