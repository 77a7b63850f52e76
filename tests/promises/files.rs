//! Outputs appear whole or not at all, whatever happens on the way; inputs stay as they are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use filmgate_tests::hostile::{Dice, program};
use filmgate_tests::kills::kills;
use filmgate_tests::outside::{complaints, ffmpeg, made, pictures};
use filmgate_tests::running::Running;
use filmgate_tests::shell::{Said, Shell};
use filmgate_tests::tools::Disk;
use filmgate_tests::trace::{
    CHANGES, calls, failing_at, from_the_first_aside, killed_at, possible,
};

/// Few pictures, of some hundred kilobytes without loss: a job of some writes.
fn clip() -> PathBuf {
    made(
        "fifteen.mkv",
        "-f lavfi -i testsrc2=size=320x240:rate=25:duration=0.6 \
         -f lavfi -i sine=frequency=440:duration=0.6 -c:v libx264 -c:a aac",
    )
}

/// A job: its command, and what its output holds when all is well.
struct Job {
    shell: Shell,
    input: PathBuf,
    output: &'static str,
    source: Vec<u8>,
    whole: Vec<u8>,
}

impl Job {
    fn new(output: &'static str) -> Job {
        let shell = Shell::new();
        let input = shell.copy(&clip(), "in.mkv");
        let source = fs::read(&input).expect("the source can be read");
        let mut job = Job { shell, input, output, source, whole: Vec::new() };
        job.shell.say(&mut job.command()).done();
        job.whole = pictures(&job.shell.path(output), "yuv420p", 100);
        fs::remove_file(job.shell.path(output)).expect("removed");
        job
    }

    fn command(&self) -> Command {
        let mut command = Command::new(program());
        command.args(["run", "-i", "in.mkv", "-o", self.output, "-p", "emboss", "-q"]);
        command.args(["--preset", "ultrafast", "--crf", "0", "-j", "1"]);
        self.shell.settle(&mut command);
        command
    }

    /// The source is what it was, and the output is not there, or whole.
    fn is_sound(&self, when: &str) {
        assert_eq!(fs::read(&self.input).expect("the source is there"), self.source, "{when}");
        let output = self.shell.path(self.output);
        if output.exists() {
            assert_eq!(complaints(&output), "", "{when}");
            assert!(pictures(&output, "yuv420p", 100) == self.whole, "{when}: other pictures");
            fs::remove_file(&output).expect("removed");
        }
    }

    /// Nothing but the source and what a dead job may leave is in the folder.
    fn left_overs(&self, when: &str) -> usize {
        let names = self.shell.names();
        let others: Vec<&String> = names.iter().filter(|n| *n != "in.mkv").collect();
        assert!(others.iter().all(|n| n.ends_with(".partial")), "{when}: {names:?}");
        others.len()
    }
}

#[test]
fn a_kill_at_any_call_leaves_the_source_and_all_or_nothing() {
    if !possible() {
        return;
    }
    for output in ["out.mp4", "out.mkv"] {
        let job = Job::new(output);
        let all = calls(&job.shell, CHANGES, &job.command());
        job.is_sound("traced");
        let (numbers, mut partial) = (from_the_first_aside(&all), 0);
        let count = numbers.clone().count();
        for number in numbers {
            let when = format!("killed at {}", all[number]);
            let said = killed_at(&job.shell, &all, number, &job.command());
            assert_ne!(said.code, Some(0), "{when}: {said:?}");
            job.is_sound(&when);
            partial += job.left_overs(&when);
            assert!(job.left_overs(&when) <= 1, "{when}: the next job clears what is left");
        }
        assert!(count >= 8 && partial >= 6, "{partial} of {count}");
        job.shell.say(&mut job.command()).done();
        assert_eq!(job.shell.names(), ["in.mkv", output]);
    }
}

/// As many as `FILMGATE_KILLS` says: `make soak` asks for a thousand.
#[test]
fn a_kill_at_any_moment_leaves_the_source_and_all_or_nothing() {
    let kills = kills(25, 1_000);
    let (job, mut dice, mut done) = (Job::new("out.mp4"), Dice(11), 0);
    for number in 0..kills {
        let mut child = Running::start(&mut job.command());
        std::thread::sleep(Duration::from_micros(dice.below(150_000) as u64));
        let _ = child.kill();
        done += usize::from(child.wait().expect("it ends").success());
        job.is_sound(&format!("kill {number}"));
        job.left_overs(&format!("kill {number}"));
    }
    assert!(done < kills, "none of {kills} was killed at work");
    job.shell.say(&mut job.command()).done();
    assert_eq!(job.shell.names(), ["in.mkv", "out.mp4"]);
}

#[test]
fn an_output_is_synced_before_it_has_its_name_and_its_folder_after() {
    if !possible() {
        return;
    }
    let job = Job::new("out.mp4");
    let all = calls(&job.shell, "openat,write,fsync,fdatasync,renameat2,rename", &job.command());
    let rename = all.iter().position(|c| c.starts_with("rename") && c.contains("\"out.mp4\""));
    let rename = rename.unwrap_or_else(|| panic!("no rename: {all:#?}"));
    let synced = |c: &String| c.starts_with("fsync(") || c.starts_with("fdatasync(");
    let wrote = |c: &String| c.starts_with("write(") && c.contains(".partial>");
    let file = all[..rename].iter().rposition(|c| synced(c) && c.contains(".partial>"));
    let last = all.iter().rposition(wrote).expect("something is written");
    assert!(file.is_some_and(|sync| last < sync), "{all:#?}");
    let name = job.shell.folder().canonicalize().expect("a folder");
    let folder = format!("{}>)", name.display());
    assert!(all[rename..].iter().any(|c| synced(c) && c.contains(&folder)), "{all:#?}");
}

/// That a job failed, said so in words, and left nothing.
fn failed(job: &Job, said: &Said, when: &str) {
    assert_eq!(said.code, Some(33), "{when}: {said:?}");
    assert!(said.stderr.contains("out."), "{when}: {said:?}");
    job.is_sound(when);
    assert!(!job.shell.path(job.output).exists(), "{when}");
    assert_eq!(job.left_overs(when), 0, "{when}: {:?}", job.shell.names());
}

#[test]
fn no_space_and_errors_at_any_write_fail_the_job_and_lose_nothing() {
    if !possible() {
        return;
    }
    for (output, error) in [("out.mp4", "ENOSPC"), ("out.mkv", "EIO")] {
        let job = Job::new(output);
        let writes = calls(&job.shell, "write,pwrite64", &job.command());
        job.is_sound("traced");
        assert!(writes.iter().filter(|c| c.contains(".partial")).count() >= 1, "{writes:?}");
        for number in from_the_first_aside(&writes) {
            let command = job.command();
            let said = failing_at(&job.shell, &writes, error, number, &command);
            failed(&job, &said, &format!("{error} at {}", writes[number]));
        }
    }
}

#[test]
fn a_failed_sync_fails_the_job_and_is_not_tried_again() {
    if !possible() {
        return;
    }
    let job = Job::new("out.mp4");
    let syncs = calls(&job.shell, "fsync,fdatasync", &job.command());
    job.is_sound("traced");
    assert_eq!(syncs.len(), 2, "the file's and its folder's: {syncs:?}");
    let said = failing_at(&job.shell, &syncs, "EIO", 0, &job.command());
    failed(&job, &said, "the file's sync failed");
    // The folder's sync comes when the name is there already: the error is told all the same.
    let said = failing_at(&job.shell, &syncs, "EIO", 1, &job.command());
    assert_eq!(said.code, Some(33), "{said:?}");
    job.is_sound("the folder's sync failed");
}

#[test]
fn a_failed_rename_leaves_what_was_there() {
    if !possible() {
        return;
    }
    let job = Job::new("out.mp4");
    job.shell.write("out.mp4", "as it was");
    let mut command = job.command();
    command.arg("-y");
    let renames = calls(&job.shell, "renameat2,renameat,rename", &command);
    job.shell.write("out.mp4", "as it was");
    let said = failing_at(&job.shell, &renames, "EIO", 0, &command);
    assert_eq!(said.code, Some(33), "{said:?}");
    assert_eq!(fs::read(job.shell.path("out.mp4")).expect("it is there"), b"as it was");
    assert_eq!(job.left_overs_beside("out.mp4"), 0);
}

impl Job {
    fn left_overs_beside(&self, name: &str) -> usize {
        self.shell.names().iter().filter(|n| *n != "in.mkv" && *n != name).count()
    }
}

/// Numbered pictures are published one by one: those that are there are whole.
#[test]
fn a_disk_that_fills_while_pictures_are_written_leaves_whole_ones() {
    let shell = Shell::new();
    let Some(disk) = Disk::mounted(&shell.path("disk"), "256k") else { return };
    let mut command = shell.command();
    command.arg("run").args(["--input-format", "lavfi", "-i", "testsrc2=size=640x360:rate=25"]);
    command.args(["--max-frames", "50", "-p", "emboss", "-o", "disk/%03d.png", "-q"]);
    let said = shell.say(&mut command);
    let names: Vec<PathBuf> = fs::read_dir(disk.path())
        .expect("it can be read")
        .map(|e| e.expect("an entry").path())
        .collect();
    let sound = names.iter().all(|path: &PathBuf| is_whole(path));
    said.refused(33, &["disk/", "No space left"]);
    assert!(sound && names.len() > 1, "{names:?}");
}

fn is_whole(path: &Path) -> bool {
    let mut command = ffmpeg("");
    command.arg("-i").arg(path).args(["-f", "null", "-"]);
    path.extension().is_some_and(|e| e == "png") && command.status().is_ok_and(|s| s.success())
}
