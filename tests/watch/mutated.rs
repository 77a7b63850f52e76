//! Damaged files of every kind that a watch takes: none ends it, none hangs it.

use std::fs;
use std::path::{Path, PathBuf};

use filmgate_tests::hostile::Dice;
use filmgate_tests::outside::{ffmpeg, made_once, succeed};
use filmgate_tests::shell::Shell;

use crate::desk::{done, failed, kinds, once};

/// How many files; `make soak` asks for a million.
const FILES: usize = 120;

/// Files that are given to one watch.
const ROUND: usize = 500;

/// Containers of a fifth of a second, by ending and encoder.
const FILMS: [(&str, &str); 10] = [
    ("mp4", "libx264"),
    ("mkv", "libx264"),
    ("webm", "libvpx"),
    ("avi", "mpeg4"),
    ("ts", "mpeg2video"),
    ("mov", "libx264"),
    ("flv", "flv"),
    ("mpg", "mpeg1video"),
    ("ogv", "libtheora"),
    ("wmv", "wmv2"),
];

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

fn films() -> PathBuf {
    made_once("mutated-films", |folder| {
        fs::create_dir(folder).expect("a folder");
        for (ending, encoder) in FILMS {
            let path = folder.join(format!("film.{ending}"));
            let arguments =
                format!("-f lavfi -i testsrc=s=48x32:r=25:d=0.2 -pix_fmt yuv420p -c:v {encoder}");
            succeed(ffmpeg(&arguments).arg(path));
        }
    })
}

/// Whole files, of which damaged ones are made: endings and bytes.
fn originals() -> Vec<(String, Vec<u8>)> {
    let read = |path: &Path| fs::read(path).expect("read");
    let films = FILMS
        .iter()
        .map(|(ending, _)| ((*ending).to_owned(), read(&films().join(format!("film.{ending}")))));
    let images = IMAGES.iter().map(|name| {
        let ending = name.rsplit('.').next().unwrap_or_default();
        (ending.to_owned(), read(&kinds().join(name)))
    });
    films.chain(images).collect()
}

/// Bits flipped, bytes replaced, parts cut out or doubled, the end missing.
fn mutate(bytes: &mut Vec<u8>, dice: &mut Dice) {
    for _ in 0..1 + dice.below(8) {
        if bytes.len() < 16 {
            return;
        }
        let at = dice.below(bytes.len());
        let length = 1 + dice.below(64.min(bytes.len() - at));
        match dice.below(6) {
            0 | 1 => bytes[at] ^= 1 << dice.below(8),
            2 => bytes[at..at + length].fill_with(|| dice.roll() as u8),
            3 => drop(bytes.drain(at..at + length)),
            4 => {
                let part = bytes[at..at + length].to_vec();
                bytes.splice(at..at, part);
            }
            _ => bytes[at..at + length].fill(0xff),
        }
    }
    if dice.below(8) == 0 {
        bytes.truncate(1 + dice.below(bytes.len()));
    }
}

#[test]
fn damaged_files_neither_end_nor_hang_a_watch() {
    let asked = std::env::var("FILMGATE_MUTATIONS").ok();
    let count = asked.map_or(FILES, |text| text.parse().expect("FILMGATE_MUTATIONS: a number"));
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
