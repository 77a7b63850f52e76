//! Which pictures of a folder are ours, written down in it, so that a later run knows: a line of
//! JSON for each, from before it gets its name. Lines of pictures that have gone are cleared away
//! now and then.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};

use filmgate_core::publish::{Aside, PublishError};

/// What it is called.
pub(super) const NAME: &str = ".filmgate-split.jsonl";

/// Lines of pictures that have gone which are put up with.
const SPARE: usize = 1_000;

/// One picture.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(super) struct Entry {
    /// below the folder
    pub(super) name: String,
    /// device and inode
    inode: (u64, u64),
    /// bytes
    size: u64,
    /// seconds since 1970-01-01 UTC
    modified: i64,
}

/// File systems may round times to this many seconds (FAT).
const ROUNDED: u64 = 2;

impl Entry {
    pub(super) fn new(name: &Path, facts: &Metadata) -> Entry {
        Entry {
            name: name.to_string_lossy().into_owned(),
            inode: (facts.dev(), facts.ino()),
            size: facts.len(),
            modified: facts.mtime(),
        }
    }

    /// Whether the file that lies at `path` is the very one. Its inode alone would not do: the
    /// number of a file that has gone is soon given to another one.
    pub(super) fn is(&self, path: &Path) -> bool {
        fs::symlink_metadata(path).is_ok_and(|facts| {
            (facts.dev(), facts.ino(), facts.len()) == (self.inode.0, self.inode.1, self.size)
                && facts.is_file()
                && facts.mtime().abs_diff(self.modified) <= ROUNDED
        })
    }
}

/// The file, and the folder, which one process has at a time.
pub(super) struct Record {
    path: PathBuf,
    file: Option<File>,
    lines: usize,
    _lock: Flock<File>,
}

impl Record {
    /// Gives what was written down, too.
    ///
    /// # Errors
    /// `Folder`, where another process has it; `Write`.
    pub(super) fn open(folder: &Path) -> Result<(Record, Vec<Entry>), PublishError> {
        let path = folder.join(NAME);
        let unusable =
            |source| PublishError::Folder { path: path.clone(), folder: folder.to_owned(), source };
        let handle = File::open(folder).map_err(unusable)?;
        let lock = Flock::lock(handle, FlockArg::LockExclusiveNonblock).map_err(|(_, e)| {
            unusable(match e {
                Errno::EWOULDBLOCK => {
                    io::Error::other("another process keeps this folder to its bound")
                }
                other => other.into(),
            })
        })?;
        let text = match fs::read_to_string(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => String::new(),
            other => other.map_err(unusable)?,
        };
        // A line may have been cut off when the process was killed.
        let entries: Vec<Entry> =
            text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let lines = text.lines().count();
        Ok((Record { path, file: None, lines, _lock: lock }, entries))
    }

    pub(super) fn append(&mut self, entry: &Entry) -> Result<(), PublishError> {
        let path = self.path.clone();
        let failed = |source| PublishError::Write {
            path: path.clone(),
            doing: "what belongs to the folder could not be written down",
            source,
        };
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let opened = OpenOptions::new().append(true).create(true).open(&path);
                none.insert(opened.map_err(failed)?)
            }
        };
        // Begun anew, so that one that a full disk cut off spoils no other.
        let line = serde_json::to_string(entry).map_err(|e| failed(e.into()))?;
        file.write_all(format!("\n{line}").as_bytes()).map_err(failed)?;
        self.lines += 1;
        Ok(())
    }

    /// Whether most of its lines are of pictures that have gone.
    pub(super) fn is_long(&self, kept: usize) -> bool {
        self.lines > kept + kept.max(SPARE)
    }

    /// Writes down these alone.
    pub(super) fn rewrite<'a>(
        &mut self,
        entries: impl Iterator<Item = &'a Entry>,
    ) -> Result<(), PublishError> {
        let failed = |source| PublishError::Write {
            path: self.path.clone(),
            doing: "what belongs to the folder could not be written down",
            source,
        };
        let (mut text, mut lines) = (String::new(), 0);
        for entry in entries {
            text.push_str(&serde_json::to_string(entry).map_err(|e| failed(e.into()))?);
            text.push('\n');
            lines += 1;
        }
        let aside = Aside::create_next(&self.path, true)?;
        let mut file = aside.file().map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        drop(file);
        aside.publish_unsynced()?;
        (self.file, self.lines) = (None, lines);
        Ok(())
    }
}
