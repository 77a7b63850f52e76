//! A source that becomes another file between the output's rename and its own removal stays.

use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use filmgate_tests::hostile::program;
use filmgate_tests::shell::Shell;

use super::cases::{all_pictures, pictures, segments};

/// Joins three segments and removes them, with two seconds between the output's rename and what comes
/// next, in which `meanwhile` happens; the exit code and what was said.
fn removed(meanwhile: impl Fn(&Shell)) -> (Shell, Option<i32>, String) {
    let shell = Shell::new();
    for (name, source) in ["1.mp4", "2.mp4", "3.mp4"].iter().zip(segments("good")) {
        shell.copy(&source, name);
    }
    let mut command = Command::new("strace");
    let calls = "rename,renameat,renameat2";
    command.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={calls}")]);
    command.args(["-e", &format!("inject={calls}:delay_exit=2000000"), "--"]).arg(program());
    shell.settle(&mut command);
    command.args(["join", "1.mp4", "2.mp4", "3.mp4", "-o", "out.mp4", "--delete-sources"]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("strace runs");
    let begun = Instant::now();
    while !shell.path("out.mp4").exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "no output");
        sleep(Duration::from_millis(5));
    }
    meanwhile(&shell);
    assert!(shell.path("1.mp4").exists(), "it happened before anything was removed");
    let out = child.wait_with_output().expect("it ends");
    assert_eq!(pictures(&shell.path("out.mp4")), all_pictures(&segments("good")));
    (shell, out.status.code(), String::from_utf8_lossy(&out.stderr).into_owned())
}

#[test]
fn a_source_that_was_replaced_is_not_removed() {
    let (shell, code, said) = removed(|shell| {
        shell.write("new", "what came in meanwhile");
        std::fs::rename(shell.path("new"), shell.path("2.mp4")).expect("replaced");
    });
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("2.mp4") && said.contains("not removed"), "{said}");
    assert_eq!(shell.names(), ["2.mp4", "out.mp4"]);
    let content = std::fs::read(shell.path("2.mp4")).expect("readable");
    assert_eq!(content, b"what came in meanwhile");
}

#[test]
fn a_source_that_was_written_to_in_place_is_not_removed() {
    let (shell, code, said) = removed(|shell| {
        let mut bytes = std::fs::read(shell.path("3.mp4")).expect("readable");
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        // The same inode and size, at another time.
        std::fs::write(shell.path("3.mp4"), bytes).expect("writable");
    });
    assert_eq!(code, Some(3), "{said}");
    assert_eq!(shell.names(), ["3.mp4", "out.mp4"]);
}

#[test]
fn sources_that_nothing_happened_to_are_removed() {
    let (shell, code, said) = removed(|_| {});
    assert_eq!((code, shell.names()), (Some(0), vec!["out.mp4".to_owned()]), "{said}");
}
