//! From a source through plugins to a sink: what `media` and `plugin` do together. They do not
//! know each other; they meet here, with plain frames in bounded queues.

mod chain;
mod ends;
mod error;
mod flow;
mod job;
mod jumps;
pub mod negotiate;
mod output;
mod parts;
mod sequence;
mod stats;
mod stills;
mod window;

pub use chain::{Chain, Link, Stage, Worker};
pub use error::PipelineError;
pub use job::{FileJob, PluginSummary, Prepared, Summary, default_workers, is_input};
pub use output::{Selection, Target};
pub use stats::{Meter, Progress, Reading};
pub use stills::StillChain;
pub use window::Window;
