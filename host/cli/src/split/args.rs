//! What `split` is told.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::args::{CrashPolicy, Json, LimitArguments};
use crate::inputs::{key_value, seconds, time};
use crate::watch::args::SubsamplingArgument;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  filmgate split -i http://camera/stream -o frames -p emboss --keep 1000\n  \
filmgate split -i rtsp://camera/1 -o frames --fps 2 --live --keep-for 24:00:00\n  \
filmgate split -i /dev/video0 -o frames --names 'template:pattern={date}/{time}-{number:06}.{ext}'\n  \
filmgate split -i film.mp4 -o stills --scene --names 'still%03d.png'\n\n\
Each picture appears under its name only when it is whole, and takes no other file's place: numbers go on\n\
behind the highest one that is there. A live source that stalls, ends or resets is opened again; Ctrl-C and\n\
SIGTERM end it at once, which is exit code 0."
)]
pub struct SplitArguments {
    /// What to read: a URL (http, https, rtsp, rtmp, udp, srt …), a camera (/dev/video0), a named
    /// pipe, a file, or - for standard input
    #[arg(short, long, value_name = "SOURCE")]
    pub input: PathBuf,
    /// The folder for the pictures; it is made if its parent is there. FOLDER/frame%06d.jpg says
    /// --names, too
    #[arg(short, long, value_name = "FOLDER")]
    pub output: PathBuf,
    /// A plugin to take each picture through: a name or the path of a .wasm file, with its
    /// parameters; may be given several times
    #[arg(short, long = "plugin", value_name = "PLUGIN[:key=value,…]")]
    pub plugins: Vec<String>,
    /// How pictures are called: a name with %d or %06d for the number, from 1, whose ending says
    /// the format; or a naming policy, such as template:pattern=… [default: frame%06d.jpg]
    #[arg(long, value_name = "NAME|PLUGIN", help_heading = "Pictures")]
    pub names: Option<String>,
    /// What pictures are written as: jpg, png, webp (without loss), bmp, tiff
    /// [default: by --names, or jpg]
    #[arg(long, value_name = "NAME", help_heading = "Pictures")]
    pub format: Option<String>,
    /// Quality of JPEG, from 1 to 100
    #[arg(long, value_name = "N", default_value_t = 85, value_parser = clap::value_parser!(u8).range(1..=100), help_heading = "Pictures")]
    pub quality: u8,
    /// Samples of colour in a JPEG
    #[arg(long, value_enum, default_value_t = SubsamplingArgument::Yuv420, help_heading = "Pictures")]
    pub subsampling: SubsamplingArgument,
    /// Wait for the disk with every picture, so that a power cut takes none that was seen
    #[arg(long, help_heading = "Pictures")]
    pub sync: bool,
    /// Take one picture of so many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), conflicts_with = "fps", help_heading = "Which pictures")]
    pub every: Option<u64>,
    /// Take at most so many a second: the first one at or behind each tick. None is doubled
    #[arg(long, value_name = "N", value_parser = rate, help_heading = "Which pictures")]
    pub fps: Option<f64>,
    /// Decode key frames alone, which is fast
    #[arg(long, help_heading = "Which pictures")]
    pub keyframes: bool,
    /// Take the first picture of each scene, found by the plugin `scene`
    #[arg(long, value_name = "THRESHOLD", num_args = 0..=1, require_equals = true, default_missing_value = "0.3", value_parser = threshold, help_heading = "Which pictures")]
    pub scene: Option<f64>,
    /// Begin at this time: seconds (12.5), or hours, minutes and seconds (1:02:03.5)
    #[arg(long, value_name = "TIME", value_parser = time, help_heading = "Which pictures")]
    pub start: Option<i64>,
    /// Take this much of the source
    #[arg(long, value_name = "TIME", value_parser = time, help_heading = "Which pictures")]
    pub duration: Option<i64>,
    /// End after this many pictures
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = "Which pictures")]
    pub max_frames: Option<u64>,
    /// Keep this many pictures in the folder: the oldest that filmgate itself has put there go
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = "Folder")]
    pub keep: Option<u64>,
    /// Keep pictures for this long
    #[arg(long, value_name = "TIME", value_parser = seconds, help_heading = "Folder")]
    pub keep_for: Option<Duration>,
    /// Drop pictures rather than fall behind a source that is faster than plugins and disk
    #[arg(long, help_heading = "Source")]
    pub live: bool,
    /// End when the source ends, breaks or stalls, instead of opening it again
    #[arg(long, help_heading = "Source")]
    pub once: bool,
    /// Wait for a source that is not there yet
    #[arg(long, help_heading = "Source")]
    pub wait: bool,
    /// How long a source on the network may be silent before it is opened again
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds, help_heading = "Source")]
    pub stall: Duration,
    /// How long opening the source may take
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds, help_heading = "Source")]
    pub open_timeout: Duration,
    /// libav's name of the source's format, where its content does not say: mpjpeg, v4l2, lavfi …
    #[arg(long, value_name = "NAME", help_heading = "Source")]
    pub input_format: Option<String>,
    /// An option of the source's format, as key=value (rtsp_transport=tcp); may be given several
    /// times
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value, help_heading = "Source")]
    pub input_option: Vec<(String, String)>,
    /// How many threads plugins and encoders get [default: one a processor]
    #[arg(env = "FILMGATE_WORKERS", hide_env_values = true, short = 'j', long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub workers: Option<u16>,
    /// What to do when a plugin breaks
    #[arg(env = "FILMGATE_ON_FAILURE", hide_env_values = true, long, value_enum, default_value_t = CrashPolicy::Fail, help_heading = "Plugins")]
    pub on_failure: CrashPolicy,
    #[command(flatten)]
    pub limits: LimitArguments,
    /// No progress bar and no summary
    #[arg(short, long)]
    pub quiet: bool,
    #[command(flatten)]
    pub json: Json,
    /// Print how it goes as JSON lines, ten a second at most
    #[arg(long, conflicts_with = "json")]
    pub progress_json: bool,
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate > 0.0 && rate <= 1e6 => Ok(rate),
        _ => Err("a number above 0 is wanted".to_owned()),
    }
}

fn threshold(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..=1.0).contains(&value) => Ok(value),
        _ => Err("a number from 0 to 1 is wanted".to_owned()),
    }
}
