//! The verbs, one file each. A verb reads as its story; how things are done is in the rooms below.

pub mod args;
pub mod config;
mod digest;
mod doctor;
mod encode;
mod encode_show;
mod events;
pub mod exit;
mod frame;
pub mod join;
pub mod join_args;
mod join_find;
mod join_plugins;
mod join_policy;
mod join_show;
mod load;
pub mod options;
mod out;
mod outputs;
mod plan;
pub mod plugin;
mod probe;
mod receipt;
mod reports;
pub mod run;
mod shell;
mod show;
pub mod split;
mod tags;
mod version;
pub mod watch;

pub use args::Arguments;
pub use exit::{Exit, WithExit, message};
pub use out::{SAID, Stderr, speak_json, tell, tell_error};

use args::Command;

/// Carries out what the user asked for.
///
/// # Errors
/// With everything that a person needs to know; [`Exit::of`] gives the exit code.
pub fn run(arguments: Arguments, cancel: &filmgate_core::cancel::Cancel) -> anyhow::Result<Exit> {
    match arguments.command {
        Command::Run(arguments) => run::run(*arguments, cancel),
        Command::Split(arguments) => split::run(*arguments, cancel),
        Command::Watch(arguments) => watch::run(*arguments, cancel),
        Command::Join(arguments) => join::run(&arguments, cancel),
        Command::Frame(arguments) => frame::run(*arguments, cancel),
        Command::Encode(arguments) => encode::run(*arguments, cancel),
        Command::Plugin(arguments) => plugin::run(arguments, cancel),
        Command::Probe { file, json } => probe::run(&file, json.json, cancel),
        Command::Doctor { json } => doctor::run(json.json, cancel),
        Command::Completions { shell } => shell::completions(shell),
        Command::Man { folder } => shell::man(folder.as_deref()),
    }
}
