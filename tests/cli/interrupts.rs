//! Ctrl-C, SIGTERM, SIGHUP and the end without warning, at any moment.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use filmgate_tests::counted::wait_for;
use filmgate_tests::hostile::{Dice, program};
use filmgate_tests::kills::kills;
use filmgate_tests::outside::{complaints, made};
use filmgate_tests::running::Running;
use filmgate_tests::shell::Shell;

/// Long enough to be still at work when a signal comes.
fn long() -> PathBuf {
    made(
        "long.mp4",
        "-f lavfi -i testsrc2=size=320x180:rate=25:duration=20 -c:v libx264 -preset ultrafast",
    )
}

fn start(shell: &Shell, preset: &str) -> Running {
    // The tests themselves may run under nohup(1), whose children inherit that SIGHUP is ignored.
    let mut command = Command::new("env");
    command.arg("--default-signal=HUP").arg(program());
    shell.settle(&mut command);
    command.args(["run", "-y", "-o", "out.mp4", "-p", "emboss", "-p", "denoise"]);
    command.args(["--preset", preset, "-i"]).arg(long());
    command.stderr(Stdio::piped()).stdout(Stdio::null());
    Running::start(&mut command)
}

/// Waits until it is at work: it handles signals then, and writes aside.
fn wait_for_work(shell: &Shell) {
    wait_for("an output aside", || shell.names().iter().any(|n| n.ends_with(".partial")));
}

#[test]
fn a_job_that_is_interrupted_leaves_no_trace() {
    let mut dice = Dice(20);
    let mut interrupted = 0;
    let rounds = kills(20, 200);
    for round in 0..rounds {
        let shell = Shell::new();
        let child = start(&shell, "placebo");
        // Half of them wherever they are, the others at work, however slow the machine is.
        if round % 4 > 1 {
            wait_for_work(&shell);
        }
        sleep(Duration::from_millis(20 + dice.below(600) as u64));
        let name = ["INT", "TERM", "HUP"][round % 3];
        child.signal(name);
        let out = child.wait_with_output().expect("it ends");
        // On a busy machine the encoder may need more than a second for its last frames.
        let said: String = String::from_utf8_lossy(&out.stderr)
            .lines()
            .filter(|line| !line.starts_with("filmgate: stopping; waiting for"))
            .map(|line| format!("{line}\n"))
            .collect();
        match out.status.code() {
            Some(130) => {
                interrupted += 1;
                assert_eq!(said, "filmgate: interrupted\n", "{name}");
                assert_eq!(shell.names(), [""; 0], "{name}");
            }
            // It was quicker than the signal.
            Some(0) => assert_eq!(complaints(&shell.path("out.mp4")), ""),
            // The signal came before the program had come to its first line.
            None => assert_eq!(shell.names(), [""; 0]),
            code => panic!("{name}: {code:?}: {said}"),
        }
    }
    assert!(interrupted >= rounds / 4, "only {interrupted} of {rounds} were interrupted at work");
}

#[test]
fn an_interrupted_job_leaves_the_old_output() {
    let shell = Shell::new();
    shell.write("out.mp4", "as it was");
    let child = start(&shell, "placebo");
    wait_for_work(&shell);
    child.signal("INT");
    let out = child.wait_with_output().expect("it ends");
    assert_eq!(out.status.code(), Some(130));
    assert_eq!(shell.names(), ["out.mp4"]);
    assert_eq!(std::fs::read(shell.path("out.mp4")).expect("it is there"), b"as it was");
}

#[test]
fn the_end_of_the_terminal_interrupts_unless_it_is_ignored() {
    let shell = Shell::new();
    let child = start(&shell, "placebo");
    wait_for_work(&shell);
    child.signal("HUP");
    let out = child.wait_with_output().expect("it ends");
    assert_eq!((out.status.code(), shell.names().len()), (Some(130), 0));

    // As nohup(1) does; the shell becomes the program.
    let mut command = Command::new("bash");
    command.args(["-c", "trap '' HUP; exec \"$@\"", "bash"]).arg(program());
    command.args(["run", "-q", "-o", "out.mp4", "--preset", "ultrafast", "-p", "denoise", "-i"]);
    command.arg(long());
    shell.settle(&mut command);
    let child = Running::start(&mut command);
    wait_for_work(&shell);
    child.signal("HUP");
    assert_eq!(child.wait_with_output().expect("it ends").status.code(), Some(0));
    assert_eq!(shell.names(), ["out.mp4"]);
}

#[test]
fn what_a_killed_job_leaves_is_cleared_by_the_next() {
    let mut dice = Dice(9);
    let (shell, mut killed) = (Shell::new(), 0);
    let rounds = kills(10, 200);
    for round in 0..rounds {
        let mut child = start(&shell, "placebo");
        if round == 0 {
            wait_for_work(&shell);
        }
        sleep(Duration::from_millis(100 + dice.below(400) as u64));
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
        let names = shell.names();
        let partial = |n: &&String| n.starts_with(".out.mp4.") && n.ends_with(".partial");
        // Each run clears what the one before left, so that there is never more than one.
        assert!(names.iter().filter(partial).count() <= 1, "{names:?}");
        if names.iter().any(|n| n == "out.mp4") {
            assert_eq!(complaints(&shell.path("out.mp4")), "")
        } else {
            killed += names.iter().filter(partial).count()
        }
        let _ = std::fs::remove_file(shell.path("out.mp4"));
    }
    assert!(killed >= 1, "only {killed} of {rounds} were killed at work");
    shell.write(".out.mp4.1-0.partial", "left by somebody");
    shell.write(".other.mp4.1-0.partial", "of another output");
    let small = filmgate_tests::outside::small("plain.mp4", "-bf 2");
    shell.run(&small, "out.mp4", "-y").done();
    assert_eq!(shell.names(), [".other.mp4.1-0.partial", "out.mp4"]);
}

#[test]
fn two_jobs_for_one_output_do_not_disturb_each_other() {
    let shell = Shell::new();
    let (first, second) = (start(&shell, "ultrafast"), start(&shell, "ultrafast"));
    for child in [first, second] {
        assert_eq!(child.wait_with_output().expect("it ends").status.code(), Some(0));
    }
    assert_eq!(shell.names(), ["out.mp4"]);
    assert_eq!(complaints(&shell.path("out.mp4")), "");
}

#[test]
fn waiting_for_a_source_that_is_not_there_can_be_interrupted() {
    for line in ["run -i none -o o.mp4 --reconnect", "split -i none -o o"] {
        let shell = Shell::new();
        let mut command = shell.command();
        command.args(line.split(' ')).arg("--wait").stderr(Stdio::piped()).stdout(Stdio::null());
        let child = Running::start(&mut command);
        sleep(Duration::from_millis(500));
        child.signal("INT");
        let out = child.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(130), "{line}: {said}");
        assert!(said.lines().count() < 10, "{line}: {said}");
    }
}
