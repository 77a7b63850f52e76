//! Sources that stall, end, reset and come back.

use std::process::Stdio;
use std::time::{Duration, Instant};

use filmgate_tests::counted::wait_for;
use filmgate_tests::running::Running;
use filmgate_tests::shell::Shell;
use serde_json::Value;

use crate::help::{all_names, is_whole, names, said, split, transport};
use crate::server::{Act, Server};

/// Names that tell number and time.
const NUMBERED: &str = "--names template:pattern={number:06}_{position}.{ext}";

/// Position in a name, in milliseconds: `000001_00-00-00.000.jpg`.
fn position(name: &str) -> u64 {
    let (stem, _ending) = name.rsplit_once('.').expect("an ending");
    let text = stem.split_once('_').expect("a position").1;
    let parts = text.split(['-', '.']).map(|p| p.parse::<u64>().expect("a number"));
    let parts: Vec<u64> = parts.collect();
    ((parts[0] * 60 + parts[1]) * 60 + parts[2]) * 1000 + parts[3]
}

fn numbers(names: &[String]) -> Vec<usize> {
    names.iter().map(|n| n[..6].parse().expect("a number")).collect()
}

#[test]
fn a_source_that_ends_resets_refuses_and_stalls_is_opened_again_and_numbering_goes_on() {
    let shell = Shell::new();
    let acts = [Act::End, Act::Reset, Act::Refuse, Act::Stall, Act::Half, Act::End];
    let server = Server::start(transport(), "video/mp2t", &acts);
    let arguments = format!("--stall 1 --max-frames 290 {NUMBERED}");
    let said = said(&shell, server.url(), &arguments);
    // Some of the stream was lost, and that is told.
    assert_eq!(said.code, Some(3), "{said:?}");
    let json = said.json();
    let names = names(&shell);
    assert_eq!(numbers(&names), (1..=290).collect::<Vec<_>>(), "every number once, none left out");
    for name in &names {
        assert!(is_whole(&std::fs::read(shell.path("out").join(name)).expect("read")), "{name}");
    }
    let times: Vec<u64> = names.iter().map(|n| position(n)).collect();
    assert!(times.is_sorted_by(|a, b| a < b), "times rise: {times:?}");
    let source = &json["source"];
    assert_eq!(source["stalls"], 1, "{source}");
    assert!(source["losses"].as_u64() >= Some(3), "{source}");
    assert_eq!(source["refused"], 1, "{source}");
    assert_eq!(source["reopened"], 4, "{source}");
    assert_eq!(source["endless"], true);
    // What is missing between the pictures is what is counted as lost.
    let gaps: u64 = times.windows(2).map(|w| (w[1] - w[0] + 20) / 40 - 1).sum();
    let lost = source["lost"].as_u64().expect("a number");
    assert!(lost > 50 && gaps.abs_diff(lost) <= 8, "{gaps} are missing, {lost} are counted");
    assert!(server.served() >= 6);
}

#[test]
fn back_off_grows_and_is_bounded() {
    let shell = Shell::new();
    let acts = [Act::End, Act::Refuse, Act::Refuse, Act::Refuse, Act::End];
    let server = Server::start(transport(), "video/mp2t", &acts);
    let begun = Instant::now();
    let said = said(&shell, server.url(), "--max-frames 80");
    assert_eq!(said.json()["source"]["refused"], 3);
    // 1, 2, 4 and 5 s, a fifth less at the least; there is no bound above on a busy machine.
    assert!(begun.elapsed() >= Duration::from_millis(9_600), "{:?}", begun.elapsed());
}

#[test]
fn once_ends_with_the_source() {
    for (act, code) in [(Act::End, 0), (Act::Reset, 3), (Act::Stall, 3)] {
        let shell = Shell::new();
        let server = Server::start(transport(), "video/mp2t", &[act]);
        let said = said(&shell, server.url(), "--once --stall 1");
        assert_eq!(said.code, Some(code), "{act:?}: {said:?}");
        let json = said.json();
        assert_eq!(json["published"], names(&shell).len());
        assert!(json["published"].as_u64() >= Some(60), "{act:?}: {json}");
        assert_eq!(json["source"]["broken"].is_null(), act == Act::End, "{json}");
        assert_eq!(server.served(), 1);
    }
}

#[test]
fn a_source_that_is_not_there_is_an_error_unless_it_is_waited_for() {
    let shell = Shell::new();
    let server = Server::start(transport(), "video/mp2t", &[Act::Refuse]);
    said(&shell, server.url(), "").refused(22, &["5XX"]);
    // A folder that was made for nothing goes again.
    assert!(!shell.path("out").exists());
    let server = Server::start(transport(), "video/mp2t", &[Act::Refuse, Act::End]);
    said(&shell, server.url(), "--wait --max-frames 10").done();
    assert_eq!(names(&shell).len(), 10);
}

/// Starts a split and waits for its first pictures.
fn started(shell: &Shell, url: &str, arguments: &str) -> Running {
    let mut command = split(shell, url, arguments);
    let child = Running::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
    wait_for("five pictures", || shell.path("out").exists() && names(shell).len() >= 5);
    child
}

#[test]
fn signals_end_a_live_source_at_once_and_cleanly_whatever_it_is_doing() {
    // In silence, in a back-off, and in a connection that never answers.
    for acts in [vec![Act::Stall], vec![Act::End, Act::Refuse], vec![Act::End, Act::Hang]] {
        for name in ["TERM", "INT"] {
            let shell = Shell::new();
            let server = Server::start(transport(), "video/mp2t", &acts);
            let child = started(&shell, &server.url(), "--stall 600 --keep 20");
            wait_for("the last act", || server.served() >= acts.len());
            child.signal(name);
            let begun = Instant::now();
            let out = child.wait_with_output().expect("ended");
            assert!(begun.elapsed() < Duration::from_secs(20), "{acts:?} {name}");
            assert_eq!(out.status.code(), Some(0), "{acts:?} {name}: {out:?}");
            let json: Value = serde_json::from_slice(&out.stdout).expect("JSON");
            assert_eq!((&json["interrupted"], &json["status"]), (&true.into(), &"done".into()));
            let partial =
                all_names(&shell.path("out")).into_iter().find(|n| n.contains(".partial"));
            assert_eq!(partial, None);
        }
    }
}

#[test]
fn nobody_ever_sees_half_a_picture() {
    let shell = Shell::new();
    let server = Server::start(transport(), "video/mp2t", &[Act::End]);
    let mut child = started(&shell, &server.url(), "--max-frames 200 --keep 40");
    let mut seen = 0;
    while child.try_wait().expect("asked").is_none() {
        for name in names(&shell) {
            // The oldest may go before it is read.
            if let Ok(bytes) = std::fs::read(shell.path("out").join(&name)) {
                assert!(is_whole(&bytes), "{name}: {} bytes", bytes.len());
                seen += 1;
            }
        }
    }
    assert!(seen > 40);
    assert_eq!(names(&shell).len(), 40);
}

#[test]
fn late_pictures_are_dropped_and_counted_where_that_is_asked_for() {
    let shell = Shell::new();
    let server = Server::start(transport(), "video/mp2t", &[Act::End]);
    // The stream comes as fast as it can; lossless pictures take their time.
    let json = said(&shell, server.url(), "--live --once --format png -j 1").done().json();
    let number = |key: &str| json[key].as_u64().expect("a number");
    assert_eq!(number("decoded"), 75);
    assert!(number("late") > 0, "{json}");
    assert_eq!(number("chosen"), number("published") + number("late"));
    assert_eq!(names(&shell).len() as u64, number("published"));
    // Without it, nothing is lost however fast it comes.
    let shell = Shell::new();
    let json = said(&shell, server.url(), "--once --format png -j 1").done().json();
    assert_eq!((&json["published"], &json["late"]), (&75.into(), &0.into()));
}

#[test]
fn a_late_picture_does_not_pass_its_turn_to_another_worker() {
    let shell = Shell::new();
    let server = Server::start(transport(), "video/mp2t", &[Act::End]);
    let arguments = format!("--live --once --format png -j 3 {NUMBERED}");
    let json = said(&shell, server.url(), &arguments).done().json();
    let number = |key: &str| json[key].as_u64().expect("a number");
    assert!(number("late") > 0, "{json}");
    assert_eq!(number("decoded"), 75);
    assert_eq!(number("chosen"), number("published") + number("late"));
    // Pictures come out in the order in which they were taken in.
    let names = names(&shell);
    assert_eq!(numbers(&names), (1..=names.len()).collect::<Vec<_>>());
    let times: Vec<u64> = names.iter().map(|n| position(n)).collect();
    assert!(times.is_sorted_by(|a, b| a < b), "times rise: {times:?}");
}
