//! Video segments joined into one file losslessly: what fits, what differs, where each packet goes,
//! and the proof that every packet arrived. Only odd segments and video that goes through plugins
//! are re-encoded, if that is asked for.
//!
//! 0. [`spec`] describes the job; [`prepare()`] finds ([`find`]), orders and names ([`policy`]).
//! 1. [`segment`]: what is known of each file; no file stays open.
//! 2. [`plan`]: each is compared with the first; tracks are decided.
//! 3. [`read`] and [`write`]: one thread reads the segments in turn, another one puts their packets
//!    on the time line ([`clock`]) and writes them aside.
//! 4. [`proof`]: the file is read back and compared with what was read.
//! 5. `publish`: synced, renamed, its folder synced.
//! 6. [`remove`]: only then, and only what was joined, sources are removed.
//!
//! Video that goes through plugins ([`plugin_transcode`]) is re-encoded in all segments
//! ([`reencode`]). [`report`] is the plan and the result as data.
#![forbid(unsafe_code)]

pub mod check;
pub mod clock;
pub mod compare;
mod display;
mod display_order;
mod error;
mod find;
mod fitter;
mod index_space;
mod job;
mod layout;
mod ledger;
mod missing;
mod nal;
mod payload;
pub mod plan;
mod plugin_transcode;
mod policy;
mod prepare;
pub mod proof;
mod reach;
mod read;
mod reencode;
pub mod remove;
pub mod report;
pub mod segment;
mod settings;
pub mod spec;
mod tracks;
mod write;
mod written;

pub use compare::{Difference, Weight};
pub use display::Display;
pub use error::JoinError;
pub use job::{Done, Job};
pub use plan::{Action, Handling, Missing, Plan, Planned};
pub use plugin_transcode::{FrameCounts, PluginTranscode};
pub use prepare::{Joined, Prepared, prepare, prepare_found};
pub use proof::Proof;
pub use reach::Inputs;
pub use report::JoinReport;
pub use segment::{Bad, Candidate, Identity, Segment, gather};
pub use settings::{Gap, Settings};
pub use spec::{JoinSpec, Order, PolicySpec};
pub use written::{Seam, Written, WrittenTrack};
