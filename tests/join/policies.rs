//! Orders and names, by plugins, and what is told of them.

use std::time::{Duration, SystemTime};

use filmgate_tests::shell::Shell;
use serde_json::Value;

use super::cases::segments;

fn named(names: [&str; 3]) -> Shell {
    let shell = Shell::new();
    for (name, source) in names.iter().zip(segments("good")) {
        shell.copy(&source, name);
    }
    shell
}

fn order(shell: &Shell, arguments: &str) -> Vec<(String, String)> {
    let said = shell.filmgate(&format!("join . -o out.mp4 --dry-run --json {arguments}")).done();
    let plan: Value = said.json();
    assert!(!shell.path("out.mp4").exists());
    let text = |v: &Value| v.as_str().expect("text").trim_start_matches("./").to_owned();
    let segments = plan["segments"].as_array().expect("segments").iter();
    segments.map(|s| (text(&s["path"]), text(&s["reason"]))).collect()
}

fn paths(order: Vec<(String, String)>) -> Vec<String> {
    order.into_iter().map(|(path, _)| path).collect()
}

#[test]
fn each_order_is_a_plugin_and_says_why() {
    let shell = named(["1.mp4", "10.mp4", "2.mp4"]);
    let base = SystemTime::UNIX_EPOCH + Duration::from_secs(1_500_000_000);
    for (seconds, name) in [(1, "2.mp4"), (2, "1.mp4"), (3, "10.mp4")] {
        let file = std::fs::File::options().write(true).open(shell.path(name)).expect("writable");
        file.set_modified(base + Duration::from_secs(seconds)).expect("set");
    }
    assert_eq!(
        order(&shell, ""),
        [("1.mp4", "1"), ("2.mp4", "2"), ("10.mp4", "10")].map(|(a, b)| (a.into(), b.into()))
    );
    assert_eq!(paths(order(&shell, "--order name")), ["1.mp4", "10.mp4", "2.mp4"]);
    let by_time = order(&shell, "--order mtime");
    assert!(by_time[0].1.starts_with("1500000001"), "{by_time:?}");
    assert_eq!(paths(by_time), ["2.mp4", "1.mp4", "10.mp4"]);
    let given = shell.filmgate("join 2.mp4 10.mp4 1.mp4 --order given -o o.mp4 --dry-run --json");
    assert_eq!(given.done().json()["segments"][0]["path"], "2.mp4");
    let refused = shell.filmgate("join . --order created -o out.mp4");
    refused.refused(15, &["does not say when it was recorded"]);
    assert_eq!(
        paths(order(&shell, "--order-plugin natural:reverse=true")),
        ["10.mp4", "2.mp4", "1.mp4"]
    );
}

#[test]
fn the_media_says_when_it_was_recorded() {
    let shell = Shell::new();
    for (name, time, source) in
        [("a.mp4", "2018-09-08T10:15:02Z", 0), ("b.mp4", "2018-09-08T10:00:00Z", 1)]
    {
        let mut command = filmgate_tests::outside::ffmpeg("");
        command.arg("-i").arg(&segments("good")[source]);
        command.args(["-c", "copy", "-metadata", &format!("creation_time={time}")]);
        filmgate_tests::outside::succeed(command.arg(shell.path(name)));
    }
    assert_eq!(paths(order(&shell, "--order created")), ["b.mp4", "a.mp4"]);
    shell.filmgate("join . --order created -o out.mp4").done();
    let found =
        filmgate_tests::outside::ffprobe(&shell.path("out.mp4"), "-show_entries format_tags");
    let time = found["format"]["tags"]["creation_time"].as_str().expect("a time").to_owned();
    assert!(time.starts_with("2018-09-08T10:00:00"), "{time}");
}

#[test]
fn times_in_names_decide() {
    let shell = named(["b_20180908-101502.mp4", "a_20180908-101602.mp4", "c_20180907-235959.mp4"]);
    let found = order(&shell, "--order-plugin by-timestamp-in-name");
    assert_eq!(found[0].1, "2018-09-07 23:59:59");
    assert_eq!(
        paths(found),
        ["c_20180907-235959.mp4", "b_20180908-101502.mp4", "a_20180908-101602.mp4"]
    );
}

#[test]
fn names_by_plugins_never_replace_a_file_unasked() {
    let shell = named(["1.mp4", "2.mp4", "3.mp4"]);
    let join = "join 1.mp4 2.mp4 3.mp4 --into . --name-plugin template:pattern=film -q";
    shell.filmgate(join).done();
    shell.filmgate(join).done();
    assert_eq!(shell.names(), ["1.mp4", "2.mp4", "3.mp4", "film-1.mp4", "film.mp4"]);
}

#[test]
fn a_receipt_tells_everything() {
    let shell = named(["1.mp4", "2.mp4", "3.mp4"]);
    shell.filmgate("join . -o out.mp4 --receipt r.json --delete-sources").done();
    assert_eq!(shell.names(), ["out.mp4", "r.json"]);
    let text = std::fs::read_to_string(shell.path("r.json")).expect("a receipt");
    let receipt: Value = serde_json::from_str(&text).expect("JSON");
    let digest = filmgate_tests::outside::succeed(
        std::process::Command::new("sha256sum").arg(&segments("good")[1]),
    );
    let digest = String::from_utf8_lossy(&digest)[..64].to_owned();
    assert_eq!(receipt["inputs"][1]["sha256"], digest.as_str());
    assert_eq!(receipt["plugins"][0]["name"], "natural");
    assert_eq!(receipt["plugins"][0]["sha256"].as_str().map(str::len), Some(64));
    assert_eq!(receipt["summary"]["proof"]["seams"], 3);
    assert_eq!(receipt["summary"]["segments"][2]["at"], 4.0);
}
