//! Damaged films: small ones of ten containers, of which bits are flipped and parts are cut out.

use std::fs;
use std::path::PathBuf;

use crate::hostile::Dice;
use crate::outside::{ffmpeg, made_once, succeed};

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

/// How many damaged files: `usual`, or what `FILMGATE_MUTATIONS` asks for.
pub fn mutations(usual: usize) -> usize {
    let asked = std::env::var("FILMGATE_MUTATIONS").ok();
    asked.map_or(usual, |text| text.parse().expect("FILMGATE_MUTATIONS: a number"))
}

/// Whole films: endings and bytes.
pub fn films() -> Vec<(String, Vec<u8>)> {
    let all = FILMS.iter().map(|(ending, _)| {
        let bytes = fs::read(folder().join(format!("film.{ending}"))).expect("read");
        ((*ending).to_owned(), bytes)
    });
    all.collect()
}

fn folder() -> PathBuf {
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

/// Bits flipped, bytes replaced, parts cut out or doubled, the end missing.
pub fn mutate(bytes: &mut Vec<u8>, dice: &mut Dice) {
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
