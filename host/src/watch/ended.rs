//! A file that is worked on, and how that ended.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::identity::Heard;
use super::journal::State;
use crate::plugin::Supervisor;

/// A file that may have to be worked on.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// below the watched folder
    pub path: PathBuf,
    pub heard: Heard,
    pub since: Instant,
}

/// How a file ended.
#[derive(Debug)]
pub enum Ended {
    Done(Done),
    /// the plugins gave no picture for it
    Dropped,
    /// it was done before
    Known(State),
    /// nothing is there
    Gone,
    /// nothing is in it
    Empty,
    /// somebody writes to it
    Busy,
    /// it cannot be converted
    Failed {
        reason: String,
        quarantined: Option<PathBuf>,
    },
    /// the machine's fault, not the file's: it will be tried again
    Trouble(String),
}

/// A file that was converted.
#[derive(Debug, Default)]
pub struct Done {
    /// below the output folder
    pub output: String,
    pub bytes: u64,
    /// of the output, in samples and rows; 0 for videos
    pub size: (u32, u32),
    /// from heard of to published
    pub latency: Duration,
    /// of work
    pub took: Duration,
    /// what is not in the output, for people
    pub notes: Vec<String>,
    /// whether the output took the place of one made from an older version
    pub replaced: bool,
    /// frames that passed a broken plugin unchanged; the original stays where it is then
    pub bypassed: u64,
}

/// Frames of one file that passed broken plugins unchanged.
#[derive(Clone, Debug, Default)]
pub(super) struct Bypassed {
    pub(super) frames: u64,
    /// why the output is not what was asked for, for people; none where it is
    pub(super) reason: Option<String>,
}

impl Bypassed {
    /// What the plugins of a job say behind it.
    pub(super) fn by(plugins: &[Arc<Supervisor>]) -> Bypassed {
        let counts = plugins.iter().map(|p| (p.plugin().name(), p.bypassed()));
        let counts: Vec<_> = counts.filter(|(_, frames)| *frames > 0).collect();
        let text = |(name, frames): &(&str, u64)| match frames {
            1 => format!("1 frame passed the plugin `{name}` unchanged, which broke"),
            _ => format!("{frames} frames passed the plugin `{name}` unchanged, which broke"),
        };
        let texts: Vec<String> = counts.iter().map(text).collect();
        Bypassed {
            frames: counts.iter().map(|(_, frames)| frames).sum(),
            reason: (!texts.is_empty()).then(|| texts.join("; ")),
        }
    }
}
