//! What the server says of itself against what it does.

use std::path::Path;
use std::process::Command;

use filmgate_tests::outside::{made, output, python};
use filmgate_tests::tools::{SCHEMATHESIS, available};

use super::Served;
use super::access::token;

#[test]
fn schemathesis_finds_no_difference() {
    if !available(&SCHEMATHESIS) {
        return;
    }
    // A length that is announced is to meet the quota, not whatever is free on this disk.
    let served =
        Served::with("[quota]\nmax-segment = 1000000\n[limits]\nrequests-per-second = 100000");
    let film = made(
        "serve-small.mp4",
        "-f lavfi -i testsrc2=size=160x90:rate=25:duration=1 -c:v libx264 -preset ultrafast",
    );
    // What the examples of the description ask for, and a device as schemathesis likes to name it.
    served.put_file("task7/cam1/in.mp4", &film);
    served.put_file("0/0/video/in.mp4", &film);
    let token = token(&served, "all", "--scope admin");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("serve");
    let mut command = Command::new(python());
    command.args(["-m", "schemathesis.cli", "--config-file"]).arg(folder.join("schemathesis.toml"));
    command.args(["run", &served.url("openapi.json"), "--checks", "all", "--no-color"]);
    command.args(["--header", &format!("Authorization: Bearer {token}")]);
    // It keeps notes in the folder where it runs.
    command.env("PYTHONPATH", folder).current_dir(served.shell.folder());
    let out = output(&mut command);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stdout));
}
