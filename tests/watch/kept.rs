//! What one file leaves behind must not reach the next: with one worker, a damaged file between good
//! ones changes nothing about them, whatever the format.

use std::fs;

use filmgate_tests::outside::{made, pictures};
use filmgate_tests::shell::Shell;

use crate::desk::{Watch, done, failed, kinds, once};

/// Gives files to one worker, each when the one before has ended. Reasons of those that failed.
fn one_by_one(shell: &Shell, files: &[(String, Vec<u8>)]) -> Vec<Option<String>> {
    let watch = Watch::start(shell, "-j 1");
    for (count, (name, bytes)) in files.iter().enumerate() {
        shell.write(format!("aside-{name}"), bytes);
        fs::rename(shell.path(format!("aside-{name}")), shell.path("in").join(name))
            .expect("named");
        watch.wait("end of a file", |told| done(told).len() + failed(told).len() > count);
    }
    let reasons = failed(&watch.stop().fine().told);
    files.iter().map(|(name, _)| reasons.get(name).cloned()).collect()
}

/// What becomes of a file in a folder of its own: the output, or the reason.
fn alone(name: &str, bytes: &[u8]) -> Result<Vec<u8>, String> {
    let shell = Shell::new();
    fs::create_dir(shell.path("in")).expect("a folder");
    shell.write(format!("in/{name}"), bytes);
    let over = once(&shell, "-j 1");
    match failed(&over.told).get(name) {
        Some(reason) => Err(reason.clone()),
        None => Ok(fs::read(shell.path("out").join(name)).expect("there")),
    }
}

/// Each bad one between good ones. All of them end as they do alone.
fn nothing_is_left_behind(ending: &str, good: &[u8], bad: &[(String, Vec<u8>)]) {
    let mut files = vec![(format!("0-good.{ending}"), good.to_vec())];
    for (number, (what, bytes)) in bad.iter().enumerate() {
        files.push((format!("{number}-{what}.{ending}"), bytes.clone()));
        files.push((format!("{}-good.{ending}", number + 1), good.to_vec()));
    }
    let shell = Shell::new();
    let reasons = one_by_one(&shell, &files);
    let wanted = alone(&files[0].0, good).expect("it is good");
    for ((name, bytes), reason) in files.iter().zip(reasons) {
        let output = fs::read(shell.path("out").join(name)).ok();
        if name.contains("good") {
            assert_eq!(reason, None, "{name}");
            assert!(output.as_ref() == Some(&wanted), "{name}: another output");
            continue;
        }
        match alone(name, bytes) {
            Err(alone) => assert_eq!(reason, Some(alone), "{name}"),
            Ok(alone) => assert!(output == Some(alone), "{name}: another output"),
        }
    }
}

/// Where each marker segment of a JPEG begins, up to the samples.
fn segments(jpeg: &[u8]) -> Vec<(u8, usize, usize)> {
    let mut found = Vec::new();
    let mut at = 2;
    loop {
        let length = usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]])) + 2;
        found.push((jpeg[at + 1], at, length));
        if jpeg[at + 1] == 0xda {
            return found;
        }
        at += length;
    }
}

/// The JPEG without the segments of a marker.
fn without(jpeg: &[u8], marker: u8) -> Vec<u8> {
    let mut out = jpeg.to_vec();
    for (_, at, length) in segments(jpeg).into_iter().rev().filter(|s| s.0 == marker) {
        out.drain(at..at + length);
    }
    out
}

#[test]
fn damaged_jpegs_change_nothing_about_good_ones() {
    for name in ["rgb.jpg", "progressive.jpg", "gray.jpg", "profile.jpg", "cmyk.jpg"] {
        let good = fs::read(kinds().join(name)).expect("there");
        let segments = segments(&good);
        let frame = segments.iter().find(|s| matches!(s.0, 0xc0 | 0xc2)).expect("a frame").1;
        let mut bad = Vec::new();
        let mut add = |what: &str, bytes: Vec<u8>| bad.push((what.to_owned(), bytes));
        for (what, at, value) in
            [("precision", 4, 12), ("height", 5, 0), ("parts", 9, 9), ("sampling", 11, 0xff)]
        {
            let mut bytes = good.clone();
            bytes[frame + at] = value;
            if what == "height" {
                bytes[frame + at + 1] = 0;
            }
            add(what, bytes);
        }
        // An uploader that closes between two pieces: within each segment, and in the samples.
        for (_, at, length) in &segments {
            add("cut", good[..at + length / 2].to_vec());
        }
        add("short", good[..good.len() * 2 / 3].to_vec());
        add("no-tables", without(&good, 0xdb));
        add("no-codes", without(&good, 0xc4));
        let mut codes = good.clone();
        let huffman = segments.iter().find(|s| s.0 == 0xc4).expect("a table").1;
        codes[huffman + 5..huffman + 21].fill(0xff);
        add("codes", codes);
        nothing_is_left_behind("jpg", &good, &bad);
    }
}

/// The tables of the file before are none of this one's.
#[test]
fn a_jpeg_without_tables_is_not_decoded_with_those_of_another() {
    let good = fs::read(kinds().join("rgb.jpg")).expect("there");
    let files = [
        ("1.jpg".to_owned(), good.clone()),
        ("2.jpg".to_owned(), without(&good, 0xdb)),
        ("3.jpg".to_owned(), good),
    ];
    let reasons = one_by_one(&Shell::new(), &files);
    assert!(reasons[0].is_none() && reasons[2].is_none(), "{reasons:?}");
    let reason = reasons[1].as_ref().expect("it has no tables");
    assert!(reason.contains("Quantization table"), "{reason}");
}

#[test]
fn damaged_files_of_every_format_change_nothing_about_good_ones() {
    for (name, ending) in
        [("rgb.png", "png"), ("rgb.webp", "webp"), ("rgb.bmp", "bmp"), ("rgb.tiff", "tiff")]
    {
        let good = fs::read(kinds().join(name)).expect("there");
        let mut header = good.clone();
        header[good.len().min(24) - 4..good.len().min(24)].fill(0xff);
        let mut middle = good.clone();
        let half = good.len() / 2;
        middle[half..half + 16].fill(0xff);
        let bad = [
            ("header".to_owned(), header),
            ("middle".to_owned(), middle),
            ("begun".to_owned(), good[..20].to_vec()),
            ("short".to_owned(), good[..good.len() * 2 / 3].to_vec()),
            ("text".to_owned(), b"no picture at all\n".to_vec()),
        ];
        nothing_is_left_behind(ending, &good, &bad);
    }
}

#[test]
fn damaged_videos_change_nothing_about_good_ones() {
    let source = "-f lavfi -i testsrc2=size=160x120:rate=25:duration=1";
    for (name, codec, format) in [
        ("kept.mp4", "-c:v libx264 -preset ultrafast", "yuv420p"),
        ("kept.mkv", "-c:v libx264 -preset ultrafast", "yuv420p"),
        ("kept.avi", "-c:v mjpeg -q:v 3", "yuv420p"),
    ] {
        let film = made(name, &format!("{source} {codec}"));
        let good = fs::read(&film).expect("there");
        let ending = name.rsplit('.').next().expect("an ending");
        let half = good.len() / 2;
        let mut middle = good.clone();
        middle[half..half + 2000].fill(0xff);
        let files: Vec<(String, Vec<u8>)> = [
            ("0-good", good.clone()),
            ("1-short", good[..half].to_vec()),
            ("1-good", good.clone()),
            ("2-middle", middle),
            ("2-good", good.clone()),
            ("3-text", b"no video at all\n".to_vec()),
            ("3-good", good.clone()),
        ]
        .map(|(name, bytes)| (format!("{name}.{ending}"), bytes))
        .into();
        let shell = Shell::new();
        let reasons = one_by_one(&shell, &files);
        let source = pictures(&film, format, 100);
        for ((name, _), reason) in
            files.iter().zip(reasons).filter(|((n, _), _)| n.contains("good"))
        {
            assert_eq!(reason, None, "{name}");
            let frames = pictures(&shell.path("out").join(name), format, 100);
            assert_eq!(frames.len(), source.len(), "{name}");
            // libx264 looks at memory that it does not set: the same film twice is not the same
            // bytes twice, with ffmpeg neither. It is the same film.
            let far: u64 = frames.iter().zip(&source).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
            assert!(far < 4 * source.len() as u64, "{name}: {far} in {} samples", source.len());
        }
    }
}
