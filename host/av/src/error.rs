//! What can go wrong with media, in a form that callers decide by and people can act on.
//!
//! Nothing here calls libav but to name its error codes.

use std::fmt::Display;
use std::io;

use crate::av;
use crate::log;
use ffmpeg_next::ffi;
use filmgate_core::url;

/// What went wrong, told so that the reader knows which file, what was being done, why it failed
/// and, where there is one, the way out.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct MediaError {
    pub kind: MediaErrorKind,
    pub message: String,
}

/// The reasons that callers tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaErrorKind {
    /// there is no such file
    NotFound,
    /// the system does not let us read it
    Denied,
    /// a file of no bytes
    Empty,
    /// no media format that libav knows, or not a regular file
    NotMedia,
    /// a format that is not on the list: playlists and the like, which open other files
    NotAllowed,
    /// media without a video stream
    NoVideo,
    /// the file ends before its own header says
    Truncated,
    /// larger pictures than [`filmgate_core::frame::check_size`] allows
    TooLarge,
    /// no decoder or encoder, an unknown option, or a container that cannot hold the codec
    Unsupported,
    Decode,
    Encode,
    /// the output could not be written
    Write(io::ErrorKind),
    Cancelled,
    TimedOut,
    /// the input could not be read, or is damaged in a way that stops the demuxer
    Read,
    OutOfMemory,
}

impl MediaError {
    /// Whether the reader of a pipe has left (`| head`): no fault of the output.
    pub fn is_broken_pipe(&self) -> bool {
        self.kind == MediaErrorKind::Write(io::ErrorKind::BrokenPipe)
    }

    pub(crate) fn new(kind: MediaErrorKind, message: impl Into<String>) -> MediaError {
        MediaError { kind, message: url::redact(&message.into()) }
    }

    /// The failure of a libav call: `doing`, then what libav last said on this thread since
    /// [`log::forget`], or the meaning of `code`.
    pub(crate) fn av(kind: MediaErrorKind, doing: impl Display, code: i32) -> MediaError {
        let kind = match code {
            ffi::AVERROR_EXIT => MediaErrorKind::Cancelled,
            code if code == av::errno(nix::libc::ENOMEM) => MediaErrorKind::OutOfMemory,
            _ => kind,
        };
        let reason = log::reason().unwrap_or_else(|| match code {
            // Errors of files are io::Errors: libav's own "no space" is a buffer of its own.
            code if code == av::errno(nix::libc::ENOSPC) => {
                "the data do not fit into a buffer of libav; they are damaged".to_owned()
            }
            code => av::error_text(code),
        });
        MediaError::new(kind, format!("{doing}: {reason}"))
    }

    pub(crate) fn write(doing: impl Display, error: &io::Error) -> MediaError {
        MediaError::new(MediaErrorKind::Write(error.kind()), format!("{doing}: {error}"))
    }

    pub(crate) fn memory(doing: impl Display) -> MediaError {
        MediaError::new(MediaErrorKind::OutOfMemory, format!("{doing}: out of memory"))
    }
}

/// `, did you mean …?` with the names nearest to `wanted`, or nothing.
pub(crate) fn near_matches(wanted: &str, known: impl IntoIterator<Item = String>) -> String {
    let mut scored: Vec<(f64, String)> = known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(wanted, &name), name))
        .filter(|(score, _)| *score > 0.85)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.dedup_by(|a, b| a.1 == b.1);
    let names: Vec<String> = scored.into_iter().take(3).map(|(_, name)| name).collect();
    if names.is_empty() { String::new() } else { format!("; did you mean {}?", names.join(" or ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_matches_are_few_and_sorted() {
        let known = ["libx264", "libx265", "libvpx", "png"].map(String::from);
        assert_eq!(near_matches("libx26", known.clone()), "; did you mean libx264 or libx265?");
        assert_eq!(near_matches("zzz", known), "");
    }
}
