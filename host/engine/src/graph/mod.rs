//! The graph of plugins: pixel formats negotiated, the chain planned and grouped into stages, frames
//! dealt out to their workers and collected in order.

mod chain;
pub(crate) mod compare;
pub(crate) mod flow;
pub mod negotiate;
mod pieces;
mod serial;
mod stats;
mod stills;

pub use chain::{Chain, Link, Stage, Worker};
pub use compare::SideBySide;
pub use serial::SerialGraph;
pub use stats::{Doing, Meter, Progress, Reading};
pub use stills::StillChain;
