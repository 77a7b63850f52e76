//! Outputs that cannot be, and disks that are full.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Command;

use filmgate_tests::hostile::program;
use filmgate_tests::outside::{small, succeed};
use filmgate_tests::shell::Shell;
use filmgate_tests::tools::Disk;

fn input() -> PathBuf {
    small("plain.mp4", "-bf 2")
}

/// Runs to an output, and checks that the folder is as it was.
fn refused(shell: &Shell, to: &str, more: &str, code: i32, parts: &[&str]) {
    let before = shell.names();
    let said = shell.run(&input(), to, &format!("-p emboss {more}"));
    said.refused(code, parts);
    assert_eq!(shell.names(), before);
}

#[test]
fn what_exists_is_replaced_only_when_asked() {
    let shell = Shell::new();
    shell.write("out.mp4", "as it was");
    refused(&shell, "out.mp4", "", 30, &["out.mp4", "exists already", "-y"]);
    assert_eq!(fs::read(shell.path("out.mp4")).expect("it is there"), b"as it was");
    symlink("nowhere.mp4", shell.path("dangling.mp4")).expect("a link");
    refused(&shell, "dangling.mp4", "", 30, &["exists already"]);
    shell.run(&small("plain.mp4", "-bf 2"), "dangling.mp4", "-y").done();
    assert!(shell.path("dangling.mp4").is_symlink() && shell.path("nowhere.mp4").is_file());
    shell.run(&input(), "out.mp4", "-y").done();
    assert!(shell.path("out.mp4").metadata().expect("it is there").len() > 1000);
}

#[test]
fn the_input_is_never_the_output() {
    let shell = Shell::new();
    shell.copy(&input(), "film.mp4");
    symlink("film.mp4", shell.path("link.mp4")).expect("a link");
    fs::hard_link(shell.path("film.mp4"), shell.path("hard.mp4")).expect("a link");
    let before = fs::read(shell.path("film.mp4")).expect("it is there");
    let here = shell.path("film.mp4").to_string_lossy().into_owned();
    for name in ["film.mp4", "./film.mp4", "../film/../film.mp4", "link.mp4", "hard.mp4", &here] {
        let name = if name.starts_with("../") {
            format!("../{}/film.mp4", shell.folder().file_name().expect("a name").display())
        } else {
            name.to_owned()
        };
        let said = shell.run(&PathBuf::from("film.mp4"), &name, "-y -p emboss");
        said.refused(31, &["the output is the input", "another name"]);
        assert!(fs::read(shell.path("film.mp4")).expect("it is there") == before);
    }
    assert_eq!(shell.names(), ["film.mp4", "hard.mp4", "link.mp4"]);
}

#[test]
fn places_where_nothing_can_be_written() {
    let shell = Shell::new();
    fs::create_dir(shell.path("folder.mp4")).expect("a folder");
    refused(&shell, "none/out.mp4", "", 32, &["none/out.mp4", "folder none", "No such file"]);
    refused(&shell, "folder.mp4", "-y", 32, &["folder.mp4", "is a folder", "name a file in it"]);
    refused(&shell, "new.mp4/", "", 32, &["new.mp4/", "names a folder"]);
    refused(&shell, "/dev/full", "-y --format mp4", 32, &["/dev/full", "not a plain file"]);
    refused(&shell, &format!("{}.mp4", "n".repeat(252)), "", 32, &["longer name"]);
    shell.write("plain", "");
    refused(&shell, "plain/out.mp4", "", 32, &["plain/out.mp4", "Not a directory"]);
    succeed(Command::new("mkfifo").arg(shell.path("pipe.mp4")));
    refused(&shell, "pipe.mp4", "-y", 32, &["pipe.mp4", "not a plain file"]);
}

#[test]
fn a_folder_that_one_may_not_write_to() {
    let shell = Shell::new();
    let folder = shell.path("closed");
    fs::create_dir(&folder).expect("a folder");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).expect("set");
    fs::set_permissions(shell.folder(), fs::Permissions::from_mode(0o755)).expect("set");
    let film = shell.copy(&input(), "film.mp4");
    fs::set_permissions(&film, fs::Permissions::from_mode(0o644)).expect("set");
    // Root may write anywhere.
    let root = fs::metadata(&folder).expect("it is there").uid() == 0;
    // Nobody else may reach the build's folders, so the program and a cache go along.
    let binary = shell.path("filmgate");
    // By another program: a child that another test starts meanwhile has a copy of what is open
    // for writing here, and what somebody may write to cannot be executed (ETXTBSY).
    succeed(Command::new("cp").arg(program()).arg(&binary));
    fs::create_dir(shell.path("cache")).expect("a folder");
    fs::set_permissions(shell.path("cache"), fs::Permissions::from_mode(0o755)).expect("set");
    let mut command = Command::new(if root { "setpriv".as_ref() } else { binary.as_os_str() });
    if root {
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&binary);
    }
    command.args(["run", "-i", "film.mp4", "-o", "closed/out.mp4"]);
    shell.settle(&mut command);
    let said = shell.say(command.env("FILMGATE_CACHE_DIR", ""));
    said.refused(32, &["closed/out.mp4", "folder closed", "Permission denied"]);
    assert_eq!(fs::read_dir(&folder).expect("it can be read").count(), 0);
}

#[test]
fn containers_and_options_that_do_not_fit() {
    let shell = Shell::new();
    refused(&shell, "out.xyz", "", 34, &["out.xyz", "\".xyz\"", "known endings", "mkv"]);
    refused(&shell, "out", "", 34, &["out", "no ending"]);
    refused(&shell, "out.webm", "--codec h264", 34, &["webm", "h264"]);
    refused(&shell, "out.mp4", "--format nonsense", 34, &["nonsense"]);
    refused(&shell, "out.mp4", "-x nonsense=1", 34, &["libx264", "\"nonsense\""]);
    refused(&shell, "out.mp4", "-x nonsense", 2, &["nonsense", "KEY=VALUE"]);
    refused(&shell, "out.mp4", "--crf 52", 2, &["52", "0 to 51"]);
    refused(&shell, "out.mp4", "-j 0", 2, &["0", "from 1 to 256"]);
    let said = shell.filmgate("run -i x.mp4 -o y.mp4 --preset fasst");
    said.refused(2, &["\"fasst\"", "ultrafast", "did you mean fast"]);
    assert_eq!(shell.names(), [""; 0]);
}

#[test]
fn a_full_disk_leaves_nothing_and_loses_nothing() {
    let shell = Shell::new();
    let Some(disk) = Disk::mounted(&shell.path("disk"), "64k") else { return };
    let kept = disk.path().join("out.mp4");
    fs::write(&kept, "as it was").expect("there is room for that");
    let said = shell.run(&input(), "disk/out.mp4", "-y -p emboss --crf 1");
    let names = fs::read_dir(disk.path()).expect("it can be read").count();
    let after = fs::read(&kept);
    said.refused(33, &["disk/out.mp4", "No space left"]);
    assert_eq!(names, 1);
    assert_eq!(after.expect("it is there"), b"as it was");
}

#[test]
fn a_limit_for_files_is_an_error_like_a_full_disk() {
    let shell = Shell::new();
    shell.write("out.mp4", "as it was");
    let mut command = Command::new("bash");
    command.args(["-c", "ulimit -f 16; exec \"$@\"", "bash"]).arg(program());
    command.arg("run").arg("-i").arg(input()).args(["-y", "-o", "out.mp4", "--crf", "1"]);
    shell.settle(&mut command);
    shell.say(&mut command).refused(33, &["out.mp4", "File too large"]);
    assert_eq!(shell.names(), ["out.mp4"]);
    assert_eq!(fs::read(shell.path("out.mp4")).expect("it is there"), b"as it was");
}

#[test]
fn a_link_is_followed_and_what_is_replaced_keeps_its_mode() {
    let shell = Shell::new();
    let real = shell.write("real.mp4", "as it was");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o600)).expect("set");
    symlink("real.mp4", shell.path("link.mp4")).expect("a link");
    shell.run(&input(), "link.mp4", "-y").done();
    assert!(shell.path("link.mp4").is_symlink());
    let facts = fs::metadata(&real).expect("it is there");
    assert!(facts.len() > 1000 && facts.mode() & 0o777 == 0o600);
    assert_eq!(shell.names(), ["link.mp4", "real.mp4"]);
}
