//! Jobs: what was asked for, in a table that outlives the server, and the processes that do it.

mod deliveries;
mod runner;
mod table;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::Value;
use tracing::{error, info};

use crate::error::{Fault, ServeError};
use crate::key::Device;
use crate::request::{Submission, device_of};
use crate::settings::{Live, Schedule};
use crate::store::{self, Store, open_index};
pub(crate) use deliveries::Delivery;
pub(crate) use table::{Event, Job, State};

/// The jobs of a store. Shared by the threads that answer requests and those that run jobs.
pub(crate) struct Jobs {
    store: Arc<Store>,
    /// a connection of its own: uploads do not wait for jobs
    index: Mutex<Connection>,
    live: Live,
    stop: AtomicBool,
    /// counts what happened; waited for by those who follow jobs, and by idle runners
    pulse: Mutex<u64>,
    beat: Condvar,
    /// called whenever something happens
    listener: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

/// The longest that anybody sleeps without looking.
const LOOK: Duration = Duration::from_secs(1);

impl Jobs {
    /// Takes over what an earlier server left: what was running is queued again.
    ///
    /// # Errors
    /// `Root`, `Index`.
    pub(crate) fn open(store: Arc<Store>, live: Live) -> Result<Arc<Jobs>, ServeError> {
        let index = open_index(store.root(), true)?;
        table::requeue(&index)?;
        let (stop, pulse, beat) = (AtomicBool::new(false), Mutex::default(), Condvar::new());
        let listener = OnceLock::new();
        let index = Mutex::new(index);
        Ok(Arc::new(Jobs { store, index, live, stop, pulse, beat, listener }))
    }

    /// Has `listener` called whenever something happens to a job.
    pub(crate) fn listen(&self, listener: impl Fn() + Send + Sync + 'static) {
        // There is one server.
        let _ = self.listener.set(Box::new(listener));
    }

    /// Starts the threads that run jobs. They end after [`Jobs::stop`].
    pub(crate) fn start(self: &Arc<Self>) -> Vec<thread::JoinHandle<()>> {
        let half = thread::available_parallelism().map_or(1, |n| n.get().div_ceil(2));
        let count = self.live.get().jobs.at_once.unwrap_or(half);
        let mut threads: Vec<_> = (0..count)
            .map(|_| {
                let jobs = Arc::clone(self);
                thread::spawn(move || jobs.work())
            })
            .collect();
        let jobs = Arc::clone(self);
        threads.push(thread::spawn(move || jobs.keep_house()));
        threads
    }

    /// Ends all threads; what is running is interrupted, and runs again after the next start.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        self.tell();
    }

    /// Whether the server ends.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    fn index(&self) -> MutexGuard<'_, Connection> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes everybody who waits for something to happen.
    fn tell(&self) {
        *self.pulse.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.beat.notify_all();
        if let Some(listener) = self.listener.get() {
            listener();
        }
    }

    /// Waits until something happened since `seen`, a second at most; gives the count of now.
    fn wait(&self, seen: u64) -> u64 {
        let pulse = self.pulse.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.beat.wait_timeout_while(pulse, LOOK, |count| *count == seen);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    // ---- for requests ----

    /// The job that a request with this idempotency key has made.
    ///
    /// # Errors
    /// `Conflict`: that was another request; `Index`.
    pub(crate) fn known(&self, key: &str, request: &str) -> Result<Option<Job>, Fault> {
        table::known(&self.index(), key, request)
    }

    /// Queues a job. With an idempotency key that is known, gives the job that it made; the flag
    /// tells whether the job is new.
    ///
    /// # Errors
    /// `Request`, `Conflict`, `Index`.
    pub(crate) fn submit(&self, submission: &Submission) -> Result<(Job, bool), Fault> {
        let (job, is_new) = table::insert(&mut self.index(), submission)?;
        if is_new {
            info!("job {} queued: {} of {}", job.id, job.verb, job.subject);
            self.tell();
        }
        Ok((job, is_new))
    }

    /// # Errors
    /// `NotFound`, `Index`.
    pub(crate) fn get(&self, id: &str) -> Result<Job, Fault> {
        table::get(&self.index(), id)
    }

    /// The newest jobs first: those older than the job `before`, in `state`.
    ///
    /// # Errors
    /// `Index`.
    pub(crate) fn list(
        &self,
        state: Option<State>,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Job>, Fault> {
        table::list(&self.index(), state, before, limit)
    }

    /// Asks a job to end. One that is queued is canceled at once.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it has ended.
    pub(crate) fn cancel(&self, id: &str) -> Result<Job, Fault> {
        let job = table::cancel(&mut self.index(), id, &self.live.get().webhook)?;
        self.tell();
        Ok(job)
    }

    /// Queues a job that failed or was canceled once more.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` in any other state.
    pub(crate) fn retry(&self, id: &str) -> Result<Job, Fault> {
        let job = table::retry(&self.index(), id)?;
        self.tell();
        Ok(job)
    }

    /// What happened to a job behind the event `after`.
    ///
    /// # Errors
    /// `Index`.
    pub(crate) fn events(&self, id: &str, after: i64) -> Result<Vec<Event>, Fault> {
        table::events(&self.index(), id, after)
    }

    /// How many jobs are in each state.
    ///
    /// # Errors
    /// `Index`.
    pub(crate) fn counts(&self) -> Result<Vec<(State, u64)>, Fault> {
        table::counts(&self.index())
    }

    // ---- for webhooks ----

    /// Messages that are to be sent now.
    ///
    /// # Errors
    /// `Index`.
    pub(crate) fn deliveries(&self) -> Result<Vec<Delivery>, Fault> {
        deliveries::due(&self.index())
    }

    /// A message has arrived, or is given up.
    ///
    /// # Errors
    /// `Index`.
    pub(crate) fn delivered(&self, id: &str) -> Result<(), Fault> {
        deliveries::remove(&self.index(), id)
    }

    /// A message is to be tried again.
    ///
    /// # Errors
    /// `Index`.
    pub(crate) fn postpone(&self, id: &str, seconds: u32) -> Result<(), Fault> {
        deliveries::postpone(&self.index(), id, seconds)
    }

    // ---- for runners ----

    fn work(&self) {
        let mut seen = 0;
        while !self.is_stopped() {
            let taken = table::take(&mut self.index());
            match taken {
                Ok(Some(job)) => self.run(&job),
                Ok(None) => seen = self.wait(seen),
                Err(e) => {
                    error!("the next job: {e}");
                    thread::sleep(LOOK);
                }
            }
        }
    }

    fn run(&self, job: &Job) {
        self.note(&job.id, &serde_json::json!({ "event": "state", "state": "running" }));
        let asked_to_end = || self.is_stopped() || table::is_cancelled(&self.index(), &job.id);
        let started = Instant::now();
        let late = || started.elapsed() > Duration::from_secs(self.live.get().jobs.timeout);
        let context =
            runner::Context { root: self.store.root(), asked_to_end: &asked_to_end, late: &late };
        let mut ended = runner::run(job, &context, &mut |event| self.note(&job.id, event));
        // The files come first: the job is done when listings show what it did.
        if let Some(device) = device_of(&job.subject) {
            self.rescan(&device);
        }
        if self.is_stopped() && ended.state == State::Canceled {
            ended.state = State::Queued;
        }
        match &ended.error {
            Some(error) => info!("job {} {}: {error}", job.id, ended.state.name()),
            None => info!("job {} {}", job.id, ended.state.name()),
        }
        let hooks = &self.live.get().webhook;
        if let Err(e) = table::finish(&mut self.index(), &job.id, &ended, hooks) {
            error!("job {}: {e}", job.id);
        }
        self.note(
            &job.id,
            &serde_json::json!({
                "event": "state", "state": ended.state.name(), "error": ended.error,
            }),
        );
    }

    fn rescan(&self, device: &Device) {
        let is_alive = |_: &str| true;
        if let Err(e) = self.store.rescan(device, &is_alive) {
            error!("{}/{}: {e}", device.task, device.device);
        }
    }

    fn note(&self, id: &str, event: &Value) {
        if let Err(e) = table::note(&self.index(), id, event) {
            error!("job {id}: {e}");
        }
        self.tell();
    }

    /// Old jobs are forgotten, and joins of the schedule are queued.
    fn keep_house(&self) {
        let mut settings = self.live.get();
        let mut due: Vec<Instant> = settings.schedule.iter().map(next).collect();
        let mut seen = 0;
        let mut cleaned = None;
        while !self.is_stopped() {
            seen = self.wait(seen);
            let now = self.live.get();
            if now.schedule != settings.schedule {
                due = now.schedule.iter().map(next).collect();
            }
            settings = now;
            for (entry, due) in settings.schedule.iter().zip(&mut due) {
                if Instant::now() >= *due {
                    *due = next(entry);
                    self.join_of(entry);
                }
            }
            if cleaned.is_none_or(|at: Instant| at.elapsed() > Duration::from_secs(3600)) {
                cleaned = Some(Instant::now());
                let oldest = store::now() - i64::from(self.live.get().jobs.keep_days) * 86_400;
                if let Err(e) = table::forget(&self.index(), oldest) {
                    error!("old jobs: {e}");
                }
            }
        }
    }

    fn join_of(&self, entry: &Schedule) {
        let device = Device::new(&entry.task, &entry.device);
        let submission =
            device.and_then(|device| entry.join.submission(self.store.root(), &device, None));
        if let Err(e) = submission.and_then(|submission| self.submit(&submission)) {
            error!("the scheduled join of {}/{}: {e}", entry.task, entry.device);
        }
    }
}

fn next(entry: &Schedule) -> Instant {
    Instant::now() + Duration::from_secs(u64::from(entry.every_minutes) * 60)
}

/// The folder of a job's own files.
fn folder(root: &Path, id: &str) -> std::path::PathBuf {
    root.join(store::OWN).join("jobs").join(id)
}
