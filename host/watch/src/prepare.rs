//! A watch from its description: everything is checked before anything is written.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde_json::json;
use tracing::warn;

use super::error::WatchError;
use super::journal::Journal;
use super::originals::Originals;
use super::plugins::{PluginSet, PluginSource};
use super::receipt::{Receipt, Record, now};
use super::serve::Metrics;
use super::settle::{Lock, on_network};
use super::spec::WatchSpec;
use super::stats::Stats;
use super::{Options, Parts, Print, Reporter, run};
use filmgate_core::cancel::Cancel;
use filmgate_core::collide::Files;
use filmgate_core::frame::PlanePool;
use filmgate_core::publish;
use filmgate_engine::sink::Namer;
use filmgate_engine::spec::{Fault, Request, SpecError, add};
use filmgate_engine::{PipelineError, default_workers};
use filmgate_picture::{PictureFormat, WriteOptions};
use filmgate_plugin::{CodeCache, Engine, PluginRecord};

/// How often a network folder is scanned by default.
const POLL: Duration = Duration::from_secs(1);

/// How long a file has to stay unchanged by default.
const SETTLE: Duration = Duration::from_secs(2);

/// Quality of JPEG, of 100.
const QUALITY: u8 = 75;

/// A watch that is checked, and has written nothing yet.
pub struct Prepared {
    pub(super) options: Options,
    pub(super) namer: Namer,
    pub(super) plugins: PluginSet,
    pub(super) pool: PlanePool,
    pub(super) journal: PathBuf,
    pub(super) spec: WatchSpec,
    policy: PluginRecord,
    stats: Arc<Stats>,
}

/// What the caller of [`Prepared::run`] has to do with it.
pub struct Hooks<'a> {
    pub reporter: &'a dyn Reporter,
    /// prints every file system event
    pub events: Option<Print>,
    /// asks for all plugins to be loaded again; is reset
    pub reload: Arc<AtomicBool>,
    /// the command line, for the receipt
    pub command: Vec<String>,
}

/// Checks everything that can be wrong: folders, files that would replace one another, the naming
/// policy, plugins. `files` are those that the caller reads itself. Nothing is written.
///
/// # Errors
/// What is wrong.
pub fn prepare(
    spec: &WatchSpec,
    mut files: Files,
    cancel: &Cancel,
) -> Result<Prepared, WatchError> {
    spec.check()?;
    let pool = PlanePool::new();
    let engine = Engine::new(&CodeCache::ForUser, &pool, cancel).map_err(PipelineError::from)?;
    let folders = Folders::check(spec)?;
    let journal = spec.journal.clone();
    let journal = journal.unwrap_or_else(|| folders.watched.join(OWN_FOLDER).join("journal.db"));
    spec.plugin_list.iter().for_each(|list| files.reads("the plugin list", list));
    add_written(spec, &journal, &mut files);
    files.check()?;
    let options = options(spec, &folders)?;
    let wanted = spec.policy()?;
    let request = Request { plugins: std::slice::from_ref(&wanted), ..Request::default() };
    let policy = request.load_each(&engine)?.pop();
    let policy = policy.ok_or_else(|| SpecError::usage("there is no naming policy"))?;
    add(&policy.files, &mut files);
    let record = PluginRecord::new(&policy.plugin, &policy.parameters);
    let namer = Namer::new(policy.plugin, policy.parameters, &folders.output)?;
    let source =
        PluginSource { spec: spec.clone(), engine: engine.clone(), cancel: cancel.clone() };
    let (plugins, loaded) = PluginSet::load(source)?;
    loaded.add_to(&mut files);
    files.check()?;
    check_receipt(spec, &options)?;
    Ok(Prepared {
        options: Options { protected: files, ..options },
        namer,
        plugins,
        pool,
        journal,
        spec: spec.clone(),
        policy: record,
        stats: Arc::default(),
    })
}

impl Prepared {
    /// The whole path of the watched folder.
    pub fn folder(&self) -> &Path {
        &self.options.folder
    }

    /// What is counted while it runs.
    pub fn stats(&self) -> &Arc<Stats> {
        &self.stats
    }

    /// Creates folders, journal and receipt, and watches until `stop`, or, with `once`, until all
    /// files are done.
    ///
    /// # Errors
    /// What makes it impossible to start, or to go on.
    pub fn run(mut self, hooks: Hooks<'_>, stop: &Cancel) -> Result<(), WatchError> {
        self.options.outside().try_for_each(make)?;
        if self.spec.journal.is_none() {
            make_own_folder(&self.options.folder)?;
        }
        let _lock = lock(&self.journal)?;
        let on_network = on_network(self.journal.parent().unwrap_or(&self.journal));
        let journal = Journal::open(&self.journal, on_network)?;
        if self.spec.retry_failed {
            hooks.reporter.retrying(journal.retry_failed()?);
        }
        let since = journal.use_settings(&self.settings())?;
        if self.spec.redo {
            hooks.reporter.redoing(journal.redo(since)?);
        } else {
            hooks.reporter.outdated(journal.finished_before(since)?);
        }
        self.remember(&journal)?;
        let receipt = self.spec.receipt.as_deref().map(|p| self.begin_receipt(p, &hooks.command));
        let receipt = receipt.transpose()?;
        // They were known by name alone; by now they exist.
        add_written(&self.spec, &self.journal, &mut self.options.protected);
        let metrics = self.spec.metrics.as_deref();
        let metrics = metrics.map(|address| Metrics::serve(address, Arc::clone(&self.stats)));
        let metrics = metrics.transpose().map_err(WatchError::System)?;
        if let Some(metrics) = &metrics {
            hooks.reporter.metrics(metrics.address());
        }
        let parts = Parts {
            journal,
            namer: self.namer,
            plugins: self.plugins,
            pool: self.pool.clone(),
            stats: self.stats,
            receipt,
            events: hooks.events,
            reload: hooks.reload,
        };
        run(self.options, parts, stop, hooks.reporter).map_err(WatchError::System)
    }

    /// What decides what an output holds, as text: plugins with their parameters, the format and
    /// how it is written.
    pub(super) fn settings(&self) -> String {
        let plugins = self.plugins.current();
        let plugins: Vec<_> =
            plugins.records.iter().map(|p| json!([p.name, p.sha256, p.parameters])).collect();
        let write = &self.options.write;
        let format = self.options.format.map(PictureFormat::ending);
        let subsampling = format!("{:?}", write.subsampling);
        json!([plugins, format, write.quality, subsampling]).to_string()
    }

    fn begin_receipt(&self, path: &Path, command: &[String]) -> Result<Receipt, WatchError> {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let start = Record::Start {
            filmgate: env!("CARGO_PKG_VERSION"),
            libav: filmgate_av::version(),
            started: now(),
            command,
            folder: text(&self.options.folder),
            output: text(self.namer.folder()),
            originals: self.options.originals.to_string(),
            names: self.policy.clone(),
            plugins: &self.plugins.current().records,
        };
        let sync = self.options.originals != Originals::Keep;
        Receipt::create(path, self.spec.overwrite, sync, &start)
    }

    /// Writes into the journal how the folder is watched, for `--status`.
    fn remember(&self, journal: &Journal) -> Result<(), WatchError> {
        let json = |list: &[String]| serde_json::to_string(list).unwrap_or_default();
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let outside: Vec<String> = self.options.outside().map(text).collect();
        for (name, value) in [
            ("folder", text(&self.options.folder)),
            ("output", text(self.namer.folder())),
            ("include", json(&self.spec.include)),
            ("exclude", json(&self.spec.exclude)),
            ("flat", self.spec.flat.to_string()),
            ("outside", json(&outside)),
        ] {
            journal.remember(name, &value)?;
        }
        Ok(())
    }
}

/// Adds what the watch itself writes besides outputs.
fn add_written(spec: &WatchSpec, journal: &Path, files: &mut Files) {
    files.writes("the journal", journal);
    spec.receipt.iter().for_each(|path| files.writes("the receipt", path));
}

/// The receipt must be possible, and must not be input of the same watch.
fn check_receipt(spec: &WatchSpec, options: &Options) -> Result<(), WatchError> {
    let Some(receipt) = &spec.receipt else { return Ok(()) };
    let path = publish::check(receipt, spec.overwrite)?;
    publish::check_folder(receipt)?;
    let folder = path.parent().and_then(|f| f.canonicalize().ok()).unwrap_or_default();
    let whole = folder.join(path.file_name().unwrap_or_default());
    let is_taken = |below: &Path| options.selection.takes(below);
    if whole.strip_prefix(&options.folder).is_ok_and(is_taken) {
        return Err(WatchError::OutputIsWatched {
            folder: options.folder.clone(),
            other: receipt.clone(),
        });
    }
    Ok(())
}

/// Where files come from and go to, as whole paths. Folders for outputs need not exist yet.
struct Folders {
    watched: PathBuf,
    output: PathBuf,
    originals: Originals,
    quarantine: Option<PathBuf>,
}

impl Folders {
    fn check(spec: &WatchSpec) -> Result<Folders, WatchError> {
        let missing = || SpecError::usage("watch: no folder is given");
        let folder = spec.folder.as_deref().ok_or_else(missing)?;
        let fail = |fault, what: &dyn std::fmt::Display| {
            SpecError::new(fault, format!("{}: {what}", folder.display()))
        };
        let watched = folder.canonicalize().map_err(|e| fail(Fault::InputMissing, &e))?;
        if !watched.is_dir() {
            return Err(fail(Fault::InputNotMedia, &"is not a folder").into());
        }
        let output = whole(spec.output.as_deref().ok_or_else(missing)?)?;
        let originals = match &spec.originals {
            Some(Originals::Move(folder)) => Originals::Move(whole(folder)?),
            other => other.clone().unwrap_or_default(),
        };
        let quarantine = spec.quarantine.as_deref().map(whole).transpose()?;
        let moved = match &originals {
            Originals::Move(folder) => Some(folder),
            _ => None,
        };
        for other in [Some(&output), quarantine.as_ref(), moved].into_iter().flatten() {
            if *other == watched || watched.starts_with(other) && !spec.flat {
                let (folder, other) = (folder.to_owned(), other.clone());
                return Err(WatchError::OutputIsWatched { folder, other });
            }
        }
        Ok(Folders { watched, output, originals, quarantine })
    }
}

fn cannot_be_made(folder: &Path, error: &io::Error) -> SpecError {
    let message = format!("{}: the folder cannot be created: {error}", folder.display());
    SpecError::new(Fault::OutputUnwritable, message)
}

/// The whole path of a folder that exists, or can be created because its parent exists.
fn whole(folder: &Path) -> Result<PathBuf, SpecError> {
    let fail = |e: io::Error| cannot_be_made(folder, &e);
    let path = match folder.canonicalize() {
        Ok(path) => path,
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(fail(e)),
        Err(e) => {
            let Some(name) = folder.file_name() else { return Err(fail(e)) };
            let parent = folder.parent().filter(|p| !p.as_os_str().is_empty());
            let parent = parent.unwrap_or(Path::new(".")).canonicalize().map_err(fail)?;
            let path = parent.join(name);
            publish::check_folder(&path).map_err(|e| {
                SpecError::new(Fault::OutputUnwritable, format!("{}: {e}", folder.display()))
            })?;
            return Ok(path);
        }
    };
    if path.is_dir() { Ok(path) } else { Err(fail(io::ErrorKind::NotADirectory.into())) }
}

/// Creates a folder, unless it exists.
fn make(folder: &Path) -> Result<(), SpecError> {
    match fs::create_dir(folder) {
        Ok(()) => publish::sync_parent(folder),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(e) => Err(e),
    }
    .map_err(|e| cannot_be_made(folder, &e))
}

/// The folder of the journal in the watched folder, where `--status` finds it.
pub(super) const OWN_FOLDER: &str = ".filmgate";

fn make_own_folder(watched: &Path) -> Result<(), SpecError> {
    let folder = watched.join(OWN_FOLDER);
    match fs::create_dir(&folder) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(SpecError::new(
            Fault::OutputUnwritable,
            format!(
                "{}: the journal cannot be created there: {e}; use --journal FILE to put it elsewhere",
                folder.display()
            ),
        )),
        _ => Ok(()),
    }
}

fn lock(journal: &Path) -> Result<Lock, WatchError> {
    let mut path = journal.as_os_str().to_owned();
    path.push(".lock");
    let path = PathBuf::from(path);
    Lock::take(&path).map_err(|e| match e.kind() {
        io::ErrorKind::WouldBlock => WatchError::System(format!(
            "{}: another filmgate watches with this journal",
            path.display()
        )),
        _ => {
            let message = format!("{}: {e}", path.display());
            SpecError::new(Fault::OutputUnwritable, message).into()
        }
    })
}

fn options(spec: &WatchSpec, folders: &Folders) -> Result<Options, SpecError> {
    let mut options = Options {
        folder: folders.watched.clone(),
        output: folders.output.clone(),
        selection: spec.selection(Vec::new())?,
        format: spec.image_format()?,
        write: WriteOptions {
            quality: spec.quality.and_then(|q| u8::try_from(q.0).ok()).unwrap_or(QUALITY),
            subsampling: spec.subsampling.unwrap_or_default().into(),
        },
        originals: folders.originals.clone(),
        quarantine: folders.quarantine.clone(),
        replace: spec.overwrite,
        protected: Files::default(),
        once: spec.once,
        poll: spec.poll.map(|p| p.0),
        settle: spec.settle.map_or(SETTLE, |s| s.0),
        // Besides those that compute, some wait for the disk.
        workers: spec
            .workers
            .map_or_else(|| default_workers() + 2, |w| usize::try_from(w.0).unwrap_or(usize::MAX)),
        file_timeout: spec.file_timeout.map(|t| t.0),
    };
    options.selection = spec.selection(options.outside().map(Path::to_owned).collect())?;
    if options.poll.is_none() && on_network(&options.folder) {
        warn!(
            "{}: is a network folder, which reports no changes; it is scanned every second",
            options.folder.display()
        );
        options.poll = Some(POLL);
    }
    Ok(options)
}
