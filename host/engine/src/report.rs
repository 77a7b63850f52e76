//! What a job did: one type for summaries, receipts, events, journals, metrics and exit codes. The
//! fields stand in docs/json.md.

use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::error::PipelineError;
use crate::graph::Reading;
use crate::sink::SinkReport;
pub use crate::sink::{ImagesReport, OutputReport};
use crate::source::{Continuity, SourceReport};
use filmgate_core::frame::StreamInfo;
use filmgate_plugin::Supervisor;

/// What a job did.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// frames that the source gave
    pub frames_in: u64,
    /// frames that reached the sink
    pub frames_out: u64,
    /// of all outputs, where that is known
    pub bytes: u64,
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub wall: Duration,
    pub workers: usize,
    /// what the decoder gave
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decoded: Option<StreamReport>,
    /// what a source of raw frames gave
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read: Option<StreamReport>,
    /// what the encoder got
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoded: Option<StreamReport>,
    /// what image files were made of
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pictures: Option<StreamReport>,
    /// streams copied, as `audio (aac)`
    pub copied: Vec<String>,
    /// streams that are not in the output, with the reason
    pub left_out: Vec<String>,
    /// what of a later input is not in the output, with the reason
    pub missing: Vec<String>,
    /// conversions of pixel formats
    pub conversions: Vec<String>,
    /// packets that could not be decoded, or that the container of the output refused
    pub damaged_packets: u64,
    /// frames before the first keyframe, which cannot be decoded
    pub undecodable_lead: u64,
    /// timestamps that were moved so that they rise
    pub nudged_timestamps: u64,
    /// timestamp discontinuities that were removed
    pub clock_jumps: u64,
    /// why the input ended early, where that was accepted
    pub truncated: Option<String>,
    /// writers that left in the middle of a frame, and the bytes of those frames
    pub partial_pictures: u64,
    pub partial_bytes: u64,
    /// whether it was stopped, rather than came to its end
    #[serde(rename = "stopped")]
    pub stopped: bool,
    /// of a folder of image files
    #[serde(flatten)]
    pub images: Option<ImagesReport>,
    /// of a source that may be opened again
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<LiveReport>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<OutputReport>,
    pub stages: Stages,
    pub plugins: Vec<PluginReport>,
    /// what went wrong with one of the outputs, while others went on
    #[serde(skip)]
    pub failure: Option<PipelineError>,
}

/// In a word: whether there is an output, and whether all is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// not all of the input is in the output as it was asked for
    Partly,
    /// a server got nothing
    Lost,
    /// stopped before the end of a recording
    Interrupted,
}

impl Report {
    /// Whether anything was missing, bypassed, dropped or late.
    pub fn outcome(&self) -> Outcome {
        let endless = self.source.as_ref().is_some_and(|s| s.endless);
        if self.stopped && self.images.is_some() {
            // A live source is ended by somebody; that is no accident.
            return if endless { Outcome::Done } else { Outcome::Interrupted };
        }
        let pushes = || self.outputs.iter().filter_map(|o| o.push.as_ref());
        // What was handed to connections that broke at once need not have arrived.
        if pushes().any(|p| p.account.delivered <= p.account.unsure) {
            return Outcome::Lost;
        }
        let missing = !self.missing.is_empty()
            || self.damaged_packets > 0
            || self.truncated.is_some()
            || self.partial_pictures > 0
            || self.plugins.iter().any(|p| p.incomplete)
            || self.source.as_ref().is_some_and(|s| s.lost > 0 || s.broken.is_some())
            || pushes().any(|p| p.account.dropped > 0 || p.account.unsure > 0);
        if missing { Outcome::Partly } else { Outcome::Done }
    }

    /// Takes over what a sink says that has been opened.
    pub(crate) fn show_sink(&mut self, sink: &SinkReport) {
        self.encoded = sink.encoded.as_ref().map(StreamReport::from);
        self.pictures = sink.pictures.as_ref().map(StreamReport::from);
        if self.pictures.is_some() {
            // What was decoded is the source's, and `decoded` a number.
            self.decoded = None;
        }
        self.conversions.extend(sink.conversions.iter().cloned());
        self.copied.clone_from(&sink.copied);
        self.left_out.clone_from(&sink.left_out);
        self.missing.extend(sink.missing.iter().cloned());
        self.images.clone_from(&sink.images);
    }

    /// Takes over what a sink says that has ended.
    pub(crate) fn take_sink(&mut self, sink: SinkReport) {
        self.images = sink.images;
        (self.frames_out, self.bytes) = (sink.frames, sink.bytes);
        self.nudged_timestamps = sink.nudged_timestamps;
        self.outputs = sink.outputs;
        // The same packets go to all outputs.
        self.damaged_packets += self.outputs.iter().map(|o| o.refused).max().unwrap_or(0);
        if let Some(encode) = sink.encode {
            self.stages.encode = encode;
        }
        (self.stages.mux, self.stages.publish) = (sink.mux, sink.publish);
        self.failure = sink.failure;
    }

    /// Adds what another session of the same job did.
    pub(crate) fn add(&mut self, other: Report) {
        self.frames_in += other.frames_in;
        self.frames_out += other.frames_out;
        self.bytes += other.bytes;
        self.wall += other.wall;
        self.damaged_packets += other.damaged_packets;
        self.stopped |= other.stopped;
        let (sum, add) = (&mut self.stages, other.stages);
        sum.convert.add(add.convert);
        sum.encode.add(add.encode);
        if let (Some(sum), Some(add)) = (&mut sum.decode, add.decode) {
            sum.add(add);
        }
        // A plugin's own numbers go on from session to session.
        for (sum, mut last) in self.plugins.iter_mut().zip(other.plugins) {
            last.reading.add(sum.reading);
            *sum = last;
        }
    }

    /// Takes over what the source says.
    pub(crate) fn source_ended(&mut self, source: SourceReport, late: u64) {
        self.frames_in = source.frames;
        self.damaged_packets += source.damaged;
        self.undecodable_lead = source.undecodable_lead;
        self.clock_jumps = source.jumps;
        self.truncated = source.truncated;
        self.partial_pictures = source.partial;
        self.partial_bytes = source.partial_bytes;
        if let Some(images) = &mut self.images {
            (images.decoded, images.chosen, images.late) = (source.decoded, source.frames, late);
        }
        if let (Some(live), Some(continuity)) = (&mut self.source, source.continuity) {
            live.take(continuity);
        }
    }
}

fn seconds<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64(time.as_secs_f64())
}

/// What is fixed about a stream of frames.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StreamReport {
    pub format: &'static str,
    pub width: u32,
    pub height: u32,
    pub frame_rate: Option<String>,
    pub sample_aspect: String,
    pub color: ColorReport,
    #[serde(skip)]
    pub info: StreamInfo,
}

/// How colors are meant, as libav names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ColorReport {
    pub range: Option<String>,
    pub space: Option<String>,
    pub primaries: Option<String>,
    pub transfer: Option<String>,
}

impl From<&StreamInfo> for StreamReport {
    fn from(info: &StreamInfo) -> StreamReport {
        StreamReport {
            format: info.format.name(),
            width: info.width,
            height: info.height,
            frame_rate: info.frame_rate.map(|r| r.to_string()),
            sample_aspect: info.sample_aspect.to_string(),
            color: ColorReport {
                range: info.color.range.clone(),
                space: info.color.space.clone(),
                primaries: info.color.primaries.clone(),
                transfer: info.color.transfer.clone(),
            },
            info: info.clone(),
        }
    }
}

/// Time and frames of each part of a job.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Stages {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decode: Option<Reading>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read: Option<Reading>,
    pub convert: Reading,
    pub encode: Reading,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mux: Option<Reading>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publish: Option<Reading>,
}

/// How a source went that may be opened again.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LiveReport {
    pub stream: Option<StreamReport>,
    /// whether it is opened again
    pub endless: bool,
    pub reopened: u64,
    pub refused: u64,
    pub stalls: u64,
    pub losses: u64,
    /// seconds without frames
    pub outage: f64,
    pub lost: u64,
    pub trouble: Option<String>,
    pub broken: Option<String>,
    pub damaged: u64,
    pub clock_jumps: u64,
}

impl LiveReport {
    fn take(&mut self, source: Continuity) {
        self.reopened = source.reopened;
        self.refused = source.refused;
        self.stalls = source.stalls;
        self.losses = source.losses;
        self.outage = source.outage as f64 / 1e9;
        self.lost = source.lost;
        self.trouble = source.trouble;
        self.broken = source.broken;
        self.damaged = source.damaged;
        self.clock_jumps = source.jumps;
    }
}

/// One plugin's part.
#[derive(Clone, Debug, Serialize)]
pub struct PluginReport {
    pub name: String,
    pub version: String,
    pub sha256: String,
    #[serde(flatten)]
    pub reading: Reading,
    /// frames that passed unchanged because it failed
    pub bypassed: u64,
    pub failures: u64,
    /// frames that it kept when the stream had ended, and that are lost
    pub held_at_end: u64,
    /// whether not all came out of it that was to come
    #[serde(skip)]
    pub incomplete: bool,
}

impl PluginReport {
    pub(crate) fn new(supervisor: &Supervisor, reading: Reading) -> PluginReport {
        let plugin = supervisor.plugin();
        PluginReport {
            name: plugin.name().to_owned(),
            version: plugin.description.version.clone(),
            sha256: plugin.digest.clone(),
            reading,
            bypassed: supervisor.bypassed(),
            failures: supervisor.failures(),
            held_at_end: supervisor.held_at_end(),
            incomplete: supervisor.is_incomplete(),
        }
    }
}
