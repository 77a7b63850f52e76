//! Why a join did not come about.

use std::path::PathBuf;

use filmgate_av::MediaError;
use filmgate_core::publish::PublishError;
use filmgate_engine::PipelineError;

#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    #[error(transparent)]
    Media(#[from] MediaError),
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// of the plugins that pictures go through
    #[error(transparent)]
    Chain(#[from] PipelineError),
    /// a source is another file than the one that was looked at, or has grown
    #[error("{}: was changed while it was being joined; nothing was written and nothing removed", .0.display())]
    Changed(PathBuf),
    /// a segment cannot be copied, which only reading it has shown
    #[error("{0}")]
    Unfit(String),
    /// the output that was read back is not what was to be written
    #[error("the output did not stand the test and is thrown away: {0}")]
    Proof(String),
    #[error("interrupted")]
    Interrupted,
    #[error("{0}")]
    System(String),
}
