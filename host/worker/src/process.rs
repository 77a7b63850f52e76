//! One worker process, seen from its parent.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::death::Cause;
use super::wire::{self, Received, ToParent, ToWorker};

/// How long a worker that closed its socket has to end by itself, so that its signal is known.
const GRACE: Duration = Duration::from_millis(500);

/// Killed and waited for when dropped.
pub(crate) struct Process {
    child: Child,
    socket: OwnedFd,
    /// jobs that it was given
    pub(crate) jobs: u32,
}

impl Process {
    /// Starts one. The thread that calls this has to outlive it: `PR_SET_PDEATHSIG` is about the
    /// thread that forked (prctl(2)).
    pub(crate) fn start(program: &Path, arguments: &[OsString]) -> io::Result<Process> {
        let (socket, theirs) = wire::pair()?;
        let mut command = Command::new(program);
        command
            .arg(super::VERB)
            .arg(std::process::id().to_string())
            .args(arguments)
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            // Ctrl-C goes to the whole group of the terminal; it is the parent that decides.
            .process_group(0);
        Ok(Process { child: command.spawn()?, socket, jobs: 0 })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn is_dead(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends, waiting until `end` for a worker that does not read.
    pub(crate) fn send(
        &self,
        message: &ToWorker,
        files: &[BorrowedFd<'_>],
        end: Instant,
    ) -> io::Result<()> {
        loop {
            match wire::send(self.socket.as_fd(), message, files, false) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    let left = end.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                    wire::wait(&self.socket, true, left.min(Duration::from_millis(50)))?;
                }
                other => return other,
            }
        }
    }

    /// The next message, for which it waits at most so long.
    pub(crate) fn receive(&self, most: Duration) -> io::Result<Received<ToParent>> {
        if !wire::wait(&self.socket, false, most)? {
            return Ok(Received::Nothing);
        }
        wire::receive(self.socket.as_fd(), false)
    }

    /// Why it ended, when its socket has; what still runs by then is killed.
    pub(crate) fn cause(&mut self) -> Cause {
        let end = Instant::now() + GRACE;
        while Instant::now() < end {
            match self.child.try_wait() {
                Ok(Some(status)) => return Cause::of(status),
                Ok(None) => std::thread::sleep(Duration::from_millis(1)),
                Err(_) => break,
            }
        }
        Cause::Garbage("the end of its messages, and ran on".to_owned())
    }

    /// Bytes of memory that it has resident (statm of proc(5)); 0 where that is not known.
    pub(crate) fn memory(&self) -> u64 {
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.child.id()));
        let statm = statm.unwrap_or_default();
        let pages = statm.split(' ').nth(1).and_then(|text| text.parse::<u64>().ok());
        pages.unwrap_or(0).saturating_mul(rustix::param::page_size() as u64)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be dead already; only this process waits for it, so the id is still its own.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
