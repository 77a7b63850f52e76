//! The command line as it is typed.

use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use super::author::AuthorCommand;
use super::complete;
use super::hints;
use super::options::{
    EncodeArguments, FrameArguments, JoinArguments, LimitOptions, RunArguments, SandboxOptions,
    SplitArguments,
};
use super::out::tell;
use super::packages::PackageCommand;
use super::serve::ServeArguments;
use super::watch::WatchArguments;
use filmgate_core::url;
use filmgate_plugin::OnFailure;

/// A media host whose logic is swapped out by sandboxed WebAssembly plugins.
#[derive(Debug, Parser)]
#[command(name = "filmgate", version, long_version = super::version::long(), disable_help_subcommand = true)]
#[command(after_help = "Messages go to stderr. RUST_LOG sets the level (RUST_LOG=debug).\n\
Exit codes: 0 done, 1 failed, 2 usage, 3 partly done, 10-17 plugins, 20-24 input, 30-35 output, \
40-43 join, 130 interrupted; see docs/exit-codes.md.")]
pub struct Arguments {
    /// Set the format of messages on stderr: text, or one JSON object per line
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
        let parsed = heeding_environment(Arguments::command()).try_get_matches_from(&line);
        let arguments = parsed.and_then(|matches| {
            let mut arguments = Arguments::from_arg_matches(&matches)?;
            arguments.command.note_defaults(&matches);
            Ok(arguments)
        });
        arguments.unwrap_or_else(|mut e| {
            let mut command = Arguments::command();
            command.build();
            hints::add(&mut e, &line, &command);
            let said = e.render().to_string();
            if url::redact_known(&said) == said {
                e.exit();
            }
            tell(said);
            std::process::exit(e.exit_code());
        })
    }
}

/// A command to which an empty variable of the environment is one that is not set.
fn heeding_environment(command: clap::Command) -> clap::Command {
    let is_empty = |arg: &clap::Arg| {
        arg.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty())
    };
    command
        .mut_args(|arg| if is_empty(&arg) { arg.env(None::<&str>) } else { arg })
        .mut_subcommands(heeding_environment)
}

impl Command {
    /// Has the verb know which of its options the environment has set.
    fn note_defaults(&mut self, matches: &ArgMatches) {
        let encoding = match self {
            Command::Run(run) => &mut run.encoding,
            Command::Encode(encode) => &mut encode.encoding,
            _ => return,
        };
        let Some((_, verb)) = matches.subcommand() else { return };
        let of_environment = |id: &&str| verb.value_source(id) == Some(ValueSource::EnvVariable);
        let ids = verb.ids().map(clap::Id::as_str);
        encoding.defaults = ids.filter(of_environment).map(str::to_owned).collect();
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
    /// Watch a folder: filter each new image or video through plugins into another folder
    Watch(Box<WatchArguments>),
    /// Take segments in by HTTP, and join them by jobs
    Serve(Box<ServeArguments>),
    /// Create, build, check, list, push and pull plugins
    #[command(subcommand)]
    Plugin(PluginCommand),
    /// Show container, streams, timestamps and metadata of a media file
    Probe {
        /// Read a file, a URL, a camera, or - for stdin
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        sandbox: SandboxOptions,
        #[command(flatten)]
        json: Json,
    },
    /// Check what filmgate depends on: libav, codecs, plugins, cache, sandbox; exit code 1 if something is broken
    Doctor {
        /// Print the command that mends each problem on this system
        #[arg(long)]
        fix_hints: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Print the version of filmgate and of libav's libraries, as --version does
    Version,
    /// Print completions for a shell: options, plugins, their parameters and values
    ///
    /// For bash: `filmgate completions bash > ~/.local/share/bash-completion/completions/filmgate`.
    Completions {
        /// Name the shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write the pages of all commands to a folder
    Man {
        /// Write the pages of all commands to this folder [default: print filmgate's own page]
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
    /// List plugins with their folders, and those that do not load with the reason
    List {
        #[command(flatten)]
        json: Json,
    },
    /// Show the description of a plugin: parameters with ranges and defaults, formats, imports
    Inspect {
        /// Name a plugin of the plugin folders, or the path of a .wasm file
        #[arg(value_name = "NAME", add = complete::any())]
        plugin: String,
        #[command(flatten)]
        json: Json,
    },
    /// Test a plugin: load it, and run it on every format it takes and on unusual sizes
    Check {
        /// Name the .wasm file, or a plugin of the plugin folders; `:key=value,…` sets parameters
        #[arg(value_name = "FILE[:key=value,…]", add = complete::any())]
        plugin: String,
        #[command(flatten)]
        limits: LimitOptions,
        #[command(flatten)]
        json: Json,
    },
    /// Create a component from a core WebAssembly module
    ///
    /// Modules built with the Rust SDK or with wit-bindgen's C generator carry their interface
    /// in them; for others `--world` puts it in.
    Pack {
        /// Read the core module
        module: PathBuf,
        /// Write the component
        #[arg(short, long, value_name = "PLUGIN.wasm")]
        output: PathBuf,
        /// Set the world that the module implements, where it does not say so itself
        #[arg(long, value_enum)]
        world: Option<World>,
        /// Add a module that adapts an older WASI, such as wasi_snapshot_preview1=adapter.wasm; repeatable
        #[arg(long, value_name = "NAME=FILE")]
        adapter: Vec<String>,
    },
    #[command(flatten)]
    Author(AuthorCommand),
    #[command(flatten)]
    Package(PackageCommand),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum World {
    FilterPlugin,
    LiveFilterPlugin,
    NamingPlugin,
    OrderingPlugin,
}

impl World {
    pub fn name(self) -> &'static str {
        match self {
            World::FilterPlugin => "filter-plugin",
            World::LiveFilterPlugin => "live-filter-plugin",
            World::NamingPlugin => "naming-plugin",
            World::OrderingPlugin => "ordering-plugin",
        }
    }
}

#[derive(Debug, Args)]
pub struct Json {
    /// Print JSON
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
