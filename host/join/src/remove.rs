//! Sources removed behind a join: only those of which every stream is in the output, and only if
//! they still are the files that were read.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::plan::{Plan, Planned};
use super::segment::Identity;

/// What became of the sources.
#[derive(Debug, Default)]
pub struct Removed {
    pub removed: Vec<PathBuf>,
    /// still there, with the reason
    pub kept: Vec<(PathBuf, String)>,
}

/// Removes all sources of which every stream is in the output, and syncs their folders.
///
/// `keep`: places of those that stay all the same, with the reason.
pub fn sources(plan: &Plan, keep: &[(usize, &str)]) -> Removed {
    let mut done = Removed::default();
    let mut folders = BTreeSet::new();
    for (place, planned) in plan.joined() {
        if let Some((_, reason)) = keep.iter().find(|(p, _)| *p == place) {
            done.kept.push((planned.segment.path.clone(), (*reason).to_owned()));
            continue;
        }
        let path = &planned.segment.path;
        if let Some(reason) = lost(planned) {
            done.kept.push((path.clone(), reason));
            continue;
        }
        match remove(path, planned.segment.identity) {
            Ok(()) => {
                folders.insert(folder_of(path));
                done.removed.push(path.clone());
            }
            Err(reason) => done.kept.push((path.clone(), reason)),
        }
    }
    for folder in folders {
        // What is not yet gone from the disk after a power cut is joined already.
        let _ = File::open(&folder).and_then(|f| f.sync_all());
    }
    done
}

/// What of a source is in no other file.
fn lost(planned: &Planned) -> Option<String> {
    let first = planned.missing.first()?;
    let more = match planned.missing.len() {
        1 => String::new(),
        n => format!(", nor are {} more of its streams", n - 1),
    };
    Some(format!("its {} is not in the output ({}){more}", first.what, first.reason))
}

fn remove(path: &Path, identity: Identity) -> Result<(), String> {
    let metadata = fs::metadata(path).map_err(|e| e.to_string())?;
    if Identity::of(&metadata) != identity {
        return Err("it is not the file that was joined any more".to_owned());
    }
    fs::remove_file(path).map_err(|e| e.to_string())
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}
