//! `--map`: which streams of the input go into the output.

use std::fmt;
use std::str::FromStr;

use crate::scalar;
use filmgate_av::{StreamFacts, StreamKind};

/// One `--map`, as typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamChoice {
    text: String,
    /// takes them away instead
    pub(crate) negative: bool,
    kind: Option<StreamKind>,
    pub(crate) number: Option<usize>,
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
    pub(crate) fn find(&self, streams: &[StreamFacts]) -> Vec<usize> {
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
