//! The command line of `filmgate join`, as it is typed.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::args::{CrashPolicy, Json, LimitArguments};
use super::exit::{Exit, WithExit};
use super::outputs::crf;
use filmgate_join::{Gap, Settings, Ways};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  filmgate join seg1.mp4 seg2.mp4 seg10.mp4 -o film.mp4\n  \
filmgate join recordings/cam1/ -o cam1.mp4 --receipt cam1.json --delete-sources\n  \
filmgate join uploads --glob 'task7/*/*.mp4' --into films --name-plugin template:pattern={task}/{device}/{date}\n  \
find . -name '*.ts' -print0 | filmgate join -0 - --order mtime -o all.mkv\n  \
filmgate join recordings/cam1/ -p crop:width=640,height=360 -o cam1.mp4\n\n\
Nothing is encoded anew, unless --reencode-odd says that what does not fit may be, or -p takes the pictures\n\
through plugins. The output is read back and\n\
compared with the sources, packet by packet, before it gets its name. A segment that does not fit ends the join\n\
with exit code 40 and nothing written; --dry-run --json tells the whole plan.")]
pub struct JoinArguments {
    /// What to join: files, folders (the media files in them), or - for a list of names on
    /// standard input
    #[arg(value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// What to write: a file whose ending says which container (mp4, mov, mkv, ts, flv …)
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["into", "dest_name", "name_plugin"])]
    pub output: Option<PathBuf>,
    /// The folder to write to, under the name that --name-plugin or --dest-name gives
    #[arg(long, value_name = "FOLDER")]
    pub into: Option<PathBuf>,
    /// The name in the folder of --into; it has to end as the container's files do
    #[arg(long, value_name = "NAME", requires = "into", conflicts_with = "name_plugin")]
    pub dest_name: Option<String>,
    /// A naming plugin for the name in the folder of --into, with its parameters
    #[arg(long, value_name = "PLUGIN[:key=value,…]", requires = "into")]
    pub name_plugin: Option<String>,
    /// The container, where the output's ending does not say
    #[arg(long, value_name = "NAME")]
    pub format: Option<String>,
    /// Replace the output if it is there already
    #[arg(short = 'y', long)]
    pub overwrite: bool,
    /// Which files of folders: a pattern with * and ?, below the folder (*.ts, */cam1/*.mp4)
    /// [default: all files whose ending is that of a media container]
    #[arg(long, value_name = "PATTERN", help_heading = "Inputs")]
    pub glob: Option<String>,
    /// A file with the name of an input in each line; names in it are relative to its folder
    #[arg(long, value_name = "FILE", help_heading = "Inputs")]
    pub list: Vec<PathBuf>,
    /// Names in lists end with a zero byte, not with a line
    #[arg(short = '0', long, help_heading = "Inputs")]
    pub null: bool,
    /// The order of the segments
    #[arg(long, value_enum, default_value_t = Order::Natural, help_heading = "Order")]
    pub order: Order,
    /// An ordering plugin in place of --order, with its parameters
    #[arg(
        long,
        value_name = "PLUGIN[:key=value,…]",
        conflicts_with = "order",
        help_heading = "Order"
    )]
    pub order_plugin: Option<String>,
    /// A plugin to take each picture through, as for `run`; may be given several times. The pictures
    /// of all segments are encoded anew then, to what the first is like behind the plugins; sound
    /// and all else is copied. For plugins that see pictures in order each segment is a film of its
    /// own
    #[arg(short, long = "plugin", value_name = "PLUGIN[:key=value,…]", help_heading = "Plugins")]
    pub plugins: Vec<String>,
    /// What to do when a plugin breaks
    #[arg(env = "FILMGATE_ON_FAILURE", hide_env_values = true, long, value_enum, default_value_t = CrashPolicy::Fail, help_heading = "Plugins")]
    pub on_failure: CrashPolicy,
    #[command(flatten)]
    pub limits: LimitArguments,
    /// The quality of pictures that go through plugins, on the encoder's own scale: for x264 0
    /// (lossless) to 51 (worst) [default: 18]
    #[arg(long, value_name = "N", value_parser = crf, requires = "plugins", help_heading = "Plugins")]
    pub crf: Option<f64>,
    /// Leave out what cannot be read or does not fit; exit code 3 then
    #[arg(long, help_heading = "Segments that do not fit")]
    pub skip_bad: bool,
    /// Decode and encode the segments that do not fit, to what the first one is like; all others
    /// stay as they are
    #[arg(long, help_heading = "Segments that do not fit")]
    pub reencode_odd: bool,
    /// Leave out all audio; sources that have some are not removed then
    #[arg(long, help_heading = "Segments that do not fit")]
    pub drop_audio: bool,
    /// Whether gaps between the segments' own times are kept
    #[arg(long, value_enum, default_value_t = GapChoice::Close, help_heading = "Time")]
    pub gap: GapChoice,
    /// A chapter for each segment, named after it
    #[arg(long, help_heading = "Time")]
    pub chapters: bool,
    /// Leave the index of an mp4 or mov behind the media
    #[arg(long)]
    pub no_faststart: bool,
    /// Do not read the output back
    #[arg(long, help_heading = "Proof", conflicts_with_all = ["delete_sources", "check_decode"])]
    pub no_proof: bool,
    /// Decode every source that was joined, and name those that are damaged inside; they are not
    /// removed, and the exit code is 3
    #[arg(long, help_heading = "Proof")]
    pub check_decode: bool,
    /// Write a receipt into FILE: the inputs with SHA-256 digests in their order, the plugins, the
    /// plan and the proof, as JSON
    #[arg(long, value_name = "FILE", help_heading = "Proof")]
    pub receipt: Option<PathBuf>,
    /// Remove the sources once the output has stood the proof and has its name: only those of which
    /// every stream is in it, and only if they are still the files that were read
    #[arg(long, help_heading = "Proof")]
    pub delete_sources: bool,
    /// Nothing to join is an error, exit code 43
    #[arg(long)]
    pub require: bool,
    /// Say what would be done and why, and write nothing; with --json for programs
    #[arg(long)]
    pub dry_run: bool,
    /// No summary
    #[arg(short, long)]
    pub quiet: bool,
    #[command(flatten)]
    pub json: Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Order {
    /// by path, numbers by their value: seg2 before seg10
    Natural,
    /// by path, letter by letter
    Name,
    /// by when the files were last changed
    Mtime,
    /// by when they were recorded, as the media says
    Created,
    /// as they were given; files of a folder by path
    Given,
}

impl Order {
    /// The plugin that does it: a policy that is built in is a component like any other.
    pub(super) fn plugin(self) -> &'static str {
        match self {
            Order::Natural => "natural",
            Order::Name => "by:key=name",
            Order::Mtime => "by:key=mtime",
            Order::Created => "by:key=created",
            Order::Given => "by:key=given",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GapChoice {
    /// Where segments follow one another by their own times, gaps stay: the last picture stands
    /// still, and silence fills the sound
    Keep,
    /// Each begins where the one before ends
    Close,
}

impl JoinArguments {
    /// What only all arguments together can get wrong.
    pub(super) fn check(&self) -> Result<(), WithExit> {
        let usage = |message: &str| Err(WithExit::new(Exit::Usage, message));
        if self.inputs.is_empty() && self.list.is_empty() {
            return usage("nothing was given to join; name files, a folder, or a list with --list");
        }
        match (&self.output, &self.into) {
            (None, None) => usage("no output was given; -o FILE or --into FOLDER names one"),
            (None, Some(_)) if self.dest_name.is_none() && self.name_plugin.is_none() => {
                usage("--into needs a name: --dest-name NAME or --name-plugin PLUGIN")
            }
            _ => Ok(()),
        }
    }

    pub(super) fn ways(&self) -> Ways {
        Ways {
            skip_bad: self.skip_bad,
            reencode_odd: self.reencode_odd,
            reencode_all: !self.plugins.is_empty(),
            drop_audio: self.drop_audio,
        }
    }

    pub(super) fn settings(&self) -> Settings {
        Settings {
            gap: match self.gap {
                GapChoice::Keep => Gap::Keep,
                GapChoice::Close => Gap::Close,
            },
            chapters: self.chapters,
            faststart: !self.no_faststart,
            proof: !self.no_proof,
        }
    }
}
