//! `filmgate split`: a stream in, images out.

mod tell;

use std::sync::Arc;

use anyhow::{Context, Result};

use super::events::Events;
use super::exit::Exit;
use super::options::{Mode, SplitArguments};
use super::receipt::Receipt;
use super::{plan, show};
use filmgate_av::{MediaError, MediaErrorKind};
use filmgate_core::cancel::Cancel;
use filmgate_core::publish;
use filmgate_engine::job;
use filmgate_engine::pipeline::{Progress, nothing_left};
use filmgate_engine::spec::JobSpec;
use filmgate_engine::split::{Options, Summary, prepare};
use filmgate_plugin::{CodeCache, Engine};

pub fn run(arguments: SplitArguments, cancel: &Cancel) -> Result<Exit> {
    let mode = arguments.reports.mode.clone();
    let Some(spec) = mode.complete(arguments.spec())? else { return Ok(Exit::Done) };
    let events = Events::of(&spec);
    events.tell_failure(work(&spec, &mode, events, cancel))
}

fn work(spec: &JobSpec, mode: &Mode, events: Events, cancel: &Cancel) -> Result<Exit> {
    let names = job::names(spec)?;
    let mut files = mode.files(spec);
    files.check()?;
    if let Some(receipt) = &spec.receipt {
        publish::check(receipt, spec.overwrite)?;
    }
    let engine = Engine::new(&CodeCache::ForUser, cancel)?;
    let loaded = spec.plugins().load(&engine, cancel)?;
    loaded.add_to(&mut files);
    files.check()?;
    let plugins = loaded.supervisors;
    let scene = job::scene(spec, &engine, cancel)?;
    let outline = plan::outline_json(spec, None, &plugins);
    if !mode.dry_run {
        job::make_folder(&names.folder)?;
    }
    let namer = job::namer(&names, &engine)?;
    let (source, open) = job::live_source(spec, cancel)?;
    let input = job::open_live(spec, &source, &open)?;
    if mode.dry_run {
        plan::show_outline(spec, None, &plugins)?;
        return Ok(Exit::Done);
    }
    let item = job::item(&source, &input);
    let options = job::image_options(spec, source, open, &names, plugins.clone());
    let prepared = prepare(Options { item, scene, ..options }, input, namer)?;
    let receipt = Receipt::begin(spec, outline)?;
    let progress = Arc::new(Progress::default());
    let bar = show::Bar::start(&progress, None, spec.quiet || spec.progress_json);
    let following = events.follow(&progress, None);
    let (summary, error) = prepared.run(engine.pool(), cancel, &progress);
    drop((bar, following));
    if let Some(error) = error {
        // What is published stays, and people want to know how much that is.
        let count = summary.published;
        return Err(error).with_context(|| format!("after {count} pictures"));
    }
    let exit = exit(&summary)?;
    let json = tell::summary_json(spec, &summary, &plugins, exit);
    if let Some(receipt) = receipt {
        // Stopping a live source is how it ends: the receipt is written all the same.
        receipt.publish(&json, &Cancel::new())?;
    }
    tell::report(spec, &summary, json, events)?;
    Ok(exit)
}

/// A live source is ended by somebody; that is no accident.
fn exit(summary: &Summary) -> Result<Exit> {
    let source = &summary.continuity;
    if summary.interrupted {
        return Ok(if summary.endless { Exit::Done } else { Exit::Interrupted });
    }
    if summary.published == 0 {
        let dropped = source.broken.is_none().then(|| nothing_left(&summary.plugins)).flatten();
        return Err(dropped
            .map_or_else(|| no_pictures(source.broken.as_deref()).into(), anyhow::Error::from));
    }
    let incomplete = summary.plugins.iter().any(|p| p.incomplete);
    let missing = source.damaged > 0 || source.lost > 0 || source.broken.is_some();
    Ok(if incomplete || missing { Exit::Partly } else { Exit::Done })
}

fn no_pictures(broken: Option<&str>) -> MediaError {
    let why = broken.unwrap_or(
        "the source holds none that can be decoded, the part asked for lies behind its end, or \
         none was chosen",
    );
    MediaError { kind: MediaErrorKind::Decode, message: format!("there is not one picture: {why}") }
}
