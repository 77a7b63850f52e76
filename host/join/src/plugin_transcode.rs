//! A join whose video goes through plugins: what the video of the output is like, decided before
//! anything is written. Each segment is a stream of its own for plugins; audio and everything else is
//! copied.

use std::sync::Arc;

use super::error::JoinError;
use super::plan::Plan;
use filmgate_av::{
    DecodeOptions, EncodeOptions, Input, MediaError, MediaErrorKind, Muxer, OpenOptions,
    StreamKind, VideoDecoder, VideoEncoder, encoder_formats, encoder_named,
};
use filmgate_core::cancel::Cancel;
use filmgate_core::frame::{PixelFormat, PlanePool, StreamInfo};
use filmgate_engine::graph::Chain;
use filmgate_plugin::Supervisor;

/// The default CRF. The video was encoded before, so this is close to visually lossless: x264's own
/// default is 23.
pub(super) const QUALITY: f64 = 18.0;

/// How all video of a join is re-encoded through plugins.
pub struct PluginTranscode {
    pub plugins: Vec<Arc<Supervisor>>,
    pub chain: Chain,
    pub(super) pool: PlanePool,
    pub(super) encode: EncodeOptions,
    /// the video track
    pub(super) track: usize,
}

/// Frames of segments that are re-encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameCounts {
    /// of the sources
    pub decoded: u64,
    /// in the output
    pub encoded: u64,
    /// packets that could not be decoded
    pub damaged: u64,
    /// a frame was transparent somewhere, and what was encoded is not
    pub lost_alpha: bool,
}

impl PluginTranscode {
    /// Takes the first segment's video as the model of all, through the plugins. `crf`: the quality
    /// on the encoder's own scale.
    ///
    /// # Errors
    /// Media of kind NoVideo where there is no video, Unsupported where there is no encoder for
    /// the first one's codec; what a plugin says to its configuration.
    pub fn prepare(
        plan: &mut Plan,
        plugins: Vec<Arc<Supervisor>>,
        crf: Option<f64>,
        pool: &PlanePool,
        cancel: &Cancel,
    ) -> Result<PluginTranscode, JoinError> {
        let film = plan.leader().filter(|l| plan.tracks[*l].kind == StreamKind::Video);
        let track = film.ok_or_else(|| {
            let message =
                "plugins process video, and the first segment has no video stream".to_owned();
            MediaError { kind: MediaErrorKind::NoVideo, message }
        })?;
        let (place, stream) = plan.tracks[track].model;
        let model = &plan.segments[place].segment.path;
        let input = Input::open(model, &OpenOptions::files(cancel))?;
        let source = VideoDecoder::new(&input, stream, &DecodeOptions::default())?.output();
        let codec = encoder_named(&plan.tracks[track].codec)?;
        let chain = chain(&source, &plugins, &codec)?;
        let encode = EncodeOptions {
            codec,
            crf: crf.or(Some(QUALITY)),
            global_header: Muxer::needs_global_header(&plan.format),
            ..EncodeOptions::default()
        };
        let transcode = PluginTranscode { plugins, chain, pool: pool.clone(), encode, track };
        // Some codecs have a clock of their own.
        plan.tracks[track].clock = transcode.encoder(plan)?.time_base();
        Ok(transcode)
    }

    /// An encoder for a segment's frames: all of them write the same header.
    pub(super) fn encoder(&self, plan: &Plan) -> Result<VideoEncoder, MediaError> {
        VideoEncoder::new(&self.chain.output, plan.tracks[self.track].clock, &self.encode)
    }

    /// libav's name of the encoder.
    pub fn encoder_name(&self) -> &str {
        &self.encode.codec
    }
}

/// The way to the first one's pixel format, or to another that the encoder takes where pictures
/// have come to a size that this one cannot hold.
fn chain(
    source: &StreamInfo,
    plugins: &[Arc<Supervisor>],
    codec: &str,
) -> Result<Chain, JoinError> {
    let formats = encoder_formats(codec)?;
    let own: Vec<PixelFormat> = formats.iter().copied().filter(|f| *f == source.format).collect();
    let chain = Chain::plan(source, plugins, if own.is_empty() { &formats } else { &own })?;
    let (across, down) = chain.output.format.chroma_shift();
    let (width, height) = (chain.output.width, chain.output.height);
    if width.is_multiple_of(1 << across) && height.is_multiple_of(1 << down) {
        Ok(chain)
    } else {
        Ok(Chain::plan(source, plugins, &formats)?)
    }
}
