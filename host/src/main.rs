//! The `filmgate` program: parse, run, exit code.

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use filmgate::cancel::Cancel;
use filmgate::commands::{Arguments, Exit, run};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .without_time()
        .init();
    let cancel = Cancel::new();
    match run(arguments, &cancel) {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("filmgate: {error:#}");
            Exit::of(&error).into()
        }
    }
}
