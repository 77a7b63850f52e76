//! The streams of each segment that are not in the output: every one has a reason, and a source of
//! which one is missing is not removed.

use super::plan::{Action, Missing, Plan};
use super::tracks::is_film;
use filmgate_av::{Muxer, Shape, StreamKind, holds_chapters};

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
        let tag = first && is_timecode_tag(&plan.format, s);
        // An mp4's chapters are a track of their own, too, and are carried as chapters.
        let titles = s.facts.codec == "bin_data" && name(s) == "text" && has_chapters;
        !(written || cover || tag || titles)
    };
    let missing = |s: &Shape| Missing {
        what: format!("{} ({})", s.facts.kind.name(), name(s)),
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
        what: format!("{chapters} chapters"),
        reason: format!("{why}; .mkv and .mp4 keep them"),
    });
    planned.shapes.iter().filter(gone).map(missing).chain(lost).collect()
}

/// Whether the container takes chapters at its end, when it is known where the segments lie.
fn holds_late_chapters(format: &str) -> bool {
    matches!(format, "mp4" | "mov" | "matroska" | "webm")
}

/// The name of a codec, or the letters that stand for it: `tmcd`.
fn name(shape: &Shape) -> String {
    let letters = shape.tag.to_le_bytes();
    match &*shape.facts.codec {
        "none" | "bin_data" if letters.iter().all(u8::is_ascii_graphic) => {
            String::from_utf8_lossy(&letters).into_owned()
        }
        "none" => "unknown".to_owned(),
        codec => codec.to_owned(),
    }
}

fn reason(plan: &Plan, shape: &Shape, drop_audio: bool) -> &'static str {
    match shape.facts.kind {
        StreamKind::Audio if drop_audio => "--drop-audio",
        _ if is_film(shape) => "the first segment has no such stream",
        _ if !Muxer::holds(&plan.format, shape) => "the container cannot hold it",
        _ => "it is encoded differently in another segment",
    }
}

/// The track of a time code that these muxers write by themselves, from the tag that goes over with
/// the first segment's film.
fn is_timecode_tag(format: &str, shape: &Shape) -> bool {
    matches!(format, "mp4" | "mov")
        && shape.tag == u32::from_le_bytes(*b"tmcd")
        && shape.facts.metadata.iter().any(|(key, _)| key == "timecode")
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
