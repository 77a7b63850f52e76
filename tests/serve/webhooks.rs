//! Webhooks: signed, tried again, kept over a kill, and not sent where they may not go.

use std::path::Path;
use std::process::{Command, Stdio};

use filmgate_tests::counted::wait_for;
use filmgate_tests::outside::python;
use filmgate_tests::ports::free_port;
use filmgate_tests::running::Running;
use serde_json::{Value, json};

use super::Served;

/// The secret of `receiver.py`.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn settings(port: u16, path: &str, more: &str) -> String {
    format!(
        "[[webhook]]\nurl = \"http://127.0.0.1:{port}{path}\"\nsecret = \"{SECRET}\"\n\
         allow-private = true\n{more}\n"
    )
}

fn receiver(served: &Served, port: u16, failures: u32) -> Running {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("serve/receiver.py");
    let mut command = Command::new(python());
    command.arg(script).args([port.to_string(), failures.to_string()]).arg(served.path("came"));
    let running = Running::start(command.stdin(Stdio::null()));
    wait_for("the receiver", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
    running
}

/// What the receiver was sent.
fn came(served: &Served) -> Vec<Value> {
    let text = std::fs::read_to_string(served.path("came")).unwrap_or_default();
    let whole = text.lines().filter_map(|line| serde_json::from_str(line).ok());
    whole.collect()
}

/// A job that ends at once, as there is nothing to join.
fn failing_job(served: &Served) -> String {
    std::fs::create_dir_all(served.path("root/t/e/video")).expect("a folder");
    let job = served.post("tasks/t/e/join", &json!({}), "").is(202).json();
    let id = job["id"].as_str().expect("an id").to_owned();
    served.wait_for(&id, "failed");
    id
}

#[test]
fn a_receiver_that_fails_twice_is_told_the_third_time() {
    let port = free_port();
    let served = Served::with(&settings(port, "/hook", "retry = [1, 1, 1]"));
    let _receiver = receiver(&served, port, 2);
    let job = failing_job(&served);
    wait_for("three attempts", || came(&served).len() == 3);
    let came = came(&served);
    for (attempt, status) in came.iter().zip([500, 500, 204]) {
        assert_eq!(attempt["signed"], true, "{attempt}");
        assert_eq!(attempt["fresh"], true, "{attempt}");
        assert_eq!(attempt["status"], status, "{attempt}");
        assert_eq!((&attempt["id"], &attempt["body"]), (&came[0]["id"], &came[0]["body"]));
    }
    let body = &came[0]["body"];
    assert_eq!(body["type"], "job.failed", "{body}");
    assert_eq!(body["data"]["id"], Value::from(job), "{body}");
    assert_eq!(body["data"]["exit"], 43, "{body}");
    let time = body["timestamp"].as_str().expect("a time");
    assert!(time.len() == 20 && time.ends_with('Z') && time.as_bytes()[10] == b'T', "{time}");
    // The next message has an id of its own.
    failing_job(&served);
    wait_for("the next message", || self::came(&served).len() == 4);
    assert_ne!(self::came(&served)[3]["id"], came[0]["id"]);
}

#[test]
fn what_was_not_told_before_a_kill_is_told_after_it() {
    let port = free_port();
    let mut served = Served::with(&settings(port, "/hook", "retry = [1, 1, 1, 1, 1, 1, 1, 1]"));
    let job = failing_job(&served);
    wait_for("a failed attempt", || served.said().contains("tried again in 1 s"));
    served.kill();
    let _receiver = receiver(&served, port, 0);
    served.start();
    wait_for("the message", || came(&served).len() == 1);
    assert_eq!(came(&served)[0]["body"]["data"]["id"], Value::from(job));
}

#[test]
fn webhooks_go_nowhere_else() {
    let port = free_port();
    let served = Served::with(&settings(port, "/moved", "retry = []"));
    let _receiver = receiver(&served, port, 0);
    failing_job(&served);
    wait_for("the end of the attempts", || served.said().contains("is given up: status 302"));
    assert_eq!(came(&served).len(), 1, "a redirection is not followed");

    // A name that stands for this machine, and addresses of it.
    let named =
        format!("[[webhook]]\nurl = \"https://localhost:{port}/\"\nsecret = \"{SECRET}\"\n");
    let named = Served::with(&(named + "retry = []\n"));
    failing_job(&named);
    wait_for("the refusal", || named.said().contains("loopback or private address"));
    for (url, secret, word) in [
        ("https://169.254.169.254/", SECRET, "allow-private"),
        ("http://example.org/", SECRET, "https://"),
        ("https://example.org/", "whsec_short", "base64"),
    ] {
        let text = format!("[[webhook]]\nurl = \"{url}\"\nsecret = \"{secret}\"\n");
        served.shell.write("wrong.toml", text);
        let said = served.shell.filmgate("serve --root other --config wrong.toml");
        said.refused(2, &[url, word]);
    }
}
