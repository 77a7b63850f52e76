//! `filmgate encode`: raw frames in, encoded streams out, to files and servers.

use std::sync::Arc;

use anyhow::Result;
use serde_json::{Value, json};
use tracing::warn;

use super::encode_show as show;
use super::events::Events;
use super::exit::Exit;
use super::options::{EncodeArguments, Mode};
use super::out::{print_json, tell};
use super::plan;
use super::receipt::Receipt;
use super::run::is_broken_pipe;
use super::show::Bar;
use filmgate_core::cancel::Cancel;
use filmgate_core::publish;
use filmgate_engine::encode::{Job, Stop, Summary, Watched};
use filmgate_engine::job;
use filmgate_engine::pipeline::Progress;
use filmgate_engine::spec::JobSpec;
use filmgate_plugin::{CodeCache, Engine};

pub(super) fn run(arguments: EncodeArguments, cancel: &Cancel) -> Result<Exit> {
    let mode = arguments.reports.mode.clone();
    let Some(spec) = mode.complete(arguments.spec())? else { return Ok(Exit::Done) };
    let events = Events::of(&spec);
    let is_stdout_alone = matches!(&spec.output[..], [one] if one.as_os_str() == "-");
    events.tell_failure(match work(&spec, &mode, events, cancel) {
        // The reader closed it (`| head`).
        Err(error) if is_stdout_alone && is_broken_pipe(&error) => Ok(Exit::Done),
        other => other,
    })
}

fn work(spec: &JobSpec, mode: &Mode, events: Events, cancel: &Cancel) -> Result<Exit> {
    let stop = Stop { gently: cancel.clone(), ..Stop::default() };
    let mut files = mode.files(spec);
    files.check()?;
    let outputs = job::outputs(spec)?;
    let mut encode = job::encoder(spec, &outputs)?;
    job::set_keyframe_interval(&mut encode, spec, None);
    if let Some(receipt) = &spec.receipt {
        publish::check(receipt, spec.overwrite)?;
    }
    // A gentle stop must not end a call of a plugin.
    let engine = Engine::new(&CodeCache::ForUser, &stop.hard)?;
    let loaded = spec.plugins().load(&engine, &stop.hard)?;
    loaded.add_to(&mut files);
    files.check()?;
    let outline = plan::outline_json(spec, Some(&encode), &loaded.supervisors);
    if mode.dry_run {
        job::check_source(spec, engine.pool(), &stop)?;
        plan::show_outline(spec, Some(&encode), &loaded.supervisors)?;
        return Ok(Exit::Done);
    }
    let source = job::encode_source(spec, engine.pool(), &stop)?;
    let job = Job {
        pictures: source.pictures,
        sound: job::encode_audio(spec, &stop)?,
        plugins: loaded.supervisors,
        encode,
        outputs,
        service: job::service(spec),
        workers: job::workers(spec),
        realtime: spec.realtime,
    };
    let prepared = job.prepare(&stop)?;
    let receipt = Receipt::begin(spec, outline)?;
    events.emit("start", show::start_json(prepared.summary()));
    let progress = Arc::new(Progress::default());
    let bar = Bar::start(&progress, None, spec.quiet);
    let pushes = prepared.pushes();
    let look = move || json!({ "pushes": pushes.iter().map(Watched::look).collect::<Vec<_>>() });
    let following = events.follow_with(&progress, None, look);
    let result = prepared.run(engine.pool(), &stop, &progress);
    drop((bar, following));
    let summary = result?;
    let exit = exit(&summary);
    let json = show::summary_json(&summary, exit);
    report(spec, &summary, &json)?;
    if let Some(failure) = summary.failure {
        return Err(failure.into());
    }
    if let Some(receipt) = receipt {
        // The job may have been stopped gently; its outputs are complete all the same.
        receipt.publish(&json, &stop.hard)?;
    }
    events.emit("result", json);
    Ok(exit)
}

fn report(spec: &JobSpec, summary: &Summary, json: &Value) -> Result<()> {
    let damaged = summary.ended.damaged;
    if damaged > 0 {
        warn!("{damaged} packets of the input could not be decoded and are missing");
    }
    if spec.json {
        print_json(json)?;
    } else if !spec.quiet {
        tell(show::summary_text(summary));
    }
    Ok(())
}

fn exit(summary: &Summary) -> Exit {
    let pushes = || summary.outputs.iter().filter_map(|o| o.push.as_ref());
    let incomplete = summary.plugins.iter().any(|p| p.incomplete);
    let cut = summary.ended.partial > 0 || summary.ended.damaged > 0;
    let lost =
        |p: &filmgate_engine::encode::PushSummary| p.account.dropped > 0 || p.account.unsure > 0;
    match () {
        // What was handed to connections that broke at once need not have arrived.
        () if pushes().any(|p| p.account.delivered <= p.account.unsure) => Exit::OutputLost,
        () if incomplete || cut || pushes().any(lost) => Exit::Partly,
        () => Exit::Done,
    }
}
