//! Reading and filling the text.

use filmgate_plugin::{Error, Frame};

use crate::clock::Clock;

/// The text, cut up.
#[derive(Debug)]
pub(crate) struct Pattern(Vec<Piece>);

#[derive(Debug, PartialEq)]
enum Piece {
    Text(String),
    Time,
    Timecode,
    /// the number of the source picture, filled up with zeros to so many digits
    Frame(usize),
    /// a tag of the frame
    Tag(String),
}

/// The most digits that a number is filled up to.
const DIGITS: usize = 20;

/// The most letters of a filled text.
const LETTERS: usize = 512;

impl Pattern {
    /// Reads a text in which `{{` and `}}` stand for braces.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for placeholders that there are not, and [`Error::Unsupported`]
    /// for `{timecode}` where the clock knows no rate.
    pub(crate) fn read(text: &str, clock: &Clock) -> Result<Pattern, Error> {
        let refuse = |why: String| Error::parameter("text", why);
        let mut pieces = Vec::new();
        let mut letters = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            letters.push_str(&rest[..at]);
            let (brace, behind) = (&rest[at..at + 1], &rest[at + 1..]);
            if let Some(behind) = behind.strip_prefix(brace) {
                letters.push_str(brace);
                rest = behind;
                continue;
            }
            let inner = behind.split_once('}').filter(|_| brace == "{");
            let (name, behind) = inner.ok_or_else(|| {
                refuse(format!("has a {brace} without its counterpart; write {brace}{brace}"))
            })?;
            pieces.push(Piece::Text(std::mem::take(&mut letters)));
            pieces.push(placeholder(name).map_err(refuse)?);
            rest = behind;
        }
        letters.push_str(rest);
        pieces.push(Piece::Text(letters));
        if pieces.contains(&Piece::Timecode) && clock.timecode(0).is_none() {
            return Err(Error::unsupported(
                "{timecode} needs a frame rate, and this stream has none; use {time} or {frame}",
            ));
        }
        pieces.retain(|piece| *piece != Piece::Text(String::new()));
        Ok(Pattern(pieces))
    }

    /// The text for one frame.
    pub(crate) fn fill(&self, frame: &Frame, clock: &Clock) -> String {
        let info = frame.info();
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Time => clock.time(info.timestamp),
            Piece::Timecode => clock.timecode(info.timestamp).unwrap_or_default(),
            Piece::Frame(digits) => format!("{:0digits$}", info.index, digits = *digits),
            Piece::Tag(key) => frame.tag(key).unwrap_or_default(),
        };
        let text: String = self.0.iter().map(piece).collect();
        text.chars().take(LETTERS).collect()
    }
}

/// What stands between braces.
fn placeholder(name: &str) -> Result<Piece, String> {
    match name.split_once(':').map_or((name, None), |(name, more)| (name, Some(more))) {
        ("time", None) => Ok(Piece::Time),
        ("timecode", None) => Ok(Piece::Timecode),
        ("frame", None) => Ok(Piece::Frame(0)),
        ("frame", Some(digits)) => match digits.parse() {
            Ok(digits) if digits <= DIGITS => Ok(Piece::Frame(digits)),
            _ => Err(format!("{{{name}}} takes a number of digits up to {DIGITS}")),
        },
        ("tag", Some(key)) if !key.is_empty() => Ok(Piece::Tag(key.to_owned())),
        _ => Err(format!(
            "there is no {{{name}}}; there are {{time}}, {{timecode}}, {{frame}}, {{frame:DIGITS}} and {{tag:KEY}}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use filmgate_plugin::{PixelFormat, Rational, StreamInfo};

    const CLOCK: Clock = Clock { offset: 0, rate: Some(Rational { num: 25, den: 1 }) };

    fn filled(text: &str) -> String {
        let mut frame =
            Frame::new(&StreamInfo::new(1, 1, PixelFormat::Gray8).frame(42, 80_000_000));
        frame.set_tag("scene.cut", "true");
        Pattern::read(text, &CLOCK).expect("a sound text").fill(&frame, &CLOCK)
    }

    #[test]
    fn placeholders_are_filled_in() {
        assert_eq!(filled("at {time}"), "at 00:00:00.080");
        assert_eq!(filled("{timecode} {frame} {frame:6}"), "00:00:00:02 42 000042");
        assert_eq!(filled("cut: {tag:scene.cut}, {tag:other}."), "cut: true, .");
        assert_eq!(filled("{{time}} {{{frame}}}"), "{time} {42}");
        assert_eq!(filled("plain"), "plain");
    }

    #[test]
    fn mistakes_are_named() {
        for (text, part) in [
            ("{tme}", "no {tme}"),
            ("{time", "a { without"),
            ("time}", "a } without"),
            ("{frame:99}", "up to 20"),
            ("{tag:}", "no {tag:}"),
            ("{}", "no {}"),
        ] {
            let error = Pattern::read(text, &CLOCK).expect_err(text);
            assert!(error.message().contains(part), "{}", error.message());
        }
        let unknown = Clock { offset: 0, rate: None };
        assert!(matches!(Pattern::read("{timecode}", &unknown), Err(Error::Unsupported(_))));
        assert!(Pattern::read("{{timecode}}", &unknown).is_ok());
    }
}
