//! Uploads cut and resumed, in both protocols: the same bytes at the end.

use filmgate_tests::counted::wait_for;

use super::{Said, Served, digest};

const TUS: &str = "-H Tus-Resumable:1.0.0";
const OCTETS: &str = "-H Content-Type:application/offset+octet-stream";
const PARTIAL: &str = "-H Content-Type:application/partial-upload";

/// 300 kB that repeat nowhere near.
fn content() -> Vec<u8> {
    (0..300_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

/// Where an upload stands, once there is one.
fn offset(served: &Served, mark: &str) -> Option<u64> {
    let said = served.curl(&format!("-I {mark}"), "tasks/t/d/a");
    assert!([200, 204, 404].contains(&said.status), "{said:?}");
    said.header("upload-offset").and_then(|n| n.parse().ok())
}

/// Sends the rest of the content behind `at`.
fn rest(served: &Served, at: usize, more: &str) -> Said {
    served.shell.write("rest", &content()[at..]);
    let arguments = format!("-X PATCH --data-binary @rest -H Upload-Offset:{at} {more}");
    served.curl(&arguments, "tasks/t/d/a")
}

/// Sends part of a body of which more was announced, and goes away.
fn cut(served: &Served, from: usize, to: usize, head: &str, mark: &str) {
    let length = content().len() - from;
    let head = format!("{head}\r\nContent-Length: {length}");
    let stream = served.begun(&head, &content()[from..to]);
    wait_for("the part", || offset(served, mark) == Some(to as u64));
    drop(stream);
}

fn is_whole(served: &Served) {
    let whole = served.shell.write("whole", content());
    let read = served.get("tasks/t/d/a").is(200);
    assert!(read.body == content());
    assert_eq!(read.header("repr-digest"), Some(&*digest(&whole)));
    assert!(served.partial().is_empty());
}

#[test]
fn tus_uploads_are_cut_killed_and_resumed() {
    let mut served = Served::new();
    let options = served.curl("-X OPTIONS", "tasks/t/d/a").is(204);
    assert_eq!(options.header("tus-version"), Some("1.0.0"));
    let made = served.curl(&format!("-X POST {TUS} -H Upload-Length:300000"), "tasks/t/d/a");
    let made = made.is(201);
    assert!(made.header("location").expect("an address").ends_with("/api/v1/tasks/t/d/a"));
    assert!(made.header("upload-expires").is_some());
    served.get("tasks/t/d/a").is(404);
    let patch = |at: usize| {
        format!(
            "PATCH /api/v1/tasks/t/d/a HTTP/1.1\r\nTus-Resumable: 1.0.0\r\n\
             Content-Type: application/offset+octet-stream\r\nUpload-Offset: {at}"
        )
    };
    let mut at = 0;
    for to in [1, 2, 65_535, 65_536, 150_001] {
        cut(&served, at, to, &patch(at), TUS);
        at = to;
        // The request that was cut may hold the upload for a moment.
        wait_for("the end of the request", || {
            let said = served
                .curl(&format!("-X PATCH {TUS} {OCTETS} -H Upload-Offset:{at}"), "tasks/t/d/a");
            assert!(said.status == 204 || said.status == 423, "{said:?}");
            said.status == 204
        });
    }
    served.kill();
    served.start();
    assert_eq!(offset(&served, TUS), Some(150_001));
    let wrong = rest(&served, 150_000, &format!("{TUS} {OCTETS}"));
    wrong.is_problem(409, "mismatching-upload-offset", "150001");
    rest(&served, 150_001, TUS).is_problem(415, "media-type", "offset+octet-stream");
    served.shell.write("sum", "Upload-Checksum: sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    let said = rest(&served, 150_001, &format!("{TUS} {OCTETS} -H @sum"));
    assert_eq!(said.status, 460, "{said:?}");
    assert_eq!(offset(&served, TUS), Some(150_001), "what has a wrong checksum is not kept");
    rest(&served, 150_001, &format!("{TUS} {OCTETS}")).is(204);
    is_whole(&served);
}

#[test]
fn ietf_uploads_are_cut_killed_and_resumed() {
    let mut served = Served::new();
    let head = "POST /api/v1/tasks/t/d/a HTTP/1.1\r\nUpload-Complete: ?1";
    cut(&served, 0, 100_000, head, "");
    served.kill();
    served.start();
    let look = served.curl("-I", "tasks/t/d/a").is(204);
    assert_eq!(look.header("upload-complete"), Some("?0"), "{look:?}");
    assert_eq!(look.header("upload-length"), Some("300000"), "{look:?}");
    let more = format!("{PARTIAL} -H Upload-Complete:?1");
    rest(&served, 99_999, &more).is_problem(409, "mismatching-upload-offset", "100000");
    let done = rest(&served, 100_000, &more).is(200);
    assert_eq!(done.header("upload-complete"), Some("?1"), "{done:?}");
    is_whole(&served);
    rest(&served, 299_999, &more).is_problem(400, "completed-upload", "complete");
}

#[test]
fn uploads_are_given_up_and_superseded() {
    let served = Served::new();
    let begin = || {
        served.curl(&format!("-X POST {TUS} -H Upload-Length:300000"), "tasks/t/d/a").is(201);
        assert_eq!(served.partial().len(), 1);
    };
    begin();
    served.curl(&format!("-X DELETE {TUS}"), "tasks/t/d/a").is(204);
    assert!(served.partial().is_empty());
    served.curl(&format!("-I {TUS}"), "tasks/t/d/a").is(404);
    begin();
    begin();
    served.put("t/d/a", content()).is(201);
    is_whole(&served);
    let said = served.curl(&format!("-X POST {TUS} -H Upload-Length:5x"), "tasks/t/d/b");
    said.is_problem(400, "request", "upload-length");
    served.curl("-X POST -H Tus-Resumable:0.2 -H Upload-Length:5", "tasks/t/d/b").is(412);
}

#[test]
fn interrupted_uploads_expire() {
    let served = Served::with("[limits]\nupload-expiry = 0");
    served.curl(&format!("-X POST {TUS} -H Upload-Length:300000"), "tasks/t/d/a").is(201);
    served.curl(&format!("-I {TUS}"), "tasks/t/d/a").is(404);
    served.curl(&format!("-X POST {TUS} -H Upload-Length:300000"), "tasks/t/d/b").is(201);
    assert_eq!(served.partial().len(), 1, "the next one clears the first away");
}
