//! `filmgate serve`: devices upload segments by HTTP, and jobs join them.
//!
//! `store`, `uploads`, `jobs` and [`access`] are plain blocking code; only `http` is
//! asynchronous. Media is touched by the processes of jobs alone.
#![forbid(unsafe_code)]

pub mod access;
mod around;
mod beneath;
mod child;
mod digest;
mod error;
mod feeds;
pub mod ffserver;
mod http;
mod jobs;
mod key;
mod request;
mod settings;
mod store;
mod uploads;
mod webhook;

use std::sync::Arc;

use filmgate_core::cancel::Cancel;

pub use around::{Stage, Surroundings};
pub use child::PARENT;
pub use error::{Fault, ServeError};
pub use feeds::settings::{FeedSettings, StreamSettings};
pub use http::openapi;
pub use request::{JobRequest, JoinRequest, OnBusy};
pub use settings::{Limits, Quota, Schedule, Settings};
pub use webhook::Webhook;

use feeds::Feeds;
use jobs::Jobs;
use settings::Live;
use store::Store;
use uploads::Uploads;

/// Serves until `cancel` is set.
///
/// # Errors
/// When it cannot start, or the listening socket fails.
pub fn serve(
    settings: &Settings,
    cancel: &Cancel,
    around: &mut dyn Surroundings,
) -> Result<(), ServeError> {
    let root = settings.check()?;
    let live = Live::new(settings.clone());
    let store = Arc::new(Store::open(&root, live.clone())?);
    http::check_exposure(settings, &store)?;
    let uploads = Arc::new(Uploads::new(Arc::clone(&store), live.clone()));
    uploads.expire()?;
    store.reconcile(&|id| uploads.is_alive(id))?;
    let jobs = Jobs::open(Arc::clone(&store), live.clone())?;
    // Processes of feeds work in the root, whatever it is called from here.
    let top = root.canonicalize().unwrap_or_else(|_| root.clone());
    let feeds = Arc::new(Feeds::new(&settings.feed, &top)?);
    let app = http::App::new(
        live,
        Arc::clone(&store),
        Arc::clone(&uploads),
        Arc::clone(&jobs),
        Arc::clone(&feeds),
    )?;
    let server = http::Server::bind(settings, app)?;
    let mut threads = jobs.start();
    threads.extend(feeds.start());
    let result = server.run(cancel, around, &mut || {
        if let Err(e) = uploads.expire() {
            tracing::error!("interrupted uploads: {e}");
        }
    });
    jobs.stop();
    feeds.stop();
    for thread in threads {
        // A thread that panicked has said so.
        let _ = thread.join();
    }
    result
}
