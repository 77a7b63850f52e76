//! One join, from the plan to the published file.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};

use super::error::JoinError;
use super::plan::Plan;
use super::proof::{self, Proof};
use super::read::{Event, Reader, Stop};
use super::settings::Settings;
use super::write::Writer;
use super::written::Written;
use crate::cancel::Cancel;
use crate::publish::Aside;

/// Batches of packets that may wait for the writer.
const AHEAD: usize = 6;

/// A join whose every part was decided.
pub struct Job<'a> {
    pub plan: &'a Plan,
    pub settings: &'a Settings,
    pub output: &'a Path,
    /// whether a file that is there may be replaced
    pub replace: bool,
}

/// What was done.
#[derive(Debug)]
pub struct Done {
    pub written: Written,
    pub proof: Option<Proof>,
    /// bytes of the output
    pub size: u64,
    pub joining: Duration,
    pub proving: Duration,
}

/// What went wrong, and with which segment, by its place, if it was one's fault.
pub struct Failed {
    pub error: JoinError,
    pub place: Option<usize>,
}

impl Job<'_> {
    /// Joins, proves and publishes.
    ///
    /// # Errors
    /// The first thing that went wrong; the output is then as it was before.
    pub fn run(&self, cancel: &Cancel) -> Result<Done, Failed> {
        let free = |error: JoinError| Failed { error, place: None };
        let start = Instant::now();
        let aside = Aside::create(self.output, self.replace).map_err(|e| free(e.into()))?;
        let written = self.write(&aside, cancel)?;
        let joining = start.elapsed();
        let start = Instant::now();
        let proof = match self.settings.proof {
            true => {
                let proof = proof::prove(aside.path(), self.plan, &written, cancel);
                Some(proof.map_err(|e| free(interrupted(e, cancel)))?)
            }
            false => None,
        };
        let proving = start.elapsed();
        if cancel.is_cancelled() {
            return Err(free(JoinError::Interrupted));
        }
        let system = |e: std::io::Error| free(JoinError::System(format!("the output: {e}")));
        let size = aside.file().and_then(|f| f.metadata()).map_err(system)?.len();
        aside.publish().map_err(|e| free(e.into()))?;
        Ok(Done { written, proof, size, joining, proving })
    }

    fn write(&self, aside: &Aside, cancel: &Cancel) -> Result<Written, Failed> {
        let free = |error: JoinError| Failed { error, place: None };
        let file = aside.file().map_err(|e| free(JoinError::System(e.to_string())))?;
        let writer = Writer::begin(self.plan, self.settings, file, aside.target(), cancel);
        let writer = writer.map_err(free)?;
        let (events, queue) = bounded(AHEAD);
        let reader = Reader { plan: self.plan, cancel, events, hashes: self.settings.proof };
        thread::scope(|scope| {
            let reading = thread::Builder::new()
                .name("segments".to_owned())
                .spawn_scoped(scope, move || reader.run())
                .map_err(|e| free(JoinError::System(format!("a thread: {e}"))))?;
            let written = drain(writer, &queue);
            // A reader that waits for room in the queue is to notice that nobody empties it.
            drop(queue);
            let read = reading.join();
            match (read, written) {
                (Err(_), _) => {
                    Err(free(JoinError::System("the reader broke off in panic".to_owned())))
                }
                (Ok(Err(Stop::Failed(place, error))), _) => {
                    Err(Failed { error: interrupted(error, cancel), place: Some(place) })
                }
                (Ok(_), Err(error)) => Err(free(interrupted(error, cancel))),
                (Ok(Err(Stop::Gone)), Ok(_)) => {
                    Err(free(JoinError::System("the writer ended early".to_owned())))
                }
                (Ok(Ok(())), Ok(writer)) => writer.finish().map_err(free),
            }
        })
    }
}

fn drain<'a>(mut writer: Writer<'a>, queue: &Receiver<Event>) -> Result<Writer<'a>, JoinError> {
    for event in queue {
        writer.take(event)?;
    }
    Ok(writer)
}

fn interrupted(error: JoinError, cancel: &Cancel) -> JoinError {
    if cancel.is_cancelled() { JoinError::Interrupted } else { error }
}
