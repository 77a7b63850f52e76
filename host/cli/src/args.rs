//! The command line as it is typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::encode_args::EncodeArguments;
pub use super::frame::FrameArguments;
use super::inputs::InputArguments;
use super::join_args::JoinArguments;
use super::outputs::OutputArguments;
pub use super::reports::ReportArguments;
use super::split::SplitArguments;
use super::watch::WatchArguments;
use filmgate_plugin::OnFailure;

/// A media host whose logic is swapped out by sandboxed WebAssembly plugins.
#[derive(Debug, Parser)]
#[command(name = "filmgate", version, long_version = super::version::long(), disable_help_subcommand = true)]
#[command(after_help = "Messages go to stderr. RUST_LOG sets how much is said (RUST_LOG=debug).\n\
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 partly done, 10-17 plugins, 20-24 input, 30-35 output, \
40-43 join, 130 interrupted; see docs/exit-codes.md.")]
pub struct Arguments {
    /// How messages on stderr are written: for people, or a JSON object a line
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub log_format: LogFormat,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Take a video through plugins: decode, plugin after plugin, encode; sound is copied
    Run(Box<RunArguments>),
    /// Put segments of a video behind one another in one file, without encoding anything anew
    Join(Box<JoinArguments>),
    /// Take one picture of a video through plugins, as a PNG or JPEG file
    Frame(FrameArguments),
    /// Turn a stream into pictures, one file each: live sources above all
    Split(Box<SplitArguments>),
    /// Encode raw pictures from a pipe into files and to servers, and keep at it
    Encode(Box<EncodeArguments>),
    /// Watch a folder: each picture or video that comes goes through plugins into another folder
    Watch(Box<WatchArguments>),
    /// Look at plugins, try them out, make them
    #[command(subcommand)]
    Plugin(PluginCommand),
    /// What a media file says of itself: container, streams, formats, times, tags
    Probe {
        /// What to look into: a file, a URL, a camera, or - for standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        json: Json,
    },
    /// Whether everything that filmgate stands on is in order: libav, codecs, plugins, cache;
    /// exit code 1 when something is broken
    Doctor {
        #[command(flatten)]
        json: Json,
    },
    /// Print the completions for a shell
    ///
    /// For bash: `filmgate completions bash > ~/.local/share/bash-completion/completions/filmgate`.
    Completions {
        /// Which shell they are for
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write those of all commands into a folder
    Man {
        /// Where the pages of all commands go; without it, filmgate's own page is printed
        #[arg(value_name = "FOLDER")]
        folder: Option<PathBuf>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  filmgate run -i holiday.mp4 -p emboss -p denoise:frames=5 -o holiday-embossed.mp4\n  \
filmgate run -i holiday.mp4 --start 1:30 --duration 5 -p grayscale -o short.gif\n  \
filmgate run -i part1.mp4 -i part2.mp4 --codec av1 --map v --map a:1 -o both.mkv\n  \
cat in.mkv | filmgate run -i - -p emboss -o - --format y4m | ffplay -\n\n\
The output appears under its name only when it is whole. `filmgate plugin list` says which plugins there are,\n\
`filmgate plugin inspect NAME` which parameters they take."
)]
pub struct RunArguments {
    /// What to read: a file, a URL, a camera (/dev/video0), numbered pictures (%06d.png), or - for
    /// standard input; several are read one after the other
    #[arg(short, long, value_name = "INPUT", required = true)]
    pub input: Vec<PathBuf>,
    /// A plugin to take each frame through: a name or the path of a .wasm file, with its
    /// parameters; may be given several times, and the frames go through them in that order
    #[arg(short, long = "plugin", value_name = "PLUGIN[:key=value,…]")]
    pub plugins: Vec<String>,
    /// What to write: a file, whose ending says which container (mp4, mov, mkv, webm, gif, ts …);
    /// pictures (frames/%06d.png); a URL; or - for standard output
    #[arg(short, long, value_name = "OUTPUT")]
    pub output: PathBuf,
    /// Replace the output if it is there already
    #[arg(short = 'y', long)]
    pub overwrite: bool,
    #[command(flatten)]
    pub reading: InputArguments,
    #[command(flatten)]
    pub encoding: OutputArguments,
    /// How many threads plugins get whose frames may be shared out [default: one a processor]
    #[arg(env = "FILMGATE_WORKERS", hide_env_values = true, short = 'j', long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256), help_heading = "Plugins")]
    pub workers: Option<u16>,
    /// What to do when a plugin breaks
    #[arg(env = "FILMGATE_ON_FAILURE", hide_env_values = true, long, value_enum, default_value_t = CrashPolicy::Fail, help_heading = "Plugins")]
    pub on_failure: CrashPolicy,
    #[command(flatten)]
    pub limits: LimitArguments,
    /// Make do with an input that ends before its time: keep what there is, exit code 3
    #[arg(long)]
    pub accept_truncated: bool,
    /// No progress bar and no summary
    #[arg(short, long)]
    pub quiet: bool,
    #[command(flatten)]
    pub json: Json,
    #[command(flatten)]
    pub reports: ReportArguments,
    /// Take options that are not given here, and plugins, out of a TOML file; see docs/config.md
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print the JSON schema of such files
    #[arg(long)]
    pub config_schema: bool,
    /// what a file sets for each of the plugins alone; none for plugins of the command line
    #[arg(skip)]
    pub plugin_settings: Vec<PluginSettings>,
}

/// What may be set for one plugin alone, in a file.
#[derive(Clone, Debug, Default)]
pub struct PluginSettings {
    pub on_failure: Option<CrashPolicy>,
    /// milliseconds
    pub deadline: Option<u64>,
    /// MiB
    pub memory: Option<u64>,
    pub grants: filmgate_plugin::Grants,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CrashPolicy {
    /// The job fails, and there is no output
    Fail,
    /// The frame passes that plugin unchanged and is counted, exit code 3; the plugin is started
    /// anew after 1, 2, 4 s, and after three failures in a minute no more
    Bypass,
}

impl CrashPolicy {
    pub fn policy(self) -> OnFailure {
        match self {
            CrashPolicy::Fail => OnFailure::Fail,
            CrashPolicy::Bypass => OnFailure::Bypass,
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum PluginCommand {
    /// What is found where, and what does not load and why
    List {
        #[command(flatten)]
        json: Json,
    },
    /// All that a plugin says of itself: parameters with ranges and defaults, formats, imports
    Inspect {
        /// A name to look for in the plugin folders, or the path of a .wasm file
        #[arg(value_name = "NAME")]
        plugin: String,
        #[command(flatten)]
        json: Json,
    },
    /// Try a plugin out: load it, and run it on every format it takes and on awkward sizes
    Check {
        /// The path of a .wasm file, or a name; `:key=value,…` sets parameters
        #[arg(value_name = "FILE[:key=value,…]")]
        plugin: String,
        #[command(flatten)]
        limits: LimitArguments,
        #[command(flatten)]
        json: Json,
    },
    /// Make a component of a core WebAssembly module
    ///
    /// Modules built with the Rust SDK or with wit-bindgen's C generator carry their interface
    /// in them; for others `--world` puts it in.
    Pack {
        /// The core module
        module: PathBuf,
        /// Where the component goes
        #[arg(short, long, value_name = "PLUGIN.wasm")]
        output: PathBuf,
        /// Which world of the contract the module implements, where it does not say so itself
        #[arg(long, value_enum)]
        world: Option<World>,
        /// A module that adapts an older WASI: NAME=FILE, such as
        /// wasi_snapshot_preview1=adapter.wasm
        #[arg(long, value_name = "NAME=FILE")]
        adapter: Vec<String>,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum World {
    FilterPlugin,
    NamingPlugin,
    OrderingPlugin,
}

impl World {
    pub fn name(self) -> &'static str {
        match self {
            World::FilterPlugin => "filter-plugin",
            World::NamingPlugin => "naming-plugin",
            World::OrderingPlugin => "ordering-plugin",
        }
    }
}

#[derive(Debug, Args)]
pub struct Json {
    /// Print JSON, for programs
    #[arg(long)]
    pub json: bool,
}

/// What a plugin may use.
#[derive(Clone, Debug, Args)]
pub struct LimitArguments {
    /// How long one call of a plugin may take, in milliseconds
    #[arg(env = "FILMGATE_DEADLINE", hide_env_values = true, long, value_name = "MS", default_value_t = 2000, help_heading = "Plugins", value_parser = clap::value_parser!(u64).range(1..=3_600_000))]
    pub deadline: u64,
    /// How much memory one instance of a plugin may take, in MiB; the frames that it holds may
    /// take as much again
    #[arg(env = "FILMGATE_MEMORY", hide_env_values = true, long, value_name = "MIB", default_value_t = 256, help_heading = "Plugins", value_parser = clap::value_parser!(u64).range(1..=4096))]
    pub memory: u64,
    /// What a plugin may use beyond the frames: clock (the real time), random (real random numbers),
    /// env=NAME (a variable of the environment); NAME as for -p. May be given several times
    #[arg(long, value_name = "NAME:CAPABILITY", help_heading = "Plugins")]
    pub grant: Vec<String>,
}

impl LimitArguments {
    pub fn limits(&self) -> filmgate_plugin::Limits {
        self.with(None, None)
    }

    /// With another deadline in milliseconds, and another cap on memory in MiB.
    pub fn with(&self, deadline: Option<u64>, memory: Option<u64>) -> filmgate_plugin::Limits {
        let (deadline, memory) = (deadline.unwrap_or(self.deadline), memory.unwrap_or(self.memory));
        filmgate_plugin::Limits {
            deadline: std::time::Duration::from_millis(deadline),
            memory: usize::try_from(memory << 20).unwrap_or(usize::MAX),
            ..filmgate_plugin::Limits::default()
        }
    }
}
