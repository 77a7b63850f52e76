//! From a source through plugins to a sink: what `media` and `plugin` do together. They do not
//! know each other; they meet here, with plain frames in bounded queues.

mod chain;
mod compare;
mod ends;
mod error;
pub(crate) mod flow;
mod job;
pub(crate) mod jumps;
mod line;
pub mod negotiate;
mod nowhere;
mod observe;
mod output;
mod parts;
mod plan;
pub(crate) mod reopen;
mod sequence;
mod stats;
mod still;
mod stills;
pub(crate) mod window;

pub use chain::{Chain, Link, Stage, Worker};
pub use compare::SideBySide;
pub use error::PipelineError;
pub use job::{FileJob, PluginSummary, Prepared, Summary, default_workers};
pub use job::{nothing_left, plugin_summaries};
pub use line::Line;
pub use observe::Observer;
pub use output::Selection;
pub use plan::{Fate, Plan, PlannedLink, PlannedStage, PlannedStream};
pub use reopen::{Continuity, Loss};
pub use stats::{Meter, Progress, Reading};
pub use still::{LEAD, Still, StillJob};
pub use stills::StillChain;
pub use window::Window;
