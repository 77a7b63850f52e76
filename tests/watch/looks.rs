//! The last look before an original goes or an output counts: what came in between is noticed.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use filmgate_tests::hostile::{Module, program};
use filmgate_tests::outside::succeed;
use filmgate_tests::shell::Shell;
use filmgate_tests::trace::{possible, seen};

use crate::desk::{Watch, done, files, frames, once};

fn frame(number: usize) -> Vec<u8> {
    fs::read(frames(3).join(format!("frame{number:06}.jpg"))).expect("there")
}

fn give(shell: &Shell, name: &str, number: usize) {
    fs::create_dir_all(shell.path("in/sub")).expect("folders");
    shell.write(format!("in/{name}"), frame(number));
}

fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < end, "waited a minute for {what}");
        sleep(Duration::from_millis(5));
    }
}

/// A `watch --once` under strace with these options, which runs on.
fn traced(shell: &Shell, options: &[&str], arguments: &str) -> Child {
    let mut strace = Command::new("strace");
    strace.args(["-qq", "-f", "-o", "/dev/null"]).args(options).arg("--").arg(program());
    strace.args(["watch", "in", "-o", "out", "--once", "--json", "-j", "1"]);
    strace.args(arguments.split_whitespace());
    shell.settle(&mut strace);
    strace.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("strace runs")
}

/// Replaces an original, or writes over it, while the output has its name and is being synced, and
/// checks that what came is left.
fn replaced_behind_the_rename(originals: &str, replace: &dyn Fn(&Path, &[u8])) {
    let shell = Shell::new();
    give(&shell, "a.jpg", 0);
    fs::create_dir(shell.path("out")).expect("a folder");
    let folder = shell.path("out").canonicalize().expect("there");
    let folder = folder.to_str().expect("a plain name");
    let slow = ["-P", folder, "-e", "trace=fsync", "-e", "inject=fsync:delay_enter=3000000"];
    let child = traced(&shell, &slow, &format!("--originals {originals}"));
    wait_for("the output", || shell.path("out/a.jpg").exists());
    let mut new = frame(1);
    // As long as the old one, so that only the time tells.
    new.resize(frame(0).len().max(new.len()), 0);
    replace(&shell.path("in/a.jpg"), &new);
    let out = child.wait_with_output().expect("it ends");
    assert_eq!(out.status.code(), Some(0), "{out:?}");
    assert_eq!(
        fs::read(shell.path("in/a.jpg")).ok(),
        Some(new),
        "{originals}: the new one is gone"
    );
    assert_eq!(files(&shell.path("old")), [""; 0], "{originals}");
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(said.contains("replaced meanwhile"), "{said}");
}

#[test]
fn an_original_that_was_replaced_behind_the_rename_stays() {
    if !possible() {
        return;
    }
    for originals in ["delete", "move:old"] {
        replaced_behind_the_rename(originals, &|path, bytes| {
            let aside = path.with_file_name(".aside");
            fs::write(&aside, bytes).expect("written");
            fs::rename(aside, path).expect("renamed");
        });
    }
}

/// The same file with as many bytes: what is left to tell them apart is the time of change.
#[test]
fn an_original_that_was_rewritten_in_place_with_as_many_bytes_stays() {
    if !possible() {
        return;
    }
    let sizes = [frame(0).len(), frame(1).len()];
    assert_eq!(sizes[0], sizes[1], "both have one size, or this tries nothing");
    for originals in ["delete", "move:old"] {
        replaced_behind_the_rename(originals, &|path, bytes| {
            let before = fs::metadata(path).expect("there");
            fs::write(path, bytes).expect("written");
            let after = fs::metadata(path).expect("there");
            assert_eq!((before.ino(), before.len()), (after.ino(), after.len()));
        });
    }
}

/// Rewritten while it is worked on: the output is of what lies there, never of the older content.
#[test]
fn a_file_rewritten_in_place_while_it_is_worked_on_is_done_again() {
    if !possible() {
        return;
    }
    let shell = Shell::new();
    give(&shell, "a.jpg", 0);
    let slow = ["-e", "trace=flock", "-e", "inject=flock:delay_exit=2000000"];
    let child = traced(&shell, &slow, "");
    // The lock of the file aside is taken behind the reading, and before the last look.
    wait_for("the file aside", || {
        files(&shell.path("out")).iter().any(|n| n.ends_with(".partial"))
    });
    let before = fs::metadata(shell.path("in/a.jpg")).expect("there");
    shell.write("in/a.jpg", frame(1));
    let after = fs::metadata(shell.path("in/a.jpg")).expect("there");
    assert_eq!((before.ino(), before.len()), (after.ino(), after.len()));
    let out = child.wait_with_output().expect("it ends");
    assert_eq!(out.status.code(), Some(0), "{out:?}");
    let other = Shell::new();
    give(&other, "a.jpg", 1);
    once(&other, "").fine();
    let [found, wanted] = [&shell, &other].map(|s| fs::read(s.path("out/a.jpg")).expect("there"));
    assert!(found == wanted, "the output is of the content that was there before");
}

#[test]
fn a_picture_that_a_plugin_drops_leaves_its_original() {
    let drops = "(call $drop (local.get $frame)) (call $none)";
    for module in [Module::processing(drops), Module::serial(drops, "(call $none)")] {
        let module = Module { format: "rgb24".to_owned(), ..module };
        for originals in ["keep", "delete", "move:old"] {
            let shell = Shell::new();
            give(&shell, "a.jpg", 0);
            give(&shell, "sub/b.jpg", 1);
            shell.write("drops.wasm", module.component());
            let arguments = format!("-p ./drops.wasm --originals {originals}");
            let over = once(&shell, &arguments).fine();
            let dropped = over.told.iter().filter(|t| t["event"] == "dropped").count();
            assert_eq!((dropped, done(&over.told).len()), (2, 0), "{:?}", over.told);
            assert_eq!(files(&shell.path("in")), ["a.jpg", "sub/b.jpg"], "{originals}");
            assert_eq!(fs::read(shell.path("in/a.jpg")).expect("there"), frame(0));
            for folder in ["out", "old"] {
                assert_eq!(files(&shell.path(folder)), [""; 0], "{originals}");
            }
            // It is noted, and not tried again.
            let status = shell.filmgate("watch --status in --json").done().json();
            assert_eq!(status["dropped"], 2, "{status}");
            assert!(
                status["recent"]
                    .as_array()
                    .expect("a list")
                    .iter()
                    .all(|e| { e["state"] == "dropped" && e["kept"] == true })
            );
            assert_eq!(status["pending"], serde_json::json!([]), "{status}");
            let again = once(&shell, &arguments).fine();
            assert!(again.told.iter().all(|t| t["event"] != "dropped"), "{:?}", again.told);
            assert_eq!(files(&shell.path("in")), ["a.jpg", "sub/b.jpg"], "{originals}");
        }
    }
}

/// strace on a watch that runs already, ended when dropped.
struct Tracer(Child);

impl Tracer {
    fn attach(watch: &Watch, inject: &str) -> Tracer {
        let name = inject.split(':').next().expect("a call");
        let mut strace = Command::new("strace");
        strace.args(["-qq", "-f", "-o", "/dev/null", "-e", &format!("trace={name}")]);
        strace.args(["-e", &format!("inject={inject}"), "-p", &watch.id().to_string()]);
        let child = strace.stderr(Stdio::null()).spawn().expect("strace runs");
        let tasks = format!("/proc/{}/task", watch.id());
        wait_for("strace", || {
            fs::read_dir(&tasks).expect("it runs").flatten().all(|task| {
                let status = fs::read_to_string(task.path().join("status")).unwrap_or_default();
                status.lines().any(|l| l.starts_with("TracerPid:") && !l.ends_with("\t0"))
            })
        });
        Tracer(child)
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// No room at the very rename, once: the file waits, and is done by the same watch.
#[test]
fn a_claim_is_taken_back_when_the_rename_fails() {
    if !possible() {
        return;
    }
    let shell = Shell::new();
    let watch = Watch::start(&shell, "-j 1");
    let tracer = Tracer::attach(&watch, "renameat2:error=ENOSPC:when=1");
    give(&shell, "a.jpg", 0);
    watch.wait("one waits", |told| told.iter().any(|t| t["event"] == "waiting"));
    watch.wait_done(1);
    drop(tracer);
    // The same where the output is to take the place of an older one, which stays known.
    let before = fs::read(shell.path("out/a.jpg")).expect("there");
    let tracer = Tracer::attach(&watch, "rename:error=ENOSPC:when=1");
    shell.write("aside.jpg", frame(1));
    fs::rename(shell.path("aside.jpg"), shell.path("in/a.jpg")).expect("renamed");
    watch.wait_done(2);
    drop(tracer);
    let over = watch.stop().fine();
    let waited = over.told.iter().filter(|t| t["event"] == "waiting").count();
    assert_eq!(waited, 2, "{:?}", over.told);
    assert!(over.told.iter().any(|t| t["replaced"] == true), "{:?}", over.told);
    assert_eq!(files(&shell.path("out")), ["a.jpg"]);
    assert!(fs::read(shell.path("out/a.jpg")).expect("there") != before);
}

fn moved(shell: &Shell, target: &Path) -> Vec<String> {
    let mut command = Command::new(program());
    command.args(["watch", "in", "-o", "out", "--once", "-q", "-j", "1", "--originals"]);
    command.arg(format!("move:{}", target.display()));
    shell.settle(&mut command);
    let set = "openat,write,copy_file_range,sendfile,fsync,rename,renameat2,unlink,mkdir,linkat";
    let (said, calls) = seen(shell, set, &command);
    said.done();
    calls
}

fn is_call(line: &str, names: &[&str]) -> bool {
    names.iter().any(|n| line.contains(&format!("{n}(")))
}

fn find(calls: &[String], from: usize, what: &str, fits: &dyn Fn(&str) -> bool) -> usize {
    let found = calls[from..].iter().position(|c| fits(c));
    from + found.unwrap_or_else(|| panic!("no {what} behind call {from}: {calls:#?}"))
}

#[test]
fn an_original_moved_on_one_disk_is_synced_into_its_folder() {
    if !possible() {
        return;
    }
    for (name, below) in [("a.jpg", "/old>"), ("sub/b.jpg", "/old/sub>")] {
        let shell = Shell::new();
        give(&shell, name, 0);
        let calls = moved(&shell, &shell.path("old"));
        let named = find(&calls, 0, "rename", &|c| {
            is_call(c, &["renameat2"]) && c.contains(&format!("in/{name}\"")) && c.contains("old/")
        });
        let sync = |c: &str| is_call(c, &["fsync"]) && c.contains(below);
        find(&calls, named, "sync of the folder", &sync);
        // A folder that was made for it has its own name on the disk before.
        if name.contains('/') {
            for made in ["old", "out"] {
                let made_at = find(&calls, 0, "folder", &|c| {
                    is_call(c, &["mkdir"]) && c.contains(&format!("{made}/sub\""))
                });
                let parent = format!("/{made}>");
                let synced = find(&calls, made_at, "sync above the new folder", &|c| {
                    is_call(c, &["fsync"]) && c.contains(&parent)
                });
                assert!(synced < named, "{made}: {calls:#?}");
            }
        }
    }
}

#[test]
fn an_original_moved_to_another_disk_is_synced_with_its_folder_before_it_goes() {
    if !possible() {
        return;
    }
    let (shell, other) = (Shell::new(), Shell::in_memory());
    let device = |s: &Shell| fs::metadata(s.folder()).expect("there").dev();
    assert_ne!(device(&shell), device(&other), "both are on one disk: this tries nothing");
    give(&shell, "sub/b.jpg", 0);
    let calls = moved(&shell, &other.path("old"));
    let partial = |c: &str| c.contains("old/sub/.b.jpg.") && c.contains(".partial");
    let copied = calls
        .iter()
        .rposition(|c| is_call(c, &["write", "copy_file_range", "sendfile"]) && partial(c));
    let copied = copied.expect("it is copied");
    let synced =
        find(&calls, copied, "sync of the copy", &|c| is_call(c, &["fsync"]) && partial(c));
    let named = find(&calls, synced, "rename", &|c| is_call(c, &["renameat2"]) && partial(c));
    let folder = find(&calls, named, "sync of the folder", &|c| {
        is_call(c, &["fsync"]) && c.contains("/old/sub>")
    });
    let gone = calls.iter().position(|c| is_call(c, &["unlink"]) && c.contains("in/sub/b.jpg\""));
    assert!(folder < gone.expect("it is removed"), "{calls:#?}");
    assert_eq!(fs::read(other.path("old/sub/b.jpg")).expect("there"), frame(0));
}

/// Killed when the output has its name and its folder is about to be synced: the next watch syncs
/// it before it believes in it.
#[test]
fn after_a_kill_the_folder_is_synced_before_the_original_goes() {
    if !possible() {
        return;
    }
    for name in ["a.jpg", "sub/b.jpg"] {
        let shell = Shell::new();
        give(&shell, name, 0);
        let below = Path::new("out").join(name).parent().expect("a folder").to_owned();
        fs::create_dir_all(shell.path(&below)).expect("folders");
        let folder = shell.path(&below).canonicalize().expect("there");
        let folder = folder.to_str().expect("a plain name");
        let kill = ["-P", folder, "-e", "trace=fsync", "-e", "inject=fsync:signal=SIGKILL"];
        let out = traced(&shell, &kill, "--originals delete").wait_with_output().expect("it ends");
        assert_eq!(out.status.code(), None, "{out:?}");
        assert!(shell.path("out").join(name).exists() && shell.path("in").join(name).exists());
        let mut command = Command::new(program());
        command.args(["watch", "in", "-o", "out", "--once", "-q", "--originals", "delete"]);
        shell.settle(&mut command);
        let (said, calls) = seen(&shell, "fsync,unlink", &command);
        said.done();
        let end = format!("{}>", folder.trim_end_matches('/'));
        let synced = find(&calls, 0, "sync", &|c| is_call(c, &["fsync"]) && c.contains(&end));
        let gone = find(&calls, 0, "removal", &|c| {
            is_call(c, &["unlink"]) && c.contains(&format!("in/{name}\""))
        });
        assert!(synced < gone, "{calls:#?}");
        succeed(Command::new("test").arg("-f").arg(shell.path("out").join(name)));
    }
}
