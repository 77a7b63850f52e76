//! Pictures with a number in them, and the numbers read out of a film again: what arrived, how
//! often, and in which order.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use crate::outside::pictures;

/// Large enough for the bars, small enough to be quick.
pub const WIDTH: usize = 320;
pub const HEIGHT: usize = 180;

/// Bytes of a picture as bgr24.
pub const BYTES: usize = WIDTH * HEIGHT * 3;

const BITS: usize = 16;
const BAR: usize = WIDTH / BITS;
/// The rows of the bars, and the one in which they are read.
const TALL: usize = 40;
const MIDDLE: usize = TALL / 2;

/// Picture `number` as bgr24: its binary digits as black and white bars on top, and something
/// below that moves.
pub fn picture(number: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(BYTES);
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            if y < TALL {
                let bit = number >> (x / BAR) & 1;
                out.extend([[16, 16, 16], [235, 235, 235]][bit]);
            } else {
                let shade = |by: usize| ((x + y * by + number * 3) % 200 + 20) as u8;
                out.extend([shade(1), shade(0), 255 - shade(2)]);
            }
        }
    }
    out
}

/// The numbers in a film's pictures, in their order.
pub fn numbers(film: &Path) -> Vec<usize> {
    let gray = pictures(film, "gray", 1_000_000);
    gray.chunks_exact(WIDTH * HEIGHT).map(number).collect()
}

fn number(gray: &[u8]) -> usize {
    let bar = |i: usize| gray[MIDDLE * WIDTH + i * BAR + BAR / 2];
    (0..BITS).map(|i| usize::from(bar(i) > 127) << i).sum()
}

/// How long something that must come about is waited for: only a test that fails waits so long.
const PATIENCE: Duration = Duration::from_secs(180);

/// Waits for something that must come about.
pub fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
        sleep(Duration::from_millis(10));
    }
}

/// Opens a pipe for writing as soon as it is there.
pub fn open_pipe(path: &Path) -> File {
    wait_for("the pipe", || path.exists());
    OpenOptions::new().write(true).open(path).expect("the pipe can be opened")
}

/// Writes pictures into a pipe on a thread of its own, with a pause behind each; ends early, and
/// says with how many, when nobody reads any more.
pub fn write(path: &Path, range: std::ops::Range<usize>, pause: Duration) -> JoinHandle<usize> {
    let path = path.to_owned();
    thread::spawn(move || {
        let mut pipe = open_pipe(&path);
        let mut written = 0;
        for number in range {
            if pipe.write_all(&picture(number)).is_err() {
                break;
            }
            written += 1;
            sleep(pause);
        }
        written
    })
}

/// A raw film in a file.
pub fn raw_film(path: &Path, count: usize) {
    let mut file = File::create(path).expect("the film can be made");
    (0..count).for_each(|n| file.write_all(&picture(n)).expect("the film can be written"));
}
