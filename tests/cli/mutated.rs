//! Damaged films given to every verb: none hangs, crashes, panics, or needs what the sandbox forbids, and
//! none leaves anything but whole outputs. `watch` has a test of its own.

use std::fs;
use std::process::Command;

use filmgate_tests::damaged::{films, mutate, mutations};
use filmgate_tests::hostile::{Dice, program};
use filmgate_tests::shell::Shell;

/// How many files; `make soak` asks for more. Each goes to one verb.
const FILES: usize = 84;

/// Each with a damaged file; `SOUND` is one of the same kind that is whole.
const JOBS: [&str; 7] = [
    "probe FILE --json",
    "run -i FILE -p emboss -o out/film.mkv --preset ultrafast",
    "run -i FILE -o out/%03d.png --accept-truncated",
    "encode -i FILE -o out/live.m3u8",
    "split -i FILE -o out --once",
    "frame -i FILE --at 0.1 -o out/one.png",
    "join SOUND FILE -o out/both.mkv --skip-bad --reencode-odd",
];

/// Seconds that one may take.
const MOST: &str = "60";

#[test]
fn damaged_films_end_no_verb_badly() {
    let (films, mut dice, mut done) = (films(), Dice(17), 0);
    for number in 0..mutations(FILES) {
        let (ending, sound) = &films[number / JOBS.len() % films.len()];
        let job = JOBS[number % JOBS.len()];
        let mut bytes = sound.clone();
        mutate(&mut bytes, &mut dice);
        let shell = Shell::in_memory();
        fs::create_dir(shell.path("out")).expect("a folder");
        shell.write(format!("damaged.{ending}"), &bytes);
        shell.write(format!("sound.{ending}"), sound);
        let job = job.replace("FILE", &format!("damaged.{ending}"));
        let job = job.replace("SOUND", &format!("sound.{ending}"));
        // timeout(1) answers 124, or 128 and the signal that ended the program.
        let mut command = Command::new("timeout");
        shell.settle(&mut command);
        let said = shell.say(command.arg(MOST).arg(program()).args(job.split(' ')));
        let what = || format!("file {number}, {job}: {said:?}");
        assert!(said.code.is_some_and(|code| code < 100), "{}", what());
        assert!(!said.stderr.contains("panicked"), "{}", what());
        assert_eq!(fs::read(shell.path(format!("damaged.{ending}"))).expect("there"), bytes);
        let names = fs::read_dir(shell.path("out")).expect("a folder").flatten();
        let partial = names.filter(|n| n.file_name().to_string_lossy().ends_with(".partial"));
        assert_eq!(partial.count(), 0, "{}", what());
        done += usize::from(said.code == Some(0));
    }
    assert!(done > 0, "some are sound enough");
}
