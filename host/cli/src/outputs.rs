//! What `run` writes: the arguments about the output, and what they come to.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use super::args::RunArguments;
use super::exit::{Exit, WithExit};
use super::inputs::key_value;
use filmgate_av::{
    EncodeOptions, MediaError, Muxer, check_words, default_encoder, default_format, encoder_named,
    numbered, picture_encoder, pixel_format, scheme,
};
use filmgate_core::collide::Files;
use filmgate_core::publish;
use filmgate_core::url::Url;
use filmgate_engine::pipeline::{PipelineError, Target};

/// How to encode, and into what.
#[derive(Debug, Args)]
#[command(next_help_heading = "Encoding")]
pub struct OutputArguments {
    /// The container, where the output's ending does not say
    #[arg(long, value_name = "NAME")]
    pub format: Option<String>,
    /// The encoder: h264, hevc, vp9, av1, ffv1, gif …, or libav's name of one (libx264)
    /// [default: what the container is made for, h264 where it takes all]
    #[arg(long, value_name = "NAME")]
    pub codec: Option<String>,
    /// The encoder's preset: for x264 ultrafast to placebo, the slower, the smaller the output
    #[arg(env = "FILMGATE_PRESET", hide_env_values = true, long, value_name = "NAME")]
    pub preset: Option<String>,
    /// Constant quality on the encoder's own scale: for x264 0 (lossless) to 51 (worst), usually 23
    #[arg(env = "FILMGATE_CRF", hide_env_values = true, long, value_name = "N", value_parser = crf)]
    pub crf: Option<f64>,
    /// Bits a second instead of constant quality: 800k, 2.5M
    #[arg(long, value_name = "RATE", value_parser = bit_rate, conflicts_with = "crf")]
    pub bitrate: Option<i64>,
    /// What the encoder is to be tuned for: for x264 film, animation, grain, zerolatency …
    #[arg(long, value_name = "NAME")]
    pub tune: Option<String>,
    /// The pixel format to encode: yuv420p, yuv444p, yuv420p10, rgb24 …
    #[arg(long, value_name = "NAME")]
    pub pix_fmt: Option<String>,
    /// Any other option of the encoder, as key=value; may be given several times
    #[arg(short = 'x', long = "encoder-option", value_name = "KEY=VALUE", value_parser = key_value)]
    pub encoder_options: Vec<(String, String)>,
}

pub(super) fn crf(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..=255.0).contains(&value) => Ok(value),
        _ => Err("a number from 0 (best) on is wanted".to_owned()),
    }
}

/// `800k`, `2.5M`, `128000`.
pub(super) fn bit_rate(text: &str) -> Result<i64, String> {
    let (number, unit) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (&text[..at], 1e3),
        Some((at, 'm' | 'M')) => (&text[..at], 1e6),
        Some((at, 'g' | 'G')) => (&text[..at], 1e9),
        _ => (text, 1.0),
    };
    match number.parse::<f64>().map(|n| n * unit) {
        Ok(rate) if (1.0..=1e12).contains(&rate) => Ok(rate.round() as i64),
        _ => Err(format!("{text:?} is no bit rate; 800k or 2.5M is wanted")),
    }
}

/// What the arguments come to.
pub(super) struct Output {
    pub(super) target: Target,
    /// libav's name of the container; none for pictures
    pub(super) format: Option<String>,
    pub(super) encode: EncodeOptions,
}

/// Finds out what is to be written, and that nothing is in its way, before anything is touched.
pub(super) fn plan(arguments: &RunArguments) -> Result<Output> {
    let target = target(arguments)?;
    let encoding = &arguments.encoding;
    let explicit = encoding.format.as_deref();
    let ending = ending(&arguments.output);
    let (format, usual) = match &target {
        Target::Pictures(_) => (None, picture_encoder(&ending).unwrap_or("png")),
        Target::File(path) => named(Muxer::format_for(path, explicit)?),
        Target::Stdout => named(format_of(explicit, "pipe")?),
        Target::Url(url) => {
            let url = scheme(url.secret()).unwrap_or_default();
            named(format_of(explicit, &url)?)
        }
    };
    let codec = encoding.codec.as_deref().unwrap_or(usual);
    let encode = encode_options(encoding, encoder_named(codec)?)?;
    Ok(Output { target, format, encode })
}

fn named(format: String) -> (Option<String>, &'static str) {
    let codec = default_encoder(&format);
    (Some(format), codec)
}

fn format_of(explicit: Option<&str>, scheme: &str) -> Result<String, MediaError> {
    Muxer::format_for(Path::new(""), Some(explicit.unwrap_or(default_format(scheme))))
}

fn target(arguments: &RunArguments) -> Result<Target> {
    let text = arguments.output.to_string_lossy();
    if text == "-" {
        check_stdout(arguments)?;
        return Ok(Target::Stdout);
    }
    if scheme(&text).is_some_and(|s| s != "file") {
        return Ok(Target::Url(Url::push(text)));
    }
    let path = local(&arguments.output);
    let picture = picture_encoder(&ending(&path)).is_some();
    if arguments.encoding.format.is_none() && picture {
        if !numbered(&text) {
            if arguments.reading.max_frames.is_some_and(|n| n > 1) {
                let message = format!(
                    "{}: that is one picture; number them (out-%06d.png), or take one with \
                     --max-frames 1",
                    path.display()
                );
                return Err(WithExit::new(Exit::Usage, message).into());
            }
            publish::check(&path, arguments.overwrite)?;
        }
        return Ok(Target::Pictures(path));
    }
    publish::check(&path, arguments.overwrite)?;
    Ok(Target::File(path))
}

/// The path of an output, without `file:`.
fn local(output: &Path) -> PathBuf {
    match output.to_string_lossy().strip_prefix("file:") {
        Some(path) => PathBuf::from(path),
        None => output.to_owned(),
    }
}

/// Adds an output to what a job writes, where it is a file or pictures.
pub(super) fn add(files: &mut Files, what: &str, output: &Path) {
    let text = output.to_string_lossy();
    if text != "-" && scheme(&text).is_none_or(|s| s == "file") {
        files.writes(what, &local(output));
    }
}

fn check_stdout(arguments: &RunArguments) -> Result<(), WithExit> {
    let wrong = match () {
        () if arguments.json.json => "-o - and --json: both want standard output",
        () if std::io::stdout().is_terminal() => {
            "-o -: standard output is a terminal; pipe it into something, or into a file"
        }
        () => return Ok(()),
    };
    Err(WithExit::new(Exit::Usage, wrong))
}

fn ending(path: &Path) -> String {
    path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
}

fn encode_options(encoding: &OutputArguments, codec: String) -> Result<EncodeOptions> {
    if let Some(crf) = encoding.crf.filter(|c| *c > 51.0 && codec.starts_with("libx26")) {
        let message = format!("--crf {crf}: {codec} takes 0 to 51");
        return Err(WithExit::new(Exit::Usage, message).into());
    }
    check_words(&codec, encoding.preset.as_deref(), encoding.tune.as_deref())
        .map_err(|e| WithExit::new(Exit::Usage, e.message))?;
    let pixel_format = encoding.pix_fmt.as_deref().map(pixel_format).transpose();
    Ok(EncodeOptions {
        codec,
        preset: encoding.preset.clone(),
        tune: encoding.tune.clone(),
        crf: encoding.crf,
        bit_rate: encoding.bitrate,
        pixel_format: pixel_format.map_err(|e| WithExit::new(Exit::Usage, e.message))?,
        options: encoding.encoder_options.clone(),
        ..EncodeOptions::default()
    })
}

/// Whether a job ended because whoever read its standard output had enough (`| head`): no fault.
pub(super) fn is_left_by_its_reader(error: &anyhow::Error, target: &Target) -> bool {
    let error = error.downcast_ref::<PipelineError>();
    *target == Target::Stdout
        && matches!(error, Some(PipelineError::Media(e)) if e.is_broken_pipe())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bit_rates_have_units() {
        assert_eq!(bit_rate("800k"), Ok(800_000));
        assert_eq!(bit_rate("2.5M"), Ok(2_500_000));
        assert_eq!(bit_rate("128000"), Ok(128_000));
        for text in ["", "k", "-1k", "2.5MB", "fast"] {
            assert!(bit_rate(text).is_err(), "{text}");
        }
    }
}
