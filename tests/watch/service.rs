//! As a service: signals, metrics, events, and what systemd is told.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::Duration;

use filmgate_tests::hostile::root;
use filmgate_tests::outside::succeed;
use filmgate_tests::running::Running;
use filmgate_tests::shell::Shell;
use filmgate_tests::tools::{SYSTEMD, available};

use crate::desk::{Watch, command, done, files, frames, once};

fn give(shell: &Shell, count: usize) {
    fs::create_dir_all(shell.path("in")).expect("a folder");
    for number in 0..count {
        let name = format!("frame{number:06}.jpg");
        shell.copy(&frames(count).join(&name), format!("in/{name}"));
    }
}

#[test]
fn sigterm_finishes_what_is_in_hand_and_the_rest_waits() {
    let shell = Shell::new();
    give(&shell, 400);
    let watch = Watch::start(&shell, "-p emboss -j 2");
    watch.wait_done(5);
    let over = watch.stop().fine();
    let first = done(&over.told);
    assert!(first.len() < 400, "it did not end before all was done");
    let mut outputs: Vec<String> = first.into_iter().map(|d| d.1).collect();
    outputs.sort();
    assert_eq!(files(&shell.path("out")), outputs, "all that was begun is told, and nothing more");
    let over = once(&shell, "-p emboss").fine();
    assert_eq!(done(&over.told).len() + outputs.len(), 400);
}

fn get(address: &str, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    write!(stream, "GET {path} HTTP/1.0\r\nHost: x\r\n\r\n").expect("asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    (head.lines().next().unwrap_or_default().to_owned(), body.to_owned())
}

#[test]
fn metrics_count_and_health_is_told() {
    let shell = Shell::new();
    give(&shell, 5);
    shell.write("in/bad.jpg", "no picture");
    let watch = Watch::start(&shell, "-p emboss --metrics 127.0.0.1:0");
    watch.wait_done(5);
    watch.wait("a failure", |told| told.iter().any(|t| t["event"] == "failed"));
    let said = watch.said();
    let address = said.split("http://").nth(1).and_then(|s| s.split('/').next()).expect("told");
    let (status, body) = get(address, "/metrics");
    assert!(status.contains("200"), "{status}");
    for line in [
        "filmgate_watch_files_total{result=\"done\"} 5",
        "filmgate_watch_files_total{result=\"failed\"} 1",
        "filmgate_watch_latency_seconds_count 5",
        "filmgate_watch_stuck 0",
    ] {
        assert!(body.lines().any(|l| l == line), "{line}: {body}");
    }
    // What Prometheus reads: comment lines, and a name with a number.
    for line in body.lines().filter(|l| !l.starts_with('#')) {
        let (_, number) = line.rsplit_once(' ').expect("a name and a number");
        assert!(number.parse::<f64>().is_ok(), "{line}");
    }
    assert_eq!(get(address, "/healthz"), ("HTTP/1.0 200 OK".to_owned(), "ok\n".to_owned()));
    assert!(get(address, "/other").0.contains("404"));
    watch.stop().fine();
}

#[test]
fn events_are_printed_as_pyinotify_prints_them() {
    let shell = Shell::new();
    let watch = Watch::start(&shell, "-p emboss --events");
    let picture = frames(3).join("frame000001.jpg");
    fs::copy(&picture, shell.path("in/a.jpg")).expect("copied");
    fs::copy(&picture, shell.path("b.jpg")).expect("copied");
    fs::rename(shell.path("b.jpg"), shell.path("in/b.jpg")).expect("renamed");
    fs::create_dir(shell.path("in/sub")).expect("made");
    watch.wait_done(2);
    let folder = shell.path("in").canonicalize().expect("there");
    let over = watch.stop().fine();
    let folder = folder.display();
    for line in [
        format!(
            "<Event dir=False mask=0x8 maskname=IN_CLOSE_WRITE name=a.jpg path={folder} pathname={folder}/a.jpg wd=1 >"
        ),
        format!(
            "<Event dir=True mask=0x40000100 maskname=IN_CREATE|IN_ISDIR name=sub path={folder} pathname={folder}/sub wd=1 >"
        ),
    ] {
        assert!(over.events.contains(&line), "{line}: {:#?}", over.events);
    }
    let moved = over.events.iter().find(|e| e.contains("maskname=IN_MOVED_TO")).expect("told");
    assert!(moved.starts_with("<Event cookie=") && moved.contains("name=b.jpg"), "{moved}");
}

#[test]
fn systemd_is_told_when_it_is_ready_and_when_it_ends() {
    let shell = Shell::new();
    fs::create_dir_all(shell.path("in")).expect("a folder");
    let socket = UnixDatagram::bind(shell.path("notify")).expect("a socket");
    socket.set_read_timeout(Some(Duration::from_secs(60))).expect("set");
    let mut command = command(&shell, "-p emboss -q");
    let command = command.env("NOTIFY_SOCKET", shell.path("notify"));
    let mut child = Running::start(command.stdout(Stdio::null()));
    let hear = || {
        let mut buffer = [0; 1000];
        let count = socket.recv(&mut buffer).expect("something is told");
        String::from_utf8_lossy(&buffer[..count]).into_owned()
    };
    assert!(hear().lines().any(|l| l == "READY=1"));
    child.signal("TERM");
    assert!(hear().lines().any(|l| l == "STOPPING=1"));
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

/// systemd finds nothing wrong with the unit.
#[test]
fn the_unit_is_one() {
    let unit = root().join("scripts/filmgate-watch@.service");
    let text = fs::read_to_string(&unit).expect("there");
    for line in ["Type=notify", "Restart=on-failure", "ExecReload=/bin/kill -HUP $MAINPID"] {
        assert!(text.lines().any(|l| l == line), "{line}");
    }
    let shell = Shell::new();
    // The program is looked for under the name in the unit.
    let own = text.replace("/usr/local/bin/filmgate", "/bin/true");
    let path = shell.write("filmgate-watch@one.service", own);
    if available(&SYSTEMD) {
        succeed(Command::new("systemd-analyze").arg("verify").arg(&path));
    }
}

#[test]
fn a_folder_that_goes_away_ends_it_with_an_error() {
    let shell = Shell::new();
    let watch = Watch::start(&shell, "-p emboss --journal journal.db");
    fs::remove_dir_all(shell.path("in")).expect("removed");
    let over = watch.end();
    assert_eq!(over.code, Some(1), "{}", over.stderr);
    assert!(over.stderr.contains("is gone"), "{}", over.stderr);
}
