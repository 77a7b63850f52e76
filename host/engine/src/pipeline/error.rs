//! What can go wrong in a job.

use filmgate_av::MediaError;
use filmgate_core::publish::PublishError;
use filmgate_plugin::PluginError;

use crate::spec::SpecError;

/// Why a job came to its end before its time.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    #[error(transparent)]
    Media(#[from] MediaError),
    /// there is no decoder for the input
    #[error("{0}")]
    Undecodable(MediaError),
    #[error(transparent)]
    Plugin(#[from] PluginError),
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// the description of the job is wrong
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// what a plugin takes, what comes to it and what filmgate knows have nothing in common
    #[error("{0}")]
    NoCommonFormat(String),
    #[error("{0}")]
    System(String),
    #[error("interrupted")]
    Interrupted,
}
