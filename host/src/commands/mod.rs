//! The verbs, one file each. A verb reads as its story; how things are done is in the rooms below.

pub mod args;
pub mod exit;
mod inputs;
mod mapping;
mod out;
mod outputs;
pub mod plugin;
pub mod run;
mod show;
pub mod watch;

pub use args::Arguments;
pub use exit::{Exit, WithExit, message};
pub use out::tell;

use args::Command;

/// Carries out what the user asked for.
///
/// # Errors
/// With everything that a person needs to know; [`Exit::of`] gives the exit code.
pub fn run(arguments: Arguments, cancel: &crate::cancel::Cancel) -> anyhow::Result<Exit> {
    match arguments.command {
        Command::Run(arguments) => run::run(&arguments, cancel),
        Command::Watch(arguments) => watch::run(&arguments, cancel),
        Command::Plugin(arguments) => plugin::run(arguments, cancel),
    }
}
