//! Whether what the network gives has ended by its own word, or was merely lost.
//!
//! Two kinds of sources announce their end: an HLS playlist by EXT-X-ENDLIST (RFC 8216, 4.3.3.4),
//! and a body over HTTP by the length that its header gave (RFC 9110, 8.6). All others (RTMP, RTSP,
//! UDP, SRT, bodies without a length) end when the sender goes away, who may come back.

use crate::demux::open::{Context, Input};
use ffmpeg_next::ffi;

/// What a source says of its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// it has ended, and there is no more
    Declared,
    /// an HLS event has ended, or its server says nothing new: only its playlist tells
    Unclear,
    /// it did not say anything
    Undeclared,
}

/// Formats whose I/O is a playlist or a session, and not the media.
const NO_BODY: [&str; 5] = ["hls", "dash", "rtsp", "sdp", "rtp"];

impl Input {
    /// How it ended, once [`Input::read`] has given its end or an error.
    pub fn ending(&self) -> Ending {
        if !self.is_over() || self.patience.is_none() {
            return Ending::Undeclared;
        }
        let format = self.facts.format.as_str();
        let ended = match format {
            // A playlist that grows, and is no event, cannot be sought in until it is finished.
            "hls" if self.event => return Ending::Unclear,
            "hls" => is_seekable(&self.context),
            _ => !NO_BODY.contains(&format) && self.whole_body(),
        };
        if ended { Ending::Declared } else { Ending::Undeclared }
    }

    /// Whether it is an HLS playlist that says that nothing will be added to it.
    pub fn is_finished_playlist(&self) -> bool {
        self.facts.format == "hls" && self.facts.duration.is_some()
    }

    /// Whether as much was read as the server announced.
    fn whole_body(&self) -> bool {
        // SAFETY: the context is valid, and so is its I/O where it has one; neither call reads or
        // moves. A body without a length has a size below 0.
        unsafe {
            let pb = (*self.context.as_ptr()).pb;
            if pb.is_null() {
                return false;
            }
            let size = ffi::avio_size(pb);
            size >= 0 && ffi::avio_seek(pb, 0, 1) >= size
        }
    }
}

/// Whether a playlist that has just been opened is of an HLS event that still goes on: of those
/// that grow, events alone can be sought in from the beginning (libavformat/hls.c).
pub(crate) fn is_event(context: &Context, format: &str, duration: Option<i64>) -> bool {
    format == "hls" && duration.is_none() && is_seekable(context)
}

fn is_seekable(context: &Context) -> bool {
    // SAFETY: the context is valid and only read.
    let flags = unsafe { (*context.as_ptr()).ctx_flags };
    // A u32 in the bindings of newer FFmpeg.
    #[allow(clippy::unnecessary_cast)]
    let unseekable = ffi::AVFMTCTX_UNSEEKABLE as i32;
    flags & unseekable == 0
}
