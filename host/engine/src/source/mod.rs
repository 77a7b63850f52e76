//! Sources: where the frames of a job come from. Files in turn, live inputs that are opened again,
//! raw frames out of pipes, still images.

pub(crate) mod feed;
mod fifo;
mod files;
mod live;
mod pace;
mod parts;
mod raw;
mod reader;
mod select;
mod slides;
mod still;
mod tap;
pub(crate) mod window;

use serde::Serialize;

use crate::error::PipelineError;
use filmgate_av::{Input, MediaError, MediaErrorKind, Packet};
use filmgate_core::frame::{Frame, PixelFormat, Rational, StreamInfo};

pub use feed::{Feed, ReadFeed};
pub use fifo::{Fifo, PipeFeed};
pub use files::{Files, FilesOptions};
pub use live::{Continuity, Live, Reading};
pub(crate) use pace::Pace;
pub use raw::{Raw, RawStream};
pub use select::{Choice, Rate};
pub use slides::Slides;
pub use still::{LEAD, Reel, Wanted};
pub use tap::{Outlet, Pour, Tap};
pub use window::Window;

/// What a source gives.
pub enum Event {
    /// a decoded picture of the video that goes through the plugins
    Frame(Frame),
    /// an encoded packet of a stream that is copied; its number is that of the first input
    Packet(Packet),
}

/// Where frames come from. It is asked on a thread of its own.
pub trait Source: Send {
    /// What its frames can be like without a conversion of their own; what loses least comes
    /// first. `encoder`: the formats that the sink takes.
    fn offers(&self, encoder: &[PixelFormat]) -> Vec<StreamInfo>;

    /// Says which of the offers is wanted.
    ///
    /// # Errors
    /// Where that turns out to be impossible.
    fn choose(&mut self, _: &StreamInfo) -> Result<(), PipelineError> {
        Ok(())
    }

    /// The time base of its timestamps.
    fn time_base(&self) -> Rational;

    /// The input that the output is described by, and which of its streams is decoded; none where
    /// frames come from elsewhere.
    fn first(&self) -> Option<(&Input, usize)> {
        None
    }

    /// Says which streams of the first input are copied; what of later inputs will be missing, for
    /// people, with the reason.
    fn copy(&mut self, _: &[bool]) -> Vec<String> {
        Vec::new()
    }

    /// Which part of the source it gives.
    fn window(&self) -> Window {
        Window::default()
    }

    /// Nanoseconds that it lasts, where that is known.
    fn duration(&self) -> Option<i64> {
        None
    }

    /// Whether it goes on until it is stopped.
    fn is_endless(&self) -> bool {
        false
    }

    /// The next frame or packet; none at the end.
    ///
    /// # Errors
    /// Read, Decode, Truncated and others, where nothing can follow.
    fn next(&mut self) -> Result<Option<Event>, PipelineError>;

    /// The last frame was not used, since there was no time for it.
    fn drop_last(&mut self) {}

    /// How it went up to now.
    fn report(&self) -> SourceReport;

    /// Why there is no output, where not one frame came.
    fn nothing(&self) -> MediaError {
        MediaError {
            kind: MediaErrorKind::Decode,
            message: "not one picture reached the encoder: the input holds none that can be decoded, or the part asked for lies behind its end".to_owned(),
        }
    }
}

/// Degrees clockwise by which the frames of a source are to be turned for display.
pub(crate) fn rotation(source: &dyn Source) -> i32 {
    let facts = source.first().and_then(|(input, video)| input.facts().streams.get(video));
    facts.and_then(|s| s.video.as_ref()).map_or(0, |v| v.rotation)
}

/// How a source went.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SourceReport {
    /// frames that were decoded
    pub decoded: u64,
    /// of those, that were given out
    pub frames: u64,
    /// packets and frames that could not be decoded, or not fully
    pub damaged: u64,
    /// frames before the first keyframe, which cannot be decoded
    pub undecodable_lead: u64,
    /// timestamp discontinuities that were removed
    pub jumps: u64,
    /// pictures were transparent somewhere, and the frames given out are not
    pub lost_alpha: bool,
    /// why the input ended early, where that was accepted
    pub truncated: Option<String>,
    /// writers that left in the middle of a frame
    pub partial: u64,
    /// bytes of the frames that they left behind
    pub partial_bytes: u64,
    /// of a live source
    pub continuity: Option<Continuity>,
}
