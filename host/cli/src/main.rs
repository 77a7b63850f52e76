//! The `filmgate` program: parse, run, exit code.
#![forbid(unsafe_code)]

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;

use filmgate_cli::args::{Arguments, Command, LogFormat, PluginCommand};
use filmgate_cli::{Exit, SAID, Stderr, locked, message, run, shell, speak_json, tell_error};
use filmgate_core::cancel::Cancel;
use filmgate_plugin as plugin;
#[cfg(target_os = "linux")]
use filmgate_sandbox::{Mode, Profile};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    // Before all else: a child of ours that compiles a plugin has no command line of its own.
    #[cfg(target_os = "linux")]
    {
        if std::env::args_os().nth(1).is_some_and(|verb| verb == plugin::COMPILE_VERB) {
            return plugin::compile_plugin();
        }
        if std::env::args_os().nth(1).is_some_and(|verb| verb == filmgate_worker::VERB) {
            return media_worker();
        }
        if std::env::args_os().nth(1).is_some_and(|verb| verb == filmgate_feed::VERB) {
            return feed_worker();
        }
        // This very file, also when an update has put another in its place (proc(5)).
        plugin::compile_with("/proc/self/exe");
    }
    if shell::answered() {
        return ExitCode::SUCCESS;
    }
    end_with_parent();
    // So that encoders write the same bits in every run.
    filmgate_av::zero_fresh_memory();
    let arguments = Arguments::of_process();
    filmgate_av::quiet_libraries(arguments.log_format == LogFormat::Text);
    start_log(arguments.log_format, &quiet(&arguments.command));
    let cancel = Cancel::new();
    if let Err(e) = stop_on_signals(&cancel, &arguments.command) {
        tell_error(&format!("signals cannot be handled: {e}"), Exit::Failed);
        return Exit::Failed.into();
    }
    match run(arguments, &cancel) {
        Ok(exit) => exit.into(),
        Err(error) => end(&error),
    }
}

/// A job of `serve` does not outlive its server: the next one starts it again.
#[cfg(target_os = "linux")]
fn end_with_parent() {
    let parent = std::env::var(filmgate_serve::PARENT).ok();
    let Some(parent) = parent.and_then(|id| id.parse::<i32>().ok()) else { return };
    let is_set = nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL).is_ok();
    // It may have ended before that was asked for.
    if !is_set || nix::unistd::getppid().as_raw() != parent {
        std::process::exit(i32::from(Exit::Interrupted as u8));
    }
}

#[cfg(not(target_os = "linux"))]
fn end_with_parent() {}

/// Tells why, and gives the exit code for it.
fn end(error: &anyhow::Error) -> ExitCode {
    let exit = Exit::of(error);
    tell_error(&message(error), exit);
    exit.into()
}

/// A child of ours that converts files for a watch: `media-worker PARENT LOG SANDBOX`.
#[cfg(target_os = "linux")]
fn media_worker() -> ExitCode {
    filmgate_av::zero_fresh_memory();
    let arguments: Vec<String> = std::env::args().skip(2).collect();
    let (is_json, mode) = locked::of_worker(arguments.get(1..).unwrap_or_default());
    filmgate_av::quiet_libraries(!is_json);
    start_log(if is_json { LogFormat::Json } else { LogFormat::Text }, QUIET);
    // As in its parent.
    if let Err(e) = flag::register(SIGXFSZ, Arc::default()) {
        tell_error(&format!("signals cannot be handled: {e}"), Exit::Failed);
        return Exit::Failed.into();
    }
    filmgate_watch::serve_parent(arguments.first().map(String::as_str), || lock_in(mode))
}

/// A child of `serve` that runs a live feed; its standard output is a socket, by which it is told
/// what to do.
#[cfg(target_os = "linux")]
fn feed_worker() -> ExitCode {
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;
    end_with_parent();
    filmgate_av::zero_fresh_memory();
    plugin::compile_with("/proc/self/exe");
    filmgate_av::quiet_libraries(true);
    start_log(LogFormat::Text, QUIET);
    let socket = std::io::stdout().as_fd().try_clone_to_owned().map(UnixStream::from);
    let both = socket.and_then(|socket| Ok((socket.try_clone()?, socket)));
    let worked = both.map_err(anyhow::Error::from).and_then(|(commands, answers)| {
        filmgate_feed::work(commands, answers).map_err(anyhow::Error::from)
    });
    match worked {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => end(&error),
    }
}

/// Takes paths and the network from a worker, as far as this kernel can. Its threads start later.
#[cfg(target_os = "linux")]
fn lock_in(mode: Mode) -> Result<(), String> {
    filmgate_sandbox::warm();
    let entered = filmgate_sandbox::enter(&Profile::worker(), mode);
    entered.map(drop).map_err(|e| e.to_string())
}

/// What is logged where `RUST_LOG` says nothing: libav complains of much that it gets over; what
/// stops a job is in the error's own text.
const QUIET: &str = "warn,libav=error";

/// Whoever tries a plugin out wants to see what it says.
fn quiet(command: &Command) -> String {
    match command {
        Command::Plugin(PluginCommand::Check { .. }) => format!("{QUIET},plugin=info"),
        Command::Serve(_) => format!("{QUIET},filmgate_serve=info"),
        _ => QUIET.to_owned(),
    }
}

/// Messages go to stderr; `RUST_LOG` sets which.
fn start_log(format: LogFormat, quiet: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(quiet));
    let log = tracing_subscriber::fmt().with_writer(|| Stderr).log_internal_errors(false);
    match format {
        LogFormat::Text => {
            let ansi = std::io::stderr().is_terminal();
            log.with_env_filter(filter).with_ansi(ansi).without_time().init();
        }
        LogFormat::Json => {
            speak_json();
            let said = format!("{SAID}=info").parse();
            let filter = filter.add_directive(said.expect("a target and a level"));
            log.with_env_filter(filter).json().flatten_event(true).init();
        }
    }
}

/// Ctrl-C, SIGTERM and the end of the terminal (SIGHUP) end the job cleanly; a second one ends the
/// process at once. A watch and a server reload on SIGHUP, and under nohup(1) the signal stays ignored.
fn stop_on_signals(cancel: &Cancel, command: &Command) -> std::io::Result<()> {
    let reloads = matches!(command, Command::Watch(_) | Command::Serve(_));
    let hangup = !reloads && !is_ignored(SIGHUP);
    for signal in [SIGINT, SIGTERM].into_iter().chain(hangup.then_some(SIGHUP)) {
        let now = i32::from(Exit::Interrupted as u8);
        flag::register_conditional_shutdown(signal, now, cancel.flag())?;
        flag::register(signal, cancel.flag())?;
    }
    // Past the user's limit for files (`ulimit -f`) a write is to fail, not to end the process.
    flag::register(SIGXFSZ, Arc::default())?;
    Ok(())
}

/// Whether the process was started with a signal ignored: a mask in hexadecimal (proc(5)).
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}
