//! A segment is whole or not there: cut uploads, wrong digests, limits, kills.

use std::io::Read;
use std::net::Shutdown;

use super::{Served, digest};

#[test]
fn a_digest_that_was_sent_is_verified() {
    let served = Served::new();
    let wrong = digest(&served.shell.write("upload", "other"));
    let right = digest(&served.shell.write("upload", "content"));
    for field in ["Content-Digest", "Repr-Digest"] {
        let said = served.curl(&format!("-T upload -H {field}:{wrong}"), "tasks/t/d/a");
        said.is_problem(400, "digest", "SHA-256");
        let said = served.curl(&format!("-T upload -H {field}:sha-256=nonsense"), "tasks/t/d/a");
        said.is_problem(400, "request", "RFC 9530");
        served.get("tasks/t/d/a").is(404);
    }
    served.curl(&format!("-T upload -H Content-Digest:{right}"), "tasks/t/d/a").is(201);
    assert!(served.partial().is_empty());
}

#[test]
fn a_body_that_is_cut_off_changes_nothing() {
    let served = Served::new();
    served.put("t/d/a", "before").is(201);
    for (length, body) in
        [("Content-Length: 100", "after"), ("Transfer-Encoding: chunked", "5\r\nafter\r\n")]
    {
        let head = format!("PUT /api/v1/tasks/t/d/a HTTP/1.1\r\n{length}");
        let mut stream = served.begun(&head, body.as_bytes());
        stream.shutdown(Shutdown::Write).expect("cut off");
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
    }
    assert_eq!(served.get("tasks/t/d/a").body, b"before");
    assert!(served.partial().is_empty());
}

#[test]
fn a_sender_that_falls_silent_is_left() {
    let served = Served::with("[limits]\nsilence = 1");
    let head = "PUT /api/v1/tasks/t/d/a HTTP/1.1\r\nContent-Length: 100";
    let mut answer = String::new();
    let _ = served.begun(head, b"after").read_to_string(&mut answer);
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(served.partial().is_empty());
}

#[test]
fn limits_hold_announced_or_not() {
    let served = Served::with("[quota]\nmax-segment = 1000\ntask-bytes = 1500\ntask-segments = 3");
    let large = vec![b'x'; 1001];
    let chunked = |path: &str| served.curl("-T upload -H Transfer-Encoding:chunked", path);
    served.put("t/d/large", &large).is_problem(413, "too-large", "1000 bytes");
    chunked("tasks/t/d/large").is_problem(413, "too-large", "1000 bytes");
    served.put("t/d/a", &large[..1000]).is(201);
    served.put("t/d/b", &large[..501]).is_problem(507, "quota", "1500 bytes");
    chunked("tasks/t/d/b").is_problem(507, "quota", "1500 bytes");
    // What is replaced does not count.
    served.put("t/d/a", &large[..900]).is(200);
    served.put("t/d/b", "x").is(201);
    served.put("t/e/c", "x").is(201);
    served.put("t/e/d", "x").is_problem(507, "quota", "3 segments");
    served.put("t/e/c", "y").is(200);
    served.put("other/e/d", "x").is(201);
    served.curl("-X DELETE", "tasks/t/e/c").is(204);
    served.put("t/e/d", "x").is(201);
    assert!(served.partial().is_empty());
}

#[test]
fn a_disk_that_is_nearly_full_takes_nothing_in() {
    let served = Served::with("[quota]\nmin-free = 9000000000000000000");
    served.put("t/d/a", "x").is_problem(507, "full", "full");
    assert!(served.partial().is_empty());
}

#[test]
fn killed_at_any_moment_a_segment_is_whole_or_as_before() {
    let mut served = Served::new();
    let contents = [vec![b'a'; 3 << 20], vec![b'b'; 2 << 20]];
    served.put("t/d/a", &contents[0]).is(201);
    let rounds = std::env::var("FILMGATE_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(8);
    for round in 0..rounds {
        served.shell.write("next", &contents[(round + 1) % 2]);
        let mut upload = std::process::Command::new("curl");
        upload.args(["-s", "-o", "/dev/null", "-T", "next", &served.url("tasks/t/d/a")]);
        let mut upload = upload.current_dir(served.shell.folder()).spawn().expect("curl");
        std::thread::sleep(std::time::Duration::from_micros(3_000 * (round as u64 % 12)));
        served.kill();
        upload.wait().expect("it ends");
        served.start();
        let read = served.get("tasks/t/d/a").is(200);
        assert!(contents.contains(&read.body), "{} bytes", read.body.len());
        let listed = served.get("tasks/t/d").json();
        assert_eq!(listed["segments"][0]["size"], read.body.len(), "{listed}");
        assert!(served.partial().is_empty());
    }
}
