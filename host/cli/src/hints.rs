//! What to type instead, added to errors of usage: for options of FFmpeg, and for files that are
//! given without `-i` and `-o`. Nothing is guessed: the command is not run.

use std::ffi::OsString;
use std::path::Path;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, Error};

/// Options of FFmpeg, without what follows a colon (`-c:v`), and what does the same here.
const FFMPEG: [(&str, &str); 32] = [
    ("-vf", FILTERS),
    ("-filter", FILTERS),
    ("-filter_complex", FILTERS),
    ("-lavfi", FILTERS),
    ("-af", "audio is copied as it is; there are no audio filters"),
    ("-c", CODEC),
    ("-codec", CODEC),
    ("-vcodec", CODEC),
    ("-acodec", "audio is copied as it is; --no-audio leaves it out"),
    ("-b", "the bit rate is --bitrate RATE, such as --bitrate 2.5M"),
    ("-ss", "the beginning is --start TIME; the time of one frame is `filmgate frame --at TIME`"),
    ("-t", "the length is --duration TIME"),
    ("-to", "the length is --duration TIME: the end less the value of --start"),
    ("-r", RATE),
    ("-framerate", RATE),
    (
        "-s",
        "raw frames for `encode` have --size WIDTHxHEIGHT; a plugin changes the size of frames, see `filmgate plugin list`",
    ),
    (
        "-video_size",
        "the size of raw frames is --size WIDTHxHEIGHT; of a camera, --input-option video_size=WIDTHxHEIGHT",
    ),
    (
        "-f",
        "the container of the output is --format NAME; the format of the input is --input-format NAME",
    ),
    ("-map", "streams are selected with --map: --map v --map a:1"),
    ("-an", "--no-audio leaves out all audio"),
    ("-sn", "--map -s leaves out all subtitles"),
    ("-vn", "each output holds video; `ffmpeg -vn -c copy` extracts audio"),
    ("-pix_fmt", "the pixel format is --pix-fmt NAME"),
    ("-preset", "the preset is --preset NAME"),
    ("-crf", "the quality is --crf N"),
    ("-g", "the time between keyframes is --keyframe-interval SECONDS"),
    ("-vframes", "the number of frames is --max-frames N"),
    ("-frames", "the number of frames is --max-frames N"),
    ("-re", "--realtime paces frames by their timestamps"),
    ("-loglevel", "RUST_LOG=debug shows more messages, -q fewer"),
    ("-hide_banner", "there is no banner; -q leaves out progress and summary"),
    ("-threads", "-j N sets the threads of plugins"),
];

const FILTERS: &str = "filters are plugins here: -p NAME:key=value, repeated for a chain; `filmgate plugin list` shows them";
const CODEC: &str = "the video encoder is --codec NAME; audio is copied as it is, and `filmgate join` copies video too";
const RATE: &str = "the rate of raw frames and numbered images is --rate N for `encode`, --input-option framerate=N for `run`; images per second of `split` are --fps N";

/// Adds a tip to an error of clap where the command line tells what was meant.
pub(super) fn add(error: &mut Error, line: &[OsString], command: &Command) {
    let of_environment = || of_environment(error, line, command);
    let Some(tip) = tip(error.kind(), line, command).or_else(of_environment) else { return };
    error.remove(ContextKind::SuggestedArg);
    let tips = ContextValue::StyledStrs(vec![StyledStr::from(tip)]);
    error.insert(ContextKind::Suggested, tips);
}

/// Which variable of the environment a value comes from that nobody has typed.
fn of_environment(error: &Error, line: &[OsString], command: &Command) -> Option<String> {
    let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let option = option.split_whitespace().next()?;
    let verb = command.find_subcommand(line.get(1)?)?;
    let argument = verb.get_arguments().find(|a| a.get_long() == option.strip_prefix("--"))?;
    let short = argument.get_short().map(|short| format!("-{short}"));
    let is_typed = |word: &OsString| {
        let word = word.to_string_lossy();
        word.starts_with(option) || short.as_ref().is_some_and(|short| word.starts_with(short))
    };
    let name = argument.get_env()?.to_str().filter(|name| std::env::var_os(name).is_some())?;
    let is_free = !line.iter().any(is_typed);
    is_free.then(|| format!("the value is that of {name} in the environment"))
}

fn tip(kind: ErrorKind, line: &[OsString], command: &Command) -> Option<String> {
    let words: Vec<&str> = line.iter().skip(1).map(|w| w.to_str().unwrap_or("?")).collect();
    let (first, rest) = words.split_first()?;
    match kind {
        ErrorKind::InvalidSubcommand if is_media(first) => Some(format!(
            "to filter a video: {}",
            with_options("run", &words, command.find_subcommand("run"))
        )),
        ErrorKind::InvalidSubcommand | ErrorKind::UnknownArgument => {
            let own = words.iter().find_map(|word| of_ffmpeg(word));
            own.map(str::to_owned).or_else(|| {
                let verb = command.find_subcommand(first)?;
                let takes = |long: &str| verb.get_arguments().any(|a| a.get_long() == Some(long));
                let fits = takes("input") && takes("output");
                let tip = || with_options(verb.get_name(), rest, Some(verb));
                fits.then(tip)
                    .filter(|tip| *tip != format!("filmgate {}", words.join(" ")))
                    .map(|tip| format!("inputs follow -i, and the output follows -o: {tip}"))
            })
        }
        _ => None,
    }
}

fn of_ffmpeg(word: &str) -> Option<&'static str> {
    let name = word.split(':').next().unwrap_or(word);
    FFMPEG.iter().find(|(option, _)| *option == name).map(|(_, tip)| *tip)
}

/// Whether a word in the place of a verb looks like a file.
fn is_media(word: &str) -> bool {
    !word.starts_with('-') && (Path::new(word).exists() || word.contains(['.', '/']))
}

/// The command with `-i` and `-o` before the words that stand alone: the last one is the output,
/// unless one is given.
fn with_options(name: &str, words: &[&str], verb: Option<&Command>) -> String {
    let takes_value = |word: &str| {
        let is = |a: &&clap::Arg| {
            let short = a.get_short().is_some_and(|s| word == format!("-{s}"));
            let long = a.get_long().is_some_and(|l| word == format!("--{l}"));
            (short || long) && a.get_action().takes_values()
        };
        verb.is_some_and(|verb| verb.get_arguments().find(is).is_some())
    };
    let is_given = |names: [&str; 2]| words.iter().any(|w| names.contains(w));
    let (has_input, has_output) = (is_given(["-i", "--input"]), is_given(["-o", "--output"]));
    let mut alone: Vec<bool> = Vec::with_capacity(words.len());
    for (index, word) in words.iter().enumerate() {
        let is_value = index > 0 && takes_value(words[index - 1]);
        alone.push(!is_value && (*word == "-" || !word.starts_with('-')));
    }
    let last = alone.iter().rposition(|alone| *alone).filter(|_| !has_output);
    // A single file is the input, as long as there is none.
    let last = last.filter(|_| has_input || alone.iter().filter(|a| **a).count() > 1);
    let mut out = format!("filmgate {name}");
    for (index, word) in words.iter().enumerate() {
        let option = match (alone[index], Some(index) == last) {
            (true, true) => "-o ",
            (true, false) => "-i ",
            (false, _) => "",
        };
        out.push_str(&format!(" {option}{}", quoted(word)));
    }
    if last.is_none() && !has_output {
        out.push_str(" -o OUTPUT");
    }
    out
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:=,+%@".contains(c);
    match word.chars().all(is_plain) && !word.is_empty() {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Arguments;
    use clap::{CommandFactory, Parser};

    fn said(line: &str) -> String {
        let line: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let mut error = Arguments::try_parse_from(&line).expect_err("wrong");
        let mut command = Arguments::command();
        command.build();
        add(&mut error, &line, &command);
        error.render().to_string()
    }

    #[test]
    fn files_without_options_are_told_with_them() {
        for (line, wanted) in [
            ("filmgate in.mp4 out.mp4", "filmgate run -i in.mp4 -o out.mp4\n"),
            ("filmgate in.mp4 -p emboss out.mp4", "tip: to filter a video"),
            ("filmgate run in.mp4 out.mp4", "filmgate run -i in.mp4 -o out.mp4\n"),
            (
                "filmgate run a.mp4 b.mp4 -p emboss out.mp4",
                "-i a.mp4 -i b.mp4 -p emboss -o out.mp4\n",
            ),
            ("filmgate run -i in.mp4 out.mp4", "filmgate run -i in.mp4 -o out.mp4\n"),
            ("filmgate frame in.mp4 -o a.png", "filmgate frame -i in.mp4 -o a.png\n"),
            ("filmgate split in.mp4", "filmgate split -i in.mp4 -o OUTPUT\n"),
        ] {
            let said = said(line);
            assert!(said.contains(wanted), "{line}: {said}");
        }
    }

    #[test]
    fn options_of_ffmpeg_are_told_as_ours() {
        for (line, wanted) in [
            ("filmgate run -i a -vf scale=3 -o b", "-p NAME"),
            ("filmgate run -i a -filter_complex x -o b", "-p NAME"),
            ("filmgate run -i a -c:v libx264 -o b", "--codec"),
            ("filmgate run -i a -ss 3 -o b", "--start"),
            ("filmgate run -i a -t 3 -o b", "--duration"),
            ("filmgate run -i a -r 3 -o b", "--fps"),
            ("filmgate run -i a -s 3x3 -o b", "--size"),
            ("filmgate run -i a -preset fast -o b", "--preset"),
            ("filmgate -i a -c copy b", "filmgate join"),
        ] {
            let said = said(line);
            assert!(said.contains("tip: ") && said.contains(wanted), "{line}: {said}");
        }
        assert!(said("filmgate run -i a -o b --crff 3").contains("--crf"));
    }
}
