//! Pipes: standard input, standard output and named ones. Waiting for the other side never hangs,
//! since it is done in short steps between which a job looks at its `Cancel`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::io::sink::Sink;
use filmgate_core::cancel::Cancel;

/// How long one step of waiting takes, in milliseconds.
const STEP: u16 = 50;

/// What a pipe takes at once without blocking when it says that it takes anything (POSIX: 512;
/// Linux: 4096, see pipe(7)).
const PIPE_BUF: usize = nix::libc::PIPE_BUF;

/// Waits one step for something to read, or for the end. A named pipe that nobody has opened for
/// writing yet has neither (poll(2) on Linux reports no POLLHUP then).
pub(crate) fn readable(file: &File) -> io::Result<bool> {
    ready(file, PollFlags::POLLIN)
}

fn ready(file: &File, what: PollFlags) -> io::Result<bool> {
    let mut polled = [PollFd::new(file.as_fd(), what)];
    match poll(&mut polled, PollTimeout::from(STEP)) {
        Ok(count) => Ok(count > 0),
        Err(nix::errno::Errno::EINTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Standard input as a file of its own handle, and whether it is a pipe (or a terminal or a
/// socket) rather than a file that can be moved about in.
pub(crate) fn stdin() -> io::Result<(File, bool)> {
    let file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let pipe = !file.metadata()?.is_file();
    Ok((file, pipe))
}

/// Opens a named pipe for reading, without waiting for its writer.
pub(crate) fn named(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(nix::libc::O_NONBLOCK).open(path)
}

/// Whether a path leads to a named pipe.
pub fn is_pipe(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|m| m.file_type().is_fifo())
}

/// Standard output as somewhere to write a container to. It only goes forward.
pub struct Stdout {
    file: File,
    waits: bool,
    position: u64,
    cancel: Cancel,
}

impl Stdout {
    /// # Errors
    /// When there is no standard output.
    pub fn new(cancel: &Cancel) -> io::Result<Stdout> {
        let file = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let kind = file.metadata()?.file_type();
        let waits = kind.is_fifo() || kind.is_socket();
        Ok(Stdout { file, waits, position: 0, cancel: cancel.clone() })
    }
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut chunk = bytes;
        if self.waits {
            chunk = &bytes[..bytes.len().min(PIPE_BUF)];
            while !ready(&self.file, PollFlags::POLLOUT)? {
                if self.cancel.is_cancelled() {
                    return Err(ErrorKind::TimedOut.into());
                }
            }
        }
        let count = self.file.write(chunk)?;
        self.position += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Sink for Stdout {}

impl Read for Stdout {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(ErrorKind::Unsupported.into())
    }
}

impl Seek for Stdout {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match to {
            SeekFrom::Start(position) if position == self.position => Ok(position),
            SeekFrom::Current(0) | SeekFrom::End(0) => Ok(self.position),
            _ => Err(ErrorKind::NotSeekable.into()),
        }
    }
}
