//! `filmgate serve`: devices upload segments by HTTP, and jobs join them.
//!
//! `store`, `uploads`, `jobs` and [`access`] are plain blocking code; only `http` is
//! asynchronous. Media is touched by the processes of jobs alone.
#![forbid(unsafe_code)]

pub mod access;
mod beneath;
mod digest;
mod error;
mod http;
mod jobs;
mod key;
mod request;
mod settings;
mod store;
mod uploads;

use std::sync::Arc;

use filmgate_core::cancel::Cancel;

pub use error::{Fault, ServeError};
pub use http::openapi;
pub use jobs::PARENT;
pub use request::{JobRequest, JoinRequest, OnBusy};
pub use settings::{Limits, Quota, Schedule, Settings};

use jobs::Jobs;
use store::Store;
use uploads::Uploads;

/// Serves until `cancel` is set. `ready` is told the address once requests are answered.
///
/// # Errors
/// When it cannot start, or the listening socket fails.
pub fn serve(
    settings: &Settings,
    cancel: &Cancel,
    ready: &mut dyn FnMut(std::net::SocketAddr),
) -> Result<(), ServeError> {
    let root = settings.check()?;
    let store = Arc::new(Store::open(&root, settings.quota)?);
    http::check_exposure(settings, &store)?;
    let uploads = Arc::new(Uploads::new(Arc::clone(&store), settings.limits.upload_expiry));
    uploads.expire()?;
    store.reconcile(&|id| uploads.is_alive(id))?;
    let jobs = Jobs::open(Arc::clone(&store), settings.jobs)?;
    let app =
        http::App::new(settings, Arc::clone(&store), Arc::clone(&uploads), Arc::clone(&jobs))?;
    let server = http::Server::bind(settings, app)?;
    let threads = jobs.start(settings.schedule.clone());
    ready(server.address());
    let result = server.run(cancel, &mut || {
        if let Err(e) = uploads.expire() {
            tracing::error!("interrupted uploads: {e}");
        }
    });
    jobs.stop();
    for thread in threads {
        // A thread that panicked has said so.
        let _ = thread.join();
    }
    result
}
