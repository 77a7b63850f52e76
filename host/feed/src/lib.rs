//! A live feed in a process of its own: one source is decoded once, each of its streams has plugins
//! and an encoder, and what is encoded goes to the parent in chunks that it hands on to viewers.
//!
//! ```text
//!  source ─► Pour ─► tap ─► plugins ─► encoder ─► mpegts, mp4, flv ─┐
//!                 └► tap ─► plugins ─► … and, while somebody looks, ├─► socket ─► parent
//!                                        JPEG, MPEG-2 ──────────────┘
//! ```
#![forbid(unsafe_code)]

mod branch;
mod spec;
mod wire;
mod worker;

pub use spec::{FeedSpec, Format, StreamSpec};
pub use wire::{Command, Kind, Message, Order, PluginState, StreamState, read_message};
pub use worker::work;

/// The verb by which a program becomes a feed's worker; not in the help, since it is for filmgate
/// alone.
pub const VERB: &str = "feed-worker";
