//! kill -9 at any moment, no space, and the order in which an output comes into being.

use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use filmgate_tests::counted::{numbers, raw_film, wait_for, write};
use filmgate_tests::hostile::{Dice, program};
use filmgate_tests::kills::kills;
use filmgate_tests::outside::{complaints, output};
use filmgate_tests::shell::Shell;
use filmgate_tests::trace::possible;

use crate::start::{NOW, counted, end, spawn, start};

#[test]
fn killed_at_any_moment_it_leaves_a_whole_output_or_none() {
    let (shell, mut dice) = (Shell::new(), Dice(6));
    raw_film(&shell.path("film"), 60);
    let line = "encode -i film --size 320x180 -q -y -o out.mp4 --also copy.mkv --preset slow";
    let mut cut = 0;
    for round in 0..kills(12, 1_000) {
        let mut command = shell.command();
        let mut job = spawn(command.args(line.split_whitespace()));
        if round == 0 {
            let partial = || shell.names().iter().any(|n| n.ends_with(".partial"));
            wait_for("it to be at work", partial);
        } else {
            sleep(Duration::from_millis(10 + dice.below(700) as u64));
        }
        job.kill().expect("killed");
        job.wait().expect("it ends");
        for name in shell.names() {
            match name.as_str() {
                "film" => {}
                "out.mp4" | "copy.mkv" => {
                    assert_eq!(numbers(&shell.path(&name)), (0..60).collect::<Vec<_>>());
                }
                left => {
                    assert!(left.starts_with('.') && left.ends_with(".partial"), "{left}");
                    cut += 1;
                }
            }
        }
        let _ = std::fs::remove_file(shell.path("out.mp4"));
        let _ = std::fs::remove_file(shell.path("copy.mkv"));
    }
    assert!(cut > 0, "not one was killed at work");
    shell.filmgate(line).done();
    assert_eq!(shell.names(), ["copy.mkv", "film", "out.mp4"], "the next run clears left-overs");
    assert_eq!(complaints(&shell.path("out.mp4")), "");
}

#[test]
fn without_space_there_is_no_output() {
    let shell = Shell::new();
    let mut command = Command::new("sh");
    shell.settle(&mut command);
    let line = format!("ulimit -f 100; exec \"$0\" {} --crf 0 -o out.mp4", counted());
    let job = spawn(command.args(["-c", &line]).arg(program()));
    let writer = write(&shell.path("pipe"), 0..3_000, NOW);
    end(job).refused(33, &["out.mp4"]);
    assert!(writer.join().expect("written") < 3_000, "it did not go on in vain");
    assert_eq!(shell.names(), [""; 0]);
}

#[test]
fn it_is_synced_before_it_gets_its_name() {
    if !possible() {
        return;
    }
    let shell = Shell::new();
    raw_film(&shell.path("film"), 5);
    let mut command = Command::new("strace");
    shell.settle(&mut command);
    command.args(["-f", "-e", "trace=fsync,fdatasync,rename,renameat2,link", "-o", "trace"]);
    command.arg(program()).args("encode -i film --size 320x180 -q -o out.flv".split(' '));
    assert!(output(&mut command).status.success());
    let trace = std::fs::read_to_string(shell.path("trace")).expect("a trace");
    let calls: Vec<&str> = trace
        .lines()
        .filter(|l| l.contains("sync(") || l.contains("out.flv"))
        .filter_map(|l| ["fsync", "rename"].into_iter().find(|call| l.contains(call)))
        .collect();
    let ours = &calls[calls.len() - 3..];
    assert_eq!(ours, ["fsync", "rename", "fsync"], "file, name, folder: {trace}");
}

#[test]
fn a_plugin_that_breaks_ends_the_job_or_is_passed_by() {
    let shell = Shell::new();
    let broken = filmgate_tests::hostile::root().join("tests/hostile");
    assert!(broken.exists());
    // A negative radius is refused before a pipe is made.
    let job = start(&shell, "-p blur:radius=-1 -o out.flv");
    end(job).refused(11, &["radius"]);
    assert_eq!(shell.names(), [""; 0]);
}
