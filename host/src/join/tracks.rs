//! The streams of the output: which there are, by which clock they go, and how the units of H.264
//! and HEVC are written.

use super::clock;
use super::nal::{Framing, Setup, UnitCodec};
use super::plan::{Action, Plan, Planned, Track, Units};
use crate::frame::Rational;
use crate::media::{Muxer, Shape, StreamKind};

/// Decides on the tracks of a plan. `first`: the place of the segment that all others are measured
/// by.
pub(super) fn decide(plan: &mut Plan, first: usize) {
    find(plan, first);
    clocks(plan);
    units(plan);
}

/// The tracks: the first segment's, and what others have besides and the container can hold.
fn find(plan: &mut Plan, first: usize) {
    let (mut tracks, mut left_out): (Vec<Track>, Vec<String>) = (Vec::new(), Vec::new());
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
            let of_kind = (facts.kind, facts.attached_picture);
            let known = tracks.iter().filter(|t| (t.kind, t.cover) == of_kind).count();
            if number_of_kind(&planned.shapes, facts.index) < known {
                continue;
            }
            match not_kept(plan, shape, place == first) {
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
    }
    covers_once(plan, &tracks);
    plan.tracks = tracks;
    plan.left_out = left_out;
}

/// Why a stream gets no track; the film of the first segment always does, and what the container
/// cannot hold of it is an error of the muxer's.
fn not_kept(plan: &Plan, shape: &Shape, first: bool) -> Option<&'static str> {
    let facts = &shape.facts;
    let film = facts.kind == StreamKind::Video && !facts.attached_picture;
    match facts.kind {
        _ if film && first => None,
        // A film that comes later has no beginning.
        _ if film => Some("the first segment has no such stream"),
        StreamKind::Data | StreamKind::Attachment => Some("data of its own container's kind"),
        _ if !Muxer::holds(&plan.format, &facts.codec) => Some("the container cannot hold it"),
        _ => None,
    }
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
fn covers_once(plan: &mut Plan, tracks: &[Track]) {
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
        if plan.anew && plan.leader() == Some(number) {
            plan.tracks[number].whole = false;
            continue;
        }
        let anew =
            |p: &Planned| !plan.anew && matches!(p.action, Action::Reencode { video: true, .. });
        let read = |p: &Planned| {
            let stream = p.streams.get(number).copied().flatten()?;
            Setup::read(codec, &p.shapes.get(stream)?.extradata)
        };
        let model = plan.tracks[number].model.0;
        let Some(first) = read(&plan.segments[model]) else { continue };
        let copied: Vec<Setup> =
            plan.joined().filter(|(_, p)| !anew(p)).filter_map(|(_, p)| read(p)).collect();
        let reencoded = plan.joined().any(|(_, p)| anew(p));
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
