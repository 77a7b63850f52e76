//! Exit codes. Programs decide by them, so a code never changes its meaning; the table stands in
//! docs/exit-codes.md, and `filmgate --help` names the file.

use std::io::ErrorKind;

use filmgate_av::{MediaError, MediaErrorKind};
use filmgate_core::collide::Collision;
use filmgate_core::publish::PublishError;
use filmgate_engine::PipelineError;
use filmgate_engine::spec::{Fault, SpecError};
use filmgate_join::JoinError;
use filmgate_kit::KitError;
use filmgate_picture::SaveError;
use filmgate_plugin::PluginError;
use filmgate_serve::ServeError;
use filmgate_watch::WatchError;

/// Why the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    Done = 0,
    /// anything that has no code of its own
    Failed = 1,
    Usage = 2,
    /// there is an output, but not all of the input is in it as it was asked for
    Partly = 3,
    PluginUnknown = 10,
    PluginParameter = 11,
    PluginNotAComponent = 12,
    PluginWrongInterface = 13,
    /// trap, deadline, memory, a broken contract
    PluginBroke = 14,
    /// the plugin answered with an error
    PluginRefused = 15,
    NoCommonFormat = 16,
    /// the plugins dropped every frame
    NothingLeft = 17,
    /// another digest than the one that was asked for, or no signature that is trusted
    PluginNotVerified = 18,
    /// the registry cannot be reached, or wants rights
    Registry = 19,
    InputMissing = 20,
    InputNotMedia = 21,
    InputTruncated = 22,
    NoVideo = 23,
    InputNotAllowed = 24,
    OutputExists = 30,
    OutputIsInput = 31,
    OutputUnwritable = 32,
    /// no space, or an I/O error while writing
    OutputWrite = 33,
    OutputUnsupported = 34,
    /// not one packet could be delivered to a server
    OutputLost = 35,
    /// a segment differs from the first in a way that only re-encoding can repair
    SegmentsDiffer = 40,
    /// the output that was read back is not what it should be
    ProofFailed = 41,
    /// a source was changed meanwhile
    SourceChanged = 42,
    /// there is nothing to join, and there was to be
    NothingToJoin = 43,
    Interrupted = 130,
}

impl Exit {
    /// The code for an error, by the first cause in its chain that has one.
    pub fn of(error: &anyhow::Error) -> Exit {
        error.chain().find_map(Exit::of_cause).unwrap_or(Exit::Failed)
    }

    /// In a word, for programs: whether there is an output, and whether all is in it.
    pub fn status(self) -> &'static str {
        match self {
            Exit::Done => "done",
            Exit::Partly => "partly",
            Exit::Interrupted => "interrupted",
            _ => "failed",
        }
    }

    fn of_cause(cause: &(dyn std::error::Error + 'static)) -> Option<Exit> {
        if let Some(e) = cause.downcast_ref::<WithExit>() {
            return Some(e.exit);
        }
        if let Some(e) = cause.downcast_ref::<PipelineError>() {
            return Exit::of_pipeline(e);
        }
        if let Some(e) = cause.downcast_ref::<SpecError>() {
            return Some(Exit::of_spec(e));
        }
        if let Some(e) = cause.downcast_ref::<JoinError>() {
            return Exit::of_join(e);
        }
        if let Some(e) = cause.downcast_ref::<WatchError>() {
            return Exit::of_watch(e);
        }
        if let Some(e) = cause.downcast_ref::<ServeError>() {
            return Some(Exit::of_serve(e));
        }
        if let Some(e) = cause.downcast_ref::<MediaError>() {
            return Some(Exit::of_media(e));
        }
        if let Some(e) = cause.downcast_ref::<SaveError>() {
            return Exit::of_picture(e);
        }
        if let Some(e) = cause.downcast_ref::<PublishError>() {
            return Some(Exit::of_publish(e));
        }
        if let Some(e) = cause.downcast_ref::<Collision>() {
            return Some(Exit::of_collision(e));
        }
        if let Some(e) = cause.downcast_ref::<KitError>() {
            return Some(Exit::of_kit(e));
        }
        cause.downcast_ref::<PluginError>().map(Exit::of_plugin)
    }

    fn of_kit(error: &KitError) -> Exit {
        match error {
            KitError::Usage(_) | KitError::Manifest { .. } => Exit::Usage,
            KitError::Exists(_) => Exit::OutputExists,
            KitError::Tool { .. } | KitError::Compiler { .. } => Exit::Failed,
            KitError::Component { .. } => Exit::PluginNotAComponent,
            KitError::File { .. } => Exit::Failed,
            KitError::Missing { .. } => Exit::PluginUnknown,
            KitError::Denied { .. } | KitError::Unreachable { .. } => Exit::Registry,
            KitError::NotVerified { .. } => Exit::PluginNotVerified,
            KitError::Publish(e) => Exit::of_publish(e),
            KitError::Plugin(e) => Exit::of_plugin(e),
        }
    }

    fn of_pipeline(error: &PipelineError) -> Option<Exit> {
        match error {
            PipelineError::Media(e) => Some(Exit::of_media(e)),
            PipelineError::Plugin(e) => Some(Exit::of_plugin(e)),
            PipelineError::Publish(e) => Some(Exit::of_publish(e)),
            PipelineError::Undecodable(_) => Some(Exit::InputNotMedia),
            PipelineError::Spec(e) => Some(Exit::of_spec(e)),
            PipelineError::NoCommonFormat(_) => Some(Exit::NoCommonFormat),
            PipelineError::Interrupted => Some(Exit::Interrupted),
            PipelineError::Collision(e) => Some(Exit::of_collision(e)),
            PipelineError::Save(e) => Exit::of_picture(e),
            PipelineError::Engine(_) | PipelineError::System(_) => None,
        }
    }

    fn of_collision(collision: &Collision) -> Exit {
        match collision {
            Collision::WithInput { .. } => Exit::OutputIsInput,
            Collision::WithOutput { .. } => Exit::Usage,
        }
    }

    fn of_spec(error: &SpecError) -> Exit {
        match error.fault {
            Fault::Usage => Exit::Usage,
            Fault::InputMissing => Exit::InputMissing,
            Fault::InputNotMedia => Exit::InputNotMedia,
            Fault::OutputUnwritable => Exit::OutputUnwritable,
            Fault::OutputUnsupported => Exit::OutputUnsupported,
        }
    }

    fn of_join(error: &JoinError) -> Option<Exit> {
        match error {
            JoinError::Media(e) => Some(Exit::of_media(e)),
            JoinError::Chain(e) => Exit::of_pipeline(e),
            JoinError::Publish(e) => Some(Exit::of_publish(e)),
            JoinError::Spec(e) => Some(Exit::of_spec(e)),
            JoinError::Collision(e) => Some(Exit::of_collision(e)),
            JoinError::Nothing { .. } => Some(Exit::NothingToJoin),
            JoinError::Changed(_) => Some(Exit::SourceChanged),
            JoinError::Unfit(_) => Some(Exit::SegmentsDiffer),
            JoinError::Proof(_) => Some(Exit::ProofFailed),
            JoinError::Interrupted => Some(Exit::Interrupted),
            JoinError::System(_) => None,
        }
    }

    fn of_watch(error: &WatchError) -> Option<Exit> {
        match error {
            WatchError::Spec(e) => Some(Exit::of_spec(e)),
            WatchError::Pipeline(e) => Exit::of_pipeline(e),
            WatchError::Collision(e) => Some(Exit::of_collision(e)),
            WatchError::OutputIsWatched { .. } => Some(Exit::OutputIsInput),
            WatchError::Publish(e) => Some(Exit::of_publish(e)),
            WatchError::Journal(_) => None,
            WatchError::System(_) => Some(Exit::Failed),
        }
    }

    fn of_serve(error: &ServeError) -> Exit {
        match error {
            ServeError::Settings(_) => Exit::Usage,
            ServeError::Root { .. } => Exit::OutputUnwritable,
            ServeError::Listen { .. } | ServeError::Fault(_) | ServeError::System { .. } => {
                Exit::Failed
            }
        }
    }

    fn of_media(error: &MediaError) -> Exit {
        Exit::of_media_kind(error.kind)
    }

    /// The code for a kind of trouble with media.
    pub(super) fn of_media_kind(kind: MediaErrorKind) -> Exit {
        match kind {
            MediaErrorKind::NotFound | MediaErrorKind::Denied => Exit::InputMissing,
            MediaErrorKind::Empty | MediaErrorKind::NotMedia => Exit::InputNotMedia,
            MediaErrorKind::Truncated | MediaErrorKind::Read | MediaErrorKind::Decode => {
                Exit::InputTruncated
            }
            MediaErrorKind::NoVideo => Exit::NoVideo,
            MediaErrorKind::NotAllowed | MediaErrorKind::TooLarge | MediaErrorKind::TimedOut => {
                Exit::InputNotAllowed
            }
            MediaErrorKind::Unsupported => Exit::OutputUnsupported,
            MediaErrorKind::Write(_) => Exit::OutputWrite,
            MediaErrorKind::Cancelled => Exit::Interrupted,
            MediaErrorKind::Encode | MediaErrorKind::OutOfMemory => Exit::Failed,
        }
    }

    fn of_publish(error: &PublishError) -> Exit {
        match error {
            PublishError::Exists(_) => Exit::OutputExists,
            PublishError::NotAFile { .. } | PublishError::Folder { .. } => Exit::OutputUnwritable,
            PublishError::Write { .. } => Exit::OutputWrite,
        }
    }

    fn of_picture(error: &SaveError) -> Option<Exit> {
        match error {
            SaveError::Ending(_) => Some(Exit::OutputUnsupported),
            SaveError::Publish(e) => Some(Exit::of_publish(e)),
            SaveError::Encode { .. } => None,
        }
    }

    fn of_plugin(error: &PluginError) -> Exit {
        match error {
            PluginError::NotFound { .. } | PluginError::NotPulled { .. } => Exit::PluginUnknown,
            PluginError::Digest { .. } => Exit::PluginNotVerified,
            PluginError::Syntax { .. } => Exit::Usage,
            // No plain file, or too large a one; everything else that cannot be read is as good
            // as not there.
            PluginError::Read { source, .. }
                if matches!(source.kind(), ErrorKind::InvalidInput | ErrorKind::FileTooLarge) =>
            {
                Exit::PluginNotAComponent
            }
            PluginError::Read { .. } => Exit::PluginUnknown,
            PluginError::Compiler { .. } | PluginError::Machine { .. } => Exit::Failed,
            PluginError::NotAComponent { .. } => Exit::PluginNotAComponent,
            PluginError::WrongInterface { .. } | PluginError::WrongKind { .. } => {
                Exit::PluginWrongInterface
            }
            PluginError::Description { .. }
            | PluginError::Failed { .. }
            | PluginError::Quarantined { .. } => Exit::PluginBroke,
            PluginError::Parameter { .. } => Exit::PluginParameter,
            PluginError::Refused { .. } => Exit::PluginRefused,
            PluginError::NothingLeft { .. } => Exit::NothingLeft,
            PluginError::Cancelled { .. } => Exit::Interrupted,
        }
    }
}

/// The message for people: what was being done and every cause that says more than the one above
/// it. Many errors name their cause in their own text.
pub fn message(error: &anyhow::Error) -> String {
    // Where it was when that happened is nobody's concern.
    if Exit::of(error) == Exit::Interrupted {
        return "interrupted".to_owned();
    }
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> std::process::ExitCode {
        std::process::ExitCode::from(exit as u8)
    }
}

/// A message with an exit code of its own.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct WithExit {
    pub exit: Exit,
    pub message: String,
}

impl WithExit {
    pub fn new(exit: Exit, message: impl Into<String>) -> WithExit {
        WithExit { exit, message: message.into() }
    }
}
