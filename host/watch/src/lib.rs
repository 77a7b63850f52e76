//! Hot folder: watches a folder for new files and converts each of them exactly once, through
//! plugins, into another folder.
//!
//! ```text
//! inotify ─► Tree ─┐                                  ┌─► Worker ─┐ opened, settled, read, checked
//!                  ├─► Feed ─► bounded queue ─────────┼─► Worker ─┼─► Journal: claimed
//! folders ─► Scan ─┘    ▲  one worker a file          └─► Worker ─┘   Aside: written, synced, named
//!                       └──── busy, or changed meanwhile ◄──┘         Journal: published, done
//! ```
//!
//! Nothing waits in memory without bound: when the queue is full, or the kernel's own queue has
//! overflowed, the folder is scanned again, and the journal tells which files are new.
#![forbid(unsafe_code)]

mod convert;
mod ended;
mod error;
#[cfg(target_os = "linux")]
mod events;
mod failure;
mod feed;
mod identity;
pub mod journal;
mod originals;
mod output;
mod plan;
mod plugins;
mod prepare;
mod reach;
mod receipt;
mod remote;
mod scan;
mod select;
mod serve;
mod settle;
mod spec;
mod stats;
#[cfg(target_os = "linux")]
mod tree;
#[cfg(not(target_os = "linux"))]
#[path = "tree_elsewhere.rs"]
mod tree;
// Compiled and tested on Linux as well.
#[cfg(all(test, target_os = "linux"))]
mod tree_elsewhere;
mod video;
mod work;

pub use ended::{Candidate, Done, Ended};
pub use error::WatchError;
pub use journal::{JournalError, Report, State};
pub use originals::Originals;
pub use plan::Planned;
pub use prepare::{Hooks, Prepared, prepare};
pub use remote::serve_parent;
pub use scan::pending;
pub use spec::WatchSpec;
pub use stats::{Stats, Summary};

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use feed::{Back, Feed, InHand};
use filmgate_core::cancel::Cancel;
use filmgate_core::collide::Files;
use filmgate_core::frame::PlanePool;
use filmgate_engine::sink::Namer;
use filmgate_picture::{PictureFormat, WriteOptions};
use journal::Journal;
use plugins::PluginSet;
use receipt::Receipt;
use remote::Remote;
use select::Selection;
use settle::reconcile;
use tree::Tree;
use work::{Worker, WorkerContext};

/// What to do, with all defaults filled in.
struct Options {
    /// canonical
    folder: PathBuf,
    output: PathBuf,
    selection: Selection,
    /// what pictures are written as; none: as what they are
    format: Option<PictureFormat>,
    write: WriteOptions,
    originals: Originals,
    /// where files go that cannot be converted
    quarantine: Option<PathBuf>,
    /// whether files that are there may be replaced
    replace: bool,
    /// files that are not replaced even so: those that the watch itself reads and writes
    protected: Files,
    /// ends when all that is there is done
    once: bool,
    /// looks through the folder so often instead of listening
    poll: Option<Duration>,
    /// how long a file has to rest where the system does not tell who writes to it
    settle: Duration,
    workers: usize,
    /// how long a file may take in a worker process
    file_timeout: Option<Duration>,
}

impl Options {
    /// Folders for what is written, which are not watched even where they are in the watched one.
    fn outside(&self) -> impl Iterator<Item = &Path> {
        let moved = match &self.originals {
            Originals::Move(folder) => Some(folder),
            _ => None,
        };
        [Some(&self.output), self.quarantine.as_ref(), moved].into_iter().flatten().map(|p| &**p)
    }
}

/// Prints one line.
pub type Print = Box<dyn FnMut(&str) + Send>;

/// What a watch needs besides.
struct Parts {
    journal: Journal,
    namer: Namer,
    plugins: PluginSet,
    pool: PlanePool,
    stats: Arc<Stats>,
    receipt: Option<Receipt>,
    /// prints every event of inotify
    events: Option<Print>,
    /// asks for all plugins to be loaded again; is reset
    reload: Arc<AtomicBool>,
}

/// Receives what happens while a watch runs.
pub trait Reporter: Sync {
    /// So many files are processed again, as `retry_failed` asks.
    fn retrying(&self, files: usize);
    /// So many files are processed again, as `redo` asks.
    fn redoing(&self, files: usize);
    /// So many files were processed with other settings, and stay as they are.
    fn outdated(&self, files: usize);
    /// `/metrics` is served here.
    fn metrics(&self, address: SocketAddr);
    /// The watch waits for files and processes them.
    fn ready(&self);
    /// A file was processed.
    fn ended(&self, candidate: &Candidate, ended: &Ended);
}

/// Watches until `stop`, or, with `once`, until everything is done.
///
/// # Errors
/// What makes it impossible to go on, for people.
fn run(
    options: Options,
    parts: Parts,
    stop: &Cancel,
    reporter: &dyn Reporter,
) -> Result<(), String> {
    let tree = match (options.poll, options.once) {
        (None, false) => Some(
            Tree::new(&options.folder, &options.selection, parts.events)
                .map_err(|e| format!("the folder cannot be watched: {e}; use --poll to scan it"))?,
        ),
        _ => None,
    };
    let workers = options.workers.max(1);
    let remote = workers_of(&options)?;
    let context = Arc::new(WorkerContext {
        options,
        journal: parts.journal,
        namer: parts.namer,
        plugins: parts.plugins,
        stats: parts.stats,
        receipt: parts.receipt,
        pool: parts.pool,
        remote,
        stop: stop.clone(),
        frames: AtomicU64::default(),
    });
    reconcile(&context)?;
    let (jobs, taken) = bounded(workers);
    let (returned, back) = unbounded();
    let in_hand = Arc::<InHand>::default();
    let mut feed = Feed::new(&context, &in_hand, jobs, tree);
    let (finished, over) = bounded::<()>(0);
    let result = thread::scope(|scope| {
        for number in 0..workers {
            let (context, taken, returned) = (&context, &taken, &returned);
            let in_hand = &in_hand;
            thread::Builder::new()
                .name(format!("watch {number}"))
                .spawn_scoped(scope, move || serve(context, taken, in_hand, returned, reporter))
                .map_err(|e| format!("a thread cannot be started: {e}"))?;
        }
        let (plugins, reload) = (&context.plugins, &parts.reload);
        thread::Builder::new()
            .name("plugins".to_owned())
            .spawn_scoped(scope, move || plugins.keep_fresh(reload, &over))
            .map_err(|e| format!("a thread cannot be started: {e}"))?;
        let result = feed.run(&back, &mut || reporter.ready());
        // Workers end with the feed, after the files that they process.
        drop(feed);
        drop(finished);
        result
    });
    if let Some(receipt) = &context.receipt {
        let written = receipt.add(&(&*context.stats).into());
        written.map_err(|e| format!("the receipt cannot be completed: {e}"))?;
    }
    result
}

/// Worker processes, where a program for them is named.
fn workers_of(options: &Options) -> Result<Option<Remote>, String> {
    let Some((program, arguments)) = filmgate_worker::program() else { return Ok(None) };
    let arguments = arguments.to_vec();
    let settings = filmgate_worker::Settings {
        arguments,
        ..filmgate_worker::Settings::new(program, options.workers)
    };
    let pool = filmgate_worker::Pool::new(settings);
    let pool = pool.map_err(|e| format!("a thread cannot be started: {e}"))?;
    Ok(Some(Remote::new(pool, options.file_timeout)))
}

/// One worker: file after file, until the end of the feed or a stop.
fn serve(
    context: &Arc<WorkerContext>,
    jobs: &Receiver<Candidate>,
    in_hand: &InHand,
    returned: &Sender<Back>,
    reporter: &dyn Reporter,
) {
    let mut worker = Worker::new(context);
    let mut retries = 0_u32;
    for candidate in jobs {
        // After the stop no file is begun; the next watch finds it.
        if context.stop.is_cancelled() {
            in_hand.release(&candidate.path);
            continue;
        }
        let ended = worker.work(&candidate);
        account(context, &ended);
        reporter.ended(&candidate, &ended);
        let wait = match &ended {
            Ended::Busy => Some(BUSY),
            Ended::Retry(_) | Ended::Unreadable(_) if context.options.once => {
                // It is reported and stays; the next run finds it.
                context.stats.left.fetch_add(1, Ordering::Relaxed);
                None
            }
            Ended::Retry(_) => {
                retries += 1;
                Some(back_off(retries))
            }
            Ended::Unreadable(_) => Some(unreadable_for(candidate.since.elapsed())),
            _ => {
                retries = 0;
                None
            }
        };
        // What the system cannot do for this file it cannot do for the next one either.
        if let (Ended::Retry(_), Some(wait)) = (&ended, wait) {
            rest(context, wait);
        }
        let again = in_hand.release(&candidate.path);
        // After the end of the feed the result is of no use.
        if let Some(again) = again {
            let _ = returned.send(Back { candidate: again, wait: Duration::ZERO });
        } else if let Some(wait) = wait {
            let candidate = Candidate { heard: identity::Heard::Found, ..candidate };
            let _ = returned.send(Back { candidate, wait });
        }
    }
}

/// How long a file that is being written is left alone before it is checked again.
const BUSY: Duration = Duration::from_millis(200);

/// 1, 2, 4 … 30 s.
fn back_off(retries: u32) -> Duration {
    Duration::from_secs((1 << retries.saturating_sub(1).min(5)).min(30))
}

/// How long until the next attempt at a file that could not be read for so long: as long again.
fn unreadable_for(so_far: Duration) -> Duration {
    so_far.clamp(Duration::from_secs(1), Duration::from_secs(30))
}

/// Waits, unless the watch is to end.
fn rest(context: &WorkerContext, wait: Duration) {
    let end = Instant::now() + wait;
    while Instant::now() < end && !context.stop.is_cancelled() {
        thread::sleep(Duration::from_millis(50));
    }
}

fn account(context: &WorkerContext, ended: &Ended) {
    let stats = &context.stats;
    let one = |counter: &AtomicU64| {
        counter.fetch_add(1, Ordering::Relaxed);
    };
    match ended {
        Ended::Done(done) => {
            stats.published(done.latency, done.bytes);
            if done.bypassed > 0 {
                one(&stats.bypassed);
            }
            stats.stuck.store(false, Ordering::Relaxed);
        }
        Ended::Dropped => one(&stats.dropped),
        Ended::Failed { .. } => one(&stats.failed),
        Ended::Known(state) => stats.known(*state),
        Ended::Retry(_) => stats.stuck.store(true, Ordering::Relaxed),
        Ended::Empty if context.options.once => one(&stats.unsettled),
        Ended::Gone | Ended::Empty | Ended::Busy | Ended::Unreadable(_) => {}
    }
}
