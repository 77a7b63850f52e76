//! Segments: uploaded, listed, read, removed.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{OriginalUri, Query, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use filmgate_core::digest::hexadecimal;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;
use utoipa::{IntoParams, ToSchema};

use super::body::{blocking, receive};
use super::params::{Device as DeviceParam, Octets, SegmentPath, Task};
use super::problem::{Busy, InTheWay, Missing, Refused, UploadRefused};
use super::{App, Caller, Shared, headers, resumable};
use crate::access::{Wish, random_id};
use crate::digest;
use crate::error::Fault;
use crate::key::{Device, Key, decode};
use crate::store::{Segment, Usage};

const BASE: &str = "/api/v1/tasks/";

/// What follows [`BASE`] in the address, decoded once: every part by itself, so that an encoded
/// slash cannot make two of one.
pub(crate) fn parts(uri: &axum::http::Uri) -> Result<Vec<String>, Fault> {
    let rest = uri.path().strip_prefix(BASE).unwrap_or_default();
    rest.split('/').map(decode).collect()
}

pub(crate) fn device_of(parts: &[String]) -> Result<Device, Fault> {
    let part = |at: usize| parts.get(at).map_or("", String::as_str);
    Device::new(part(0), part(1))
}

fn key_of(parts: &[String]) -> Result<Key, Fault> {
    let device = device_of(parts)?;
    let path = parts.get(2..).unwrap_or_default();
    if let Some(part) = path.iter().find(|part| part.contains('/')) {
        return Err(Fault::name("path", part, "it contains an encoded slash"));
    }
    if path == ["join"] {
        return Err(Fault::name("path", "join", "that is the address of joins"));
    }
    Key::new(device, &path.join("/"))
}

// ---- listings -----------------------------------------------------------------------------------

/// What the tasks and devices have stored.
#[utoipa::path(
    get, path = "/api/v1/tasks", tag = "segments",
    responses((status = 200, body = Vec<Usage>), Refused),
)]
pub(crate) async fn tasks(
    State(app): Shared,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Vec<Usage>>, Fault> {
    caller.check(Wish::Read(""))?;
    Ok(Json(blocking(move || app.store.usage(None)).await?))
}

/// What the devices of a task have stored.
#[utoipa::path(
    get, path = "/api/v1/tasks/{task}", tag = "segments",
    params(Task),
    responses((status = 200, body = Vec<Usage>), Refused),
)]
pub(crate) async fn task(
    State(app): Shared,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
) -> Result<Json<Vec<Usage>>, Fault> {
    let task = parts(&uri)?.swap_remove(0);
    Device::new(&task, "any")?;
    caller.check(Wish::Read(&task))?;
    Ok(Json(blocking(move || app.store.usage(Some(&task))).await?))
}

/// Which page of a listing.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Page {
    /// only paths that begin with this
    #[serde(default)]
    prefix: String,
    /// only paths behind this one: `next` of the page before
    #[serde(default)]
    after: String,
    /// how many, 1000 at most
    #[serde(default = "hundred")]
    #[param(minimum = 1, maximum = 1000)]
    limit: u32,
}

fn hundred() -> u32 {
    100
}

/// A page of the segments of a device.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Segments {
    segments: Vec<Segment>,
    /// `after` of the next page; none on the last one
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// The segments of a device, by path.
#[utoipa::path(
    get, path = "/api/v1/tasks/{task}/{device}", tag = "segments",
    params(Task, DeviceParam, Page),
    responses((status = 200, body = Segments), Refused),
)]
pub(crate) async fn list(
    State(app): Shared,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Segments>, Fault> {
    let Query(page) = page.map_err(|e| Fault::Request(e.body_text()))?;
    let device = device_of(&parts(&uri)?)?;
    caller.check(Wish::Read(&format!("{}/{}", device.task, device.device)))?;
    if !(1..=1000).contains(&page.limit) {
        return Err(Fault::Request("limit: it is from 1 to 1000".to_owned()));
    }
    let limit = page.limit as usize;
    let mut segments =
        blocking(move || app.store.list(&device, &page.prefix, &page.after, page.limit + 1))
            .await?;
    let has_more = segments.len() > limit;
    segments.truncate(limit);
    let next = segments.last().filter(|_| has_more).map(|s| s.path.clone());
    Ok(Json(Segments { segments, next }))
}

// ---- one segment --------------------------------------------------------------------------------

/// All methods on the address of a segment.
pub(crate) async fn segment(
    State(app): Shared,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
    method: Method,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Fault> {
    let parts = parts(&uri)?;
    let key = key_of(&parts)?;
    let name = key.to_string();
    let is_read = matches!(method, Method::GET | Method::HEAD);
    // Whoever may upload may ask how far that has come.
    let may_look = method == Method::HEAD && caller.check(Wish::Write(&name)).is_ok();
    if !may_look {
        caller.check(if is_read { Wish::Read(&name) } else { Wish::Write(&name) })?;
    }
    if let Some(response) = resumable::answer(&app, &key, &uri, &method, &headers).await {
        return response.run(body).await;
    }
    match method {
        Method::GET | Method::HEAD => read(app, key, &headers, method == Method::HEAD).await,
        Method::PUT => put(app, key, uri.path(), &headers, body).await,
        Method::DELETE => remove(app, key).await,
        Method::POST | Method::PATCH => {
            let said =
                "neither Tus-Resumable nor Upload-Complete is given; PUT uploads in one request";
            Err(Fault::Request(said.to_owned()))
        }
        _ => Err(Fault::Method),
    }
}

/// Uploads a segment in one request. It appears when it is whole, in place of an older one.
#[utoipa::path(
    put, path = "/api/v1/tasks/{task}/{device}/{path}", tag = "segments",
    params(Task, DeviceParam, SegmentPath,
           ("Content-Digest" = Option<String>, Header, description = "sha-256=:BASE64: of the body (RFC 9530)"),
           ("If-None-Match" = Option<String>, Header, description = "*: refuse to replace a segment")),
    request_body(content = Octets, content_type = "application/octet-stream"),
    responses((status = 201, description = "stored", body = Segment), (status = 200, description = "replaced", body = Segment), Refused, UploadRefused),
)]
async fn put(
    app: Arc<App>,
    key: Key,
    address: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Fault> {
    let expected =
        headers::digest(headers, "content-digest")?.or(headers::digest(headers, "repr-digest")?);
    let length = headers::number(headers, "content-length")?;
    if headers::text(headers, "content-encoding")?.is_some_and(|c| c != "identity") {
        let said = "Content-Encoding: segments are stored as they come; send them unencoded";
        return Err(Fault::MediaType(said.to_owned()));
    }
    let is_new_only = headers::text(headers, "if-none-match")? == Some("*");
    let limits = app.limits();
    let metrics = app.metrics.clone();
    let (segment, is_new) = receive(body, limits, move |chunks| {
        let is_new = matches!(app.store.open_segment(&key), Err(Fault::NotFound(_)));
        if is_new_only && !is_new {
            return Err(Fault::Precondition(
                "it exists already, and If-None-Match: * was asked for",
            ));
        }
        let mut writing = app.store.create(&key, &random_id(), length)?;
        let mut hash = Sha256::new();
        for chunk in chunks {
            let chunk = chunk?;
            hash.update(&chunk);
            writing.write(&app.store, &chunk)?;
        }
        if let Some(expected) = length.filter(|length| *length != writing.size()) {
            return Err(Fault::Length { expected, found: writing.size() });
        }
        let found = hexadecimal(&hash.finalize());
        if let Some(expected) = expected.filter(|expected| *expected != found) {
            return Err(Fault::Digest { expected, found });
        }
        // One that was interrupted before is superseded.
        app.uploads.supersede(&key)?;
        Ok((writing.publish(&app.store, &found)?, is_new))
    })
    .await?;
    metrics.stored(segment.size);
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(stored(status, address, &segment))
}

/// The answer to an upload that is complete.
pub(crate) fn stored(status: StatusCode, address: &str, segment: &Segment) -> Response {
    let mut response = (status, Json(segment)).into_response();
    let headers = response.headers_mut();
    if let Ok(address) = HeaderValue::from_str(address) {
        headers.insert(header::LOCATION, address);
    }
    describe(headers, segment);
    response
}

/// Adds validator and digest.
fn describe(headers: &mut HeaderMap, segment: &Segment) {
    let mut add = |name: &'static str, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    };
    add("etag", etag(segment));
    if let Some(sha256) = &segment.sha256 {
        add("repr-digest", digest::header(sha256));
    }
}

fn etag(segment: &Segment) -> String {
    match &segment.sha256 {
        Some(sha256) => format!("\"{sha256}\""),
        None => format!("\"{:x}-{:x}\"", segment.size, (segment.modified * 1e6) as u64),
    }
}

/// Reads a segment, or a range of it.
#[utoipa::path(
    get, path = "/api/v1/tasks/{task}/{device}/{path}", tag = "segments",
    params(Task, DeviceParam, SegmentPath,
           ("Range" = Option<String>, Header, description = "bytes=FIRST-LAST, one range")),
    responses((status = 200, description = "the segment", body = Octets, content_type = "*/*"),
              (status = 206, description = "a range", body = Octets, content_type = "*/*"),
              (status = 304, description = "If-None-Match names this version"),
              (status = 416, description = "the range is outside"), Refused, Missing, InTheWay),
)]
async fn read(
    app: Arc<App>,
    key: Key,
    headers: &HeaderMap,
    is_head: bool,
) -> Result<Response, Fault> {
    let (segment, file) = {
        let key = key.clone();
        blocking(move || app.store.open_segment(&key)).await?
    };
    let etag = etag(&segment);
    let mut response = Response::new(Body::empty());
    let out = response.headers_mut();
    describe(out, &segment);
    out.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(&key)));
    out.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let modified = UNIX_EPOCH + Duration::from_secs_f64(segment.modified.max(0.0));
    if let Ok(date) = HeaderValue::from_str(&httpdate::fmt_http_date(modified)) {
        out.insert(header::LAST_MODIFIED, date);
    }
    let known = headers::text(headers, "if-none-match")?;
    if known.is_some_and(|known| known == "*" || known.split(',').any(|one| one.trim() == etag)) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    let is_same = headers::text(headers, "if-range")?.is_none_or(|one| one == etag);
    let asked = headers::text(headers, "range")?.filter(|_| is_same);
    let (first, length) = match asked.map(|range| part(range, segment.size)) {
        None | Some(Part::Whole) => (0, segment.size),
        Some(Part::Bytes(first, last)) => {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let range = format!("bytes {first}-{last}/{}", segment.size);
            content_range(&mut response, &range);
            (first, last - first + 1)
        }
        Some(Part::Outside) => {
            *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            content_range(&mut response, &format!("bytes */{}", segment.size));
            return Ok(response);
        }
    };
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if !is_head {
        *response.body_mut() = send(file, first, length)?;
    }
    Ok(response)
}

fn content_range(response: &mut Response, range: &str) {
    if let Ok(range) = HeaderValue::from_str(range) {
        response.headers_mut().insert(header::CONTENT_RANGE, range);
    }
}

fn send(mut file: File, first: u64, length: u64) -> Result<Body, Fault> {
    file.seek(SeekFrom::Start(first)).map_err(|e| Fault::system("segment", e))?;
    let file = tokio::fs::File::from_std(file).take(length);
    Ok(Body::from_stream(ReaderStream::with_capacity(file, 256 << 10)))
}

/// What a `Range` asks for.
#[derive(Debug, PartialEq)]
enum Part {
    /// it is not understood, or asks for several ranges: the whole is sent (RFC 9110, section 14.2)
    Whole,
    Bytes(u64, u64),
    Outside,
}

fn part(range: &str, size: u64) -> Part {
    let Some((first, last)) = range.strip_prefix("bytes=").and_then(|r| r.split_once('-')) else {
        return Part::Whole;
    };
    let (first, last) = match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => (first, last.min(size.saturating_sub(1))),
        (Ok(first), Err(_)) if last.trim().is_empty() => (first, size.saturating_sub(1)),
        (Err(_), Ok(count)) if first.trim().is_empty() => {
            if count == 0 {
                return Part::Outside;
            }
            (size.saturating_sub(count), size.saturating_sub(1))
        }
        _ => return Part::Whole,
    };
    if first >= size { Part::Outside } else { Part::Bytes(first, last) }
}

fn media_type(key: &Key) -> &'static str {
    let extension = key.name().rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    match extension.as_str() {
        "mp4" | "m4v" => "video/mp4",
        "ts" | "m2ts" | "mts" => "video/mp2t",
        "mkv" => "video/x-matroska",
        "webm" => "video/webm",
        "mov" => "video/quicktime",
        "avi" => "video/x-msvideo",
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        _ => "application/octet-stream",
    }
}

/// Removes a segment, or gives up an upload that was interrupted.
#[utoipa::path(
    delete, path = "/api/v1/tasks/{task}/{device}/{path}", tag = "segments",
    params(Task, DeviceParam, SegmentPath),
    responses((status = 204, description = "removed"), Refused, Missing, InTheWay, Busy),
)]
async fn remove(app: Arc<App>, key: Key) -> Result<Response, Fault> {
    blocking(move || match app.store.remove(&key) {
        Err(Fault::NotFound(said)) => app.uploads.remove(&key).map_err(|fault| match fault {
            Fault::NotFound(_) => Fault::NotFound(said),
            other => other,
        }),
        other => other,
    })
    .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for (range, wanted) in [
            ("bytes=0-0", Part::Bytes(0, 0)),
            ("bytes=2-", Part::Bytes(2, 9)),
            ("bytes=-3", Part::Bytes(7, 9)),
            ("bytes=-30", Part::Bytes(0, 9)),
            ("bytes=5-99", Part::Bytes(5, 9)),
            ("bytes=10-", Part::Outside),
            ("bytes=-0", Part::Outside),
            ("bytes=5-2", Part::Whole),
            ("bytes=0-1,3-4", Part::Whole),
            ("lines=1-2", Part::Whole),
        ] {
            assert_eq!(part(range, 10), wanted, "{range}");
        }
        assert_eq!(part("bytes=0-", 0), Part::Outside);
    }

    #[test]
    fn an_encoded_slash_is_no_slash() {
        let key = |path: &str| {
            let uri = format!("{BASE}t/d/{path}").parse().expect("a URI");
            parts(&uri).and_then(|parts| key_of(&parts)).map(|key| key.path)
        };
        assert_eq!(key("a/b%20c").ok().as_deref(), Some("a/b c"));
        for path in ["a%2fb", "%2e%2e/x", "..%2fx", "/etc", "%00"] {
            assert!(key(path).is_err(), "{path}");
        }
    }
}
