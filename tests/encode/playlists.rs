//! HLS playlists: no error of a disk goes unnoticed, and every file is whole or not there.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;

use filmgate_tests::counted::{numbers, raw_film};
use filmgate_tests::hostile::program;
use filmgate_tests::outside::{complaints, output};
use filmgate_tests::shell::{Said, Shell};
use filmgate_tests::trace::{calls, failing_at, possible};

const LINE: &str = "encode -i film --size 320x180 -q --keyframe-interval 1 --crf 1";

fn with_film(count: usize) -> Shell {
    let shell = Shell::new();
    raw_film(&shell.path("film"), count);
    shell
}

/// With files of at most so many blocks of 512 bytes.
fn limited(shell: &Shell, blocks: u32, more: &str) -> Said {
    let mut command = Command::new("sh");
    shell.settle(&mut command);
    let line = format!("ulimit -f {blocks}; exec \"$0\" {LINE} {more}");
    shell.say(command.args(["-c", &line]).arg(program()))
}

#[test]
fn a_piece_that_does_not_fit_is_an_error() {
    let shell = with_film(100);
    limited(&shell, 100, "-o list/x.m3u8").refused(33, &["list/x0.ts", "File too large"]);
    assert!(!shell.path("list").exists(), "the folder that was made for it goes with it");
    // Beside another output, which is whole; and as a copy beside one.
    let said = limited(&shell, 100, "-o y.m3u8 -o a.framemd5");
    assert_eq!(said.code, Some(33), "{said:?}");
    assert!(said.stderr.contains("y0.ts: cannot be written"), "{said:?}");
    let said = limited(&shell, 100, "-o b.framemd5 --also z.m3u8 --json");
    assert_eq!(said.code, Some(33), "{said:?}");
    assert!(said.stderr.contains("z0.ts"), "{said:?}");
    assert_eq!(shell.names(), ["a.framemd5", "b.framemd5", "film"]);
}

#[test]
fn a_disk_that_is_full_is_an_error() {
    let shell = with_film(100);
    fs::create_dir(shell.path("disk")).expect("a folder");
    let mut mount = Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", "size=64k", "none"]).arg(shell.path("disk"));
    if !output(&mut mount).status.success() {
        eprintln!("not root, or not allowed to mount: the limit for files stands in");
        return;
    }
    let said = shell.filmgate(&format!("{LINE} -o disk/x.m3u8"));
    let also = shell.filmgate(&format!("{LINE} -o whole.mkv --also disk/x.m3u8"));
    let left = fs::read_dir(shell.path("disk")).expect("there").count();
    let mut remount = Command::new("mount");
    output(remount.args(["-o", "remount,ro"]).arg(shell.path("disk")));
    let closed = shell.filmgate(&format!("{LINE} -o disk/y.m3u8"));
    output(Command::new("umount").arg(shell.path("disk")));
    said.refused(33, &["disk/x0.ts", "No space left"]);
    assert_eq!(also.code, Some(33), "{also:?}");
    assert_eq!(numbers(&shell.path("whole.mkv")).len(), 100, "the other output is whole");
    assert_eq!(left, 0);
    closed.refused(32, &["disk/y.m3u8", "Read-only"]);
}

#[test]
fn a_folder_that_takes_nothing_is_told_at_the_beginning() {
    let shell = with_film(2);
    for (name, part) in [("/proc/x.m3u8", "/proc"), ("none/list/x.m3u8", "none")] {
        shell.filmgate(&format!("{LINE} -o {name}")).refused(32, &[part]);
    }
    fs::create_dir(shell.path("folder.m3u8")).expect("a folder");
    shell.filmgate(&format!("{LINE} -o folder.m3u8")).refused(32, &["is a folder"]);
    assert_eq!(shell.names(), ["film", "folder.m3u8"]);
    // Root may write anywhere; another user may not.
    fs::create_dir(shell.path("closed")).expect("a folder");
    for (name, mode) in [("closed", 0o555), ("", 0o755), ("film", 0o644)] {
        fs::set_permissions(shell.path(name), fs::Permissions::from_mode(mode)).expect("set");
    }
    let root = fs::metadata(shell.folder()).expect("there").uid() == 0;
    let binary = shell.copy(&program(), "filmgate");
    let mut command = Command::new(if root { "setpriv".as_ref() } else { binary.as_os_str() });
    if root {
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&binary);
    }
    command.args(LINE.split(' ')).args(["-o", "closed/x.m3u8"]);
    shell.settle(&mut command);
    let said = shell.say(command.env("FILMGATE_CACHE_DIR", ""));
    said.refused(32, &["closed/x.m3u8", "Permission denied"]);
}

#[test]
fn errors_of_naming_and_syncing_are_told() {
    if !possible() {
        return;
    }
    let shell = with_film(60);
    let mut command = shell.command();
    command.args(LINE.split(' ')).args(["-o", "list/x.m3u8"]);
    fs::create_dir(shell.path("list")).expect("a folder");
    let seen = calls(&shell, "write,fsync,rename,renameat2", &command);
    let last = |name: &str, part: &str| {
        seen.iter().rposition(|c| c.starts_with(name) && c.contains(part)).expect(name)
    };
    for (number, error, part) in [
        (last("fsync", ".ts"), "EIO", "synced"),
        (last("fsync", ".m3u8"), "EIO", "synced"),
        (last("fsync", "list>"), "EIO", "synced"),
        (last("rename", ".ts"), "ENOSPC", "its name"),
        (last("rename", ".m3u8"), "ENOSPC", "its name"),
        (last("write", ".ts"), "ENOSPC", "cannot be written"),
        (last("write", ".m3u8"), "EIO", "cannot be written"),
    ] {
        fs::remove_dir_all(shell.path("list")).expect("removed");
        fs::create_dir(shell.path("list")).expect("a folder");
        let said = failing_at(&shell, &seen, error, number, &command);
        said.refused(33, &["list", part]);
        for entry in fs::read_dir(shell.path("list")).expect("there") {
            let entry = entry.expect("an entry");
            assert!(entry.metadata().expect("there").len() > 0, "{}: {entry:?}", seen[number]);
            assert!(!entry.file_name().to_string_lossy().contains(".partial"), "{entry:?}");
        }
    }
}

#[test]
fn pieces_that_are_there_are_not_replaced_unasked() {
    let shell = with_film(60);
    shell.filmgate(&format!("{LINE} -o x.m3u8")).done();
    assert_eq!(shell.names(), ["film", "x.m3u8", "x0.ts", "x1.ts", "x2.ts"]);
    let json = shell.filmgate(&format!("{LINE} -o x.m3u8 -y --json")).done().json();
    let bytes: u64 = ["x.m3u8", "x0.ts", "x1.ts", "x2.ts"]
        .iter()
        .map(|name| fs::metadata(shell.path(name)).expect("there").len())
        .sum();
    assert_eq!(json["outputs"][0]["bytes"], bytes);
    fs::remove_file(shell.path("x.m3u8")).expect("removed");
    shell.filmgate(&format!("{LINE} -o x.m3u8")).refused(30, &[".ts", "-y"]);
    assert_eq!(shell.names(), ["film", "x0.ts", "x1.ts", "x2.ts"]);
}

#[test]
fn names_may_hold_anything() {
    let shell = with_film(50);
    for name in ["100%.m3u8", "%d.m3u8", "a b'c.m3u8", "%05d%%.m3u8", "x.y.M3U8"] {
        let mut command = shell.command();
        command.args(LINE.split(' ')).arg("-o").arg(format!("list/{name}"));
        shell.say(&mut command).done();
        let path = shell.path("list").join(name);
        if name.ends_with(".m3u8") {
            assert_eq!(numbers(&path), (0..50).collect::<Vec<_>>(), "{name}");
            assert_eq!(complaints(&path), "", "{name}");
        }
        assert_eq!(fs::read_dir(shell.path("list")).expect("there").count(), 3, "{name}");
        fs::remove_dir_all(shell.path("list")).expect("removed");
    }
}
