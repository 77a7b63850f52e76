//! What `run` reads: the arguments about inputs, and the inputs opened.

use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use clap::Args;

use super::args::RunArguments;
use super::exit::{Exit, WithExit};
use filmgate_av::{
    Input, InputSource, MediaError, MediaErrorKind, OpenOptions, StreamKind, check_input_format,
};
use filmgate_core::cancel::Cancel;
use filmgate_core::collide::Files;
use filmgate_engine::pipeline::{Selection, Window};
use filmgate_engine::spec::{self, StreamChoice};

/// Which part of the input, and which of its streams.
#[derive(Debug, Args)]
#[command(next_help_heading = "Input")]
pub struct InputArguments {
    /// Begin at this time: seconds (12.5), or hours, minutes and seconds (1:02:03.5)
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub start: Option<i64>,
    /// Take this much of it
    #[arg(long, value_name = "TIME", value_parser = length)]
    pub duration: Option<i64>,
    /// Take this many pictures of it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_frames: Option<u64>,
    /// Take these streams only: v (video), a (audio), s (subtitles), d (data), t (attachments),
    /// with a number for one of them (a:1), or the number of a stream (2 or 0:2); -a:1 takes all
    /// but that. May be given several times
    #[arg(long, value_name = "STREAMS", allow_hyphen_values = true, value_parser = clap::value_parser!(StreamChoice))]
    pub map: Vec<StreamChoice>,
    /// Leave out all sound
    #[arg(long)]
    pub no_audio: bool,
    /// libav's name of the input's format, where its content does not say: rawvideo, lavfi, v4l2,
    /// or a playlist's (hls, dash, concat)
    #[arg(long, value_name = "NAME")]
    pub input_format: Option<String>,
    /// An option of the input's format, as key=value (video_size=1280x720); may be given several
    /// times
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    pub input_option: Vec<(String, String)>,
    /// How long opening an input may take, and how long a server may be silent
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub open_timeout: Duration,
}

impl InputArguments {
    pub fn window(&self) -> Window {
        Window {
            start: self.start.unwrap_or(0),
            duration: self.duration,
            max_frames: self.max_frames,
        }
    }
}

/// A time in nanoseconds, as people write it: `12.5`, `1:30`, `1:02:03.5`, `500ms`.
pub(super) fn time(text: &str) -> Result<i64, String> {
    let wrong = || format!("{text:?} is no time; 12.5 or 1:02:03.5 is wanted");
    let (number, unit) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(number), _) => (number, 1e6),
        (None, Some(number)) => (number, 1e9),
        (None, None) => (text, 1e9),
    };
    let parts: Vec<&str> = number.split(':').collect();
    let plain =
        |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if parts.len() > 3 || !parts.iter().all(plain) || (parts.len() > 1 && number.len() < text.len())
    {
        return Err(wrong());
    }
    let mut seconds = 0.0;
    for (index, part) in parts.iter().enumerate() {
        let last = index + 1 == parts.len();
        let value: f64 = part.parse().map_err(|_| wrong())?;
        if (!last && value.fract() != 0.0) || (index > 0 && value >= 60.0) {
            return Err(wrong());
        }
        seconds = seconds * 60.0 + value;
    }
    let time = (seconds * unit).round();
    // A hundred years.
    if time < 3.2e18 { Ok(time as i64) } else { Err(wrong()) }
}

fn length(text: &str) -> Result<i64, String> {
    match time(text)? {
        0 => Err("more than 0 is wanted".to_owned()),
        length => Ok(length),
    }
}

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    Ok(Duration::from_nanos(length(text)?.unsigned_abs()))
}

pub(super) fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("{text:?} is not KEY=VALUE")),
    }
}

/// Opens all inputs, in their order; there is at least one.
pub(super) fn open(arguments: &RunArguments, cancel: &Cancel) -> Result<Vec<Input>> {
    let reading = &arguments.reading;
    if let Some(format) = &reading.input_format {
        check_input_format(format).map_err(|e| WithExit::new(Exit::Usage, e.message))?;
    }
    let sized = reading.input_option.iter().any(|(key, _)| key == "video_size");
    if reading.input_format.as_deref() == Some("rawvideo") && !sized {
        let message = "--input-format rawvideo: raw pictures do not say how large they are; add \
                       --input-option video_size=WIDTHxHEIGHT, and pixel_format= and framerate= \
                       unless they are yuv420p at 25 a second";
        return Err(WithExit::new(Exit::Usage, message).into());
    }
    let options = OpenOptions {
        deadline: reading.open_timeout,
        silence: reading.open_timeout,
        format: reading.input_format.clone(),
        format_options: reading.input_option.clone(),
        ..OpenOptions::files(cancel)
    };
    let named = reading.input_format.as_deref();
    let sources = arguments.input.iter().map(|text| InputSource::parse(text.as_os_str(), named));
    let sources: Vec<InputSource> = sources.collect();
    check_stdin(sources.iter().filter(|s| **s == InputSource::Pipe(None)).count())?;
    let mut opened = Vec::with_capacity(sources.len());
    for source in sources {
        opened.push(Input::open_source(&source, &options).map_err(unusable)?);
    }
    let whole = opened.iter().map(|i| i.facts().duration).sum::<Option<i64>>();
    check_start(reading.start, whole, &opened[0])?;
    Ok(opened)
}

/// An option of the input's that does not exist is the user's mistake.
pub(super) fn unusable(error: MediaError) -> anyhow::Error {
    match error.kind {
        MediaErrorKind::Unsupported => WithExit::new(Exit::Usage, error.message).into(),
        _ => error.into(),
    }
}

/// Whether the input lasts until `--start`. `whole`: nanoseconds.
pub(super) fn check_start(start: Option<i64>, whole: Option<i64>, input: &Input) -> Result<()> {
    match (start, whole) {
        (Some(start), Some(whole)) if start >= whole => {
            let (start, whole) = (start as f64 / 1e9, whole as f64 / 1e9);
            let name = input.path().display();
            let message = format!("--start {start}: {name} is over at {whole:.2} s");
            Err(WithExit::new(Exit::Usage, message).into())
        }
        _ => Ok(()),
    }
}

/// Standard input can be read once, and not where it is a terminal.
pub(super) fn check_stdin(count: usize) -> Result<(), WithExit> {
    let wrong = match count {
        1 if std::io::stdin().is_terminal() => {
            "-i -: standard input is a terminal; pipe a video into it"
        }
        0 | 1 => return Ok(()),
        _ => "-i -: standard input can be read once only",
    };
    Err(WithExit::new(Exit::Usage, wrong))
}

/// The streams that were asked for.
pub(super) fn selection(arguments: &RunArguments, input: &Input) -> Result<Selection> {
    let reading = &arguments.reading;
    let mut selection = spec::select(&reading.map, input)?;
    if reading.no_audio {
        let streams = &input.facts().streams;
        let sound = |i: &usize| streams.get(*i).is_some_and(|s| s.kind == StreamKind::Audio);
        match &mut selection.copied {
            Some(copied) => copied.retain(|i| !sound(i)),
            None => selection.without = streams.iter().map(|s| s.index).filter(sound).collect(),
        }
    }
    Ok(selection)
}

/// Adds an input to what a job reads: the file, the pictures that a name with a number stands for,
/// or a playlist with its files.
pub(super) fn add(files: &mut Files, what: &str, input: &Path, format: Option<&str>) {
    match InputSource::parse(input.as_os_str(), format) {
        InputSource::File(path) => files.reads(what, &path),
        InputSource::Named { name, format } => {
            let path = Path::new(name.strip_prefix("file:").unwrap_or(&name));
            match &*format {
                "hls" | "concat" => files.reads_playlist(what, path),
                _ => files.reads(what, path),
            }
        }
        InputSource::Url(_) | InputSource::Pipe(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        const S: i64 = 1_000_000_000;
        for (text, wanted) in [
            ("0", 0),
            ("12.5", 12 * S + S / 2),
            ("90", 90 * S),
            ("1:30", 90 * S),
            ("1:02:03.5", 3_723 * S + S / 2),
            ("0:00.04", 40_000_000),
            ("500ms", S / 2),
            ("2s", 2 * S),
        ] {
            assert_eq!(time(text), Ok(wanted), "{text}");
        }
        for text in [
            "",
            "-1",
            "1:",
            "1:60",
            "1.5:00",
            "1:2:3:4",
            "abc",
            "1e3",
            "nan",
            "1:30s",
            "9".repeat(30).as_str(),
        ] {
            assert!(time(text).is_err(), "{text}");
        }
    }
}
