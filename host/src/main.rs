//! The `filmgate` program: parse, run, exit code.

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use filmgate::cancel::Cancel;
use filmgate::commands::{Arguments, Exit, run};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
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
    if let Err(e) = stop_on_signals(&cancel) {
        eprintln!("filmgate: signals cannot be handled: {e}");
        return Exit::Failed.into();
    }
    match run(arguments, &cancel) {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("filmgate: {error:#}");
            Exit::of(&error).into()
        }
    }
}

/// Ctrl-C and SIGTERM end the job cleanly; a second one ends the process at once.
fn stop_on_signals(cancel: &Cancel) -> std::io::Result<()> {
    for signal in [SIGINT, SIGTERM] {
        let now = i32::from(Exit::Interrupted as u8);
        flag::register_conditional_shutdown(signal, now, cancel.flag())?;
        flag::register(signal, cancel.flag())?;
    }
    Ok(())
}
