//! `filmgate frame`: one frame of a video, through plugins, quickly.

use anyhow::Result;
use serde_json::json;

use super::events::Events;
use super::exit::Exit;
use super::options::{FrameArguments, Mode};
use super::out::print_json;
use super::plan;
use super::receipt::Receipt;
use filmgate_core::cancel::Cancel;
use filmgate_core::publish;
use filmgate_engine::job;
use filmgate_engine::pipeline::StillJob;
use filmgate_engine::spec::JobSpec;
use filmgate_plugin::{CodeCache, Engine};

pub(super) fn run(arguments: FrameArguments, cancel: &Cancel) -> Result<Exit> {
    let mode = arguments.reports.mode.clone();
    let Some(spec) = mode.complete(arguments.spec())? else { return Ok(Exit::Done) };
    let events = Events::of(&spec);
    events.tell_failure(work(&spec, &mode, events, cancel))
}

fn work(spec: &JobSpec, mode: &Mode, events: Events, cancel: &Cancel) -> Result<Exit> {
    let output = plan::first(&spec.output);
    let kind = filmgate_picture::format_of(output)?;
    let mut files = mode.files(spec);
    files.check()?;
    for path in std::iter::once(output).chain(spec.receipt.as_deref()) {
        publish::check(path, spec.overwrite)?;
    }
    let engine = Engine::new(&CodeCache::ForUser, cancel)?;
    let loaded = spec.plugins().load(&engine, cancel)?;
    loaded.add_to(&mut files);
    files.check()?;
    let plugins = loaded.supervisors;
    let mut opened = job::open(spec, cancel)?;
    let outline = plan::outline_json(spec, None, &plugins);
    if mode.dry_run {
        plan::show_outline(spec, None, &plugins)?;
        return Ok(Exit::Done);
    }
    let receipt = Receipt::begin(spec, outline.clone())?;
    events.emit("start", outline);
    let still = StillJob {
        at: spec.at.map_or(0, |t| t.0),
        plugins: plugins.clone(),
        formats: kind.pixel_formats(),
        compare: spec.compare,
    };
    let still = still.run(opened.remove(0), engine.pool())?;
    filmgate_picture::save(&still.picture, output, still.rotation, spec.overwrite)?;
    let bypassed: u64 = plugins.iter().map(|p| p.bypassed()).sum();
    let exit = if bypassed > 0 { Exit::Partly } else { Exit::Done };
    let summary = json!({
        "status": exit.status(),
        "exit": exit as u8,
        "input": spec.input.first().map(|i| i.to_string_lossy()),
        "output": output.to_string_lossy(),
        "timestamp": still.timestamp as f64 / 1e9,
        "width": still.picture.width,
        "height": still.picture.height,
        "format": still.picture.format.name(),
        "bypassed": bypassed,
    });
    if let Some(receipt) = receipt {
        receipt.publish(&summary, cancel)?;
    }
    if spec.json {
        print_json(&summary)?;
    }
    events.emit("result", summary);
    Ok(exit)
}
