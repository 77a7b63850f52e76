//! The source of `split`, which may be live: opened, waited for, described to naming policies.

use std::time::{Duration, UNIX_EPOCH};

use tracing::warn;

use super::inputs::{check_start, check_stdin, open_options, unusable};
use crate::error::PipelineError;
use crate::source::Reading;
use crate::spec::JobSpec;
use filmgate_av::{DecodeOptions, Input, InputSource, MediaErrorKind, OpenOptions};
use filmgate_core::backoff::{Backoff, rest};
use filmgate_core::cancel::Cancel;
use filmgate_plugin::{Item, Value};

/// How long libav looks into a network stream before frames come, in microseconds of the stream:
/// its own default is five seconds.
const LOOK: (&str, &str) = ("analyzeduration", "1000000");

/// Silence of a source after which it is opened again.
const STALL: Duration = Duration::from_secs(5);

/// The source, and how it is opened.
///
/// # Errors
/// Usage.
pub(super) fn live_source(
    spec: &JobSpec,
    cancel: &Cancel,
) -> Result<(InputSource, OpenOptions), PipelineError> {
    let mut options = open_options(spec, cancel)?;
    options.silence = spec.stall.map_or(STALL, |s| s.0);
    let text = spec.input.first().map(|i| i.as_os_str()).unwrap_or_default();
    let source = InputSource::parse(text, spec.input_format.as_deref());
    check_stdin(usize::from(source == InputSource::Pipe(None)))?;
    let (key, value) = LOOK;
    let is_url = matches!(source, InputSource::Url(_));
    if is_url && !options.format_options.iter().any(|(k, _)| k == key) {
        options.format_options.push((key.to_owned(), value.to_owned()));
    }
    Ok((source, options))
}

/// How the source is read: opened again when it is lost, unless it is to be read once.
pub(super) fn reading(
    spec: &JobSpec,
    source: InputSource,
    options: OpenOptions,
    decode: DecodeOptions,
) -> Reading {
    Reading { source, options, decode, reopen: !spec.once }
}

/// Opens the source; with `wait`, as soon as it exists.
///
/// # Errors
/// Media; usage.
pub(super) fn open_live(
    spec: &JobSpec,
    source: &InputSource,
    options: &OpenOptions,
) -> Result<Input, PipelineError> {
    let mut backoff = Backoff::default();
    let input = loop {
        match Input::open_source(source, options) {
            Ok(input) => break input,
            Err(e) if !spec.wait || !may_come(e.kind) => return Err(unusable(e)),
            Err(e) => warn!("{e}; waiting for the source"),
        }
        if !rest(backoff.delay(), &options.cancel) {
            return Err(PipelineError::Interrupted);
        }
    };
    check_start(spec, input.facts().duration, &input)?;
    Ok(input)
}

/// Whether waiting may help.
fn may_come(kind: MediaErrorKind) -> bool {
    use MediaErrorKind::*;
    !matches!(kind, Cancelled | OutOfMemory | NotAllowed | Unsupported)
}

/// What naming policies are given of a source that is a file.
pub(super) fn item(source: &InputSource, input: &Input) -> Option<Item> {
    let InputSource::File(path) = source else { return None };
    let facts = std::fs::metadata(path).ok()?;
    let modified = facts.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    let stream = input.best_video().ok().and_then(|i| input.facts().streams.get(i))?;
    let mut properties = vec![("codec".to_owned(), Value::Text(stream.codec.clone()))];
    if let Some(video) = &stream.video {
        properties.push(("width".to_owned(), Value::Integer(video.width.into())));
        properties.push(("height".to_owned(), Value::Integer(video.height.into())));
    }
    Some(Item {
        path: path.file_name()?.to_string_lossy().into_owned(),
        size: facts.len(),
        modified: i64::try_from(modified.as_micros()).unwrap_or(i64::MAX),
        properties,
    })
}
