//! Compiling in a process of its own, with bounded memory and time: whatever a component makes
//! of the compiler, the host lives on, and a signal ends it at once.
//!
//! The child is the program itself under a hidden verb. It gets the component on standard input
//! and answers with native code on standard output, both files in memory that have no name: there
//! is nothing between the two that anybody else could change.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::Signal;

use super::super::log::harmless;
use super::cache::ENTRY_BYTES;
use super::{NativeCode, Refusal, wasmtime_engine};
use filmgate_core::cancel::Cancel;

/// The verb by which a program compiles; not in the help, since it is for filmgate alone.
pub const VERB: &str = "compile-plugin";

/// How long compiling may take. Python's 18 MB take 11 s of processor time.
const TIME: Duration = Duration::from_secs(120);
/// Processor time of all its threads, should the parent not be there to look at the clock.
const PROCESSOR_SECONDS: u64 = 600;
/// Address space that the compiler may use. Python's component takes 0.5 GB, and less
/// than 1 GB with eight threads.
const MEMORY: u64 = 2 << 30;
/// Threads of the compiler: each takes memory.
const THREADS: usize = 8;
/// Compilers that run at one time, of all engines of this process.
const AT_ONCE: usize = 2;
/// How much of what it says is read.
const WORDS: u64 = 4096;
const LOOK: Duration = Duration::from_millis(2);

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Names the program that compiles plugins: one that calls [`compile_plugin`] for the verb
/// [`VERB`], as `filmgate` does. Without it plugins are compiled in this process, where neither
/// memory nor time is bounded and no signal ends it. The first call counts.
pub fn compile_with(program: impl Into<PathBuf>) {
    let _ = PROGRAM.set(program.into());
}

pub(super) fn program() -> Option<&'static Path> {
    PROGRAM.get().map(PathBuf::as_path)
}

/// The child's part: a component from standard input, native code to standard output.
pub fn compile_plugin() -> ExitCode {
    match bound().and_then(|()| answer()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

fn bound() -> Result<(), String> {
    let limits = [
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_CPU, PROCESSOR_SECONDS),
        (Resource::RLIMIT_AS, MEMORY),
        (Resource::RLIMIT_FSIZE, ENTRY_BYTES),
    ];
    for (resource, limit) in limits {
        // What the user allows may be less. Where there is room, the hard limit on time comes a
        // second behind the soft one, whose signal says why (getrlimit(2)).
        let (soft, hard) = getrlimit(resource).map_err(|e| e.to_string())?;
        let (soft, hard) = (limit.min(soft), limit.saturating_add(1).min(hard));
        setrlimit(resource, soft, hard).map_err(|e| format!("{resource:?}: {e}"))?;
    }
    // Without its parent nobody waits for the answer (prctl(2)); it may be gone already.
    set_pdeathsig(Signal::SIGKILL).map_err(|e| e.to_string())?;
    let parent = std::env::args().nth(2).and_then(|text| text.parse::<u32>().ok());
    if parent.is_none_or(|parent| parent == std::os::unix::process::parent_id()) {
        Ok(())
    } else {
        Err("its parent is gone".to_owned())
    }
}

fn answer() -> Result<(), String> {
    let mut wasm = Vec::new();
    io::stdin().read_to_end(&mut wasm).map_err(|e| e.to_string())?;
    let engine = wasmtime_engine().map_err(|e| format!("{e:#}"))?;
    let code = engine.precompile_component(&wasm).map_err(|e| format!("{e:#}"))?;
    io::stdout().write_all(&code).map_err(|e| e.to_string())
}

/// The parent's part.
pub(super) fn compile(program: &Path, wasm: &[u8], cancel: &Cancel) -> Result<NativeCode, Refusal> {
    let _turn = Turn::wait(cancel)?;
    let mut input = unnamed(c"component")?;
    input.write_all(wasm)?;
    input.rewind()?;
    let (mut code, mut words) = (unnamed(c"code")?, unnamed(c"words")?);
    let mut command = Command::new(program);
    command
        .arg(VERB)
        .arg(std::process::id().to_string())
        .env("RAYON_NUM_THREADS", threads().to_string())
        .stdin(Stdio::from(input))
        .stdout(Stdio::from(code.try_clone()?))
        .stderr(Stdio::from(words.try_clone()?))
        // Ctrl-C goes to the whole group of the terminal; it is the parent that decides.
        .process_group(0);
    let status = wait(command.spawn()?, cancel)?;
    if status.signal() == Some(Signal::SIGXFSZ as i32) && is_limited() {
        let why = "the limit for files (`ulimit -f`) is too small for what it writes";
        return Err(Refusal::System(io::Error::new(io::ErrorKind::FileTooLarge, why)));
    }
    words.rewind()?;
    let mut said = Vec::new();
    words.take(WORDS).read_to_end(&mut said)?;
    if let Some(reason) = reason(status, &String::from_utf8_lossy(&said)) {
        return Err(Refusal::Unfit(reason));
    }
    code.rewind()?;
    let mut bytes = Vec::new();
    code.read_to_end(&mut bytes)?;
    Ok(NativeCode(bytes))
}

/// Whether the user allows files only that are smaller than what a component may become.
fn is_limited() -> bool {
    getrlimit(Resource::RLIMIT_FSIZE).is_ok_and(|(soft, _)| soft < ENTRY_BYTES)
}

fn threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from).min(THREADS)
}

/// A file in memory, for this process and its child alone.
fn unnamed(name: &std::ffi::CStr) -> io::Result<File> {
    Ok(File::from(memfd_create(name, MFdFlags::MFD_CLOEXEC)?))
}

fn wait(mut child: Child, cancel: &Cancel) -> Result<ExitStatus, Refusal> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        let refusal = match (cancel.is_cancelled(), begun.elapsed() > TIME) {
            (true, _) => Refusal::Cancelled,
            (_, true) => Refusal::Unfit(too_long()),
            _ => {
                thread::sleep(LOOK);
                continue;
            }
        };
        child.kill()?;
        child.wait()?;
        return Err(refusal);
    }
}

fn too_long() -> String {
    format!(
        "compiling it takes too long: {} s are allowed, or what `ulimit -t` says",
        TIME.as_secs()
    )
}

/// Why there is no code, in words; none when there is.
fn reason(status: ExitStatus, said: &str) -> Option<String> {
    if status.success() {
        return None;
    }
    let no_memory = ["memory allocation of", "Cannot allocate memory", "os error 12"];
    if no_memory.iter().any(|words| said.contains(words)) {
        return Some(format!(
            "compiling it takes too much memory: {} GiB are allowed, or what `ulimit -v` says",
            MEMORY >> 30
        ));
    }
    let said = harmless(said.trim(), 500);
    Some(match status.signal().map(|number| (number, Signal::try_from(number))) {
        Some((_, Ok(Signal::SIGXCPU))) => too_long(),
        Some((_, Ok(Signal::SIGXFSZ))) => {
            format!("its compiled code has more than {} MiB", ENTRY_BYTES >> 20)
        }
        Some((_, Ok(Signal::SIGKILL))) => {
            "its compiler was killed from outside (SIGKILL): the machine has too little memory, \
             or `ulimit -t` allows too little time"
                .to_owned()
        }
        Some((number, signal)) => {
            let name = signal.map(Signal::as_str).unwrap_or("of an unknown name");
            format!("the compiler crashed on it with signal {number}, {name}")
        }
        None if status.code() == Some(1) => format!("a damaged component: {said}"),
        None => format!("the compiler broke off on it: {said}"),
    })
}

/// One of the places of [`AT_ONCE`].
struct Turn;

static RUNNING: Mutex<usize> = Mutex::new(0);
static FREE: Condvar = Condvar::new();

impl Turn {
    fn wait(cancel: &Cancel) -> Result<Turn, Refusal> {
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        while *running >= AT_ONCE {
            if cancel.is_cancelled() {
                return Err(Refusal::Cancelled);
            }
            let look = Duration::from_millis(20);
            let waited = FREE.wait_timeout(running, look);
            running = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        *running += 1;
        Ok(Turn)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        FREE.notify_one();
    }
}
