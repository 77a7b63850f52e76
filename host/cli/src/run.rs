//! `filmgate run`: one video through a chain of plugins.

use std::sync::Arc;

use anyhow::Result;
use serde_json::{Value, json};
use tracing::warn;

use super::args::RunArguments;
use super::events::Events;
use super::exit::{Exit, message};
use super::load::{self, Asked};
use super::out::{print_json, tell};
use super::reports::{self, Reports};
use super::{inputs, outputs, plan, show};
use filmgate_core::cancel::Cancel;
use filmgate_core::collide::Files;
use filmgate_core::frame::PlanePool;
use filmgate_engine::pipeline::{FileJob, Prepared, Progress, Summary, Target, default_workers};
use filmgate_plugin::{CodeCache, Engine, Supervisor};

pub fn run(arguments: &RunArguments, cancel: &Cancel) -> Result<Exit> {
    let events = Events::new(arguments.reports.progress_json, &arguments.output);
    let result = work(arguments, events, cancel);
    if let Err(error) = &result {
        let exit = Exit::of(error);
        let fields =
            json!({ "status": exit.status(), "exit": exit as u8, "error": message(error) });
        events.emit("result", fields);
    }
    result
}

fn work(arguments: &RunArguments, events: Events, cancel: &Cancel) -> Result<Exit> {
    let mut files = files(arguments);
    files.check()?;
    let output = outputs::plan(arguments)?;
    reports::check(arguments)?;
    let pool = PlanePool::new();
    let engine = Engine::new(&CodeCache::ForUser, &pool, cancel)?;
    let chain = load::plugins(&asked(arguments), &engine, cancel)?;
    chain.add_to(&mut files);
    files.check()?;
    let plugins = chain.plugins;
    let mut opened = inputs::open(arguments, cancel)?;
    let target = output.target.clone();
    let job = FileJob {
        output: output.target,
        format: output.format,
        replace: arguments.overwrite,
        plugins: plugins.clone(),
        encode: output.encode,
        window: arguments.reading.window(),
        selection: inputs::selection(arguments, &opened[0])?,
        workers: arguments.workers.map_or_else(default_workers, usize::from),
        decoder_threads: 0,
        accept_truncated: arguments.accept_truncated,
        dry_run: arguments.reports.dry_run,
        compare: arguments.reports.compare,
    };
    let first = opened.remove(0);
    let prepared = job.prepare(first, opened, cancel)?;
    for reason in &prepared.summary().missing {
        warn!("not all of it is in the output: {reason}");
    }
    if arguments.reports.dry_run {
        plan::show(arguments, &prepared.plan(), &plugins)?;
        return Ok(Exit::Done);
    }
    for reason in &prepared.summary().left_out {
        warn!("not in the output: {reason}");
    }
    match carry_out(arguments, prepared, &plugins, events, &pool, cancel) {
        Err(error) if wants_no_more(arguments, &error, &target) => {
            events.emit("result", json!({ "status": "done", "exit": 0, "left_by_reader": true }));
            Ok(Exit::Done)
        }
        other => other,
    }
}

/// Whether whoever read standard output had enough, and nothing else was asked for.
fn wants_no_more(arguments: &RunArguments, error: &anyhow::Error, target: &Target) -> bool {
    let reports = &arguments.reports;
    let more = reports.tags.is_some() || reports.receipt.is_some();
    !more && outputs::is_left_by_its_reader(error, target)
}

/// Runs the job and writes what is to be told of it.
fn carry_out(
    arguments: &RunArguments,
    mut prepared: Prepared,
    plugins: &[Arc<Supervisor>],
    events: Events,
    pool: &PlanePool,
    cancel: &Cancel,
) -> Result<Exit> {
    let plan = plan::json(arguments, &prepared.plan(), plugins);
    let reports = Reports::begin(arguments, &plan, &mut prepared)?;
    let progress = Arc::new(Progress::default());
    let duration = prepared.duration();
    events.emit("start", plan);
    let bar = show::Bar::start(&progress, duration, arguments.quiet);
    let following = events.follow(&progress, duration);
    let result = prepared.run(pool, cancel, &progress);
    drop((bar, following));
    let summary = result?;
    let exit = exit(&summary);
    let json = show::summary_json(arguments, &summary, plugins, exit);
    reports.publish(&json, cancel)?;
    report(arguments, &summary, &json)?;
    events.emit("result", json);
    Ok(exit)
}

fn asked(arguments: &RunArguments) -> Asked<'_> {
    Asked {
        texts: &arguments.plugins,
        settings: &arguments.plugin_settings,
        limits: &arguments.limits,
        on_failure: arguments.on_failure,
    }
}

/// What is read and written, as far as the command line says.
fn files(arguments: &RunArguments) -> Files {
    let mut files = Files::default();
    let format = arguments.reading.input_format.as_deref();
    arguments.input.iter().for_each(|i| inputs::add(&mut files, "the input", i, format));
    if let Some(config) = &arguments.config {
        files.reads("the configuration", config);
    }
    outputs::add(&mut files, "the output", &arguments.output);
    let reports = [("--tags", &arguments.reports.tags), ("--receipt", &arguments.reports.receipt)];
    for (option, path) in reports {
        path.iter().for_each(|path| files.writes(option, path));
    }
    files
}

fn report(arguments: &RunArguments, summary: &Summary, json: &Value) -> Result<()> {
    if summary.damaged > 0 {
        warn!(
            "{} packets of the input could not be decoded and are missing; RUST_LOG=warn says why",
            summary.damaged
        );
    }
    if summary.undecodable_lead > 0 {
        warn!(
            "the input starts inside a group of pictures: {} pictures before its first key frame \
             cannot be decoded and are missing",
            summary.undecodable_lead
        );
    }
    if summary.nudged > 0 {
        warn!("{} timestamps did not rise and were moved by one tick", summary.nudged);
    }
    if summary.jumps > 0 {
        warn!("the input's clock jumped {} times; that was taken out", summary.jumps);
    }
    if arguments.json.json {
        print_json(json)?;
    } else if !arguments.quiet && !arguments.reports.progress_json {
        tell(show::summary_text(arguments, summary));
    }
    Ok(())
}

fn exit(summary: &Summary) -> Exit {
    let incomplete = summary.plugins.iter().any(|p| p.incomplete);
    let missing = !summary.missing.is_empty();
    match incomplete || missing || summary.damaged > 0 || summary.truncated.is_some() {
        true => Exit::Partly,
        false => Exit::Done,
    }
}
