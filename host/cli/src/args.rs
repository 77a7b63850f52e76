//! The command line as it is typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::join_args::JoinArguments;
use super::options::{EncodeArguments, FrameArguments, LimitOptions, RunArguments, SplitArguments};
use super::out::tell;
use super::watch::WatchArguments;
use filmgate_core::url;
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

impl Arguments {
    /// The command line of this process. Wrong usage ends the process, as clap has it, but the
    /// secrets of addresses that a message quotes are not shown.
    pub fn of_process() -> Arguments {
        let line: Vec<_> = std::env::args_os().collect();
        line.iter().for_each(|argument| url::note(&argument.to_string_lossy()));
        Arguments::try_parse_from(line).unwrap_or_else(|e| {
            let said = e.render().to_string();
            if url::redact_known(&said) == said {
                e.exit();
            }
            tell(said);
            std::process::exit(e.exit_code());
        })
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Filter a video through plugins: decode, plugins, encode; audio and other streams are copied
    Run(Box<RunArguments>),
    /// Join video segments losslessly, without re-encoding
    Join(Box<JoinArguments>),
    /// Extract one frame through plugins, as PNG, JPEG, WebP, BMP or TIFF
    Frame(Box<FrameArguments>),
    /// Extract frames from a stream into image files
    Split(Box<SplitArguments>),
    /// Encode raw frames from a pipe to files and streaming servers, with reconnect
    Encode(Box<EncodeArguments>),
    /// Watch a folder and convert new images and videos through plugins into another folder
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
        limits: LimitOptions,
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
        filmgate_plugin::Limits {
            deadline: std::time::Duration::from_millis(self.deadline),
            memory: usize::try_from(self.memory << 20).unwrap_or(usize::MAX),
            ..filmgate_plugin::Limits::default()
        }
    }
}
