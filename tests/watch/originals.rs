//! Originals: kept, deleted or moved, and only once their output is on the disk.

use std::fs;
use std::process::Command;

use filmgate_tests::hostile::program;
use filmgate_tests::shell::Shell;
use filmgate_tests::trace::{possible, seen};

use crate::desk::{done, files, frames, once};

fn give(shell: &Shell, names: &[&str]) {
    fs::create_dir_all(shell.path("in/sub")).expect("folders");
    for (number, name) in names.iter().enumerate() {
        let frame = frames(10).join(format!("frame{number:06}.jpg"));
        shell.copy(&frame, format!("in/{name}"));
    }
}

#[test]
fn they_are_kept_deleted_or_moved() {
    let all = ["a.jpg", "sub/b.jpg"];
    for (arguments, left) in
        [("", &all[..]), ("--originals delete", &[]), ("--originals move:old", &[])]
    {
        let shell = Shell::new();
        give(&shell, &all);
        let over = once(&shell, &format!("-p emboss {arguments}")).fine();
        assert_eq!(done(&over.told).len(), 2);
        assert_eq!(files(&shell.path("in")), left, "{arguments}");
        assert_eq!(files(&shell.path("out")), all);
        if arguments.contains("move") {
            assert_eq!(files(&shell.path("old")), all);
        }
    }
}

#[test]
fn what_was_moved_before_is_not_replaced() {
    let shell = Shell::new();
    for _ in 0..3 {
        give(&shell, &["a.jpg"]);
        once(&shell, "--originals move:old").fine();
    }
    assert_eq!(files(&shell.path("old")), ["a-1.jpg", "a-2.jpg", "a.jpg"]);
}

#[test]
fn an_original_on_another_disk_is_copied_whole_before_it_goes() {
    let shell = Shell::new();
    let Some(other) = shell.on_another_disk() else { return };
    give(&shell, &["a.jpg"]);
    let before = fs::read(shell.path("in/a.jpg")).expect("there");
    once(&shell, &format!("--originals move:{}", other.path("old").display())).fine();
    assert_eq!(fs::read(other.path("old/a.jpg")).expect("moved"), before);
    assert_eq!(files(&shell.path("in")), [""; 0]);
}

#[test]
fn a_plugin_that_drops_repeated_frames_sees_one_picture_at_a_time() {
    let shell = Shell::new();
    give(&shell, &["a.jpg", "sub/b.jpg"]);
    let over = once(&shell, "-p dedupe --originals delete").fine();
    assert_eq!(done(&over.told).len(), 2, "each picture is a stream of its own");
}

/// Written, synced, named, the folder synced, and then only is the original removed.
#[test]
fn an_original_goes_after_its_output_is_synced() {
    if !possible() {
        return;
    }
    let shell = Shell::new();
    give(&shell, &["a.jpg", "sub/b.jpg"]);
    let mut command = Command::new(program());
    command.args(["watch", "in", "-o", "out", "--once", "-q", "-j", "2", "-p", "emboss"]);
    command.args(["--originals", "delete"]);
    shell.settle(&mut command);
    let set =
        "openat,write,sendfile,copy_file_range,fsync,fdatasync,rename,renameat2,unlink,unlinkat";
    let (said, calls) = seen(&shell, set, &command);
    said.done();
    for name in ["a.jpg", "sub/b.jpg"] {
        let file = name.rsplit('/').next().expect("a name");
        let partial = format!(".{file}.");
        let position = |what: &dyn Fn(&str) -> bool| calls.iter().position(|c| what(c));
        let last = |what: &dyn Fn(&str) -> bool| calls.iter().rposition(|c| what(c));
        let is = |c: &str, names: &[&str]| names.iter().any(|n| c.contains(&format!("{n}(")));
        let synced = ["fsync", "fdatasync"];
        let writes = ["write", "sendfile", "copy_file_range"];
        let wrote = last(&|c| is(c, &writes) && c.contains(&partial)).expect("written");
        let sync = position(&|c| is(c, &synced) && c.contains(&partial)).expect("synced");
        let named = position(&|c| is(c, &["renameat2", "rename"]) && c.contains(&partial));
        let named = named.expect("named");
        let folder = if name.contains('/') { "/out/sub>" } else { "/out>" };
        let folder = calls[named..].iter().position(|c| is(c, &synced) && c.contains(folder));
        let folder = named + folder.expect("the folder is synced");
        let gone =
            position(&|c| is(c, &["unlink", "unlinkat"]) && c.contains(&format!("in/{name}\"")));
        let gone = gone.expect("removed");
        assert!(
            wrote < sync && sync < named && named < folder && folder < gone,
            "{wrote} {sync} {named} {folder} {gone}: {calls:#?}"
        );
    }
}
