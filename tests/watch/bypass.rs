//! Plugins that break under `--on-failure bypass`: what one file does to a plugin is not held
//! against the next, and an output that passed it unchanged is told of everywhere and never takes
//! the place of its original.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use filmgate_tests::hostile::{Module, program};
use filmgate_tests::outside::{ffmpeg, pictures, succeed};
use filmgate_tests::shell::Shell;
use filmgate_tests::trace::possible;
use serde_json::Value;

use crate::desk::{Over, Watch, files, once};

/// Traps at pictures that begin with white, and sets the first sample of all others to 7.
fn put_plugin(shell: &Shell) {
    let module = Module {
        format: "rgb24".to_owned(),
        ..Module::processing(
            "(call $plane (local.get $frame) (i32.const 0) (i32.const 0x380))
             (local.set $i (i32.load (i32.const 0x380)))
             (if (i32.gt_u (i32.load8_u (local.get $i)) (i32.const 200)) (then (unreachable)))
             (i32.store8 (local.get $i) (i32.const 7))
             (call $set-plane (local.get $frame) (i32.const 0) (local.get $i)
               (i32.load (i32.const 0x384)))
             (call $same (local.get $frame))",
        )
    };
    shell.write("white.wasm", module.component());
}

const ARGUMENTS: &str = "-p ./white.wasm -j 1 --on-failure bypass";

fn draw(shell: &Shell, color: &str, more: &str, name: &str) {
    let _ = fs::create_dir(shell.path("in"));
    let source = format!("-f lavfi -i color={color}:size=32x24:rate=25 {more}");
    succeed(ffmpeg(&source).arg(shell.path("aside.mkv").with_file_name(name)));
    fs::rename(shell.path(name), shell.path("in").join(name)).expect("renamed");
}

fn still(shell: &Shell, color: &str, name: &str) {
    draw(shell, color, "-frames:v 1 -pix_fmt rgb24", name);
}

fn first_sample(path: &Path) -> u8 {
    pictures(path, "rgb24", 1)[0]
}

fn told<'a>(told: &'a [Value], source: &str) -> &'a Value {
    told.iter().find(|t| t["event"] == "done" && t["source"] == source).expect(source)
}

fn end(over: &Over) -> &Value {
    over.told.iter().find(|t| t["event"] == "end").expect("the end is told")
}

/// More than a quarantine takes, and then a good one.
#[test]
fn pictures_that_break_a_plugin_do_not_switch_it_off_for_others() {
    let shell = Shell::new();
    put_plugin(&shell);
    let watch = Watch::start(&shell, &format!("{ARGUMENTS} --originals delete"));
    for number in 0..5 {
        still(&shell, "white", &format!("white{number}.png"));
        watch.wait_done(2 * number + 1);
        still(&shell, "gray", &format!("gray{number}.png"));
        watch.wait_done(2 * number + 2);
    }
    let over = watch.stop();
    for number in 0..5 {
        let (white, gray) = (format!("white{number}.png"), format!("gray{number}.png"));
        assert_eq!(first_sample(&shell.path("out").join(&gray)), 7, "{gray}");
        assert_eq!(first_sample(&shell.path("out").join(&white)), 255, "{white}");
        let (white, gray) = (told(&over.told, &white), told(&over.told, &gray));
        assert_eq!((&white["bypassed"], &gray["bypassed"]), (&1.into(), &0.into()));
        assert!(white["notes"].to_string().contains("`hostile`"), "{white}");
        assert!(white["notes"].to_string().contains("original stays"), "{white}");
        assert_eq!(gray["notes"], serde_json::json!([]), "{gray}");
    }
    let left: Vec<String> = (0..5).map(|n| format!("white{n}.png")).collect();
    assert_eq!(files(&shell.path("in")), left);
    assert_eq!((&end(&over)["done"], &end(&over)["bypassed"]), (&10.into(), &5.into()));
}

/// A film of more frames than a quarantine takes, and then others.
#[test]
fn a_video_that_breaks_a_plugin_does_not_switch_it_off_for_the_next_file() {
    for originals in ["delete", "move:old"] {
        let shell = Shell::new();
        put_plugin(&shell);
        let watch = Watch::start(&shell, &format!("{ARGUMENTS} --originals {originals}"));
        let film = "-t 0.4 -c:v libx264 -preset ultrafast";
        draw(&shell, "white", film, "a.mp4");
        watch.wait_done(1);
        still(&shell, "gray", "b.png");
        watch.wait_done(2);
        draw(&shell, "gray", film, "c.mp4");
        watch.wait_done(3);
        let over = watch.stop().fine();
        let bypassed = |name| told(&over.told, name)["bypassed"].as_u64().expect("a number");
        assert_eq!([bypassed("a.mp4"), bypassed("b.png"), bypassed("c.mp4")], [10, 0, 0]);
        assert_eq!(first_sample(&shell.path("out/b.png")), 7);
        assert_eq!(files(&shell.path("in")), ["a.mp4"], "{originals}");
        if originals != "delete" {
            assert_eq!(files(&shell.path("old")), ["b.png", "c.mp4"]);
        }
        assert_eq!(end(&over)["bypassed"], 1);
    }
}

#[test]
fn it_is_told_by_exit_code_and_journal_until_it_is_tried_again() {
    let shell = Shell::new();
    put_plugin(&shell);
    still(&shell, "white", "white.png");
    still(&shell, "gray", "gray.png");
    let arguments = format!("{ARGUMENTS} --originals delete");
    let over = once(&shell, &arguments);
    assert_eq!(over.code, Some(3), "{}", over.stderr);
    let status = shell.filmgate("watch --status in --json").done().json();
    assert_eq!((&status["done"], &status["bypasses"]), (&2.into(), &1.into()), "{status}");
    let stands = &status["bypassed"][0];
    assert_eq!((&stands["path"], &stands["state"]), (&"white.png".into(), &"bypassed".into()));
    assert_eq!((&stands["output"], &stands["kept"]), (&"white.png".into(), &true.into()));
    assert!(stands["reason"].to_string().contains("`hostile`"), "{status}");
    let text = shell.filmgate("watch --status in").done().stdout;
    assert!(
        text.contains("1 past a broken plugin") && text.contains("white.png: 1 frame"),
        "{text}"
    );
    // It is known, and stands as what it is.
    let known = once(&shell, &arguments);
    assert_eq!((known.code, &end(&known)["known"]), (Some(3), &1.into()));
    assert_eq!(files(&shell.path("in")), ["white.png"]);
    // With a plugin that does not break, its output takes the place of the other.
    let again = once(&shell, "-p emboss --retry-failed --originals delete");
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert_eq!(told(&again.told, "white.png")["replaced"], true);
    assert_eq!(files(&shell.path("in")), [""; 0]);
    assert_eq!(files(&shell.path("out")), ["gray.png", "white.png"]);
    let status = shell.filmgate("watch --status in --json").done().json();
    assert_eq!(status["bypassed"], serde_json::json!([]), "{status}");
}

#[test]
fn metrics_count_it() {
    let shell = Shell::new();
    put_plugin(&shell);
    let watch = Watch::start(&shell, &format!("{ARGUMENTS} --metrics 127.0.0.1:0"));
    still(&shell, "white", "white.png");
    still(&shell, "gray", "gray.png");
    watch.wait_done(2);
    let said = watch.said();
    let address = said.split_once("http://").and_then(|(_, rest)| rest.split_once("/metrics"));
    let address = address.expect("the address is said").0;
    let mut stream = TcpStream::connect(address).expect("it answers");
    stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    for line in ["filmgate_watch_bypassed_total 1", "filmgate_watch_files_total{result=\"done\"} 2"]
    {
        assert!(answer.lines().any(|l| l == line), "{line}: {answer}");
    }
    watch.stop().fine();
}

/// Killed behind the rename, before the original is judged: the next watch leaves it.
#[test]
fn a_kill_does_not_make_it_forget_that_the_original_stays() {
    if !possible() {
        return;
    }
    let shell = Shell::new();
    put_plugin(&shell);
    still(&shell, "white", "white.png");
    fs::create_dir(shell.path("out")).expect("a folder");
    let folder = shell.path("out").canonicalize().expect("there");
    let mut strace = Command::new("strace");
    strace.args(["-qq", "-f", "-o", "/dev/null", "-P"]).arg(&folder);
    strace.args(["-e", "trace=fsync", "-e", "inject=fsync:signal=SIGKILL", "--"]).arg(program());
    strace.args(["watch", "in", "-o", "out", "--once", "-q", "--originals", "delete"]);
    strace.args(ARGUMENTS.split_whitespace());
    shell.settle(&mut strace);
    let said = shell.say(&mut strace);
    assert_eq!(said.code, None, "{said:?}");
    assert_eq!(files(&shell.path("out")), ["white.png"]);
    let over = once(&shell, &format!("{ARGUMENTS} --originals delete"));
    assert_eq!(over.code, Some(3), "{}", over.stderr);
    assert_eq!(files(&shell.path("in")), ["white.png"]);
    let status = shell.filmgate("watch --status in --json").done().json();
    assert_eq!(status["bypassed"][0]["path"], "white.png", "{status}");
}

/// A parallel plugin that holds a picture back must not give it out as the next one.
#[test]
fn a_picture_that_is_held_back_does_not_come_out_as_another() {
    let shell = Shell::new();
    let module = Module {
        format: "rgb24".to_owned(),
        fields: "(global $held (mut i32) (i32.const -1))".to_owned(),
        ..Module::processing(
            "(local.set $i (global.get $held)) (global.set $held (local.get $frame))
             (if (i32.eq (local.get $i) (i32.const -1)) (then (return (call $none))))
             (call $same (local.get $i))",
        )
    };
    shell.write("holds.wasm", module.component());
    let watch = Watch::start(&shell, "-p ./holds.wasm -j 1 --originals delete");
    for (count, color) in ["red", "green", "blue"].iter().enumerate() {
        still(&shell, color, &format!("{color}.png"));
        watch.wait("end of a file", |told| {
            told.iter().filter(|t| t["event"] == "done" || t["event"] == "dropped").count() > count
        });
    }
    let over = watch.stop().fine();
    assert_eq!(end(&over)["dropped"], 3, "{:?}", over.told);
    assert_eq!(files(&shell.path("out")), [""; 0]);
    assert_eq!(files(&shell.path("in")), ["blue.png", "green.png", "red.png"]);
}

/// A plugin that keeps a picture to the end gives nothing for it. The next file is none of that.
#[test]
fn a_picture_that_is_kept_to_the_end_is_not_counted_for_the_next() {
    let shell = Shell::new();
    let module = Module {
        format: "rgb24".to_owned(),
        ..Module::serial(
            "(call $plane (local.get $frame) (i32.const 0) (i32.const 0x380))
             (if (i32.gt_u (i32.load8_u (i32.load (i32.const 0x380))) (i32.const 200))
               (then (return (call $none))))
             (call $same (local.get $frame))",
            "(call $none)",
        )
    };
    shell.write("keeps.wasm", module.component());
    let watch = Watch::start(&shell, "-p ./keeps.wasm -j 1 --originals delete");
    still(&shell, "white", "white.png");
    watch.wait("a dropped file", |told| told.iter().any(|t| t["event"] == "dropped"));
    still(&shell, "gray", "gray.png");
    watch.wait_done(1);
    let over = watch.stop().fine();
    assert_eq!(told(&over.told, "gray.png")["bypassed"], 0, "{:?}", over.told);
    assert_eq!(files(&shell.path("in")), ["white.png"]);
}
