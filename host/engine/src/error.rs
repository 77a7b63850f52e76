//! What can go wrong in a job.

use filmgate_av::{MediaError, MediaErrorKind};
use filmgate_core::collide::Collision;
use filmgate_core::publish::PublishError;
use filmgate_picture::SaveError;
use filmgate_plugin::{EngineError, PluginError};

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
    /// an output is also an input, or another output
    #[error(transparent)]
    Collision(#[from] Collision),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Save(#[from] SaveError),
    #[error("{0}")]
    System(String),
    #[error("interrupted")]
    Interrupted,
}

/// Why a job description cannot be carried out.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct SpecError {
    pub fault: Fault,
    pub message: String,
}

/// Whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// the description contradicts itself, or asks for what there is not
    Usage,
    InputMissing,
    InputNotMedia,
    OutputUnwritable,
    OutputUnsupported,
}

impl SpecError {
    pub fn new(fault: Fault, message: impl Into<String>) -> SpecError {
        SpecError { fault, message: message.into() }
    }

    pub fn usage(message: impl Into<String>) -> SpecError {
        SpecError::new(Fault::Usage, message)
    }
}

/// What is not supported about a decoder is the input's fault, not the output's; and where not one
/// picture can be decoded to begin with, nothing is cut off.
pub(crate) fn undecodable(error: MediaError) -> PipelineError {
    match error.kind {
        MediaErrorKind::Unsupported | MediaErrorKind::Decode => PipelineError::Undecodable(error),
        _ => error.into(),
    }
}
