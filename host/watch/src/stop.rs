//! Why a file is not done: whose fault it is decides what becomes of it.

use super::journal::JournalError;
use filmgate_av::MediaErrorKind;
use filmgate_core::publish::PublishError;
use filmgate_engine::PipelineError;
use filmgate_engine::sink::NameError;
use filmgate_picture::PictureError;
use filmgate_plugin::PluginError;

/// Why the way was left early.
pub(super) enum Stop {
    Busy,
    /// the file's fault
    Failed(String),
    /// the machine's
    Trouble(String),
    /// the name was taken in the last moment
    Taken,
}

impl From<JournalError> for Stop {
    fn from(error: JournalError) -> Stop {
        Stop::Trouble(error.to_string())
    }
}

impl From<PictureError> for Stop {
    fn from(error: PictureError) -> Stop {
        Stop::Failed(error.to_string())
    }
}

impl From<PublishError> for Stop {
    fn from(error: PublishError) -> Stop {
        match error {
            PublishError::Exists(_) => Stop::Taken,
            PublishError::NotAFile { .. } => Stop::Failed(error.to_string()),
            _ => Stop::Trouble(error.to_string()),
        }
    }
}

impl From<NameError> for Stop {
    fn from(error: NameError) -> Stop {
        match error {
            NameError::Publish(e) => e.into(),
            other => Stop::Failed(other.to_string()),
        }
    }
}

impl From<PipelineError> for Stop {
    fn from(error: PipelineError) -> Stop {
        match error {
            PipelineError::Publish(e) => e.into(),
            PipelineError::Interrupted | PipelineError::Plugin(PluginError::Cancelled { .. }) => {
                Stop::Trouble(error.to_string())
            }
            PipelineError::Media(ref e)
                if matches!(e.kind, MediaErrorKind::Write(_) | MediaErrorKind::OutOfMemory) =>
            {
                Stop::Trouble(error.to_string())
            }
            other => Stop::Failed(other.to_string()),
        }
    }
}
