//! Pushes that last: a real RTMP server that is not there, dies, refuses and stalls.

use std::net::TcpListener;
use std::path::Path;
use std::thread::{sleep, spawn};
use std::time::Duration;

use filmgate_tests::counted::{numbers, raw_film, wait_for, write};
use filmgate_tests::outside::{ffmpeg, ffprobe, succeed};
use filmgate_tests::rtmp::{Server, possible};
use filmgate_tests::shell::Shell;
use serde_json::Value;

use crate::start::{end, start};

/// 25 pictures a second.
const LIVE: Duration = Duration::from_millis(40);

/// A viewer who looks at no more than he must before he begins, and does not wait for ever.
const PULL: &str = "-rw_timeout 10000000 -probesize 100000 -analyzeduration 1000000 -i";

/// What the summary says of the push, which is the output behind the files.
fn push(result: &Value) -> &Value {
    let outputs = result["outputs"].as_array().expect("outputs");
    &outputs.iter().find(|o| !o["push"].is_null()).expect("a push")["push"]
}

fn number(value: &Value) -> usize {
    value.as_u64().expect("a number") as usize
}

/// Whether picture `n` lies in one of the gaps that were told.
fn in_a_gap(push: &Value, n: usize) -> bool {
    let time = n as f64 * 0.04e9;
    push["gaps"].as_array().expect("gaps").iter().any(|gap| {
        let from = gap["from"].as_f64().expect("a time");
        let until = gap["until"].as_f64().unwrap_or(f64::MAX);
        // Times in nanoseconds are rounded.
        time >= from - 1e6 && time < until - 1e6
    })
}

/// The timestamps of a record, milliseconds.
fn times(record: &Path) -> Vec<f64> {
    let facts = ffprobe(record, "-select_streams v -show_entries packet=dts_time");
    let packets = facts["packets"].as_array().expect("packets").clone();
    let time = |p: &Value| p["dts_time"].as_str().and_then(|t| t.parse().ok()).expect("a time");
    packets.iter().map(time).collect()
}

#[test]
fn viewers_see_what_is_pushed() {
    if !possible() {
        return;
    }
    let (shell, server) = (Shell::new(), Server::start());
    let url = server.url("live", "key");
    let job = start(&shell, &format!("-o {url} --also copy.mp4 --keyframe-interval 1"));
    let writer = write(&shell.path("pipe"), 0..250, LIVE);
    wait_for("the push", || !server.records().is_empty());
    sleep(Duration::from_millis(500));
    let mut pull = ffmpeg(PULL);
    succeed(pull.arg(&url).args(["-frames:v", "50", "-c", "copy"]).arg(shell.path("pulled.flv")));
    writer.join().expect("written");
    let result = end(job).done().json();
    let pulled = numbers(&shell.path("pulled.flv"));
    assert!(pulled.len() >= 45, "{pulled:?}");
    assert!(pulled.windows(2).all(|w| w[1] == w[0] + 1), "{pulled:?}");
    let stream = &ffprobe(&shell.path("pulled.flv"), "-show_streams")["streams"][0];
    assert_eq!((&stream["codec_name"], &stream["pix_fmt"]), (&"h264".into(), &"yuv420p".into()));
    assert_eq!(numbers(&server.records()[0]), (0..250).collect::<Vec<_>>());
    assert_eq!(numbers(&shell.path("copy.mp4")), (0..250).collect::<Vec<_>>());
    let push = push(&result);
    assert_eq!((&push["delivered"], &push["dropped"]), (&250.into(), &0.into()));
    assert_eq!((&push["connections"], &push["gap_count"]), (&1.into(), &0.into()));
}

/// How often the server is killed: a few times with every change, twenty times by `make soak`.
fn kills() -> usize {
    filmgate_tests::kills::kills(3, 20)
}

#[test]
fn a_server_that_is_killed_again_and_again_leaves_no_gap_untold() {
    if !possible() {
        return;
    }
    let (shell, mut server) = (Shell::new(), Server::start());
    let url = server.url("live", "key");
    let job = start(&shell, &format!("-o {url} --also copy.mp4"));
    // A connection that did not hold for long is followed by longer and longer waits.
    let count = 100 * (kills() + 1) + 160 * kills().saturating_sub(3);
    let writer = write(&shell.path("pipe"), 0..count, LIVE);
    let mut known = 0;
    for round in 0..kills() {
        wait_for("a push", || server.records().len() > known);
        sleep(Duration::from_millis(1_300 + 170 * (round as u64 % 5)));
        known = server.records().len();
        server.kill();
        sleep(Duration::from_millis(200 + 300 * (round as u64 % 3)));
        server.run();
    }
    writer.join().expect("written");
    let said = end(job);
    assert_eq!(said.code, Some(3), "{said:?}");
    let result = said.json();
    let push = push(&result);
    assert_eq!(number(&push["losses"]), kills(), "{push}");
    assert_eq!(number(&push["connections"]), kills() + 1, "{push}");
    // The local copy has it all.
    assert_eq!(numbers(&shell.path("copy.mp4")), (0..count).collect::<Vec<_>>());
    // Each picture was handed over, or dropped and counted.
    assert_eq!(number(&push["delivered"]) + number(&push["dropped"]), count, "{push}");
    let (mut seen, mut clock) = (Vec::new(), Vec::new());
    for record in server.records() {
        let part = numbers(&record);
        // A connection begins with a key frame, or nothing of it could be decoded.
        assert!(!part.is_empty(), "{}", record.display());
        seen.extend(part);
        clock.extend(times(&record));
    }
    assert!(seen.windows(2).all(|w| w[1] > w[0]), "no picture twice, none out of order: {seen:?}");
    assert!(clock.windows(2).all(|w| w[1] > w[0]), "timestamps rise: {clock:?}");
    let missing: Vec<usize> = (0..count).filter(|n| !seen.contains(n)).collect();
    let untold: Vec<&usize> = missing.iter().filter(|n| !in_a_gap(push, **n)).collect();
    assert!(untold.is_empty(), "{untold:?} are missing and in no gap: {push}");
    let (dropped, unsure) = (number(&push["dropped"]), number(&push["unsure"]));
    assert!(missing.len() >= dropped && missing.len() <= dropped + unsure, "{missing:?}: {push}");
}

#[test]
fn a_server_that_comes_late_gets_what_waits_for_it() {
    if !possible() {
        return;
    }
    let (shell, mut server) = (Shell::new(), Server::stopped());
    let job = start(&shell, &format!("-o {}", server.url("live", "key")));
    let writer = write(&shell.path("pipe"), 0..100, LIVE);
    sleep(Duration::from_millis(1_500));
    server.run();
    writer.join().expect("written");
    let result = end(job).done().json();
    // The time that may wait is longer than that.
    assert_eq!(numbers(&server.records()[0]), (0..100).collect::<Vec<_>>());
    assert!(number(&push(&result)["refusals"]) >= 1);
}

#[test]
fn a_server_that_is_never_there_costs_nothing_but_the_push() {
    if !possible() {
        return;
    }
    let (shell, server) = (Shell::new(), Server::stopped());
    let more = format!(
        "-o {} --also copy.mkv --buffer-time 1 --keyframe-interval 0.4",
        server.url("live", "key")
    );
    let job = start(&shell, &more);
    write(&shell.path("pipe"), 0..100, Duration::from_millis(5)).join().expect("written");
    let said = end(job);
    assert_eq!(said.code, Some(35), "{said:?}");
    assert!(said.stderr.contains("Connection refused"), "{}", said.stderr);
    let result = said.json();
    let push = push(&result);
    assert_eq!((&push["delivered"], &push["dropped"]), (&0.into(), &100.into()));
    assert_eq!(push["gaps"][0]["until"], Value::Null);
    assert_eq!(numbers(&shell.path("copy.mkv")), (0..100).collect::<Vec<_>>());
}

#[test]
fn whole_groups_are_dropped_when_too_much_waits() {
    if !possible() {
        return;
    }
    let (shell, mut server) = (Shell::new(), Server::stopped());
    let more = format!("-o {} --buffer-time 2 --keyframe-interval 0.4", server.url("live", "key"));
    let job = start(&shell, &more);
    // Eight seconds of pictures in less than two, of which two may wait.
    let writer = write(&shell.path("pipe"), 0..200, Duration::from_millis(5));
    sleep(Duration::from_millis(1_200));
    server.run();
    writer.join().expect("written");
    let said = end(job);
    assert_eq!(said.code, Some(3), "{said:?}");
    let result = said.json();
    let push = push(&result);
    let seen = numbers(&server.records()[0]);
    assert_eq!(seen.len() + number(&push["dropped"]), 200, "{push}");
    // It begins with a key frame, and nothing is missing behind it.
    assert_eq!(seen[0] % 10, 0, "{seen:?}");
    assert_eq!(seen, (seen[0]..200).collect::<Vec<_>>());
    assert_eq!(number(&push["gap_count"]), 1);
}

#[test]
fn a_server_that_rejects_the_key_is_told_of() {
    if !possible() {
        return;
    }
    let (shell, server) = (Shell::new(), Server::start());
    let job = start(&shell, &format!("-o {} --also copy.mkv", server.url("closed", "key")));
    write(&shell.path("pipe"), 0..60, LIVE).join().expect("written");
    sleep(Duration::from_millis(100));
    crate::start::signal(&job, "TERM");
    let said = end(job);
    assert_eq!(numbers(&shell.path("copy.mkv")), (0..60).collect::<Vec<_>>());
    // The key is a secret.
    assert!(said.stderr.contains("closed/***"), "{}", said.stderr);
    assert!(!said.stderr.contains("closed/key"), "{}", said.stderr);
    assert_eq!(said.code, Some(35), "{said:?}");
}

#[test]
fn a_server_that_stalls_is_left_and_found_again() {
    if !possible() {
        return;
    }
    let (shell, server) = (Shell::new(), Server::start());
    let more = format!(
        "-o {} --also copy.mkv --patience 1 --bitrate 20M --crf 1",
        server.url("live", "key")
    );
    let job = start(&shell, &more.replace(" --bitrate 20M", ""));
    // Noise, so that what the system takes in for the server is full soon.
    let writer = write(&shell.path("pipe"), 0..400, LIVE);
    wait_for("a push", || !server.records().is_empty());
    sleep(Duration::from_millis(500));
    server.signal("STOP");
    sleep(Duration::from_secs(9));
    server.signal("CONT");
    writer.join().expect("written");
    let said = end(job);
    let result = said.json();
    let push = push(&result);
    assert_eq!(numbers(&shell.path("copy.mkv")).len(), 400);
    assert_eq!(number(&push["delivered"]) + number(&push["dropped"]), 400, "{push}");
    let seen: Vec<usize> = server.records().iter().flat_map(|r| numbers(r)).collect();
    assert!(seen.contains(&399), "the end arrived: {push}");
    for n in (0..400).filter(|n| !seen.contains(n)) {
        assert!(in_a_gap(push, n), "{n}: {push}");
    }
}

#[test]
fn a_server_that_accepts_and_says_nothing_is_given_up() {
    let shell = Shell::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let silent = spawn(move || {
        let first = listener.accept();
        let second = listener.accept();
        sleep(Duration::from_secs(2));
        drop((first, second));
    });
    let more = format!("-o rtmp://127.0.0.1:{port}/live/key --patience 0.5 --also copy.mkv");
    let job = start(&shell, &more);
    write(&shell.path("pipe"), 0..100, Duration::from_millis(30)).join().expect("written");
    crate::start::signal(&job, "TERM");
    let said = end(job);
    assert_eq!(said.code, Some(35), "{said:?}");
    assert!(said.stderr.contains("not done within 0.5 s"), "{}", said.stderr);
    assert!(number(&push(&said.json())["refusals"]) >= 1);
    assert_eq!(numbers(&shell.path("copy.mkv")).len(), 100);
    silent.join().expect("it accepted twice");
}

#[test]
fn progress_tells_how_the_push_stands() {
    if !possible() {
        return;
    }
    let (shell, server) = (Shell::new(), Server::start());
    raw_film(&shell.path("film"), 50);
    let line = format!(
        "encode -i film --size 320x180 --realtime --progress-json -o {} -o copy.mkv",
        server.url("live", "key")
    );
    let said = shell.filmgate(&line).done();
    let events: Vec<Value> =
        said.stdout.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    assert_eq!(events[0]["event"], "start");
    let last = &events[events.len() - 1];
    assert_eq!((&last["event"], &last["frames_out"]), (&"result".into(), &50.into()));
    let standing: Vec<&Value> =
        events.iter().map(|e| &e["pushes"][0]).filter(|p| p["connected"] == true).collect();
    assert!(standing.len() > 3, "{}", said.stdout);
    assert!(standing.windows(2).all(|w| number(&w[1]["delivered"]) >= number(&w[0]["delivered"])));
}

#[test]
fn both_directions_together() {
    if !possible() {
        return;
    }
    let (shell, server) = (Shell::new(), Server::start());
    let (from, to) = (server.url("live", "from"), server.url("live", "to"));
    let job = start(&shell, &format!("-o {from} --keyframe-interval 0.4"));
    let writer = write(&shell.path("pipe"), 0..400, LIVE);
    wait_for("a push", || !server.records().is_empty());
    sleep(Duration::from_millis(500));
    let mut command = shell.command();
    command.args([
        "run",
        "-i",
        &from,
        "-p",
        "invert",
        "-o",
        &to,
        "--preset",
        "ultrafast",
        "--json",
    ]);
    command.args(["--tune", "zerolatency"]);
    let run = crate::start::spawn(&mut command);
    wait_for("the second push", || server.records().len() > 1);
    let mut pull = ffmpeg(PULL);
    succeed(pull.arg(&to).args(["-frames:v", "20", "-c", "copy"]).arg(shell.path("pulled.flv")));
    let pulled = numbers(&shell.path("pulled.flv"));
    // What was inverted has the other digits.
    let back: Vec<usize> = pulled.iter().map(|n| n ^ 0xffff).collect();
    assert!(back.len() >= 15 && back.windows(2).all(|w| w[1] == w[0] + 1), "{back:?}");
    // A stream without an end is ended by who looks at it.
    crate::start::signal(&run, "TERM");
    let said = end(run);
    assert_eq!(said.code, Some(130), "{said:?}");
    writer.join().expect("written");
    end(job).done();
}
