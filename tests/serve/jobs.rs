//! Joins and other verbs as jobs: done, refused, canceled, crashed, killed.

use std::path::PathBuf;

use filmgate_tests::counted::wait_for;
use filmgate_tests::outside::made;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use super::{Said, Served};

fn segment() -> PathBuf {
    made(
        "serve-segment.mp4",
        "-f lavfi -i testsrc2=size=320x180:rate=25:duration=2 -f lavfi -i sine=duration=2 \
         -c:v libx264 -preset ultrafast -c:a aac",
    )
}

/// Uploads segments.
fn upload(served: &Served) {
    for name in ["2.mp4", "10.mp4", "1.mp4"] {
        served.put_file(&format!("t/d/video/{name}"), &segment());
    }
}

fn id(said: &Said) -> String {
    said.json()["id"].as_str().expect("an id").to_owned()
}

#[test]
fn a_join_is_queued_proved_and_removes_its_sources() {
    let served = Served::new();
    upload(&served);
    let said = served.curl("-X POST", "tasks/t/d/join").is(202);
    let address = said.header("location").expect("an address").to_owned();
    let id = id(&said);
    assert_eq!(address, format!("/api/v1/jobs/{id}"));
    let job = served.wait_for(&id, "done");
    assert_eq!((&job["exit"], &job["verb"]), (&0.into(), &"join".into()), "{job}");
    // In natural order.
    let inputs = job["receipt"]["inputs"].as_array().expect("a list").iter();
    let inputs: Vec<_> = inputs.map(|input| input["path"].as_str().unwrap_or_default()).collect();
    let ends =
        inputs.iter().zip(["/1.mp4", "/2.mp4", "/10.mp4"]).all(|(path, end)| path.ends_with(end));
    assert!(ends && inputs.len() == 3, "{inputs:?}");
    assert_eq!(served.listed("t/d"), ["video.mp4"]);
    let straight = served.shell.filmgate(&format!("probe {} --json", "root/t/d/video.mp4"));
    let seconds = straight.done().json()["duration"].as_f64().unwrap_or_default();
    assert!((5.9..6.2).contains(&seconds), "{seconds}");
    // The events of the past are told again, and those behind one that was seen.
    let events = served.get(&format!("jobs/{id}/events")).is(200);
    let events = String::from_utf8(events.body).expect("text");
    assert!(events.contains("\"state\":\"running\"") && events.contains("\"state\":\"done\""));
    let last = events.lines().filter_map(|l| l.strip_prefix("id: ")).next_back().expect("an id");
    let header = format!("-H Last-Event-ID:{last}");
    assert_eq!(served.curl(&header, &format!("jobs/{id}/events")).is(200).body, b"");
}

#[test]
fn joins_that_cannot_be_are_refused_with_the_reason() {
    let served = Served::new();
    upload(&served);
    let join = |body: serde_json::Value| served.post("tasks/t/d/join", &body, "");
    join(json!({"path": "missing"})).is_problem(404, "not-found", "t/d/missing");
    join(json!({"path": "/etc"})).is_problem(400, "name", "absolute");
    join(json!({"path": "../d"})).is_problem(400, "name", "`..`");
    join(json!({"output": "video"})).is_problem(400, "name", "extension");
    join(json!({"output": "../x.mp4"})).is_problem(400, "name", "`..`");
    join(json!({"order": "random"})).is_problem(400, "request", "random");
    join(json!({"sort": "name"})).is_problem(400, "request", "sort");
    served.put("t/d/video.mp4", "there").is(201);
    join(json!({})).is_problem(409, "conflict", "overwrite");
    let any = |verb: &str, spec: serde_json::Value| {
        served.post("jobs", &json!({"verb": verb, "spec": spec}), "")
    };
    any("encode", json!({})).is_problem(400, "request", "encode");
    any("run", json!({"input": ["/etc/passwd"]})).is_problem(400, "name", "absolute");
    any("run", json!({"input": ["http://x/y"]})).is_problem(400, "name", "empty");
    any("run", json!({"input-format": "concat"})).is_problem(400, "request", "input-format");
    any("run", json!({"plugin": [{"name": "t/d/x.wasm"}]})).is_problem(400, "request", "plugin");
    served.get("jobs/none").is_problem(404, "not-found", "none");
    served.curl("-X POST --data x=y", "tasks/t/d/join").is_problem(415, "media-type", "json");
    // Nothing to join, and segments that do not fit: the job says so, and all stays.
    served.put("t/e/video/readme.txt", "text").is(201);
    let empty = served.curl("-X POST", "tasks/t/e/join").is(202);
    assert_eq!(served.wait_for(&id(&empty), "failed")["exit"], 43);
    served.put("t/d/video/3.mp4", "no video").is(201);
    let unfit = join(json!({"output": "other.mp4"})).is(202);
    let job = served.wait_for(&id(&unfit), "failed");
    assert!(job["error"].as_str().is_some_and(|e| e.contains("3.mp4")), "{job}");
    assert_eq!(served.listed("t/d").len(), 5);
}

#[test]
fn an_idempotency_key_makes_one_job() {
    let served = Served::new();
    upload(&served);
    let body = json!({"delete_sources": false});
    let first = served.post("tasks/t/d/join", &body, "-H Idempotency-Key:k1").is(202);
    let id = id(&first);
    served.wait_for(&id, "done");
    let again = served.post("tasks/t/d/join", &body, "-H Idempotency-Key:k1").is(200);
    assert_eq!(again.json()["id"], *id);
    let other = served.post("tasks/t/d/join", &json!({}), "-H Idempotency-Key:k1");
    other.is_problem(409, "conflict", "Idempotency-Key");
    assert_eq!(served.listed("t/d").len(), 4, "the sources stay");
}

#[test]
fn a_job_is_canceled_and_tried_again() {
    let served = Served::new();
    let long = served.long_job();
    // The one runner is busy: the next one waits, or is refused if that was asked for.
    let body = json!({"path": ".", "output": "joined.mp4", "delete_sources": false});
    let queued = id(&served.post("tasks/t/d/join", &body, "").is(202));
    assert_eq!(served.job(&queued)["state"], "queued");
    let busy = json!({"path": ".", "output": "j.mp4", "on_busy": "refuse"});
    served.post("tasks/t/d/join", &busy, "").is_problem(409, "conflict", &queued);
    served.curl("-X POST", &format!("jobs/{queued}/cancel")).is(202);
    assert_eq!(served.job(&queued)["state"], "canceled");
    served
        .curl("-X POST", &format!("jobs/{queued}/cancel"))
        .is_problem(409, "conflict", "canceled");
    served.curl("-X POST", &format!("jobs/{long}/cancel")).is(202);
    served.wait_for(&long, "canceled");
    assert_eq!(served.listed("t/d"), ["long.mp4"]);
    assert!(served.partial().is_empty());
    served.curl("-X POST", &format!("jobs/{queued}/retry")).is(202);
    served.wait_for(&queued, "done");
    let listed = served.get("jobs?state=canceled").is(200).json();
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "{listed}");
}

/// The processes that the server has started.
fn children(served: &mut Served) -> Vec<i32> {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", served.server().id())).expect("proc(5)");
    let children =
        tasks.flatten().filter_map(|t| std::fs::read_to_string(t.path().join("children")).ok());
    children
        .flat_map(|c| c.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<i32>>())
        .collect()
}

#[test]
fn a_job_that_crashes_fails_with_the_cause_and_the_server_goes_on() {
    let mut served = Served::new();
    let long = served.long_job();
    // wasmtime takes the first one for a trap of a plugin.
    wait_for("the end of the process", || {
        for child in children(&mut served) {
            let _ = kill(Pid::from_raw(child), Signal::SIGSEGV);
        }
        served.job(&long)["state"] != "running"
    });
    let job = served.wait_for(&long, "failed");
    assert!(job["error"].as_str().is_some_and(|e| e.contains("SIGSEGV")), "{job}");
    assert_eq!(served.listed("t/d"), ["long.mp4"]);
    upload(&served);
    let next = id(&served.curl("-X POST", "tasks/t/d/join").is(202));
    served.wait_for(&next, "done");
}

#[test]
fn a_job_outlives_kills_of_the_server_and_ends_the_same() {
    let mut served = Served::new();
    let long = served.long_job();
    let child = children(&mut served);
    assert_eq!(child.len(), 1);
    served.kill();
    // Whoever inherits an orphan may leave it unburied.
    wait_for("the end of the job's process", || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", child[0])).unwrap_or_default();
        stat.rsplit(')')
            .next()
            .is_none_or(|rest| rest.is_empty() || rest.trim_start().starts_with('Z'))
    });
    served.start();
    wait_for("the second attempt", || served.job(&long)["attempts"] == 2);
    wait_for("an output that is being written", || !served.partial().is_empty());
    // Asked to end in order, it is not done either, and goes on after the next start.
    served.end();
    // A process that was killed has a helper, which clears up a moment later.
    wait_for("nothing left", || served.partial().is_empty());
    served.start();
    served.wait_for(&long, "done");
    assert_eq!(served.listed("t/d"), ["long.mp4", "out.mp4"]);
    assert!(served.partial().is_empty(), "{:?}", served.partial());
    let straight =
        served.shell.filmgate("run -i root/t/d/long.mp4 -p emboss --preset slow -o straight.mp4");
    straight.done();
    let read = |name: &str| std::fs::read(served.path(name)).expect("there");
    assert!(read("straight.mp4") == read("root/t/d/out.mp4"));
}
