//! An encode that runs beside the test.

use std::process::{Command, Stdio};
use std::time::Duration;

use filmgate_tests::counted::{BYTES, HEIGHT, WIDTH, wait_for};
use filmgate_tests::running::Running;
use filmgate_tests::shell::{Said, Shell};
use std::os::unix::process::ExitStatusExt;

/// No pause between pictures.
pub(crate) const NOW: Duration = Duration::ZERO;

/// The options for counted pictures out of a pipe called `pipe`.
pub(crate) fn counted() -> String {
    format!("encode --fifo pipe --size {WIDTH}x{HEIGHT} --pix-fmt bgr24 --rate 25 --json")
}

/// An encode of counted pictures out of `pipe`, with further arguments.
pub(crate) fn start(shell: &Shell, more: &str) -> Running {
    let mut command = shell.command();
    command.args(counted().split_whitespace()).args(more.split_whitespace());
    spawn(&mut command)
}

pub(crate) fn spawn(command: &mut Command) -> Running {
    Running::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()))
}

/// Its end, and what it said.
pub(crate) fn end(child: Running) -> Said {
    let out = child.wait_with_output().expect("it ends");
    Said {
        code: out.status.code(),
        signal: out.status.signal(),
        stdout: String::from_utf8_lossy(&out.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&out.stderr).into_owned(),
    }
}

pub(crate) fn signal(child: &Running, name: &str) {
    child.signal(name);
}

/// Waits until it has read so many pictures; what else it reads is less than one.
pub(crate) fn wait_for_read(job: &Running, pictures: usize) {
    let read = || {
        let text = std::fs::read_to_string(format!("/proc/{}/io", job.id())).unwrap_or_default();
        let line = text.lines().find_map(|l| l.strip_prefix("rchar: "));
        line.and_then(|l| l.parse::<usize>().ok()).unwrap_or(0)
    };
    wait_for("pictures to be read", || read() >= pictures * BYTES);
}

/// Waits until it has made its pipe, and thus handles signals.
pub(crate) fn wait_for_pipe(shell: &Shell) {
    wait_for("the pipe", || shell.path("pipe").exists());
}
