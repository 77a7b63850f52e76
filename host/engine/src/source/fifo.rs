//! The named pipe that a program writes raw pictures into: made or taken, opened without waiting
//! for the other side, as large as it may be, and read so that nobody who leaves or never comes
//! hangs anything.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::Mode;
use tracing::warn;

use super::feed::Feed;
use filmgate_core::cancel::Cancel;
use filmgate_core::publish::ahead;

/// One step of waiting, in milliseconds: how soon a SIGTERM is noticed.
const STEP: u16 = 50;

/// How long nobody needs to come before that is said.
const SILENCE: Duration = Duration::from_secs(3);

/// A named pipe, which is removed again if it was made here.
#[derive(Debug)]
pub struct Fifo {
    path: PathBuf,
    /// device and number of the one that was made
    made: Option<(u64, u64)>,
}

impl Fifo {
    /// Makes the pipe, for its owner alone (0600), or takes the one that is there.
    ///
    /// # Errors
    /// With the path and the reason; whatever is no pipe is refused.
    pub fn make_or_take(path: &Path) -> Result<Fifo, String> {
        let name = path.display();
        let made = match nix::unistd::mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR) {
            Ok(()) => true,
            Err(nix::errno::Errno::EEXIST) => false,
            Err(e) => return Err(format!("{name}: the pipe cannot be made: {}", e.desc())),
        };
        let metadata = fs::metadata(path).map_err(|e| format!("{name}: {e}"))?;
        if !metadata.file_type().is_fifo() {
            return Err(format!("{name}: is there already and is no pipe; it is left as it is"));
        }
        let made = made.then(|| (metadata.dev(), metadata.ino()));
        Ok(Fifo { path: path.to_owned(), made })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens it for reading, without waiting for a writer.
    fn open(&self) -> io::Result<File> {
        let file =
            OpenOptions::new().read(true).custom_flags(nix::libc::O_NONBLOCK).open(&self.path)?;
        if file.metadata()?.file_type().is_fifo() {
            Ok(file)
        } else {
            Err(io::Error::other("it is no pipe any more"))
        }
    }
}

impl Drop for Fifo {
    fn drop(&mut self) {
        // The number of a file that was removed may soon be another one's.
        let there = fs::symlink_metadata(&self.path).ok().filter(|m| m.file_type().is_fifo());
        let now = there.map(|m| (m.dev(), m.ino()));
        if self.made.is_none() && ahead::end_pipe(&self.path) {
            return;
        }
        if self.made.is_some() && self.made == now {
            // It is in nobody's way if that fails.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Makes a pipe as large as the system lets this user have it, so that both sides are woken up as
/// seldom as possible (pipe(7), `/proc/sys/fs/pipe-max-size`). Its size behind it, in bytes.
#[cfg(target_os = "linux")]
pub(super) fn enlarge(pipe: &File) -> usize {
    use nix::fcntl::{FcntlArg, fcntl};
    const LEAST: i32 = 1 << 16;
    let text = fs::read_to_string("/proc/sys/fs/pipe-max-size").unwrap_or_default();
    let mut wanted: i32 = text.trim().parse().unwrap_or(1 << 20);
    // A user who has many pipes already may have smaller ones only.
    while wanted > LEAST {
        if let Ok(size) = fcntl(pipe, FcntlArg::F_SETPIPE_SZ(wanted)) {
            return usize::try_from(size).unwrap_or(0);
        }
        wanted /= 2;
    }
    fcntl(pipe, FcntlArg::F_GETPIPE_SZ).ok().and_then(|n| usize::try_from(n).ok()).unwrap_or(0)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn enlarge(_: &File) -> usize {
    0
}

/// What there is to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ready {
    Something,
    /// everybody who wrote has left
    Left,
    Nothing,
}

/// The reading end of a pipe, of standard input, or of a file.
pub struct PipeFeed {
    file: File,
    name: String,
    /// to be opened anew for the next writer
    fifo: Option<Fifo>,
    /// whether to wait for the next writer
    stay: bool,
    stop: Cancel,
    /// whether anybody has written
    begun: bool,
}

impl PipeFeed {
    /// A named pipe; `stay` waits for the next writer when one has left.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn fifo(fifo: Fifo, stay: bool, stop: &Cancel) -> Result<PipeFeed, String> {
        let name = fifo.path().display().to_string();
        let file = fifo.open().map_err(|e| format!("{name}: the pipe cannot be opened: {e}"))?;
        enlarge(&file);
        Ok(PipeFeed { file, name, fifo: Some(fifo), stay, stop: stop.clone(), begun: false })
    }

    /// Something that is open: standard input, a file.
    pub fn open(file: File, name: &str, stop: &Cancel) -> PipeFeed {
        enlarge(&file);
        let name = name.to_owned();
        PipeFeed { file, name, fifo: None, stay: false, stop: stop.clone(), begun: false }
    }

    /// Waits until somebody has written something; false when the job was stopped before.
    ///
    /// # Errors
    /// Of the system.
    pub fn wait_for_writer(&mut self) -> io::Result<bool> {
        self.wait()
    }

    /// The pipe itself, for whoever reads it in another way, and its open end: the writer is cut
    /// off when the last one is closed, so this has to live until the other one is there.
    pub fn into_fifo(self) -> (Option<Fifo>, File) {
        (self.fifo, self.file)
    }

    fn ready(&self) -> io::Result<Ready> {
        let mut polled = [PollFd::new(self.file.as_fd(), PollFlags::POLLIN)];
        match poll(&mut polled, PollTimeout::from(STEP)) {
            Err(nix::errno::Errno::EINTR) | Ok(0) => return Ok(Ready::Nothing),
            Err(error) => return Err(error.into()),
            Ok(_) => {}
        }
        let events = polled[0].revents().unwrap_or(PollFlags::empty());
        match () {
            () if events.contains(PollFlags::POLLIN) => Ok(Ready::Something),
            () if events.intersects(PollFlags::POLLHUP | PollFlags::POLLERR) => Ok(Ready::Left),
            () => Ok(Ready::Something),
        }
    }

    /// Waits until there is something to read; false at the end.
    fn wait(&mut self) -> io::Result<bool> {
        let mut since = Instant::now();
        while !self.stop.is_cancelled() {
            match self.ready()? {
                Ready::Something => return Ok(true),
                Ready::Left if self.fifo.is_none() => return Ok(true),
                Ready::Left if self.begun => return Ok(false),
                Ready::Left | Ready::Nothing => {}
            }
            if since.elapsed() > SILENCE && !self.begun {
                warn!("{}: nobody has written anything yet; still waiting", self.name);
                since = Instant::now() + 20 * SILENCE;
            }
        }
        Ok(false)
    }
}

impl Feed for PipeFeed {
    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut count = 0;
        while count < buffer.len() && !self.stop.is_cancelled() {
            // Standard input may be one that waits in its reads.
            if self.fifo.is_none() && !self.wait()? {
                break;
            }
            match self.file.read(&mut buffer[count..]) {
                // Without a writer an open pipe seems to be at its end, also before the first one.
                Ok(0) if self.begun || self.fifo.is_none() => break,
                Ok(0) => {}
                Ok(some) => {
                    (self.begun, count) = (true, count + some);
                    continue;
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(e) if e.kind() == ErrorKind::WouldBlock => {}
                Err(e) => return Err(e),
            }
            if self.fifo.is_some() && !self.wait()? {
                break;
            }
        }
        Ok(count)
    }

    fn next_writer(&mut self) -> io::Result<bool> {
        let Some(fifo) = self.fifo.as_ref().filter(|_| self.stay && !self.stop.is_cancelled())
        else {
            return Ok(false);
        };
        // The new end before the old one is closed: a writer that comes now finds a reader. Unlike
        // the old one it does not say that the last writer has left.
        let file = fifo.open()?;
        enlarge(&file);
        (self.file, self.begun) = (file, false);
        Ok(true)
    }

    fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }

    fn name(&self) -> &str {
        &self.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("a folder")
    }

    #[test]
    fn a_pipe_is_made_for_its_owner_alone_and_removed() {
        let dir = folder();
        let path = dir.path().join("pipe");
        let fifo = Fifo::make_or_take(&path).expect("made");
        let metadata = fs::metadata(&path).expect("there");
        assert!(metadata.file_type().is_fifo());
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        let taken = Fifo::make_or_take(&path).expect("taken");
        drop(taken);
        assert!(path.exists(), "what was taken stays");
        drop(fifo);
        assert!(!path.exists(), "what was made goes");
    }

    #[test]
    fn what_stands_there_in_place_of_the_pipe_is_not_removed() {
        let dir = folder();
        let path = dir.path().join("pipe");
        let fifo = Fifo::make_or_take(&path).expect("made");
        fs::remove_file(&path).expect("removed");
        fs::write(&path, "precious").expect("written");
        drop(fifo);
        assert_eq!(fs::read(&path).expect("there"), b"precious");
        let error = Fifo::make_or_take(&path).expect_err("refused");
        assert!(error.contains("no pipe"), "{error}");
    }

    #[test]
    fn writers_come_and_go() {
        let dir = folder();
        let path = dir.path().join("pipe");
        let stop = Cancel::new();
        let fifo = Fifo::make_or_take(&path).expect("made");
        let mut feed = PipeFeed::fifo(fifo, true, &stop).expect("opened");
        for round in 0..20u8 {
            let to = path.clone();
            let writer = std::thread::spawn(move || {
                let mut pipe = OpenOptions::new().write(true).open(to).expect("opened");
                pipe.write_all(&[round; 100_000]).expect("written");
            });
            let mut buffer = vec![0; 200_000];
            assert_eq!(feed.fill(&mut buffer).expect("read"), 100_000);
            assert!(buffer[..100_000].iter().all(|b| *b == round));
            writer.join().expect("written");
            assert!(feed.next_writer().expect("opened"));
        }
        stop.cancel();
        assert_eq!(feed.fill(&mut [0; 10]).expect("stopped"), 0);
        assert!(!feed.next_writer().expect("stopped"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_pipe_is_as_large_as_it_may_be() {
        let dir = folder();
        let fifo = Fifo::make_or_take(&dir.path().join("pipe")).expect("made");
        let file = fifo.open().expect("opened");
        let most = fs::read_to_string("/proc/sys/fs/pipe-max-size").expect("Linux");
        // Less only for a user who has very many pipes.
        assert_eq!(enlarge(&file), most.trim().parse::<usize>().expect("a number"));
    }
}
