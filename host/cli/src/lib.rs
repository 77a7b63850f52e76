//! The verbs, one file each. A verb reads as its story; how things are done is in the rooms below.
#![forbid(unsafe_code)]

pub mod args;
mod author;
mod complete;
pub mod config;
mod doctor;
mod events;
pub mod exit;
mod fixes;
mod hints;
mod job;
mod job_text;
pub mod join;
mod join_show;
#[doc(hidden)]
pub mod locked;
pub mod options;
mod out;
mod packages;
pub mod plugin;
mod preview;
mod probe;
pub mod serve;
pub mod shell;
mod show;
mod stopping;
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
        Command::Run(arguments) => {
            let mode = arguments.reports.mode.clone();
            job::run::<options::RunArguments>(arguments.spec(), mode, cancel)
        }
        Command::Split(arguments) => {
            let mode = arguments.reports.mode.clone();
            job::run::<options::SplitArguments>(arguments.spec(), mode, cancel)
        }
        Command::Watch(watch) => {
            watch::run(*watch, arguments.log_format == args::LogFormat::Json, cancel)
        }
        Command::Serve(arguments) => serve::run(*arguments, cancel),
        Command::Join(arguments) => join::run(*arguments, cancel),
        Command::Frame(arguments) => {
            let mode = arguments.reports.mode.clone();
            job::run::<options::FrameArguments>(arguments.spec(), mode, cancel)
        }
        Command::Encode(arguments) => {
            let mode = arguments.reports.mode.clone();
            job::run::<options::EncodeArguments>(arguments.spec(), mode, cancel)
        }
        Command::Plugin(arguments) => plugin::run(arguments, cancel),
        Command::Probe { file, sandbox, json } => {
            probe::run(&file, json.json, sandbox.sandbox, cancel)
        }
        Command::Doctor { fix_hints, json } => doctor::run(json.json, fix_hints, cancel),
        Command::Version => version::print(),
        Command::Completions { shell } => {
            shell::script(shell)?;
            Ok(Exit::Done)
        }
        Command::Man { folder } => shell::man(folder.as_deref()),
    }
}
