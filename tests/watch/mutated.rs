//! Damaged files of every kind that a watch takes: none ends it, none hangs it.

use std::fs;
use std::path::Path;

use filmgate_tests::damaged::{films, mutate, mutations};
use filmgate_tests::hostile::Dice;
use filmgate_tests::shell::Shell;

use crate::desk::{done, failed, kinds, once};

/// How many files; `make soak` asks for a million.
const FILES: usize = 120;

/// Files that are given to one watch.
const ROUND: usize = 500;

/// Images of ten formats, by Pillow.
const IMAGES: [&str; 11] = [
    "rgb.png",
    "rgb.bmp",
    "rgb.tiff",
    "rgb.webp",
    "rgb.ppm",
    "rgb.tga",
    "rgb.jpg",
    "progressive.jpg",
    "still.gif",
    "cmyk.jpg",
    "turned.png",
];

/// Whole files, of which damaged ones are made: endings and bytes.
fn originals() -> Vec<(String, Vec<u8>)> {
    let read = |path: &Path| fs::read(path).expect("read");
    let images = IMAGES.iter().map(|name| {
        let ending = name.rsplit('.').next().unwrap_or_default();
        (ending.to_owned(), read(&kinds().join(name)))
    });
    films().into_iter().chain(images).collect()
}

#[test]
fn damaged_files_neither_end_nor_hang_a_watch() {
    let count = mutations(FILES);
    let (originals, mut dice, mut converted) = (originals(), Dice(13), 0);
    for round in 0..count.div_ceil(ROUND) {
        let shell = Shell::in_memory();
        fs::create_dir(shell.path("in")).expect("a folder");
        let files = ROUND.min(count - round * ROUND);
        for number in 0..files {
            let (ending, bytes) = &originals[number % originals.len()];
            let mut bytes = bytes.clone();
            mutate(&mut bytes, &mut dice);
            fs::write(shell.path(format!("in/{number:04}.{ending}")), bytes).expect("written");
        }
        let over = once(&shell, "-p emboss --file-timeout 60");
        // Some are sound enough to be converted, and the others have failed.
        assert_eq!(over.code, Some(3), "round {round}: {}", over.stderr);
        let (done, failed) = (done(&over.told), failed(&over.told));
        assert_eq!(done.len() + failed.len(), files, "round {round}: {}", over.stderr);
        for (name, reason) in failed {
            // A decoder may crash; it may not hang, nor need what the sandbox forbids.
            let bad = ["was ended", "SIGSYS"].iter().any(|word| reason.contains(word));
            assert!(!bad, "round {round}: {name}: {reason}");
        }
        converted += done.len();
    }
    assert!(converted > 0);
}
