//! The streams of the output: which there are, by which clock they go, and how the units of H.264
//! and HEVC are written.

use std::sync::Arc;

use super::error::JoinError;
use super::nal::{Framing, Setup, UnitCodec};
use super::plan::{Action, Plan, Planned, Track, Units};
use super::{clock, missing};
use filmgate_av::{
    MediaError, MediaErrorKind, Muxer, Shape, StreamKind, is_told_by_order, way_out,
};
use filmgate_core::frame::Rational;

/// Decides on the tracks of a plan. `first`: the place of the segment that all others are measured
/// by. `drop_audio`: audio gets no track.
///
/// # Errors
/// Media of kind Unsupported where the container cannot hold the video or the audio.
pub(super) fn decide(plan: &mut Plan, first: usize, drop_audio: bool) -> Result<(), JoinError> {
    find(plan, first, drop_audio)?;
    missing::note(plan, first, drop_audio);
    clocks(plan);
    units(plan);
    Ok(())
}

/// The tracks: the first segment's, and what others have besides and the container can hold.
fn find(plan: &mut Plan, first: usize, drop_audio: bool) -> Result<(), JoinError> {
    let mut tracks: Vec<Track> = Vec::new();
    let order: Vec<usize> =
        std::iter::once(first).chain(plan.joined().map(|(place, _)| place)).collect();
    let mut seen = vec![false; plan.segments.len()];
    for place in order {
        if std::mem::replace(&mut seen[place], true) {
            continue;
        }
        for shape in plan.segments[place].shapes.iter() {
            let facts = &shape.facts;
            let known =
                |t: &Track| number_for(plan, t, &plan.segments[place].shapes) == Some(facts.index);
            if tracks.iter().any(known) || (drop_audio && facts.kind == StreamKind::Audio) {
                continue;
            }
            let film = is_film(shape);
            // Video that begins in a later segment has no start.
            if film && place != first {
                continue;
            }
            if !Muxer::holds(&plan.format, shape) {
                if film || facts.kind == StreamKind::Audio {
                    return Err(refused(plan, place, shape).into());
                }
                continue;
            }
            // AVI has decoding times only (see `display.rs`).
            if film && plan.format == "avi" && shape.reorders && !is_told_by_order(&facts.codec) {
                return Err(unordered(plan, place, shape).into());
            }
            tracks.push(Track {
                kind: facts.kind,
                cover: facts.attached_picture,
                codec: facts.codec.clone(),
                model: (place, facts.index),
                clock: facts.time_base,
                units: Units::Keep,
                in_band: false,
                whole: true,
            });
        }
    }
    for place in 0..plan.segments.len() {
        let shapes = Arc::clone(&plan.segments[place].shapes);
        plan.segments[place].streams =
            tracks.iter().map(|t| stream_for(plan, t, &shapes)).collect();
    }
    covers_once(plan, &tracks);
    plan.tracks = tracks;
    Ok(())
}

pub(super) fn is_film(shape: &Shape) -> bool {
    shape.facts.kind == StreamKind::Video && !shape.facts.attached_picture
}

/// Film and audio are not left out unasked.
fn refused(plan: &Plan, place: usize, shape: &Shape) -> MediaError {
    let (facts, format) = (&shape.facts, &plan.format);
    let segment = &plan.segments[place];
    let of_film = |s: &&Shape| is_film(s) || s.facts.kind == StreamKind::Audio;
    let container = match &*way_out(segment.shapes.iter().filter(of_film)) {
        "" => "choose another container".to_owned(),
        some => format!("choose a container that holds it ({some})"),
    };
    let drop = match facts.kind {
        StreamKind::Audio => ", or leave all audio out with --drop-audio",
        _ => "",
    };
    let (path, kind) = (segment.segment.path.display(), facts.kind.name());
    let (number, codec) = (facts.index, &facts.codec);
    let message = format!(
        "{path}, stream {number}: the container \"{format}\" cannot hold {kind} ({codec}); {container}{drop}"
    );
    MediaError { kind: MediaErrorKind::Unsupported, message }
}

/// Reordered frames of a codec whose order AVI cannot tell.
fn unordered(plan: &Plan, place: usize, shape: &Shape) -> MediaError {
    let (path, facts) = (plan.segments[place].segment.path.display(), &shape.facts);
    let message = format!(
        "{path}, stream {}: the container \"{}\" cannot hold the display times of reordered frames \
         (B-frames) of {}; choose a container that can (.mkv or .mp4)",
        facts.index, plan.format, facts.codec
    );
    MediaError { kind: MediaErrorKind::Unsupported, message }
}

/// How many streams of its kind stand before a stream.
fn number_of_kind(shapes: &[Shape], stream: usize) -> usize {
    let of = |s: &Shape| (s.facts.kind, s.facts.attached_picture);
    let kind = shapes.get(stream).map(of);
    shapes.iter().take(stream).filter(|s| Some(of(s)) == kind).count()
}

/// The stream that stands where a track's model stands among those of its kind. Files that are
/// attached stand for themselves: the one with the same content.
fn number_for(plan: &Plan, track: &Track, shapes: &[Shape]) -> Option<usize> {
    let models = &plan.segments[track.model.0].shapes;
    let mut alike = shapes
        .iter()
        .filter(|s| (s.facts.kind, s.facts.attached_picture) == (track.kind, track.cover));
    let found = match (track.kind, models.get(track.model.1)) {
        (StreamKind::Attachment, Some(model)) => alike.find(|s| {
            Arc::ptr_eq(&s.extradata, &model.extradata) || s.extradata == model.extradata
        }),
        _ => alike.nth(number_of_kind(models, track.model.1)),
    };
    found.map(|s| s.facts.index)
}

fn stream_for(plan: &Plan, track: &Track, shapes: &[Shape]) -> Option<usize> {
    let stream = number_for(plan, track, shapes)?;
    // What is re-encoded may have been anything.
    let any = matches!(track.kind, StreamKind::Video | StreamKind::Audio) && !track.cover;
    let model = plan.segments[track.model.0].shapes.get(track.model.1)?;
    let shape = shapes.get(stream)?;
    let alike = shape.facts.codec == model.facts.codec
        && (track.kind != StreamKind::Data || shape.tag == model.tag);
    (any || alike).then_some(stream)
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
            (StreamKind::Video, _)
                if let Some(clock) = frame_clock(&plan.format, &shapes[model.1]) =>
            {
                clock
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

/// The clock of video in AVI, which has no timestamps: the frames are counted. In a finer clock libav
/// would write empty frames for the ticks between two frames (`avienc.c`, write_skip_frames).
pub(super) fn frame_clock(format: &str, shape: &Shape) -> Option<Rational> {
    let rate = shape.facts.frame_rate.filter(|_| format == "avi")?;
    Some(Rational { num: rate.den, den: rate.num })
}

/// How the units of H.264 and HEVC are written.
fn units(plan: &mut Plan) {
    for number in 0..plan.tracks.len() {
        let Some(codec) = UnitCodec::of(&plan.tracks[number].codec) else { continue };
        if plan.tracks[number].cover {
            continue;
        }
        if plan.reencodes_video && plan.leader() == Some(number) {
            plan.tracks[number].whole = false;
            continue;
        }
        let is_odd = |p: &Planned| {
            !plan.reencodes_video && matches!(p.action, Action::Reencode { video: true, .. })
        };
        let read = |p: &Planned| {
            let stream = p.streams.get(number).copied().flatten()?;
            Setup::read(codec, &p.shapes.get(stream)?.extradata)
        };
        let model = plan.tracks[number].model.0;
        let Some(first) = read(&plan.segments[model]) else { continue };
        let copied: Vec<Setup> =
            plan.joined().filter(|(_, p)| !is_odd(p)).filter_map(|(_, p)| read(p)).collect();
        let reencoded = plan.joined().any(|(_, p)| is_odd(p));
        let differ = reencoded || copied.iter().any(|s| s.sets != first.sets);
        let framed_alike = !reencoded && copied.iter().all(|s| s.framing == first.framing);
        let lengths = copied.iter().all(|s| matches!(s.framing, Framing::Length(_)));
        let track = &mut plan.tracks[number];
        track.in_band = differ;
        track.units = match (&*plan.format, first.framing) {
            ("mpegts" | "avi", Framing::StartCodes) if framed_alike && !differ => Units::Keep,
            ("mpegts" | "avi", _) => Units::Rewrite { to: Framing::StartCodes, sets: true },
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
