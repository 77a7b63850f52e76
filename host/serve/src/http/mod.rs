//! HTTP: the only asynchronous part. Handlers say what a request means; what it does is done by
//! blocking code in threads.

mod api;
mod body;
#[allow(unused_qualifications, reason = "utoipa's macro writes names with their modules")]
mod feed;
mod headers;
#[allow(unused_qualifications, reason = "utoipa's macro writes `Page` with its module")]
mod job;
mod live;
mod log;
mod metrics;
mod page;
#[allow(dead_code, reason = "they are read by utoipa's macros only")]
mod params;
mod problem;
mod resumable;
#[allow(unused_qualifications, reason = "utoipa's macro writes `Page` with its module")]
mod segment;
mod server;
mod webhook;

use std::net::{IpAddr, SocketAddr};
use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, get, on, patch, post};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, RateLimiter};
use rusqlite::Connection;
use tokio::sync::watch;

use crate::access::{self, Token, Wish};
use crate::error::{Fault, ServeError};
use crate::feeds::Feeds;
use crate::jobs::Jobs;
use crate::settings::{Limits, Live, Settings};
use crate::store::{Store, open_index};
use crate::uploads::Uploads;
pub use api::openapi;
pub(crate) use server::Server;

/// What handlers share.
pub(crate) struct App {
    store: Arc<Store>,
    /// a connection of its own, which nothing else holds: it is asked by the runtime's own threads
    tokens: Mutex<Connection>,
    uploads: Arc<Uploads>,
    jobs: Arc<Jobs>,
    feeds: Arc<Feeds>,
    live: Live,
    rate: Mutex<Arc<DefaultKeyedRateLimiter<String>>>,
    metrics: metrics::Metrics,
    /// counts what happens to jobs
    pulse: watch::Receiver<u64>,
    /// whether it listens on loopback, for programs of this machine alone
    is_open: bool,
    /// whether the server is ending
    ending: watch::Sender<bool>,
}

type Shared = State<Arc<App>>;

/// The address of a client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Who asks: a token, or anybody where there are no tokens.
#[derive(Clone, Debug)]
pub(crate) struct Caller(Option<Token>);

impl Caller {
    /// # Errors
    /// `Forbidden`.
    fn check(&self, wish: Wish<'_>) -> Result<(), Fault> {
        self.0.as_ref().map_or(Ok(()), |token| token.check(wish))
    }
}

/// Beyond loopback nobody is let in without a token, and no token goes over the wire in the clear
/// unless that is said.
///
/// # Errors
/// `Settings`, with the way out.
pub(crate) fn check_exposure(settings: &Settings, store: &Store) -> Result<(), ServeError> {
    let address = settings.address();
    if address.ip().is_loopback() {
        return Ok(());
    }
    if !access::are_there(&store.index())? {
        return Err(ServeError::Settings(format!(
            "{address} can be reached from other machines, and there is no token; make one with \
             `filmgate serve token add NAME --scope write --root {}`",
            store.root().display()
        )));
    }
    if settings.tls_cert.is_none() && !settings.behind_proxy {
        return Err(ServeError::Settings(format!(
            "{address} can be reached from other machines, where tokens would go in the clear; use \
             --tls-cert and --tls-key, or --behind-proxy if a proxy speaks TLS"
        )));
    }
    Ok(())
}

impl App {
    /// # Errors
    /// `Root`.
    pub(crate) fn new(
        live: Live,
        store: Arc<Store>,
        uploads: Arc<Uploads>,
        jobs: Arc<Jobs>,
        feeds: Arc<Feeds>,
    ) -> Result<Arc<App>, ServeError> {
        let settings = live.get();
        let rate = Mutex::new(limiter(&settings.limits));
        let is_open = settings.address().ip().is_loopback() && !settings.behind_proxy;
        let (tell, pulse) = watch::channel(0);
        jobs.listen(move || tell.send_modify(|count| *count += 1));
        let tokens = Mutex::new(open_index(store.root(), true)?);
        Ok(Arc::new(App {
            store,
            tokens,
            uploads,
            jobs,
            feeds,
            live,
            rate,
            metrics: metrics::Metrics::new(),
            pulse,
            is_open,
            ending: watch::Sender::new(false),
        }))
    }

    fn limits(&self) -> Limits {
        self.live.get().limits
    }

    fn rate(&self) -> Arc<DefaultKeyedRateLimiter<String>> {
        Arc::clone(&self.rate.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes new settings over, and names those that the running server has to leave as they are.
    fn reload(&self, mut settings: Settings) -> Vec<&'static str> {
        let old = self.live.get();
        let kept = settings.keep_from(&old);
        if settings.limits.requests_per_second != old.limits.requests_per_second {
            let rate = limiter(&settings.limits);
            *self.rate.lock().unwrap_or_else(PoisonError::into_inner) = rate;
        }
        self.live.set(settings);
        kept
    }

    /// Who asks, if they may ask at all now.
    fn admit(&self, headers: &HeaderMap, peer: IpAddr) -> Result<Caller, Fault> {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let secret = given.and_then(|value| {
            let (scheme, secret) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(secret.trim())
        });
        let index = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let caller = match secret {
            Some(secret) => access::find(&index, secret).map(|token| Caller(Some(token))),
            None if given.is_some() || access::are_there(&index)? => Err(Fault::Unauthorized),
            None => Ok(Caller(None)),
        };
        drop(index);
        // Wrong guesses count for their address.
        let name = caller.as_ref().ok().and_then(|c| c.0.as_ref()).map(|t| t.name.clone());
        let key = name.map_or_else(|| peer.to_string(), |name| format!("token {name}"));
        if let Err(until) = self.rate().check_key(&key) {
            let wait = until.wait_time_from(DefaultClock::default().now());
            return Err(Fault::TooMany { seconds: wait.as_secs() + 1 });
        }
        caller
    }
}

fn limiter(limits: &Limits) -> Arc<DefaultKeyedRateLimiter<String>> {
    let rate = NonZero::new(limits.requests_per_second).unwrap_or(NonZero::<u32>::MIN);
    Arc::new(RateLimiter::keyed(governor::Quota::per_second(rate)))
}

/// The methods on the address of a segment.
const METHODS: MethodFilter = MethodFilter::GET
    .or(MethodFilter::HEAD)
    .or(MethodFilter::PUT)
    .or(MethodFilter::POST)
    .or(MethodFilter::PATCH)
    .or(MethodFilter::DELETE)
    .or(MethodFilter::OPTIONS);

/// All addresses of the server.
fn router(app: &Arc<App>, log: Arc<log::Log>) -> Router {
    let api = Router::new()
        .route("/api/v1/tasks", get(segment::tasks))
        .route("/api/v1/tasks/{task}", get(segment::task))
        .route("/api/v1/tasks/{task}/{device}", get(segment::list))
        .route("/api/v1/tasks/{task}/{device}/", get(segment::list))
        .route("/api/v1/tasks/{task}/{device}/join", post(job::join))
        .route("/api/v1/tasks/{task}/{device}/{*path}", on(METHODS, segment::segment))
        .route("/api/v1/jobs", get(job::list).post(job::create))
        .route("/api/v1/jobs/{id}", get(job::get))
        .route("/api/v1/jobs/{id}/cancel", post(job::cancel))
        .route("/api/v1/jobs/{id}/retry", post(job::retry))
        .route("/api/v1/jobs/{id}/events", get(job::events))
        .route("/api/v1/feeds", get(feed::feeds))
        .route("/api/v1/feeds/{name}", get(feed::feed))
        .route("/api/v1/feeds/{name}/chain", patch(feed::chain))
        .route("/api/v1/feeds/{name}/record", post(feed::record))
        .route("/api/v1/plugins", get(feed::plugins).post(feed::upload))
        .route("/metrics", get(metrics::metrics))
        .method_not_allowed_fallback(|| async { Fault::Method.into_response() })
        .layer(from_fn_with_state(Arc::clone(app), admit));
    Router::new()
        .merge(api)
        .route("/api/v1/openapi.json", get(api::description))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .fallback(live::live)
        .method_not_allowed_fallback(|| async { Fault::Method.into_response() })
        .layer(from_fn_with_state(Arc::clone(app), keep_out))
        .layer(from_fn_with_state((Arc::clone(app), log), log::note))
        .with_state(Arc::clone(app))
}

/// Requests that a page of another site makes a browser send: with a method that changes something,
/// or to open a socket. Where anybody is let in, because only this machine can connect, the name
/// that was asked for has to be this machine's, or a foreign name could be made to lead here
/// (DNS rebinding).
fn is_foreign(request: &Request, is_open: bool) -> bool {
    let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST).unwrap_or_default();
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if changes || request.headers().contains_key(header::UPGRADE) {
        let own = |origin: &str| {
            let (_, rest) = origin.split_once("://").unwrap_or_default();
            !rest.is_empty() && rest.eq_ignore_ascii_case(host)
        };
        if text(header::ORIGIN).is_some_and(|origin| !own(origin)) {
            return true;
        }
    }
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let address = host.parse::<SocketAddr>().map(|a| a.ip()).or_else(|_| host.parse::<IpAddr>());
    let is_here = host.is_empty()
        || name.eq_ignore_ascii_case("localhost")
        || name == "[::1]"
        || address.is_ok_and(|address| address.is_loopback());
    is_open && !is_here
}

async fn keep_out(State(app): Shared, request: Request, next: Next) -> Response {
    if is_foreign(&request, app.is_open) {
        let reason = "the request comes from a page of another site, or names another host";
        return Fault::Forbidden(reason.to_owned()).into_response();
    }
    next.run(request).await
}

async fn admit(State(app): Shared, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().map_or(IpAddr::from([0, 0, 0, 0]), |p| p.0.ip());
    match app.admit(request.headers(), peer) {
        Ok(caller) => {
            request.extensions_mut().insert(caller.clone());
            let mut response = next.run(request).await;
            response.extensions_mut().insert(caller);
            response
        }
        Err(fault) => fault.into_response(),
    }
}

/// Whether requests can be answered: the index and the root can be used.
async fn ready(State(app): Shared) -> Response {
    let looked = body::blocking(move || {
        access::are_there(&app.store.index())?;
        let root = std::fs::metadata(app.store.root());
        root.map_err(|e| Fault::system("the root", e))
    });
    match looked.await {
        Ok(_) => "ok\n".into_response(),
        Err(fault) => fault.into_response(),
    }
}
