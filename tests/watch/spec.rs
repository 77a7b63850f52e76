//! The description of a watch: a dry run, a configuration file, the receipt, patterns of files.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use filmgate_tests::hostile::program;
use filmgate_tests::outside::{ffmpeg, succeed};
use filmgate_tests::shell::{Said, Shell};
use filmgate_tests::trace::possible;
use serde_json::{Value, json};

use crate::desk::{done, files, frames, kinds, once};

/// All files and folders below the folder of a test, hidden ones too, with size and time.
fn everything(folder: &Path) -> BTreeSet<String> {
    let mut command = Command::new("find");
    let out = command.arg(folder).args(["-printf", "%P %s %T@ %C@ %i\n"]).output().expect("find");
    String::from_utf8(out.stdout).expect("plain names").lines().map(str::to_owned).collect()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{l}: {e}"))).collect()
}

/// What a dry run plans for a file.
fn planned<'a>(said: &'a [Value], source: &str) -> &'a Value {
    said.iter().find(|v| v["source"] == source).unwrap_or_else(|| panic!("{source}: {said:?}"))
}

fn film(shell: &Shell, name: &str) {
    let source = "-f lavfi -i color=red:size=48x32:rate=25 -frames:v 5";
    succeed(ffmpeg(source).arg(shell.path(name)));
}

fn give(shell: &Shell) {
    fs::create_dir_all(shell.path("in/sub")).expect("a folder");
    shell.copy(&frames(3).join("frame000000.jpg"), "in/one.jpg");
    shell.copy(&frames(3).join("frame000001.jpg"), "in/sub/two.jpg");
    film(shell, "in/film.mkv");
    shell.write("in/bad.jpg", "no picture");
    shell.write("in/empty.png", "");
}

#[test]
fn a_dry_run_says_what_would_be_done_and_writes_nothing() {
    let shell = Shell::new();
    give(&shell);
    let before = everything(shell.folder());
    let line = "watch in -o out -p emboss --dry-run --json --originals move:old --quarantine bad \
                --receipt r.jsonl --names flatten";
    let said = shell.filmgate(line).done();
    assert_eq!(everything(shell.folder()), before);
    let plan = lines(&said.stdout);
    let two = planned(&plan, "sub/two.jpg");
    assert_eq!((&two["event"], &two["output"]), (&json!("convert"), &json!("sub-two.jpg")));
    let film = planned(&plan, "film.mkv");
    assert_eq!((&film["width"], &film["height"]), (&json!(48), &json!(32)), "{film}");
    assert_eq!(planned(&plan, "bad.jpg")["event"], "refuse");
    assert_eq!(planned(&plan, "empty.png")["event"], "leave");
    let end = plan.last().expect("a summary");
    let counts = ["convert", "refuse", "leave", "known"].map(|name| end[name].as_u64());
    assert_eq!(counts, [3, 1, 1, 0].map(Some));
    // What is planned is done, and is known then.
    let over = once(&shell, "-p emboss --names flatten");
    let mut outputs: Vec<_> = plan.iter().filter_map(|v| v["output"].as_str()).collect();
    outputs.sort_unstable();
    assert_eq!(files(&shell.path("out")), outputs, "{:?}", over.told);
    let before = everything(shell.folder());
    let said = shell.filmgate("watch in -o out -p emboss --dry-run --json").done();
    assert_eq!(everything(shell.folder()), before);
    assert_eq!(lines(&said.stdout).last().expect("a summary")["known"], 4);
    let again = shell.filmgate("watch in -o out --dry-run --json --retry-failed").done();
    assert_eq!(planned(&lines(&again.stdout), "bad.jpg")["event"], "refuse");
    let text = shell.filmgate("watch in -o out --dry-run").done().stdout;
    assert!(text.contains("4 already") && text.contains("nothing was written"), "{text}");
}

#[test]
fn a_dry_run_checks_what_a_watch_checks() {
    let shell = Shell::new();
    give(&shell);
    let before = everything(shell.folder());
    for (line, code, part) in [
        ("-o out -p embos", 10, "emboss"),
        ("-o out -p natural", 13, "natural"),
        ("-o none/out", 32, "none/out"),
        ("-o in", 31, "watched"),
        ("-o out --receipt in/bad.jpg", 30, "bad.jpg"),
        ("-o out --receipt in/r.jpg", 31, "watched"),
        ("-o out --receipt j --journal j", 2, "twice"),
        ("-o out --include [", 2, "is not a glob"),
        ("-o out --format gif", 2, "--format gif"),
    ] {
        for mode in ["--dry-run", "--once"] {
            shell.filmgate(&format!("watch in {mode} {line}")).refused(code, &[part]);
            assert_eq!(everything(shell.folder()), before, "{line} {mode}");
        }
    }
}

#[test]
fn a_configuration_file_does_what_options_do() {
    let shell = Shell::new();
    give(&shell);
    shell.write(
        "watch.toml",
        "folder = 'in'\noutput = 'out'\ninclude = ['*.jpg', '{x,sub}/*.png']\nexclude = 'bad.*'\n\
         originals = 'move:old'\nformat = 'png'\nnames = 'flatten'\nworkers = 1\nsettle = 0.5\n\
         quality = 90\nsubsampling = '444'\nonce = true\n\n[[plugin]]\nname = 'emboss'\n",
    );
    let said = shell.filmgate("watch --config watch.toml --dry-run --json").done();
    let from_file = lines(&said.stdout);
    let options = "watch in -o out --include *.jpg --include {x,sub}/*.png --exclude bad.* \
                   --originals move:old --format png --names flatten -j 1 --settle 0.5 \
                   --quality 90 --subsampling 444 --once -p emboss --dry-run --json";
    assert_eq!(from_file, lines(&shell.filmgate(options).done().stdout));
    assert_eq!(planned(&from_file, "sub/two.jpg")["output"], "sub-two.png");
    // The command line comes first.
    let other = shell.filmgate("watch --config watch.toml --format bmp --dry-run --json").done();
    assert_eq!(planned(&lines(&other.stdout), "one.jpg")["output"], "one.bmp");
    shell.filmgate("watch --config watch.toml -q").done();
    assert_eq!(files(&shell.path("out")), ["one.png", "sub-two.png"]);
    assert_eq!(files(&shell.path("old")), ["one.jpg", "sub/two.jpg"]);
    // Errors have a place.
    for (text, part) in [
        ("outptu = 'out'", "watch.toml:1:1: there is no key `outptu`, did you mean `output`?"),
        ("originals = 'burn'", "watch.toml:1:13: "),
        ("workers = 0", "watch.toml:1:11: "),
        ("status = true", "watch.toml:1:1: there is no key `status`"),
        ("output = 'out'", "no folder is given"),
    ] {
        shell.write("watch.toml", text);
        shell.filmgate("watch --config watch.toml").refused(2, &[part]);
    }
    let schema = shell.filmgate("watch --config-schema").done().json();
    for key in ["folder", "output", "originals", "plugin", "receipt"] {
        assert!(schema["properties"][key].is_object(), "{key}");
    }
    assert!(schema["properties"]["status"].is_null());
}

#[test]
fn patterns_choose_files() {
    let shell = Shell::new();
    let jpeg = frames(3).join("frame000000.jpg");
    for name in ["a.jpg", "b.jpg", "cam1/a.jpg", "cam1/deep/a.jpg", "cam2/c.jpg", "x/.a.jpg"] {
        let path = shell.path("in").join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::copy(&jpeg, path).expect("copied");
    }
    for (pattern, wanted) in [
        ("--include a.jpg", vec!["a.jpg", "cam1/a.jpg", "cam1/deep/a.jpg"]),
        ("--include {a,c}.jpg --exclude cam1/**", vec!["a.jpg", "cam2/c.jpg"]),
        ("--include cam*/*.jpg", vec!["cam1/a.jpg", "cam2/c.jpg"]),
        ("--include **/a.jpg", vec!["a.jpg", "cam1/a.jpg", "cam1/deep/a.jpg"]),
        ("--include [!a].jpg", vec!["b.jpg", "cam2/c.jpg"]),
        ("--flat", vec!["a.jpg", "b.jpg"]),
    ] {
        let said = shell.filmgate(&format!("watch in -o out --dry-run --json {pattern}")).done();
        let plan = lines(&said.stdout);
        let mut taken: Vec<_> = plan.iter().filter_map(|v| v["source"].as_str()).collect();
        taken.sort_unstable();
        assert_eq!(taken, wanted, "{pattern}");
    }
}

fn sha256(path: &Path) -> String {
    let mut command = Command::new("sha256sum");
    let out = command.arg(path).output().expect("sha256sum");
    String::from_utf8_lossy(&out.stdout).split(' ').next().unwrap_or_default().to_owned()
}

fn receipt(shell: &Shell, name: &str) -> Vec<Value> {
    lines(&fs::read_to_string(shell.path(name)).expect("a receipt"))
}

#[test]
fn a_receipt_says_what_was_made_from_what() {
    let shell = Shell::new();
    give(&shell);
    let sources = fs::canonicalize(shell.path("in")).expect("there");
    let inputs = ["one.jpg", "sub/two.jpg", "film.mkv"];
    let digests = inputs.map(|name| sha256(&sources.join(name)));
    let over = once(&shell, "-p emboss --originals delete --receipt r.jsonl");
    assert_eq!(over.code, Some(3), "{}", over.stderr);
    let all = receipt(&shell, "r.jsonl");
    let (first, last) = (&all[0], all.last().expect("a summary"));
    assert_eq!(
        (&first["record"], &first["plugins"][0]["name"]),
        (&json!("start"), &json!("emboss"))
    );
    assert_eq!(first["names"]["name"], "mirror");
    assert!(first["command"].to_string().contains("--originals"), "{first}");
    assert_eq!((&last["record"], &last["done"]), (&json!("summary"), &json!(3)));
    assert_eq!(all.len(), 5);
    for (name, digest) in inputs.iter().zip(digests) {
        let input = sources.join(name);
        let line = all.iter().find(|l| l["input"]["path"] == *input.to_string_lossy());
        let line = line.unwrap_or_else(|| panic!("{name}: {all:?}"));
        assert_eq!(line["input"]["sha256"], digest, "{name}");
        let output = line["output"]["path"].as_str().expect("a path");
        assert_eq!(line["output"]["sha256"], sha256(Path::new(output)), "{name}");
        assert_eq!(line["plugins"][0]["sha256"].as_str().map(str::len), Some(64));
    }
    // An existing receipt is kept, unless -y is given.
    let before = fs::read(shell.path("r.jsonl")).expect("there");
    assert_eq!(once(&shell, "--receipt r.jsonl").code, Some(30));
    assert_eq!(fs::read(shell.path("r.jsonl")).expect("there"), before);
    once(&shell, "--receipt r.jsonl -y");
    assert_eq!(receipt(&shell, "r.jsonl").len(), 2);
}

#[test]
fn a_receipt_holds_no_secrets() {
    let shell = Shell::new();
    fs::create_dir_all(shell.path("in")).expect("a folder");
    shell.copy(&kinds().join("rgb.png"), "in/a.png");
    let over = once(&shell, "--receipt r.jsonl --exclude rtmp://user:hunter2@host/app").fine();
    assert_eq!(done(&over.told).len(), 1);
    let text = fs::read_to_string(shell.path("r.jsonl")).expect("a receipt");
    assert!(text.contains("host") && !text.contains("hunter2"), "{text}");
}

#[test]
fn videos_have_their_size_in_the_event() {
    let shell = Shell::new();
    fs::create_dir_all(shell.path("in")).expect("a folder");
    film(&shell, "in/film.mkv");
    let over = once(&shell, "-p emboss").fine();
    let event = over.told.iter().find(|t| t["event"] == "done").expect("it is done");
    assert_eq!((&event["width"], &event["height"]), (&json!(48), &json!(32)), "{event}");
}

/// Runs it once and kills it at one of its calls.
fn killed(shell: &Shell, option: &str, receipt: &str) -> Said {
    let mut strace = Command::new("strace");
    let name = option.split(':').next().expect("a call");
    strace.args(["-qq", "-f", "-o", "/dev/null", "-e", &format!("trace={name}")]);
    strace.args(["-e", &format!("inject={option}"), "--"]).arg(program());
    strace.args(["watch", "in", "-o", "out", "--once", "-q", "-j", "1", "-p", "emboss"]);
    strace.args(["--originals", "delete", "--receipt", receipt]);
    shell.settle(&mut strace);
    shell.say(&mut strace)
}

/// Whatever moment it is killed at, each original that is gone has its line.
#[test]
fn a_kill_at_any_call_leaves_the_original_or_its_line() {
    if !possible() {
        return;
    }
    const COUNT: usize = 3;
    let calls = [("fdatasync", 5), ("unlink", 3), ("renameat2", 5), ("fsync", 8)];
    for (call, most) in calls {
        for number in 1..=most {
            let when = format!("killed at {call} {number}");
            let shell = Shell::new();
            fs::create_dir_all(shell.path("in")).expect("a folder");
            for file in 0..COUNT {
                let name = format!("frame{file:06}.jpg");
                shell.copy(&frames(COUNT).join(&name), format!("in/{name}"));
            }
            killed(&shell, &format!("{call}:signal=SIGKILL:when={number}"), "1.jsonl");
            let told = |receipts: &[&str]| -> BTreeSet<String> {
                let all = receipts.iter().filter_map(|r| fs::read_to_string(shell.path(r)).ok());
                let all: Vec<Value> = all.flat_map(|text| lines(&text)).collect();
                let paths = all.iter().filter(|l| l["record"] == "output");
                let name = |l: &Value| l["input"]["path"].as_str().map(str::to_owned);
                let names = paths.filter_map(name);
                names.filter_map(|p| p.rsplit('/').next().map(str::to_owned)).collect()
            };
            let is_accounted = |receipts: &[&str], when: &str| {
                let told = told(receipts);
                for file in 0..COUNT {
                    let name = format!("frame{file:06}.jpg");
                    let is_there = shell.path("in").join(&name).exists();
                    assert!(is_there || told.contains(&name), "{when}: {name}: {told:?}");
                }
            };
            is_accounted(&["1.jsonl"], &when);
            let over = once(&shell, "-p emboss --originals delete --receipt 2.jsonl").fine();
            assert_eq!(files(&shell.path("in")), [""; 0], "{when}: {}", over.stderr);
            is_accounted(&["1.jsonl", "2.jsonl"], &format!("{when}, and run again"));
        }
    }
}
