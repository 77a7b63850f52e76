//! The engine: one session that takes frames from a source through a graph of plugins to a sink.
//! libav and plugins do not know each other; they meet here.
#![forbid(unsafe_code)]

mod encoder;
mod error;
pub mod graph;
mod job;
mod plan;
pub mod report;
mod session;
pub mod sink;
pub mod source;
pub mod spec;
mod stop;
mod swap;

pub use encoder::{Encoder, file};
pub use error::PipelineError;
pub use job::stream;
pub use job::{Done, Job, Reach, Receipt, Surroundings, prepare};
pub use plan::{Fate, Plan, PlannedLink, PlannedStage, PlannedStream};
pub use report::{Outcome, Report};
pub use session::{Observer, Options, Prepared, Session};
pub use stop::Stop;
pub use swap::Swap;

/// How many threads parallel plugins get where nothing is said: one a processor.
pub fn default_workers() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
