//! What is to be done with each segment, and what tracks the output has: decided before anything
//! is written, from what was found out about the segments in their order.

use std::collections::HashMap;
use std::sync::Arc;

use super::clock;
use super::compare::{self, Difference, Weight};
use super::error::JoinError;
use super::nal::{Framing, Setup, UnitCodec};
use super::segment::{Bad, Segment, look_closely};
use crate::cancel::Cancel;
use crate::frame::Rational;
use crate::media::{Muxer, Shape, StreamKind};

/// What segments that do not fit lead to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ways {
    /// leave out what cannot be read or does not fit
    pub skip_bad: bool,
    /// encode anew what does not fit
    pub reencode_odd: bool,
    /// encode all pictures anew, for the plugins that they go through
    pub reencode_all: bool,
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
}

/// How the units of a track of H.264 or HEVC are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Units {
    /// the packets are not touched
    Keep,
    /// framed anew where they are framed otherwise, and with their parameter sets before every
    /// key frame where `sets` says so
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
}

impl Plan {
    /// The segments that are in the output, with their places.
    pub fn joined(&self) -> impl Iterator<Item = (usize, &Planned)> {
        let there = |(_, p): &(usize, &Planned)| !matches!(p.action, Action::LeaveOut(_));
        self.segments.iter().enumerate().filter(there)
    }

    /// The track that times are counted by: the film, or the sound where there is none.
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
    ways: Ways,
    cancel: &Cancel,
) -> Result<Plan, JoinError> {
    let mut close = Close::new(cancel);
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
        let differences = match first.and_then(|f| planned.get(f)) {
            Some(first) => between(first, &segment, &shapes),
            None => hidden(&segment),
        };
        let action = action(&differences, ways, segment.of_kind(StreamKind::Video).next());
        let joined = !matches!(action, Action::LeaveOut(_));
        // The first that fits is the one that all others are measured by.
        let fits = !differences.iter().any(|d| d.weight == Weight::Fatal);
        if first.is_none() && joined && fits {
            first = Some(planned.len());
        }
        planned.push(Planned { segment, shapes, differences, action, streams: Vec::new() });
    }
    let Some(first) = first else {
        return Ok(Plan {
            format: format.to_owned(),
            segments: planned,
            tracks: Vec::new(),
            left_out: Vec::new(),
            bad,
        });
    };
    let mut plan = Plan {
        format: format.to_owned(),
        segments: planned,
        tracks: Vec::new(),
        left_out: Vec::new(),
        bad,
    };
    tracks(&mut plan, first);
    clocks(&mut plan);
    units(&mut plan);
    Ok(plan)
}

/// Looks inside each kind of segment once: where the parameter sets are the same, all else that
/// a look brings is, too.
struct Close<'a> {
    known: HashMap<*const Shape, Arc<[Shape]>>,
    cancel: &'a Cancel,
}

impl<'a> Close<'a> {
    fn new(cancel: &'a Cancel) -> Close<'a> {
        Close { known: HashMap::new(), cancel }
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

fn action(differences: &[Difference], ways: Ways, video: Option<usize>) -> Action {
    let fatal: Vec<&Difference> =
        differences.iter().filter(|d| d.weight == Weight::Fatal).collect();
    let of = |kind: StreamKind| fatal.iter().any(|d| d.kind == kind.name());
    let (odd_video, audio) = (of(StreamKind::Video), of(StreamKind::Audio));
    if ways.reencode_all && video.is_some() {
        return Action::Reencode { video: true, audio };
    }
    match fatal.first() {
        None => Action::Copy,
        // Without a film there is nothing to encode.
        Some(_) if ways.reencode_odd && video.is_some() => {
            Action::Reencode { video: odd_video, audio }
        }
        Some(difference) if ways.skip_bad => Action::LeaveOut(difference.text()),
        Some(_) => Action::Copy,
    }
}

/// A film whose first pictures are hidden by its edit list: they are needed to decode the ones
/// that are shown, and would be shown in the middle of a join.
fn hidden(segment: &Segment) -> Vec<Difference> {
    let film = segment.of_kind(StreamKind::Video).next();
    let index = film.and_then(|i| segment.own.get(i)).and_then(|own| own.index);
    let fatal = |field, this: String, first: &str| Difference {
        kind: StreamKind::Video.name(),
        field,
        first: first.to_owned(),
        this,
        weight: Weight::Fatal,
        remedy: "",
    };
    let starts_whole = "a key frame";
    match index {
        Some(index) if index.hidden > 0 => {
            let this = format!(
                "inside a group of pictures, behind {} that its edit list hides",
                index.hidden
            );
            vec![fatal("start", this, starts_whole)]
        }
        Some(index) if !index.starts_with_key => {
            vec![fatal("start", "a picture that cannot be decoded by itself".into(), starts_whole)]
        }
        _ => Vec::new(),
    }
}

/// All differences of a segment from the first.
fn between(first: &Planned, segment: &Segment, shapes: &[Shape]) -> Vec<Difference> {
    let mut out = hidden(segment);
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
                        StreamKind::Audio => (Weight::Repairable, "silence goes there"),
                        _ => (Weight::Fatal, ""),
                    };
                    out.push(note(kind, "stream", codec, "none".into(), weight, remedy));
                }
            }
        }
        for &other in theirs.iter().skip(ours.len()) {
            let codec = shapes[other].facts.codec.clone();
            let (weight, remedy) = match kind {
                StreamKind::Audio => (Weight::Repairable, "silence goes before it"),
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

/// The tracks: the first segment's, and what others have besides and the container can hold.
fn tracks(plan: &mut Plan, first: usize) {
    let mut tracks: Vec<Track> = Vec::new();
    let mut left_out: Vec<String> = Vec::new();
    let order: Vec<usize> =
        std::iter::once(first).chain(plan.joined().map(|(place, _)| place)).collect();
    let mut seen = vec![false; plan.segments.len()];
    for place in order {
        if std::mem::replace(&mut seen[place], true) {
            continue;
        }
        let planned = &plan.segments[place];
        for shape in planned.shapes.iter() {
            let facts = &shape.facts;
            let number = number_of_kind(&planned.shapes, facts.index);
            let known = tracks
                .iter()
                .filter(|t| (t.kind, t.cover) == (facts.kind, facts.attached_picture))
                .count();
            let film = facts.kind == StreamKind::Video && !facts.attached_picture;
            if number < known {
                continue;
            }
            let reason = match facts.kind {
                // A film that comes later has no beginning.
                _ if film && place != first => Some("the first segment has no such stream"),
                StreamKind::Data | StreamKind::Attachment => {
                    Some("data of its own container's kind")
                }
                _ if !Muxer::holds(&plan.format, &facts.codec) => {
                    Some("the container cannot hold it")
                }
                // Which would be wrong for all segments but its own.
                _ => None,
            };
            match reason {
                None => tracks.push(Track {
                    kind: facts.kind,
                    cover: facts.attached_picture,
                    codec: facts.codec.clone(),
                    model: (place, facts.index),
                    clock: facts.time_base,
                    units: Units::Keep,
                    in_band: false,
                    whole: true,
                }),
                Some(_) if film && place == first => tracks.push(Track {
                    kind: facts.kind,
                    cover: false,
                    codec: facts.codec.clone(),
                    model: (place, facts.index),
                    clock: facts.time_base,
                    units: Units::Keep,
                    in_band: false,
                    whole: true,
                }),
                Some(reason) => {
                    let name = planned.segment.name.display();
                    let codec = if facts.codec == "none" { "unknown" } else { &facts.codec };
                    let kind = facts.kind.name();
                    left_out.push(format!("{name}: {kind} ({codec}): {reason}"));
                }
            }
        }
    }
    for planned in &mut plan.segments {
        planned.streams = tracks.iter().map(|t| stream_for(t, &tracks, &planned.shapes)).collect();
        // Segments that need not fit are not looked at.
    }
    covers_once(plan, &mut tracks);
    plan.tracks = tracks;
    plan.left_out = left_out;
}

/// How many streams of its kind stand before a stream.
fn number_of_kind(shapes: &[Shape], stream: usize) -> usize {
    let of = |s: &Shape| (s.facts.kind, s.facts.attached_picture);
    let kind = shapes.get(stream).map(of);
    shapes.iter().take(stream).filter(|s| Some(of(s)) == kind).count()
}

fn stream_for(track: &Track, tracks: &[Track], shapes: &[Shape]) -> Option<usize> {
    let before = tracks.iter().take_while(|t| !std::ptr::eq(*t, track));
    let number = before.filter(|t| (t.kind, t.cover) == (track.kind, track.cover)).count();
    let mut fitting = shapes
        .iter()
        .filter(|s| (s.facts.kind, s.facts.attached_picture) == (track.kind, track.cover));
    fitting.nth(number).filter(|s| s.facts.codec == track.codec).map(|s| s.facts.index).or_else(
        || {
            // What is encoded anew may have been anything.
            let film = matches!(track.kind, StreamKind::Video | StreamKind::Audio) && !track.cover;
            let mut fitting =
                shapes.iter().filter(|s| s.facts.kind == track.kind && !s.facts.attached_picture);
            if film { fitting.nth(number).map(|s| s.facts.index) } else { None }
        },
    )
}

/// A cover is one picture: the model's.
fn covers_once(plan: &mut Plan, tracks: &mut [Track]) {
    for (number, track) in tracks.iter().enumerate().filter(|(_, t)| t.cover) {
        for (place, planned) in plan.segments.iter_mut().enumerate() {
            if place != track.model.0
                && let Some(stream) = planned.streams.get_mut(number)
            {
                *stream = None;
            }
        }
    }
}

/// Clocks in which every time of every segment can be told without rounding.
fn clocks(plan: &mut Plan) {
    for number in 0..plan.tracks.len() {
        let model = plan.tracks[number].model;
        let shapes = &plan.segments[model.0].shapes;
        let rate = shapes[model.1].facts.audio.as_ref().map(|a| a.sample_rate);
        let clock = match (plan.tracks[number].kind, rate) {
            (StreamKind::Audio, Some(rate)) if rate > 0 => {
                Rational { num: 1, den: i32::try_from(rate).unwrap_or(i32::MAX) }
            }
            _ => {
                let own = |p: &Planned| {
                    let stream = p.streams.get(number).copied().flatten()?;
                    p.segment.own.get(stream).map(|o| o.time_base)
                };
                let bases = plan.joined().filter_map(|(_, p)| own(p)).collect::<Vec<_>>();
                clock::common(bases).unwrap_or(Rational { num: 1, den: 1_440_000 })
            }
        };
        plan.tracks[number].clock = clock;
    }
}

/// How the units of H.264 and HEVC are written.
fn units(plan: &mut Plan) {
    for number in 0..plan.tracks.len() {
        let Some(codec) = UnitCodec::of(&plan.tracks[number].codec) else { continue };
        if plan.tracks[number].cover {
            continue;
        }
        let read = |p: &Planned| {
            let stream = p.streams.get(number).copied().flatten()?;
            Setup::read(codec, &p.shapes.get(stream)?.extradata)
        };
        let model = plan.tracks[number].model.0;
        let Some(first) = read(&plan.segments[model]) else { continue };
        let copied: Vec<Setup> = plan
            .joined()
            .filter(|(_, p)| !matches!(p.action, Action::Reencode { video: true, .. }))
            .filter_map(|(_, p)| read(p))
            .collect();
        let reencoded =
            plan.joined().any(|(_, p)| matches!(p.action, Action::Reencode { video: true, .. }));
        let differ = reencoded || copied.iter().any(|s| s.sets != first.sets);
        let framed_alike = !reencoded && copied.iter().all(|s| s.framing == first.framing);
        let lengths = copied.iter().all(|s| matches!(s.framing, Framing::Length(_)));
        let track = &mut plan.tracks[number];
        track.in_band = differ;
        track.units = match (&*plan.format, first.framing) {
            ("mpegts", Framing::StartCodes) if framed_alike && !differ => Units::Keep,
            ("mpegts", _) => Units::Rewrite { to: Framing::StartCodes, sets: true },
            (_, _) if framed_alike && !differ => Units::Keep,
            (_, Framing::Length(_)) if lengths => {
                Units::Rewrite { to: first.framing, sets: differ }
            }
            _ => Units::Rewrite { to: Framing::StartCodes, sets: true },
        };
        // Start codes are the muxer's to change.
        track.whole = track.units == Units::Keep && matches!(first.framing, Framing::Length(_));
    }
}
