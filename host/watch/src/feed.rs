//! Queue between file system events, folder scans and workers: one worker per file at a time, with
//! bounded memory, debounce of files that are being written, and a new scan after lost events.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{SendTimeoutError, Sender};
use tracing::{debug, info, warn};

use super::ended::Candidate;
use super::identity::{Heard, Identity};
use super::journal::Verdict;
use super::scan::{Found, Scan};
use super::settle::on_network;
use super::tree::{Tree, TreeEvent};
use super::work::WorkerContext;

/// Files that wait in memory; for more the folder is scanned again.
const WAITING: usize = 4096;

/// How long nothing is waited for at most, so that a stop is noticed.
const TICK: Duration = Duration::from_millis(100);

/// How often folders are scanned when some cannot be watched.
const FALLBACK_SCAN: Duration = Duration::from_secs(5);

/// Entries of the folder that are scanned between two reads of events.
const STRIDE: usize = 256;

/// How long `--once` waits for files that are being written.
const PATIENCE: Duration = Duration::from_secs(2);

/// What workers hand back, by path: whether to try again, and after how long.
#[derive(Default)]
pub(super) struct InHand(Mutex<HashMap<PathBuf, Hand>>);

#[derive(Default)]
struct Hand {
    /// something happened to the file meanwhile
    again: Option<Candidate>,
}

impl InHand {
    fn map(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, Hand>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a file in hand; false when it is, and will be processed again afterwards.
    fn take(&self, candidate: &Candidate) -> bool {
        let mut map = self.map();
        if let Some(hand) = map.get_mut(&candidate.path) {
            hand.again = Some(candidate.clone());
            return false;
        }
        map.insert(candidate.path.clone(), Hand::default());
        true
    }

    /// Lets go of it; gives what is to be processed again.
    pub(super) fn release(&self, path: &Path) -> Option<Candidate> {
        self.map().remove(path).and_then(|hand| hand.again)
    }

    fn has(&self, path: &Path) -> bool {
        self.map().contains_key(path)
    }

    fn len(&self) -> usize {
        self.map().len()
    }
}

/// A file that comes back from a worker.
pub(super) struct Back {
    pub(super) candidate: Candidate,
    pub(super) wait: Duration,
}

/// The one thread that decides what is worked on next.
pub(super) struct Feed {
    context: Arc<WorkerContext>,
    in_hand: Arc<InHand>,
    jobs: Sender<Candidate>,
    /// none when the folder is only scanned
    tree: Option<Tree>,
    scan: Option<Scan>,
    /// sub-folders that appeared
    folders: VecDeque<PathBuf>,
    rescan: bool,
    ready: VecDeque<Candidate>,
    later: Vec<(Instant, Candidate)>,
    /// what was seen of files that have to rest first, when polling
    sightings: HashMap<PathBuf, (Identity, Instant)>,
    next_scan: Instant,
    /// sub-folders that cannot be read, each reported once
    unreadable: HashSet<PathBuf>,
    /// sub-folders on file systems that others change without an event
    network: HashSet<PathBuf>,
    /// whether there are folders that cannot be watched
    unwatched: bool,
    /// whether the folder was scanned before
    scanned: bool,
    busy_since: Option<Instant>,
}

impl Feed {
    pub(super) fn new(
        context: &Arc<WorkerContext>,
        in_hand: &Arc<InHand>,
        jobs: Sender<Candidate>,
        tree: Option<Tree>,
    ) -> Feed {
        Feed {
            context: Arc::clone(context),
            in_hand: Arc::clone(in_hand),
            jobs,
            tree,
            scan: None,
            folders: VecDeque::new(),
            rescan: true,
            ready: VecDeque::new(),
            later: Vec::new(),
            sightings: HashMap::new(),
            next_scan: Instant::now(),
            unreadable: HashSet::new(),
            network: HashSet::new(),
            unwatched: false,
            scanned: false,
            busy_since: None,
        }
    }

    /// Feeds the workers until there is nothing more to do, or the stop.
    pub(super) fn run(
        &mut self,
        back: &crossbeam_channel::Receiver<Back>,
        ready: &mut dyn FnMut(),
    ) -> Result<(), String> {
        let mut is_ready = false;
        while !self.context.stop.is_cancelled() {
            while let Ok(Back { candidate, wait }) = back.try_recv() {
                self.put_back(candidate, wait);
            }
            self.read_events()?;
            self.continue_scan();
            self.hand_out();
            self.count();
            if !is_ready && (self.scan.is_some() || !self.rescan) {
                is_ready = true;
                ready();
            }
            if self.context.options.once && self.is_idle(back) {
                break;
            }
        }
        Ok(())
    }

    fn put_back(&mut self, candidate: Candidate, wait: Duration) {
        if wait.is_zero() {
            return self.admit(candidate);
        }
        self.later.retain(|(_, other)| other.path != candidate.path);
        if self.later.len() < WAITING {
            self.later.push((Instant::now() + wait, candidate));
        } else {
            self.rescan = true;
        }
    }

    /// Takes in what has happened. Waits only when there is nothing else to do.
    fn read_events(&mut self) -> Result<(), String> {
        let waiting = !self.ready.is_empty() || self.scan.is_some() || self.rescan;
        let is_busy = waiting || !self.folders.is_empty();
        let timeout = if is_busy { Duration::ZERO } else { self.nearest() };
        let Some(tree) = &mut self.tree else {
            std::thread::sleep(timeout);
            return Ok(());
        };
        let root = || self.context.options.folder.display();
        let mut wait = timeout;
        // A burst is taken out of the kernel's queue before it is full.
        for _ in 0..64 {
            let notes = tree.read(wait).map_err(|e| format!("{}: {e}", root()))?;
            wait = Duration::ZERO;
            if notes.is_empty() {
                break;
            }
            for note in notes {
                match note {
                    TreeEvent::File(path, heard) => {
                        let candidate = Candidate { path, heard, since: Instant::now() };
                        if self.ready.len() < WAITING {
                            self.ready.push_back(candidate);
                        } else {
                            self.rescan = true;
                        }
                    }
                    TreeEvent::Folder(path) => self.folders.push_back(path),
                    // What became readable need not wait for its next attempt.
                    TreeEvent::Attributes(path) => {
                        let is_path = |c: &Candidate| c.path == path;
                        if let Some(at) = self.later.iter().position(|(_, c)| is_path(c)) {
                            let (_, candidate) = self.later.swap_remove(at);
                            self.ready.push_back(candidate);
                        } else if self.in_hand.has(&path) {
                            let (heard, since) = (Heard::Found, Instant::now());
                            self.ready.push_back(Candidate { path, heard, since });
                        }
                    }
                    TreeEvent::Gone(path) => {
                        if let Err(e) = self.context.journal.gone(&path) {
                            warn!("{e}");
                        }
                    }
                    TreeEvent::Overflow => {
                        self.context.stats.overflows.fetch_add(1, Ordering::Relaxed);
                        info!("events were lost; the folder is scanned again");
                        self.rescan = true;
                    }
                    TreeEvent::Ended => return Err(format!("{}: is gone", root())),
                }
            }
        }
        Ok(())
    }

    /// How long to wait for events when there is nothing else to do.
    fn nearest(&self) -> Duration {
        let now = Instant::now();
        let due = self.later.iter().map(|(due, _)| due.saturating_duration_since(now)).min();
        due.unwrap_or(TICK).min(TICK)
    }

    /// Looks on through the folder while nothing else waits, so that what comes anew is not behind
    /// what has been lying there.
    fn continue_scan(&mut self) {
        self.admit_due();
        let unwatched = self.unwatched.then_some(FALLBACK_SCAN);
        let interval =
            self.context.options.poll.or(unwatched).filter(|_| !self.context.options.once);
        if let Some(interval) = interval
            && self.scan.is_none()
            && Instant::now() >= self.next_scan
        {
            self.rescan = true;
            self.next_scan = Instant::now() + interval;
        }
        for _ in 0..STRIDE {
            if !self.ready.is_empty() || !self.begin() {
                return;
            }
            let Some(scan) = &mut self.scan else { return };
            match scan.next(&self.context.options.selection) {
                Some(Found::Folder(folder)) => self.enter(&folder),
                Some(Found::File(path)) => self.found(path),
                None => {
                    self.scan = None;
                    self.scanned = true;
                    if let Err(e) = self.context.journal.prune() {
                        warn!("{e}");
                    }
                }
            }
        }
    }

    /// Makes sure that a walk is under way, if one is due.
    fn begin(&mut self) -> bool {
        if self.scan.is_some() {
            return true;
        }
        let root = self.context.options.folder.clone();
        let folder = if self.rescan { Some(PathBuf::new()) } else { self.folders.pop_front() };
        let Some(folder) = folder else { return false };
        self.rescan = false;
        self.scan = Some(Scan::new(&root, &folder));
        self.enter(&folder);
        true
    }

    /// Watches a folder, and then opens it: what is created in between is reported.
    fn enter(&mut self, folder: &Path) {
        use std::io::ErrorKind;
        let whole = self.context.options.folder.join(folder);
        if let Some(tree) = &mut self.tree
            && let Err(e) = tree.watch(folder)
            // Opening it says so, too.
            && !matches!(e.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied)
            && !std::mem::replace(&mut self.unwatched, true)
        {
            // inotify_add_watch(2), ENOSPC.
            let limit = match e.kind() {
                ErrorKind::StorageFull => {
                    let count = tree.len();
                    format!(
                        "; {count} folders are, and fs.inotify.max_user_watches limits their number"
                    )
                }
                _ => String::new(),
            };
            let seconds = FALLBACK_SCAN.as_secs();
            warn!(
                "{}: cannot be watched: {e}{limit}. All folders are scanned every {seconds} s now",
                whole.display()
            );
        }
        self.ask_file_system(folder, &whole);
        let Some(scan) = &mut self.scan else { return };
        match scan.enter() {
            Ok(()) => {
                self.unreadable.remove(folder);
            }
            Err(e) => {
                if self.unreadable.insert(folder.to_owned()) {
                    warn!(
                        "{}: cannot be read: {e}; its files are left out until it can",
                        whole.display()
                    );
                }
            }
        }
    }

    /// Has a sub-folder scanned that is a mount of its own, on a network file system.
    fn ask_file_system(&mut self, folder: &Path, whole: &Path) {
        use std::os::unix::fs::MetadataExt;
        let device = |path: &Path| std::fs::metadata(path).ok().map(|facts| facts.dev());
        let is_covered = folder.ancestors().any(|above| self.network.contains(above));
        if self.context.options.poll.is_some()
            || is_covered
            || device(whole) == device(&self.context.options.folder)
            || !on_network(whole)
        {
            return;
        }
        self.network.insert(folder.to_owned());
        self.unwatched = true;
        if self.tree.is_some() {
            warn!(
                "{}: is a network folder, which reports no changes; all folders are scanned every {} s",
                whole.display(),
                FALLBACK_SCAN.as_secs()
            );
        }
    }

    fn found(&mut self, path: PathBuf) {
        let whole = self.context.options.folder.join(&path);
        if self.later.iter().any(|(_, candidate)| candidate.path == path) {
            return;
        }
        let facts = match std::fs::metadata(&whole) {
            Ok(facts) => facts,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return,
            // A worker says why.
            Err(_) => {
                let (heard, since) = (Heard::Found, Instant::now());
                return self.admit(Candidate { path, heard, since });
            }
        };
        let identity = Identity::of(&facts);
        match self.context.journal.look(&path, &identity) {
            Ok(Verdict::Known(state)) => {
                if !self.scanned {
                    self.context.stats.known(state);
                }
                self.sightings.remove(&path);
                return;
            }
            Ok(_) => {}
            Err(e) => return warn!("{e}"),
        }
        let polling = self.context.options.poll.is_some()
            || path.ancestors().any(|above| self.network.contains(above));
        if polling && !self.rests(&path, identity) {
            return;
        }
        let heard = if polling { Heard::Stable } else { Heard::Found };
        self.admit(Candidate { path, heard, since: Instant::now() });
    }

    /// Whether a file has stayed the same between two sightings that are far enough apart.
    fn rests(&mut self, path: &Path, identity: Identity) -> bool {
        let now = Instant::now();
        let settle = self.context.options.settle;
        match self.sightings.get(path) {
            Some((before, since)) if *before == identity => {
                let rests = now.duration_since(*since) >= settle;
                if rests {
                    self.sightings.remove(path);
                } else {
                    self.next_scan = self.next_scan.min(*since + settle);
                }
                rests
            }
            _ => {
                if self.sightings.len() < WAITING {
                    self.sightings.insert(path.to_owned(), (identity, now));
                    self.next_scan = self.next_scan.min(now + settle);
                }
                false
            }
        }
    }

    fn admit(&mut self, candidate: Candidate) {
        if self.ready.len() < WAITING {
            self.ready.push_back(candidate);
        } else {
            self.rescan = true;
        }
    }

    /// What was busy and may not be any more.
    fn admit_due(&mut self) {
        let now = Instant::now();
        let (due, rest) = std::mem::take(&mut self.later).into_iter().partition(|(t, _)| *t <= now);
        self.later = rest;
        let due: Vec<(Instant, Candidate)> = due;
        for (_, mut candidate) in due {
            // Where both of a file's times are in the future, only this clock tells how long it has
            // been unchanged.
            let whole = self.context.options.folder.join(&candidate.path);
            let identity = std::fs::metadata(whole).map(|facts| Identity::of(&facts));
            match identity {
                Ok(identity) if candidate.heard == Heard::Found && identity.age().is_none() => {
                    if self.rests(&candidate.path, identity) {
                        candidate.heard = Heard::Stable;
                    }
                }
                _ => drop(self.sightings.remove(&candidate.path)),
            }
            self.admit(candidate);
        }
    }

    /// Hands out what is ready, as far as workers take it.
    fn hand_out(&mut self) {
        while let Some(candidate) = self.ready.pop_front() {
            if !self.in_hand.take(&candidate) {
                continue;
            }
            match self.jobs.send_timeout(candidate, Duration::from_millis(2)) {
                Ok(()) => {}
                Err(SendTimeoutError::Timeout(candidate)) => {
                    if let Some(again) = self.in_hand.release(&candidate.path) {
                        debug!("{}: changed while it waited", again.path.display());
                    }
                    self.ready.push_front(candidate);
                    return;
                }
                Err(SendTimeoutError::Disconnected(_)) => return self.context.stop.cancel(),
            }
        }
    }

    fn count(&self) {
        let stats = &self.context.stats;
        let queue = self.ready.len() + self.later.len() + self.jobs.len();
        stats.queue.store(queue as u64, Ordering::Relaxed);
        stats.in_hand.store(self.in_hand.len() as u64, Ordering::Relaxed);
    }

    /// Whether everything that is there is done, or was waited for long enough.
    fn is_idle(&mut self, back: &crossbeam_channel::Receiver<Back>) -> bool {
        let working = self.scan.is_some()
            || self.rescan
            || !self.folders.is_empty()
            || !self.ready.is_empty()
            || self.in_hand.len() > 0
            || !back.is_empty();
        if working {
            return false;
        }
        if !self.sightings.is_empty() {
            self.rescan = Instant::now() >= self.next_scan;
        }
        if self.later.is_empty() && self.sightings.is_empty() {
            return true;
        }
        let since = *self.busy_since.get_or_insert_with(Instant::now);
        if since.elapsed() < PATIENCE.max(self.context.options.settle * 3) {
            return false;
        }
        let left = self.later.iter().map(|(_, c)| &c.path).chain(self.sightings.keys());
        for path in left {
            self.context.stats.unsettled.fetch_add(1, Ordering::Relaxed);
            warn!(
                "{}: is being written, or changed a moment ago; it was left alone",
                path.display()
            );
        }
        true
    }
}
