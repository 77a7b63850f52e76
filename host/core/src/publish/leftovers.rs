//! What runs that were killed left behind: files aside that nobody holds a lock on.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::fcntl::{Flock, FlockArg};
use tracing::info;

use super::{SUFFIX, prefix};

/// Removes what runs that were killed left behind for this output.
pub(super) fn clear_leftovers(folder: &Path, name: &OsStr) {
    let prefix = prefix(name);
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let file_name = entry.file_name();
        let bytes = file_name.as_bytes();
        let middle = bytes
            .strip_prefix(prefix.as_bytes())
            .and_then(|rest| rest.strip_suffix(SUFFIX.as_bytes()));
        let ours = middle.is_some_and(|m| m.iter().all(|b| b.is_ascii_digit() || *b == b'-'));
        if ours && is_abandoned(&entry.path()) && fs::remove_file(entry.path()).is_ok() {
            info!("removed {}, left behind by a run that was killed", entry.path().display());
        }
    }
}

/// Removes what runs that were killed left behind in `folder` and below it, for whatever output;
/// how much that was. What somebody still writes is locked, and stays.
pub fn sweep(folder: &Path) -> usize {
    let mut cleared = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            if entry.file_type().is_ok_and(|t| t.is_dir()) {
                folders.push(entry.path());
            } else if is_partial(entry.file_name().as_bytes())
                && is_abandoned(&entry.path())
                && fs::remove_file(entry.path()).is_ok()
            {
                cleared += 1;
            }
        }
    }
    cleared
}

/// Whether a file is called as [`create_locked`] does: `.NAME.PID-N.partial`.
fn is_partial(name: &[u8]) -> bool {
    let digits = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    name.strip_prefix(b".")
        .and_then(|rest| rest.strip_suffix(SUFFIX.as_bytes()))
        .and_then(|rest| rest.rsplit(|b| *b == b'.').next())
        .and_then(|last| {
            let dash = last.iter().position(|b| *b == b'-')?;
            Some(digits(&last[..dash]) && digits(&last[dash + 1..]))
        })
        .unwrap_or(false)
}

fn is_abandoned(path: &Path) -> bool {
    // Opening a named pipe would wait.
    if !fs::symlink_metadata(path).is_ok_and(|m| m.is_file()) {
        return false;
    }
    let Ok(file) = File::open(path) else { return false };
    Flock::lock(file, FlockArg::LockExclusiveNonblock).is_ok()
}
