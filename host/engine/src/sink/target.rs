//! Outputs, as asked for.

use std::path::PathBuf;

use filmgate_av::OpenedFile;
use filmgate_core::url::Url;

/// An output, as asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    pub target: Target,
    /// libav's name of the container; `image2` for images
    pub format: String,
    /// options of the container, by name, besides the usual ones
    pub options: Vec<(String, String)>,
}

impl Output {
    /// An output in a container, with the usual options.
    pub fn new(target: Target, format: impl Into<String>) -> Output {
        Output { target, format: format.into(), options: Vec::new() }
    }
}

/// Where an output goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// a file, which appears under its name when it is whole
    File(PathBuf),
    /// a file that the caller opened for reading and writing, and publishes
    Opened(OpenedFile),
    /// standard output
    Stdout,
    /// nothing: what is encoded is discarded
    Null,
    /// a server
    Url(Url),
    /// a playlist, with its segments beside it: there as soon as the first segment is
    Playlist(PathBuf),
    /// a file for each frame, with a number in its name (`%06d`); each appears when it is whole
    Images(PathBuf),
}

impl Target {
    pub(super) fn is_seekable(&self) -> bool {
        matches!(self, Target::File(_) | Target::Opened(_) | Target::Images(_) | Target::Null)
    }

    /// For messages.
    pub fn name(&self) -> String {
        match self {
            Target::File(path) | Target::Playlist(path) | Target::Images(path) => {
                path.display().to_string()
            }
            Target::Opened(opened) => opened.name.display().to_string(),
            Target::Stdout => "stdout".to_owned(),
            Target::Null => "/dev/null".to_owned(),
            Target::Url(url) => url.to_string(),
        }
    }
}

/// Which streams of the input go into the output.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// the video to decode; libav's choice where none
    pub video: Option<usize>,
    /// the streams to copy, every one of which the output must be able to hold; where none, all
    /// that it can
    pub copied: Option<Vec<usize>>,
    /// streams that are not wanted in any case
    pub without: Vec<usize>,
}

impl Selection {
    /// Nothing but the video.
    pub fn video_alone() -> Selection {
        Selection { copied: Some(Vec::new()), ..Selection::default() }
    }

    /// Whether a stream is to be copied, if the output can hold it.
    pub fn wants(&self, stream: usize) -> bool {
        let named = self.copied.as_ref().is_none_or(|list| list.contains(&stream));
        named && !self.without.contains(&stream)
    }
}
