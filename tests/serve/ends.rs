//! Starts that are refused, and ends.

use std::io::{Read, Write};
use std::net::TcpStream;

use filmgate_tests::counted::wait_for;

use super::Served;

#[test]
fn what_cannot_be_served_is_refused_with_the_way_out() {
    let served = Served::new();
    let start = |options: &str| served.shell.filmgate(&format!("serve {options}"));
    let again = start("--root root --listen 127.0.0.1:0");
    again.refused(32, &["root", "another filmgate serve", "stop that one"]);
    start("").refused(2, &["--root DIR"]);
    served.shell.write("file", "x");
    start("--root file").refused(32, &["file"]);
    start(&format!("--root new --listen 127.0.0.1:{}", served.port)).refused(1, &["in use"]);
    served.shell.write("wrong.toml", "root = \"new\"\n[quota]\nmax = 1\n");
    start("--config wrong.toml").refused(2, &["wrong.toml:3:1", "max"]);
    start("--root new --jobs 0").refused(2, &["at least 1"]);
}

#[test]
fn files_that_came_while_no_server_ran_are_listed() {
    let mut served = Served::new();
    served.put("t/d/a", "x").is(201);
    served.put("t/gone/a", "x").is(201);
    served.end();
    served.shell.write("root/t/d/b", "by hand");
    std::fs::remove_dir_all(served.path("root/t/gone")).expect("removed");
    served.start();
    assert_eq!(served.listed("t/d"), ["a", "b"]);
    assert!(served.listed("t/gone").is_empty());
    assert_eq!(served.get("tasks/t/d/b").body, b"by hand");
}

#[test]
fn a_stop_waits_for_the_upload_that_has_begun() {
    let mut served = Served::new();
    let head = "PUT /api/v1/tasks/t/d/a HTTP/1.1\r\nContent-Length: 10";
    let mut stream = served.begun(head, b"first");
    wait_for("the upload", || !served.partial().is_empty());
    served.server().signal("TERM");
    wait_for("no listener", || TcpStream::connect(("127.0.0.1", served.port)).is_err());
    stream.write_all(b"after").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    assert_eq!(served.server().wait().expect("it ends").code(), Some(0));
    assert_eq!(std::fs::read(served.path("root/t/d/a")).expect("there"), b"firstafter");
}
