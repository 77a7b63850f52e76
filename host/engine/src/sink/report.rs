//! What a sink did.

use serde::{Serialize, Serializer};

use super::push::PushSummary;
use crate::error::PipelineError;
use crate::graph::Reading;
use filmgate_core::frame::StreamInfo;

/// What a sink is about to do, when it is open, and what it did, at its end.
#[derive(Debug, Default)]
pub struct SinkReport {
    /// what the encoder gets
    pub encoded: Option<StreamInfo>,
    /// what image files are made of
    pub pictures: Option<StreamInfo>,
    /// conversions of pixel formats by the encoder
    pub conversions: Vec<String>,
    /// streams copied, as `audio (aac)`
    pub copied: Vec<String>,
    /// streams that are not in the output, with the reason
    pub left_out: Vec<String>,
    /// what is seen otherwise in the output, with the reason
    pub missing: Vec<String>,
    /// frames that were written
    pub frames: u64,
    /// of all outputs, where that is known
    pub bytes: u64,
    /// timestamps that were moved so that they rise
    pub nudged_timestamps: u64,
    pub outputs: Vec<OutputReport>,
    pub images: Option<ImagesReport>,
    pub encode: Option<Reading>,
    pub mux: Option<Reading>,
    pub publish: Option<Reading>,
    /// what went wrong with one of the outputs, while others went on
    pub failure: Option<PipelineError>,
}

/// What became of the images in a folder.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ImagesReport {
    /// frames that were decoded
    pub decoded: u64,
    /// of those, that were asked for
    pub chosen: u64,
    /// of those, that were dropped because they came too late
    pub late: u64,
    /// images that are in the folder, or were
    pub published: u64,
    /// images that were removed to hold the bound
    pub removed: u64,
    /// of those, before their time because the disk was full
    pub removed_early: u64,
    /// the path of the last one
    pub last: Option<String>,
    pub interrupted: bool,
}

/// What became of an output.
#[derive(Clone, Debug, Default, Serialize)]
pub struct OutputReport {
    pub name: String,
    /// of a file, or of a playlist with its pieces
    pub bytes: Option<u64>,
    /// packets of the input that its container refused
    #[serde(skip)]
    pub refused: u64,
    /// of an output on the network
    pub push: Option<PushSummary>,
    /// why it failed, while others went on
    pub error: Option<String>,
}

/// The encoder and its options.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PlannedEncoder {
    /// libav's name of it
    pub name: String,
    #[serde(serialize_with = "pairs")]
    pub options: Vec<(String, String)>,
}

fn pairs<S: Serializer>(pairs: &[(String, String)], to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(pairs.iter().map(|(key, value)| (key, value)))
}
