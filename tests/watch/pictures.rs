//! What comes out is what Pillow makes of the same picture, and what cannot be taken is refused
//! with its reason.

use std::path::PathBuf;

use filmgate_tests::outside::{ffmpeg, ffprobe, made, succeed};
use filmgate_tests::shell::Shell;
use serde_json::Value;

use crate::desk::{done, failed, files, kinds, once, pillow};

/// Puts pictures of [`kinds`] into the folder that is watched.
fn give(shell: &Shell, names: &[&str]) {
    std::fs::create_dir_all(shell.path("in")).expect("a folder");
    for name in names {
        shell.copy(&kinds().join(name), format!("in/{name}"));
    }
}

/// Names by stem and ending, so that `rgb.png` and `rgb.bmp` keep apart.
const NAMES: &str = "--names template:pattern={stem}-{name}.{ext}";

fn embossed(shell: &Shell, names: &[&str]) -> Vec<PathBuf> {
    give(shell, names);
    let over = once(shell, &format!("-p emboss --format png {NAMES}")).fine();
    let mut found = Vec::new();
    for name in names {
        let outputs = done(&over.told);
        let (_, output) = outputs.iter().find(|(s, _)| s == name).expect(name);
        found.extend([kinds().join(name), shell.path("out").join(output)]);
    }
    found
}

#[test]
fn every_sample_is_pillows() {
    let names = [
        "rgb.png",
        "rgb.bmp",
        "rgb.tiff",
        "rgb.webp",
        "rgb.ppm",
        "rgb.tga",
        "still.gif",
        "palette.png",
        "gray.png",
        "rgba.png",
        "la.png",
        "bits.png",
        "turned.png",
        "profile.png",
    ];
    let shell = Shell::new();
    assert_eq!(pillow("emboss", &embossed(&shell, &names)), "equal\n");
}

#[test]
fn jpegs_are_decoded_as_pillow_decodes_them() {
    let names = ["rgb.jpg", "full.jpg", "progressive.jpg", "gray.jpg", "profile.jpg", "turned.jpg"];
    let shell = Shell::new();
    assert_eq!(pillow("emboss", &embossed(&shell, &names)), "equal\n");
}

#[test]
fn jpegs_out_are_as_near_as_pillows() {
    let names = ["rgb.jpg", "gray.jpg", "turned.jpg", "profile.jpg", "progressive.jpg"];
    let shell = Shell::new();
    give(&shell, &names);
    once(&shell, "-p emboss").fine();
    let pairs: Vec<PathBuf> =
        names.iter().flat_map(|n| [kinds().join(n), shell.path("out").join(n)]).collect();
    assert_eq!(pillow("near", &pairs), "near\n");
}

fn facts(paths: &[PathBuf]) -> Vec<Value> {
    serde_json::from_str(&pillow("facts", paths)).expect("JSON")
}

#[test]
fn orientation_is_applied_and_profile_and_exif_are_kept() {
    let names = ["profile.jpg", "profile.png", "turned.jpg", "turned.png"];
    let shell = Shell::new();
    give(&shell, &names);
    once(&shell, "-p emboss").fine();
    let paths: Vec<PathBuf> = names.iter().map(|n| shell.path("out").join(n)).collect();
    for (name, fact) in names.iter().zip(facts(&paths)) {
        assert_eq!(fact["make"], "filmgate", "{name}: {fact}");
        let turned = name.starts_with("turned");
        assert_eq!(fact["icc"], !turned, "{name}: {fact}");
        assert_eq!(fact["size"], serde_json::json!(if turned { [40, 61] } else { [61, 40] }));
        // Upright now: nobody turns it again.
        assert!(fact["orientation"].is_null() || fact["orientation"] == 1, "{name}: {fact}");
    }
}

#[test]
fn transparency_stays_where_the_format_has_it() {
    let shell = Shell::new();
    give(&shell, &["rgba.png", "la.png"]);
    once(&shell, "").fine();
    let paths = [shell.path("out/rgba.png"), shell.path("out/la.png")];
    for fact in facts(&paths) {
        assert_eq!(fact["mode"], "RGBA", "{fact}");
    }
    let other = Shell::new();
    give(&other, &["rgba.png"]);
    once(&other, "-p emboss --format jpg").fine();
    assert_eq!(facts(&[other.path("out/rgba.jpg")])[0]["mode"], "RGB");
}

#[test]
fn sixteen_bits_stay_sixteen_with_transparency_beside_them() {
    let shell = Shell::new();
    std::fs::create_dir(shell.path("in")).expect("a folder");
    for format in ["gray16be", "rgb48be", "rgba64be", "ya16be"] {
        let filter = format!("-f lavfi -i testsrc2=size=64x48 -frames:v 1 -pix_fmt {format}");
        let deep = made(&format!("{format}.png"), &filter);
        shell.copy(&deep, format!("in/{format}.png"));
    }
    once(&shell, "").fine();
    for format in ["gray16be", "rgb48be", "rgba64be", "ya16be"] {
        let [before, after] = ["in", "out"].map(|folder| {
            let path = shell.path(format!("{folder}/{format}.png"));
            let found = ffprobe(&path, "-show_entries stream=pix_fmt");
            assert_eq!(found["streams"][0]["pix_fmt"], format, "{folder}");
            let mut raw = ffmpeg("");
            raw.arg("-i").arg(&path).args(["-f", "rawvideo", "-"]);
            succeed(&mut raw)
        });
        assert!(before == after, "{format}: samples differ");
    }
}

#[test]
fn all_kinds_are_written_and_read_back() {
    for (ending, format, exact) in [
        ("png", "PNG", true),
        ("webp", "WEBP", true),
        ("bmp", "BMP", true),
        ("tiff", "TIFF", true),
        ("jpg", "JPEG", false),
    ] {
        let shell = Shell::new();
        give(&shell, &["rgb.png"]);
        once(&shell, &format!("-p emboss --format {ending}")).fine();
        let output = shell.path(format!("out/rgb.{ending}"));
        assert_eq!(facts(std::slice::from_ref(&output))[0]["format"], format);
        let pair = [kinds().join("rgb.png"), output];
        let (what, said) = if exact { ("emboss", "equal\n") } else { ("near", "near\n") };
        assert_eq!(pillow(what, &pair), said, "{ending}");
    }
}

#[test]
fn quality_and_subsampling_are_what_was_asked_for() {
    let mut sizes = Vec::new();
    for arguments in ["--quality 30", "--quality 95", "--quality 95 --subsampling 444"] {
        let shell = Shell::new();
        give(&shell, &["full.jpg"]);
        once(&shell, arguments).fine();
        let output = shell.path("out/full.jpg");
        let found = ffprobe(&output, "-show_entries stream=pix_fmt");
        let wanted = if arguments.ends_with("444") { "yuvj444p" } else { "yuvj420p" };
        assert_eq!(found["streams"][0]["pix_fmt"], wanted, "{arguments}");
        sizes.push(std::fs::metadata(output).expect("there").len());
    }
    assert!(sizes.is_sorted() && sizes[0] * 3 < sizes[1] * 2, "{sizes:?}");
}

#[test]
fn what_cannot_be_converted_is_named_with_its_reason_and_left() {
    let bad = [
        ("truncated.jpg", "truncated"),
        ("truncated.png", "truncated"),
        ("bomb.png", "larger"),
        ("bomb.jpg", "larger"),
        ("text.jpg", "no picture"),
        ("animated.gif", "animated"),
        ("animated.webp", "animated"),
        ("animated.png", "animated"),
        ("pages.tiff", "several pages"),
    ];
    let names: Vec<&str> = bad.iter().map(|b| b.0).chain(["rgb.jpg", "empty.jpg"]).collect();
    let shell = Shell::new();
    give(&shell, &names);
    let over = once(&shell, "-p emboss --originals delete");
    assert_eq!(over.code, Some(3), "{}", over.stderr);
    let reasons = failed(&over.told);
    for (name, part) in bad {
        assert!(reasons[name].contains(part), "{name}: {}", reasons[name]);
    }
    assert_eq!(files(&shell.path("out")), ["rgb.jpg"]);
    let mut left: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
    left.retain(|n| n != "rgb.jpg");
    left.sort();
    assert_eq!(files(&shell.path("in")), left);
    // They are told by the journal, too, and not tried again.
    let status = shell.filmgate("watch --status in --json").done().json();
    assert_eq!(status["failed"].as_array().map(Vec::len), Some(bad.len()), "{status}");
    let again = once(&shell, "-p emboss");
    assert!(failed(&again.told).is_empty(), "{:?}", again.told);
}

#[test]
fn failures_go_into_quarantine_and_can_be_tried_again() {
    let shell = Shell::new();
    give(&shell, &["text.jpg", "rgb.jpg"]);
    let over = once(&shell, "-p emboss --quarantine bad");
    assert_eq!(over.code, Some(3));
    assert_eq!(files(&shell.path("bad")), ["text.jpg"]);
    assert_eq!(files(&shell.path("in")), ["rgb.jpg"]);
    let other = Shell::new();
    give(&other, &["text.jpg"]);
    assert_eq!(once(&other, "-p emboss").code, Some(1));
    let known = once(&other, "-p emboss");
    assert_eq!(known.code, Some(1), "it is not tried again, and not forgotten");
    assert!(failed(&known.told).is_empty());
    let again = once(&other, "-p emboss --retry-failed");
    assert!(failed(&again.told).contains_key("text.jpg"), "{:?}", again.told);
}

#[test]
fn cmyk_is_taken_as_colour() {
    let shell = Shell::new();
    give(&shell, &["cmyk.jpg"]);
    once(&shell, "--format png").fine();
    assert_eq!(facts(&[shell.path("out/cmyk.png")])[0]["mode"], "RGB");
}

#[test]
fn videos_go_the_same_way() {
    let film = made(
        "film.mp4",
        "-f lavfi -i testsrc2=size=160x120:rate=25:duration=1 -c:v libx264 -preset ultrafast",
    );
    let shell = Shell::new();
    std::fs::create_dir_all(shell.path("in/cam")).expect("folders");
    shell.copy(&film, "in/cam/film.mp4");
    shell.write("in/broken.mp4", "no video at all, but a text");
    let over = once(&shell, "-p emboss --names flatten");
    assert_eq!(over.code, Some(3));
    assert_eq!(files(&shell.path("out")), ["cam-film.mp4"]);
    assert!(failed(&over.told).contains_key("broken.mp4"));
    let found = ffprobe(
        &shell.path("out/cam-film.mp4"),
        "-count_frames -show_entries stream=nb_read_frames",
    );
    assert_eq!(found["streams"][0]["nb_read_frames"], "25");
    assert!(once(&shell, "-p emboss --names flatten").told.iter().all(|t| t["event"] != "done"));
}

/// What a plugin made unreadable is not published as a thumbnail.
#[test]
fn thumbnails_and_maker_notes_of_the_old_image_are_left_out() {
    let shell = Shell::new();
    std::fs::create_dir(shell.path("in")).expect("a folder");
    let jpeg = std::fs::read(kinds().join("rgb.jpg")).expect("there");
    // IFD0 with a make; IFD1 with a thumbnail.
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01".to_vec();
    exif.extend_from_slice(b"\x01\x0f\0\x02\0\0\0\x04abc\0\0\0\0\x1a\0\x02");
    exif.extend_from_slice(b"\x02\x01\0\x04\0\0\0\x01\0\0\0\x38\x02\x02\0\x04\0\0\0\x01\0\0\0\x09");
    exif.extend_from_slice(b"\0\0\0\0THUMBNAIL");
    let length = u16::try_from(exif.len() + 2).expect("short").to_be_bytes();
    let whole = [&jpeg[..2], &[0xff, 0xe1], &length, &exif, &jpeg[2..]].concat();
    shell.write("in/a.jpg", whole);
    let has = |bytes: &[u8], text: &[u8]| bytes.windows(text.len()).any(|w| w == text);
    let told = once(&shell, "-p pixelate").fine().told;
    let bytes = std::fs::read(shell.path("out/a.jpg")).expect("published");
    assert!(has(&bytes, b"abc\0") && !has(&bytes, b"THUMBNAIL"));
    let done = told.iter().find(|t| t["event"] == "done").expect("done");
    assert!(done["notes"].to_string().contains("thumbnails"), "{done}");
    let other = Shell::new();
    std::fs::create_dir(other.path("in")).expect("a folder");
    other.copy(&shell.path("in/a.jpg"), "in/a.jpg");
    once(&other, "").fine();
    assert!(has(&std::fs::read(other.path("out/a.jpg")).expect("published"), b"THUMBNAIL"));
}

#[test]
fn what_a_jpeg_cannot_hold_or_the_reader_passes_over_is_noted() {
    let shell = Shell::new();
    std::fs::create_dir(shell.path("in")).expect("a folder");
    let image = |alpha: &str, name: &str| {
        let source = format!("-f lavfi -i color=red@{alpha}:s=32x32,format=rgba -frames:v 1");
        made(name, &source)
    };
    // The opaque one comes behind a transparent one, in the same chain.
    shell.copy(&image("0.5", "clear.png"), "in/1-clear.png");
    shell.copy(&image("1.0", "solid.png"), "in/2-solid.png");
    let jpeg = std::fs::read(kinds().join("rgb.jpg")).expect("there");
    let mpf = [&jpeg[..2], b"\xff\xe2\0\x0aMPF\0II*\0", &jpeg[2..]].concat();
    shell.write("in/3-two.jpg", mpf);
    let told = once(&shell, "--format jpg -j 1").fine().told;
    let notes = |source: &str| {
        let done = told.iter().find(|t| t["event"] == "done" && t["source"] == source);
        done.expect("done")["notes"].to_string()
    };
    assert!(notes("1-clear.png").contains("transparency"), "{}", notes("1-clear.png"));
    assert_eq!(notes("2-solid.png"), "[]");
    assert!(notes("3-two.jpg").contains("more images"), "{}", notes("3-two.jpg"));
}
