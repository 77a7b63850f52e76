//! `--map`: which streams of the input go into the output.

use std::fmt;
use std::str::FromStr;

use super::SpecError;
use crate::error::PipelineError;
use crate::scalar;
use crate::sink::Selection;
use filmgate_av::{Input, StreamFacts, StreamKind};

/// One `--map`, as typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamChoice {
    text: String,
    /// takes them away instead
    negative: bool,
    kind: Option<StreamKind>,
    number: Option<usize>,
}

impl FromStr for StreamChoice {
    type Err = String;

    /// Reads `v`, `a:1`, `2`, `0:2`, `0:a:1`, each with `-` before it for all but that.
    fn from_str(text: &str) -> Result<StreamChoice, String> {
        let wrong = || format!("{text:?} names no streams; v, a:1, 2 or -s is wanted");
        let plain = text.strip_prefix('-').unwrap_or(text);
        let mut parts: Vec<&str> = plain.split(':').collect();
        // The inputs are one behind the other: there is only one to choose from.
        if parts.len() > 1 && parts[0].parse::<usize>().is_ok() {
            if parts[0] != "0" {
                return Err(format!("{text:?}: streams are chosen of the first input, which is 0"));
            }
            parts.remove(0);
        }
        let number = |part: &str| part.parse::<usize>().map_err(|_| wrong());
        let (kind, number) = match parts[..] {
            [one] => match kind(one) {
                Some(kind) => (Some(kind), None),
                None => (None, Some(number(one)?)),
            },
            [one, two] => (Some(kind(one).ok_or_else(wrong)?), Some(number(two)?)),
            _ => return Err(wrong()),
        };
        Ok(StreamChoice { text: text.to_owned(), negative: plain.len() < text.len(), kind, number })
    }
}

impl fmt::Display for StreamChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

scalar!(StreamChoice, "StreamChoice", "streams such as v, a:1, or 2", {"type": ["integer", "string"]});

impl StreamChoice {
    /// The streams that it names.
    fn find(&self, streams: &[StreamFacts]) -> Vec<usize> {
        let Some(kind) = self.kind else {
            return self.number.filter(|n| *n < streams.len()).into_iter().collect();
        };
        let of_kind: Vec<usize> =
            streams.iter().filter(|s| s.kind == kind).map(|s| s.index).collect();
        match self.number {
            Some(number) => of_kind.get(number).copied().into_iter().collect(),
            None => of_kind,
        }
    }
}

fn kind(letter: &str) -> Option<StreamKind> {
    Some(match letter {
        "v" => StreamKind::Video,
        "a" => StreamKind::Audio,
        "s" => StreamKind::Subtitle,
        "d" => StreamKind::Data,
        "t" => StreamKind::Attachment,
        _ => return None,
    })
}

/// What all of them together choose. Without any, everything; if all of them take away, everything
/// but that. The first video that is named is the one that is worked on.
///
/// # Errors
/// Usage for streams that the input does not have; NoVideo.
pub fn select(maps: &[StreamChoice], input: &Input) -> Result<Selection, PipelineError> {
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
            return Err(nothing(map, input).into());
        }
        match map.negative {
            true => chosen.retain(|i| !found.contains(i)),
            false => chosen.extend(found),
        }
    }
    let film = |i: &&usize| {
        streams.get(**i).is_some_and(|s| s.kind == StreamKind::Video && !s.attached_picture)
    };
    let best = input.best_video()?;
    let video = match positive {
        true => chosen.iter().find(film).copied(),
        false => chosen.contains(&best).then_some(best).or(chosen.iter().find(film).copied()),
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
    match positive {
        true => Ok(Selection { video: Some(video), copied: Some(chosen), without: Vec::new() }),
        // What is not taken away need not fit.
        false => {
            let without = streams.iter().map(|s| s.index).filter(|i| !chosen.contains(i));
            Ok(Selection { video: Some(video), copied: None, without: without.collect() })
        }
    }
}

fn nothing(map: &StreamChoice, input: &Input) -> SpecError {
    let list: Vec<String> = input
        .facts()
        .streams
        .iter()
        .map(|s| format!("{} {} ({})", s.index, s.kind.name(), s.codec))
        .collect();
    let (text, file, list) = (&map.text, input.path().display(), list.join(", "));
    SpecError::usage(format!("--map {text}: {file} has no such stream; it has {list}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (bool, Option<StreamKind>, Option<usize>) {
        let map = text.parse::<StreamChoice>().unwrap_or_else(|e| panic!("{e}"));
        (map.negative, map.kind, map.number)
    }

    #[test]
    fn streams_are_named() {
        assert_eq!(parsed("v"), (false, Some(StreamKind::Video), None));
        assert_eq!(parsed("a:1"), (false, Some(StreamKind::Audio), Some(1)));
        assert_eq!(parsed("0:2"), (false, None, Some(2)));
        assert_eq!(parsed("2"), (false, None, Some(2)));
        assert_eq!(parsed("0:s:0"), (false, Some(StreamKind::Subtitle), Some(0)));
        assert_eq!(parsed("-d"), (true, Some(StreamKind::Data), None));
        for text in ["", "-", "x", "a:b", "1:2", "0:1:2", "a:1:2", "a:-1"] {
            assert!(text.parse::<StreamChoice>().is_err(), "{text}");
        }
    }
}
