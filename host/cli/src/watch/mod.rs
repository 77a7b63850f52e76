//! `filmgate watch`: a folder in, a folder out.

pub(super) mod args;
mod status;
mod tell;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use sd_notify::NotifyState;
use signal_hook::consts::{SIGHUP, SIGIO};
use signal_hook::flag;
use tracing::warn;

pub use args::WatchArguments;

use super::args::{CrashPolicy, LimitArguments};
use super::exit::{Exit, WithExit};
use super::load::{self, Asked, Chain};
use filmgate_core::cancel::Cancel;
use filmgate_core::collide::Files;
use filmgate_core::publish;
use filmgate_engine::namer::Namer;
use filmgate_engine::pipeline::default_workers;
use filmgate_picture::{PictureFormat, WriteOptions};
use filmgate_plugin::{CodeCache, Engine, Limits, Reference};
use filmgate_watch::{
    Journal, Lock, Metrics, Options, Originals, Parts, PluginSet, Selection, Stats, on_network,
    watch,
};
use tell::Printer;

/// How often a network folder is looked through when nobody says.
const POLL: Duration = Duration::from_secs(1);

pub fn run(arguments: &WatchArguments, stop: &Cancel) -> Result<Exit> {
    if arguments.status {
        return status::show(arguments);
    }
    let folders = Folders::check(arguments)?;
    let path = journal_path(arguments, &folders.watched)?;
    let mut files = Files::default();
    arguments.plugin_list.iter().for_each(|list| files.reads("the plugin list", list));
    files.writes("the journal", &path);
    files.check()?;
    // The user's stop ends the watch between two files; nothing breaks a plugin off.
    let cancel = Cancel::new();
    let engine = Engine::new(&CodeCache::ForUser, &cancel)?;
    let namer = namer(arguments, &engine, &folders.output, &mut files)?;
    let plugins = plugins(arguments, &engine, &cancel, &mut files)?;
    files.check()?;
    let _lock = lock(&path)?;
    let journal = Journal::open(&path, on_network(path.parent().unwrap_or(&path)))?;
    if arguments.retry_failed {
        let count = journal.retry_failed()?;
        super::tell(format_args!(
            "{count} files are tried again that failed or passed a broken plugin\n"
        ));
    }
    remember(&journal, arguments, &folders)?;
    let stats = Arc::<Stats>::default();
    let metrics = metrics(arguments, &stats)?;
    let reload = handle_signals()?;
    let printer = Printer::new(arguments, &folders.watched, &stats);
    let options = Options { protected: files, ..options(arguments, folders)? };
    let once = options.once;
    let parts = Parts {
        journal,
        namer,
        plugins,
        pool: engine.pool().clone(),
        stats: Arc::clone(&stats),
        events: arguments.events.then(tell::events),
        reload,
    };
    let result = watch(options, parts, stop, &printer);
    // Nobody may be listening.
    let _ = sd_notify::notify(&[NotifyState::Stopping]);
    drop(metrics);
    printer.finish()?;
    result.map_err(|e| WithExit::new(Exit::Failed, e))?;
    Ok(exit(once, &stats, stop))
}

/// A service that is told to end has done its work.
fn exit(once: bool, stats: &Stats, stop: &Cancel) -> Exit {
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    let failed = count(&stats.failed) + count(&stats.known_failed);
    let bypassed = count(&stats.bypassed) + count(&stats.known_bypassed);
    let missing = failed + bypassed + count(&stats.unsettled) + count(&stats.left);
    match (once, stop.is_cancelled()) {
        (false, _) => Exit::Done,
        (true, true) => Exit::Interrupted,
        (true, false) if missing == 0 => Exit::Done,
        (true, false) if count(&stats.done) + count(&stats.known) > count(&stats.known_failed) => {
            Exit::Partly
        }
        (true, false) => Exit::Failed,
    }
}

/// Where files come from and go to, as whole paths.
struct Folders {
    watched: PathBuf,
    output: PathBuf,
    originals: Originals,
    quarantine: Option<PathBuf>,
}

impl Folders {
    fn check(arguments: &WatchArguments) -> Result<Folders> {
        let folder = &arguments.folder;
        let watched = match folder.canonicalize() {
            Ok(path) if path.is_dir() => path,
            Ok(_) => {
                let message = format!("{}: is no folder", folder.display());
                return Err(WithExit::new(Exit::InputNotMedia, message).into());
            }
            Err(e) => {
                let message = format!("{}: {e}", folder.display());
                return Err(WithExit::new(Exit::InputMissing, message).into());
            }
        };
        let Some(output) = &arguments.output else {
            return Err(WithExit::new(Exit::Usage, "-o FOLDER is missing").into());
        };
        let output = make(output)?;
        let originals = match &arguments.originals {
            args::OriginalsArgument::Keep => Originals::Keep,
            args::OriginalsArgument::Delete => Originals::Delete,
            args::OriginalsArgument::Move(folder) => Originals::Move(make(folder)?),
        };
        let quarantine = arguments.quarantine.as_deref().map(make).transpose()?;
        let moved = match &originals {
            Originals::Move(folder) => Some(folder),
            _ => None,
        };
        for other in [Some(&output), quarantine.as_ref(), moved].into_iter().flatten() {
            if *other == watched || watched.starts_with(other) && !arguments.flat {
                let message = format!(
                    "{}: what goes into {} would be watched and taken for input; name another folder",
                    folder.display(),
                    other.display()
                );
                return Err(WithExit::new(Exit::OutputIsInput, message).into());
            }
        }
        Ok(Folders { watched, output, originals, quarantine })
    }

    /// Folders below the watched one that are not to be looked into.
    fn outside(&self) -> Vec<PathBuf> {
        let mut all = vec![self.output.clone()];
        all.extend(self.quarantine.clone());
        if let Originals::Move(folder) = &self.originals {
            all.push(folder.clone());
        }
        all
    }
}

/// Makes a folder, if its parent is there, and gives its whole path.
fn make(folder: &Path) -> Result<PathBuf> {
    let fail = |e: std::io::Error| {
        WithExit::new(
            Exit::OutputUnwritable,
            format!("{}: the folder cannot be made: {e}", folder.display()),
        )
    };
    match std::fs::create_dir(folder) {
        Ok(()) => publish::sync_parent(folder).map_err(fail)?,
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => return Err(fail(e).into()),
        Err(_) => {}
    }
    let path = folder.canonicalize().map_err(fail)?;
    if !path.is_dir() {
        return Err(fail(std::io::ErrorKind::NotADirectory.into()).into());
    }
    Ok(path)
}

/// The journal lies in the watched folder, where `--status` finds it, or where the user says.
fn journal_path(arguments: &WatchArguments, watched: &Path) -> Result<PathBuf> {
    if let Some(path) = &arguments.journal {
        return Ok(path.clone());
    }
    let folder = watched.join(".filmgate");
    match std::fs::create_dir(&folder) {
        Ok(()) => {}
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(e) => {
            let message = format!(
                "{}: the journal cannot be made there: {e}; --journal FILE puts it elsewhere",
                folder.display()
            );
            return Err(WithExit::new(Exit::OutputUnwritable, message).into());
        }
    }
    Ok(folder.join("journal.db"))
}

fn lock(journal: &Path) -> Result<Lock> {
    let mut path = journal.as_os_str().to_owned();
    path.push(".lock");
    let path = PathBuf::from(path);
    Lock::take(&path).map_err(|e| {
        let (exit, reason) = match e.kind() {
            std::io::ErrorKind::WouldBlock => {
                (Exit::Failed, "another filmgate watches with this journal".to_owned())
            }
            _ => (Exit::OutputUnwritable, e.to_string()),
        };
        WithExit::new(exit, format!("{}: {reason}", path.display())).into()
    })
}

/// So that whoever looks at the journal finds the outputs.
fn remember(journal: &Journal, arguments: &WatchArguments, folders: &Folders) -> Result<()> {
    let json = |list: &[String]| serde_json::to_string(list).unwrap_or_default();
    for (name, value) in [
        ("folder", folders.watched.to_string_lossy().into_owned()),
        ("output", folders.output.to_string_lossy().into_owned()),
        ("include", json(&arguments.include)),
        ("exclude", json(&arguments.exclude)),
        ("flat", arguments.flat.to_string()),
        (
            "outside",
            json(
                &folders
                    .outside()
                    .iter()
                    .map(|p| p.to_string_lossy().into_owned())
                    .collect::<Vec<_>>(),
            ),
        ),
    ] {
        journal.remember(name, &value)?;
    }
    Ok(())
}

fn namer(
    arguments: &WatchArguments,
    engine: &Engine,
    output: &Path,
    files: &mut Files,
) -> Result<Namer> {
    let policy = load::one(&Reference::parse(&arguments.names)?, engine, &Limits::default())?;
    load::add(&policy.files, files);
    Ok(Namer::new(policy.plugin, policy.parameters, output)?)
}

fn plugins(
    arguments: &WatchArguments,
    engine: &Engine,
    cancel: &Cancel,
    files: &mut Files,
) -> Result<PluginSet> {
    let wanted = Wanted {
        texts: arguments.plugins.clone(),
        list: arguments.plugin_list.clone(),
        limits: arguments.limits.clone(),
        on_failure: arguments.on_failure,
        engine: engine.clone(),
        cancel: cancel.clone(),
    };
    // The first time errors keep their exit codes; later ones are only told.
    let first = wanted.load()?;
    first.add_to(files);
    let load = move || wanted.load().map(|c| c.plugins).map_err(|e| super::message(&e));
    Ok(PluginSet::new(first.plugins, Box::new(load)))
}

/// Which plugins, as typed: what is loaded anew on SIGHUP.
struct Wanted {
    texts: Vec<String>,
    list: Option<PathBuf>,
    limits: LimitArguments,
    on_failure: CrashPolicy,
    engine: Engine,
    cancel: Cancel,
}

impl Wanted {
    fn load(&self) -> Result<Chain> {
        let mut texts = self.texts.clone();
        if let Some(list) = &self.list {
            let content = std::fs::read_to_string(list).map_err(|e| {
                WithExit::new(Exit::InputMissing, format!("{}: {e}", list.display()))
            })?;
            let lines = content.lines().map(str::trim);
            texts.extend(lines.filter(|l| !l.is_empty() && !l.starts_with('#')).map(str::to_owned));
        }
        let asked = Asked {
            texts: &texts,
            settings: &[],
            limits: &self.limits,
            on_failure: self.on_failure,
        };
        let chain = load::plugins(&asked, &self.engine, &self.cancel)?;
        if let Some(other) = chain.plugins.iter().find(|s| s.plugin().filter.is_none()) {
            let message = format!("plugin `{}`: is no filter", other.plugin().name());
            return Err(WithExit::new(Exit::PluginWrongInterface, message).into());
        }
        Ok(chain)
    }
}

fn metrics(arguments: &WatchArguments, stats: &Arc<Stats>) -> Result<Option<Metrics>> {
    let Some(address) = &arguments.metrics else { return Ok(None) };
    let metrics =
        Metrics::serve(address, Arc::clone(stats)).map_err(|e| WithExit::new(Exit::Failed, e))?;
    super::tell(format_args!("metrics on http://{}/metrics\n", metrics.address()));
    Ok(Some(metrics))
}

/// SIGHUP loads the plugins anew. SIGIO tells of a lease that is broken by a writer, which finds
/// it given back already; it would end the process.
fn handle_signals() -> Result<Arc<AtomicBool>> {
    let reload = Arc::<AtomicBool>::default();
    flag::register(SIGHUP, Arc::clone(&reload))
        .and_then(|_| flag::register(SIGIO, Arc::default()))
        .context("signals cannot be handled")?;
    Ok(reload)
}

fn options(arguments: &WatchArguments, folders: Folders) -> Result<Options> {
    let outside = folders.outside();
    let usage = |e: String| WithExit::new(Exit::Usage, e);
    let selection =
        Selection::new(&arguments.include, &arguments.exclude, !arguments.flat, outside)
            .map_err(usage)?;
    let poll = match arguments.poll {
        None if cfg!(not(target_os = "linux")) => Some(POLL),
        None if on_network(&folders.watched) => {
            warn!(
                "{}: lies on the network, where nobody tells of changes; it is looked through every \
                 second",
                folders.watched.display()
            );
            Some(POLL)
        }
        other => other,
    };
    let format = match arguments.format.as_deref() {
        None | Some("same") => None,
        Some(name) => Some(PictureFormat::from_ending(name).ok_or_else(|| {
            usage(format!("--format {name}: jpg, png, webp, bmp, tiff and same are known"))
        })?),
    };
    Ok(Options {
        folder: folders.watched,
        selection,
        format,
        write: WriteOptions {
            quality: arguments.quality,
            subsampling: arguments.subsampling.into(),
        },
        originals: folders.originals,
        quarantine: folders.quarantine,
        replace: arguments.overwrite,
        protected: Files::default(),
        once: arguments.once,
        poll,
        settle: arguments.settle,
        // Beside those that compute, some wait for the disk.
        workers: arguments.workers.map_or_else(|| default_workers() + 2, usize::from),
    })
}
