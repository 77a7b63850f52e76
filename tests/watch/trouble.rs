//! Full disks and failing ones: the machine's fault is not the file's. Nothing is lost, nothing is
//! half there, and it goes on when it can.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use filmgate_tests::hostile::{program, root};
use filmgate_tests::outside::succeed;
use filmgate_tests::running::Running;
use filmgate_tests::shell::{Said, Shell};
use filmgate_tests::tools::Disk;
use filmgate_tests::trace::possible;

use crate::desk::{Watch, done, files, frames, once};

const COUNT: usize = 3;

fn give(shell: &Shell) {
    fs::create_dir_all(shell.path("in")).expect("a folder");
    for number in 0..COUNT {
        let name = format!("frame{number:06}.jpg");
        shell.copy(&frames(COUNT).join(&name), format!("in/{name}"));
    }
}

/// Runs it once, with one of its calls tampered with, whichever thread makes that first.
fn tampered(shell: &Shell, option: &str) -> Said {
    let mut strace = Command::new("strace");
    let name = option.split(':').next().expect("a call");
    strace.args(["-qq", "-f", "-o", "/dev/null", "-e", &format!("trace={name}")]);
    strace.args(["-e", &format!("inject={option}"), "--"]).arg(program());
    strace.args(["watch", "in", "-o", "out", "--once", "-q", "-j", "1", "-p", "emboss"]);
    strace.args(["--originals", "delete"]);
    shell.settle(&mut strace);
    shell.say(&mut strace)
}

/// Every source is there as it was, or its output is there, and whole.
fn is_sound(shell: &Shell, when: &str) {
    for number in 0..COUNT {
        let name = format!("frame{number:06}.jpg");
        let source = fs::read(frames(COUNT).join(&name)).expect("there");
        match fs::read(shell.path("in").join(&name)) {
            Ok(found) => assert!(found == source, "{when}: {name} changed"),
            Err(_) => {
                let output = fs::read(shell.path("out").join(&name));
                let output = output.unwrap_or_else(|e| panic!("{when}: {name} is lost: {e}"));
                assert!(output.ends_with(&[0xff, 0xd9]), "{when}: {name} is cut off");
            }
        }
    }
}

/// What comes after puts everything right.
fn is_mended(shell: &Shell, when: &str) {
    let over = once(shell, "-p emboss --originals delete").fine();
    let names: Vec<String> = (0..COUNT).map(|n| format!("frame{n:06}.jpg")).collect();
    assert_eq!(files(&shell.path("out")), names, "{when}: {:?} {}", over.told, over.stderr);
    assert_eq!(files(&shell.path("in")), [""; 0], "{when}");
}

#[test]
fn errors_at_any_write_rename_or_removal_lose_nothing() {
    if !possible() {
        return;
    }
    for (call, error, most) in
        [("write", "ENOSPC", 4), ("renameat2", "EIO", 3), ("unlink", "EIO", 3)]
    {
        for number in 1..=most {
            let when = format!("{error} at {call} {number}");
            let shell = Shell::new();
            give(&shell);
            let said = tampered(&shell, &format!("{call}:error={error}:when={number}"));
            assert_ne!(said.code, None, "{when}: {said:?}");
            is_sound(&shell, &when);
            is_mended(&shell, &when);
        }
    }
}

/// The folder's sync fails when the name is there already: the output stays, the original too, and
/// nothing says later that all went well.
#[test]
fn a_failed_sync_of_the_folder_leaves_the_source_and_says_so() {
    if !possible() {
        return;
    }
    let shell = Shell::new();
    give(&shell);
    fs::create_dir(shell.path("out")).expect("a folder");
    let folder = shell.path("out").canonicalize().expect("there");
    let mut strace = Command::new("strace");
    strace.args(["-qq", "-f", "-o", "/dev/null", "-P"]).arg(&folder);
    strace.args(["-e", "trace=fsync", "-e", "inject=fsync:error=EIO", "--"]).arg(program());
    strace.args(["watch", "in", "-o", "out", "--once", "-q", "-j", "1", "-p", "emboss"]);
    strace.args(["--originals", "delete"]);
    shell.settle(&mut strace);
    let said = shell.say(&mut strace);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stderr.contains("folder could not be synced"), "{said:?}");
    assert_eq!(files(&shell.path("in")).len(), COUNT);
    let over = once(&shell, "-p emboss --originals delete");
    assert_eq!((over.code, done(&over.told).len()), (Some(1), 0), "{}", over.stderr);
    assert_eq!(files(&shell.path("in")).len(), COUNT);
}

#[test]
fn a_kill_at_any_call_leaves_each_source_or_its_output() {
    if !possible() {
        return;
    }
    let calls = [("fsync", 6), ("renameat2", 3), ("unlink", 3), ("pwrite64", 40), ("flock", 4)];
    for (call, most) in calls {
        for number in (1..=most).step_by(if most > 10 { 3 } else { 1 }) {
            let when = format!("killed at {call} {number}");
            let shell = Shell::new();
            give(&shell);
            tampered(&shell, &format!("{call}:signal=SIGKILL:when={number}"));
            is_sound(&shell, &when);
            is_mended(&shell, &when);
        }
    }
}

/// The disk has no room, files wait, and when there is room they are done.
#[test]
fn a_disk_that_is_full_is_waited_for() {
    let shell = Shell::new();
    let Some(disk) = Disk::mounted(&shell.path("out"), "64k") else { return };
    fs::write(disk.path().join("ballast"), vec![0; 64 << 10]).expect("it fits");
    give(&shell);
    let watch = Watch::start(&shell, "-p emboss --originals delete --metrics 127.0.0.1:0");
    watch.wait("one waits", |told| told.iter().any(|t| t["event"] == "waiting"));
    let waiting = files(&shell.path("in")).len();
    fs::remove_file(disk.path().join("ballast")).expect("removed");
    watch.wait_done(COUNT);
    let over = watch.stop();
    let names = files(disk.path());
    let over = over.fine();
    assert_eq!((waiting, names.len(), done(&over.told).len()), (COUNT, COUNT, COUNT));
}

/// A file that cannot be read yet is no bad file: it is processed as soon as its permissions are
/// changed (`IN_ATTRIB`), and so are those of a sub-folder. A time in the future, as a camera with a
/// wrong clock sets it, does not hold a file back.
#[test]
fn files_that_cannot_be_read_yet_are_waited_for() {
    use std::os::unix::fs::PermissionsExt;
    use std::process::Stdio;
    let shell = Shell::new();
    let mode = |name: &str, mode| {
        fs::set_permissions(shell.path(name), fs::Permissions::from_mode(mode)).expect("set");
    };
    let source = frames(COUNT).join("frame000000.jpg");
    for folder in ["in/locked", "out", "cache", "plugins"] {
        fs::create_dir_all(shell.path(folder)).expect("a folder");
    }
    fs::set_permissions(shell.folder(), fs::Permissions::from_mode(0o755)).expect("set");
    // By another program: what is open for writing here cannot be executed (ETXTBSY).
    succeed(Command::new("cp").arg(program()).arg(shell.path("filmgate")));
    succeed(
        Command::new("cp")
            .arg(root().join("target/release/plugins/mirror.wasm"))
            .arg(shell.path("plugins")),
    );
    shell.copy(&source, "in/secret.jpg");
    shell.copy(&source, "in/locked/inner.jpg");
    shell.copy(&source, "in/future.jpg");
    let user = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    if fs::metadata(shell.path("in")).expect("there").uid() != 0 {
        return;
    }
    succeed(
        Command::new("chown")
            .arg("65534")
            .args(["in", "out", "cache"].map(|folder| shell.path(folder))),
    );
    mode("in/secret.jpg", 0o600);
    mode("in/locked", 0o700);
    mode("in/future.jpg", 0o644);
    succeed(Command::new("touch").args(["-d", "2100-01-01"]).arg(shell.path("in/future.jpg")));
    let mut command = Command::new("setpriv");
    command.args(user).arg(shell.path("filmgate"));
    command.args(["watch", "in", "-o", "out", "--quarantine", "out/bad", "-j", "1"]);
    shell.settle(&mut command);
    command.env("FILMGATE_CACHE_DIR", shell.path("cache"));
    command.env("FILMGATE_PLUGIN_PATH", shell.path("plugins"));
    command.stdout(Stdio::null()).stderr(fs::File::create(shell.path("said")).expect("made"));
    let child = Running::start(&mut command);
    let said = || fs::read_to_string(shell.path("said")).expect("there");
    let wait = |what: &dyn Fn() -> bool| {
        let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while !what() {
            assert!(std::time::Instant::now() < end, "{:?}\n{}", files(&shell.path("out")), said());
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    };
    wait(&|| said().contains("secret.jpg: will be retried: cannot be opened: Permission denied"));
    wait(&|| files(&shell.path("out")) == ["future.jpg"]);
    assert!(!said().contains("max_user_watches"), "{}", said());
    assert_eq!(said().matches("locked: cannot be read").count(), 1, "{}", said());
    mode("in/secret.jpg", 0o644);
    mode("in/locked", 0o755);
    mode("in/locked/inner.jpg", 0o644);
    wait(&|| files(&shell.path("out")) == ["future.jpg", "locked/inner.jpg", "secret.jpg"]);
    child.signal("TERM");
}

/// Errors of the system at opening and reading: the file is good.
#[test]
fn errors_at_opening_and_reading_are_not_held_against_the_file() {
    if !possible() {
        return;
    }
    for (call, error) in
        [("openat", "EMFILE"), ("openat", "ESTALE"), ("openat", "ENOMEM"), ("read", "EIO")]
    {
        let when = format!("{error} at {call}");
        let shell = Shell::new();
        give(&shell);
        let source = shell.path("in").canonicalize().expect("there").join("frame000001.jpg");
        let mut strace = Command::new("strace");
        strace.args(["-qq", "-f", "-o", "/dev/null", "-P"]).arg(&source);
        strace.args(["-e", &format!("trace={call}")]);
        strace.args(["-e", &format!("inject={call}:error={error}"), "--"]).arg(program());
        strace.args(["watch", "in", "-o", "out", "--once", "-j", "1", "-p", "emboss"]);
        strace.args(["--originals", "delete", "--quarantine", "bad"]);
        shell.settle(&mut strace);
        let said = shell.say(&mut strace);
        assert!(said.stderr.contains("frame000001.jpg: will be retried"), "{when}: {said:?}");
        assert_eq!(files(&shell.path("in")), ["frame000001.jpg"], "{when}");
        assert_eq!(files(&shell.path("bad")), [""; 0], "{when}");
        is_mended(&shell, &when);
    }
}

/// Two bad files of one name: each is where the message says.
#[test]
fn the_name_in_quarantine_is_the_one_that_is_reported() {
    let shell = Shell::new();
    fs::create_dir(shell.path("in")).expect("a folder");
    for name in ["bad.jpg", "bad-1.jpg"] {
        shell.write("in/bad.jpg", "no picture");
        let over = once(&shell, "--quarantine q --retry-failed");
        let failed = over.told.iter().find(|t| t["event"] == "failed").expect("it failed");
        let path = failed["quarantined"].as_str().expect("a path");
        assert!(path.ends_with(&format!("q/{name}")), "{failed}");
        fs::remove_dir_all(shell.path("in")).expect("removed");
        fs::create_dir(shell.path("in")).expect("a folder");
    }
    assert_eq!(files(&shell.path("q")), ["bad-1.jpg", "bad.jpg"]);
}
