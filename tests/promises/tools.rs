//! What the tests promise themselves: none passes without having tried anything.

use std::os::unix::fs::symlink;
use std::process::{Command, Output, Stdio};

use filmgate_tests::shell::Shell;

/// Runs one of this program's tests once more, where a tool always fails.
fn again(test: &str, tool: &str, skip: &str) -> Output {
    let shell = Shell::new();
    symlink("/bin/false", shell.path(tool)).expect("a link");
    let path = std::env::var("PATH").expect("there is one");
    let mut command = Command::new(std::env::current_exe().expect("it has a name"));
    command.args(["--exact", test]).stdin(Stdio::null());
    command.env("PATH", format!("{}:{path}", shell.folder().display()));
    command.env("FILMGATE_SKIP", skip).output().expect("it runs")
}

#[test]
fn a_test_whose_tool_is_forbidden_fails_unless_it_is_left_out() {
    for (tool, test) in [
        ("strace", "files::an_output_is_synced_before_it_has_its_name_and_its_folder_after"),
        ("mount", "files::a_disk_that_fills_while_pictures_are_written_leaves_whole_ones"),
    ] {
        let out = again(test, tool, "");
        let said = String::from_utf8_lossy(&out.stdout);
        assert_eq!(out.status.code(), Some(101), "{tool}: {said}");
        let way_out = format!("FILMGATE_SKIP={tool}");
        assert!(said.contains("not permitted") && said.contains(&way_out), "{tool}: {said}");
        let out = again(test, tool, "strace,mount");
        let said = String::from_utf8_lossy(&out.stdout);
        assert!(out.status.success() && said.contains("1 passed"), "{tool}: {said}");
    }
}
