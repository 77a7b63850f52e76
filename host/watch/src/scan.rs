//! Recursive folder scan, entry by entry: only the open folders and their paths are in memory.

use std::ffi::OsString;
use std::fs::{self, ReadDir};
use std::path::{Path, PathBuf};

use super::error::WatchError;
use super::identity::Identity;
use super::journal::{Journal, Report, Verdict};
use super::select::Selection;

/// What lies in the folder.
pub(super) enum Found {
    /// a file that is meant; its path below the watched folder
    File(PathBuf),
    /// a sub-folder about to be looked through
    Folder(PathBuf),
}

/// A walk through folders. What cannot be read is passed over with a warning.
pub(super) struct Scan {
    root: PathBuf,
    open: Vec<(PathBuf, ReadDir)>,
    /// to be opened next, once whoever asks has heard of it
    next: Option<PathBuf>,
}

impl Scan {
    /// Begins at `folder`, which is below `root`; [`Scan::enter`] opens it.
    pub(super) fn new(root: &Path, folder: &Path) -> Scan {
        Scan { root: root.to_owned(), open: Vec::new(), next: Some(folder.to_owned()) }
    }

    /// The next entry that is meant; none at the end.
    pub(super) fn next(&mut self, selection: &Selection) -> Option<Found> {
        loop {
            let (folder, entries) = self.open.last_mut()?;
            let Some(entry) = entries.next() else {
                self.open.pop();
                continue;
            };
            let Ok(entry) = entry else { continue };
            let path = join(folder, entry.file_name());
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                if selection.enters(&self.root.join(&path)) {
                    self.next = Some(path.clone());
                    return Some(Found::Folder(path));
                }
            } else if (kind.is_file() || kind.is_symlink()) && selection.takes(&path) {
                return Some(Found::File(path));
            }
        }
    }

    /// Opens the folder that was given last, after the watch on it was set.
    ///
    /// # Errors
    /// Of opening; a folder that is gone is none.
    pub(super) fn enter(&mut self) -> std::io::Result<()> {
        let Some(folder) = self.next.take() else { return Ok(()) };
        match fs::read_dir(self.root.join(&folder)) {
            Ok(entries) => self.open.push((folder, entries)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
        Ok(())
    }
}

fn join(folder: &Path, name: OsString) -> PathBuf {
    if folder.as_os_str().is_empty() { PathBuf::from(name) } else { folder.join(name) }
}

/// All files of a folder that are selected, as paths below it.
pub(super) fn files<'a>(
    root: &Path,
    selection: &'a Selection,
) -> impl Iterator<Item = PathBuf> + 'a {
    let mut scan = Scan::new(root, Path::new(""));
    let enter = |scan: &mut Scan, folder: &Path| {
        if let Err(e) = scan.enter() {
            tracing::warn!("{}: cannot be scanned: {e}", folder.display());
        }
    };
    enter(&mut scan, root);
    std::iter::from_fn(move || {
        loop {
            match scan.next(selection)? {
                Found::Folder(folder) => enter(&mut scan, &folder),
                Found::File(path) => return Some(path),
            }
        }
    })
}

/// Files of the folder that the journal does not have in their present state: they wait, or the
/// folder is not watched.
///
/// # Errors
/// When the journal cannot be read.
pub fn pending(report: &Report, journal: &Path, root: &Path) -> Result<Vec<PathBuf>, WatchError> {
    let list = |name: &str| -> Vec<String> {
        report.setting(name).and_then(|t| serde_json::from_str(t).ok()).unwrap_or_default()
    };
    let outside = list("outside").into_iter().map(PathBuf::from).collect();
    let is_flat = report.setting("flat") == Some("true");
    let selection = Selection::new(&list("include"), &list("exclude"), !is_flat, outside)
        .map_err(WatchError::System)?;
    let known = Journal::to_read(journal)?;
    let mut all = Vec::new();
    for path in files(root, &selection) {
        let Ok(facts) = fs::metadata(root.join(&path)) else { continue };
        if !matches!(known.look(&path, &Identity::of(&facts))?, Verdict::Known(_)) {
            all.push(path);
        }
    }
    Ok(all)
}
