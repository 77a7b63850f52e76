//! Which streams of an input a description selects.

use crate::error::{PipelineError, SpecError};
use crate::sink::Selection;
use crate::spec::StreamChoice;
use filmgate_av::{Input, StreamKind};

/// What all of them together choose. Without any, everything; if all of them take away, everything
/// but that. The first video that is named is the one that is worked on.
///
/// # Errors
/// Usage for streams that the input does not have; NoVideo.
pub(super) fn select(maps: &[StreamChoice], input: &Input) -> Result<Selection, PipelineError> {
    if maps.is_empty() {
        return Ok(Selection::default());
    }
    let streams = &input.facts().streams;
    let positive = maps.iter().any(|m| !m.negative);
    let mut chosen: Vec<usize> =
        if positive { Vec::new() } else { streams.iter().map(|s| s.index).collect() };
    for map in maps {
        let found = map.find(streams);
        if found.is_empty() && (!map.negative || map.number.is_some()) {
            return Err(no_such_stream(map, input).into());
        }
        if map.negative { chosen.retain(|i| !found.contains(i)) } else { chosen.extend(found) }
    }
    let film = |i: &&usize| {
        streams.get(**i).is_some_and(|s| s.kind == StreamKind::Video && !s.attached_picture)
    };
    let best = input.best_video()?;
    let video = if positive {
        chosen.iter().find(film).copied()
    } else {
        chosen.contains(&best).then_some(best).or(chosen.iter().find(film).copied())
    };
    let covers = chosen.iter().filter(|i| streams.get(**i).is_some_and(|s| s.attached_picture));
    if positive && video.is_none() && covers.count() > 0 {
        let message = "--map names a cover picture and no film: a cover is no video to work on; \
                       add --map v:0";
        return Err(SpecError::usage(message).into());
    }
    if !positive && video.is_none() {
        let message = "--map takes all video away: the video goes through the plugins and cannot be \
                       left out";
        return Err(SpecError::usage(message).into());
    }
    let video = video.unwrap_or(best);
    if positive {
        Ok(Selection { video: Some(video), copied: Some(chosen), without: Vec::new() })
    } else {
        // What is not taken away need not fit.
        let without = streams.iter().map(|s| s.index).filter(|i| !chosen.contains(i));
        Ok(Selection { video: Some(video), copied: None, without: without.collect() })
    }
}

fn no_such_stream(map: &StreamChoice, input: &Input) -> SpecError {
    let list: Vec<String> = input
        .facts()
        .streams
        .iter()
        .map(|s| format!("{} {} ({})", s.index, s.kind.name(), s.codec))
        .collect();
    let (text, file, list) = (map, input.path().display(), list.join(", "));
    SpecError::usage(format!("--map {text}: {file} has no such stream; it has {list}"))
}
