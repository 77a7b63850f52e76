//! Hot reload of plugins: a plugin file that changes or appears is loaded again, and if it does not
//! load, the plugins in use stay.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, select};
use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tracing::{debug, info, warn};

use super::error::WatchError;
use super::identity::Identity;
use super::spec::WatchSpec;
use filmgate_core::cancel::Cancel;
use filmgate_engine::PipelineError;
use filmgate_engine::spec::{Fault, PluginSpec, Plugins, Request, SpecError};
use filmgate_plugin::{Engine, Kind, PluginError, PluginRecord, Supervisor, catalogue, hand_over};
use filmgate_worker::sealed_file;

/// How often a request to reload is looked for.
const TICK: Duration = Duration::from_millis(250);

/// How often plugin files are looked at besides: `notify` hears nothing of network folders, and
/// nothing of a folder that is replaced as a whole, as by `ln -sfn v2 plugins`.
const POLL: Duration = Duration::from_secs(5);

/// A file is loaded when nothing has happened for this long, so that one that is still being
/// copied is not reported as damaged.
const QUIET: Duration = Duration::from_millis(100);

/// The longest wait for quiet, for folders in which something always happens.
const RESTLESS: Duration = Duration::from_secs(1);

/// Plugins that files go through.
pub(super) struct PluginChain {
    /// increases with every reload
    pub(super) generation: u64,
    pub(super) supervisors: Vec<Arc<Supervisor>>,
    /// for the receipt
    pub(super) records: Vec<PluginRecord>,
    /// for worker processes, once one was asked
    handed: OnceLock<File>,
}

impl PluginChain {
    fn new(generation: u64, supervisors: Vec<Arc<Supervisor>>) -> Arc<PluginChain> {
        let records = supervisors.iter().map(|s| PluginRecord::supervised(s)).collect();
        Arc::new(PluginChain { generation, supervisors, records, handed: OnceLock::new() })
    }

    /// The plugins for worker processes, in a file that none of them can change: what one wrote, the
    /// others would run.
    pub(super) fn handed(&self) -> io::Result<&File> {
        if let Some(file) = self.handed.get() {
            return Ok(file);
        }
        let mut bytes = Vec::new();
        hand_over(&self.supervisors, &mut bytes)?;
        let file = sealed_file(&bytes)?;
        Ok(self.handed.get_or_init(|| file))
    }
}

/// Where plugins come from: the description of the job, and the file of `--plugin-list`.
pub(super) struct PluginSource {
    pub(super) spec: WatchSpec,
    pub(super) engine: Engine,
    pub(super) cancel: Cancel,
}

/// The plugins of the description, and then those of the list.
pub(super) fn specs(spec: &WatchSpec) -> Result<Vec<PluginSpec>, SpecError> {
    let mut specs = spec.plugin.clone();
    if let Some(list) = &spec.plugin_list {
        let content = fs::read_to_string(list)
            .map_err(|e| SpecError::new(Fault::InputMissing, format!("{}: {e}", list.display())))?;
        let lines = content.lines().map(str::trim);
        for line in lines.filter(|l| !l.is_empty() && !l.starts_with('#')) {
            let wrong = |e| SpecError::usage(format!("{}: {line}: {e}", list.display()));
            specs.push(line.parse().map_err(wrong)?);
        }
    }
    Ok(specs)
}

impl PluginSource {
    fn load(&self) -> Result<(Plugins, Vec<PluginFile>), WatchError> {
        let specs = specs(&self.spec)?;
        let request = Request { plugins: &specs, ..self.spec.plugins() };
        let loaded = request.load(&self.engine, &self.cancel)?;
        for plugin in loaded.supervisors.iter().map(|s| s.plugin()) {
            if plugin.filter.is_none() {
                return Err(PipelineError::Plugin(PluginError::WrongKind {
                    plugin: plugin.name().to_owned(),
                    found: plugin.kind.noun(),
                    wanted: Kind::Filter.noun(),
                })
                .into());
            }
        }
        let named = specs.into_iter().zip(&loaded.supervisors);
        let files = named.map(|(s, loaded)| PluginFile::new(s.name, &loaded.plugin().path));
        let files = files.collect();
        Ok((loaded, files))
    }
}

/// The file of a plugin, as it was when it was loaded or tried.
#[derive(Clone, PartialEq)]
struct PluginFile {
    /// as in the description
    name: String,
    path: PathBuf,
    /// none while there is no such file
    identity: Option<Identity>,
}

impl PluginFile {
    fn new(name: String, path: &Path) -> PluginFile {
        let identity = fs::metadata(path).ok().map(|facts| Identity::of(&facts));
        PluginFile { name, path: path.to_owned(), identity }
    }

    /// As it is now: the name may lead to another file.
    fn now(&self) -> PluginFile {
        let path = catalogue::find(&self.name, &catalogue::folders());
        PluginFile::new(self.name.clone(), path.as_ref().unwrap_or(&self.path))
    }
}

/// The plugins in use, and how to load the next ones.
pub(super) struct PluginSet {
    source: PluginSource,
    current: RwLock<Arc<PluginChain>>,
    files: Mutex<Vec<PluginFile>>,
}

impl PluginSet {
    /// Loads the plugins; with what was read for them.
    pub(super) fn load(source: PluginSource) -> Result<(PluginSet, Plugins), WatchError> {
        let (loaded, files) = source.load()?;
        let current = RwLock::new(PluginChain::new(0, loaded.supervisors.clone()));
        Ok((PluginSet { source, current, files: Mutex::new(files) }, loaded))
    }

    /// The plugins for the next file.
    pub(super) fn current(&self) -> Arc<PluginChain> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Loads the plugins again if a file has changed, or if `forced`. Work goes on meanwhile.
    fn refresh(&self, forced: bool) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let now: Vec<PluginFile> = files.iter().map(PluginFile::now).collect();
        if !forced && now == *files {
            return;
        }
        // Each change is tried once, so that a damaged file is reported once.
        *files = now;
        match self.source.load() {
            Ok((loaded, loaded_files)) => {
                *files = loaded_files;
                let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
                *current = PluginChain::new(current.generation + 1, loaded.supervisors);
                info!("reloaded the plugins");
            }
            Err(e) => warn!("the plugins stay as they are, because the new ones do not load: {e}"),
        }
    }

    /// Reloads plugins when their files change, or `reload` is set, until the other end of `over`
    /// is gone.
    pub(super) fn keep_fresh(&self, reload: &AtomicBool, over: &Receiver<()>) {
        let (changes, changed) = bounded(1);
        let mut folders = Folders::new(changes);
        folders.add(self);
        let mut next_poll = Instant::now() + POLL;
        loop {
            let is_due = select! {
                recv(over) -> _ => return,
                recv(changed) -> _ => {
                    wait_for_quiet(&changed);
                    true
                }
                default(TICK) => Instant::now() >= next_poll,
            };
            let forced = reload.swap(false, Ordering::Relaxed);
            if is_due || forced {
                self.refresh(forced);
                folders.add(self);
                next_poll = Instant::now() + POLL;
            }
        }
    }
}

fn wait_for_quiet(changed: &Receiver<()>) {
    let begun = Instant::now();
    while begun.elapsed() < RESTLESS && changed.recv_timeout(QUIET).is_ok() {}
}

/// Folders of plugins, in which `notify` notices changes.
struct Folders {
    /// none where the system has nothing for it
    watcher: Option<RecommendedWatcher>,
    watched: HashSet<PathBuf>,
}

impl Folders {
    /// Sends to `changes` when something happens; one message stands for many events.
    fn new(changes: Sender<()>) -> Folders {
        let tell = move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|e| is_change(e.kind)) {
                // When it is full, a change is reported already.
                let _ = changes.try_send(());
            }
        };
        let watcher = notify::recommended_watcher(tell);
        if let Err(e) = &watcher {
            warn!("plugin files are looked at every {} s: {e}", POLL.as_secs());
        }
        Folders { watcher: watcher.ok(), watched: HashSet::new() }
    }

    /// Watches all folders that the plugins are or might be in. Folders rather than files: a new
    /// version is renamed over the old one.
    fn add(&mut self, set: &PluginSet) {
        let Some(watcher) = &mut self.watcher else { return };
        let files = set.files.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut folders = catalogue::folders();
        for path in files.iter().map(|f| &f.path) {
            let real = path.canonicalize().ok();
            let both = [Some(path.as_path()), real.as_deref()];
            folders.extend(both.into_iter().flatten().filter_map(Path::parent).map(not_empty));
        }
        folders.retain(|f| f.is_dir());
        // A folder that went away may come again.
        self.watched.retain(|f| folders.contains(f));
        for folder in folders {
            if self.watched.contains(&folder) {
                continue;
            }
            match watcher.watch(&folder, RecursiveMode::NonRecursive) {
                Ok(()) => drop(self.watched.insert(folder)),
                Err(e) => debug!("{}: plugin files there are polled: {e}", folder.display()),
            }
        }
    }
}

fn not_empty(folder: &Path) -> PathBuf {
    if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() }
}

/// Reading a file is an event as well, and loading plugins reads them.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(mode)) => mode == AccessMode::Write,
        EventKind::Access(_) => false,
        _ => true,
    }
}
