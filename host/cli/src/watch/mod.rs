//! `filmgate watch`: converts the files of a folder as they come.

mod args;
mod plan;
mod printer;
mod status;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anyhow::{Context, Result};
use sd_notify::NotifyState;
use signal_hook::consts::{SIGHUP, SIGIO};
use signal_hook::flag;

pub use args::WatchArguments;

use super::config;
use super::exit::Exit;
use super::locked;
use super::options::Mode;
use super::out::print_json;
use super::stopping::Notice;
use filmgate_core::cancel::Cancel;
use filmgate_core::collide::Files;
use filmgate_engine::spec::Merge;
use filmgate_watch::{Hooks, Stats, WatchSpec, prepare};
use printer::Printer;

pub fn run(arguments: WatchArguments, json_log: bool, stop: &Cancel) -> Result<Exit> {
    let mode = arguments.reports.mode.clone();
    let is_status = arguments.journal.status;
    let mut spec = arguments.spec();
    if mode.config_schema {
        print_json(&config::schema::<WatchArguments, WatchSpec>("watch"))?;
        return Ok(Exit::Done);
    }
    if let Some(path) = &mode.config {
        spec.or_from(config::read::<WatchArguments, WatchSpec>(path)?);
    }
    if is_status {
        return status::show(&spec);
    }
    work(&spec, &mode, json_log, stop)
}

fn work(spec: &WatchSpec, mode: &Mode, json_log: bool, stop: &Cancel) -> Result<Exit> {
    let mut files = Files::default();
    if let Some(config) = &mode.config {
        files.reads("the configuration", config);
    }
    let locked = if mode.dry_run {
        Some(locked::for_job(&spec.reach(), spec.sandbox, true, stop)?)
    } else {
        locked::for_workers(spec.sandbox, json_log)?;
        None
    };
    // The user's stop ends the watch between two files; plugins are not interrupted.
    let cancel = Cancel::new();
    let prepared = prepare(spec, files, &cancel)?;
    if let Some(locked) = locked {
        return plan::show(spec, &prepared, &locked, stop);
    }
    let stats = Arc::clone(prepared.stats());
    let reload = handle_signals()?;
    let printer = Printer::new(spec, prepared.folder(), &stats);
    let hooks = Hooks {
        reporter: &printer,
        events: spec.events.then(printer::events),
        reload,
        command: std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect(),
    };
    let stopping = Notice::start(stop, || "the files in work to be finished");
    let result = prepared.run(hooks, stop);
    drop(stopping);
    // Only systemd listens, if it started the process.
    let _ = sd_notify::notify(&[NotifyState::Stopping]);
    // One that could not start has nothing to sum up.
    if result.is_ok() || printer.is_ready() {
        printer.finish()?;
    }
    result?;
    Ok(exit(spec.once, &stats, stop))
}

/// A service that is told to stop has done its work.
fn exit(once: bool, stats: &Stats, stop: &Cancel) -> Exit {
    if !once {
        return Exit::Done;
    }
    if stop.is_cancelled() {
        return Exit::Interrupted;
    }
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let failed = count(&stats.failed) + count(&stats.known_failed);
    let bypassed = count(&stats.bypassed) + count(&stats.known_bypassed);
    let missing = failed + bypassed + count(&stats.unsettled) + count(&stats.left);
    if missing == 0 {
        Exit::Done
    } else if count(&stats.done) + count(&stats.known) > count(&stats.known_failed) {
        Exit::Partly
    } else {
        Exit::Failed
    }
}

/// SIGHUP reloads the plugins. SIGIO says that a writer broke a lease, which has been given back by
/// then; by default it would end the process.
fn handle_signals() -> Result<Arc<AtomicBool>> {
    let reload = Arc::<AtomicBool>::default();
    flag::register(SIGHUP, Arc::clone(&reload))
        .and_then(|_| flag::register(SIGIO, Arc::default()))
        .context("signals cannot be handled")?;
    Ok(reload)
}

/// A path of the folder for people: a name may hold anything.
fn shown(path: &Path) -> String {
    filmgate_plugin::harmless(&path.to_string_lossy(), 1000)
}
