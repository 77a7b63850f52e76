//! The folder: its bound, disks that fill, kills.

use filmgate_tests::counted::wait_for;
use filmgate_tests::running::Running;
use filmgate_tests::shell::Shell;
use filmgate_tests::trace::{calls, failing_at, killed_at, possible};

use crate::help::{all_names, film, is_whole, names, said, split, transport};
use crate::server::{Act, Server};

#[test]
fn the_folder_keeps_to_its_bound_across_restarts_and_foreign_files_stay() {
    let shell = Shell::new();
    let json = said(&shell, film(), "--keep 10").done().json();
    assert_eq!((&json["published"], &json["removed"]), (&75.into(), &65.into()));
    let wanted: Vec<String> = (66..=75).map(|n| format!("frame{n:06}.jpg")).collect();
    assert_eq!(names(&shell), wanted);
    // Foreign files, one of which is called as ours are.
    shell.write("out/frame000001.jpg", "foreign");
    shell.write("out/notes.txt", "foreign");
    said(&shell, film(), "--keep 10 --max-frames 4").done();
    let mut wanted: Vec<String> = (70..=79).map(|n| format!("frame{n:06}.jpg")).collect();
    wanted.insert(0, "frame000001.jpg".to_owned());
    wanted.push("notes.txt".to_owned());
    assert_eq!(names(&shell), wanted);
    // Without a bound, nothing goes.
    let json = said(&shell, film(), "--max-frames 4").done().json();
    assert_eq!(json["removed"], 0);
    assert_eq!(names(&shell).len(), 16);
}

#[test]
fn pictures_go_when_their_time_is_over_though_nothing_comes() {
    let shell = Shell::new();
    let server = Server::start(transport(), "video/mp2t", &[Act::Stall]);
    let arguments = "--stall 6 --once --keep-for 1 --names template:pattern=day/{number:06}.{ext}";
    let json = said(&shell, server.url(), arguments).json();
    // The decoder gives its last pictures when the source is over.
    let left = json["published"].as_u64().zip(json["removed"].as_u64()).map(|(a, b)| a - b);
    assert!(left.is_some_and(|left| left <= 8), "{json}");
}

#[test]
fn two_cannot_keep_one_folder() {
    let shell = Shell::new();
    let server = Server::start(transport(), "video/mp2t", &[Act::Stall]);
    let mut first = Running::start(&mut split(&shell, server.url(), "--keep 5 --stall 600"));
    wait_for("a picture", || shell.path("out").exists() && !names(&shell).is_empty());
    said(&shell, film(), "--keep 5").refused(32, &["another process"]);
    first.kill().expect("killed");
    first.wait().expect("ended");
    said(&shell, film(), "--keep 5 --max-frames 1").done();
}

/// The writes of pictures, by the main thread.
fn writes(calls: &[String]) -> Vec<usize> {
    let picture = |c: &String| c.starts_with("write(") && c.contains(".partial");
    calls.iter().enumerate().filter(|(_, c)| picture(c)).map(|(i, _)| i).collect()
}

#[test]
fn a_full_disk_is_a_clear_error_and_nothing_half_done_stays() {
    if !possible() {
        return;
    }
    let shell = Shell::new();
    let command = split(&shell, film(), "--max-frames 6");
    let seen = calls(&shell, "write", &command);
    let writes = writes(&seen);
    assert_eq!(writes.len(), 6, "{seen:?}");
    for error in ["ENOSPC", "EIO", "EDQUOT"] {
        std::fs::remove_dir_all(shell.path("out")).expect("removed");
        let said = failing_at(&shell, &seen, error, writes[3], &command);
        said.refused(33, &["after 3 pictures", "frame000004.jpg"]);
        assert_eq!(all_names(&shell.path("out")).len(), 3, "{error}");
    }
}

#[test]
fn on_a_full_disk_the_oldest_make_room_where_the_folder_has_a_bound() {
    if !possible() {
        return;
    }
    let shell = Shell::new();
    let command = split(&shell, film(), "--max-frames 6 --keep 100");
    let seen = calls(&shell, "write", &command);
    let writes = writes(&seen);
    std::fs::remove_dir_all(shell.path("out")).expect("removed");
    let said = failing_at(&shell, &seen, "ENOSPC", writes[3], &command).done();
    assert!(said.stderr.contains("made room"), "{said:?}");
    let json = said.json();
    assert_eq!((&json["published"], &json["removed_early"]), (&6.into(), &1.into()));
    let wanted: Vec<String> = (2..=6).map(|n| format!("frame{n:06}.jpg")).collect();
    assert_eq!(names(&shell), wanted);
    // An error of the disk is another thing.
    std::fs::remove_dir_all(shell.path("out")).expect("removed");
    failing_at(&shell, &seen, "EIO", writes[3], &command).refused(33, &["frame000004.jpg"]);
}

#[test]
fn killed_at_any_call_every_picture_is_whole_and_the_next_run_clears_up_and_goes_on() {
    if !possible() {
        return;
    }
    let shell = Shell::new();
    let command = split(&shell, film(), "--max-frames 3 --keep 2");
    let set = "write,renameat2,rename,unlink,openat,flock";
    let seen = calls(&shell, set, &command);
    let first = seen.iter().position(|c| c.contains(".partial")).expect("something is written");
    for number in first..seen.len() {
        std::fs::remove_dir_all(shell.path("out")).expect("removed");
        let _ = killed_at(&shell, &seen, number, &command);
        let left = names(&shell);
        for name in &left {
            let bytes = std::fs::read(shell.path("out").join(name)).expect("read");
            assert!(is_whole(&bytes), "call {number}: {name}");
        }
        said(&shell, film(), "--max-frames 1 --keep 2").done();
        let now = all_names(&shell.path("out"));
        assert!(now.iter().all(|n| !n.contains(".partial")), "call {number}: {now:?}");
        assert!(names(&shell).len() <= 2, "call {number}: {now:?}");
        assert!(names(&shell).last() > left.last(), "call {number}: {left:?}, then {now:?}");
    }
}

#[test]
fn with_sync_every_picture_is_on_the_disk_before_it_has_its_name() {
    if !possible() {
        return;
    }
    let shell = Shell::new();
    let command = split(&shell, film(), "--max-frames 2 --sync");
    let seen = calls(&shell, "write,fsync,renameat2", &command);
    let order: Vec<&str> = seen
        .iter()
        .filter(|c| c.contains(".partial") || c.contains("/out>"))
        .map(|c| c.split('(').next().expect("a call"))
        .collect();
    assert_eq!(order, ["write", "fsync", "renameat2", "fsync"].repeat(2), "{seen:?}");
}
