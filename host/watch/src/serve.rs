//! HTTP server for `/metrics` (Prometheus) and `/healthz`.

use std::io::Cursor;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;

use tiny_http::{Header, Response, Server};

use super::stats::Stats;

/// A server that answers until it is dropped.
pub(super) struct Metrics {
    server: Arc<Server>,
    address: SocketAddr,
    thread: Option<thread::JoinHandle<()>>,
}

impl Metrics {
    /// Listens on `address`: `127.0.0.1:9090`, or port 0 for any.
    ///
    /// # Errors
    /// Why nobody can listen there, for people.
    pub(super) fn serve(address: &str, stats: Arc<Stats>) -> Result<Metrics, String> {
        let fail = |e: &dyn std::fmt::Display| format!("--metrics {address}: {e}");
        let first = address.to_socket_addrs().map_err(|e| fail(&e))?.next();
        let first = first.ok_or_else(|| fail(&"names no address"))?;
        let server = Arc::new(Server::http(first).map_err(|e| fail(&e))?);
        let address = server.server_addr().to_ip().unwrap_or(first);
        let answering = Arc::clone(&server);
        let thread = thread::Builder::new().name("metrics".to_owned()).spawn(move || {
            for request in answering.incoming_requests() {
                let response = answer(request.url(), &stats);
                // Whoever asked may be gone.
                let _ = request.respond(response);
            }
        });
        Ok(Metrics { server, address, thread: Some(thread.map_err(|e| fail(&e))?) })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Metrics {
    fn drop(&mut self) {
        self.server.unblock();
        if let Some(thread) = self.thread.take() {
            // It cannot fail in a way that matters at the end.
            let _ = thread.join();
        }
    }
}

fn answer(url: &str, stats: &Stats) -> Response<Cursor<Vec<u8>>> {
    let (code, text) = match url.split('?').next().unwrap_or_default() {
        "/metrics" => (200, stats.exposition()),
        "/healthz" if stats.stuck.load(Ordering::Relaxed) => {
            (503, "outputs cannot be written\n".to_owned())
        }
        "/healthz" => (200, "ok\n".to_owned()),
        _ => (404, "there are /metrics and /healthz\n".to_owned()),
    };
    let response = Response::from_string(text).with_status_code(code);
    match Header::from_bytes("Content-Type", "text/plain; version=0.0.4; charset=utf-8") {
        Ok(header) => response.with_header(header),
        Err(()) => response,
    }
}
