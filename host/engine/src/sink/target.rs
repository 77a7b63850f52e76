//! Outputs, as asked for.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

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
    /// whoever takes it in chunks, as they are made
    Chunks(Chunked),
    /// a file for each frame, with a number in its name (`%06d`); each appears when it is whole
    Images(PathBuf),
}

/// A part of a container that is written for viewers who come and go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    pub kind: ChunkKind,
    /// when its picture is shown, nanoseconds
    pub timestamp: i64,
    pub bytes: Vec<u8>,
}

/// What a chunk is to somebody who begins to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkKind {
    /// what everybody reads first, once
    Header,
    /// begins with a picture that can be decoded without others
    Key,
    /// follows the chunk before it
    Delta,
}

/// Takes the chunks of an output; called by the thread that encodes, which waits for it.
pub type TakeChunk = Arc<dyn Fn(Chunk) + Send + Sync>;

/// Somebody who takes an output in chunks.
#[derive(Clone)]
pub struct Chunked {
    /// for messages
    pub name: String,
    pub take: TakeChunk,
}

impl fmt::Debug for Chunked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Chunked").field(&self.name).finish()
    }
}

impl PartialEq for Chunked {
    fn eq(&self, other: &Chunked) -> bool {
        Arc::ptr_eq(&self.take, &other.take)
    }
}

impl Eq for Chunked {}

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
            Target::Chunks(chunked) => chunked.name.clone(),
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
