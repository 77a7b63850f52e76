//! Segments into one file without encoding anything anew, unless that is asked for: what fits, what differs, where each
//! packet goes, and the proof that all of it has arrived.
//!
//! 1. [`segment`]: what is known of each file; no file stays open.
//! 2. [`plan`]: each is compared with the first; tracks are decided.
//! 3. [`read`] and [`write`]: one thread reads the segments in turn, another one puts their packets
//!    on the time line ([`clock`]) and writes them aside.
//! 4. [`proof`]: the file is read back and compared with what was read.
//! 5. `publish`: synced, renamed, its folder synced.
//! 6. [`remove`]: only then, and only what was joined, sources are removed.
//!
//! Where pictures go through plugins ([`anew`]), those of all segments are encoded anew
//! ([`recode`]).
//!
//! How the segments were found and put in order is the caller's business.
#![forbid(unsafe_code)]

mod anew;
pub mod check;
pub mod clock;
pub mod compare;
mod display;
mod error;
mod job;
mod layout;
mod ledger;
mod missing;
mod nal;
mod order;
mod payload;
mod picture;
pub mod plan;
pub mod proof;
mod read;
mod recode;
pub mod remove;
mod room;
pub mod segment;
mod settings;
mod tracks;
mod write;
mod written;

pub use anew::{Anew, Pictures};
pub use compare::{Difference, Weight};
pub use display::Display;
pub use error::JoinError;
pub use job::{Done, Job};
pub use plan::{Action, Missing, Plan, Planned, Ways};
pub use proof::Proof;
pub use segment::{Bad, Candidate, Identity, Segment, gather};
pub use settings::{Gap, Settings};
pub use written::{Seam, Written, WrittenTrack};
