//! What a join is going to do and what it did, as data: for people, programs, receipts and exit
//! codes. The fields are documented in docs/json.md.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::compare::Difference;
use super::job::Done;
use super::plan::{Action, Plan};
use super::plugin_transcode::PluginTranscode;
use super::policy::Policy;
use super::proof::Proof;
use super::remove::Removed;
use super::settings::Gap;
use filmgate_plugin::{PluginRecord, Supervisor};

/// What the policies decided.
pub(super) struct Arranged {
    /// why each segment is in its place
    pub(super) reasons: Vec<String>,
    pub(super) output: PathBuf,
    /// libav's name of the container
    pub(super) format: String,
    pub(super) ordering: Policy,
    pub(super) naming: Option<Policy>,
}

/// The plan of a join, and once it is done, its result.
#[derive(Clone, Debug, Serialize)]
pub struct JoinReport {
    pub output: String,
    /// libav's name of the container
    pub format: String,
    pub ordering: PluginRecord,
    pub naming: Option<PluginRecord>,
    pub gap: Gap,
    /// in their order
    pub segments: Vec<SegmentReport>,
    pub tracks: Vec<TrackReport>,
    /// files that are not segments
    pub bad: Vec<BadReport>,
    /// streams that are not in the output, with the reason
    pub left_out: Vec<String>,
    /// with plugins
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video: Option<VideoReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugins: Option<Vec<PluginReport>>,
    /// once it is done
    #[serde(flatten)]
    pub result: Option<ResultReport>,
    /// with `check_decode`: segments that cannot be decoded without errors
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damaged: Option<Vec<DamagedReport>>,
    /// with `delete_sources`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_removed: Option<Vec<KeptReport>>,
    /// the policies as they were asked for
    #[serde(skip)]
    pub order_text: String,
    #[serde(skip)]
    pub name_text: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct SegmentReport {
    pub path: String,
    /// of its place
    pub reason: Option<String>,
    /// bytes
    pub size: u64,
    pub format: String,
    /// seconds
    pub duration: Option<f64>,
    pub start: f64,
    pub differences: Vec<Difference>,
    #[serde(flatten)]
    pub action: ActionReport,
    /// seconds: where it begins in the output
    pub at: Option<f64>,
}

/// What is done with a segment.
#[derive(Clone, Debug, Serialize)]
pub struct ActionReport {
    pub action: &'static str,
    pub why: Option<String>,
    #[serde(skip)]
    pub reencodes_video: bool,
    #[serde(skip)]
    pub reencodes_audio: bool,
}

impl From<&Action> for ActionReport {
    fn from(action: &Action) -> ActionReport {
        let (name, why, video, audio) = match action {
            Action::Copy => ("copy", None, false, false),
            Action::Reencode { video, audio } => ("reencode", None, *video, *audio),
            Action::LeaveOut(why) => ("leave-out", Some(why.clone()), false, false),
        };
        ActionReport { action: name, why, reencodes_video: video, reencodes_audio: audio }
    }
}

impl ActionReport {
    pub fn leaves_out(&self) -> bool {
        self.why.is_some()
    }

    pub fn reencodes(&self) -> bool {
        self.reencodes_video || self.reencodes_audio
    }
}

#[derive(Clone, Debug, Serialize)]
pub struct TrackReport {
    pub kind: &'static str,
    pub codec: String,
    pub cover: bool,
    pub parameter_sets_in_band: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct BadReport {
    pub path: String,
    pub why: String,
}

/// The video of the output, where plugins are the reason to re-encode it.
#[derive(Clone, Debug, Serialize)]
pub struct VideoReport {
    pub action: &'static str,
    pub why: &'static str,
    pub encoder: String,
    pub width: u32,
    pub height: u32,
    pub pixel_format: &'static str,
    pub conversions: Vec<String>,
    #[serde(flatten)]
    pub frames: Option<FramesReport>,
    /// its number among the tracks
    #[serde(skip)]
    pub track: usize,
}

#[derive(Clone, Debug, Serialize)]
pub struct FramesReport {
    /// of the sources
    pub decoded: u64,
    /// in the output
    pub encoded: u64,
    pub damaged_packets: u64,
}

#[derive(Clone, Debug, Serialize)]
pub struct PluginReport {
    #[serde(flatten)]
    pub plugin: PluginRecord,
    #[serde(flatten)]
    pub work: Option<WorkReport>,
}

/// What a plugin did.
#[derive(Clone, Debug, Serialize)]
pub struct WorkReport {
    pub frames: u64,
    pub ms_a_frame: f64,
    pub bypassed: u64,
    pub failures: u64,
    pub held_at_end: u64,
    /// whether not all came out of it that was to come
    #[serde(skip)]
    pub is_incomplete: bool,
}

/// What was written.
#[derive(Clone, Debug, Serialize)]
pub struct ResultReport {
    /// of the output
    pub bytes: u64,
    /// seconds
    pub duration: f64,
    pub notes: Vec<String>,
    /// decoding timestamps that were moved so that they rise
    pub retimed: u64,
    /// timestamp discontinuities within segments that were removed
    pub clock_jumps: u64,
    pub proof: Option<Proof>,
    #[serde(skip)]
    pub loses_alpha: bool,
    /// packets of re-encoded video that could not be decoded
    pub damaged_packets: u64,
    pub joining_seconds: f64,
    pub proving_seconds: f64,
}

#[derive(Clone, Debug, Serialize)]
pub struct DamagedReport {
    pub path: String,
    pub faults: u64,
}

/// A source that was not removed.
#[derive(Clone, Debug, Serialize)]
pub struct KeptReport {
    pub path: String,
    pub why: String,
}

impl JoinReport {
    /// The plan, and the result of what was `done`.
    pub(super) fn new(
        plan: &Plan,
        arranged: &Arranged,
        gap: Gap,
        transcode: Option<&PluginTranscode>,
        done: Option<&Done>,
    ) -> JoinReport {
        let segment = |(place, planned): (usize, &super::plan::Planned)| {
            let segment = &planned.segment;
            let seam = done.and_then(|d| d.written.seams.iter().find(|s| s.place == place));
            SegmentReport {
                path: text(&segment.path),
                reason: arranged.reasons.get(place).cloned(),
                size: segment.identity.size,
                format: segment.format.to_string(),
                duration: segment.duration.map(seconds),
                start: seconds(segment.start),
                differences: planned.differences.clone(),
                action: (&planned.action).into(),
                at: seam.map(|s| seconds(s.at)),
            }
        };
        let track = |t: &super::plan::Track| TrackReport {
            kind: t.kind.name(),
            codec: t.codec.clone(),
            cover: t.cover,
            parameter_sets_in_band: t.in_band,
        };
        let bad = |b: &super::segment::Bad| BadReport {
            path: text(&b.candidate.path),
            why: b.error.to_string(),
        };
        JoinReport {
            output: text(&arranged.output),
            format: plan.format.clone(),
            ordering: arranged.ordering.record.clone(),
            naming: arranged.naming.as_ref().map(|n| n.record.clone()),
            gap,
            segments: plan.segments.iter().enumerate().map(segment).collect(),
            tracks: plan.tracks.iter().map(track).collect(),
            bad: plan.bad.iter().map(bad).collect(),
            left_out: plan.left_out.clone(),
            video: transcode.map(|t| VideoReport::new(t, done)),
            plugins: transcode.map(|t| plugins(t, done.is_some())),
            result: done.map(ResultReport::new),
            damaged: None,
            removed: None,
            not_removed: None,
            order_text: arranged.ordering.text.clone(),
            name_text: arranged.naming.as_ref().map(|n| n.text.clone()),
        }
    }

    /// Whether anything that was given is not in the output as it was asked for, or a source that
    /// was to be removed is still there.
    pub fn is_partial(&self) -> bool {
        !self.bad.is_empty()
            || self.segments.iter().any(|s| s.action.leaves_out())
            || self.is_spoilt()
            || self.result.as_ref().is_some_and(|r| r.loses_alpha)
            || self.damaged.as_ref().is_some_and(|d| !d.is_empty())
            || self.not_removed.as_ref().is_some_and(|n| !n.is_empty())
    }

    /// Whether frames are missing from the output, or passed a failed plugin.
    pub fn is_spoilt(&self) -> bool {
        self.damaged_packets() > 0 || self.work().any(|work| work.is_incomplete)
    }

    /// Packets of re-encoded video that could not be decoded.
    pub fn damaged_packets(&self) -> u64 {
        self.result.as_ref().map_or(0, |r| r.damaged_packets)
    }

    /// Frames that passed a failed plugin unchanged.
    pub fn bypassed(&self) -> u64 {
        self.work().map(|work| work.bypassed).sum()
    }

    fn work(&self) -> impl Iterator<Item = &WorkReport> {
        self.plugins.iter().flatten().filter_map(|p| p.work.as_ref())
    }

    pub(super) fn set_removed(&mut self, removed: Removed) {
        let kept = |(path, why): (PathBuf, String)| KeptReport { path: text(&path), why };
        self.removed = Some(removed.removed.iter().map(|p| text(p)).collect());
        self.not_removed = Some(removed.kept.into_iter().map(kept).collect());
    }
}

impl VideoReport {
    fn new(transcode: &PluginTranscode, done: Option<&Done>) -> VideoReport {
        let info = &transcode.chain.output;
        VideoReport {
            action: "reencode",
            why: "for the plugins",
            encoder: transcode.encoder_name().to_owned(),
            width: info.width,
            height: info.height,
            pixel_format: info.format.name(),
            conversions: transcode.chain.notes.clone(),
            frames: done.map(|done| FramesReport {
                decoded: done.written.frames.decoded,
                encoded: done.written.frames.encoded,
                damaged_packets: done.written.frames.damaged,
            }),
            track: transcode.track,
        }
    }
}

fn plugins(transcode: &PluginTranscode, is_done: bool) -> Vec<PluginReport> {
    let all = transcode.plugins.iter().zip(&transcode.chain.filter_meters);
    all.map(|(supervisor, meter)| {
        let supervisor: &Supervisor = supervisor;
        let reading = meter.reading();
        let work = is_done.then(|| WorkReport {
            frames: reading.frames,
            ms_a_frame: reading.ms_a_frame(),
            bypassed: supervisor.bypassed(),
            failures: supervisor.failures(),
            held_at_end: supervisor.held_at_end(),
            is_incomplete: supervisor.is_incomplete(),
        });
        PluginReport { plugin: PluginRecord::supervised(supervisor), work }
    })
    .collect()
}

impl ResultReport {
    fn new(done: &Done) -> ResultReport {
        ResultReport {
            bytes: done.size,
            duration: seconds(done.written.duration),
            notes: done.written.notes.clone(),
            retimed: done.written.retimed,
            clock_jumps: done.written.jumps,
            proof: done.proof.clone(),
            loses_alpha: done.written.loses_alpha,
            damaged_packets: done.written.frames.damaged,
            joining_seconds: done.joining.as_secs_f64(),
            proving_seconds: done.proving.as_secs_f64(),
        }
    }
}

fn seconds(nanoseconds: i64) -> f64 {
    nanoseconds as f64 / 1e9
}

/// A path in JSON, whose strings are UTF-8: bytes that are not become U+FFFD.
fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
