//! The command line as it is typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

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
    /// Look at plugins, try them out, make them
    #[command(subcommand)]
    Plugin(PluginCommand),
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
    #[arg(long, value_name = "MS", default_value_t = 2000, value_parser = clap::value_parser!(u64).range(1..=3_600_000))]
    pub deadline: u64,
    /// How much memory one instance of a plugin may take, in MiB; the frames that it holds may
    /// take as much again
    #[arg(long, value_name = "MIB", default_value_t = 256, value_parser = clap::value_parser!(u64).range(1..=4096))]
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
