//! The command line as it is typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::inputs::InputArguments;
use super::outputs::OutputArguments;
use super::watch::WatchArguments;

/// A media host whose logic is swapped out by sandboxed WebAssembly plugins.
#[derive(Debug, Parser)]
#[command(name = "filmgate", version, disable_help_subcommand = true)]
#[command(after_help = "Messages go to stderr. RUST_LOG sets how much is said (RUST_LOG=debug).\n\
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 partly done, 10-16 plugins, 20-24 input, 30-34 output, \
130 interrupted; see docs/exit-codes.md.")]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Take a video through plugins: decode, plugin after plugin, encode; sound is copied
    Run(RunArguments),
    /// Watch a folder: each picture or video that comes goes through plugins into another folder
    Watch(WatchArguments),
    /// Look at plugins, try them out, make them
    #[command(subcommand)]
    Plugin(PluginCommand),
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
    #[arg(short = 'j', long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256), help_heading = "Plugins")]
    pub workers: Option<u16>,
    /// What to do when a plugin breaks
    #[arg(long, value_enum, default_value_t = CrashPolicy::Fail, help_heading = "Plugins")]
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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CrashPolicy {
    /// The job fails, and there is no output
    Fail,
    /// The frame passes that plugin unchanged and is counted, exit code 3; the plugin is started
    /// anew after 1, 2, 4 s, and after three failures in a minute no more
    Bypass,
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
#[derive(Debug, Args)]
pub struct LimitArguments {
    /// How long one call of a plugin may take, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 2000, help_heading = "Plugins", value_parser = clap::value_parser!(u64).range(1..=3_600_000))]
    pub deadline: u64,
    /// How much memory one instance of a plugin may take, in MiB; the frames that it holds may
    /// take as much again
    #[arg(long, value_name = "MIB", default_value_t = 256, help_heading = "Plugins", value_parser = clap::value_parser!(u64).range(1..=4096))]
    pub memory: u64,
}

impl LimitArguments {
    pub fn limits(&self) -> crate::plugin::Limits {
        crate::plugin::Limits {
            deadline: std::time::Duration::from_millis(self.deadline),
            memory: usize::try_from(self.memory << 20).unwrap_or(usize::MAX),
            ..crate::plugin::Limits::default()
        }
    }
}
