//! A client of tus that nobody here wrote.

use std::path::Path;
use std::process::Command;

use filmgate_tests::outside::{python, succeed};

use super::{Served, digest};

/// Runs tuspy; gives the offset at which it began.
fn tuspy(served: &Served, more: &[&str]) -> u64 {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("serve/tus_client.py");
    let mut command = Command::new(python());
    command.arg(script).arg(served.url("tasks/t/d/film.mp4"));
    command.args(["film.mp4", "urls.json"]).args(more).current_dir(served.shell.folder());
    let out = succeed(&mut command);
    String::from_utf8_lossy(&out).trim().parse().expect("a number")
}

#[test]
fn tuspy_uploads_stops_and_resumes_over_a_kill() {
    let mut served = Served::new();
    let content: Vec<u8> =
        (0..300_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let film = served.shell.write("film.mp4", &content);
    assert_eq!(tuspy(&served, &["120000"]), 0);
    served.get("tasks/t/d/film.mp4").is(404);
    served.kill();
    served.start();
    let resumed = tuspy(&served, &[]);
    assert!((120_000..300_000).contains(&resumed), "{resumed}");
    let read = served.get("tasks/t/d/film.mp4").is(200);
    assert!(read.body == content);
    assert_eq!(read.header("repr-digest"), Some(&*digest(&film)));
    assert!(served.partial().is_empty());
}
