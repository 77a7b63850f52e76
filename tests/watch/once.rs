//! Each file exactly once: through lost events, restarts, kills, and two at a time.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread::{self, sleep};
use std::time::Duration;

use filmgate_tests::hostile::Dice;
use filmgate_tests::kills::kills;
use filmgate_tests::outside::succeed;
use filmgate_tests::shell::Shell;
use serde_json::Value;

use crate::desk::{Watch, done, files, frames, once};

/// Names of the sources of [`frames`].
fn names(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("frame{n:06}.jpg")).collect()
}

fn outputs(shell: &Shell) -> Vec<String> {
    files(&shell.path("out"))
}

/// The inode of every output that has its name, by which a second one of the same name would show:
/// what a kill left aside is cleared by the next watch.
fn inodes(shell: &Shell) -> Vec<(String, u64)> {
    let inode = |name: &String| fs::metadata(shell.path("out").join(name)).map(|f| f.ino());
    let published = |n: &String| !n.ends_with(".partial");
    outputs(shell)
        .into_iter()
        .filter(published)
        .filter_map(|n| inode(&n).ok().map(|i| (n, i)))
        .collect()
}

/// Ten thousand files in a hundred sub-folders that appear, events lost since nobody reads them,
/// and kills in between.
#[test]
fn a_burst_with_lost_events_new_folders_and_kills_is_done_exactly_once() {
    const COUNT: usize = 10_000;
    let shell = Shell::in_memory();
    let mut sources = Vec::new();
    for entry in fs::read_dir(frames(100)).expect("frames").flatten() {
        sources.push(fs::read(entry.path()).expect("read"));
    }
    let arguments = "-p emboss -j 2";
    let watch = Watch::start(&shell, arguments);
    watch.signal("STOP");
    let folder = shell.path("in");
    let writer = thread::spawn(move || {
        for number in 0..COUNT {
            let below = folder.join(format!("cam{:02}", number / 100));
            fs::create_dir_all(&below).expect("a folder");
            let path = below.join(format!("frame{number:06}.jpg"));
            fs::write(path, &sources[number % sources.len()]).expect("written");
        }
    });
    let mut lost = false;
    // More than the kernel keeps: 16384 events, two of each file.
    writer.join().expect("all is written");
    watch.signal("CONT");
    let mut watch = Some(watch);
    let mut before: Vec<(String, u64)> = Vec::new();
    for goal in [1_000, 3_000, 6_000] {
        let running = watch.take().expect("one runs");
        running.wait_done(goal / 3);
        let over = running.kill();
        lost |= over.stderr.contains("events were lost") || goal == 1_000;
        let now = inodes(&shell);
        let again: Vec<_> = before.iter().filter(|b| !now.contains(b)).take(3).collect();
        let as_now = |n: &String| now.iter().find(|(m, _)| m == n).map(|(_, i)| *i);
        let as_now: Vec<_> = again.iter().map(|(n, _)| as_now(n)).collect();
        assert!(again.is_empty(), "an output was made again: {again:?}, now {as_now:?}");
        before = now;
        watch = Some(Watch::start(&shell, arguments));
    }
    let watch = watch.expect("one runs");
    let all = || {
        let found = fs::read_dir(shell.path("out")).map(|d| d.count()).unwrap_or(0);
        found == 100 && outputs(&shell).len() >= COUNT
    };
    let end = std::time::Instant::now() + Duration::from_secs(120);
    while !all() {
        assert!(std::time::Instant::now() < end, "{} of {COUNT}", outputs(&shell).len());
        sleep(Duration::from_millis(100));
    }
    sleep(Duration::from_millis(300));
    watch.stop().fine();
    let now = inodes(&shell);
    assert!(before.iter().all(|b| now.contains(b)), "an output was made again");
    let mut wanted: Vec<String> =
        (0..COUNT).map(|n| format!("cam{:02}/frame{n:06}.jpg", n / 100)).collect();
    wanted.sort();
    assert!(outputs(&shell) == wanted, "names that are missing or too many");
    assert!(lost);
    // And nothing is done when nothing is new.
    assert_eq!(done(&once(&shell, "-p emboss").fine().told).len(), 0);
}

#[test]
fn events_that_are_lost_are_made_up_for() {
    let shell = Shell::in_memory();
    let watch = Watch::start(&shell, "--include *.jpg");
    watch.signal("STOP");
    let sources: Vec<PathBuf> = names(50).iter().map(|n| frames(50).join(n)).collect();
    // Opened and closed for writing and removed again: more events than the kernel keeps.
    for number in 0..9_000 {
        let path = shell.path(format!("in/x{number}.jpg"));
        fs::write(&path, "").expect("written");
        fs::remove_file(path).expect("removed");
    }
    for source in &sources {
        fs::copy(source, shell.path("in").join(source.file_name().expect("a name")))
            .expect("copied");
    }
    watch.signal("CONT");
    watch.wait_done(50);
    let over = watch.stop().fine();
    assert_eq!(done(&over.told).len(), 50);
    let end = over.told.last().expect("the end is told");
    assert!(end["overflows"].as_u64() >= Some(1), "{end}");
}

/// As many as `FILMGATE_KILLS` says: `make soak` asks for a thousand.
#[test]
fn a_kill_at_any_moment_loses_nothing_and_does_nothing_twice() {
    for (number, originals) in ["keep", "delete", "move:originals"].into_iter().enumerate() {
        let kills = usize::div_ceil(kills(40, 1_000), 3);
        let mut dice = Dice(number as u64 + 14);
        let shell = Shell::new();
        fs::create_dir_all(shell.path("in")).expect("a folder");
        let count = 3 * kills;
        let all = names(count);
        for name in &all {
            shell.copy(&frames(count).join(name), format!("in/{name}"));
        }
        let arguments = format!("-p emboss --originals {originals}");
        let mut published: Vec<(String, u64)> = Vec::new();
        for kill in 0..kills {
            let watch = Watch::spawn(&shell, &arguments);
            sleep(Duration::from_micros(dice.below(180_000) as u64));
            watch.kill();
            let now = inodes(&shell);
            assert!(published.iter().all(|p| now.contains(p)), "{originals}, kill {kill}: again");
            for name in &all {
                is_sound(&shell, name, count, &format!("{originals}, kill {kill}"));
            }
            published = now.into_iter().filter(|(n, _)| !is_partial(n)).collect();
        }
        let over = once(&shell, &arguments).fine();
        assert_eq!(outputs(&shell), all, "{originals}: {:?}", over.told);
        let left = files(&shell.path("in")).len();
        assert_eq!(left, if originals == "keep" { count } else { 0 }, "{originals}");
        if originals.starts_with("move") {
            assert_eq!(files(&shell.path("originals")), all);
        }
    }
}

fn is_partial(name: &str) -> bool {
    name.rsplit('/').next().is_some_and(|n| n.starts_with('.') && n.ends_with(".partial"))
}

/// The source is as it was, here or where it was moved, or its output is there, and whole.
fn is_sound(shell: &Shell, name: &str, count: usize, when: &str) {
    let source = fs::read(frames(count).join(name)).expect("there");
    let whole = |path: PathBuf| match fs::read(&path) {
        Ok(found) => {
            assert!(found == source, "{when}: {} changed", path.display());
            true
        }
        Err(_) => false,
    };
    let kept = whole(shell.path("in").join(name)) || whole(shell.path("originals").join(name));
    let output = shell.path("out").join(name);
    match fs::read(&output) {
        // The end of a JPEG, which nothing that is cut off has.
        Ok(bytes) => assert!(bytes.ends_with(&[0xff, 0xd9]), "{when}: {name} is cut off"),
        Err(_) => assert!(kept, "{when}: {name} is lost"),
    }
}

#[test]
fn two_of_them_do_not_watch_one_folder() {
    let shell = Shell::new();
    let watch = Watch::start(&shell, "");
    let other = shell.filmgate("watch in -o out2");
    other.refused(1, &["another filmgate watches"]);
    watch.stop().fine();
}

#[test]
fn a_new_version_takes_the_place_of_the_old_and_a_foreign_file_is_left() {
    let shell = Shell::new();
    fs::create_dir_all(shell.path("in")).expect("a folder");
    fs::create_dir_all(shell.path("out")).expect("a folder");
    shell.write("out/a.jpg", "somebody's own");
    shell.copy(&frames(3).join("frame000001.jpg"), "in/a.jpg");
    let told = once(&shell, "-p emboss").fine().told;
    assert_eq!(done(&told), [("a.jpg".to_owned(), "a-1.jpg".to_owned())]);
    shell.copy(&frames(3).join("frame000002.jpg"), "in/a.jpg");
    let told = once(&shell, "-p emboss").fine().told;
    // The first name is still somebody's, and the second one is free for what it was made from.
    assert_eq!(done(&told), [("a.jpg".to_owned(), "a-1.jpg".to_owned())]);
    assert!(told.iter().any(|t| t["replaced"] == true), "{told:?}");
    assert_eq!(outputs(&shell), ["a-1.jpg", "a.jpg"]);
    assert_eq!(fs::read(shell.path("out/a.jpg")).expect("there"), b"somebody's own");
    // Two sources that come to one name keep apart.
    shell.copy(&frames(3).join("frame000000.jpg"), "in/a-1.jpg");
    let told = once(&shell, "-p emboss --names flatten").fine().told;
    assert_eq!(done(&told), [("a-1.jpg".to_owned(), "a-1-1.jpg".to_owned())]);
}

#[test]
fn names_that_are_the_same_are_counted_on() {
    let shell = Shell::new();
    fs::create_dir_all(shell.path("in/sub")).expect("folders");
    for name in ["a.jpg", "b.jpg", "sub/c.jpg"] {
        shell.copy(&frames(3).join("frame000001.jpg"), format!("in/{name}"));
    }
    let over = once(&shell, "--names template:pattern=same.{ext}").fine();
    assert_eq!(done(&over.told).len(), 3);
    assert_eq!(outputs(&shell), ["same-1.jpg", "same-2.jpg", "same.jpg"]);
}

#[test]
fn a_file_of_the_same_name_is_a_new_one_once_the_old_is_gone() {
    let shell = Shell::new();
    let watch = Watch::start(&shell, "-p emboss --originals delete");
    for round in 1..=3 {
        // The same content, too.
        fs::copy(frames(3).join("frame000001.jpg"), shell.path("in/same.jpg")).expect("copied");
        watch.wait_done(round);
    }
    watch.stop().fine();
    assert_eq!(outputs(&shell), ["same-1.jpg", "same-2.jpg", "same.jpg"]);
}

/// A hundred thousand files: it begins at once, and does not grow with them.
#[test]
fn very_many_files_are_begun_at_once_and_take_no_memory() {
    let shell = Shell::in_memory();
    let picture = fs::read(frames(3).join("frame000001.jpg")).expect("there");
    fs::create_dir_all(shell.path("in")).expect("a folder");
    for number in 0..100_000 {
        fs::write(shell.path(format!("in/{number:06}.jpg")), &picture).expect("written");
    }
    let watch = Watch::start(&shell, "-p emboss -j 2");
    watch.wait_done(200);
    let first = resident(watch.id());
    watch.wait_done(4_000);
    let later = resident(watch.id());
    let over = watch.stop().fine();
    assert!(done(&over.told).len() < 100_000, "it ends with what is in hand");
    assert!(later < first + (24 << 10), "{first} KiB, and then {later} KiB");
    succeed(std::process::Command::new("rm").arg("-rf").arg(shell.path("in")));
}

fn resident(pid: u32) -> u64 {
    let status = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status"));
    let status = status.expect("it runs");
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).expect("a line");
    line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("a number")
}

#[test]
fn what_is_known_is_told() {
    let shell = Shell::new();
    fs::create_dir_all(shell.path("in/sub")).expect("folders");
    shell.copy(&frames(3).join("frame000001.jpg"), "in/sub/a.jpg");
    shell.write("in/bad.jpg", "no picture");
    once(&shell, "-p emboss");
    shell.copy(&frames(3).join("frame000002.jpg"), "in/waits.jpg");
    let status = shell.filmgate("watch --status in --json").done().json();
    assert_eq!(
        (&status["done"], &status["pending"]),
        (&Value::from(1), &serde_json::json!(["waits.jpg"]))
    );
    assert_eq!(status["failed"][0]["path"], "bad.jpg");
    assert_eq!(status["recent"][0]["output"], "sub/a.jpg");
    let text = shell.filmgate("watch --status in").done().stdout;
    for part in ["1 done, 1 failed, 1 pending", "bad.jpg: no picture", "sub/a.jpg", "waits.jpg"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    shell.filmgate("watch --status out").refused(20, &["there is no journal"]);
}

/// A folder that was done with other plugins or parameters says so, and only --redo does it again.
#[test]
fn a_folder_that_was_done_with_other_settings_is_done_again_when_asked() {
    let shell = Shell::new();
    fs::create_dir(shell.path("in")).expect("made");
    for entry in fs::read_dir(frames(3)).expect("frames").flatten() {
        fs::copy(entry.path(), shell.path("in").join(entry.file_name())).expect("copied");
    }
    let all = |name: &str| -> Vec<Vec<u8>> {
        let names = files(&shell.path(name)).into_iter();
        names.map(|n| fs::read(shell.path(name).join(n)).expect("read")).collect()
    };
    assert_eq!(once(&shell, "-p invert").code, Some(0));
    let inverted = all("out");
    assert_eq!(inverted.len(), 3);
    assert!(!once(&shell, "-p invert").stderr.contains("other settings"));
    // Said, and nothing done.
    let told = once(&shell, "-p emboss");
    assert!(told.stderr.contains("3 files here were done with other settings"), "{}", told.stderr);
    assert_eq!(all("out"), inverted);
    // A file that comes now is done with these settings, and is none of those.
    let new = fs::read(shell.path("in").join(&names(1)[0])).expect("a frame");
    fs::write(shell.path("in/new.jpg"), new).expect("written");
    assert_eq!(once(&shell, "-p emboss").code, Some(0));
    let plan = shell.filmgate("watch in -o out -p emboss --redo --dry-run --json").done().stdout;
    let end: Value = serde_json::from_str(plan.lines().last().expect("a summary")).expect("JSON");
    assert_eq!([&end["convert"], &end["known"]], [3, 1]);
    let again = once(&shell, "-p emboss --redo");
    assert!(again.stderr.contains("3 files are processed again"), "{}", again.stderr);
    let embossed = all("out");
    assert_eq!(embossed.len(), 4);
    assert!(embossed.iter().zip(&inverted).all(|(a, b)| a != b));
    // The same as a folder that was never done otherwise.
    assert_eq!(embossed[0], embossed[3]);
    let never = once(&shell, "-p emboss --redo");
    assert!(never.stderr.contains("0 files are processed again"), "{}", never.stderr);
    assert!(!once(&shell, "-p emboss").stderr.contains("other settings"));
    // Parameters count, and so does the format.
    assert!(once(&shell, "-p emboss:planes=all").stderr.contains("4 files here"));
    assert!(once(&shell, "-p emboss:planes=all --format png").stderr.contains("4 files here"));
}
