//! Reading packets, and noticing where a file ends too early.
//!
//! libav reports the end of a cut file in many ways: as an error, as a damaged last packet, or as a
//! clean end. [`Input::read`] makes one of them: `Truncated`, once, after the last good packet.
//!
//! Formats made for streaming (MPEG-TS, MPEG-PS, Ogg, ASF, NUT) say nowhere how long they are: a
//! cut between two packets cannot be told from their end.

use std::collections::VecDeque;

use crate::av::{self, AvPacket};
use crate::demux::facts::{MediaFacts, StreamKind};
use crate::demux::open::Input;
use crate::demux::tail;
use crate::error::{MediaError, MediaErrorKind as Kind};
use crate::io::avio::Avio;
use crate::log;
use ffmpeg_next::ffi;
use filmgate_core::frame::Rational;
use filmgate_core::time;

/// One packet of an input: coded data of one stream. The data are shared, not copied.
pub struct Packet {
    pub(crate) packet: AvPacket,
    pub(crate) time_base: ffi::AVRational,
}

impl Packet {
    /// The stream it belongs to; always one of the facts'.
    pub fn stream(&self) -> usize {
        usize::try_from(self.packet.get().stream_index).unwrap_or(0)
    }

    /// Bytes.
    pub fn size(&self) -> usize {
        usize::try_from(self.packet.get().size).unwrap_or(0)
    }

    /// When it is to be shown, in the stream's time base, as it stands in the file.
    pub fn pts(&self) -> Option<i64> {
        Some(self.packet.get().pts).filter(|&t| t != ffi::AV_NOPTS_VALUE)
    }

    /// When it is to be decoded, in the stream's time base, as it stands in the file.
    pub fn dts(&self) -> Option<i64> {
        Some(self.packet.get().dts).filter(|&t| t != ffi::AV_NOPTS_VALUE)
    }

    /// Nanoseconds, as it stands in the file: when it is to be shown, or decoded where only that
    /// is known.
    pub fn time(&self) -> Option<i64> {
        let time = self.pts().or_else(|| self.dts())?;
        av::nanoseconds(time, self.time_base)
    }

    /// Nanoseconds, as it stands in the file: when it is to be decoded.
    pub fn decode_time(&self) -> Option<i64> {
        av::nanoseconds(self.dts()?, self.time_base)
    }

    /// Nanoseconds; 0 where nobody knows.
    pub fn length(&self) -> i64 {
        av::nanoseconds(self.duration(), self.time_base).unwrap_or(0).max(0)
    }

    /// Moves it by some nanoseconds.
    pub fn shift(&mut self, by: i64) {
        let by = av::rescale(by, av::NANOSECONDS, self.time_base);
        let raw = self.packet.get_mut();
        for time in [&mut raw.pts, &mut raw.dts] {
            if *time != ffi::AV_NOPTS_VALUE {
                *time = time.saturating_add(by);
            }
        }
    }

    /// Makes it last some nanoseconds less.
    pub fn shorten(&mut self, by: i64) {
        let by = av::rescale(by, av::NANOSECONDS, self.time_base);
        let raw = self.packet.get_mut();
        raw.duration = raw.duration.saturating_sub(by).max(1);
    }

    /// Makes it a packet of another input's stream, with that one's time base.
    pub fn retarget(&mut self, stream: usize, time_base: Rational) {
        let to = av::to_av(time_base);
        // SAFETY: a valid packet and positive time bases.
        unsafe { ffi::av_packet_rescale_ts(self.packet.as_mut_ptr(), self.time_base, to) };
        self.time_base = to;
        self.packet.get_mut().stream_index = i32::try_from(stream).unwrap_or(i32::MAX);
    }

    /// In the stream's time base; 0 where nobody knows.
    pub fn duration(&self) -> i64 {
        self.packet.get().duration
    }

    pub fn time_base(&self) -> Rational {
        av::positive(self.time_base).unwrap_or(Rational { num: 1, den: 90_000 })
    }

    pub fn is_key(&self) -> bool {
        self.packet.get().flags & ffi::AV_PKT_FLAG_KEY != 0
    }

    /// The demuxer knows that something is missing in it.
    pub fn is_corrupt(&self) -> bool {
        self.packet.get().flags & ffi::AV_PKT_FLAG_CORRUPT != 0
    }

    pub fn data(&self) -> &[u8] {
        self.packet.data()
    }
}

/// How far reading has come, and how far the header says that it goes.
#[derive(Default)]
pub(crate) struct Progress {
    ended: bool,
    /// nanoseconds: the end that the header claims, where it claims one
    claimed: Option<i64>,
    /// whether claims count from 0 and not from the first timestamp (Matroska)
    absolute: bool,
    start: i64,
    /// by stream, for those whose end says something
    streams: Vec<Option<Reached>>,
    /// a damaged packet, given out only if another packet follows
    held: Option<Packet>,
    /// packets read and not yet given out
    ready: VecDeque<Packet>,
    /// what is to be told once `ready` is empty
    last_word: Option<MediaError>,
    last_corrupt: Vec<bool>,
    /// where the last packet ends in the file, bytes
    read: i64,
    unknown_stream_told: bool,
}

/// Nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
struct Reached {
    /// the latest time a packet of this stream begins
    last: Option<i64>,
    /// the latest time a packet of this stream ends
    end: Option<i64>,
    /// the widest step from packet to packet, or the longest packet
    gap: i64,
}

impl Progress {
    pub(crate) fn new(facts: &MediaFacts) -> Progress {
        let telling =
            |kind| matches!(kind, StreamKind::Video | StreamKind::Audio | StreamKind::Subtitle);
        let streams: Vec<_> = facts
            .streams
            .iter()
            .map(|s| (telling(s.kind) && !s.attached_picture).then(Reached::default))
            .collect();
        let longest = facts.streams.iter().zip(&streams).filter(|(_, s)| s.is_some());
        let longest = longest.filter_map(|(s, _)| s.duration).max();
        let declared = longest.or(facts.duration).filter(|_| facts.duration_declared);
        Progress {
            claimed: if facts.format == "avi" { avi_claim(facts) } else { declared },
            absolute: facts.format.starts_with("matroska"),
            start: facts.start,
            last_corrupt: vec![false; streams.len()],
            read: 0,
            streams,
            ..Progress::default()
        }
    }

    /// Forgets what was read and not given out: the input is about to be read from elsewhere.
    pub(crate) fn restart(&mut self) {
        self.ready.clear();
        (self.held, self.last_word, self.ended) = (None, None, false);
        self.last_corrupt.fill(false);
    }

    /// Puts packets back, to be given out before anything else.
    pub(crate) fn put_back(&mut self, packets: Vec<Packet>) {
        for packet in packets.into_iter().rev() {
            self.ready.push_front(packet);
        }
    }

    fn take(&mut self, packet: Packet) {
        self.note(&packet);
        self.ready.extend(self.held.take());
        if packet.is_corrupt() {
            self.held = Some(packet);
        } else {
            self.ready.push_back(packet);
        }
    }

    /// Whether the last packet of a stream that matters is damaged.
    fn ends_corrupt(&self) -> bool {
        self.streams.iter().zip(&self.last_corrupt).any(|(s, &corrupt)| s.is_some() && corrupt)
    }

    fn note(&mut self, packet: &Packet) {
        let index = packet.stream();
        self.last_corrupt[index] = packet.is_corrupt();
        let (at, size) = (packet.packet.get().pos, packet.packet.get().size);
        self.read = self.read.max(at.saturating_add(size.into()));
        let Some(reached) = &mut self.streams[index] else { return };
        let raw = packet.packet.get();
        let time = if raw.pts == ffi::AV_NOPTS_VALUE { raw.dts } else { raw.pts };
        let Some(time) = av::nanoseconds(time, packet.time_base) else { return };
        let length = av::nanoseconds(raw.duration, packet.time_base).unwrap_or(0).max(0);
        let step = reached.last.map_or(0, |last| time.saturating_sub(last)).max(length);
        reached.gap = reached.gap.max(step);
        reached.last = reached.last.max(Some(time));
        reached.end = reached.end.max(Some(time.saturating_add(length)));
    }

    /// Whether the end came clearly before the one claimed: (reached, claimed), nanoseconds.
    fn short(&self) -> Option<(i64, i64)> {
        let claimed = self.claimed?;
        let reached = self.streams.iter().flatten();
        let end = reached.clone().filter_map(|r| r.end).max()?;
        let end = if self.absolute { end.max(end - self.start) } else { end - self.start };
        // Two steps of the slowest stream, for last frames of unknown duration; half a second and
        // a thousandth for headers that round.
        let gap = reached.map(|r| r.gap).max().unwrap_or(0);
        let slack = (2 * gap).max(500_000_000).max(claimed / 1000);
        (end.saturating_add(slack) < claimed).then_some((end, claimed))
    }

    fn end_time(&self) -> Option<i64> {
        self.streams.iter().flatten().filter_map(|r| r.end).max().map(|end| end - self.start)
    }
}

impl Input {
    /// The next packet with the times that stand in the file.
    pub(crate) fn read_stored(&mut self) -> Result<Option<Packet>, MediaError> {
        loop {
            if let Some(packet) = self.progress.ready.pop_front() {
                return Ok(Some(packet));
            }
            if self.progress.ended {
                return self.progress.last_word.take().map_or(Ok(None), Err);
            }
            let progress = match self.read_raw() {
                Ok(Some(packet)) => {
                    self.progress.take(packet);
                    continue;
                }
                Ok(None) => self.at_end(),
                Err(error) => Err(error),
            };
            self.progress.ended = true;
            self.progress.last_word = progress.err();
        }
    }

    /// Whether its end was reached, or an error behind which nothing is read.
    pub(crate) fn is_over(&self) -> bool {
        self.progress.ended
    }

    /// The next packet of a stream that the facts list.
    fn read_raw(&mut self) -> Result<Option<Packet>, MediaError> {
        loop {
            if self.patience.is_some() {
                self.interrupt.set_deadline(self.patience);
            }
            self.interrupt.check(&format!("read {}", self.path().display()))?;
            log::forget();
            let mut packet = AvPacket::new().ok_or_else(|| MediaError::memory("read a packet"))?;
            // SAFETY: both valid; a failing call leaves the packet blank.
            let code =
                unsafe { ffi::av_read_frame(self.context.as_mut_ptr(), packet.as_mut_ptr()) };
            match code {
                0.. => {}
                ffi::AVERROR_EOF => return Ok(None),
                code if code == av::errno(nix::libc::EAGAIN) => continue,
                code if self.is_plain_end(code) => return Ok(None),
                code => return Err(self.demux_error(code)),
            }
            let index = usize::try_from(packet.get().stream_index).unwrap_or(usize::MAX);
            match self.facts.streams.get(index) {
                Some(stream) => {
                    let time_base = av::to_av(stream.time_base);
                    return Ok(Some(Packet { packet, time_base }));
                }
                None if self.progress.unknown_stream_told => {}
                None => {
                    self.progress.unknown_stream_told = true;
                    let file = self.path().display();
                    tracing::warn!("{file}: a stream begins in mid-file; its packets are left out");
                }
            }
        }
    }

    /// Whether an error is only the end of what the network gives without saying how long it is:
    /// libav's HTTP calls that EIO, as if something were missing (libavformat/http.c). A connection
    /// that breaks has errors of its own.
    fn is_plain_end(&self, code: i32) -> bool {
        if self.patience.is_none() || code != av::errno(nix::libc::EIO) {
            return false;
        }
        // SAFETY: the context is valid, and so is its I/O where it has one; asking for the size
        // neither reads nor moves.
        unsafe {
            let pb = (*self.context.as_ptr()).pb;
            !pb.is_null() && ffi::avio_size(pb) < 0
        }
    }

    /// Judges a clean end.
    fn at_end(&mut self) -> Result<(), MediaError> {
        // libav takes some I/O errors for the end of the file.
        self.disk_error()?;
        self.interrupt.check(&format!("read {}", self.path().display()))?;
        let file = self.path().display();
        if let Some((end, claimed)) = self.progress.short() {
            let (end, claimed) = (seconds(end), seconds(claimed));
            let message = format!("{file} is cut off: it ends at {end} s of {claimed} s");
            return Err(MediaError::new(Kind::Truncated, message));
        }
        // Matroska's demuxer says so and then reports a clean end.
        let early = log::reason().filter(|said| said.contains("ended prematurely"));
        if let Some(said) = early {
            return Err(MediaError::new(Kind::Truncated, self.cut_off(&said)));
        }
        if self.progress.ends_corrupt() {
            return Err(MediaError::new(
                Kind::Truncated,
                self.cut_off("its last packet is incomplete"),
            ));
        }
        let (format, read) = (self.facts.format.clone(), self.progress.read);
        let source = self.source.as_mut().map(Avio::stream).filter(|s| !s.pipe);
        if let Some(why) = source.and_then(|s| tail::missing(&s.file, &format, read)) {
            return Err(MediaError::new(Kind::Truncated, self.cut_off(why)));
        }
        Ok(())
    }

    fn cut_off(&self, why: &str) -> String {
        let file = self.path().display();
        // A claim that is all but reached would only puzzle.
        let claimed = self.progress.short().map(|(_, claimed)| claimed);
        match (self.progress.end_time(), claimed) {
            (Some(end), Some(claimed)) => {
                let (end, claimed) = (seconds(end), seconds(claimed));
                format!("{file} is cut off: it ends at {end} s of {claimed} s ({why})")
            }
            (Some(end), None) => {
                format!("{file} is cut off: it ends at {} s ({why})", seconds(end))
            }
            (None, _) => format!("{file} is cut off ({why})"),
        }
    }

    /// An error of the demuxer's: the cut end of a file, or damage in the middle.
    fn demux_error(&mut self, code: i32) -> MediaError {
        if let Err(error) = self.disk_error() {
            return error;
        }
        let file = self.path().display().to_string();
        if let Err(error) = self.interrupt.check(&format!("read {file}")) {
            return error;
        }
        // The deadline that broke the reading off may have been set anew since: libav gives what it
        // has left first.
        if let (ffi::AVERROR_EXIT, Some(within)) = (code, self.patience) {
            let message = format!("read {file}: nothing came for {} s", within.as_secs_f64());
            return MediaError::new(Kind::TimedOut, message);
        }
        let io = self.source.as_mut().map(Avio::as_mut_ptr);
        // SAFETY: the I/O context is ours and valid. A pipe has no size, which is below 0.
        let at_end = io.is_some_and(|pb| unsafe {
            let size = ffi::avio_size(pb);
            ffi::avio_feof(pb) != 0 || (size >= 0 && ffi::avio_seek(pb, 0, 1) >= size)
        });
        let said = log::reason().unwrap_or_else(|| av::error_text(code));
        if at_end || said.contains("partial file") {
            return MediaError::new(Kind::Truncated, self.cut_off(&said));
        }
        let at =
            self.progress.end_time().map_or(String::new(), |t| format!(" after {} s", seconds(t)));
        MediaError::av(Kind::Read, format!("read {file}: damaged{at}"), code)
    }

    fn disk_error(&mut self) -> Result<(), MediaError> {
        match self.source.as_mut().and_then(|s| s.stream().error.take()) {
            Some(error) if error.kind() != std::io::ErrorKind::Interrupted => {
                let message = format!("read {}: {error}", self.path().display());
                Err(MediaError::new(Kind::Read, message))
            }
            _ => Ok(()),
        }
    }
}

/// The length of an AVI's film in nanoseconds, by its header's count of frames: libav takes the
/// duration from what the file holds.
fn avi_claim(facts: &MediaFacts) -> Option<i64> {
    let lengths = facts.streams.iter().filter(|s| s.kind == StreamKind::Video).filter_map(|s| {
        Some(time::begin_of(s.frames?, s.frame_rate?)).filter(|&length| length < i64::MAX)
    });
    lengths.max()
}

/// Nanoseconds as seconds for people.
fn seconds(ns: i64) -> String {
    format!("{:.1}", ns as f64 / 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(claimed: i64, end: i64, gap: i64) -> Option<(i64, i64)> {
        let stream = Reached { last: Some(end - gap), end: Some(end), gap };
        let progress =
            Progress { claimed: Some(claimed), streams: vec![Some(stream)], ..Progress::default() };
        progress.short()
    }

    #[test]
    fn only_clear_shortfalls_count() {
        const S: i64 = 1_000_000_000;
        assert_eq!(reached(5 * S, 3 * S, S / 25), Some((3 * S, 5 * S)));
        assert_eq!(reached(5 * S, 5 * S - S / 4, S / 25), None);
        // One frame a second, the last one's duration unknown.
        assert_eq!(reached(5 * S, 4 * S, S), None);
        assert_eq!(reached(5 * S, 6 * S, S), None);
    }
}
