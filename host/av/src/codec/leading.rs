//! Pictures before the first key frame: a recording that starts inside a group of pictures holds
//! some that depend on pictures which nobody has. libav's decoders leave them out without a word.

use ffmpeg_next::ffi;

/// Counts them for one decoder.
#[derive(Debug, Default)]
pub(crate) struct Leading {
    /// packets before the first key frame
    packets: u64,
    /// when the first key frame is shown; none until it comes
    key: Option<i64>,
    lost: u64,
    settled: bool,
}

impl Leading {
    /// Notes a packet that is about to be decoded.
    pub(crate) fn packet(&mut self, packet: &ffi::AVPacket) {
        if self.settled || self.key.is_some() {
            return;
        }
        if packet.flags & ffi::AV_PKT_FLAG_KEY != 0 {
            self.key = Some(packet.pts);
        } else {
            self.packets += 1;
        }
    }

    /// Notes a decoded picture, in the order of display: the first one says whether those before
    /// the key frame were decoded after all (some streams refresh pictures bit by bit).
    pub(crate) fn frame(&mut self, pts: i64) {
        if !self.settled {
            self.settled = true;
            let shown = self.key.is_none_or(|key| pts < key);
            self.lost = if shown { 0 } else { self.packets };
        }
    }

    /// How many pictures came before the first key frame and cannot be shown.
    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(pts: i64, key: bool) -> ffi::AVPacket {
        // SAFETY: a packet is nothing but numbers and pointers that may be null.
        let mut packet: ffi::AVPacket = unsafe { std::mem::zeroed() };
        packet.pts = pts;
        packet.flags = if key { ffi::AV_PKT_FLAG_KEY } else { 0 };
        packet
    }

    #[test]
    fn what_comes_before_the_first_key_frame_is_counted_unless_it_is_shown() {
        for (first, lost) in [(3, 2), (1, 0)] {
            let mut leading = Leading::default();
            for (pts, key) in [(1, false), (2, false), (3, true), (4, false)] {
                leading.packet(&packet(pts, key));
            }
            leading.frame(first);
            leading.frame(9);
            assert_eq!(leading.lost(), lost);
        }
    }
}
