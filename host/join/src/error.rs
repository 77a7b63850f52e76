//! Why a join failed.

use std::path::PathBuf;

use filmgate_av::MediaError;
use filmgate_core::collide::Collision;
use filmgate_core::publish::PublishError;
use filmgate_engine::PipelineError;
use filmgate_engine::spec::SpecError;

#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    #[error(transparent)]
    Media(#[from] MediaError),
    #[error(transparent)]
    Publish(#[from] PublishError),
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// an output would overwrite an input
    #[error(transparent)]
    Collision(#[from] Collision),
    /// there is no segment; so many files cannot be read
    #[error("{}", nothing(*.unreadable))]
    Nothing { unreadable: usize },
    /// of plugins
    #[error(transparent)]
    Chain(#[from] PipelineError),
    /// a source is another file than the one that was looked at, or has grown
    #[error("{}: changed while it was being joined; nothing was written and nothing removed", .0.display())]
    Changed(PathBuf),
    /// a segment cannot be copied, which only reading it has shown
    #[error("{0}")]
    Unfit(String),
    /// the output that was read back is not what was to be written
    #[error("the output failed verification and was deleted: {0}")]
    Proof(String),
    #[error("interrupted")]
    Interrupted,
    #[error("{0}")]
    System(String),
}

fn nothing(unreadable: usize) -> String {
    match unreadable {
        0 => "nothing to join".to_owned(),
        n => format!("nothing to join: none of {n} files can be read"),
    }
}
