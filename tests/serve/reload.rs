//! A running server is told to change, and systemd to know.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::Duration;

use filmgate_tests::counted::wait_for;
use filmgate_tests::outside::succeed;
use filmgate_tests::ports::free_port;
use filmgate_tests::running::Running;
use filmgate_tests::shell::Shell;
use filmgate_tests::tools::{SYSTEMD, available};

use super::Served;

/// Sends SIGHUP, and waits until the server has said `word` once more.
fn reload(served: &mut Served, settings: &str, word: &str) {
    let count = |served: &Served| served.said().matches(word).count();
    let before = count(served);
    served.shell.write("settings.toml", settings);
    served.server().signal("HUP");
    wait_for(word, || count(served) > before);
}

#[test]
fn settings_are_reloaded_without_an_end() {
    let mut served = Served::with("[quota]\nmax-segment = 3");
    served.put("t/d/a", "four").is_problem(413, "too-large", "3 bytes");
    // An upload goes on through a reload.
    let head = "PUT /api/v1/tasks/t/d/b HTTP/1.1\r\nConnection: close\r\nContent-Length: 2";
    let mut begun = served.begun(head, b"x");
    reload(&mut served, "[quota]\nmax-segment = 4\n", "settings reloaded");
    served.put("t/d/a", "four").is(201);
    std::io::Write::write_all(&mut begun, b"y").expect("sent");
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut begun, &mut answer).expect("answered");
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");

    // What is wrong changes nothing, and is told with its place.
    reload(&mut served, "[quota]\nmax-segment = 5\nmax = 1\n", "left as they are");
    assert!(served.said().contains("settings.toml:3:1"), "{}", served.said());
    served.put("t/d/a", "fives").is_problem(413, "too-large", "4 bytes");

    // What a running server cannot change is named, and the rest is taken over.
    let more = "listen = \"127.0.0.1:1\"\n[quota]\nmax-segment = 5\n[limits]\nconnections = 9\n\
                requests-per-second = 1\n";
    reload(&mut served, more, "unchanged until the next start");
    assert!(served.said().contains("next start: limits.connections\n"), "{}", served.said());
    served.put("t/d/a", "fives").is(200);
    wait_for("the new limit", || served.get("jobs").status == 429);
    reload(&mut served, "", "settings reloaded");
    served.put("t/d/a", "sixsix").is(200);
}

#[test]
fn a_log_that_was_moved_away_is_begun_anew() {
    let mut served = Served::with("access-log = \"access.log\"");
    served.put("t/d/a", "x").is(201);
    fs::rename(served.path("access.log"), served.path("access.log.1")).expect("moved");
    reload(&mut served, "access-log = \"access.log\"", "settings reloaded");
    served.put("t/d/b", "x").is(201);
    let read = |name: &str| fs::read_to_string(served.path(name)).expect("there");
    assert!(read("access.log.1").contains("/t/d/a HTTP/1.1\" 201"), "{}", read("access.log.1"));
    assert!(read("access.log").contains("/t/d/b HTTP/1.1\" 201"), "{}", read("access.log"));
    assert!(!read("access.log").contains("/t/d/a"), "{}", read("access.log"));
}

#[test]
fn systemd_is_told_of_every_stage() {
    let shell = Shell::new();
    let socket = UnixDatagram::bind(shell.path("notify")).expect("a socket");
    socket.set_read_timeout(Some(Duration::from_secs(60))).expect("set");
    let mut command = shell.command();
    command.args(["serve", "--root", "root", "--listen", &format!("127.0.0.1:{}", free_port())]);
    command.env("NOTIFY_SOCKET", shell.path("notify")).stdout(Stdio::null());
    let mut server = Running::start(&mut command);
    let hear = || {
        let mut buffer = [0; 1000];
        let count = socket.recv(&mut buffer).expect("something is told");
        String::from_utf8_lossy(&buffer[..count]).into_owned()
    };
    let is_told = |line: &str| {
        let told = hear();
        assert!(told.lines().any(|l| l == line), "{line} is not in {told}");
        told
    };
    is_told("READY=1");
    server.signal("HUP");
    assert!(is_told("RELOADING=1").contains("MONOTONIC_USEC="));
    is_told("READY=1");
    server.signal("TERM");
    is_told("STOPPING=1");
    assert_eq!(server.wait().expect("it ends").code(), Some(0));
}

/// systemd finds nothing wrong with the unit.
#[test]
fn the_unit_is_one() {
    let unit = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/filmgate-serve.service");
    let text = fs::read_to_string(unit).expect("there");
    for line in ["Type=notify", "KillMode=mixed", "ExecReload=/bin/kill -HUP $MAINPID"] {
        assert!(text.lines().any(|l| l == line), "{line}");
    }
    let shell = Shell::new();
    // The program is looked for under the name in the unit.
    let own = text.replace("/usr/local/bin/filmgate", "/bin/true");
    let path = shell.write("filmgate-serve.service", own);
    if available(&SYSTEMD) {
        succeed(Command::new("systemd-analyze").arg("verify").arg(&path));
    }
}
