//! `filmgate run`: one video through a chain of plugins.

use std::io::ErrorKind;
use std::sync::Arc;

use anyhow::Result;
use serde_json::{Value, json};
use tracing::warn;

use super::events::Events;
use super::exit::Exit;
use super::options::{Mode, RunArguments};
use super::out::{print_json, tell};
use super::reports::{self, Reports};
use super::{plan, show};
use filmgate_av::MediaErrorKind;
use filmgate_core::cancel::Cancel;
use filmgate_core::frame::PlanePool;
use filmgate_engine::job::{self, Target};
use filmgate_engine::pipeline::{FileJob, PipelineError, Prepared, Progress, Summary};
use filmgate_engine::spec::JobSpec;
use filmgate_plugin::{CodeCache, Engine, Supervisor};

pub fn run(arguments: RunArguments, cancel: &Cancel) -> Result<Exit> {
    let mode = arguments.reports.mode.clone();
    let Some(spec) = mode.complete(arguments.spec())? else { return Ok(Exit::Done) };
    let events = Events::of(&spec);
    events.tell_failure(work(&spec, &mode, events, cancel))
}

fn work(spec: &JobSpec, mode: &Mode, events: Events, cancel: &Cancel) -> Result<Exit> {
    let mut files = mode.files(spec);
    files.check()?;
    let mut outputs = job::outputs(spec)?;
    let mut encode = job::encoder(spec, &outputs)?;
    reports::check(spec)?;
    let engine = Engine::new(&CodeCache::ForUser, cancel)?;
    let loaded = spec.plugins().load(&engine, cancel)?;
    loaded.add_to(&mut files);
    files.check()?;
    let plugins = loaded.supervisors;
    let mut opened = job::open(spec, cancel)?;
    let first = opened.remove(0);
    let selection = job::selection(spec, &first)?;
    job::set_keyframe_interval(&mut encode, spec, job::input_rate(&first, &selection));
    let output = outputs.remove(0);
    let target = output.target.clone();
    let job = FileJob {
        output,
        replace: spec.overwrite,
        plugins: plugins.clone(),
        encode,
        window: job::window(spec),
        selection,
        workers: job::workers(spec),
        decoder_threads: 0,
        accept_truncated: spec.accept_truncated,
        dry_run: mode.dry_run,
        compare: spec.compare,
    };
    let prepared = job.prepare(first, opened, cancel)?;
    for reason in &prepared.summary().missing {
        warn!("not all of it is in the output: {reason}");
    }
    if mode.dry_run {
        plan::show(spec, &prepared.plan(), &plugins)?;
        return Ok(Exit::Done);
    }
    for reason in &prepared.summary().left_out {
        warn!("not in the output: {reason}");
    }
    match carry_out(spec, prepared, &plugins, events, engine.pool(), cancel) {
        Err(error) if is_left_by_its_reader(spec, &error, &target) => {
            events.emit("result", json!({ "status": "done", "exit": 0, "left_by_reader": true }));
            Ok(Exit::Done)
        }
        other => other,
    }
}

/// Whether the job ended because the reader of its standard output closed it (`| head`), and nothing
/// else was asked for. This is no error.
fn is_left_by_its_reader(spec: &JobSpec, error: &anyhow::Error, target: &Target) -> bool {
    let has_reports = spec.tags.is_some() || spec.receipt.is_some();
    *target == Target::Stdout && !has_reports && is_broken_pipe(error)
}

pub(super) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let gone = MediaErrorKind::Write(ErrorKind::BrokenPipe);
    matches!(error.downcast_ref(), Some(PipelineError::Media(e)) if e.kind == gone)
}

/// Runs the job and writes what is to be told of it.
fn carry_out(
    spec: &JobSpec,
    mut prepared: Prepared,
    plugins: &[Arc<Supervisor>],
    events: Events,
    pool: &PlanePool,
    cancel: &Cancel,
) -> Result<Exit> {
    let plan = plan::json(spec, &prepared.plan(), plugins);
    let reports = Reports::begin(spec, &plan, &mut prepared)?;
    let progress = Arc::new(Progress::default());
    let duration = prepared.duration();
    events.emit("start", plan);
    let bar = show::Bar::start(&progress, duration, spec.quiet);
    let following = events.follow(&progress, duration);
    let result = prepared.run(pool, cancel, &progress);
    drop((bar, following));
    let summary = result?;
    let exit = exit(&summary);
    let json = show::summary_json(spec, &summary, plugins, exit);
    reports.publish(&json, cancel)?;
    report(spec, &summary, &json)?;
    events.emit("result", json);
    Ok(exit)
}

fn report(spec: &JobSpec, summary: &Summary, json: &Value) -> Result<()> {
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
    if spec.json {
        print_json(json)?;
    } else if !spec.quiet && !spec.progress_json {
        tell(show::summary_text(spec, summary));
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
