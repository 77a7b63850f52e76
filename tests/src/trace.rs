//! Programs under `strace`: which calls to the system they make, and what they do when one of them
//! fails or is the last one (strace(1), "Tampering").
//!
//! Calls are those of the main thread, which alone writes files; the numbers of calls that are
//! tampered with count them.

use std::process::Command;

use crate::shell::{Said, Shell};
use crate::tools::{STRACE, available};

/// Calls that change what stands on a disk.
pub const CHANGES: &str = "write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,ftruncate,fallocate,\
     openat,link,linkat,mkdir,mkdirat,flock,fchmod";

/// Whether programs can be traced; false where `FILMGATE_SKIP` leaves these tests out. Fails the
/// test where strace is missing or forbidden, as it is in some containers.
pub fn possible() -> bool {
    available(&STRACE)
}

/// Runs a command in the folder with options of strace's in front. What is asked of the main thread
/// alone is asked without the sandbox, in which a helper process gives files their names.
fn traced(shell: &Shell, options: &[&str], command: &Command) -> Said {
    let mut strace = Command::new("strace");
    if !options.contains(&"-f") {
        strace.env("FILMGATE_SANDBOX", "off");
    }
    strace.arg("-qq").args(options);
    strace.arg("--").arg(command.get_program()).args(command.get_args());
    shell.settle(&mut strace);
    shell.say(&mut strace)
}

/// What the command says, and the calls of `set` that all its threads make, one a line, with the
/// names of open files beside their numbers (`write(6</tmp/a>, …)`).
pub fn seen(shell: &Shell, set: &str, command: &Command) -> (Said, Vec<String>) {
    log(shell, set, &["-f"], command)
}

/// The calls of `set` that the command's main thread makes.
pub fn calls(shell: &Shell, set: &str, command: &Command) -> Vec<String> {
    let (said, calls) = log(shell, set, &[], command);
    said.done();
    calls
}

fn log(shell: &Shell, set: &str, more: &[&str], command: &Command) -> (Said, Vec<String>) {
    let log = tempfile::NamedTempFile::new().expect("a file for the trace");
    let path = log.path().to_str().expect("a plain name");
    let set = format!("trace={set}");
    let options = [&["-o", path, "-y", "-s", "32", "-e", &set], more].concat();
    let said = traced(shell, &options, command);
    let text = std::fs::read(path).expect("the trace can be read");
    (said, String::from_utf8_lossy(&text).lines().map(str::to_owned).collect())
}

/// A call of a program that was traced: its name, and which one of that name it is, from 1.
/// strace counts those of each name by themselves.
fn place(calls: &[String], number: usize) -> (&str, usize) {
    let name = |call: &'_ String| call.split('(').next().map_or(0, str::len);
    let call = &calls[number];
    let this = &call[..name(call)];
    (this, calls[..=number].iter().filter(|c| c[..name(c)] == *this).count())
}

/// Runs the command once more and kills it as it makes call `number` of those that it made.
pub fn killed_at(shell: &Shell, calls: &[String], number: usize, command: &Command) -> Said {
    let (name, count) = place(calls, number);
    let option = format!("inject={name}:signal=SIGKILL:when={count}");
    let trace = format!("trace={name}");
    traced(shell, &["-o", "/dev/null", "-e", &trace, "-e", &option], command)
}

/// Runs the command once more and lets call `number` of those that it made fail with an error
/// (`ENOSPC`).
pub fn failing_at(
    shell: &Shell,
    calls: &[String],
    error: &str,
    number: usize,
    command: &Command,
) -> Said {
    let (name, count) = place(calls, number);
    let option = format!("inject={name}:error={error}:when={count}");
    let trace = format!("trace={name}");
    traced(shell, &["-o", "/dev/null", "-e", &trace, "-e", &option], command)
}

/// The numbers of the calls that have to do with outputs that are written aside, and of those
/// behind the first one.
pub fn from_the_first_aside(calls: &[String]) -> std::ops::Range<usize> {
    let first = calls.iter().position(|c| c.contains(".partial"));
    first.expect("something is written aside")..calls.len()
}
