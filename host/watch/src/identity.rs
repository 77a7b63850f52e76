//! Identity of a file, and whether it is complete: no process writes to it, and it did not change
//! while it was read.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime};

use nix::fcntl::OFlag;
use sha2::{Digest, Sha256};

use filmgate_core::cancel::Cancel;
use filmgate_core::digest;
use filmgate_sys::{Written, being_written};

/// What tells one state of a file from every other one. Whoever changes the content changes the
/// time of change with it; the time of the inode changes with a rename or a link, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    pub device: u64,
    pub inode: u64,
    /// bytes
    pub size: u64,
    /// nanoseconds since 1970, of the content
    pub modified: i64,
    /// nanoseconds since 1970, of the inode
    pub changed: i64,
}

impl Identity {
    pub fn of(facts: &Metadata) -> Identity {
        let time = |s: i64, n: i64| s.saturating_mul(1_000_000_000).saturating_add(n);
        Identity {
            device: facts.dev(),
            inode: facts.ino(),
            size: facts.len(),
            modified: time(facts.mtime(), facts.mtime_nsec()),
            changed: time(facts.ctime(), facts.ctime_nsec()),
        }
    }

    /// The same file with the same content, perhaps renamed or linked to meanwhile.
    pub fn same_content(&self, other: &Identity) -> bool {
        (self.device, self.inode, self.size, self.modified)
            == (other.device, other.inode, other.size, other.modified)
    }

    /// How long ago content or name last changed; none where that is in the future. Programs set
    /// the time of the content to whatever they like (utimensat(2)), cameras with a wrong clock to
    /// next year; the kernel sets the time of the inode at every change of either.
    pub(super) fn age(&self) -> Option<Duration> {
        let ago = |time: i64| {
            let time = SystemTime::UNIX_EPOCH + Duration::from_nanos(u64::try_from(time).ok()?);
            SystemTime::now().duration_since(time).ok()
        };
        [self.modified, self.changed].into_iter().filter_map(ago).min()
    }
}

/// SHA-256 of a file's content, or of parts of a very large one.
pub(super) type Fingerprint = [u8; 32];

/// How a file was heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// whoever wrote it closed it, or it was renamed into place
    Closed,
    /// it lay there, or was linked in
    Found,
    /// it lay there unchanged for a while, where the system does not tell who writes
    Stable,
}

/// An open file with what it was when it was opened.
pub(super) struct Opened {
    file: File,
    pub(super) identity: Identity,
}

/// Why a file is not worked on now.
pub(super) enum NotNow {
    /// it is gone, or no plain file
    Gone,
    Failed(io::Error),
}

/// Opens a plain file; of others (pipes, devices) nothing is touched.
///
/// # Errors
/// `Gone` and `Failed`.
pub(super) fn open(path: &Path) -> Result<Opened, NotNow> {
    let gone = |e: io::Error| match e.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => NotNow::Gone,
        _ => NotNow::Failed(e),
    };
    // Opening a pipe could wait for ever.
    if !fs::metadata(path).map_err(gone)?.is_file() {
        return Err(NotNow::Gone);
    }
    let flags = (OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(gone)?;
    let facts = file.metadata().map_err(NotNow::Failed)?;
    if !facts.is_file() {
        return Err(NotNow::Gone);
    }
    Ok(Opened { identity: Identity::of(&facts), file })
}

impl Opened {
    /// The file, whose position may be anywhere.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Whether the file is whole as far as anybody can know. Where the system does not tell who
    /// writes, a file that was not heard of by its closing has to have rested for `settle`.
    pub(super) fn is_settled(&self, heard: Heard, settle: Duration) -> bool {
        match (being_written(&self.file), heard) {
            (Written::Yes, _) => false,
            (Written::No, _) | (_, Heard::Closed | Heard::Stable) => true,
            (Written::Unknown, Heard::Found) => self.identity.age().is_some_and(|a| a >= settle),
        }
    }

    /// The whole content, at most `most` bytes.
    ///
    /// # Errors
    /// Of reading; `FileTooLarge` past the bound.
    pub(super) fn read(&mut self, most: u64) -> io::Result<(Vec<u8>, Fingerprint)> {
        if self.identity.size > most {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let room = usize::try_from(self.identity.size).unwrap_or(0);
        let mut bytes = Vec::with_capacity(room + 1);
        (&self.file).take(most + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > most {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let print = Sha256::digest(&bytes).into();
        Ok((bytes, print))
    }

    /// A fingerprint of a file that is too large to be read for that: of its size and of its first,
    /// middle and last megabyte.
    ///
    /// # Errors
    /// Of reading.
    pub(super) fn sample(&mut self) -> io::Result<Fingerprint> {
        const PART: u64 = 1 << 20;
        let size = self.identity.size;
        let mut hash = Sha256::new();
        hash.update(size.to_le_bytes());
        for at in [0, (size / 2).saturating_sub(PART / 2), size.saturating_sub(PART)] {
            let mut part = Vec::new();
            (&self.file).seek(SeekFrom::Start(at))?;
            (&self.file).take(PART).read_to_end(&mut part)?;
            hash.update(&part);
        }
        Ok(hash.finalize().into())
    }

    /// Size and SHA-256 of the whole content.
    ///
    /// # Errors
    /// Of reading.
    pub(super) fn digest(&self) -> io::Result<(u64, [u8; 32])> {
        sha256(&self.file)
    }

    /// Whether it is still what it was, under its name, too.
    pub(super) fn is_unchanged(&self, path: &Path) -> bool {
        let same = |facts: io::Result<Metadata>| {
            facts.is_ok_and(|f| Identity::of(&f).same_content(&self.identity))
        };
        same(self.file.metadata()) && same(fs::metadata(path))
    }
}

/// Size and SHA-256 of a whole file.
pub(super) fn sha256(mut file: &File) -> io::Result<(u64, [u8; 32])> {
    file.seek(SeekFrom::Start(0))?;
    digest::of_reader(file, &Cancel::new())
}
