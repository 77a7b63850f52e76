//! Plugins put to work for a join: the order of the segments, and the output's name.

use std::path::PathBuf;

use anyhow::Result;
use serde_json::{Map, Value as Json, json};

use super::load::{self, ReadFile};
use super::out;
use filmgate_av::StreamKind;
use filmgate_engine::value_json;
use filmgate_join::Segment;
use filmgate_plugin::{Engine, Item, Limits, Naming, Ordering, Plugin, Reference, Request, Value};

/// A policy that was used, and what decides what it does.
pub(super) struct Used {
    pub(super) json: Json,
    pub(super) name: String,
    pub(super) files: Vec<ReadFile>,
}

type Loaded = (Plugin, Vec<(String, Value)>, Used);

fn load(text: &str, engine: &Engine) -> Result<Loaded> {
    let policy = load::one(&Reference::parse(text)?, engine, &Limits::default())?;
    let load::One { plugin, parameters, files } = policy;
    let values: Map<String, Json> =
        parameters.iter().map(|(k, v)| (k.clone(), value_json(v))).collect();
    let used = Used {
        name: text.to_owned(),
        files,
        json: json!({
            "name": plugin.name(),
            "version": plugin.description.version,
            "path": out::text(&plugin.path),
            "sha256": plugin.digest,
            "parameters": values,
        }),
    };
    Ok((plugin, parameters, used))
}

/// Puts segments in the order of a plugin. Gives their new order, and why each is where it is.
pub(super) fn order(
    text: &str,
    engine: &Engine,
    segments: &[Segment],
) -> Result<(Vec<usize>, Vec<String>, Used)> {
    let (plugin, parameters, used) = load(text, engine)?;
    let items: Vec<Item> = segments.iter().map(item).collect();
    let placed = Ordering::start(&plugin, &parameters)?.order(&items)?;
    let (order, reasons) = placed.into_iter().map(|p| (p.item, p.reason)).unzip();
    Ok((order, reasons, used))
}

/// Asks a plugin for the output's name, until there is no file of that name.
pub(super) fn name(
    text: &str,
    engine: &Engine,
    segments: &[Segment],
    extension: &str,
    free: impl Fn(&str) -> bool,
) -> Result<(PathBuf, Used)> {
    /// A policy that ends up there does not count on.
    const ATTEMPTS: u32 = 1000;
    let (plugin, parameters, used) = load(text, engine)?;
    let mut naming = Naming::start(&plugin, &parameters)?;
    let mut request = Request {
        sources: segments.iter().map(item).collect(),
        extension: extension.to_owned(),
        folders: true,
        taken: segments.first().and_then(|s| s.created),
        utc_offset: None,
        ..Request::default()
    };
    loop {
        let name = naming.name(&request)?;
        if request.attempt >= ATTEMPTS || free(&name) {
            return Ok((PathBuf::from(name), used));
        }
        request.attempt += 1;
    }
}

/// What policies are told of a segment (`wit/media.wit`).
fn item(segment: &Segment) -> Item {
    let mut properties: Vec<(String, Value)> = Vec::new();
    let mut integer = |name: &str, value: Option<i64>| {
        properties.extend(value.map(|v| (name.to_owned(), Value::Integer(v))));
    };
    integer("created", segment.created.filter(|c| *c >= 0));
    integer("duration", segment.duration.map(|d| d / 1000));
    integer("start", Some(segment.start / 1000));
    let film = segment.of_kind(StreamKind::Video).next().and_then(|i| segment.shapes.get(i));
    if let Some((film, video)) = film.and_then(|f| f.facts.video.as_ref().map(|v| (f, v))) {
        integer("width", Some(video.width.into()));
        integer("height", Some(video.height.into()));
        properties.push(("codec".to_owned(), Value::Text(film.facts.codec.clone())));
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
