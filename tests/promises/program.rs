//! The program itself, with a plugin that breaks in the middle of a real film.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use filmgate_tests::hostile::{Module, clip, program};

/// Frames of carphone_pristine.mp4.
const FRAMES: u64 = 120;

/// Traps at frame 7 of a real film.
fn trapping_at_seven(folder: &Path) -> PathBuf {
    let module = Module {
        format: "yuv420p".to_owned(),
        ..Module::processing(
            "(call $info (local.get $frame) (i32.const 0x600))
             (if (i64.eq (i64.load (i32.const 0x610)) (i64.const 7)) (then (unreachable)))
             (call $same (local.get $frame))",
        )
    };
    let path = folder.join("trapping.wasm");
    std::fs::write(&path, module.component()).expect("written");
    path
}

fn run(folder: &Path, more: &[&str]) -> Output {
    Command::new(program())
        .arg("run")
        .arg("-i")
        .arg(clip("carphone_pristine.mp4"))
        .arg("-p")
        .arg(trapping_at_seven(folder))
        .arg("-o")
        .arg(folder.join("out.mp4"))
        .args(["--preset", "ultrafast", "--json", "-j", "2"])
        .args(more)
        .env("FILMGATE_CACHE_DIR", "")
        .output()
        .expect("the program runs")
}

#[test]
fn the_program_fails_without_output_and_names_the_frame() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = run(folder.path(), &[]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(14), "{said}");
    assert!(said.contains("`hostile`") && said.contains("frame 7 (at 0.23"), "{said}");
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .expect("it is there")
        .map(|entry| entry.expect("readable").file_name())
        .collect();
    assert_eq!(left, ["trapping.wasm"]);
}

#[test]
fn the_program_bypasses_counts_and_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = run(folder.path(), &["--on-failure", "bypass"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&summary["frames_in"], &summary["frames_out"]), (&FRAMES.into(), &FRAMES.into()));
    assert_eq!(summary["plugins"][0]["bypassed"], 1);
    assert_eq!(summary["plugins"][0]["failures"], 1);
    // What the summary says is what is in the file.
    let counted = super::determinism::frames(&folder.path().join("out.mp4"));
    assert_eq!(counted.len() as u64, FRAMES);
}
