//! The source of `encode`: raw frames from a pipe, still images, or a decoded input; and its audio.

use std::fs::File;
use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use super::encoder::encode_format;
use super::inputs::{open_options, unusable};
use super::{live, usage};
use crate::error::PipelineError;
use crate::sink::{Audio, Copied, Piped, Silence};
use crate::source::{
    Choice, Feed, Fifo, Files, FilesOptions, Live, PipeFeed, Raw, RawStream, ReadFeed, Slides,
    Source, Window,
};
use crate::spec::{Fault, JobSpec, Matrix, Odd, Size, SpecError};
use crate::stop::Stop;
use filmgate_av::{
    DecodeOptions, Input, InputSource, MediaErrorKind, OpenOptions, RawFormat, is_pipe,
};
use filmgate_core::cancel::Cancel;
use filmgate_core::frame::{Color, PlanePool, Rational};

/// Pixel format of raw frames: what OpenCV and many cameras give.
const PIXEL_FORMAT: &str = "bgr24";

/// The frames, and what must live as long as they do.
pub(super) struct EncodeSource {
    pub source: Box<dyn Source>,
    /// a pipe that libav reads by itself
    pub fifo: Option<Fifo>,
}

/// Opens the source.
///
/// # Errors
/// Media; usage.
pub(super) fn encode_source(
    spec: &JobSpec,
    pool: &PlanePool,
    stop: &Stop,
) -> Result<EncodeSource, PipelineError> {
    let mut fifo = None;
    let source: Box<dyn Source> = match spec.size {
        _ if !spec.image.is_empty() => Box::new(slides(spec, stop)?),
        Some(size) => {
            // Everything that can be wrong with the description, before a pipe is made.
            let stream = raw_stream(spec, size)?;
            Box::new(Raw::new(feed(spec, stop)?, stream, pool))
        }
        None if spec.reconnect => Box::new(reconnected(spec, pool, stop)?),
        None => decoded(spec, stop, &mut fifo)?,
    };
    Ok(EncodeSource { source, fifo })
}

/// As [`encode_source`], for a job that is only planned: no pipe is made, and no writer waited for.
///
/// # Errors
/// As [`encode_source`]; usage for frames of which nothing is known before they come.
pub(super) fn planned_source(
    spec: &JobSpec,
    pool: &PlanePool,
    stop: &Stop,
) -> Result<EncodeSource, PipelineError> {
    let is_fed = |input: &Path| input == Path::new("-") || is_pipe(input);
    let fed = spec.fifo.is_some() || spec.input.iter().any(|input| is_fed(input));
    match spec.size.filter(|_| spec.image.is_empty()) {
        Some(size) => {
            let stream = raw_stream(spec, size)?;
            let source = Box::new(Raw::new(Box::new(ReadFeed(std::io::empty())), stream, pool));
            Ok(EncodeSource { source, fifo: None })
        }
        None if fed => Err(usage(
            "--dry-run: the format of frames in a pipe is only known when they come; --size and \
             --pix-fmt tell it of raw frames",
        )),
        None => encode_source(spec, pool, stop),
    }
}

/// Frames a second of raw frames and of still images.
pub(super) fn rate(spec: &JobSpec) -> Rational {
    spec.rate.map_or(Rational { num: 25, den: 1 }, |r| r.0)
}

fn raw_stream(spec: &JobSpec, Size(width, height): Size) -> Result<RawStream, PipelineError> {
    let name = spec.pix_fmt.as_deref().unwrap_or(PIXEL_FORMAT);
    let format = RawFormat::new(name, width, height)
        .map_err(|e| usage(format!("--pix-fmt {name}: {}", e.message)))?;
    let wanted = encode_format(spec);
    let (x, y) = filmgate_av::pixel_format(wanted).map_or((0, 0), |f| f.chroma_shift());
    let odd = (x > 0 && width % 2 == 1) || (y > 0 && height % 2 == 1);
    if odd && spec.odd.unwrap_or_default() == Odd::Refuse {
        return Err(usage(format!(
            "--size {width}x{height}: {wanted} has even sizes only; --odd pad repeats the last row \
             or column, --output-pix-fmt yuv444p keeps the size"
        )));
    }
    let color = color(spec.matrix.unwrap_or_default(), height, &format);
    Ok(RawStream { format, rate: rate(spec), color, even: odd })
}

/// What the frames are marked with: the matrix that RGB is really converted by. YUV comes as it is;
/// what people write into pipes has the matrix that its size suggests.
fn color(matrix: Matrix, height: u32, format: &RawFormat) -> Color {
    let hd = match matrix {
        Matrix::Auto => height >= 720,
        Matrix::Bt601 => false,
        Matrix::Bt709 => true,
    };
    Color::of_screen(hd, format.is_full_range())
}

/// The bytes of raw frames.
fn feed(spec: &JobSpec, stop: &Stop) -> Result<Box<dyn Feed>, PipelineError> {
    let stop = &stop.gently;
    if let Some(path) = &spec.fifo {
        return Ok(Box::new(open_fifo(path, spec.stay, stop)?));
    }
    let path = spec.input.first().map_or(Path::new("-"), |i| i.as_path());
    if path == Path::new("-") {
        check_stdin()?;
        let stdin = std::io::stdin().as_fd().try_clone_to_owned();
        let stdin = stdin.map_err(|e| PipelineError::System(format!("stdin: {e}")))?;
        return Ok(Box::new(PipeFeed::open(File::from(stdin), "stdin", stop)));
    }
    if is_pipe(path) {
        return Ok(Box::new(open_fifo(path, false, stop)?));
    }
    let name = path.display().to_string();
    let file = File::open(path).map_err(|e| missing(format!("open {name}: {e}")))?;
    Ok(Box::new(PipeFeed::open(file, &name, stop)))
}

fn missing(message: String) -> PipelineError {
    SpecError::new(Fault::InputMissing, message).into()
}

fn open_fifo(path: &Path, stay: bool, stop: &Cancel) -> Result<PipeFeed, PipelineError> {
    let fifo = Fifo::make_or_take(path).map_err(missing)?;
    PipeFeed::fifo(fifo, stay, stop).map_err(missing)
}

fn check_stdin() -> Result<(), PipelineError> {
    if std::io::stdin().is_terminal() {
        return Err(usage("-i -: standard input is a terminal; pipe frames into it"));
    }
    Ok(())
}

/// Frames of a live source that is opened again when it is lost.
fn reconnected(spec: &JobSpec, pool: &PlanePool, stop: &Stop) -> Result<Live, PipelineError> {
    let (source, open) = live::live_source(spec, &stop.gently)?;
    let input = live::open_live(spec, &source, &open)?;
    let reading = live::reading(spec, source, open, DecodeOptions::default());
    Live::new(reading, input, Choice::default(), Window::default(), None, pool)
}

/// Frames of a source that says itself what they are.
fn decoded(
    spec: &JobSpec,
    stop: &Stop,
    fifo: &mut Option<Fifo>,
) -> Result<Box<dyn Source>, PipelineError> {
    let mut options = open_options(spec, &stop.gently)?;
    let mut held = None;
    let source = match (&spec.fifo, spec.input.first()) {
        (Some(path), _) => {
            let mut feed = open_fifo(path, false, &stop.gently)?;
            let writer = feed.wait_for_writer();
            if !writer.map_err(|e| PipelineError::System(format!("{}: {e}", path.display())))? {
                return Err(PipelineError::Interrupted);
            }
            let (pipe, end) = feed.into_fifo();
            (*fifo, held) = (pipe, Some(end));
            InputSource::Pipe(Some(path.clone()))
        }
        (None, Some(input)) => InputSource::parse(input.as_os_str(), spec.input_format.as_deref()),
        (None, None) => return Err(usage("there is no input")),
    };
    if source == InputSource::Pipe(None) {
        check_stdin()?;
    }
    let is_given = options.format_options.iter().any(|(key, _)| key == "framerate");
    if source.is_numbered() && !is_given {
        options.format_options.push(("framerate".to_owned(), rate(spec).to_string()));
    }
    let input = Input::open_source(&source, &options).map_err(|e| match e.kind {
        MediaErrorKind::NotMedia => {
            let message = format!("{e}; raw frames need --size WxH, and --pix-fmt");
            SpecError::new(Fault::InputNotMedia, message).into()
        }
        _ => unusable(e),
    })?;
    drop(held);
    let cancel = stop.gently.clone();
    let options = FilesOptions { cancel, ..FilesOptions::default() };
    Ok(Box::new(Files::new(input, Vec::new(), options)?))
}

/// The audio, where some is asked for.
///
/// # Errors
/// Media; a pipe that cannot be made.
pub(super) fn encode_audio(
    spec: &JobSpec,
    stop: &Stop,
    dry_run: bool,
) -> Result<Option<Box<dyn Audio>>, PipelineError> {
    let rate = spec.audio_rate.and_then(|r| u32::try_from(r.0).ok()).unwrap_or(48_000);
    let channels = spec.audio_channels.and_then(|n| u8::try_from(n.0).ok()).unwrap_or(2);
    if let Some(path) = spec.audio_fifo.as_ref().filter(|_| !dry_run) {
        let feed = open_fifo(path, false, &stop.gently)?;
        return Ok(Some(Box::new(Piped::new(feed, rate, channels)?)));
    }
    let is_planned = spec.audio_fifo.is_some();
    let silence = PathBuf::from("silence");
    let Some(path) = spec.audio.as_ref().or(is_planned.then_some(&silence)) else {
        return Ok(None);
    };
    if path == Path::new("silence") {
        return Ok(Some(Box::new(Silence::new(rate, channels)?)));
    }
    let options = OpenOptions::files(&stop.gently);
    let input = Input::open_source(&InputSource::File(path.clone()), &options)?;
    Ok(Some(Box::new(Copied::new(input)?)))
}

fn slides(spec: &JobSpec, stop: &Stop) -> Result<Slides, PipelineError> {
    let options = OpenOptions::files(&stop.gently);
    let open = |path| Input::open_source(&InputSource::File(path), &options);
    let inputs = spec.image.iter().cloned().map(open).collect::<Result<Vec<_>, _>>()?;
    let duration = spec.duration.map_or(0, |d| d.nanoseconds());
    Ok(Slides::new(inputs, duration, rate(spec))?)
}
