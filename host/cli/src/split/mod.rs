//! `filmgate split`: a stream in, pictures out.

mod args;
mod names;
mod tell;

use std::path::Path;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result};
use tracing::warn;

pub use args::SplitArguments;

use super::args::{CrashPolicy, LimitArguments};
use super::events::Events;
use super::exit::{Exit, WithExit};
use super::load::{self, Asked};
use super::{inputs, show};
use filmgate_av::{
    Input, InputSource, MediaError, MediaErrorKind, OpenOptions, check_input_format,
};
use filmgate_core::backoff::{Backoff, rest};
use filmgate_core::cancel::Cancel;
use filmgate_core::frame::PlanePool;
use filmgate_engine::namer::Namer;
use filmgate_engine::pipeline::{Progress, Window, default_workers, nothing_left};
use filmgate_engine::split::{Bound, Choice, Options, Rate, Summary, prepare};
use filmgate_picture::WriteOptions;
use filmgate_plugin::{CodeCache, Engine, Item, Limits, Reference, Supervisor, Value};
use names::Names;

pub fn run(arguments: &SplitArguments, cancel: &Cancel) -> Result<Exit> {
    let names =
        names::names(&arguments.output, arguments.names.as_deref(), arguments.format.as_deref())?;
    let pool = PlanePool::new();
    let engine = Engine::new(&CodeCache::ForUser, &pool, cancel)?;
    let plugins = plugins(arguments, &engine, cancel)?;
    let scene = scene(arguments, &engine, cancel)?;
    make(&names.folder)?;
    let namer = namer(&names.policy, &engine, &names.folder)?;
    let (source, open) = source(arguments, cancel)?;
    let input = open_source(arguments, &source, &open)?;
    inputs::check_start(arguments.start, input.facts().duration, &input)?;
    let item = item(&source, &input);
    let options =
        Options { item, scene, ..options(arguments, source, open, names, plugins.clone()) };
    let prepared = prepare(options, input, namer)?;
    let events = Events::new(arguments.progress_json, &arguments.output);
    let progress = Arc::new(Progress::default());
    let bar = show::Bar::start(&progress, None, arguments.quiet || arguments.progress_json);
    let following = events.follow(&progress, None);
    let (summary, error) = prepared.run(&pool, cancel, &progress);
    drop((bar, following));
    if let Some(error) = error {
        // What is published stays, and people want to know how much that is.
        let count = summary.published;
        return Err(error).with_context(|| format!("after {count} pictures"));
    }
    let exit = exit(&summary)?;
    tell::report(arguments, &summary, &plugins, events, exit)?;
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

fn options(
    arguments: &SplitArguments,
    source: InputSource,
    open: OpenOptions,
    names: Names,
    plugins: Vec<Arc<Supervisor>>,
) -> Options {
    let rate = match (arguments.every, arguments.fps) {
        (Some(n), _) => Rate::Every(n),
        (_, Some(rate)) => Rate::PerSecond(rate),
        _ => Rate::All,
    };
    Options {
        source,
        open,
        folder: names.folder,
        format: names.format,
        write: WriteOptions {
            quality: arguments.quality,
            subsampling: arguments.subsampling.into(),
        },
        window: Window {
            start: arguments.start.unwrap_or(0),
            duration: arguments.duration,
            max_frames: arguments.max_frames,
        },
        choice: Choice { keyframes: arguments.keyframes, rate },
        scene: None,
        plugins,
        workers: arguments.workers.map_or_else(default_workers, usize::from),
        once: arguments.once,
        live: arguments.live,
        bound: Bound { pictures: arguments.keep, age: arguments.keep_for },
        sync: arguments.sync,
        item: None,
    }
}

/// How long libav looks into a stream before pictures come, in microseconds of it: its own default
/// is five seconds.
const LOOK: (&str, &str) = ("analyzeduration", "1000000");

fn source(arguments: &SplitArguments, cancel: &Cancel) -> Result<(InputSource, OpenOptions)> {
    let named = arguments.input_format.as_deref();
    if let Some(format) = named {
        check_input_format(format).map_err(|e| WithExit::new(Exit::Usage, e.message))?;
    }
    let source = InputSource::parse(arguments.input.as_os_str(), named);
    inputs::check_stdin(usize::from(source == InputSource::Pipe(None)))?;
    let mut format_options = arguments.input_option.clone();
    let (key, value) = LOOK;
    let url = matches!(source, InputSource::Url(_));
    if url && !format_options.iter().any(|(k, _)| k == key) {
        format_options.push((key.to_owned(), value.to_owned()));
    }
    let options = OpenOptions {
        deadline: arguments.open_timeout,
        silence: arguments.stall,
        format: arguments.input_format.clone(),
        format_options,
        ..OpenOptions::files(cancel)
    };
    Ok((source, options))
}

/// Opens the source; with `--wait`, as soon as it is there.
fn open_source(
    arguments: &SplitArguments,
    source: &InputSource,
    options: &OpenOptions,
) -> Result<Input> {
    let mut backoff = Backoff::default();
    loop {
        match Input::open_source(source, options) {
            Ok(input) => return Ok(input),
            Err(e) if !arguments.wait || !may_come(e.kind) => return Err(inputs::unusable(e)),
            Err(e) => warn!("{e}; it is waited for"),
        }
        // Stopped, the next attempt says so.
        rest(backoff.delay(), &options.cancel);
    }
}

/// Whether waiting may help.
fn may_come(kind: MediaErrorKind) -> bool {
    use MediaErrorKind::*;
    !matches!(kind, Cancelled | OutOfMemory | NotAllowed | Unsupported)
}

/// What names may tell of the source, where it is a file.
fn item(source: &InputSource, input: &Input) -> Option<Item> {
    let InputSource::File(path) = source else { return None };
    let facts = std::fs::metadata(path).ok()?;
    let modified = facts.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    let stream = input.best_video().ok().and_then(|i| input.facts().streams.get(i))?;
    let mut properties = vec![("codec".to_owned(), Value::Text(stream.codec.clone()))];
    if let Some(video) = &stream.video {
        properties.push(("width".to_owned(), Value::Integer(video.width.into())));
        properties.push(("height".to_owned(), Value::Integer(video.height.into())));
    }
    Some(Item {
        path: path.file_name()?.to_string_lossy().into_owned(),
        size: facts.len(),
        modified: i64::try_from(modified.as_micros()).unwrap_or(i64::MAX),
        properties,
    })
}

fn make(folder: &Path) -> Result<()> {
    match std::fs::create_dir(folder) {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => {
            let message = format!("{}: the folder cannot be made: {e}", folder.display());
            Err(WithExit::new(Exit::OutputUnwritable, message).into())
        }
        Err(_) if !folder.is_dir() => {
            let message = format!("{}: is no folder", folder.display());
            Err(WithExit::new(Exit::OutputUnwritable, message).into())
        }
        _ => Ok(()),
    }
}

fn namer(policy: &Reference, engine: &Engine, folder: &Path) -> Result<Namer> {
    let policy = load::one(policy, engine, &Limits::default())?;
    Ok(Namer::new(policy.plugin, policy.parameters, folder)?)
}

fn plugins(
    arguments: &SplitArguments,
    engine: &Engine,
    cancel: &Cancel,
) -> Result<Vec<Arc<Supervisor>>> {
    let asked = Asked {
        texts: &arguments.plugins,
        settings: &[],
        limits: &arguments.limits,
        on_failure: arguments.on_failure,
    };
    // No picture takes another file's place, so that nothing that is read can be overwritten.
    Ok(load::plugins(&asked, engine, cancel)?.plugins)
}

/// The plugin that finds scenes, where they are asked for.
fn scene(
    arguments: &SplitArguments,
    engine: &Engine,
    cancel: &Cancel,
) -> Result<Option<Arc<Supervisor>>> {
    let Some(threshold) = arguments.scene else { return Ok(None) };
    let text = format!("scene:threshold={threshold}");
    let limits = LimitArguments { grant: Vec::new(), ..arguments.limits.clone() };
    let on_failure = CrashPolicy::Fail;
    let asked = Asked { texts: &[text], settings: &[], limits: &limits, on_failure };
    Ok(load::plugins(&asked, engine, cancel)?.plugins.pop())
}
