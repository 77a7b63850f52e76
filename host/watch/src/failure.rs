//! Why a file was not converted: the fault of the file (it failed) or of the system (it is retried).

use std::io;

use serde::{Deserialize, Serialize};

use super::journal::JournalError;
use filmgate_av::MediaErrorKind;
use filmgate_core::publish::PublishError;
use filmgate_engine::PipelineError;
use filmgate_engine::sink::NameError;
use filmgate_picture::PictureError;
use filmgate_plugin::PluginError;

/// Why a file was not converted.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Failure {
    /// it is being written, or was changed meanwhile
    Busy,
    /// the file's fault
    File(String),
    /// the system's, with other files too
    System(String),
    /// the system's, with this file: permissions, a disk or server that does not answer
    Unreadable(String),
    /// another program created a file of this name in the last moment
    NameTaken,
}

impl Failure {
    /// Why opening or reading failed. The content of a file makes no call fail, so this is the
    /// system's fault, except where the name or the size can never be read. Descriptors and memory
    /// (`EMFILE`, `ENFILE`, `ENOMEM`: open(2), ERRORS) are missing for every file; the rest
    /// (`EACCES`, `EIO`, `ESTALE`, `ETIMEDOUT` …) concerns this one.
    pub(super) fn of_reading(doing: &str, error: &io::Error) -> Failure {
        use nix::libc::{EMFILE, ENFILE, ENOMEM};
        let message = format!("{doing}: {error}");
        match (error.raw_os_error(), error.kind()) {
            (Some(EMFILE | ENFILE | ENOMEM), _) => Failure::System(message),
            (_, io::ErrorKind::FileTooLarge | io::ErrorKind::InvalidFilename) => {
                Failure::File(message)
            }
            (Some(nix::libc::ELOOP), _) => Failure::File(message),
            _ => Failure::Unreadable(message),
        }
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Failure {
        Failure::System(error.to_string())
    }
}

impl From<PictureError> for Failure {
    fn from(error: PictureError) -> Failure {
        Failure::File(error.to_string())
    }
}

impl From<PublishError> for Failure {
    fn from(error: PublishError) -> Failure {
        match error {
            PublishError::Exists(_) => Failure::NameTaken,
            PublishError::NotAFile { .. } => Failure::File(error.to_string()),
            _ => Failure::System(error.to_string()),
        }
    }
}

impl From<NameError> for Failure {
    fn from(error: NameError) -> Failure {
        match error {
            NameError::Publish(e) => e.into(),
            other => Failure::File(other.to_string()),
        }
    }
}

impl From<PipelineError> for Failure {
    fn from(error: PipelineError) -> Failure {
        match error {
            PipelineError::Publish(e) => e.into(),
            PipelineError::Interrupted | PipelineError::Plugin(PluginError::Cancelled { .. }) => {
                Failure::System(error.to_string())
            }
            PipelineError::Media(ref e)
                if matches!(e.kind, MediaErrorKind::Write(_) | MediaErrorKind::OutOfMemory) =>
            {
                Failure::System(error.to_string())
            }
            other => Failure::File(other.to_string()),
        }
    }
}
