//! The move: killed at any moment and after every call of the system, with every write and sync
//! failing in turn, the sources are there, or the whole output is.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use filmgate_tests::hostile::{Dice, program};
use filmgate_tests::kills::kills;
use filmgate_tests::outside::output;
use filmgate_tests::running::Running;
use filmgate_tests::shell::Shell;
use filmgate_tests::trace::{possible, seen};

use super::cases::{all_pictures, pictures, segments};

const NAMES: [&str; 3] = ["1.mp4", "2.mp4", "3.mp4"];

/// A folder with three segments, small ones.
fn fresh() -> Shell {
    let shell = Shell::new();
    fill(&shell);
    shell
}

fn fill(shell: &Shell) {
    for (name, source) in NAMES.iter().zip(segments("good")) {
        shell.copy(&source, name);
    }
}

/// Every source is byte-identical, or the output is complete; and what is left over is cleared by
/// the next run.
fn nothing_is_lost(shell: &Shell, what: &str) {
    let same = |(name, source): (&&str, std::path::PathBuf)| {
        std::fs::read(shell.path(name)).ok() == std::fs::read(source).ok()
    };
    let sources = NAMES.iter().zip(segments("good")).all(same);
    let out = shell.path("out.mp4");
    if out.exists() {
        whole(&out, what);
    } else {
        assert!(sources, "{what}: neither sources nor output: {:?}", shell.names());
    }
    for name in shell.names() {
        let known = NAMES.contains(&&*name) || name == "out.mp4";
        assert!(known || name.ends_with(".partial"), "{what}: {name}");
    }
}

fn whole(out: &Path, what: &str) {
    // Decoding all of it a thousand times takes too long: it is the same file every time.
    let bytes = std::fs::read(out).expect("readable");
    static WHOLE: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    let wanted = WHOLE.get_or_init(|| {
        let shell = fresh();
        shell.filmgate("join . -o out.mp4").done();
        assert_eq!(pictures(&shell.path("out.mp4")), all_pictures(&segments("good")));
        std::fs::read(shell.path("out.mp4")).expect("readable")
    });
    assert!(bytes == *wanted, "{what}: an output that is not whole");
}

/// The join that removes its sources.
fn removing(command: &mut Command) -> &mut Command {
    command.args(["join", ".", "-o", "out.mp4", "--delete-sources"])
}

/// filmgate under strace with one injection.
fn injected(shell: &Shell, inject: &str) -> std::process::Output {
    let mut command = Command::new("strace");
    let calls = inject.split(':').next().unwrap_or_default().replace("inject=", "trace=");
    command.args(["-f", "-qq", "-o", "/dev/null", "-e", &calls, "-e", inject]).arg(program());
    shell.settle(&mut command);
    output(removing(&mut command))
}

/// How often a call is made in one run.
fn count(call: &str) -> usize {
    let shell = fresh();
    let (said, calls) = seen(&shell, call, removing(&mut Command::new(program())));
    said.done();
    calls.iter().filter(|l| l.contains(&format!("{call}("))).count()
}

/// The calls by which anything on the disk is changed.
const CHANGES: [&str; 6] = ["write", "fsync", "renameat2", "unlink", "flock", "openat"];

#[test]
fn killed_after_every_call_that_changes_anything_it_loses_nothing() {
    if !possible() {
        return;
    }
    for call in CHANGES {
        let count = count(call);
        // Libraries are opened in front, which is nobody's concern: the last ones matter.
        let from = if call == "openat" { count.saturating_sub(8).max(1) } else { 1 };
        for when in from..=count {
            let shell = fresh();
            let out = injected(&shell, &format!("inject={call}:signal=KILL:when={when}"));
            let what = format!("{call} {when} of {count}");
            // The join is killed, or the helper that gives files their names: then the join says so.
            let told =
                String::from_utf8_lossy(&out.stderr).contains("gives files their names has ended");
            let refused = out.status.code() == Some(33) && told;
            let killed = out.status.signal().is_some();
            assert!(killed || refused || out.status.success(), "{what}: {out:?}");
            nothing_is_lost(&shell, &what);
        }
    }
}

#[test]
fn killed_at_random_it_loses_nothing_and_the_next_run_clears_up() {
    let mut dice = Dice(4);
    for round in 0..kills(40, 1_000) {
        let shell = fresh();
        let mut command = shell.command();
        removing(&mut command);
        let mut child = Running::start(command.stderr(Stdio::null()));
        sleep(Duration::from_micros(dice.below(60_000) as u64));
        // It may have ended by itself.
        let _ = child.kill();
        child.wait().expect("it has ended");
        nothing_is_lost(&shell, &format!("round {round}"));
        if !shell.path("out.mp4").exists() {
            shell.filmgate("join . -o out.mp4 --delete-sources").done();
            assert_eq!(shell.names(), ["out.mp4"], "what was left over is gone");
        }
    }
}

#[test]
fn every_write_and_sync_that_fails_fails_the_join_and_keeps_the_sources() {
    if !possible() {
        return;
    }
    for (call, error) in [("write", "ENOSPC"), ("write", "EIO"), ("fsync", "EIO")] {
        let count = count(call);
        assert!(count > 0);
        for when in 1..=count {
            let shell = fresh();
            let out = injected(&shell, &format!("inject={call}:error={error}:when={when}"));
            let what = format!("{call} {when} of {count}: {error}");
            let said = String::from_utf8_lossy(&out.stderr).into_owned();
            nothing_is_lost(&shell, &what);
            if out.status.success() {
                // What could not be written was a word on stderr, or the sync of what is removed.
                assert!(shell.path("out.mp4").exists(), "{what}: {said}");
                continue;
            }
            let there = NAMES.iter().all(|n| shell.path(n).exists());
            assert!(there, "{what}: a source was removed: {said}");
            assert!(!said.contains("panicked"), "{what}: {said}");
        }
    }
}

#[test]
fn a_full_disk_is_told_and_leaves_nothing() {
    let shell = fresh();
    let mut command = Command::new("bash");
    shell.settle(&mut command);
    command.args(["-c", "ulimit -f 64; exec \"$@\"", "bash"]).arg(program());
    let out = output(command.args(["join", ".", "-o", "out.mp4", "--delete-sources"]));
    assert_eq!(out.status.code(), Some(33), "{out:?}");
    assert_eq!(shell.names(), NAMES);
}

#[test]
fn it_is_synced_then_renamed_then_its_folder_synced_and_only_then_are_sources_removed() {
    if !possible() {
        return;
    }
    let shell = fresh();
    let set = "write,fsync,renameat2,rename,unlink";
    let (said, calls) = seen(&shell, set, removing(&mut Command::new(program())));
    said.done();
    let text = calls.join("\n");
    let last = |what: &dyn Fn(&str) -> bool| {
        text.lines().collect::<Vec<_>>().iter().rposition(|l| what(l))
    };
    let first = |what: &dyn Fn(&str) -> bool| text.lines().position(what);
    let written = last(&|l: &str| l.contains("write(") && l.contains(".partial>"));
    let synced = first(&|l: &str| l.contains("fsync(") && l.contains(".partial>"));
    let renamed = first(&|l: &str| l.contains("rename") && l.contains("out.mp4\""));
    let folder = first(&|l: &str| l.contains("fsync(") && !l.contains(".partial>"));
    let removed = first(&|l: &str| l.contains("unlink(") && l.contains("1.mp4"));
    let order = [written, synced, renamed, folder, removed];
    assert!(order.iter().all(Option::is_some), "{order:?}\n{text}");
    assert!(order.is_sorted(), "{order:?}\n{text}");
}
