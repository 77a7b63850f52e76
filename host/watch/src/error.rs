//! Errors that keep a watch from starting, or end it.

use std::path::PathBuf;

use super::journal::JournalError;
use filmgate_core::collide::Collision;
use filmgate_core::publish::PublishError;
use filmgate_engine::PipelineError;
use filmgate_engine::spec::SpecError;
use filmgate_plugin::PluginError;

#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// plugins and the naming policy
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    #[error(transparent)]
    Collision(#[from] Collision),
    /// what the watch writes would be input of the same watch
    #[error("{}: what is written to {} would be watched and taken as input; choose another name", .folder.display(), .other.display())]
    OutputIsWatched { folder: PathBuf, other: PathBuf },
    /// the receipt
    #[error(transparent)]
    Publish(#[from] PublishError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// the system does not do what is needed; the message says what and where
    #[error("{0}")]
    System(String),
}

impl From<PluginError> for WatchError {
    fn from(error: PluginError) -> WatchError {
        WatchError::Pipeline(PipelineError::Plugin(error))
    }
}
