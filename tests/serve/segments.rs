//! Segments put, listed, read and removed.

use super::{Served, digest};

#[test]
fn a_segment_is_put_listed_read_and_removed() {
    let served = Served::new();
    let said = served.put("task%207/cam1/video/seg1.mp4", "first").is(201);
    let upload = served.path("upload");
    assert_eq!(said.header("repr-digest"), Some(&*digest(&upload)));
    let file = served.path("root/task 7/cam1/video/seg1.mp4");
    assert_eq!(std::fs::read(&file).expect("there"), b"first");

    let path = "tasks/task%207/cam1/video/seg1.mp4";
    let said = served.put("task%207/cam1/video/seg1.mp4", "overwritten").is(200);
    let read = served.get(path).is(200);
    assert_eq!(read.body, b"overwritten");
    assert_eq!(read.header("repr-digest"), Some(&*digest(&upload)));
    assert_eq!(read.header("etag"), said.header("etag"));
    served.curl("-T upload -H If-None-Match:*", path).is_problem(412, "precondition", "exists");

    let head = served.curl("-I", path);
    assert_eq!(head.header("content-length"), Some("11"));
    let known = format!("-H If-None-Match:{}", read.header("etag").expect("a tag"));
    served.curl(&known, path).is(304);

    let part = served.curl("-r 4-7", path).is(206);
    assert_eq!(part.body, b"writ");
    assert_eq!(part.header("content-range"), Some("bytes 4-7/11"));
    assert_eq!(served.curl("-r -3", path).is(206).body, b"ten");
    served.curl("-r 11-", path).is(416);

    served.curl("-X DELETE", path).is(204);
    assert!(!file.exists());
    served.get(path).is_problem(404, "not-found", "seg1");
    assert!(served.listed("task%207/cam1").is_empty());
}

#[test]
fn listings_have_pages_and_prefixes() {
    let served = Served::new();
    for name in ["b/2", "a/1", "a/3", "a/2", "é"] {
        served.put(&format!("t/d/{name}"), name).is(201);
    }
    served.put("t/other/a/9", "x").is(201);
    assert_eq!(served.listed("t/d"), ["a/1", "a/2", "a/3", "b/2", "é"]);
    assert_eq!(served.listed("t/d?prefix=a/&after=a/1"), ["a/2", "a/3"]);
    let page = served.get("tasks/t/d?limit=2").json();
    assert_eq!(page["next"], "a/2");
    assert_eq!(served.listed("t/d?limit=2&after=a/2"), ["a/3", "b/2"]);
    assert_eq!(served.get("tasks/t/d?after=b/2").json()["next"], serde_json::Value::Null);
    served.get("tasks/t/d?limit=0").is_problem(400, "request", "limit");
    served.get("tasks/t/d?sort=x").is_problem(400, "request", "sort");
    let usage = served.get("tasks/t").json();
    assert_eq!((&usage[0]["device"], &usage[0]["segments"]), (&"d".into(), &5.into()), "{usage}");
}

#[test]
fn methods_and_paths_that_are_not_known_are_told() {
    let served = Served::new();
    served.curl("-X POST", "tasks/t/d/x").is_problem(400, "request", "PUT uploads");
    served.curl("-X TRACE", "tasks/t/d/x").is_problem(405, "method", "not allowed");
    served.put("t/d/join", "x").is_problem(405, "method", "not allowed");
    served.put("t/d/%6aoin", "x").is_problem(400, "name", "the address of joins");
    served.curl("-X PUT", "jobs").is_problem(405, "method", "not allowed");
    let at = |path: &str| served.curl_at(&[], &format!("http://127.0.0.1:{}{path}", served.port));
    at("/api/v2/x").is_problem(404, "not-found", "page");
    at("/healthz").is(200);
    at("/readyz").is(200);
    let metrics = at("/metrics").is(200);
    assert!(
        String::from_utf8_lossy(&metrics.body).contains("filmgate_serve_segments_stored_total")
    );
    let paths = served.get("openapi.json").is(200).json();
    assert!(paths["paths"]["/api/v1/tasks/{task}/{device}/join"]["post"].is_object());
}
