//! Sinks: where the frames of a job go. One encode into files, playlists and servers; image files
//! in a folder; one image.

mod audio;
mod backlog;
mod chunks;
mod connection;
mod encoded;
mod image;
mod images;
mod namer;
mod null;
mod numbers;
mod outputs;
mod playlist;
mod push;
mod record;
mod report;
mod retention;
mod sequence;
mod target;

use crate::error::PipelineError;
use crate::graph::Meter;
use crate::source::Source;
use crate::stop::Stop;
use filmgate_av::Packet;
use filmgate_core::frame::{Frame, PixelFormat, PlanePool, StreamInfo};
use filmgate_plugin::PluginError;
use std::sync::Arc;

pub use audio::{Audio, Copied, Piped, Silence};
pub use backlog::{Account, Bounds, Gap};
pub use chunks::Chunks;
pub use encoded::Encoded;
pub use image::{ImageTarget, SharedSheet, Shown, StillImage};
pub use images::Images;
pub use namer::{NameError, Namer, Reserved};
pub use null::Discard;
pub use outputs::Service;
pub use push::{PushSummary, Standing, Watched};
pub use report::{ImagesReport, OutputReport, PlannedEncoder, SinkReport};
pub use retention::Bound;
pub(crate) use sequence::numbered_name;
pub use target::{Chunk, ChunkKind, Chunked, Output, Selection, TakeChunk, Target};

/// What a sink is opened with.
pub struct Opening<'a> {
    pub source: &'a mut dyn Source,
    /// what the source gives
    pub decoded: &'a StreamInfo,
    /// what the frames are like that come
    pub frames: &'a StreamInfo,
    pub stop: &'a Stop,
    /// nothing is to be written, not even aside
    pub dry_run: bool,
    pub workers: usize,
    pub pool: &'a PlanePool,
}

/// A sink that is not open yet.
pub trait SinkPlan: Send {
    /// The pixel formats that it takes, the favorite first.
    ///
    /// # Errors
    /// Where the encoder or the format asked for does not exist.
    fn formats(&self, source: &dyn Source) -> Result<Vec<PixelFormat>, PipelineError>;

    /// What a conversion is done for, for people: `the encoder libx264`.
    fn whom(&self) -> String;

    /// What encodes, with its options.
    fn encoder(&self) -> PlannedEncoder;

    /// Which streams of the input are wanted.
    fn selection(&self) -> Selection {
        Selection::video_alone()
    }

    /// Checks everything that can be wrong before the first frame, and begins the outputs.
    ///
    /// # Errors
    /// Whatever is wrong. Nothing is left behind then.
    fn open(
        self: Box<Self>,
        opening: Opening<'_>,
        report: &mut SinkReport,
    ) -> Result<Box<dyn Sink>, PipelineError>;
}

/// An image file, encoded.
pub struct EncodedImage {
    pub bytes: Vec<u8>,
    /// nanoseconds
    pub timestamp: i64,
}

/// What makes image files of frames, for one thread.
pub type Make = Box<dyn FnMut(Frame) -> Result<EncodedImage, PipelineError> + Send>;

/// Makes one [`Make`] a thread.
pub type Maker = Box<dyn Fn(&Arc<Meter>) -> Result<Make, PipelineError>>;

/// How a job ended.
pub struct End<'a> {
    pub source: &'a dyn Source,
    /// whether it was stopped, rather than came to its end
    pub stopped: bool,
    pub stop: &'a Stop,
    /// which plugin is the reason that no frame came
    pub dropped: Option<PluginError>,
}

/// Takes what comes out of the graph, in order, on the thread that runs the job.
pub trait Sink: Send {
    /// What the workers make of frames before these come here, by so many threads; none where
    /// frames are taken as they are.
    fn maker(&self) -> Option<(usize, Maker)> {
        None
    }

    /// Which streams of the input are copied.
    fn copied(&self) -> Vec<bool> {
        Vec::new()
    }

    /// Takes a frame.
    ///
    /// # Errors
    /// Encode, Write, Publish, which end the job.
    fn frame(&mut self, frame: &Frame) -> Result<(), PipelineError>;

    /// Takes an image that [`Sink::maker`]'s workers made.
    ///
    /// # Errors
    /// As [`Sink::frame`].
    fn image(&mut self, _: EncodedImage) -> Result<(), PipelineError> {
        Ok(())
    }

    /// Takes a packet that is copied.
    ///
    /// # Errors
    /// As [`Sink::frame`].
    fn packet(&mut self, _: Packet) -> Result<(), PipelineError> {
        Ok(())
    }

    /// Called about 20 times a second while nothing comes.
    fn idle(&mut self) {}

    /// The outputs on the network, to be watched while the job runs.
    fn pushes(&self) -> Vec<Watched> {
        Vec::new()
    }

    /// Ends the outputs, which appear then. What it did goes into `report`.
    ///
    /// # Errors
    /// What went wrong; where not one frame came, the reason.
    fn finish(
        self: Box<Self>,
        end: &mut End<'_>,
        report: &mut SinkReport,
    ) -> Result<(), PipelineError>;

    /// Ends after an error: what is whole stays, all else goes.
    fn abandon(self: Box<Self>, _: &mut SinkReport) {}
}

/// Why there is no output, where not one frame came.
fn nothing(end: &mut End<'_>) -> PipelineError {
    end.dropped.take().map_or_else(|| end.source.nothing().into(), PipelineError::from)
}
