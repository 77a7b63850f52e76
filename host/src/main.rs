//! The `filmgate` program: parse, run, exit code.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use filmgate::cancel::Cancel;
use filmgate::commands::{Arguments, Exit, message, run, tell};
use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // libav complains of much that it gets over; what stops a job is in the error's own text.
    let quiet = || EnvFilter::new("warn,libav=error");
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| quiet());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .without_time()
        .log_internal_errors(false)
        .init();
    let cancel = Cancel::new();
    if let Err(e) = stop_on_signals(&cancel) {
        tell(format_args!("filmgate: signals cannot be handled: {e}\n"));
        return Exit::Failed.into();
    }
    match run(arguments, &cancel) {
        Ok(exit) => exit.into(),
        Err(error) => {
            tell(format_args!("filmgate: {}\n", message(&error)));
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
    // Past the user's limit for files (`ulimit -f`) a write is to fail, not to end the process.
    flag::register(SIGXFSZ, Arc::default())?;
    Ok(())
}
