//! Plugins that cannot be used: each ends in its exit code and one message, and nothing is left
//! behind.

use std::path::PathBuf;

use filmgate_tests::hostile::Module;
use filmgate_tests::outside::small;
use filmgate_tests::shell::Shell;

fn input() -> PathBuf {
    small("plain.mp4", "-bf 2")
}

/// Runs with plugins and an output that is there already, and checks that nothing has changed.
fn refused(shell: &Shell, plugins: &str, code: i32, parts: &[&str]) {
    shell.write("out.mp4", "as it was");
    let before = shell.names();
    let said = shell.run(&input(), "out.mp4", &format!("-y {plugins}"));
    said.refused(code, parts);
    assert_eq!(shell.names(), before);
    assert_eq!(std::fs::read(shell.path("out.mp4")).expect("it is there"), b"as it was");
}

#[test]
fn names_and_parameters_that_there_are_not() {
    let shell = Shell::new();
    refused(&shell, "-p embos", 10, &["`embos`", "did you mean `emboss`", "looked in"]);
    refused(&shell, "-p zzzzzz", 10, &["`zzzzzz`", "looked in"]);
    refused(&shell, "-p ./nope.wasm", 10, &["./nope.wasm", "No such file"]);
    let unknown = ["`emboss`", "`plane`", "did you mean `planes`"];
    refused(&shell, "-p emboss:plane=all", 11, &unknown);
    refused(&shell, "-p emboss:planes=some", 11, &["`planes`", "luma, all", "`some`"]);
    let range = ["`denoise`", "`threshold`", "0 to 255", "`256`"];
    refused(&shell, "-p denoise:threshold=256", 11, &range);
    refused(&shell, "-p denoise:threshold=a", 11, &["a whole number", "`a`"]);
    refused(&shell, "-p grayscale:a=1", 11, &["`grayscale`", "it has none"]);
    refused(&shell, "-p emboss:planes", 2, &["`planes` is not key=value"]);
    refused(&shell, "-p :a=1", 2, &["the name is missing"]);
    // Wrong in the second of two: the first does not begin either.
    refused(&shell, "-p emboss -p denoise:frames=4", 11, &["`frames`", "3, 5"]);
}

#[test]
fn files_that_are_no_components() {
    let shell = Shell::new();
    let module = wat::parse_str("(module (func (export \"f\")))").expect("sound text");
    shell.write("core.wasm", module);
    refused(&shell, "-p ./core.wasm", 12, &["./core.wasm", "core", "filmgate plugin pack"]);
    shell.write("random.wasm", b"\x93\x1f\x00\x17 this is nothing");
    refused(&shell, "-p ./random.wasm", 12, &["./random.wasm", "not a WebAssembly file"]);
    shell.write("empty.wasm", "");
    refused(&shell, "-p ./empty.wasm", 12, &["./empty.wasm", "empty"]);
    shell.write("cut.wasm", &Module::default().component()[..300]);
    refused(&shell, "-p ./cut.wasm", 12, &["./cut.wasm", "damaged"]);
    std::fs::create_dir(shell.path("folder.wasm")).expect("a folder");
    refused(&shell, "-p ./folder.wasm", 12, &["./folder.wasm", "not a plain file"]);
    // What cannot be read is as good as not there.
    let long = format!("-p ./{}.wasm", "a".repeat(300));
    refused(&shell, &long, 10, &["cannot be read", "too long"]);
    refused(&shell, "-p ./empty.wasm/x.wasm", 10, &["cannot be read", "Not a directory"]);
    std::os::unix::fs::symlink("loop.wasm", shell.path("loop.wasm")).expect("a link");
    refused(&shell, "-p ./loop.wasm", 10, &["cannot be read", "symbolic links"]);
}

#[test]
fn components_of_other_worlds_and_versions() {
    let shell = Shell::new();
    let component = |text: &str| wat::parse_str(text).expect("sound text");
    let other = "(component (instance $i) (export \"acme:tools/hammer@1.0.0\" (instance $i)))";
    shell.write("other.wasm", component(other));
    let parts = ["./other.wasm", "another world", "acme:tools/hammer@1.0.0", "filter"];
    refused(&shell, "-p ./other.wasm", 13, &parts);
    let later = "(component (instance $i) (export \"filmgate:plugin/filter@0.2.0\" (instance $i)))";
    shell.write("later.wasm", component(later));
    refused(&shell, "-p ./later.wasm", 13, &["./later.wasm", "version 0.2.0", "serves 0.1"]);
    // The right name and nothing behind it.
    let hollow = later.replace("0.2.0", "0.1.0");
    shell.write("hollow.wasm", component(&hollow));
    refused(&shell, "-p ./hollow.wasm", 13, &["./hollow.wasm", "does not fit version 0.1"]);
    shell.write("nothing.wasm", component("(component)"));
    refused(&shell, "-p ./nothing.wasm", 13, &["./nothing.wasm", "exports nothing"]);
    refused(&shell, "-p natural", 13, &["`natural`", "an ordering policy", "a filter"]);
    refused(&shell, "-p template", 13, &["`template`", "a naming policy", "a filter"]);
}

#[test]
fn no_format_in_common() {
    let shell = Shell::new();
    let odd = Module { format: "xyz12le".to_owned(), ..Module::default() };
    shell.write("odd.wasm", odd.component());
    refused(&shell, "-p ./odd.wasm", 16, &["`hostile`", "xyz12le", "yuv420p"]);
    refused(&shell, "-p emboss -p ./odd.wasm", 16, &["`hostile`", "xyz12le"]);
}

/// A filter whose `process` breaks at the frame of this number.
fn breaks_at(frame: u32, how: &str) -> Vec<u8> {
    let count = "(global.set $counter (i32.add (global.get $counter) (i32.const 1)))";
    let when = format!("(i32.gt_u (global.get $counter) (i32.const {frame}))");
    let process = format!("{count} (if {when} (then {how})) (call $same (local.get $frame))");
    let module = Module::serial(&process, "(call $none)");
    Module { format: "yuv420p".to_owned(), ..module }.component()
}

#[test]
fn a_trap_in_the_middle_names_the_frame_and_its_time() {
    let shell = Shell::new();
    shell.write("traps.wasm", breaks_at(7, "(unreachable)"));
    refused(&shell, "-p ./traps.wasm", 14, &["`hostile`", "frame 7", "0.280 s", "trapped"]);
    shell.write("hangs.wasm", breaks_at(5, "(loop $l (br $l))"));
    let parts = ["frame 5", "0.200 s", "within 200 ms", "--deadline"];
    refused(&shell, "-p ./hangs.wasm --deadline 200", 14, &parts);
    refused(&shell, "-p emboss -p ./traps.wasm -p grayscale -j 4", 14, &["frame 7"]);
}

#[test]
fn a_bypassed_plugin_costs_the_frames_it_broke_at() {
    let shell = Shell::new();
    shell.write("traps.wasm", breaks_at(20, "(unreachable)"));
    let said = shell.run(&input(), "out.mp4", "-p ./traps.wasm --on-failure bypass --json");
    assert_eq!(said.code, Some(3), "{said:?}");
    let json = said.json();
    assert_eq!(json["frames_out"], 25);
    assert_eq!(json["plugins"][0]["bypassed"], 1);
    assert_eq!(json["plugins"][0]["failures"], 1);
    assert!(said.stderr.contains("frame 20") && said.stderr.contains("passes unchanged"));
    assert_eq!(filmgate_tests::outside::complaints(&shell.path("out.mp4")), "");
}

#[test]
fn a_plugin_that_drops_every_frame_leaves_no_output() {
    let shell = Shell::new();
    let drops = Module::processing("(call $drop (local.get $frame)) (call $none)");
    shell.write("drops.wasm", Module { format: "yuv420p".to_owned(), ..drops }.component());
    let said = shell.run(&input(), "new.mp4", "-p ./drops.wasm");
    said.refused(17, &["`hostile` dropped every frame", "25"]);
    assert_eq!(shell.names(), ["drops.wasm"]);
}
