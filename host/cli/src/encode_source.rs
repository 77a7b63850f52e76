//! What `encode` reads: the arguments about pictures and sound, and what they come to.

use std::fs::File;
use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::path::Path;

use anyhow::{Result, anyhow};

use super::encode_args::{EncodeArguments, Matrix, Odd, SoundArguments};
use super::exit::{Exit, WithExit};
use filmgate_av::{Input, InputSource, MediaErrorKind, OpenOptions, RawFormat, is_pipe};
use filmgate_core::frame::{Color, PlanePool};
use filmgate_engine::encode::{
    Copied, Decoded, Feed, Fifo, Pictures, PipeFeed, Piped, Raw, RawStream, Silence, Slides, Sound,
    Stop,
};

/// The pictures, and what must live as long as they do.
pub(super) struct Source {
    pub(super) pictures: Box<dyn Pictures>,
    /// a pipe that libav reads by itself
    _fifo: Option<Fifo>,
}

impl Source {
    pub(super) fn open(
        arguments: &EncodeArguments,
        pool: &PlanePool,
        stop: &Stop,
    ) -> Result<Source> {
        let mut fifo = None;
        let pictures: Box<dyn Pictures> = match arguments.raw.size {
            _ if !arguments.image.is_empty() => Box::new(slides(arguments, stop)?),
            Some(size) => {
                // Everything that can be wrong with the description, before a pipe is made.
                let stream = raw_stream(arguments, size)?;
                Box::new(Raw::new(feed(arguments, stop)?, stream, pool))
            }
            None => Box::new(decoded(arguments, stop, &mut fifo)?),
        };
        Ok(Source { pictures, _fifo: fifo })
    }
}

fn usage(message: impl Into<String>) -> anyhow::Error {
    WithExit::new(Exit::Usage, message).into()
}

fn raw_stream(arguments: &EncodeArguments, (width, height): (u32, u32)) -> Result<RawStream> {
    let raw = &arguments.raw;
    let format = RawFormat::new(&raw.pix_fmt, width, height)
        .map_err(|e| usage(format!("--pix-fmt {}: {}", raw.pix_fmt, e.message)))?;
    let shift = filmgate_av::pixel_format(&arguments.encoding.output_pix_fmt)
        .map_or((0, 0), |f| f.chroma_shift());
    let odd = (shift.0 > 0 && width % 2 == 1) || (shift.1 > 0 && height % 2 == 1);
    if odd && raw.odd == Odd::Refuse {
        let wanted = &arguments.encoding.output_pix_fmt;
        return Err(usage(format!(
            "--size {width}x{height}: {wanted} has even sizes only; --odd pad repeats the last row or column, \
--output-pix-fmt yuv444p keeps the size"
        )));
    }
    let color = color(raw.matrix, height, &format);
    Ok(RawStream { format, rate: raw.rate, color, even: odd })
}

/// What the pictures are marked with: the matrix that RGB is really converted by. YUV comes as it
/// is; what people write into pipes is of the matrix that its size suggests.
fn color(matrix: Matrix, height: u32, format: &RawFormat) -> Color {
    let hd = match matrix {
        Matrix::Auto => height >= 720,
        Matrix::Bt601 => false,
        Matrix::Bt709 => true,
    };
    Color::of_screen(hd, format.is_full_range())
}

/// The bytes of raw pictures.
fn feed(arguments: &EncodeArguments, stop: &Stop) -> Result<Box<dyn Feed>> {
    let stop = &stop.gently;
    if let Some(path) = &arguments.fifo {
        return Ok(Box::new(open_fifo(path, arguments.raw.stay, stop)?));
    }
    let path = arguments.input.as_deref().unwrap_or(Path::new("-"));
    if path == Path::new("-") {
        check_stdin()?;
        let stdin = std::io::stdin().as_fd().try_clone_to_owned()?;
        return Ok(Box::new(PipeFeed::open(File::from(stdin), "stdin", stop)));
    }
    if is_pipe(path) {
        return Ok(Box::new(open_fifo(path, false, stop)?));
    }
    let name = path.display().to_string();
    let missing = |e| WithExit::new(Exit::InputMissing, format!("open {name}: {e}"));
    let file = File::open(path).map_err(missing)?;
    Ok(Box::new(PipeFeed::open(file, &name, stop)))
}

fn open_fifo(path: &Path, stay: bool, stop: &filmgate_core::cancel::Cancel) -> Result<PipeFeed> {
    let refused = |e| WithExit::new(Exit::InputMissing, e);
    let fifo = Fifo::make_or_take(path).map_err(refused)?;
    Ok(PipeFeed::fifo(fifo, stay, stop).map_err(refused)?)
}

fn check_stdin() -> Result<()> {
    match std::io::stdin().is_terminal() {
        true => Err(usage("-i -: standard input is a terminal; pipe pictures into it")),
        false => Ok(()),
    }
}

/// Pictures that say themselves what they are.
fn decoded(arguments: &EncodeArguments, stop: &Stop, fifo: &mut Option<Fifo>) -> Result<Decoded> {
    let mut options = OpenOptions::files(&stop.gently);
    let mut held = None;
    let source = match (&arguments.fifo, &arguments.input) {
        (Some(path), _) => {
            let mut feed = open_fifo(path, false, &stop.gently)?;
            if !feed.wait_for_writer()? {
                return Err(filmgate_engine::pipeline::PipelineError::Interrupted.into());
            }
            let (pipe, end) = feed.into_fifo();
            (*fifo, held) = (pipe, Some(end));
            InputSource::Pipe(Some(path.clone()))
        }
        (None, Some(input)) => InputSource::parse(input.as_os_str(), None),
        (None, None) => return Err(anyhow!("there is no input")),
    };
    if source == InputSource::Pipe(None) {
        check_stdin()?;
    }
    if matches!(&source, InputSource::Named { format, .. } if format == "image2") {
        let rate = arguments.raw.rate.to_string();
        options.format_options.push(("framerate".to_owned(), rate));
    }
    let input = Input::open_source(&source, &options).map_err(|e| match e.kind {
        MediaErrorKind::NotMedia => anyhow::Error::from(WithExit::new(
            Exit::InputNotMedia,
            format!("{e}; raw pictures need --size WxH, and --pix-fmt"),
        )),
        _ => e.into(),
    })?;
    drop(held);
    Ok(Decoded::new(input)?)
}

/// The sound, where some is asked for.
pub(super) fn sound(arguments: &EncodeArguments, stop: &Stop) -> Result<Option<Box<dyn Sound>>> {
    let SoundArguments { audio, audio_fifo, audio_rate: rate, audio_channels: channels } =
        &arguments.sound;
    if let Some(path) = audio_fifo {
        let feed = open_fifo(path, false, &stop.gently)?;
        return Ok(Some(Box::new(Piped::new(feed, *rate, *channels)?)));
    }
    match audio {
        None => Ok(None),
        Some(word) if word == Path::new("silence") => {
            Ok(Some(Box::new(Silence::new(*rate, *channels)?)))
        }
        Some(path) => {
            let options = OpenOptions::files(&stop.gently);
            let input = Input::open_source(&InputSource::File(path.clone()), &options)?;
            Ok(Some(Box::new(Copied::new(input)?)))
        }
    }
}

fn slides(arguments: &EncodeArguments, stop: &Stop) -> Result<Slides> {
    let options = OpenOptions::files(&stop.gently);
    let open = |path| Input::open_source(&InputSource::File(path), &options);
    let inputs = arguments.image.iter().cloned().map(open).collect::<Result<Vec<_>, _>>()?;
    let duration = arguments.raw.duration.filter(|d| *d > 0);
    let duration = duration.ok_or_else(|| usage("--duration: more than 0 is wanted"))?;
    Ok(Slides::new(inputs, duration, arguments.raw.rate)?)
}
