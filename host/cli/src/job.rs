//! The verbs `run`, `encode`, `split` and `frame`: one job, from its description to what is told of
//! it.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};
use tracing::warn;

use super::config::placed;
use super::events::Events;
use super::exit::{Exit, message};
use super::job_text as text;
use super::locked::{self, Locked};
use super::options::Mode;
use super::out::{self, print, print_json, tell};
use super::preview::{self, Screen};
use super::show::Bar;
use super::stopping::Notice;
use filmgate_av::MediaErrorKind;
use filmgate_core::cancel::Cancel;
use filmgate_engine::graph::{Doing, Progress};
use filmgate_engine::sink::Watched;
use filmgate_engine::spec::{JobSpec, Verb};
use filmgate_engine::{
    Done, Job, Outcome, PipelineError, Plan, Reach, Report, Surroundings, prepare,
};
use filmgate_plugin::PluginRecord;

/// Carries out a job of the verb whose options are `A`.
pub(super) fn run<A: Args>(spec: JobSpec, mode: Mode, cancel: &Cancel) -> Result<Exit> {
    let Some(spec) = mode.complete::<A>(spec)? else { return Ok(Exit::Done) };
    let config = mode.config.clone();
    let events = Events::new(spec.progress_json, spec.writes_to_stdout());
    match work(&spec, mode, events, cancel) {
        Ok(Ended { failure: Some(failure), .. }) => Err(failure),
        Ok(Ended { exit, .. }) => Ok(exit),
        Err(error) => events.tell_failure(Err(placed(config.as_deref(), error))),
    }
}

/// How a job ended that was told of as a whole.
struct Ended {
    exit: Exit,
    /// what went wrong with one of the outputs, while others went on
    failure: Option<anyhow::Error>,
}

impl From<Exit> for Ended {
    fn from(exit: Exit) -> Ended {
        Ended { exit, failure: None }
    }
}

fn work(spec: &JobSpec, mode: Mode, events: Events, cancel: &Cancel) -> Result<Ended> {
    let surroundings =
        Surroundings { config: mode.config, command: out::command(), dry_run: mode.dry_run };
    let mut reach = Reach::of(spec);
    // An error that comes late is told with its place in the file.
    reach.reads.extend(surroundings.config.clone());
    let locked = locked::for_job(&reach, spec.sandbox, mode.dry_run, cancel)?;
    let screen = Some(()).filter(|()| spec.preview && !mode.dry_run);
    let mut screen = screen.map(|()| Screen::open()).transpose()?;
    let mut job = prepare(spec, &surroundings, cancel)?;
    if mode.dry_run {
        let plan = job.plan();
        if spec.json {
            print_json(&PlanText::new(spec, &plan, &job, &locked))?;
        } else {
            print(&text::plan(spec, &plan, job.plugins(), &locked.text()))?;
        }
        return Ok(Exit::Done.into());
    }
    events.emit("start", serde_json::to_value(PlanText::new(spec, &job.plan(), &job, &locked))?);
    let progress = Arc::new(Progress::default());
    let quiet = spec.quiet || spec.progress_json || spec.preview;
    let shown = job.chain().output.clone();
    if spec.verb == Verb::Run
        && let Some(screen) = screen.take()
    {
        job.observe(preview::observer(screen, shown.clone()));
    }
    let bar = Bar::start(&progress, job.duration(), quiet || spec.verb == Verb::Frame);
    let pushes = job.pushes();
    let look = move || {
        if pushes.is_empty() {
            json!({})
        } else {
            json!({ "pushes": pushes.iter().map(Watched::look).collect::<Vec<_>>() })
        }
    };
    let following = events.follow(&progress, job.duration(), look);
    let stopping = Notice::start(cancel, waits_for(&progress));
    let mut done = job.run(&progress);
    drop((bar, following, stopping));
    if let (Some(mut screen), Some(picture)) = (screen, done.picture.take()) {
        screen.show(&picture, &shown)?;
    }
    if let Some(error) = done.error.take() {
        return failed(spec, error, &done, events);
    }
    ended(spec, done, events)
}

/// What a job waits for that is stopped.
fn waits_for(progress: &Arc<Progress>) -> impl Fn() -> &'static str + Send + 'static {
    let progress = Arc::clone(progress);
    move || match progress.doing() {
        Doing::Frames => "the decoder or a plugin to finish a frame",
        Doing::Encode => "the encoder to finish a frame",
        Doing::Finish => "the encoder's last frames and the disk",
    }
}

/// A job that ended with an error.
fn failed(spec: &JobSpec, error: PipelineError, done: &Done, events: Events) -> Result<Ended> {
    if is_left_by_its_reader(spec, &error) {
        events.emit("result", json!({ "status": "done", "exit": 0, "left_by_reader": true }));
        return Ok(Exit::Done.into());
    }
    let result = Err(error);
    match &done.report.images {
        // What is published stays, and people want to know how much that is.
        Some(images) if images.published > 0 => {
            result.with_context(|| format!("after {} pictures", images.published))
        }
        _ => Ok(result?),
    }
}

/// Whether a job ended because the reader of its standard output went away (`| head`), and nothing
/// else was asked for: no fault.
fn is_left_by_its_reader(spec: &JobSpec, error: &PipelineError) -> bool {
    let gone = MediaErrorKind::Write(std::io::ErrorKind::BrokenPipe);
    let alone = spec.output == [Path::new("-")] && spec.tags.is_none() && spec.receipt.is_none();
    alone && matches!(error, PipelineError::Media(e) if e.kind == gone)
}

fn ended(spec: &JobSpec, mut done: Done, events: Events) -> Result<Ended> {
    let failure = done.report.failure.take().map(anyhow::Error::from);
    let exit = match (&failure, done.report.outcome()) {
        (Some(error), _) => Exit::of(error),
        (None, Outcome::Done) => Exit::Done,
        (None, Outcome::Partly) => Exit::Partly,
        (None, Outcome::Lost) => Exit::OutputLost,
        (None, Outcome::Interrupted) => Exit::Interrupted,
    };
    let mut summary = serde_json::to_value(Summary::new(spec, &done.report, exit))?;
    if let Some(error) = &failure {
        summary["error"] = json!(message(error));
    }
    let said = words(spec, &done.report);
    done.publish(&summary)?;
    if spec.json {
        print_json(&summary)?;
    } else if !spec.quiet && !spec.progress_json {
        tell(said);
    }
    events.emit("result", summary);
    Ok(Ended { exit, failure })
}

/// Warnings about what went wrong on the way, and the summary.
fn words(spec: &JobSpec, report: &Report) -> String {
    if report.damaged_packets > 0 && report.images.is_none() {
        warn!(
            "{} packets of the input are damaged and missing in the output; RUST_LOG=warn says why",
            report.damaged_packets
        );
    }
    if report.undecodable_lead > 0 {
        warn!(
            "the input starts inside a group of pictures: {} pictures before its first key frame \
             cannot be decoded and are missing",
            report.undecodable_lead
        );
    }
    if report.nudged_timestamps > 0 {
        warn!("{} timestamps did not rise and were moved by one tick", report.nudged_timestamps);
    }
    if report.clock_jumps > 0 {
        warn!("removed {} timestamp discontinuities from the input", report.clock_jumps);
    }
    text::summary(spec, report)
}

/// What a job reads and writes, as it was given.
#[derive(Serialize)]
struct Names {
    input: Option<String>,
    inputs: Vec<String>,
    output: Option<String>,
}

/// All outputs of a plan.
fn outputs(spec: &JobSpec) -> Vec<String> {
    spec.output.iter().chain(&spec.also).map(|path| out::text(path)).collect()
}

impl Names {
    fn new(spec: &JobSpec) -> Names {
        let inputs = spec.input.iter().chain(&spec.fifo).chain(&spec.image);
        let inputs: Vec<String> = inputs.map(|path| out::text(path)).collect();
        let output = spec.output.first().map(|path| out::text(path));
        Names { input: inputs.first().cloned(), inputs, output }
    }
}

/// The summary for programs (docs/json.md).
#[derive(Serialize)]
struct Summary<'a> {
    status: &'static str,
    exit: u8,
    #[serde(flatten)]
    names: Names,
    #[serde(flatten)]
    report: &'a Report,
}

impl<'a> Summary<'a> {
    fn new(spec: &JobSpec, report: &'a Report, exit: Exit) -> Summary<'a> {
        Summary { status: exit.status(), exit: exit as u8, names: Names::new(spec), report }
    }
}

/// The plan for programs (docs/json.md).
#[derive(Serialize)]
struct PlanText<'a> {
    #[serde(flatten)]
    names: Names,
    #[serde(flatten)]
    plan: &'a Plan,
    outputs: Vec<String>,
    plugins: Vec<PluginRecord>,
    conversions: &'a [String],
    sandbox: Value,
}

impl<'a> PlanText<'a> {
    fn new(spec: &JobSpec, plan: &'a Plan, job: &'a Job, locked: &Locked) -> PlanText<'a> {
        PlanText {
            names: Names::new(spec),
            plan,
            outputs: outputs(spec),
            plugins: job.plugins().iter().map(|p| PluginRecord::supervised(p)).collect(),
            conversions: &job.report().conversions,
            sandbox: locked.json(),
        }
    }
}
