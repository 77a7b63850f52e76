//! The worker's side: takes jobs from the socket on its standard input until that ends.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;

use serde_json::Value;

use super::wire::{Received, ToParent, ToWorker, receive, send};

/// Bytes of a stage's name that are sent.
const STAGE_BYTES: usize = 200;

/// What a worker does with its jobs.
pub trait Handler {
    /// Works on one job with its open files, and gives the reply.
    fn work(&mut self, job: Value, files: Vec<OwnedFd>, parent: &mut Parent) -> Value;
}

/// The process that gives the jobs.
pub struct Parent {
    socket: OwnedFd,
}

impl Parent {
    /// Says what is about to happen, for the message should this process crash: `the h264 decoder`.
    pub fn stage(&mut self, text: &str) {
        let text: String = text.chars().filter(|c| !c.is_control()).take(STAGE_BYTES).collect();
        // Without its parent the process ends at the next read.
        let _ = send(self.socket.as_fd(), &ToParent::Stage(text), &[], true);
    }

    /// Asks the parent, and waits for its answer and the files that come with it.
    ///
    /// # Errors
    /// Of the socket.
    pub fn ask(&mut self, question: Value) -> io::Result<(Value, Vec<OwnedFd>)> {
        send(self.socket.as_fd(), &ToParent::Ask(question), &[], true)?;
        match receive(self.socket.as_fd(), true)? {
            Received::Message(ToWorker::Answer(answer), files) => Ok((answer, files)),
            Received::End => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// Serves jobs, one after the other, until the parent is gone. `parent` is its process id, as the
/// argument behind the verb has it. `lock_in` closes the process off; nothing has been read by then.
pub fn serve(
    parent: Option<&str>,
    lock_in: impl FnOnce() -> Result<(), String>,
    handler: &mut dyn Handler,
) -> ExitCode {
    let result = die_with(parent).and_then(|()| lock_in()).and_then(|()| {
        let socket = io::stdin().as_fd().try_clone_to_owned().map_err(|e| e.to_string())?;
        jobs(Parent { socket }, handler).map_err(|e| format!("the parent process: {e}"))
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            tracing::error!("a worker process ends: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn jobs(mut parent: Parent, handler: &mut dyn Handler) -> io::Result<()> {
    loop {
        match receive(parent.socket.as_fd(), true)? {
            Received::Message(ToWorker::Job(job), files) => {
                parent.stage("the beginning of the job");
                let reply = handler.work(job, files, &mut parent);
                send(parent.socket.as_fd(), &ToParent::Done(reply), &[], true)?;
            }
            Received::End => return Ok(()),
            _ => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// Without its parent a worker has nothing to do (prctl(2)); the parent may be gone already.
fn die_with(parent: Option<&str>) -> Result<(), String> {
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL).map_err(|e| e.to_string())?;
    let parent = parent.and_then(|text| text.parse::<u32>().ok());
    if parent == Some(std::os::unix::process::parent_id()) {
        Ok(())
    } else {
        Err("its parent is gone".to_owned())
    }
}
