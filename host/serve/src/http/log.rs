//! The access log, in common log format.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use axum::extract::{Request, State};
use axum::http::Uri;
use axum::middleware::Next;
use axum::response::Response;

use super::{App, Caller, Peer};
use crate::error::ServeError;

/// Where it is written; nowhere, if it was not asked for.
pub(crate) struct Log {
    path: Option<PathBuf>,
    file: Mutex<Option<File>>,
}

impl Log {
    /// # Errors
    /// `System`.
    pub(crate) fn open(path: Option<PathBuf>) -> Result<Arc<Log>, ServeError> {
        let log = Log { path, file: Mutex::new(None) };
        log.reopen()?;
        Ok(Arc::new(log))
    }

    /// Opens the file anew: the old one was moved away.
    ///
    /// # Errors
    /// `System`.
    pub(crate) fn reopen(&self) -> Result<(), ServeError> {
        let Some(path) = &self.path else { return Ok(()) };
        let file = OpenOptions::new().append(true).create(true).open(path).map_err(|source| {
            ServeError::System { what: format!("the access log {}", path.display()), source }
        })?;
        *self.file.lock().unwrap_or_else(PoisonError::into_inner) = Some(file);
        Ok(())
    }

    fn write(&self, line: &str) -> io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.as_mut().map_or(Ok(()), |file| file.write_all(line.as_bytes()))
    }
}

/// `10/Oct/2000:13:55:36 +0000`, from `Tue, 10 Oct 2000 13:55:36 GMT`.
fn date() -> String {
    let date = httpdate::fmt_http_date(SystemTime::now());
    let mut parts = date.split(' ').skip(1);
    let mut part = || parts.next().unwrap_or_default();
    format!("{}/{}/{}:{} +0000", part(), part(), part(), part())
}

/// An address without the token that players carry in it.
fn shown(uri: &Uri) -> String {
    let Some(query) = uri.query() else { return uri.path().to_owned() };
    let hidden = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name @ "access_token", _)) => format!("{name}=-"),
        _ => pair.to_owned(),
    });
    format!("{}?{}", uri.path(), hidden.collect::<Vec<_>>().join("&"))
}

/// Notes a request, once its answer begins.
pub(crate) async fn note(
    State((app, log)): State<(Arc<App>, Arc<Log>)>,
    request: Request,
    next: Next,
) -> Response {
    let peer =
        request.extensions().get::<Peer>().map_or_else(String::new, |p| p.0.ip().to_string());
    let (method, path) = (request.method().clone(), shown(request.uri()));
    let response = next.run(request).await;
    app.metrics.answered(&method, response.status());
    let who = response.extensions().get::<Caller>().and_then(|caller| caller.0.as_ref());
    let who = who.map_or("-", |token| &token.name);
    let size = response.headers().get("content-length").and_then(|v| v.to_str().ok());
    let (status, size) = (response.status().as_u16(), size.unwrap_or("-"));
    let line =
        format!("{peer} - {who} [{}] \"{method} {path} HTTP/1.1\" {status} {size}\n", date());
    // A full disk is no reason to refuse requests.
    let _ = log.write(&line);
    response
}
