//! `filmgate frame`: one picture of a video, through plugins, quickly.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::args::LimitArguments;
use super::exit::{Exit, WithExit};
use super::load::{self, Wanted};
use crate::cancel::Cancel;
use crate::media::{Input, OpenOptions};
use crate::pictures::{self, PictureKind};
use crate::pipeline::{StillJob, is_input};
use crate::plugin::{CodeCache, Engine, OnFailure};
use crate::publish;

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  filmgate frame -i holiday.mp4 --at 1:02.5 -p emboss --compare -o emboss.png\n\n\
Plugins that see frames in order get 32 frames from before that time first, so that filters over time\n\
show what they show in a whole run, as far as they look back no further."
)]
pub struct FrameArguments {
    /// The video to read
    #[arg(short, long, value_name = "FILE")]
    pub input: PathBuf,
    /// The time: seconds from the start, or hours, minutes and seconds with `:` between them
    #[arg(long, value_name = "TIME", default_value = "0", value_parser = time)]
    pub at: i64,
    /// A plugin to take the frame through, as for `run`; may be given several times
    #[arg(short, long = "plugin", value_name = "PLUGIN[:key=value,…]")]
    pub plugins: Vec<String>,
    /// The picture to write: .png, .jpg or .jpeg
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Replace the output if it is there already
    #[arg(short = 'y', long)]
    pub overwrite: bool,
    /// Put the frame as it is in the video on the left of it
    #[arg(long)]
    pub compare: bool,
    #[command(flatten)]
    pub limits: LimitArguments,
}

/// `12.5`, `1:02.5` or `1:00:02.5` in nanoseconds.
fn time(text: &str) -> Result<i64, String> {
    let wrong = || "seconds are wanted, or hours:minutes:seconds".to_owned();
    let parts: Vec<&str> = text.split(':').collect();
    let (last, before) = parts.split_last().ok_or_else(wrong)?;
    let plain = last.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let seconds: f64 = last.parse().map_err(|_| wrong())?;
    if !plain || before.len() > 2 || (!before.is_empty() && seconds >= 60.0) {
        return Err(wrong());
    }
    let mut whole = 0u64;
    for part in before {
        let number: u32 = part.parse().map_err(|_| wrong())?;
        whole = whole * 60 + u64::from(number);
    }
    let total = whole as f64 * 60.0 + seconds;
    // Ten years, far below what nanoseconds can count.
    if total > 3.2e8 { Err(wrong()) } else { Ok((total * 1e9).round() as i64) }
}

pub(super) fn run(arguments: &FrameArguments, cancel: &Cancel) -> Result<Exit> {
    let kind = PictureKind::of(&arguments.output)?;
    if is_input(&arguments.input, &arguments.output) {
        let message = format!("{}: the output is the input itself", arguments.output.display());
        return Err(WithExit::new(Exit::OutputIsInput, message).into());
    }
    publish::check(&arguments.output, arguments.overwrite)?;
    let engine = Engine::new(&CodeCache::ForUser, cancel)?;
    let limits = arguments.limits.limits();
    let wanted: Vec<Wanted<'_>> = arguments
        .plugins
        .iter()
        .map(|text| Wanted { text, limits: limits.clone(), on_failure: OnFailure::Fail })
        .collect();
    let plugins = load::plugins(&wanted, &engine, cancel)?;
    let input = Input::open(&arguments.input, &OpenOptions::files(cancel))?;
    let (at, compare) = (arguments.at, arguments.compare);
    let job = StillJob { at, plugins, formats: kind.formats(), compare };
    let still = job.run(input, engine.pool())?;
    pictures::save(&still.picture, &arguments.output, still.rotation, arguments.overwrite)?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::time;

    #[test]
    fn times_as_people_write_them() {
        assert_eq!(time("12.5"), Ok(12_500_000_000));
        assert_eq!(time("1:02.5"), Ok(62_500_000_000));
        assert_eq!(time("1:00:00"), Ok(3_600_000_000_000));
        assert_eq!(time("90"), Ok(90_000_000_000));
        for wrong in
            ["", "-1", "1:60", "a", "1:2:3:4", "inf", "nan", "1e9", "1:", ":1", "999999999"]
        {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }
}
