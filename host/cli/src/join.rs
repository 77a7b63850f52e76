//! `filmgate join`: segments joined into one file.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use serde_json::{Value, json};
use tracing::warn;

use super::events::Events;
use super::exit::Exit;
use super::join_show as show;
use super::locked;
use super::options::{JoinArguments, Mode};
use super::out::{command, print_json, tell};
use super::stopping::Notice;
use filmgate_core::cancel::Cancel;
use filmgate_core::collide::Files;
use filmgate_core::words::counted;
use filmgate_engine::Receipt;
use filmgate_engine::graph::Progress;
use filmgate_join::{Inputs, JoinError, JoinReport, JoinSpec, Prepared, prepare_found};

pub fn run(arguments: JoinArguments, cancel: &Cancel) -> Result<Exit> {
    let mode = arguments.reports.mode.clone();
    let spec =
        mode.complete_as::<JoinArguments, _>(arguments.spec(), "join", |s: &mut JoinSpec| {
            s.check()
        })?;
    let Some(spec) = spec else { return Ok(Exit::Done) };
    let events = Events::new(spec.progress_json, false);
    let result = match work(&spec, &mode, events, cancel) {
        Err(error) if is_nothing(&error) && !spec.require => nothing(&spec, events, &error),
        other => other,
    };
    events.tell_failure(result)
}

fn work(spec: &JoinSpec, mode: &Mode, events: Events, cancel: &Cancel) -> Result<Exit> {
    let mut read = Files::default();
    mode.add_to(&mut read);
    let inputs = Inputs::find(spec).map_err(JoinError::from)?;
    let locked = locked::for_job(&inputs.reach(spec), spec.sandbox, mode.dry_run, cancel)?;
    let prepared = prepare_found(spec, inputs, read, cancel)?;
    if mode.dry_run {
        show::plan(spec, prepared.plan(), &locked)?;
        return Ok(Exit::Done);
    }
    prepared.begin()?;
    carry_out(spec, prepared, events, cancel)
}

/// Whether there is nothing to join, which is no error by itself; files that cannot be read are one.
fn is_nothing(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(JoinError::Nothing { unreadable: 0 }))
}

fn nothing(spec: &JoinSpec, events: Events, error: &anyhow::Error) -> Result<Exit> {
    let summary = json!({ "status": "nothing", "exit": 0, "segments": [] });
    if spec.json {
        print_json(&summary)?;
    } else if !spec.quiet && !spec.progress_json {
        tell(format_args!("{error}\n"));
    }
    events.emit("result", summary);
    Ok(Exit::Done)
}

fn carry_out(
    spec: &JoinSpec,
    prepared: Prepared<'_>,
    events: Events,
    cancel: &Cancel,
) -> Result<Exit> {
    for reason in &prepared.plan().left_out {
        warn!("not in the output: {reason}");
    }
    let output = Path::new(&prepared.plan().output);
    let receipt = spec.receipt.as_deref();
    let receipt = receipt
        .map(|path| Receipt::create(path, spec.overwrite, &command(), vec![output.to_owned()]))
        .transpose()?;
    let progress = Arc::new(Progress::default());
    events.emit("start", json!(prepared.plan()));
    let following = events.follow(&progress, prepared.duration(), || json!({}));
    let stopping = Notice::start(cancel, || "the frame in work, or the disk");
    let joined = prepared.run(&progress);
    drop((following, stopping));
    let joined = joined?;
    if let Some(receipt) = receipt {
        let report = joined.report();
        let exit = if report.is_partial() { Exit::Partly } else { Exit::Done };
        let summary = show::summary(report, exit);
        let encoder = json!(report.video.as_ref().map(|v| &v.encoder));
        receipt.with(joined.sources(), plugins(report), encoder).publish(&summary, cancel)?;
    }
    let report = joined.finish()?;
    let exit = if report.is_partial() { Exit::Partly } else { Exit::Done };
    tell_report(spec, &report, exit)?;
    events.emit("result", show::summary(&report, exit));
    Ok(exit)
}

/// The plugins for the receipt.
fn plugins(report: &JoinReport) -> Value {
    let policies = [Some(&report.ordering), report.naming.as_ref()];
    let filters = report.plugins.iter().flatten().map(|p| &p.plugin);
    let plugins: Vec<_> = policies.into_iter().flatten().chain(filters).collect();
    json!(plugins)
}

fn tell_report(spec: &JoinSpec, report: &JoinReport, exit: Exit) -> Result<()> {
    for found in report.damaged.iter().flatten() {
        warn!("{}: {} errors when it is decoded", found.path, found.faults);
    }
    if report.damaged_packets() > 0 {
        warn!(
            "{} packets of the sources could not be decoded and are missing; RUST_LOG=warn shows why",
            report.damaged_packets()
        );
    }
    if report.bypassed() > 0 {
        warn!("{} passed a failed plugin unchanged", counted(report.bypassed(), "frame"));
    }
    if report.is_spoilt() && spec.delete_sources {
        warn!("no source was removed: frames in the output are missing or unchanged");
    }
    for kept in report.not_removed.iter().flatten() {
        warn!("{} was not removed: {}", kept.path, kept.why);
    }
    if spec.json {
        print_json(&show::summary(report, exit))?;
    } else if !spec.quiet && !spec.progress_json {
        tell(show::text(report));
    }
    for bad in &report.bad {
        warn!("left out: {}", bad.why);
    }
    Ok(())
}
