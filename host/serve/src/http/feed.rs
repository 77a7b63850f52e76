//! Feeds as data: how they do, and how their plugins are changed while the picture runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::{Extension, Json};
use filmgate_feed::Order;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};

use super::body::{blocking, receive};
use super::live::on_feed;
use super::problem::{BodyRefused, InTheWay, Missing, Refused, UploadRefused};
use super::{App, Caller, Shared};
use crate::access::{Wish, random_id};
use crate::error::Fault;
use crate::feeds::{Feed, Plugins};
use crate::key::{Device, Key};
use crate::store::Segment;

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[allow(dead_code, reason = "it is read by utoipa's macros only")]
struct FeedName {
    /// the feed
    name: String,
}

/// A feed and its streams.
#[derive(Serialize, ToSchema)]
pub(crate) struct FeedInfo {
    name: String,
    /// where the server opens it; none if it is sent to the server
    source: Option<String>,
    running: bool,
    width: Option<u32>,
    height: Option<u32>,
    frame_rate: Option<f64>,
    /// how often its process has ended
    restarts: u64,
    /// why it ended the last time
    error: Option<String>,
    streams: Vec<StreamInfo>,
    /// the last that happened, oldest first
    events: Vec<EventInfo>,
}

/// A stream of a feed.
#[derive(Serialize, ToSchema)]
pub(crate) struct StreamInfo {
    name: String,
    /// frames that were encoded since it began
    frames: u64,
    /// frames for which there was no time
    dropped: u64,
    /// who watches, by format
    viewers: BTreeMap<String, usize>,
    /// how often a viewer was too slow and skipped to a later keyframe
    skipped: u64,
    /// bytes given to viewers
    sent: u64,
    /// the plugins, in the order in which frames go through them, with description and parameters
    #[schema(value_type = Vec<Object>)]
    plugins: Vec<Value>,
}

/// Something that happened.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventInfo {
    /// seconds since 1970
    at: f64,
    text: String,
}

/// All feeds.
#[derive(Serialize, ToSchema)]
pub(crate) struct FeedList {
    feeds: Vec<FeedInfo>,
}

/// What is to change in the plugins of a stream: all of them, or values of one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChainRequest {
    /// the stream [default: the feed's first one]
    stream: Option<String>,
    /// the plugins that are to take over, in their order, each as `run -p` is given it
    #[schema(example = json!(["emboss", "blur:radius=2"]))]
    plugins: Option<Vec<String>>,
    /// the plugin that gets other values, by its place in the chain, from 0
    plugin: Option<usize>,
    /// its new values, by the names of its parameters; those that are not named stay
    parameters: Option<BTreeMap<String, String>>,
}

/// From when on a change holds.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChainAnswer {
    /// the number of the first frame that it holds for
    frame: Option<u64>,
}

/// What is to be recorded.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordRequest {
    /// the stream [default: the feed's first one]
    stream: Option<String>,
    task: String,
    device: String,
    /// below the device's folder; its ending is .ts, .mp4 or .flv
    path: String,
    /// seconds to record
    seconds: f64,
    /// seconds before now at which to begin, as far as the stream's history goes
    #[serde(default)]
    before: f64,
}

/// A plugin that was uploaded.
#[derive(Serialize, ToSchema)]
pub(crate) struct Uploaded {
    /// what a chain takes it by
    name: String,
    /// what `plugin check --json` says of it
    #[schema(value_type = Object)]
    report: Value,
}

fn info(feed: &Feed, plugins: &Plugins) -> FeedInfo {
    let shown = feed.shown();
    let streams = feed.streams.iter().map(|stream| {
        let state = shown.streams.get(&stream.name);
        let hubs: Vec<_> = stream.hubs().collect();
        let ending = |f| serde_json::to_value(f).ok().and_then(|v| v.as_str().map(str::to_owned));
        let viewers = hubs.iter().filter(|(_, hub)| hub.viewers() > 0);
        let viewers = viewers.filter_map(|(f, hub)| Some((ending(*f)?, hub.viewers())));
        let links = shown.chains.get(&stream.name).and_then(Value::as_array);
        let mut links: Vec<Value> = links.cloned().unwrap_or_default();
        for (index, link) in links.iter_mut().enumerate() {
            let given = plugins.shown(link["given"].as_str().unwrap_or_default());
            link["given"] = Value::String(given);
            // Where files of the server are is nobody's business.
            link["path"] = Value::Null;
            let state = state.and_then(|s| s.plugins.get(index));
            link["state"] = serde_json::to_value(state).unwrap_or_default();
        }
        StreamInfo {
            name: stream.name.clone(),
            frames: state.map_or(0, |s| s.frames),
            dropped: state.map_or(0, |s| s.dropped),
            viewers: viewers.collect(),
            skipped: hubs.iter().map(|(_, hub)| hub.skipped()).sum(),
            sent: hubs.iter().map(|(_, hub)| hub.sent()).sum(),
            plugins: links,
        }
    });
    let picture = shown.picture;
    let source = feed.settings.source.as_deref();
    FeedInfo {
        name: feed.name.clone(),
        source: source.map(|s| filmgate_core::url::Url::new(s).to_string()),
        running: shown.running,
        width: picture.map(|p| p.width),
        height: picture.map(|p| p.height),
        frame_rate: picture.and_then(|p| p.frame_rate),
        restarts: shown.restarts,
        error: shown.error,
        streams: streams.collect(),
        events: shown.events.into_iter().map(|e| EventInfo { at: e.at, text: e.text }).collect(),
    }
}

fn name_of(name: Result<Path<String>, PathRejection>) -> Result<String, Fault> {
    Ok(name.map_err(|e| Fault::Request(e.body_text()))?.0)
}

fn read(caller: &Caller, feed: &str) -> Result<(), Fault> {
    caller.check(Wish::Read(&format!("feeds/{feed}")))
}

fn write(caller: &Caller, feed: &str) -> Result<(), Fault> {
    caller.check(Wish::Write(&format!("feeds/{feed}")))
}

/// All feeds that the caller may see.
#[utoipa::path(get, path = "/api/v1/feeds", tag = "feeds",
    responses((status = 200, body = FeedList), Refused))]
pub(crate) async fn feeds(
    State(app): Shared,
    Extension(caller): Extension<Caller>,
) -> Json<FeedList> {
    let seen = app.feeds.all().filter(|feed| read(&caller, &feed.name).is_ok());
    Json(FeedList { feeds: seen.map(|feed| info(feed, &app.feeds.plugins)).collect() })
}

/// One feed.
#[utoipa::path(get, path = "/api/v1/feeds/{name}", tag = "feeds", params(FeedName),
    responses((status = 200, body = FeedInfo), Refused, Missing))]
pub(crate) async fn feed(
    State(app): Shared,
    Extension(caller): Extension<Caller>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<FeedInfo>, Fault> {
    let name = name_of(name)?;
    read(&caller, &name)?;
    Ok(Json(info(&*app.feeds.get(&name)?, &app.feeds.plugins)))
}

/// Changes the plugins of a stream while it runs; from which frame on, it answers.
#[utoipa::path(patch, path = "/api/v1/feeds/{name}/chain", tag = "feeds",
    params(FeedName), request_body = ChainRequest,
    responses((status = 200, body = ChainAnswer), Refused, BodyRefused, Missing, InTheWay))]
pub(crate) async fn chain(
    State(app): Shared,
    Extension(caller): Extension<Caller>,
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<ChainAnswer>, Fault> {
    let name = name_of(name)?;
    write(&caller, &name)?;
    app.feeds.get(&name)?;
    let request: ChainRequest = super::job::json(&headers, body, "").await?;
    let order = match (request.plugins, request.plugin, request.parameters) {
        (Some(plugins), None, None) => {
            let given = plugins.iter().map(|text| app.feeds.plugins.given(text));
            Order::Chain { plugins: given.collect::<Result<_, _>>()? }
        }
        (None, Some(plugin), Some(values)) => {
            Order::Parameters { plugin, values: values.into_iter().collect() }
        }
        _ => {
            let said = "a request has either `plugins`, or `plugin` and `parameters`";
            return Err(Fault::Request(said.to_owned()));
        }
    };
    let stream = request.stream;
    let frame = on_feed(&app, &name, move |feed| {
        let stream = stream_of(&feed, stream)?;
        feed.order(&stream, order)
    });
    Ok(Json(ChainAnswer { frame: frame.await? }))
}

fn stream_of(feed: &Feed, stream: Option<String>) -> Result<String, Fault> {
    let first = || feed.streams.first().map(|s| s.name.clone());
    let name = stream.or_else(first).unwrap_or_default();
    feed.find(&name).map(|_| name.clone())
}

/// Records a stream into a segment, which is there when it is whole.
#[utoipa::path(post, path = "/api/v1/feeds/{name}/record", tag = "feeds",
    params(FeedName), request_body = RecordRequest,
    responses((status = 201, body = Segment), Refused, Missing, UploadRefused))]
pub(crate) async fn record(
    State(app): Shared,
    Extension(caller): Extension<Caller>,
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<(axum::http::StatusCode, Json<Segment>), Fault> {
    let name = name_of(name)?;
    read(&caller, &name)?;
    app.feeds.get(&name)?;
    let request: RecordRequest = super::job::json(&headers, body, "").await?;
    let device = Device::new(&request.task, &request.device)?;
    let key = Key::new(device, &request.path)?;
    caller.check(Wish::Write(&key.to_string()))?;
    let is_time = |seconds: f64| (0.0..=86_400.0).contains(&seconds);
    if !is_time(request.seconds) || !is_time(request.before) || request.seconds <= 0.0 {
        let said = "seconds is above 0, before is 0 or more, and both are at most 86400";
        return Err(Fault::Request(said.to_owned()));
    }
    let shared = Arc::clone(&app);
    let work = move |feed: Arc<Feed>| recorded(&shared, &feed, &key, request);
    let segment = on_feed(&app, &name, work).await?;
    Ok((axum::http::StatusCode::CREATED, Json(segment)))
}

fn recorded(
    app: &App,
    feed: &Arc<Feed>,
    key: &Key,
    request: RecordRequest,
) -> Result<Segment, Fault> {
    use crate::feeds::hub::{Given, Place};
    use filmgate_feed::Format;
    let stream = stream_of(feed, request.stream)?;
    let format = match key.name().rsplit_once('.').map(|(_, ending)| ending) {
        Some("ts") => Format::Ts,
        Some("mp4") => Format::Mp4,
        Some("flv") => Format::Flv,
        _ => return Err(Fault::Request(format!("{key}: its ending must be .ts, .mp4 or .flv"))),
    };
    let watching = feed.watch(&stream, format)?;
    let hub = &watching.hub;
    let mut place = Place::before_now((request.before * 1e9) as i64);
    let length = ((request.before + request.seconds) * 1e9) as i64;
    let patience = std::time::Duration::from_secs(30);
    let mut writing = app.store.create(key, &random_id(), None)?;
    let (mut sha256, mut begun) = (Sha256::new(), None);
    let mut heard = std::time::Instant::now();
    loop {
        let bytes = match hub.next(&mut place) {
            Given::Header(_, true) => {
                // Another source has begun: what there is, is whole.
                break;
            }
            Given::Header(bytes, false) => bytes,
            Given::Piece(piece) => {
                let begun = *begun.get_or_insert(piece.timestamp);
                if piece.timestamp - begun >= length {
                    break;
                }
                piece.bytes
            }
            Given::Wait if heard.elapsed() > patience && begun.is_some() => break,
            Given::Wait if heard.elapsed() > patience => {
                return Err(Fault::Conflict(format!("the feed {} is not running", feed.name)));
            }
            Given::Wait => {
                std::thread::sleep(std::time::Duration::from_millis(20));
                continue;
            }
        };
        heard = std::time::Instant::now();
        sha256.update(&bytes);
        writing.write(&app.store, &bytes)?;
    }
    let digest = filmgate_core::digest::hexadecimal(&sha256.finalize());
    let size = writing.size();
    let segment = writing.publish(&app.store, &digest)?;
    app.metrics.stored(size);
    feed.note(&format!("{stream} was recorded to {key}"));
    Ok(segment)
}

/// The plugins that chains can have.
#[utoipa::path(get, path = "/api/v1/plugins", tag = "feeds",
    responses((status = 200, description = "what `filmgate plugin list --json` says", body = Object), Refused))]
pub(crate) async fn plugins(
    State(app): Shared,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Value>, Fault> {
    caller.check(Wish::Read("plugins"))?;
    let mut list = blocking(move || app.feeds.plugins.list()).await?;
    // Where files of the server are is nobody's business.
    for entry in list["plugins"].as_array_mut().into_iter().flatten() {
        entry["path"] = Value::Null;
    }
    Ok(Json(serde_json::json!({ "plugins": list["plugins"] })))
}

/// Uploads a plugin, which is checked and can then be taken into a chain by the name in the answer.
#[utoipa::path(post, path = "/api/v1/plugins", tag = "feeds",
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 201, body = Uploaded), Refused, UploadRefused))]
pub(crate) async fn upload(
    State(app): Shared,
    Extension(caller): Extension<Caller>,
    body: Body,
) -> Result<(axum::http::StatusCode, Json<Uploaded>), Fault> {
    caller.check(Wish::Write("plugins"))?;
    let shared = Arc::clone(&app);
    let added = receive(body, app.limits(), move |chunks| {
        let mut whole = Vec::new();
        for chunk in chunks {
            let chunk: Bytes = chunk?;
            if whole.len() + chunk.len() > crate::feeds::PLUGIN_BYTES {
                let most = crate::feeds::PLUGIN_BYTES >> 20;
                return Err(Fault::TooLarge(format!("a plugin has at most {most} MiB")));
            }
            whole.extend_from_slice(&chunk);
        }
        shared.feeds.plugins.add(&whole)
    });
    let (name, report) = added.await?;
    Ok((axum::http::StatusCode::CREATED, Json(Uploaded { name, report })))
}
