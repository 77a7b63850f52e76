//! One join, from the plan to the published file.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::error::JoinError;
use super::plan::{Action, Plan};
use super::plugin_transcode::PluginTranscode;
use super::proof::{self, Proof};
use super::read::{Event, Reader, Stop};
use super::reencode;
use super::settings::Settings;
use super::write::Writer;
use super::written::Written;
use filmgate_core::cancel::Cancel;
use filmgate_core::publish::{Aside, PublishError};
use filmgate_engine::PipelineError;
use filmgate_engine::graph::Progress;

/// Batches of packets that may wait for the writer.
const AHEAD: usize = 6;

/// A join whose every part was decided.
pub struct Job<'a> {
    pub plan: &'a Plan,
    pub settings: &'a Settings,
    pub output: &'a Path,
    /// whether a file that is there may be replaced
    pub replace: bool,
    /// how all video is re-encoded, if it goes through plugins
    pub transcode: Option<&'a PluginTranscode>,
    pub progress: &'a Progress,
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
    pub error: Box<JoinError>,
    pub place: Option<usize>,
}

impl Job<'_> {
    /// Joins, proves and publishes.
    ///
    /// # Errors
    /// The first thing that went wrong; the output is then as it was before.
    pub fn run(&self, cancel: &Cancel) -> Result<Done, Failed> {
        let free = |error: JoinError| Failed { error: Box::new(error), place: None };
        let start = Instant::now();
        let aside = Aside::create(self.output, self.replace).map_err(|e| free(e.into()))?;
        let written = self.write(&aside, cancel)?;
        if let Some(transcode) = self.transcode.filter(|_| written.frames.encoded == 0)
            && let Some(error) = transcode.chain.nothing_left(&transcode.plugins)
        {
            return Err(free(PipelineError::from(error).into()));
        }
        let joining = start.elapsed();
        let start = Instant::now();
        let proof = if self.settings.proof {
            let proof = proof::prove(aside.path(), self.plan, &written, cancel);
            Some(proof.map_err(|e| free(interrupted(e, cancel)))?)
        } else {
            None
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
        let free = |error: JoinError| Failed { error: Box::new(error), place: None };
        let file = aside.file().map_err(|e| free(JoinError::System(e.to_string())))?;
        let writer = Writer::begin(
            self.plan,
            self.settings,
            self.progress,
            self.transcode,
            file,
            aside.target(),
            cancel,
        );
        let writer = writer.map_err(free)?;
        let (wake, asked) = bounded::<()>(1);
        let early = aside.file().map_err(|e| free(JoinError::System(e.to_string())))?;
        let (events, queue) = bounded(AHEAD);
        let reader = Reader {
            plan: self.plan,
            cancel,
            events,
            hashes: self.settings.proof,
            transcode: self.transcode,
        };
        thread::scope(|scope| {
            let reading = thread::Builder::new()
                .name("segments".to_owned())
                .spawn_scoped(scope, move || read_all(&reader))
                .map_err(|e| free(JoinError::System(format!("a thread: {e}"))))?;
            // What is written goes to the disk while more is written, so that the sync at the end has
            // little to wait for.
            let syncing = thread::Builder::new()
                .name("sync".to_owned())
                .spawn_scoped(scope, move || asked.iter().try_for_each(|()| early.sync_data()))
                .map_err(|e| free(JoinError::System(format!("a thread: {e}"))))?;
            let written = drain(writer, &queue, &wake);
            drop(wake);
            let synced = match syncing.join() {
                Ok(result) => result,
                Err(_) => Err(std::io::Error::other("the thread panicked")),
            };
            // A reader that waits for a place in the queue gets an error, as nothing empties it any more.
            drop(queue);
            let read = reading.join();
            match (read, written) {
                (Err(_), _) => Err(free(JoinError::System("the reader panicked".to_owned()))),
                (Ok(Err(Stop::Failed(place, error))), _) => {
                    Err(Failed { error: Box::new(interrupted(error, cancel)), place: Some(place) })
                }
                (Ok(_), Err(error)) => Err(free(interrupted(error, cancel))),
                (Ok(Err(Stop::Gone)), Ok(_)) => {
                    Err(free(JoinError::System("the writer ended early".to_owned())))
                }
                (Ok(Ok(())), Ok(writer)) => {
                    // Final: a later sync may report success for what was lost (fsync(2)).
                    let doing = "the file could not be synced to the disk";
                    let path = aside.target().to_owned();
                    synced.map_err(|source| {
                        free(PublishError::Write { path, doing, source }.into())
                    })?;
                    writer.finish().map_err(free)
                }
            }
        })
    }
}

/// Bytes that are written before the disk is told to begin with them.
const EARLY: usize = 64 << 20;

fn drain<'a>(
    mut writer: Writer<'a>,
    queue: &Receiver<Event>,
    wake: &Sender<()>,
) -> Result<Writer<'a>, JoinError> {
    let mut bytes = 0;
    for event in queue {
        if let Event::Packets(packets) = &event {
            bytes += packets.iter().map(|p| p.packet.size()).sum::<usize>();
        }
        writer.take(event)?;
        if bytes >= EARLY {
            bytes = 0;
            // A disk that is still at work is told again soon enough.
            let _ = wake.try_send(());
        }
    }
    Ok(writer)
}

fn interrupted(error: JoinError, cancel: &Cancel) -> JoinError {
    if cancel.is_cancelled() { JoinError::Interrupted } else { error }
}

/// Reads all segments, each in the way that the plan says.
fn read_all(reader: &Reader<'_>) -> Result<(), Stop> {
    for (place, planned) in reader.plan.joined() {
        if matches!(planned.action, Action::Reencode { .. }) {
            reencode::segment(reader, place, planned)?;
        } else {
            reader.copy(place, planned)?;
        }
    }
    Ok(())
}
