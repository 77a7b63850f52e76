//! Going to a time in an input: to the last place before it at which decoding can begin.

use std::collections::VecDeque;

use crate::demux::open::Input;
use crate::demux::packet::Packet;
use crate::error::{MediaError, MediaErrorKind};
use crate::log;
use ffmpeg_next::ffi;

/// How far before the time libav is sent, in nanoseconds, one after the other, until there is a
/// key frame at or before the time: formats without an index find a place by its position only.
const MARGINS: [i64; 5] = [0, 1_000_000_000, 4_000_000_000, 16_000_000_000, i64::MAX];

/// Packets that are looked at before a place without a key frame is given up.
const LOOK: usize = 20_000;

impl Input {
    /// Makes the next packets those from the last key frame of `stream` at or before `time`
    /// nanoseconds from the input's start. Where an input cannot be moved about in (a pipe), or the
    /// place cannot be found, it is read from its beginning. A file whose clock may jump
    /// ([`Input::remove_jumps`]) is read up to there, from where it is.
    ///
    /// # Errors
    /// Those of [`Input::read`].
    pub fn seek(&mut self, stream: usize, time: i64) -> Result<(), MediaError> {
        if time <= 0 || !self.can_seek() {
            return Ok(());
        }
        if self.jumps.is_some() && self.patience.is_none() {
            return self.read_up_to(stream, time);
        }
        let (start, target) = (self.facts.start, self.facts.start.saturating_add(time));
        let (late, within) = (self.lateness(stream), self.shown_within(stream));
        for margin in MARGINS {
            let to = target.saturating_sub(margin).max(start);
            if !self.jump(to) {
                break;
            }
            let (packets, key) = self.read_to_key(stream)?;
            if key.is_some_and(|key| key.saturating_add(within) <= target.saturating_add(late)) {
                self.progress.put_back(packets);
                return Ok(());
            }
            if to == start {
                break;
            }
        }
        self.begin_again()
    }

    /// Goes to a time without decoding. Behind a discontinuity the same timestamp is found in more than
    /// one place of the file, so that libav's search by timestamps goes astray.
    fn read_up_to(&mut self, stream: usize, time: i64) -> Result<(), MediaError> {
        let target = self.facts.start.saturating_add(time);
        let mut kept = VecDeque::new();
        while let Some(packet) = match self.read() {
            Err(e) if e.kind != MediaErrorKind::Truncated => return Err(e),
            Err(_) => return self.begin_again(),
            Ok(packet) => packet,
        } {
            if kept.len() >= LOOK {
                return self.begin_again();
            }
            let film = packet.stream() == stream;
            let begins = |t: Option<i64>| t.is_some_and(|t| t <= target);
            if film && packet.is_key() && begins(packet.time()) {
                // Of other streams what goes on behind the time stays: audio may stand in the file
                // before the video that it belongs to.
                let ends = |p: &Packet| p.time().map(|t| t.saturating_add(p.length()));
                kept.retain(|p: &Packet| p.stream() != stream && !begins(ends(p)));
            }
            let reached = film && !begins(packet.decode_time().or_else(|| packet.time()));
            kept.push_back(packet);
            if reached {
                break;
            }
        }
        self.sought = kept;
        Ok(())
    }

    /// Opens the input once more: not every demuxer finds its own beginning again, and what it
    /// has read ahead may be lost.
    fn begin_again(&mut self) -> Result<(), MediaError> {
        let (source, options) = self.origin.clone();
        let smooth = self.jumps.is_some();
        *self = Input::open_source(&source, &options)?;
        if smooth {
            self.remove_jumps();
        }
        Ok(())
    }

    /// Adds why nothing can be decoded, where it is for the source that cannot be rewound.
    pub(crate) fn with_cause(&self, mut error: MediaError) -> MediaError {
        if error.kind == MediaErrorKind::Decode
            && self.facts.format.starts_with("mov")
            && !self.can_seek()
        {
            error.message.push_str(
                "; its index seems to stand behind its pictures, and this source cannot be \
                 rewound: save it to a file first, or have it made with the index in front \
                 (ffmpeg: -movflags +faststart)",
            );
        }
        error
    }

    fn can_seek(&self) -> bool {
        // SAFETY: the context is valid; its I/O is, where it has one.
        unsafe { (*self.context.as_ptr()).pb.as_ref() }.is_some_and(|pb| pb.seekable != 0)
    }

    /// libav's seek to at most `to`, nanoseconds as they stand in the file.
    fn jump(&mut self, to: i64) -> bool {
        log::forget();
        let to = to.div_euclid(1_000);
        // SAFETY: the context is valid; no stream is named, so that times are microseconds.
        let code =
            unsafe { ffi::avformat_seek_file(self.context.as_mut_ptr(), -1, i64::MIN, to, to, 0) };
        if code < 0 {
            // Outside of the macro, in which `log` may be the crate of that name.
            let reason = log::reason();
            tracing::debug!("{}: cannot be moved about in: {reason:?}", self.path().display());
            return false;
        }
        self.progress.restart();
        true
    }

    /// All packets up to the first key frame of `stream`, without what comes before it in that
    /// stream, and its time.
    fn read_to_key(&mut self, stream: usize) -> Result<(Vec<Packet>, Option<i64>), MediaError> {
        let mut packets = Vec::new();
        while packets.len() < LOOK {
            let Some(packet) = self.read_stored()? else { break };
            if packet.stream() != stream {
                packets.push(packet);
            } else if packet.is_key() {
                let time = packet.time();
                packets.push(packet);
                return Ok((packets, time));
            }
        }
        Ok((packets, None))
    }
}
