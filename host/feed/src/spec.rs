//! What a feed is, as data.

use std::path::PathBuf;

use filmgate_engine::spec::JobSpec;
use serde::{Deserialize, Serialize};

/// A feed: its source, and what is made of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FeedSpec {
    /// the source, as `encode` is told it
    pub source: JobSpec,
    /// begin a file again when it ends
    pub repeat: bool,
    /// nanoseconds at which its times begin
    pub offset: i64,
    pub streams: Vec<StreamSpec>,
    /// the folder in which files must be that parameters of plugins name
    pub below: PathBuf,
}

/// A stream of a feed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StreamSpec {
    pub name: String,
    /// plugins, encoder and servers that it is pushed to, as `encode` is told them
    pub job: JobSpec,
}

/// How a stream can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// MPEG transport stream (ISO/IEC 13818-1)
    Ts,
    /// fragmented MP4 (ISO/IEC 14496-12), a fragment a frame
    Mp4,
    /// Flash video, as HTTP-FLV players have it
    Flv,
    /// MPEG program stream with MPEG-2 video
    Mpg,
    /// each frame as JPEG
    Jpeg,
}

impl Format {
    /// All of them.
    pub const ALL: [Format; 5] = [Format::Ts, Format::Mp4, Format::Flv, Format::Mpg, Format::Jpeg];

    /// Those that one encoder makes, whoever looks.
    pub const USUAL: [Format; 3] = [Format::Ts, Format::Mp4, Format::Flv];

    /// libav's name of the container.
    pub(crate) fn container(self) -> &'static str {
        match self {
            Format::Ts => "mpegts",
            Format::Mp4 => "mp4",
            Format::Flv => "flv",
            Format::Mpg => "mpeg",
            Format::Jpeg => "mjpeg",
        }
    }

    /// Whether it takes an encoder of its own, which runs only while somebody looks.
    pub fn is_on_demand(self) -> bool {
        !Format::USUAL.contains(&self)
    }
}
