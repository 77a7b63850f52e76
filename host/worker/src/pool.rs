//! The pool: workers that are started in advance, used for many jobs, and replaced.

use std::ffi::OsString;
use std::io;
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::death::{Cause, Crash};
use super::process::Process;
use super::wire::{Received, ToParent, ToWorker};
use filmgate_core::cancel::Cancel;

/// How a pool runs its workers.
#[derive(Clone, Debug)]
pub struct Settings {
    /// the program; see [`super::work_with`]
    pub program: PathBuf,
    /// what it is given behind the verb and the parent's process id
    pub arguments: Vec<OsString>,
    /// workers that are alive at least, started in advance
    pub spares: usize,
    /// jobs after which a worker is replaced
    pub jobs: u32,
    /// resident bytes above which a worker is replaced after its job
    pub mark: u64,
    /// resident bytes above which a worker is ended
    pub memory: u64,
    /// how long a worker may take to say that it took a job
    pub patience: Duration,
}

impl Settings {
    /// The usual ones.
    pub fn new(program: impl Into<PathBuf>, spares: usize) -> Settings {
        Settings {
            program: program.into(),
            arguments: Vec::new(),
            spares,
            jobs: 1000,
            mark: 512 << 20,
            memory: 6 << 30,
            patience: Duration::from_secs(60),
        }
    }
}

/// A job for a worker.
pub struct Job<'a> {
    pub what: Value,
    pub files: &'a [BorrowedFd<'a>],
    /// how long it may take; none for as long as it likes
    pub deadline: Option<Duration>,
    /// whether it needs a worker that had no job before
    pub fresh: bool,
}

/// What a worker's question is answered with.
pub struct Answer {
    pub value: Value,
    pub files: Vec<std::os::fd::OwnedFd>,
}

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// the worker's end; the next job gets another one
    #[error("{0}")]
    Crashed(Crash),
    #[error("canceled")]
    Canceled,
    /// the system's fault: no worker can be started, or the job cannot be sent
    #[error("no worker process can be used: {0}")]
    System(String),
}

/// How often a running job is looked at: canceled, too late, too large.
const LOOK: Duration = Duration::from_millis(50);

/// Messages that one job may send.
const MESSAGES: u32 = 10_000;

/// Workers that may die one after the other before they took a job, until a job is refused.
const EARLY: u32 = 4;

/// The longest wait before a worker is started after such deaths.
const LONGEST: Duration = Duration::from_secs(5);

/// Workers for jobs of any thread. Dropping it ends them.
pub struct Pool {
    shared: Arc<Shared>,
    starter: Option<JoinHandle<()>>,
}

struct Shared {
    settings: Settings,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// the one used last at the end
    idle: Vec<Process>,
    /// with those at work
    alive: usize,
    /// jobs that wait for a worker
    waiting: usize,
    /// deaths before a job was taken, one after the other
    early: u32,
    /// why the last one could not be started
    reason: String,
    over: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pool {
    /// Starts the pool and its spare workers, without waiting for them.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn new(settings: Settings) -> io::Result<Pool> {
        let (state, changed) = (Mutex::default(), Condvar::new());
        let shared = Arc::new(Shared { settings, state, changed });
        let starts = Arc::clone(&shared);
        // All workers are started by this thread, since they die with the thread that starts them.
        let starter = thread::Builder::new().name("workers".to_owned());
        let starter = starter.spawn(move || starts.keep())?;
        Ok(Pool { shared, starter: Some(starter) })
    }

    /// Runs a job in a worker and waits for its reply. `on_ask` answers what the worker asks.
    ///
    /// # Errors
    /// `Crashed` with the cause; `Canceled`; `System`.
    pub fn run<R: DeserializeOwned>(
        &self,
        job: &Job<'_>,
        on_ask: &mut dyn FnMut(Value) -> Answer,
        cancel: &Cancel,
    ) -> Result<R, RunError> {
        let message = ToWorker::Job(job.what.clone());
        loop {
            let mut process = self.shared.take(job.fresh, cancel)?;
            process.jobs += 1;
            let mut run = Run { process: &mut process, job, on_ask, cancel, stage: None };
            let ended = run.until_done(&message, &self.shared.settings);
            let took = run.stage.is_some();
            match ended {
                Ok(reply) => {
                    self.shared.give_back(process);
                    return serde_json::from_value(reply).map_err(|e| {
                        let what = format!("a reply that is none: {e}");
                        RunError::Crashed(Crash { cause: Cause::Garbage(what), stage: None })
                    });
                }
                Err(RunError::Crashed(crash)) if !took && is_early(&crash.cause) => {
                    self.shared.lost(process, Some(crash.to_string()));
                }
                Err(error) => {
                    self.shared.lost(process, None);
                    return Err(error);
                }
            }
        }
    }

    /// Process ids of the workers that wait for a job.
    pub fn spares(&self) -> Vec<u32> {
        self.shared.state().idle.iter().map(Process::id).collect()
    }
}

/// Whether a worker that never took its job ended by itself: it died while it was idle, and the job
/// has nothing to do with it.
fn is_early(cause: &Cause) -> bool {
    matches!(cause, Cause::Signal(_) | Cause::Exit(_))
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.state().over = true;
        self.shared.changed.notify_all();
        if let Some(starter) = self.starter.take() {
            let _ = starter.join();
        }
    }
}

impl Shared {
    /// A worker for a job.
    fn take(&self, fresh: bool, cancel: &Cancel) -> Result<Process, RunError> {
        let mut state = self.state();
        loop {
            if cancel.is_cancelled() {
                return Err(RunError::Canceled);
            }
            while let Some(mut process) = state.idle.pop() {
                if !(process.is_dead() || fresh && process.jobs > 0) {
                    return Ok(process);
                }
                state.alive -= 1;
            }
            if state.early >= EARLY {
                // The next job tries again.
                state.early -= 1;
                return Err(RunError::System(state.reason.clone()));
            }
            state.waiting += 1;
            self.changed.notify_all();
            let waited = self.changed.wait_timeout(state, LOOK);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.waiting -= 1;
        }
    }

    /// Keeps a worker for the next job, unless it has done enough.
    fn give_back(&self, process: Process) {
        let settings = &self.settings;
        let worn = process.jobs >= settings.jobs || process.memory() > settings.mark;
        let mut state = self.state();
        state.early = 0;
        if worn {
            state.alive -= 1;
        } else {
            state.idle.push(process);
            drop(state);
            return self.changed.notify_all();
        }
        drop(state);
        self.changed.notify_all();
        drop(process);
    }

    /// Ends a worker; with a reason, it died before it took a job.
    fn lost(&self, process: Process, early: Option<String>) {
        drop(process);
        let mut state = self.state();
        state.alive -= 1;
        if let Some(reason) = early {
            state.early += 1;
            state.reason = reason;
        } else {
            state.early = 0;
        }
        drop(state);
        self.changed.notify_all();
    }

    /// The thread that starts workers.
    fn keep(&self) {
        let mut state = self.state();
        while !state.over {
            if state.alive >= self.settings.spares && state.idle.len() >= state.waiting {
                let waited = self.changed.wait(state);
                state = waited.unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            if state.early > 0 {
                let rest = (Duration::from_millis(25) * 2_u32.pow(state.early.min(8))).min(LONGEST);
                drop(state);
                self.rest(rest);
                state = self.state();
                if state.over {
                    break;
                }
            }
            drop(state);
            let started = Process::start(&self.settings.program, &self.settings.arguments);
            state = self.state();
            match started {
                Ok(process) => {
                    state.alive += 1;
                    state.idle.push(process);
                }
                Err(e) => {
                    state.early += 1;
                    state.reason = format!("{}: {e}", self.settings.program.display());
                }
            }
            self.changed.notify_all();
        }
        // Here, so that they end before the thread that started them.
        state.idle.clear();
    }

    /// Waits, unless the pool ends.
    fn rest(&self, time: Duration) {
        let end = Instant::now() + time;
        let mut state = self.state();
        while !state.over && Instant::now() < end {
            let left = end.saturating_duration_since(Instant::now());
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// One job in one worker.
struct Run<'a, 'b> {
    process: &'a mut Process,
    job: &'a Job<'b>,
    on_ask: &'a mut dyn FnMut(Value) -> Answer,
    cancel: &'a Cancel,
    stage: Option<String>,
}

impl Run<'_, '_> {
    fn until_done(&mut self, message: &ToWorker, settings: &Settings) -> Result<Value, RunError> {
        let begun = Instant::now();
        self.send(message, self.job.files, begun + settings.patience)?;
        let mut looked = begun;
        for _ in 0..MESSAGES {
            let received = loop {
                if looked.elapsed() >= LOOK {
                    looked = Instant::now();
                    self.look(begun, settings)?;
                }
                match self.process.receive(LOOK) {
                    Ok(Received::Nothing) => {}
                    other => break other,
                }
            };
            match received {
                Ok(Received::Message(ToParent::Done(reply), _)) => return Ok(reply),
                Ok(Received::Message(ToParent::Stage(stage), _)) => self.stage = Some(tame(&stage)),
                Ok(Received::Message(ToParent::Ask(question), _)) => {
                    let answer = (self.on_ask)(question);
                    let files: Vec<BorrowedFd<'_>> =
                        answer.files.iter().map(std::os::fd::AsFd::as_fd).collect();
                    let end = Instant::now() + settings.patience;
                    self.send(&ToWorker::Answer(answer.value), &files, end)?;
                }
                Ok(Received::End) => {
                    let cause = self.process.cause();
                    return Err(self.crashed(cause));
                }
                Ok(Received::Garbage(what)) => return Err(self.crashed(Cause::Garbage(what))),
                Ok(Received::Nothing) => {}
                Err(e) => return Err(RunError::System(e.to_string())),
            }
        }
        Err(self.crashed(Cause::Garbage(format!("more than {MESSAGES} messages"))))
    }

    /// Whether the job may go on.
    fn look(&self, begun: Instant, settings: &Settings) -> Result<(), RunError> {
        if self.cancel.is_cancelled() {
            return Err(RunError::Canceled);
        }
        let time = begun.elapsed();
        if let Some(deadline) = self.job.deadline
            && time > deadline
        {
            return Err(self.crashed(Cause::Deadline(deadline)));
        }
        if self.stage.is_none() && time > settings.patience {
            return Err(self.crashed(Cause::Stuck));
        }
        let memory = self.process.memory();
        if memory > settings.memory {
            return Err(self.crashed(Cause::Memory(memory)));
        }
        Ok(())
    }

    fn send(
        &mut self,
        message: &ToWorker,
        files: &[BorrowedFd<'_>],
        end: Instant,
    ) -> Result<(), RunError> {
        match self.process.send(message, files, end) {
            Ok(()) => Ok(()),
            Err(e) => Err(match e.kind() {
                io::ErrorKind::TimedOut => self.crashed(Cause::Stuck),
                io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => {
                    let cause = self.process.cause();
                    self.crashed(cause)
                }
                _ => RunError::System(format!("a job cannot be sent: {e}")),
            }),
        }
    }

    fn crashed(&self, cause: Cause) -> RunError {
        RunError::Crashed(Crash { cause, stage: self.stage.clone() })
    }
}

/// A stage's name as it may be shown: whatever sent it may have been taken over.
fn tame(stage: &str) -> String {
    stage.chars().filter(|c| !c.is_control()).take(200).collect()
}
