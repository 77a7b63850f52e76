//! Files below the root, opened one component at a time without following a link: whatever lies in
//! the root, nothing outside of it is reached (the effect of `RESOLVE_BENEATH` and
//! `RESOLVE_NO_SYMLINKS` in openat2(2), on kernels and in containers that lack that call too).

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat, renameat};
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::{UnlinkatFlags, fsync, unlinkat};

const FOLDER: OFlag =
    OFlag::O_DIRECTORY.union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC).union(OFlag::O_RDONLY);

/// An open folder.
#[derive(Debug)]
pub(crate) struct Folder(OwnedFd);

impl Folder {
    /// Opens the root itself, wherever links lead to it.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn root(path: &Path) -> io::Result<Folder> {
        let flags = OFlag::O_DIRECTORY | OFlag::O_CLOEXEC | OFlag::O_RDONLY;
        Ok(Folder(open(path, flags, Mode::empty())?))
    }

    /// Opens a folder below this one.
    ///
    /// # Errors
    /// The system's; `ELOOP` or `ENOTDIR` where a link is in the way.
    pub(crate) fn below(&self, parts: &[&str]) -> io::Result<Folder> {
        let mut folder = Folder(self.0.try_clone()?);
        for part in parts {
            folder = Folder(openat(&folder.0, *part, FOLDER, Mode::empty())?);
        }
        Ok(folder)
    }

    /// As [`Folder::below`]; makes what is missing, so that it lasts through a power cut.
    ///
    /// # Errors
    /// As [`Folder::below`].
    pub(crate) fn make_below(&self, parts: &[&str]) -> io::Result<Folder> {
        let mut folder = Folder(self.0.try_clone()?);
        for part in parts {
            match mkdirat(&folder.0, *part, Mode::from_bits_truncate(0o777)) {
                Ok(()) => fsync(&folder.0)?,
                Err(Errno::EEXIST) => {}
                Err(e) => return Err(e.into()),
            }
            folder = Folder(openat(&folder.0, *part, FOLDER, Mode::empty())?);
        }
        Ok(folder)
    }

    /// Opens a plain file for reading.
    ///
    /// # Errors
    /// The system's; `NotFound` for anything but a plain file.
    pub(crate) fn read(&self, name: &str) -> io::Result<File> {
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
        let file = match openat(&self.0, name, flags, Mode::empty()) {
            Err(Errno::ELOOP) => return Err(io::ErrorKind::NotFound.into()),
            other => File::from(other?),
        };
        if !file.metadata()?.is_file() {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(file)
    }

    /// Makes a new file, for writing and reading.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn create(&self, name: &str) -> io::Result<File> {
        let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
        let mode = Mode::from_bits_truncate(0o666);
        Ok(openat(&self.0, name, flags | OFlag::O_NOFOLLOW, mode)?.into())
    }

    /// Opens a file that is being written.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn reopen(&self, name: &str) -> io::Result<File> {
        let flags = OFlag::O_RDWR | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        Ok(openat(&self.0, name, flags, Mode::empty())?.into())
    }

    /// Gives a file another name in this folder, in place of what has it, and makes that last.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        renameat(&self.0, from, &self.0, to)?;
        Ok(fsync(&self.0)?)
    }

    /// Removes a file, and makes that last.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        unlinkat(&self.0, name, UnlinkatFlags::NoRemoveDir)?;
        Ok(fsync(&self.0)?)
    }
}
