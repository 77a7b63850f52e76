//! Transcoding of one video of the folder: the same job as `filmgate run`, with the container of
//! the source.

use std::path::Path;
use std::sync::Arc;

use super::ended::Bypassed;
use super::failure::Failure;
use super::work::WorkerContext;
use filmgate_av::{
    EncodeOptions, Input, MediaError, MediaErrorKind, Muxer, OpenOptions, default_encoder,
    encoder_named,
};
use filmgate_core::cancel::Cancel;
use filmgate_core::publish::Aside;
use filmgate_engine::graph::Progress;
use filmgate_engine::sink::{Encoded, Output, Selection, Service, Target};
use filmgate_engine::source::{Files, FilesOptions};
use filmgate_engine::{self as engine, Options, PipelineError, Session, default_workers};
use filmgate_plugin::Supervisor;

/// How a video is written.
pub(super) struct Settings {
    format: String,
    codec: String,
}

/// The ending of the output and how it is written: as the source, where that container can be
/// written, else as Matroska.
pub(super) fn plan(path: &Path) -> Result<(String, Settings), Failure> {
    let ending = path.extension().map(|e| e.to_string_lossy().into_owned()).unwrap_or_default();
    let (ending, format) = match Muxer::format_for(path, None) {
        Ok(format) => (ending, format),
        Err(_) => ("mkv".to_owned(), "matroska".to_owned()),
    };
    let codec = encoder_named(default_encoder(&format)).map_err(PipelineError::from)?;
    Ok((ending, Settings { format, codec }))
}

/// A video that was converted.
pub(super) struct Converted {
    /// of the output
    pub(super) size: (u32, u32),
    /// what is not in the output, for people
    pub(super) notes: Vec<String>,
    pub(super) bypassed: Bypassed,
}

/// Converts the video into the file aside, which the job replaces as a whole. Nothing that the
/// plugins do to it is held against the next file.
pub(super) fn convert(
    context: &WorkerContext,
    plugins: &[Arc<Supervisor>],
    path: &Path,
    aside: &Aside,
    settings: &Settings,
) -> Result<Converted, Failure> {
    // A job that fails cancels what it was given, so that all of its threads end: the next video
    // must not share it. Nothing else breaks a video off.
    let cancel = Cancel::new();
    let input = Input::open(path, &OpenOptions::files(&cancel)).map_err(refused)?;
    let plugins: Vec<_> = plugins.iter().map(|p| p.for_next_job()).collect();
    let cancel_source = FilesOptions { cancel: cancel.clone(), ..FilesOptions::default() };
    let sink = Encoded {
        encode: EncodeOptions { codec: settings.codec.clone(), ..EncodeOptions::default() },
        outputs: vec![Output::new(Target::File(aside.path().to_owned()), &*settings.format)],
        service: Service { replace: true, ..Service::default() },
        selection: Selection::default(),
        audio: None,
    };
    let session = Session {
        source: Box::new(Files::new(input, Vec::new(), cancel_source)?),
        plugins: plugins.clone(),
        sink: Box::new(sink),
        options: Options { workers: default_workers(), ..Options::default() },
    };
    let stop = engine::Stop::at_once(&cancel);
    let prepared = session.prepare(&stop, &context.pool)?;
    let (report, error) = prepared.run(&context.pool, &stop, &Progress::default());
    if let Some(error) = error {
        return Err(error.into());
    }
    let encoded = report.encoded.as_ref();
    let size = encoded.map_or((0, 0), |e| (e.width, e.height));
    let mut notes = report.left_out;
    if report.damaged_packets > 0 {
        notes.push(format!("{} packets could not be decoded", report.damaged_packets));
    }
    Ok(Converted { size, notes, bypassed: Bypassed::by(&plugins) })
}

/// Width and height of a video, from its header.
pub(super) fn size(path: &Path) -> Result<(u32, u32), Failure> {
    let input = Input::open(path, &OpenOptions::files(&Cancel::new())).map_err(refused)?;
    let video = input.best_video().map_err(refused)?;
    let facts = input.facts().streams.iter().find(|s| s.index == video);
    Ok(facts.and_then(|s| s.video.as_ref()).map_or((0, 0), |v| (v.width, v.height)))
}

fn refused(error: MediaError) -> Failure {
    match error.kind {
        MediaErrorKind::Cancelled | MediaErrorKind::OutOfMemory => Failure::System(error.message),
        MediaErrorKind::Denied => Failure::Unreadable(error.message),
        _ => Failure::File(error.message),
    }
}
