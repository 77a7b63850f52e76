//! No frame is lost in silence: those that a plugin keeps when the stream has ended are counted,
//! and where nothing is left there is no output, and the plugin is named.

use std::path::PathBuf;

use filmgate_tests::hostile::Module;
use filmgate_tests::outside::{ffprobe, small};
use filmgate_tests::shell::Shell;

/// 25 frames.
fn input() -> PathBuf {
    small("plain.mp4", "-bf 2")
}

/// Does `what` to frames from `first` on, and nothing to those before.
fn from(first: u32, what: &str, serial: bool, flush: &str) -> Vec<u8> {
    Module {
        format: "yuv420p".to_owned(),
        serial,
        flush: flush.to_owned(),
        ..Module::processing(&format!(
            "(call $info (local.get $frame) (i32.const 0x600))
             (if (i64.ge_u (i64.load (i32.const 0x610)) (i64.const {first}))
               (then {what} (return (call $none))))
             (call $same (local.get $frame))"
        ))
    }
    .component()
}

fn frames(shell: &Shell, name: &str) -> usize {
    let found = ffprobe(&shell.path(name), "-select_streams v:0 -show_entries packet=pts");
    found["packets"].as_array().expect("packets").len()
}

#[test]
fn frames_that_are_kept_at_the_end_are_counted_and_warned_of() {
    for (serial, workers) in [(true, 1), (false, 1), (false, 3)] {
        let shell = Shell::new();
        shell.write("keeps.wasm", from(20, "", serial, "(call $none)"));
        let said = shell.run(&input(), "out.mp4", &format!("-p ./keeps.wasm --json -j {workers}"));
        assert_eq!(said.code, Some(3), "{said:?}");
        let json = said.json();
        assert_eq!((&json["frames_in"], &json["frames_out"]), (&25.into(), &20.into()));
        assert_eq!(json["plugins"][0]["held_at_end"], 5, "{serial} {workers}");
        assert!(said.stderr.contains("`hostile`") && said.stderr.contains("at the end"));
        assert_eq!(frames(&shell, "out.mp4"), 20);
    }
}

#[test]
fn every_verb_says_that_frames_were_kept() {
    let shell = Shell::new();
    shell.write("keeps.wasm", from(20, "", true, "(call $none)"));
    let film = input();
    let film = film.to_str().expect("plain");
    for verb in [
        format!("split -i {film} --once -p ./keeps.wasm -o pictures --json"),
        format!("join {film} -p ./keeps.wasm -o joined.mp4 --json"),
        format!("encode -i {film} -p ./keeps.wasm -o encoded.mp4 --json"),
    ] {
        let said = shell.filmgate(&verb);
        assert_eq!(said.code, Some(3), "{verb}: {said:?}");
        let json = said.json();
        assert_eq!(json["plugins"][0]["held_at_end"], 5, "{verb}: {json}");
        assert!(said.stderr.contains("kept 5 frames"), "{verb}: {}", said.stderr);
    }
}

/// What is dropped is dropped on purpose, and what stays is a sound output.
#[test]
fn frames_that_are_dropped_or_given_back_late_are_no_loss() {
    let shell = Shell::new();
    shell.write("drops.wasm", from(20, "(call $drop (local.get $frame))", false, "(call $none)"));
    let json = shell.run(&input(), "out.mp4", "-p ./drops.wasm --json").done().json();
    assert_eq!((&json["frames_out"], &json["plugins"][0]["held_at_end"]), (&20.into(), &0.into()));
    // The last frame alone is kept, and given back at the end.
    let late = from(
        24,
        "(global.set $counter (local.get $frame))",
        true,
        "(call $same (global.get $counter))",
    );
    shell.write("late.wasm", late);
    let json = shell.run(&input(), "late.mp4", "-p ./late.wasm --json").done().json();
    assert_eq!((&json["frames_out"], &json["plugins"][0]["held_at_end"]), (&25.into(), &0.into()));
}

#[test]
fn where_every_frame_is_dropped_or_kept_the_plugin_is_named() {
    let film = input();
    let film = film.to_str().expect("plain");
    for (what, held) in [("(call $drop (local.get $frame))", false), ("", true)] {
        let shell = Shell::new();
        shell.write("bad.wasm", from(0, what, true, "(call $none)"));
        for verb in [
            format!("run -i {film} -p grayscale -p ./bad.wasm -p emboss -o out.mp4"),
            format!("split -i {film} --once -p ./bad.wasm -o pictures"),
            format!("encode -i {film} -p ./bad.wasm -o out.mp4"),
            format!("frame -i {film} -p ./bad.wasm -o out.png"),
        ] {
            let said = shell.filmgate(&verb);
            assert_eq!(said.code, Some(17), "{verb}: {said:?}");
            let message = said.stderr.lines().last().expect("a message");
            assert!(message.contains("`hostile` dropped every frame"), "{verb}: {message}");
            assert_eq!(message.contains("it kept"), held, "{verb}: {message}");
            assert!(!shell.path("out.mp4").exists() && !shell.path("out.png").exists());
        }
    }
}

#[test]
fn a_trap_in_flush_with_nothing_held_is_partly_done_all_the_same() {
    let shell = Shell::new();
    let module = Module {
        format: "yuv420p".to_owned(),
        ..Module::serial("(call $same (local.get $frame))", "(unreachable)")
    };
    shell.write("traps.wasm", module.component());
    let arguments = "-p ./traps.wasm --on-failure bypass --json";
    let said = shell.run(&input(), "out.mp4", arguments);
    assert_eq!(said.code, Some(3), "{said:?}");
    let plugin = &said.json()["plugins"][0];
    assert_eq!((&plugin["failures"], &plugin["bypassed"]), (&1.into(), &0.into()));
    assert!(said.stderr.contains("at the end is missing"), "{}", said.stderr);
}
