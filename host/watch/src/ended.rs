//! A file that is processed, and the result.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::identity::Heard;
use super::journal::State;
use filmgate_plugin::Supervisor;

/// A file that may have to be worked on.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// below the watched folder
    pub path: PathBuf,
    pub heard: Heard,
    pub since: Instant,
}

/// The result of one file.
#[derive(Debug)]
pub enum Ended {
    Done(Done),
    /// the plugins returned no frame for it
    Dropped,
    /// it was done before
    Known(State),
    /// nothing is there
    Gone,
    /// nothing is in it
    Empty,
    /// it is being written
    Busy,
    /// it cannot be converted
    Failed {
        reason: String,
        quarantined: Option<PathBuf>,
    },
    /// the system's fault, not the file's: it will be retried, and so will the next files
    Retry(String),
    /// the system does not let this file be read: it will be retried, while others are processed
    Unreadable(String),
}

/// A file that was converted.
#[derive(Debug, Default)]
pub struct Done {
    /// below the output folder
    pub output: String,
    pub bytes: u64,
    /// width and height of the output
    pub size: (u32, u32),
    /// from the event to the published output
    pub latency: Duration,
    /// of work
    pub took: Duration,
    /// what is not in the output, for people
    pub notes: Vec<String>,
    /// whether the output replaced one made from an older version
    pub replaced: bool,
    /// frames that passed a broken plugin unchanged; the original stays where it is then
    pub bypassed: u64,
}

/// Frames of one file that passed broken plugins unchanged.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Bypassed {
    /// with those that are missing, since plugins kept them at the end
    pub(super) frames: u64,
    /// why the output is not what was asked for, for people; none where it is
    pub(super) reason: Option<String>,
}

impl Bypassed {
    /// What the plugins of a job say behind it.
    pub(super) fn by(plugins: &[Arc<Supervisor>]) -> Bypassed {
        let lost = plugins.iter().map(|p| p.bypassed() + p.held_at_end()).sum::<u64>();
        let texts: Vec<String> = plugins.iter().flat_map(|p| reasons(p)).collect();
        if texts.is_empty() {
            return Bypassed::default();
        }
        // A plugin that failed at the end lost something even if it held no frame.
        Bypassed { frames: lost.max(1), reason: Some(texts.join("; ")) }
    }
}

/// Why not all that was to come out of a plugin did, or not as it was to.
fn reasons(plugin: &Supervisor) -> Vec<String> {
    let (name, mut all) = (plugin.plugin().name(), Vec::new());
    match (plugin.bypassed(), plugin.failures()) {
        (0, 0) => {}
        (0, _) => all.push(format!("the plugin `{name}` failed at the end")),
        (1, _) => all.push(format!("1 frame passed the plugin `{name}` unchanged, which failed")),
        (n, _) => {
            all.push(format!("{n} frames passed the plugin `{name}` unchanged, which failed"))
        }
    }
    match plugin.held_at_end() {
        0 => {}
        n => all.push(format!("{n} of the frames are missing: the plugin `{name}` kept them")),
    }
    all
}
