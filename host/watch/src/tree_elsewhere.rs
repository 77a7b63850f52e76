//! Hearing of files where there is no inotify: nobody does, and folders are looked through instead
//! (`--poll`, which is the default there).

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Print;
use super::identity::Heard;
use super::select::Selection;

/// What is heard where somebody listens.
#[derive(Debug)]
#[expect(dead_code, reason = "nobody makes one here")]
pub(super) enum Note {
    File(PathBuf, Heard),
    Folder(PathBuf),
    Gone(PathBuf),
    Overflow,
    Ended,
}

/// Never made.
pub(super) enum Tree {}

impl Tree {
    /// # Errors
    /// Always: `Unsupported`.
    pub(super) fn new(_: &Path, _: &Selection, _: Option<Print>) -> io::Result<Tree> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn listen(&mut self, _: &Path) -> io::Result<()> {
        match *self {}
    }

    pub(super) fn len(&self) -> usize {
        match *self {}
    }

    pub(super) fn hear(&mut self, _: Duration) -> io::Result<Vec<Note>> {
        match *self {}
    }
}
