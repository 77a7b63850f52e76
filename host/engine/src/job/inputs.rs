//! Inputs that are read in turn: opened, and which part and which streams of them are wanted.

use std::io::IsTerminal;
use std::time::Duration;

use super::{streams, usage, usage_of};
use crate::default_workers;
use crate::error::PipelineError;
use crate::sink::Selection;
use crate::source::Window;
use crate::spec::{self, JobSpec};
use filmgate_av::{
    Input, InputSource, MediaError, MediaErrorKind, OpenOptions, StreamKind, check_input_format,
};
use filmgate_core::cancel::Cancel;
use filmgate_core::frame::Rational;

/// How long opening an input may take, and a server may be silent, by default.
const OPEN_TIMEOUT: Duration = Duration::from_secs(30);

/// Opens all inputs, in their order.
///
/// # Errors
/// Media; usage for options of the format that there are not, and for a start behind the end.
pub(super) fn open(spec: &JobSpec, cancel: &Cancel) -> Result<Vec<Input>, PipelineError> {
    let options = open_options(spec, cancel)?;
    let named = spec.input_format.as_deref();
    let sources = spec.input.iter().map(|text| InputSource::parse(text.as_os_str(), named));
    let sources: Vec<InputSource> = sources.collect();
    check_stdin(sources.iter().filter(|s| **s == InputSource::Pipe(None)).count())?;
    let mut opened = Vec::with_capacity(sources.len());
    for source in sources {
        opened.push(Input::open_source(&source, &options).map_err(unusable)?);
    }
    let whole = opened.iter().map(|i| i.facts().duration).sum::<Option<i64>>();
    if let Some(first) = opened.first() {
        check_start(spec, whole, first)?;
    }
    Ok(opened)
}

/// How inputs are opened.
///
/// # Errors
/// Usage for a format that there is not.
pub(super) fn open_options(spec: &JobSpec, cancel: &Cancel) -> Result<OpenOptions, PipelineError> {
    if let Some(format) = &spec.input_format {
        check_input_format(format).map_err(usage_of)?;
    }
    let deadline = spec.open_timeout.map_or(OPEN_TIMEOUT, |t| t.0);
    Ok(OpenOptions {
        deadline,
        silence: deadline,
        format: spec.input_format.clone(),
        format_options: spec.input_option.0.clone(),
        ..OpenOptions::files(cancel)
    })
}

/// An option of the input's format that does not exist is a mistake in the description.
pub(super) fn unusable(error: MediaError) -> PipelineError {
    match error.kind {
        MediaErrorKind::Unsupported => usage_of(error),
        _ => error.into(),
    }
}

/// Whether the input lasts until the wanted part begins. `whole`: nanoseconds.
///
/// # Errors
/// Usage.
pub(super) fn check_start(
    spec: &JobSpec,
    whole: Option<i64>,
    input: &Input,
) -> Result<(), PipelineError> {
    // Behind a timestamp discontinuity an estimated duration is no bound.
    let facts = input.facts();
    let whole = whole.filter(|_| facts.duration_declared || !facts.clock_may_jump);
    match (spec.start, whole) {
        (Some(start), Some(whole)) if start.0 >= whole => {
            let (name, whole) = (input.path().display(), whole as f64 / 1e9);
            Err(usage(format!("--start {start}: {name} ends at {whole:.2} s")))
        }
        _ => Ok(()),
    }
}

/// Standard input can be read once, and not where it is a terminal.
pub(super) fn check_stdin(count: usize) -> Result<(), PipelineError> {
    match count {
        0 => Ok(()),
        1 if std::io::stdin().is_terminal() => {
            Err(usage("-i -: standard input is a terminal; pipe a video into it"))
        }
        1 => Ok(()),
        _ => Err(usage("-i -: standard input can be read once only")),
    }
}

/// Which part of the source is wanted.
pub(super) fn window(spec: &JobSpec) -> Window {
    Window {
        start: spec.start.map_or(0, |t| t.0),
        duration: spec.duration.map(spec::Length::nanoseconds),
        max_frames: spec.max_frames.map(|n| n.0),
    }
}

/// The streams that were asked for.
///
/// # Errors
/// As [`streams::select`].
pub(super) fn selection(spec: &JobSpec, input: &Input) -> Result<Selection, PipelineError> {
    let mut selection = streams::select(&spec.map, input)?;
    if spec.no_audio {
        let streams = &input.facts().streams;
        let is_audio = |i: &usize| streams.get(*i).is_some_and(|s| s.kind == StreamKind::Audio);
        match &mut selection.copied {
            Some(copied) => copied.retain(|i| !is_audio(i)),
            None => selection.without = streams.iter().map(|s| s.index).filter(is_audio).collect(),
        }
    }
    Ok(selection)
}

/// Frames a second of the video that is worked on, where the input says so.
pub(super) fn input_rate(input: &Input, selection: &Selection) -> Option<Rational> {
    let video = selection.video.or_else(|| input.best_video().ok())?;
    input.facts().streams.get(video)?.frame_rate
}

/// Threads for parallel plugins; by default one a processor.
pub(super) fn workers(spec: &JobSpec) -> usize {
    spec.workers.map_or_else(default_workers, |n| usize::try_from(n.0).unwrap_or(usize::MAX))
}
