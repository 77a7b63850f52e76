//! Programs that run beside a test: filmgate at work, servers, senders. They end with the test,
//! whatever becomes of it.

use std::io::{Result, Write};
use std::ops::{Deref, DerefMut};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

/// How long a program may take to end before the test fails; far more than any of them takes on a
/// machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(900);

/// A program in a process group of its own. The group is killed when this is dropped, so that a
/// test that fails leaves nothing running; the same happens when the test program itself is
/// interrupted or killed.
#[derive(Debug)]
pub struct Running {
    /// none once it was given up by [`Running::wait_with_output`]
    child: Option<Child>,
    group: Pid,
    /// Its number belongs to something else from then on.
    reaped: bool,
}

impl Running {
    /// Starts it.
    pub fn start(command: &mut Command) -> Running {
        let child = command.process_group(0).spawn();
        let child = child.unwrap_or_else(|e| panic!("{command:?} cannot be started: {e}"));
        let group = pid(&child);
        tell_the_warden('+', group);
        Running { child: Some(child), group, reaped: false }
    }

    /// Sends it a signal by its name: `TERM`, `STOP`.
    pub fn signal(&self, name: &str) {
        assert!(!self.reaped, "it has ended already");
        let signal: Signal = format!("SIG{name}").parse().expect("a signal");
        kill(self.group, signal).unwrap_or_else(|e| panic!("SIG{name}: {e}"));
    }

    /// Kills it and all that it has started.
    pub fn kill(&mut self) -> Result<()> {
        if !self.reaped {
            killpg(self.group, Signal::SIGKILL)?;
        }
        Ok(())
    }

    /// Waits for its end; fails the test if that does not come.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        let status = bounded(self.group, || self.deref_mut().wait())?;
        self.is_reaped();
        Ok(status)
    }

    /// How it ended, if it has.
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>> {
        let status = self.deref_mut().try_wait()?;
        if status.is_some() {
            self.is_reaped();
        }
        Ok(status)
    }

    /// Waits for its end, and gives what it has printed into pipes.
    pub fn wait_with_output(mut self) -> Result<Output> {
        let child = self.child.take().expect("it is taken here only");
        let output = bounded(self.group, || child.wait_with_output());
        self.is_reaped();
        output
    }

    fn is_reaped(&mut self) {
        if !std::mem::replace(&mut self.reaped, true) {
            tell_the_warden('-', self.group);
        }
    }
}

impl Deref for Running {
    type Target = Child;

    fn deref(&self) -> &Child {
        self.child.as_ref().expect("it is there until its end")
    }
}

impl DerefMut for Running {
    fn deref_mut(&mut self) -> &mut Child {
        self.child.as_mut().expect("it is there until its end")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.reaped && self.child.is_some() {
            let _ = self.kill();
            let _ = self.deref_mut().wait();
            self.is_reaped();
        }
    }
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).expect("a process has a small number"))
}

/// Does something that ends when the process group does, and kills that when it takes too long.
fn bounded<T>(group: Pid, wait: impl FnOnce() -> T) -> T {
    let (done, watched) = channel::<()>();
    let watch = std::thread::spawn(move || {
        let late = watched.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout);
        if late {
            let _ = killpg(group, Signal::SIGKILL);
        }
        late
    });
    let value = wait();
    drop(done);
    let late = watch.join().expect("it has nothing to panic about");
    assert!(!late, "it did not end within {PATIENCE:?}");
    value
}

/// Kills the groups that are left when its standard input ends, which is when the test program
/// does. `left` holds their numbers with a space on either side.
const WARDEN: &str = r#"
trap '' INT TERM HUP
left=' '
while read -r sign id; do
    case $sign in
    +) left="$left$id " ;;
    -) left="${left%% $id *} ${left#* $id }" ;;
    esac
done
for id in $left; do kill -s KILL -- "-$id"; done
"#;

/// Programs in groups of their own do not get the Ctrl-C that ends the tests, and a test program
/// that is killed drops nothing: one shell a test program sees to what is left then.
// The shell has to outlive this program, which so cannot wait for it.
#[allow(clippy::zombie_processes)]
fn tell_the_warden(sign: char, group: Pid) {
    static WARDEN_STDIN: LazyLock<Mutex<ChildStdin>> = LazyLock::new(|| {
        let mut shell = Command::new("sh");
        shell.args(["-c", WARDEN]).process_group(0);
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = shell.spawn().expect("there is a shell");
        Mutex::new(child.stdin.take().expect("a pipe"))
    });
    let mut stdin = WARDEN_STDIN.lock().unwrap_or_else(PoisonError::into_inner);
    stdin.write_all(format!("{sign} {group}\n").as_bytes()).expect("the shell listens");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counted::wait_for;

    fn sh(line: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", line]).stdin(Stdio::null());
        command
    }

    fn runs(id: i32) -> bool {
        kill(Pid::from_raw(id), None).is_ok() && !is_zombie(id)
    }

    /// Nobody but the first process waits for an orphan, and in a container that may do nothing.
    fn is_zombie(id: i32) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        stat.rsplit(')').next().is_none_or(|rest| rest.trim_start().starts_with('Z'))
    }

    /// A program that has started another one, and the number of that.
    fn pair(folder: &std::path::Path) -> (Running, i32) {
        let mut command = sh("sleep 600 & echo $! >id.new; mv id.new id; wait");
        let running = Running::start(command.current_dir(folder));
        wait_for("the number", || folder.join("id").exists());
        let text = std::fs::read_to_string(folder.join("id")).expect("readable");
        (running, text.trim().parse().expect("a number"))
    }

    #[test]
    fn what_is_dropped_ends_with_all_that_it_has_started() {
        let folder = tempfile::tempdir().expect("a folder");
        let (running, other) = pair(folder.path());
        let own = i32::try_from(running.id()).expect("small");
        assert!(runs(own) && runs(other));
        drop(running);
        wait_for("their end", || !runs(own) && !runs(other));
    }

    #[test]
    fn a_test_that_panics_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().to_owned();
        let failed = std::thread::spawn(move || {
            let (_running, other) = pair(&path);
            std::panic::panic_any(other);
        });
        let other = *failed.join().expect_err("it panics").downcast::<i32>().expect("a number");
        wait_for("its end", || !runs(other));
    }

    #[test]
    fn output_and_end_are_told_as_they_are() {
        let command = &mut sh("echo out; echo err >&2; exit 3");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let out = Running::start(command).wait_with_output().expect("it ends");
        assert_eq!(
            (out.status.code(), &*out.stdout, &*out.stderr),
            (Some(3), &b"out\n"[..], &b"err\n"[..])
        );
        let mut sleeper = Running::start(&mut sh("exec sleep 600"));
        assert_eq!(sleeper.try_wait().expect("asked"), None);
        sleeper.signal("TERM");
        assert_eq!(sleeper.wait().expect("it ends").code(), None);
    }

    /// As when the tests are interrupted: the warden's standard input ends.
    #[test]
    fn the_warden_kills_what_is_left_and_nothing_else() {
        let mut command = sh("exec sleep 600");
        let mut programs: Vec<Child> =
            (0..4).map(|_| command.process_group(0).spawn().expect("it starts")).collect();
        let ids: Vec<i32> = programs.iter().map(|p| pid(p).as_raw()).collect();
        let mut warden = sh(WARDEN).stdin(Stdio::piped()).spawn().expect("a shell");
        let mut stdin = warden.stdin.take().expect("a pipe");
        for line in [0, 1, 2, 3].map(|n| format!("+ {}\n", ids[n])) {
            stdin.write_all(line.as_bytes()).expect("written");
        }
        for line in [0, 2].map(|n| format!("- {}\n", ids[n])) {
            stdin.write_all(line.as_bytes()).expect("written");
        }
        drop(stdin);
        assert!(warden.wait().expect("it ends").success());
        wait_for("the ends", || !runs(ids[1]) && !runs(ids[3]));
        assert!(runs(ids[0]) && runs(ids[2]));
        for program in &mut programs {
            let _ = program.kill();
            program.wait().expect("it ends");
        }
    }
}
