//! Encoding as a call of the library.

use std::path::Path;

use filmgate::frame::Rational;
use filmgate::{Encoder, file};
use filmgate_tests::counted::{BYTES, HEIGHT, WIDTH, numbers, picture};
use filmgate_tests::shell::Shell;

const RATE: Rational = Rational { num: 25, den: 1 };

fn start(path: &Path) -> Encoder {
    let size = (WIDTH as u32, HEIGHT as u32);
    let outputs = vec![file(path).expect("an ending that is known")];
    Encoder::start(size, "bgr24", RATE, outputs).expect("started")
}

#[test]
fn a_program_encodes_what_it_has_in_memory() {
    let shell = Shell::new();
    let path = shell.path("out.mp4");
    let mut encoder = start(&path);
    assert_eq!(encoder.frame_bytes(), BYTES);
    for number in 0..60 {
        encoder.write(&picture(number)).expect("taken");
    }
    assert!(!path.exists(), "it appears when it is whole");
    let summary = encoder.finish().expect("finished");
    assert_eq!((summary.frames_in, summary.frames_out), (60, 60));
    assert_eq!(numbers(&path), (0..60).collect::<Vec<_>>());
}

#[test]
fn what_is_dropped_leaves_nothing() {
    let shell = Shell::new();
    let mut encoder = start(&shell.path("out.mp4"));
    encoder.write(&picture(0)).expect("taken");
    assert!(encoder.write(&[0; 7]).is_err(), "a picture of another size");
    drop(encoder);
    assert_eq!(shell.names(), [""; 0]);
    let error = file(shell.path("out.xyz")).expect_err("refused");
    assert!(error.to_string().contains("xyz"), "{error}");
}
