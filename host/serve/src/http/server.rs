//! Connections: accepted up to a limit, with or without TLS, ended in order.

use std::io::BufReader;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use filmgate_core::cancel::Cancel;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tower::ServiceExt;

use super::log::Log;
use super::{App, Peer, router, webhook};
use crate::around::{Stage, Surroundings};
use crate::error::ServeError;
use crate::settings::Settings;

/// How long requests may go on after the server was asked to end.
const DRAIN: Duration = Duration::from_secs(30);
/// How often expired uploads are looked for.
const EXPIRY_LOOK: Duration = Duration::from_secs(60);
/// How often the flag of the process is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// What a handshake of TLS may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// A listening server.
pub(crate) struct Server {
    runtime: Runtime,
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    app: Arc<App>,
    log: Arc<Log>,
}

impl Server {
    /// # Errors
    /// `Listen`, `Settings` for a certificate, `System`.
    pub(crate) fn bind(settings: &Settings, app: Arc<App>) -> Result<Server, ServeError> {
        let tls = acceptor(settings)?;
        raise_limit_of_files(settings.limits.connections);
        let log = Log::open(settings.access_log.clone())?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("http")
            // An upload has a thread of its own while it comes in.
            .max_blocking_threads(app.limits().connections + 64)
            .enable_all()
            .build()
            .map_err(|source| ServeError::System { what: "threads".to_owned(), source })?;
        let wanted = settings.address();
        let failed = |source| ServeError::Listen { address: wanted.to_string(), source };
        let listener = runtime.block_on(TcpListener::bind(wanted)).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Server { runtime, listener, address, tls, app, log })
    }

    /// Serves until `cancel` is set, then lets requests end. `minute` is called once a minute.
    ///
    /// # Errors
    /// None yet: a listening socket does not fail for good.
    pub(crate) fn run(
        self,
        cancel: &Cancel,
        around: &mut dyn Surroundings,
        minute: &mut dyn FnMut(),
    ) -> Result<(), ServeError> {
        let Server { runtime, listener, address, mut tls, app, log } = self;
        around.stage(Stage::Ready(address));
        let limit = app.limits().connections;
        let slots = Arc::new(Semaphore::new(limit));
        let router = router(&app, Arc::clone(&log));
        let (end, ending) = watch::channel(false);
        runtime.block_on(async {
            let webhooks = tokio::spawn(webhook::deliver(Arc::clone(&app)));
            let mut ticks = tokio::time::interval(LOOK);
            let mut looked = tokio::time::Instant::now();
            loop {
                let accepted = tokio::select! {
                    _ = ticks.tick() => {
                        if cancel.is_cancelled() {
                            break;
                        }
                        if let Some(settings) = around.reload() {
                            take_over(settings, &app, &mut tls, &log);
                            around.stage(Stage::Ready(address));
                        }
                        if looked.elapsed() > EXPIRY_LOOK {
                            looked = tokio::time::Instant::now();
                            app.rate().retain_recent();
                            tokio::task::block_in_place(&mut *minute);
                        }
                        continue;
                    }
                    accepted = accept(&listener, &slots) => accepted,
                };
                // Too many open files, or a client that has gone again: others are served.
                let Some((stream, peer, slot)) = accepted else { continue };
                let connection = Connection {
                    app: Arc::clone(&app),
                    router: router.clone(),
                    peer,
                    silence: Duration::from_secs(app.limits().silence),
                    ending: ending.clone(),
                };
                let tls = tls.clone();
                tokio::spawn(async move {
                    connection.serve(stream, tls).await;
                    drop(slot);
                });
            }
            drop(listener);
            around.stage(Stage::Stopping);
            // Followers of jobs are not waited for.
            app.jobs.stop();
            app.feeds.stop();
            app.ending.send_replace(true);
            let _ = end.send(true);
            let all = u32::try_from(limit).unwrap_or(u32::MAX);
            let _ = tokio::time::timeout(DRAIN, slots.acquire_many(all)).await;
            // What is on its way comes once more after the next start.
            webhooks.abort();
        });
        runtime.shutdown_timeout(Duration::from_secs(1));
        Ok(())
    }
}

/// Files that are open beside connections.
const OTHER_FILES: u64 = 256;

/// Systems start programs with room for about a thousand open files; an upload has two, beside its
/// connection.
fn raise_limit_of_files(connections: usize) {
    let needed = 3 * connections as u64 + OTHER_FILES;
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return };
    let wanted = needed.min(hard);
    if wanted > soft && setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).is_err() || hard < needed {
        tracing::warn!(
            "limits.connections: {connections} may need more open files than are allowed ({hard}); \
                        raise that limit (`ulimit -n`, LimitNOFILE)"
        );
    }
}

type Accepted = (TcpStream, SocketAddr, OwnedSemaphorePermit);

/// The next connection, once there is room for one more.
async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>) -> Option<Accepted> {
    let slot = Arc::clone(slots).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer, slot)),
        Err(e) => {
            tracing::debug!("a connection could not be accepted: {e}");
            tokio::time::sleep(LOOK).await;
            None
        }
    }
}

struct Connection {
    app: Arc<App>,
    router: axum::Router,
    peer: SocketAddr,
    silence: Duration,
    ending: watch::Receiver<bool>,
}

impl Connection {
    async fn serve(self, stream: TcpStream, tls: Option<TlsAcceptor>) {
        // Answers are small, and are not to wait for more.
        let _ = stream.set_nodelay(true);
        self.app.metrics.connections.inc();
        let app = Arc::clone(&self.app);
        match tls {
            None => self.requests(stream).await,
            Some(tls) => match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
                Ok(Ok(stream)) => self.requests(stream).await,
                Ok(Err(e)) => tracing::debug!("{}: no TLS: {e}", self.peer),
                Err(_) => tracing::debug!("{}: no TLS in time", self.peer),
            },
        }
        app.metrics.connections.dec();
    }

    async fn requests(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let Connection { router, peer, silence, mut ending, .. } = self;
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(Peer(peer));
            router.clone().oneshot(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(silence)
            .half_close(true)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        tokio::pin!(connection);
        let result = tokio::select! {
            result = &mut connection => result,
            () = async { drop(ending.wait_for(|end| *end).await) } => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(e) = result {
            tracing::debug!("{peer}: {e}");
        }
    }
}

/// Takes new settings over; all of them, or none.
fn take_over(
    settings: Result<Settings, ServeError>,
    app: &App,
    tls: &mut Option<TlsAcceptor>,
    log: &Log,
) {
    let checked = settings.and_then(|settings| {
        settings.check()?;
        let fresh = acceptor(&settings)?;
        log.reopen()?;
        Ok((settings, fresh))
    });
    match checked {
        Err(e) => tracing::error!("the settings are left as they are: {e}"),
        Ok((settings, fresh)) => {
            if fresh.is_some() && tls.is_some() {
                *tls = fresh;
            }
            let kept = app.reload(settings);
            tracing::info!("settings reloaded");
            if !kept.is_empty() {
                tracing::warn!("unchanged until the next start: {}", kept.join(", "));
            }
        }
    }
}

/// What speaks TLS on connections, if it is asked for.
fn acceptor(settings: &Settings) -> Result<Option<TlsAcceptor>, ServeError> {
    let (Some(cert), Some(key)) = (&settings.tls_cert, &settings.tls_key) else { return Ok(None) };
    let wrong = |path: &Path, e: &dyn std::fmt::Display| {
        ServeError::Settings(format!("{}: {e}", path.display()))
    };
    let read =
        |path: &Path| std::fs::File::open(path).map(BufReader::new).map_err(|e| wrong(path, &e));
    let chain = CertificateDer::pem_reader_iter(read(cert)?).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|e| wrong(cert, &e))?;
    if chain.is_empty() {
        return Err(wrong(cert, &"there is no certificate in PEM in it"));
    }
    let secret = PrivateKeyDer::from_pem_reader(read(key)?).map_err(|e| wrong(key, &e))?;
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, secret);
    let mut config = config.map_err(|e| wrong(key, &e))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Some(TlsAcceptor::from(Arc::new(config))))
}
