//! Several inputs, one after the other, as if they were one: times go on where the input before
//! ended, pictures become like the first one's, and what is copied goes to the first one's streams.

use std::collections::VecDeque;

use super::reader::Reader;
use filmgate_av::{DecodeOptions, Input, MediaError, Packet, StreamKind};
use filmgate_core::frame::{Color, Frame, Rational};
use filmgate_core::time::DEFAULT_FRAME_DURATION;

/// The input that is being read.
pub(super) struct Part {
    pub(super) reader: Reader,
    /// stream to stream of the first input, for what is copied
    targets: Vec<Option<usize>>,
    /// when it begins, nanoseconds from the beginning of the first one
    pub(super) offset: i64,
    /// when what has been read of it ends, nanoseconds from its own beginning
    end: i64,
    last: Option<i64>,
}

/// All inputs.
pub(super) struct Parts {
    rest: VecDeque<Input>,
    pub(super) now: Part,
    /// of the first input
    first: First,
    options: DecodeOptions,
    /// counted in the inputs that are done
    damaged: u64,
    lead: u64,
    jumped: u64,
    lost_alpha: bool,
}

struct First {
    start: i64,
    /// time bases of the streams
    bases: Vec<Rational>,
    /// the streams that are copied: index, kind, and which one of its kind
    copied: Vec<(usize, StreamKind, usize)>,
    /// how each later input continues them, worked out while the first is still open
    plans: VecDeque<Vec<Option<usize>>>,
}

impl Parts {
    /// Nothing is copied until [`Parts::copy`] says so.
    pub(super) fn new(reader: Reader, rest: Vec<Input>, options: DecodeOptions) -> Parts {
        let facts = reader.input.facts();
        let first = First {
            start: facts.start,
            bases: facts.streams.iter().map(|s| s.time_base).collect(),
            copied: Vec::new(),
            plans: VecDeque::new(),
        };
        let now = Part { reader, targets: Vec::new(), offset: 0, end: 0, last: None };
        Parts {
            rest: rest.into(),
            now,
            first,
            options,
            damaged: 0,
            lead: 0,
            jumped: 0,
            lost_alpha: false,
        }
    }

    /// Says which streams of the first input are copied; what of later inputs is not in the output
    /// then.
    pub(super) fn copy(&mut self, copied: &[bool]) -> Vec<String> {
        let (input, video) = (&self.now.reader.input, self.now.reader.video);
        let streams = &input.facts().streams;
        let nth = |index: usize, kind| {
            streams[..index].iter().filter(|s| s.kind == kind && s.index != video).count()
        };
        let wanted = streams.iter().filter(|s| copied.get(s.index).copied().unwrap_or(false));
        let list: Vec<_> = wanted.map(|s| (s.index, s.kind, nth(s.index, s.kind))).collect();
        let mut missing = Vec::new();
        let plans = self.rest.iter().map(|next| plan(input, next, &list, &mut missing)).collect();
        self.now.targets =
            (0..streams.len()).map(|i| copied.get(i).copied()?.then_some(i)).collect();
        (self.first.copied, self.first.plans) = (list, plans);
        missing
    }

    /// Nanoseconds that all inputs last, where all of them say so.
    pub(super) fn duration(&self) -> Option<i64> {
        let all = std::iter::once(&self.now.reader.input).chain(&self.rest);
        all.map(|input| input.facts().duration).sum()
    }

    /// Goes on to the next input; false when there is none.
    pub(super) fn next(&mut self) -> Result<bool, MediaError> {
        let Some(input) = self.rest.pop_front() else { return Ok(false) };
        let video = input.best_video()?;
        let before = &self.now.reader;
        let like = before.output();
        let reader = Reader::new(input, video, &self.options, Some(&like))?;
        self.damaged += before.decoder.damaged();
        self.lost_alpha |= before.decoder.lost_alpha();
        self.lead += before.decoder.undecodable_lead();
        self.jumped += before.input.jumps();
        let offset = self.now.offset + self.now.end;
        let targets = self.first.plans.pop_front().unwrap_or_default();
        self.now = Part { reader, targets, offset, end: 0, last: None };
        Ok(true)
    }

    /// Streams of the first input that are copied and come without pauses.
    pub(super) fn steady(&self) -> Vec<usize> {
        let sound = self.first.copied.iter().filter(|(_, kind, _)| *kind == StreamKind::Audio);
        sound.map(|(index, _, _)| *index).collect()
    }

    /// Whether a stream of the present input is a cover picture.
    pub(super) fn is_cover(&self, stream: usize) -> bool {
        self.now.reader.input.facts().streams.get(stream).is_some_and(|s| s.attached_picture)
    }

    /// Whether a stream of the first input holds texts.
    pub(super) fn is_text(&self, stream: usize) -> bool {
        let texts = |(index, kind, _): &(usize, StreamKind, usize)| {
            *index == stream && *kind == StreamKind::Subtitle
        };
        self.first.copied.iter().any(texts)
    }

    pub(super) fn has_texts(&self) -> bool {
        self.first.copied.iter().any(|(_, kind, _)| *kind == StreamKind::Subtitle)
    }

    pub(super) fn damaged(&self) -> u64 {
        self.damaged + self.now.reader.decoder.damaged()
    }

    /// Pictures before the first key frames, which cannot be shown.
    pub(super) fn undecodable_lead(&self) -> u64 {
        self.lead + self.now.reader.decoder.undecodable_lead()
    }

    pub(super) fn lost_alpha(&self) -> bool {
        self.lost_alpha || self.now.reader.decoder.lost_alpha()
    }

    pub(super) fn jumped(&self) -> u64 {
        self.jumped + self.now.reader.input.jumps()
    }

    /// When a picture of the present input begins, in the whole.
    pub(super) fn frame_time(&mut self, frame: &Frame) -> i64 {
        let (part, time) = (&mut self.now, frame.timestamp);
        let step = part.last.map(|last| time - last).filter(|&s| s > 0);
        let length = frame.duration.or(step).unwrap_or(DEFAULT_FRAME_DURATION);
        part.last = Some(time);
        part.end = part.end.max(time.saturating_add(length));
        part.offset.saturating_add(time)
    }

    /// Makes a packet one of the first input's, if it is copied: with its time in the whole, and
    /// moved by `by`.
    pub(super) fn adopt(&mut self, mut packet: Packet, by: i64) -> Option<(Packet, i64)> {
        let part = &mut self.now;
        let target = part.targets.get(packet.stream()).copied().flatten()?;
        let own = part.reader.input.facts().start;
        let time = packet.time().map_or(0, |t| t.saturating_sub(own));
        part.end = part.end.max(time.saturating_add(packet.length()));
        packet.retarget(target, *self.first.bases.get(target)?);
        let shift = part.offset + by + self.first.start - own;
        if shift != 0 {
            packet.shift(shift);
        }
        Some((packet, part.offset.saturating_add(time)))
    }
}

/// Which stream of `next` continues which copied one of `first`: the same one of its kind, if it
/// is coded the same way.
fn plan(
    first: &Input,
    next: &Input,
    copied: &[(usize, StreamKind, usize)],
    missing: &mut Vec<String>,
) -> Vec<Option<usize>> {
    let video = next.best_video().ok();
    let streams = &next.facts().streams;
    let file = next.path().display();
    let sounds = |input: &Input| {
        input.facts().streams.iter().filter(|s| s.kind == StreamKind::Audio).count()
    };
    if sounds(next) > 0 && sounds(first) == 0 {
        missing.push(format!("{file}: its audio is left out, since the first input has none"));
    }
    if let Some(video) = video {
        missing.extend(unlike(first, next, video).map(|what| format!("{file}: {what}")));
    }
    let mut targets = vec![None; streams.len()];
    for &(target, kind, nth) in copied {
        if kind == StreamKind::Attachment {
            continue;
        }
        let same = streams.iter().filter(|s| s.kind == kind && Some(s.index) != video);
        match same.map(|s| s.index).nth(nth) {
            Some(index) if next.continues(index, first, target) => targets[index] = Some(target),
            found => {
                let why = match found {
                    Some(_) => "is left out: its codec or parameters differ from the first input's",
                    None => "is missing: the first input has it",
                };
                missing.push(format!("{file}: {} {why}", kind.name()));
            }
        }
    }
    targets
}

/// What of the pictures of `next` will not look as it says, among those of `first`.
fn unlike(first: &Input, next: &Input, video: usize) -> Option<String> {
    let of = |input: &Input, index: usize| input.facts().streams.get(index)?.video.clone();
    let (a, b) = (of(first, first.best_video().ok()?)?, of(next, video)?);
    let mut what = Vec::new();
    if a.rotation != b.rotation {
        what.push(format!(
            "its rotation by {} degrees is not kept (the first input has {})",
            b.rotation, a.rotation
        ));
    }
    // Matrix and range are converted; light and primaries are not.
    let hdr = |c: &Color| {
        let transfer = c.transfer.as_deref();
        transfer.filter(|t| matches!(*t, "smpte2084" | "arib-std-b67")).map(str::to_owned)
    };
    let known = a.color.primaries.is_some() && b.color.primaries.is_some();
    let primaries = known && a.color.primaries != b.color.primaries;
    if primaries || hdr(&a.color) != hdr(&b.color) {
        what.push(
            "its colors are shown as the first input's, which are of another kind".to_owned(),
        );
    }
    if a.sample_aspect != b.sample_aspect {
        let (own, other) = (b.sample_aspect, a.sample_aspect);
        what.push(format!(
            "its pixel aspect ratio {own} is not kept (the first input has {other})"
        ));
    }
    (!what.is_empty()).then(|| what.join("; "))
}
