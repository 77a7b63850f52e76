//! The examples that write into the pipe, as they stand in `examples/`.

use std::process::{Command, Stdio};

use filmgate_tests::hostile::root;
use filmgate_tests::outside::{complaints, ffprobe, python, script, succeed};
use filmgate_tests::running::Running;
use filmgate_tests::shell::Shell;
use filmgate_tests::tools::{CHROMIUM, found};

use crate::start::{end, spawn, wait_for_pipe};

/// An encode of what an example writes: 640x360, 25 a second, bgr24.
fn job(shell: &Shell) -> Running {
    let mut command = shell.command();
    let line = "encode --fifo pipe --size 640x360 --pix-fmt bgr24 --rate 25 --json -o out.flv";
    spawn(command.args(line.split(' ')))
}

fn check(shell: &Shell, job: Running) {
    let result = end(job).done().json();
    assert_eq!(result["frames_out"], 100);
    let path = shell.path("out.flv");
    assert_eq!(complaints(&path), "");
    let facts = ffprobe(&path, "-count_frames -show_streams");
    assert_eq!(facts["streams"][0]["nb_read_frames"], "100");
}

#[test]
fn the_one_in_c() {
    let shell = Shell::new();
    let source = root().join("examples/push.c");
    let mut compile = Command::new("cc");
    compile.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-O2", "-o"]);
    succeed(compile.arg(shell.path("push")).arg(source));
    let job = job(&shell);
    wait_for_pipe(&shell);
    succeed(Command::new(shell.path("push")).arg(shell.path("pipe")).arg("100"));
    check(&shell, job);
}

#[test]
fn the_one_in_python() {
    let shell = Shell::new();
    // With OpenCV where it is there; it makes its pictures with numpy alone otherwise.
    let bench = root().join("build/venv-bench/bin/python");
    let python = if bench.exists() { bench } else { python() };
    let job = job(&shell);
    wait_for_pipe(&shell);
    let mut script = Command::new(python);
    script.arg(root().join("examples/push.py")).arg(shell.path("pipe")).arg("100");
    succeed(script.stdin(Stdio::null()));
    check(&shell, job);
}

#[test]
fn a_browser_plays_the_mp4() {
    let Some(browser) = found(&CHROMIUM) else { return };
    let shell = Shell::new();
    filmgate_tests::counted::raw_film(&shell.path("film"), 50);
    shell.filmgate("encode -i film --size 320x180 -q --audio silence -o out.mp4").done();
    let player = root().join("tests/encode/browser.py");
    let film = shell.path("out.mp4");
    let told = script(&player, &[browser.as_ref(), film.as_ref(), shell.folder().as_ref()]);
    assert!(
        told.starts_with("played 320x180, ") && told.trim() != "played 320x180, 0 pictures",
        "{told}"
    );
}
