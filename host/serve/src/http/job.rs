//! Jobs: asked for, followed, canceled, tried again.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{OriginalUri, Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures_util::stream::{self, Stream};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

use super::body::blocking;
use super::params::{Device, Followed, Idempotency, JobId, LastEvent, Task};
use super::problem::{BodyRefused, InTheWay, Missing, Refused};
use super::segment::{device_of, parts};
use super::{App, Caller, Shared, headers};
use crate::access::Wish;
use crate::error::Fault;
use crate::jobs::{Event, Job, Jobs, State as JobState};
use crate::request::{JobRequest, JoinRequest, Submission};

/// The longest body of a request for a job, in bytes.
const LONGEST: usize = 1 << 20;

pub(super) async fn json<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
    empty: &str,
) -> Result<T, Fault> {
    let media_type = headers::media_type(headers);
    if !media_type.is_empty() && media_type != "application/json" {
        return Err(Fault::MediaType("Content-Type must be application/json".to_owned()));
    }
    let bytes = axum::body::to_bytes(body, LONGEST).await;
    let bytes = bytes.map_err(|_| Fault::TooLarge("a job has 1 MiB at most".to_owned()))?;
    let text = if bytes.is_empty() { empty.as_bytes() } else { &bytes };
    serde_json::from_slice(text).map_err(|e| Fault::Request(e.to_string()))
}

fn idempotency(headers: &HeaderMap) -> Result<Option<String>, Fault> {
    match headers::text(headers, "idempotency-key")? {
        Some(key)
            if !(1..=255).contains(&key.len()) || !key.bytes().all(|b| b.is_ascii_graphic()) =>
        {
            Err(Fault::Request(
                "Idempotency-Key: it is 1 to 255 letters of ASCII without spaces".to_owned(),
            ))
        }
        key => Ok(key.map(str::to_owned)),
    }
}

async fn submit(
    app: Arc<App>,
    key: Option<String>,
    fingerprint: String,
    make: impl FnOnce(&App, Option<String>) -> Result<Submission, Fault> + Send + 'static,
) -> Result<Response, Fault> {
    let (job, is_new) = blocking(move || {
        // First of all: what the job has done may make the same request impossible.
        if let Some(key) = &key
            && let Some(job) = app.jobs.known(key, &fingerprint)?
        {
            return Ok((job, false));
        }
        let submission = make(&app, key)?;
        app.jobs.submit(&submission)
    })
    .await?;
    let status = if is_new { StatusCode::ACCEPTED } else { StatusCode::OK };
    let address = format!("/api/v1/jobs/{}", job.id);
    let mut response = (status, Json(job)).into_response();
    if let Ok(address) = HeaderValue::from_str(&address) {
        response.headers_mut().insert(header::LOCATION, address);
    }
    Ok(response)
}

/// Joins what a device has uploaded, without re-encoding.
#[utoipa::path(
    post, path = "/api/v1/tasks/{task}/{device}/join", tag = "jobs",
    params(Task, Device, Idempotency),
    request_body(content = JoinRequest, description = "every field may be left out"),
    responses((status = 202, description = "queued", body = Job), (status = 200, description = "this Idempotency-Key has made it already", body = Job), Refused, BodyRefused, Missing, InTheWay),
)]
pub(crate) async fn join(
    State(app): Shared,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Fault> {
    let device = device_of(&parts(&uri)?)?;
    caller.check(Wish::Jobs)?;
    caller.check(Wish::Write(&format!("{}/{}", device.task, device.device)))?;
    let request: JoinRequest = json(&headers, body, "{}").await?;
    let key = idempotency(&headers)?;
    let asked = request.fingerprint(&device);
    submit(app, key, asked, move |app, key| request.submission(app.store.root(), &device, key))
        .await
}

/// Queues any job.
#[utoipa::path(
    post, path = "/api/v1/jobs", tag = "jobs",
    params(Idempotency),
    request_body(content = JobRequest),
    responses((status = 202, description = "queued", body = Job), (status = 200, description = "this Idempotency-Key has made it already", body = Job), Refused, BodyRefused, InTheWay),
)]
pub(crate) async fn create(
    State(app): Shared,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Fault> {
    caller.check(Wish::Jobs)?;
    // A job may read and write anywhere below the root.
    caller.check(Wish::Write(""))?;
    let request: JobRequest = json(&headers, body, "").await?;
    let key = idempotency(&headers)?;
    let asked = request.fingerprint();
    submit(app, key, asked, move |app, key| request.submission(app.store.root(), key)).await
}

/// Which page of jobs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Page {
    /// only jobs in this state
    state: Option<JobState>,
    /// only jobs with a lower number
    #[param(minimum = 0)]
    before: Option<u64>,
    /// how many, 1000 at most
    #[serde(default = "hundred")]
    #[param(minimum = 1, maximum = 1000)]
    limit: u32,
}

fn hundred() -> u32 {
    100
}

/// The jobs, the newest first.
#[utoipa::path(
    get, path = "/api/v1/jobs", tag = "jobs", params(Page),
    responses((status = 200, body = Vec<Job>), Refused),
)]
pub(crate) async fn list(
    State(app): Shared,
    Extension(caller): Extension<Caller>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Vec<Job>>, Fault> {
    caller.check(Wish::Jobs)?;
    let Query(page) = page.map_err(|e| Fault::Request(e.body_text()))?;
    if !(1..=1000).contains(&page.limit) {
        return Err(Fault::Request("limit: it is from 1 to 1000".to_owned()));
    }
    if page.before.is_some_and(|number| i64::try_from(number).is_err()) {
        return Err(Fault::Request("before: no job has such a number".to_owned()));
    }
    Ok(Json(blocking(move || app.jobs.list(page.state, page.before, page.limit)).await?))
}

/// A job.
#[utoipa::path(
    get, path = "/api/v1/jobs/{id}", tag = "jobs", params(JobId),
    responses((status = 200, body = Job), Refused, Missing),
)]
pub(crate) async fn get(
    State(app): Shared,
    Extension(caller): Extension<Caller>,
    id: Id,
) -> Result<Json<Job>, Fault> {
    caller.check(Wish::Jobs)?;
    let id = id_of(id)?;
    Ok(Json(blocking(move || app.jobs.get(&id)).await?))
}

fn id_of(id: Id) -> Result<String, Fault> {
    id.map(|Path(id)| id).map_err(|e| Fault::Request(e.body_text()))
}

/// Cancels a job: it ends cleanly, and its sources stay.
#[utoipa::path(
    post, path = "/api/v1/jobs/{id}/cancel", tag = "jobs", params(JobId),
    responses((status = 202, body = Job), Refused, Missing, InTheWay),
)]
pub(crate) async fn cancel(app: Shared, caller: Extension<Caller>, id: Id) -> Changed {
    change(app, caller, id, Jobs::cancel).await
}

/// Queues a job that failed or was canceled once more.
#[utoipa::path(
    post, path = "/api/v1/jobs/{id}/retry", tag = "jobs", params(JobId),
    responses((status = 202, body = Job), Refused, Missing, InTheWay),
)]
pub(crate) async fn retry(app: Shared, caller: Extension<Caller>, id: Id) -> Changed {
    change(app, caller, id, Jobs::retry).await
}

type Id = Result<Path<String>, PathRejection>;
type Changed = Result<(StatusCode, Json<Job>), Fault>;

async fn change(
    State(app): Shared,
    Extension(caller): Extension<Caller>,
    id: Id,
    how: fn(&Jobs, &str) -> Result<Job, Fault>,
) -> Changed {
    caller.check(Wish::Jobs)?;
    let id = id_of(id)?;
    Ok((StatusCode::ACCEPTED, Json(blocking(move || how(&app.jobs, &id)).await?)))
}

/// Follows a job: server-sent events until it ends, from the one behind `Last-Event-ID` on.
#[utoipa::path(
    get, path = "/api/v1/jobs/{id}/events", tag = "jobs",
    params(JobId, LastEvent),
    responses((status = 200, description = "until the job ends", body = Followed, content_type = "text/event-stream"), Refused, Missing),
)]
pub(crate) async fn events(
    State(app): Shared,
    Extension(caller): Extension<Caller>,
    id: Id,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Fault> {
    caller.check(Wish::Jobs)?;
    let id = id_of(id)?;
    let after = headers::number(&headers, "last-event-id")?.unwrap_or_default();
    let (jobs, known) = (Arc::clone(&app.jobs), id.clone());
    blocking(move || jobs.get(&known)).await?;
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    Ok(Sse::new(follow(app, id, after)).keep_alive(KeepAlive::default()))
}

/// Where somebody who follows a job stands.
struct Follower {
    app: Arc<App>,
    id: String,
    after: i64,
    waiting: Vec<Event>,
}

fn follow(
    app: Arc<App>,
    id: String,
    after: i64,
) -> impl Stream<Item = Result<sse::Event, Infallible>> {
    let follower = Follower { app, id, after, waiting: Vec::new() };
    stream::unfold(follower, |mut follower| async move {
        let mut pulse = follower.app.pulse.clone();
        loop {
            if let Some(event) = follower.waiting.pop() {
                follower.after = event.number;
                let event = sse::Event::default().id(event.number.to_string()).data(event.data);
                return Some((Ok(event), follower));
            }
            pulse.mark_unchanged();
            let (jobs, id, after) =
                (Arc::clone(&follower.app.jobs), follower.id.clone(), follower.after);
            // The state first: events that come behind it are seen the next time.
            let looked = blocking(move || {
                let job = jobs.get(&id)?;
                Ok((job.state, jobs.events(&id, after)?))
            });
            let (state, mut events) = looked.await.ok()?;
            if events.is_empty() && follower.app.jobs.is_stopped() {
                return None;
            }
            let has_ended = !matches!(state, JobState::Queued | JobState::Running);
            if events.is_empty() && has_ended {
                return None;
            }
            events.reverse();
            follower.waiting = events;
            if follower.waiting.is_empty() {
                let _ = tokio::time::timeout(Duration::from_secs(5), pulse.changed()).await;
            }
        }
    })
}
