//! One source for several encodes: a feed and the streams that are made of it, each with plugins and
//! an encoder of its own.

use std::sync::Arc;

use super::{encoder, outputs, source};
use crate::error::PipelineError;
use crate::session::{Options, Prepared, Session};
use crate::sink::{Chunked, Encoded, Output, Selection, Target};
use crate::source::{Fifo, Source, Tap};
use crate::spec::JobSpec;
use crate::stop::Stop;
use filmgate_core::frame::{PixelFormat, PlanePool, StreamInfo};
use filmgate_plugin::{Engine, Supervisor};

/// A source that several streams are made of.
pub struct Feed {
    pub source: Box<dyn Source>,
    /// what its frames are like
    pub info: StreamInfo,
    /// a pipe that libav reads by itself
    _fifo: Option<Fifo>,
}

impl Feed {
    /// Opens the source that a description of `encode` names.
    ///
    /// # Errors
    /// Media; usage.
    pub fn open(spec: &JobSpec, stop: &Stop, pool: &PlanePool) -> Result<Feed, PipelineError> {
        let source::EncodeSource { mut source, fifo } = source::encode_source(spec, pool, stop)?;
        let offer = source.offers(&[PixelFormat::Yuv420p]).into_iter().next();
        let none = || PipelineError::System("the source offers no frames".to_owned());
        let info = offer.ok_or_else(none)?;
        source.choose(&info)?;
        Ok(Feed { source, info, _fifo: fifo })
    }
}

/// Puts a stream together: plugins and encoder from the description, as of `encode`; besides
/// the outputs that it names, the containers of `chunked` (libav's names).
///
/// # Errors
/// Everything that can be wrong before the first frame.
pub fn prepare(
    spec: &JobSpec,
    tap: Tap,
    chunked: Vec<(&str, Chunked)>,
    (engine, pool): (&Engine, &PlanePool),
    stop: &Stop,
) -> Result<Prepared, PipelineError> {
    // Without servers there is nothing to work out.
    let mut outputs = match spec.output[..] {
        [] => Vec::new(),
        _ => outputs::outputs(spec)?,
    };
    let chunks = |(format, to): (&str, Chunked)| Output::new(Target::Chunks(to), format);
    outputs.extend(chunked.into_iter().map(chunks));
    let mut encode = encoder::encoder(spec, &outputs)?;
    let rate = tap.offers(&[]).first().and_then(|info| info.frame_rate);
    encoder::set_keyframe_interval(&mut encode, spec, rate);
    let plugins = load(spec, engine, stop)?;
    let (service, selection) = (outputs::service(spec), Selection::video_alone());
    let sink = Box::new(Encoded { encode, outputs, service, selection, audio: None });
    let options = Options {
        workers: super::inputs::workers(spec),
        // Pieces of a stream would make frames wait.
        live: false,
        in_order: true,
        compare: spec.compare,
        ..Options::default()
    };
    let session = Session { source: Box::new(tap), plugins, sink, options };
    session.prepare(stop, pool)
}

/// Loads the plugins that a description names.
///
/// # Errors
/// As [`crate::spec::Request::load`].
pub fn load(
    spec: &JobSpec,
    engine: &Engine,
    stop: &Stop,
) -> Result<Vec<Arc<Supervisor>>, PipelineError> {
    Ok(spec.plugins().load(engine, &stop.hard)?.supervisors)
}
