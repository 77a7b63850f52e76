//! Bodies between the network and the disk: received by the runtime, written by a blocking thread.

use std::time::{Duration, Instant};

use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt;
use tokio::sync::mpsc;

use crate::error::Fault;
use crate::settings::Limits;

/// How many pieces of a body may wait for the disk.
const WAITING: usize = 8;
/// How long a sender may be slow before its average counts.
const START: Duration = Duration::from_secs(30);

/// The pieces of a body, for a blocking thread.
pub(crate) struct Chunks(mpsc::Receiver<Result<Bytes, Fault>>);

impl Iterator for Chunks {
    type Item = Result<Bytes, Fault>;

    /// The next piece; `Cut` when the sender stopped in the middle.
    fn next(&mut self) -> Option<Result<Bytes, Fault>> {
        self.0.blocking_recv()
    }
}

/// Runs blocking code.
///
/// # Errors
/// Those of `work`.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|e| Err(Fault::system("a thread of the server", std::io::Error::other(e))))
}

/// Receives a body, whose pieces `work` takes in a thread of its own.
///
/// # Errors
/// Those of `work`.
pub(crate) async fn receive<T: Send + 'static>(
    body: Body,
    limits: Limits,
    work: impl FnOnce(Chunks) -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let (send, pieces) = mpsc::channel(WAITING);
    let work = blocking(move || work(Chunks(pieces)));
    let (done, ()) = tokio::join!(work, pass_on(body, limits, send));
    done
}

async fn pass_on(mut body: Body, limits: Limits, send: mpsc::Sender<Result<Bytes, Fault>>) {
    let (started, mut received) = (Instant::now(), 0u64);
    loop {
        let next = tokio::time::timeout(Duration::from_secs(limits.silence), body.frame()).await;
        let piece = match next {
            Err(_) => Err(format!("nothing came for {} s", limits.silence)),
            Ok(None) => return,
            Ok(Some(Err(e))) => Err(format!("the body ended in the middle: {e}")),
            Ok(Some(Ok(frame))) => Ok(frame.into_data().unwrap_or_default()),
        };
        received += piece.as_ref().map_or(0, |bytes| bytes.len() as u64);
        let elapsed = started.elapsed();
        let is_slow = elapsed > START && received / elapsed.as_secs().max(1) < limits.slowest;
        let piece = match piece {
            Ok(_) if is_slow => Err(format!("less than {} bytes came a second", limits.slowest)),
            other => other,
        };
        let is_end = piece.is_err();
        // A writer that failed has closed the channel; its error is the answer.
        if send.send(piece.map_err(Fault::Cut)).await.is_err() || is_end {
            return;
        }
    }
}
