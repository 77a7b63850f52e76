//! Numbers for Prometheus.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64};

use axum::Extension;
use axum::extract::State;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::body::blocking;
use super::{Caller, Shared};
use crate::error::Fault;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    method: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InState {
    state: String,
}

/// What is counted. Clones count together.
#[derive(Clone)]
pub(crate) struct Metrics {
    registry: Arc<Registry>,
    requests: Family<Answer, Counter<u64, AtomicU64>>,
    segments: Counter<u64, AtomicU64>,
    bytes: Counter<u64, AtomicU64>,
    pub(crate) connections: Gauge<i64, AtomicI64>,
    jobs: Family<InState, Gauge<i64, AtomicI64>>,
}

impl Metrics {
    pub(crate) fn new() -> Metrics {
        let mut registry = Registry::with_prefix("filmgate_serve");
        let requests = Family::default();
        let (segments, bytes) = (Counter::default(), Counter::default());
        let (connections, jobs) = (Gauge::default(), Family::default());
        registry.register("requests", "Requests answered", requests.clone());
        registry.register("segments_stored", "Segments stored", segments.clone());
        registry.register("bytes_stored", "Bytes of the segments stored", bytes.clone());
        registry.register("connections", "Connections open", connections.clone());
        registry.register("jobs", "Jobs by state", jobs.clone());
        Metrics { registry: Arc::new(registry), requests, segments, bytes, connections, jobs }
    }

    pub(crate) fn stored(&self, size: u64) {
        self.segments.inc();
        self.bytes.inc_by(size);
    }

    pub(crate) fn answered(&self, method: &Method, status: StatusCode) {
        // Methods that do not exist are one, or clients could fill the memory.
        let known =
            [Method::GET, Method::HEAD, Method::PUT, Method::POST, Method::PATCH, Method::DELETE];
        let method = if known.contains(method) { method.as_str() } else { "other" };
        let answer = Answer { method: method.to_owned(), status: status.as_u16() };
        self.requests.get_or_create(&answer).inc();
    }
}

/// All numbers.
pub(crate) async fn metrics(
    State(app): Shared,
    _caller: Extension<Caller>,
) -> Result<Response, Fault> {
    let text = blocking(move || {
        for (state, count) in app.jobs.counts()? {
            let label = InState { state: state.name().to_owned() };
            app.metrics.jobs.get_or_create(&label).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        let mut text = String::new();
        let encoded = encode(&mut text, &app.metrics.registry);
        encoded.map_err(|e| Fault::system("the metrics", std::io::Error::other(e)))?;
        Ok(text)
    })
    .await?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}
