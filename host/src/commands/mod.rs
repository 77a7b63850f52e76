//! The verbs, one file each. A verb reads as its story; how things are done is in the rooms below.

pub mod args;
mod digest;
mod events;
pub mod exit;
mod out;
mod plan;
pub mod plugin;
mod receipt;
mod reports;
pub mod run;
mod show;
mod tags;

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
        Command::Plugin(arguments) => plugin::run(arguments, cancel),
    }
}
