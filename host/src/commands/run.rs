//! `filmgate run`: one video through a chain of plugins.

use std::sync::Arc;

use anyhow::Result;
use tracing::warn;

use super::args::{CrashPolicy, RunArguments};
use super::exit::Exit;
use super::out::{print_json, tell};
use super::{inputs, outputs, show};
use crate::cancel::Cancel;
use crate::pipeline::{FileJob, Progress, Summary, default_workers};
use crate::plugin::{
    CodeCache, Engine, OnFailure, Plugin, Reference, Supervisor, catalogue, resolve,
};

pub fn run(arguments: &RunArguments, cancel: &Cancel) -> Result<Exit> {
    let output = outputs::plan(arguments)?;
    let engine = Engine::new(&CodeCache::ForUser, cancel)?;
    let plugins = load_plugins(arguments, &engine, cancel)?;
    let mut opened = inputs::open(arguments, cancel)?;
    let job = FileJob {
        output: output.target.clone(),
        format: output.format,
        replace: arguments.overwrite,
        plugins,
        encode: output.encode,
        window: arguments.reading.window(),
        selection: inputs::selection(arguments, &opened[0])?,
        workers: arguments.workers.map_or_else(default_workers, usize::from),
        decoder_threads: 0,
        accept_truncated: arguments.accept_truncated,
    };
    let first = opened.remove(0);
    let prepared = job.prepare(first, opened, cancel)?;
    for reason in &prepared.summary().missing {
        warn!("not all of it is in the output: {reason}");
    }
    for reason in &prepared.summary().left_out {
        warn!("not in the output: {reason}");
    }
    let progress = Arc::new(Progress::default());
    let bar = show::Bar::start(&progress, prepared.duration(), arguments.quiet);
    let result = prepared.run(engine.pool(), cancel, &progress);
    drop(bar);
    let summary = match result {
        Err(error) if outputs::is_left_by_its_reader(&error, &output.target) => {
            return Ok(Exit::Done);
        }
        other => other?,
    };
    report(arguments, &summary)?;
    Ok(exit(&summary))
}

/// Finds, loads and checks all plugins and their parameters, before anything else is touched.
fn load_plugins(
    arguments: &RunArguments,
    engine: &Engine,
    cancel: &Cancel,
) -> Result<Vec<Arc<Supervisor>>> {
    let folders = catalogue::folders();
    let limits = arguments.limits.limits();
    let on_failure = match arguments.on_failure {
        CrashPolicy::Fail => OnFailure::Fail,
        CrashPolicy::Bypass => OnFailure::Bypass,
    };
    let mut plugins = Vec::with_capacity(arguments.plugins.len());
    for text in &arguments.plugins {
        let reference = Reference::parse(text)?;
        let path = catalogue::find(&reference.name, &folders)?;
        let plugin = Plugin::load(engine, &path, &limits)?;
        let parameters = resolve(&plugin.description, &reference.parameters)?;
        plugins.push(Arc::new(Supervisor::new(Arc::new(plugin), parameters, on_failure, cancel)));
    }
    Ok(plugins)
}

fn report(arguments: &RunArguments, summary: &Summary) -> Result<()> {
    if summary.damaged > 0 {
        warn!(
            "{} packets of the input could not be decoded and are missing; RUST_LOG=warn says why",
            summary.damaged
        );
    }
    if summary.nudged > 0 {
        warn!("{} timestamps did not rise and were moved by one tick", summary.nudged);
    }
    if summary.jumps > 0 {
        warn!("the input's clock jumped {} times; that was taken out", summary.jumps);
    }
    if arguments.json.json {
        print_json(&show::summary_json(arguments, summary))?;
    } else if !arguments.quiet {
        tell(show::summary_text(arguments, summary));
    }
    Ok(())
}

fn exit(summary: &Summary) -> Exit {
    let bypassed = summary.plugins.iter().any(|p| p.bypassed > 0);
    let missing = !summary.missing.is_empty();
    match bypassed || missing || summary.damaged > 0 || summary.truncated.is_some() {
        true => Exit::Partly,
        false => Exit::Done,
    }
}
