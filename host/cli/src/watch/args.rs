//! What `watch` is told.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::args::{CrashPolicy, Json, LimitArguments};
use crate::inputs::seconds;
use filmgate_picture::Subsampling;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  filmgate watch frames -o embossed -p emboss --names flatten\n  \
filmgate watch inbox -o done -p watermark:image=logo.png --originals move:originals --quarantine bad\n  \
filmgate watch inbox -o done -p emboss --once\n  \
filmgate watch --status inbox\n\n\
SIGTERM and Ctrl-C end it with the files in hand done; SIGHUP loads the plugins anew. A plugin file\n\
that changes is loaded anew between two pictures."
)]
pub struct WatchArguments {
    /// The folder to watch, with all folders below it
    pub folder: PathBuf,
    /// The folder for what comes out; it is made if its parent is there
    #[arg(short, long, value_name = "FOLDER", required_unless_present = "status")]
    pub output: Option<PathBuf>,
    /// A plugin to take each picture through: a name or the path of a .wasm file, with its
    /// parameters; may be given several times
    #[arg(short, long = "plugin", value_name = "PLUGIN[:key=value,…]")]
    pub plugins: Vec<String>,
    /// A file with more plugins, one a line as -p takes them; read anew on SIGHUP
    #[arg(long, value_name = "FILE", help_heading = "Plugins")]
    pub plugin_list: Option<PathBuf>,
    /// The naming policy for outputs: mirror keeps sub-folders, flatten makes one name of the
    /// path, template:pattern=… takes any pattern
    #[arg(long, value_name = "PLUGIN[:key=value,…]", default_value = "mirror")]
    pub names: String,
    /// Take only files that fit: `*.jpg`, `cam*/*.png`; without a / it is for the file's name. May
    /// be given several times [default: endings of pictures and videos]
    #[arg(long, value_name = "GLOB", help_heading = "Files")]
    pub include: Vec<String>,
    /// Leave files that fit alone
    #[arg(long, value_name = "GLOB", help_heading = "Files")]
    pub exclude: Vec<String>,
    /// Without the folders below it
    #[arg(long, help_heading = "Files")]
    pub flat: bool,
    /// What becomes of an original whose output is published: keep, delete or move:FOLDER
    #[arg(long, value_name = "WHAT", default_value = "keep", value_parser = originals, help_heading = "Files")]
    pub originals: OriginalsArgument,
    /// Where files go that cannot be converted [default: they stay]
    #[arg(long, value_name = "FOLDER", help_heading = "Files")]
    pub quarantine: Option<PathBuf>,
    /// Replace files that are in the output folder already
    #[arg(short = 'y', long, help_heading = "Files")]
    pub overwrite: bool,
    /// What pictures are written as: jpg, png, webp, bmp, tiff, or same
    #[arg(long, value_name = "NAME", help_heading = "Pictures")]
    pub format: Option<String>,
    /// Quality of JPEG, from 1 to 100
    #[arg(long, value_name = "N", default_value_t = 75, value_parser = clap::value_parser!(u8).range(1..=100), help_heading = "Pictures")]
    pub quality: u8,
    /// Samples of colour in a JPEG
    #[arg(long, value_enum, default_value_t = SubsamplingArgument::Yuv420, help_heading = "Pictures")]
    pub subsampling: SubsamplingArgument,
    /// Process what is there, and end
    #[arg(long)]
    pub once: bool,
    /// Look through the folder so often instead of listening to it: for network folders, where
    /// this is the default, with 1 s
    #[arg(long, value_name = "SECONDS", value_parser = seconds, help_heading = "Files")]
    pub poll: Option<Duration>,
    /// How long a file has to rest where the system does not tell whether somebody writes to it
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = seconds, help_heading = "Files")]
    pub settle: Duration,
    /// How many files are worked on at a time [default: two more than processors]
    #[arg(short = 'j', long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub workers: Option<u16>,
    /// What to do when a plugin breaks; with bypass, the originals of such files stay
    #[arg(long, value_enum, default_value_t = CrashPolicy::Fail, help_heading = "Plugins")]
    pub on_failure: CrashPolicy,
    #[command(flatten)]
    pub limits: LimitArguments,
    /// Where the journal is [default: .filmgate/journal.db in the watched folder]
    #[arg(long, value_name = "FILE", help_heading = "Journal")]
    pub journal: Option<PathBuf>,
    /// Show what became of the files of the folder, and end
    #[arg(long, help_heading = "Journal")]
    pub status: bool,
    /// Try files again that failed, or passed a broken plugin unchanged
    #[arg(long, help_heading = "Journal")]
    pub retry_failed: bool,
    /// Print every inotify event, as pyinotify does
    #[arg(long)]
    pub events: bool,
    /// Answer /metrics (Prometheus) and /healthz on this address: 127.0.0.1:9090
    #[arg(long, value_name = "ADDRESS")]
    pub metrics: Option<String>,
    /// No line for each file
    #[arg(short, long)]
    pub quiet: bool,
    #[command(flatten)]
    pub json: Json,
}

/// `--originals`, as typed.
#[derive(Clone, Debug)]
pub enum OriginalsArgument {
    Keep,
    Delete,
    Move(PathBuf),
}

fn originals(text: &str) -> Result<OriginalsArgument, String> {
    match (text, text.split_once(':')) {
        ("keep", _) => Ok(OriginalsArgument::Keep),
        ("delete", _) => Ok(OriginalsArgument::Delete),
        (_, Some(("move", folder))) if !folder.is_empty() => {
            Ok(OriginalsArgument::Move(PathBuf::from(folder)))
        }
        _ => Err("keep, delete or move:FOLDER is wanted".to_owned()),
    }
}

/// `--subsampling`, as typed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum SubsamplingArgument {
    /// One for four of light
    #[value(name = "420")]
    Yuv420,
    /// One for two of light
    #[value(name = "422")]
    Yuv422,
    /// As many as of light
    #[value(name = "444")]
    Yuv444,
}

impl From<SubsamplingArgument> for Subsampling {
    fn from(argument: SubsamplingArgument) -> Subsampling {
        match argument {
            SubsamplingArgument::Yuv420 => Subsampling::Quarter,
            SubsamplingArgument::Yuv422 => Subsampling::Half,
            SubsamplingArgument::Yuv444 => Subsampling::None,
        }
    }
}
