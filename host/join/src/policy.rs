//! Ordering and naming plugins: the order of the segments, and the output's name.

use std::path::{Path, PathBuf};

use super::error::JoinError;
use super::segment::Segment;
use super::spec::{JoinSpec, PolicySpec};
use filmgate_av::{Muxer, StreamKind};
use filmgate_engine::PipelineError;
use filmgate_engine::spec::{Request, Single, SpecError};
use filmgate_plugin::{self as plugin, Engine, Item, Naming, Ordering, PluginRecord, Value};

/// A policy that was used, and what decides what it does.
pub(super) struct Policy {
    pub(super) record: PluginRecord,
    /// as it was asked for
    pub(super) text: String,
    pub(super) files: Vec<filmgate_engine::spec::ReadFile>,
}

fn load(wanted: &PolicySpec, engine: &Engine) -> Result<(Single, Policy), PipelineError> {
    let request = Request { plugins: std::slice::from_ref(&wanted.plugin), ..Request::default() };
    let no_plugin = || SpecError::usage(format!("no plugin {wanted}"));
    let mut single = request.load_each(engine)?.pop().ok_or_else(no_plugin)?;
    let used = Policy {
        record: PluginRecord::new(&single.plugin, &single.parameters),
        text: wanted.to_string(),
        files: std::mem::take(&mut single.files),
    };
    Ok((single, used))
}

/// Asks a plugin for the order of segments: their new order, and the reason for each place.
pub(super) fn order(
    spec: &JoinSpec,
    engine: &Engine,
    segments: &[Segment],
) -> Result<(Vec<usize>, Vec<String>, Policy), JoinError> {
    let built_in = || spec.order.unwrap_or_default().plugin().parse().map_err(JoinError::System);
    let wanted = spec.order_plugin.clone().map_or_else(built_in, Ok)?;
    let (single, used) = load(&wanted, engine)?;
    let items: Vec<Item> = segments.iter().map(item).collect();
    let ordering = Ordering::start(&single.plugin, &single.parameters);
    let placed = ordering.and_then(|mut o| o.order(&items)).map_err(PipelineError::from)?;
    let (order, reasons) = placed.into_iter().map(|p| (p.item, p.reason)).unzip();
    Ok((order, reasons, used))
}

/// The output in the folder of `into`, named by a plugin or as given.
pub(super) fn name(
    spec: &JoinSpec,
    folder: &Path,
    engine: &Engine,
    segments: &[Segment],
) -> Result<(PathBuf, Option<Policy>), JoinError> {
    let wanted = spec.format.as_deref().unwrap_or("mp4");
    let format = Muxer::format_for(Path::new(""), Some(wanted))?;
    if let Some(name) = &spec.dest_name {
        let path = Path::new(name);
        let fits = Muxer::format_for(path, None).is_ok_and(|f| f == format);
        if !fits || path.components().count() != 1 {
            let message =
                format!("--dest-name {name}: expected a file name with extension .{wanted}");
            return Err(SpecError::usage(message).into());
        }
        return Ok((folder.join(name), None));
    }
    let Some(plugin) = &spec.name_plugin else {
        return Err(SpecError::usage("--into needs --dest-name or --name-plugin").into());
    };
    let is_free = |name: &str| spec.overwrite || !folder.join(name).exists();
    let extension = Muxer::ending(&format).unwrap_or(wanted);
    let (name, used) = named(plugin, engine, segments, extension, is_free)?;
    Ok((folder.join(name), Some(used)))
}

/// Asks a plugin for names until one is free.
fn named(
    wanted: &PolicySpec,
    engine: &Engine,
    segments: &[Segment],
    extension: &str,
    is_free: impl Fn(&str) -> bool,
) -> Result<(String, Policy), PipelineError> {
    /// A policy that comes to this many ignores the number of the attempt.
    const ATTEMPTS: u32 = 1000;
    let (single, used) = load(wanted, engine)?;
    let mut naming = Naming::start(&single.plugin, &single.parameters)?;
    let mut request = plugin::Request {
        sources: segments.iter().map(item).collect(),
        extension: extension.to_owned(),
        folders: true,
        taken: segments.first().and_then(|s| s.created),
        utc_offset: None,
        ..plugin::Request::default()
    };
    loop {
        let name = naming.name(&request)?;
        if request.attempt >= ATTEMPTS || is_free(&name) {
            return Ok((name, used));
        }
        request.attempt += 1;
    }
}

/// What policies see of a segment (`wit/media.wit`).
fn item(segment: &Segment) -> Item {
    let mut properties: Vec<(String, Value)> = Vec::new();
    let mut integer = |name: &str, value: Option<i64>| {
        properties.extend(value.map(|v| (name.to_owned(), Value::Integer(v))));
    };
    integer("created", segment.created.filter(|c| *c >= 0));
    integer("duration", segment.duration.map(|d| d / 1000));
    integer("start", Some(segment.start / 1000));
    let video = segment.of_kind(StreamKind::Video).next().and_then(|i| segment.shapes.get(i));
    if let Some((shape, facts)) = video.and_then(|s| s.facts.video.as_ref().map(|v| (s, v))) {
        integer("width", Some(facts.width.into()));
        integer("height", Some(facts.height.into()));
        properties.push(("codec".to_owned(), Value::Text(shape.facts.codec.clone())));
    }
    let tags = segment.tags.iter();
    properties.extend(tags.map(|(k, v)| (format!("tag:{k}"), Value::Text(v.clone()))));
    Item {
        path: segment.name.to_string_lossy().into_owned(),
        size: segment.identity.size,
        modified: segment.identity.modified_micros(),
        properties,
    }
}
