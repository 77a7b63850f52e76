//! What is to be done with each segment, and what tracks the output has: decided before anything
//! is written, from what was found out about the segments in their order.

use std::collections::HashMap;
use std::sync::Arc;

use super::compare::{self, Difference, Weight};
use super::display::Display;
use super::error::JoinError;
use super::nal::Framing;
use super::segment::{Bad, Segment, look_closely};
use super::tracks;
use filmgate_av::{Shape, StreamKind};
use filmgate_core::cancel::Cancel;
use filmgate_core::frame::Rational;

/// What segments that do not fit lead to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Handling {
    /// leave out what cannot be read or does not fit
    pub skip_bad: bool,
    /// re-encode what does not fit
    pub reencode_odd: bool,
    /// re-encode all video, because it goes through plugins
    pub reencode_all: bool,
    /// leave out all audio
    pub drop_audio: bool,
}

/// What is done with a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// every packet as it is
    Copy,
    /// these kinds of it are decoded and encoded to what the first segment is like
    Reencode { video: bool, audio: bool },
    /// it is not in the output, for this reason
    LeaveOut(String),
}

/// A segment in its place.
#[derive(Clone, Debug)]
pub struct Planned {
    pub segment: Segment,
    /// all that is known of its streams
    pub shapes: Arc<[Shape]>,
    pub differences: Vec<Difference>,
    pub action: Action,
    /// for each track, the stream that goes into it
    pub streams: Vec<Option<usize>>,
    /// its streams that are not in the output
    pub missing: Vec<Missing>,
}

/// A stream that is not in the output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// `audio (pcm_s16be)`
    pub what: String,
    pub reason: String,
}

/// How the units of a track of H.264 or HEVC are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Units {
    /// the packets are not touched
    Keep,
    /// units get another framing where it differs, and parameter sets before every keyframe if
    /// `sets` is set
    Rewrite { to: Framing, sets: bool },
}

/// A stream of the output.
#[derive(Clone, Debug)]
pub struct Track {
    pub kind: StreamKind,
    pub cover: bool,
    pub codec: String,
    /// the segment, by its place, and the stream that it is made like
    pub model: (usize, usize),
    /// of its packets on their way into the muxer
    pub clock: Rational,
    pub units: Units,
    /// parameter sets stand before key frames because they differ
    pub in_band: bool,
    /// packets stand in the output as in the source, to the last byte
    pub whole: bool,
}

/// All that was decided.
#[derive(Debug)]
pub struct Plan {
    /// libav's name of the container
    pub format: String,
    pub segments: Vec<Planned>,
    pub tracks: Vec<Track>,
    /// streams that are not in the output, with the reason
    pub left_out: Vec<String>,
    /// files that are no segments, with the reason
    pub bad: Vec<Bad>,
    /// all video is re-encoded, because it goes through plugins
    pub reencodes_video: bool,
}

impl Plan {
    /// The segments that are in the output, with their places.
    pub fn joined(&self) -> impl Iterator<Item = (usize, &Planned)> {
        let there = |(_, p): &(usize, &Planned)| !matches!(p.action, Action::LeaveOut(_));
        self.segments.iter().enumerate().filter(there)
    }

    /// The track that is the reference of times: the video, or audio if there is no video.
    pub fn leader(&self) -> Option<usize> {
        let of = |kind| self.tracks.iter().position(|t| t.kind == kind && !t.cover);
        of(StreamKind::Video).or_else(|| of(StreamKind::Audio))
    }

    /// Whether anything that was given is not in the output.
    pub fn is_partial(&self) -> bool {
        !self.bad.is_empty()
            || self.segments.iter().any(|p| matches!(p.action, Action::LeaveOut(_)))
    }

    /// Segments that do not fit, and with which nothing was asked to be done.
    pub fn unfit(&self) -> impl Iterator<Item = (usize, &Planned)> {
        let fatal = |p: &Planned| p.differences.iter().any(|d| d.weight == Weight::Fatal);
        let unfit = move |(_, p): &(usize, &Planned)| p.action == Action::Copy && fatal(p);
        self.segments.iter().enumerate().filter(unfit)
    }

    pub fn reencodes(&self) -> bool {
        self.segments.iter().any(|p| matches!(p.action, Action::Reencode { .. }))
    }
}

/// Decides. `segments` are in their order.
///
/// # Errors
/// Media where a segment cannot be looked at closely, or the container cannot hold the first
/// segment's streams.
pub fn plan(
    segments: Vec<Segment>,
    bad: Vec<Bad>,
    format: &str,
    handling: Handling,
    cancel: &Cancel,
) -> Result<Plan, JoinError> {
    let mut close = ShapeCache::new(cancel);
    let mut planned: Vec<Planned> = Vec::with_capacity(segments.len());
    let mut first: Option<usize> = None;
    for segment in segments {
        let alike = first.and_then(|f| planned.get(f)).filter(|f| {
            f.segment.quick == segment.quick && Arc::ptr_eq(&f.segment.shapes, &segment.shapes)
        });
        let shapes = match alike {
            Some(first) => Arc::clone(&first.shapes),
            None => close.shapes(&segment)?,
        };
        let mut differences = match first.and_then(|f| planned.get(f)) {
            Some(first) => between(first, &segment, &shapes),
            None => alone(&segment),
        };
        if handling.drop_audio {
            differences.retain(|d| d.kind != StreamKind::Audio.name());
        }
        if handling.reencode_all {
            pictures_do_not_matter(&mut differences);
        }
        let action = action(&differences, handling, segment.of_kind(StreamKind::Video).next());
        let joined = !matches!(action, Action::LeaveOut(_));
        // The first that fits is the one that all others are measured by.
        let encoded = matches!(action, Action::Reencode { .. });
        let unfit =
            |d: &Difference| d.weight == Weight::Fatal && !(encoded && d.field == UNKNOWN_TIMES);
        let fits = !differences.iter().any(unfit);
        if first.is_none() && joined && fits {
            first = Some(planned.len());
        }
        let (streams, missing) = (Vec::new(), Vec::new());
        planned.push(Planned { segment, shapes, differences, action, streams, missing });
    }
    let Some(first) = first else {
        return Ok(Plan {
            format: format.to_owned(),
            segments: planned,
            tracks: Vec::new(),
            left_out: Vec::new(),
            bad,
            reencodes_video: handling.reencode_all,
        });
    };
    let mut plan = Plan {
        format: format.to_owned(),
        segments: planned,
        tracks: Vec::new(),
        left_out: Vec::new(),
        bad,
        reencodes_video: handling.reencode_all,
    };
    tracks::decide(&mut plan, first, handling.drop_audio)?;
    Ok(plan)
}

/// Looks inside each kind of segment once: where the parameter sets are the same, all else that
/// a look brings is, too.
struct ShapeCache<'a> {
    known: HashMap<*const Shape, Arc<[Shape]>>,
    cancel: &'a Cancel,
}

impl<'a> ShapeCache<'a> {
    fn new(cancel: &'a Cancel) -> ShapeCache<'a> {
        ShapeCache { known: HashMap::new(), cancel }
    }

    fn shapes(&mut self, segment: &Segment) -> Result<Arc<[Shape]>, JoinError> {
        if !segment.quick {
            return Ok(Arc::clone(&segment.shapes));
        }
        let key = segment.shapes.as_ptr();
        if let Some(known) = self.known.get(&key) {
            return Ok(Arc::clone(known));
        }
        let shapes: Arc<[Shape]> = look_closely(segment, self.cancel)?.into();
        self.known.insert(key, Arc::clone(&shapes));
        Ok(shapes)
    }
}

/// If all video is re-encoded, it may have been anything.
fn pictures_do_not_matter(differences: &mut [Difference]) {
    let of_pictures = |d: &&mut Difference| {
        d.kind == StreamKind::Video.name() && d.weight != Weight::Cosmetic && d.field != "stream"
    };
    for difference in differences.iter_mut().filter(of_pictures) {
        (difference.weight, difference.remedy) = (Weight::Repairable, "video is re-encoded");
    }
}

fn action(differences: &[Difference], handling: Handling, video: Option<usize>) -> Action {
    let fatal: Vec<&Difference> =
        differences.iter().filter(|d| d.weight == Weight::Fatal).collect();
    let of = |kind: StreamKind| fatal.iter().any(|d| d.kind == kind.name());
    let (odd_video, audio) = (of(StreamKind::Video), of(StreamKind::Audio));
    let film = handling.reencode_all && video.is_some();
    match fatal.first() {
        None if film => Action::Reencode { video: true, audio: false },
        None => Action::Copy,
        // Without video there is nothing to encode.
        Some(_) if handling.reencode_odd && video.is_some() => {
            Action::Reencode { video: film || odd_video, audio }
        }
        Some(difference) if handling.skip_bad => Action::LeaveOut(difference.text()),
        Some(_) => Action::Copy,
    }
}

/// The field of video whose container has no presentation timestamps.
const UNKNOWN_TIMES: &str = "display times";

fn fatal(field: &'static str, this: String, first: &str) -> Difference {
    let (kind, first) = (StreamKind::Video.name(), first.to_owned());
    Difference { kind, field, first, this, weight: Weight::Fatal, remedy: "" }
}

/// What of a segment does not fit, whatever precedes it.
fn alone(segment: &Segment) -> Vec<Difference> {
    let mut out = hidden(segment);
    if let Display::Unknown(why) = segment.display {
        out.push(fatal(UNKNOWN_TIMES, format!("unknown ({}: {why})", segment.format), ""));
    }
    out
}

/// Video whose first frames are hidden by its edit list: they are needed to decode the frames that
/// are shown, and would be shown themselves in the middle of a join.
fn hidden(segment: &Segment) -> Vec<Difference> {
    let film = segment.of_kind(StreamKind::Video).next();
    let index = film.and_then(|i| segment.own.get(i)).and_then(|own| own.index);
    let starts_whole = "a key frame";
    match index {
        Some(index) if index.hidden > 0 => {
            let this = format!(
                "inside a group of pictures, behind {} frames that its edit list hides",
                index.hidden
            );
            vec![fatal("start", this, starts_whole)]
        }
        Some(index) if !index.starts_with_key => {
            vec![fatal("start", "a frame that cannot be decoded by itself".into(), starts_whole)]
        }
        _ => Vec::new(),
    }
}

/// All differences of a segment from the first.
fn between(first: &Planned, segment: &Segment, shapes: &[Shape]) -> Vec<Difference> {
    let mut out = alone(segment);
    let note = |kind: StreamKind, field, first: String, this: String, weight, remedy| Difference {
        kind: kind.name(),
        field,
        first,
        this,
        weight,
        remedy,
    };
    for kind in [StreamKind::Video, StreamKind::Audio] {
        let ours: Vec<usize> = first.segment.of_kind(kind).collect();
        let theirs: Vec<usize> = segment.of_kind(kind).collect();
        for (place, &stream) in ours.iter().enumerate() {
            match theirs.get(place) {
                Some(&other) => {
                    out.extend(compare::differences(&first.shapes[stream], &shapes[other]));
                }
                None => {
                    let codec = first.shapes[stream].facts.codec.clone();
                    let (weight, remedy) = match kind {
                        StreamKind::Audio => (Weight::Repairable, "silence is added"),
                        _ => (Weight::Fatal, ""),
                    };
                    out.push(note(kind, "stream", codec, "none".into(), weight, remedy));
                }
            }
        }
        for &other in theirs.iter().skip(ours.len()) {
            let codec = shapes[other].facts.codec.clone();
            let (weight, remedy) = match kind {
                StreamKind::Audio => (Weight::Repairable, "silence is added before it"),
                _ => (Weight::Cosmetic, "it is left out"),
            };
            out.push(note(kind, "stream", "none".into(), codec, weight, remedy));
        }
    }
    let order = |shapes: &[Shape]| {
        let main = |s: &&Shape| {
            matches!(s.facts.kind, StreamKind::Video | StreamKind::Audio)
                && !s.facts.attached_picture
        };
        let names: Vec<&str> = shapes.iter().filter(main).map(|s| s.facts.kind.name()).collect();
        names.join(", ")
    };
    let (ours, theirs) = (order(&first.shapes), order(shapes));
    let counts = |text: &str| text.matches("video").count() + text.matches("audio").count();
    if ours != theirs && counts(&ours) == counts(&theirs) {
        let remedy = "streams are matched by their kind";
        out.push(note(StreamKind::Video, "stream order", ours, theirs, Weight::Repairable, remedy));
    }
    out
}
