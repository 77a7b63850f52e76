//! Retention of originals: kept, deleted, or moved after their output is published; quarantine of
//! files that failed.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::identity::Identity;
use filmgate_core::publish::{self, PublishError};
use filmgate_engine::scalar;

/// What to do with an original whose output is in place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Originals {
    #[default]
    Keep,
    Delete,
    /// into this folder, below which sub-folders are kept
    Move(PathBuf),
}

impl FromStr for Originals {
    type Err = String;

    fn from_str(text: &str) -> Result<Originals, String> {
        match (text, text.split_once(':')) {
            ("keep", _) => Ok(Originals::Keep),
            ("delete", _) => Ok(Originals::Delete),
            (_, Some(("move", folder))) if !folder.is_empty() => {
                Ok(Originals::Move(PathBuf::from(folder)))
            }
            _ => Err("expected keep, delete, or move:FOLDER".to_owned()),
        }
    }
}

impl fmt::Display for Originals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Originals::Keep => f.write_str("keep"),
            Originals::Delete => f.write_str("delete"),
            Originals::Move(folder) => write!(f, "move:{}", folder.display()),
        }
    }
}

scalar!(Originals, "Originals", "keep, delete, or move:FOLDER", {
    "type": "string", "pattern": "^(keep|delete|move:.+)$"
});

/// Why an original could not be put away.
#[derive(Debug, thiserror::Error)]
pub enum PutAwayError {
    /// somebody wrote something new there meanwhile; that is not what was processed
    #[error("the original was replaced meanwhile, and the new one stays")]
    Replaced,
    #[error("could not be deleted: {0}")]
    Delete(io::Error),
    #[error(transparent)]
    Move(#[from] PublishError),
}

impl Originals {
    /// Puts `path`, which lies at `relative` below the watched folder, away, if it still is what
    /// was processed. Whether it is gone from there now.
    ///
    /// # Errors
    /// The original is then where it was.
    pub fn put_away(
        &self,
        path: &Path,
        relative: &Path,
        processed: &Identity,
    ) -> Result<bool, PutAwayError> {
        if *self == Originals::Keep {
            return Ok(false);
        }
        let now = match fs::metadata(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(true),
            other => other.map_err(PutAwayError::Delete)?,
        };
        if !Identity::of(&now).same_content(processed) {
            return Err(PutAwayError::Replaced);
        }
        match self {
            Originals::Keep => {}
            Originals::Delete => fs::remove_file(path).map_err(PutAwayError::Delete)?,
            Originals::Move(folder) => drop(move_below(path, folder, relative)?),
        }
        Ok(true)
    }
}

/// Moves a file into a folder, with its sub-folders, and gives its new path. If the name exists, a
/// number is appended.
pub(super) fn move_below(
    path: &Path,
    folder: &Path,
    relative: &Path,
) -> Result<PathBuf, PublishError> {
    let target = folder.join(relative);
    if let Some(parent) = target.parent() {
        publish::make_folders(parent).map_err(|source| PublishError::Folder {
            path: target.clone(),
            folder: parent.to_owned(),
            source,
        })?;
    }
    let mut number = 0;
    loop {
        let free = numbered(&target, number);
        match publish::move_file(path, &free) {
            Err(PublishError::Exists(_)) if number < 100_000 => number += 1,
            other => return other.map(|()| free),
        }
    }
}

/// `a.jpg`, `a-1.jpg`, `a-2.jpg` …
fn numbered(path: &Path, number: u32) -> PathBuf {
    if number == 0 {
        return path.to_owned();
    }
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{number}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}
