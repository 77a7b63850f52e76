//! The streams of each segment that are not in the output: every one has a reason, and a source of
//! which one is missing is not removed.

use super::plan::{Action, Missing, Plan};
use super::tracks::is_film;
use filmgate_av::{
    Beside, Muxer, Shape, StreamKind, holds_beside, holds_chapters, holds_language, holds_rotation,
    holds_tags, holds_timecode, text_tags,
};
use filmgate_core::words::counted;

/// Notes them in a plan whose tracks are known.
pub(super) fn note(plan: &mut Plan, first: usize, drop_audio: bool) {
    let all: Vec<Vec<Missing>> =
        (0..plan.segments.len()).map(|place| of(plan, place, place == first, drop_audio)).collect();
    plan.left_out = texts(plan, &all);
    for (planned, missing) in plan.segments.iter_mut().zip(all) {
        planned.missing = missing;
    }
}

fn of(plan: &Plan, place: usize, first: bool, drop_audio: bool) -> Vec<Missing> {
    let planned = &plan.segments[place];
    if matches!(planned.action, Action::LeaveOut(_)) {
        return Vec::new();
    }
    let covered = plan.tracks.iter().any(|t| t.cover);
    let chapters = planned.segment.chapters.len();
    let has_chapters = chapters > 0;
    let gone = |s: &&Shape| {
        let written = planned.streams.contains(&Some(s.facts.index));
        // All segments of a recorder have a cover, and a film has one.
        let cover = s.facts.attached_picture && covered;
        let tag = first && s.facts.is_timecode() && holds_timecode(&plan.format);
        // An mp4's chapters are a track of their own, too, and are carried as chapters.
        let titles = s.facts.codec == "bin_data" && s.facts.label() == "text" && has_chapters;
        !(written || cover || tag || titles)
    };
    let missing = |s: &Shape| Missing {
        what: format!("{} ({})", s.facts.kind.name(), s.facts.label()),
        reason: reason(plan, s, drop_audio).to_owned(),
    };
    let lost = has_chapters && !holds_late_chapters(&plan.format);
    let why = if holds_chapters(&plan.format) {
        // libav's ogg, nut and asf write them before the first packet.
        "the container holds them in front, and where segments lie is known at the end only"
    } else {
        "the container cannot hold them"
    };
    let lost = lost.then(|| Missing {
        what: counted(chapters as u64, "chapter"),
        reason: format!("{why}; .mkv and .mp4 keep them"),
    });
    let beside = beside(plan, place);
    planned.shapes.iter().filter(gone).map(missing).chain(lost).chain(beside).collect()
}

/// What stands beside the video of a segment and is not in the output.
fn beside(plan: &Plan, place: usize) -> impl Iterator<Item = Missing> {
    let planned = &plan.segments[place];
    let encodes = !matches!(planned.action, Action::Copy);
    let written = planned.shapes.iter().filter(|s| planned.streams.contains(&Some(s.facts.index)));
    let all = written.filter_map(|s| s.facts.video.as_ref()).flat_map(|v| &v.beside);
    let missing = move |beside: &&Beside| {
        let encoded = encodes && matches!(beside, Beside::DolbyVision { .. });
        encoded || !holds_beside(&plan.format, **beside)
    };
    let rotation = written_rotation(plan, place);
    let rotation = rotation.filter(|_| !holds_rotation(&plan.format)).map(|degrees| Missing {
        what: format!("the rotation by {degrees}°"),
        reason: "the container cannot hold it; .mp4 and .mov can".to_owned(),
    });
    let lost = lost_words(plan, place);
    all.filter(missing)
        .map(|beside| Missing {
            what: beside.name().to_owned(),
            reason:
                "the container cannot hold it, or its video is encoded; .mp4 and .mkv keep it of \
                 video that is copied"
                    .to_owned(),
        })
        .chain(rotation)
        .chain(lost)
}

/// By how much the video of a segment that is in the output is to be rotated.
fn written_rotation(plan: &Plan, place: usize) -> Option<i32> {
    let planned = &plan.segments[place];
    let mut written =
        planned.shapes.iter().filter(|s| planned.streams.contains(&Some(s.facts.index)));
    let rotation = written.find_map(|s| s.facts.video.as_ref()).map_or(0, |v| v.rotation);
    Some(rotation).filter(|degrees| *degrees != 0)
}

/// The languages of the streams of a segment that are in the output, and its tags, where that holds
/// none.
fn lost_words(plan: &Plan, place: usize) -> impl Iterator<Item = Missing> {
    let planned = &plan.segments[place];
    let written = planned.shapes.iter().filter(|s| planned.streams.contains(&Some(s.facts.index)));
    let languages = written.filter(|_| !holds_language(&plan.format)).filter_map(|shape| {
        let language = shape.facts.language.as_ref().filter(|l| *l != "und")?;
        Some(Missing {
            what: format!("the language of {} ({language})", shape.facts.kind.name()),
            reason: "the container holds none".to_owned(),
        })
    });
    // An output has the tags of the first segment.
    let first = plan.joined().next().is_some_and(|(first, _)| first == place);
    let tags = text_tags(&planned.segment.tags).join(", ");
    let tags = (first && !tags.is_empty() && !holds_tags(&plan.format)).then(|| Missing {
        what: format!("the tags {tags}"),
        reason: "the container holds none".to_owned(),
    });
    languages.chain(tags).collect::<Vec<_>>().into_iter()
}

/// Whether the container takes chapters at its end, when it is known where the segments lie.
fn holds_late_chapters(format: &str) -> bool {
    matches!(format, "mp4" | "mov" | "matroska" | "webm")
}

fn reason(plan: &Plan, shape: &Shape, drop_audio: bool) -> &'static str {
    match shape.facts.kind {
        StreamKind::Audio if drop_audio => "--drop-audio",
        _ if shape.facts.is_timecode() && holds_timecode(&plan.format) => {
            "an output has one time code, that of the first segment"
        }
        _ if is_film(shape) => "the first segment has no such stream",
        _ if !Muxer::holds(&plan.format, shape) => "the container cannot hold it",
        _ => "it is encoded differently in another segment",
    }
}

/// One line for all streams that are left out for the same reason.
fn texts(plan: &Plan, all: &[Vec<Missing>]) -> Vec<String> {
    let mut lines: Vec<(&Missing, usize, usize)> = Vec::new();
    for (place, missing) in all.iter().enumerate() {
        for one in missing {
            match lines.iter_mut().find(|(known, ..)| *known == one) {
                Some((_, _, more)) => *more += 1,
                None => lines.push((one, place, 0)),
            }
        }
    }
    let line = |(missing, place, more): (&Missing, usize, usize)| {
        let name = plan.segments[place].segment.name.display();
        let more = match more {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        format!("{name}: {}{more}: {}", missing.what, missing.reason)
    };
    lines.into_iter().map(line).collect()
}
