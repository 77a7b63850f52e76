//! Segments that cannot be joined: refused with their reason, or left out where that was asked for.

use filmgate_tests::shell::Shell;

use super::cases::{all_pictures, complaints, join, pictures, segments};

/// The case is refused for what one field is, and is joined without the odd one if that is said.
fn refused(name: &str, parts: &[&str]) {
    let shell = Shell::new();
    let said = join(&shell, name, "out.mp4", "");
    let mut all = vec!["segment 2 of 3", "2.mp4", "--reencode-odd", "--skip-bad"];
    all.extend(parts);
    said.refused(40, &all);
    assert!(shell.names().is_empty(), "{:?}", shell.names());
    let said = join(&shell, name, "out.mp4", "--skip-bad");
    assert_eq!(said.code, Some(3), "{said:?}");
    let both = [segments(name)[0].clone(), segments(name)[2].clone()];
    assert_eq!(pictures(&shell.path("out.mp4")), all_pictures(&both));
    assert_eq!(complaints(&shell.path("out.mp4")), "");
    let plan = join(&shell, name, "out.mp4", "--dry-run").done().json();
    let differences = plan["segments"][1]["differences"].as_array().expect("differences").clone();
    assert!(differences.iter().any(|d| d["weight"] == "fatal"), "{differences:?}");
}

macro_rules! refused_cases {
    ($($name:ident $case:literal $($part:literal)+;)*) => {
        $(#[test]
        fn $name() {
            refused($case, &[$($part),+]);
        })*
    };
}

refused_cases! {
    another_resolution "resolution" "resolution" "256x144" "192x108";
    another_codec "codec_hevc" "codec" "hevc" "h264";
    yet_another_codec "codec_mpeg4" "codec" "mpeg4" "h264";
    another_sample_rate "audio_48k" "sample rate" "48000" "44100";
    another_layout "audio_mono" "channel layout" "mono" "stereo";
    another_audio_codec "audio_mp3" "codec" "mp3" "aac";
    a_cut_inside_a_group_of_pictures "cut" "start" "edit list";
    another_rotation "rotation" "rotation" "270";
    another_depth "ten_bits" "pixel format" "yuv420p10le" "yuv420p";
}

#[test]
fn what_is_no_media_is_named_or_left_out() {
    for (name, part) in [("moov_missing", "moov"), ("empty", "empty"), ("html", "moov")] {
        let shell = Shell::new();
        join(&shell, name, "out.mp4", "").refused(21, &["2.mp4", part, "--skip-bad"]);
        assert!(shell.names().is_empty());
        let said = join(&shell, name, "out.mp4", "--skip-bad");
        assert_eq!(said.code, Some(3), "{said:?}");
        let both = [segments(name)[0].clone(), segments(name)[2].clone()];
        assert_eq!(pictures(&shell.path("out.mp4")), all_pictures(&both));
        assert!(said.json()["bad"][0]["path"].as_str().expect("a path").contains("2.mp4"));
    }
}

#[test]
fn only_what_was_joined_is_removed() {
    for name in ["moov_missing", "resolution"] {
        let shell = Shell::new();
        for path in segments(name) {
            shell.copy(&path, path.file_name().expect("a name"));
        }
        let said = shell.filmgate("join . -o out.mp4 --skip-bad --delete-sources --json");
        assert_eq!(said.code, Some(3), "{said:?}");
        assert_eq!(shell.names(), ["2.mp4", "out.mp4"]);
        assert_eq!(said.json()["removed"].as_array().map(Vec::len), Some(2));
    }
}

#[test]
fn what_is_damaged_inside_is_joined_packet_by_packet() {
    let shell = Shell::new();
    let said = join(&shell, "damaged", "out.mp4", "").done();
    assert_eq!(said.json()["proof"]["tracks"][0]["packets"], 150);
    let shell = Shell::new();
    for path in segments("damaged") {
        shell.copy(&path, path.file_name().expect("a name"));
    }
    let said = shell.filmgate("join . -o out.mp4 --check-decode --delete-sources --json");
    assert_eq!(said.code, Some(3), "{said:?}");
    let damaged = said.json()["damaged"].as_array().expect("a list").clone();
    assert_eq!(damaged.len(), 1, "{damaged:?}");
    assert!(damaged[0]["path"].as_str().expect("a path").ends_with("2.mp4"));
    assert_eq!(shell.names(), ["2.mp4", "out.mp4"]);
}

#[test]
fn a_segment_cut_off_within_its_media_is_found_before_anything_is_written() {
    let shell = Shell::new();
    // The index in front, the last third of the media gone.
    let source = segments("good")[1].clone();
    let mut command = filmgate_tests::outside::ffmpeg("");
    command.arg("-i").arg(&source).args(["-c", "copy", "-movflags", "+faststart"]);
    filmgate_tests::outside::succeed(command.arg(shell.path("2.mp4")));
    let bytes = std::fs::read(shell.path("2.mp4")).expect("readable");
    shell.write("2.mp4", &bytes[..bytes.len() * 2 / 3]);
    shell.copy(&segments("good")[0], "1.mp4");
    shell.filmgate("join 1.mp4 2.mp4 -o out.mp4").refused(22, &["2.mp4", "cut off"]);
    let said = shell.filmgate("join 1.mp4 2.mp4 -o out.mp4 --skip-bad --delete-sources");
    assert_eq!(said.code, Some(3), "{said:?}");
    assert_eq!(shell.names(), ["2.mp4", "out.mp4"]);
}

#[test]
fn a_segment_cut_off_without_an_index_is_found_while_it_is_read() {
    let shell = Shell::new();
    shell.copy(&segments("mkv")[0], "1.mkv");
    let bytes = std::fs::read(&segments("mkv")[1]).expect("readable");
    shell.write("2.mkv", &bytes[..bytes.len() * 2 / 3]);
    shell.copy(&segments("mkv")[2], "3.mkv");
    shell.filmgate("join 1.mkv 2.mkv 3.mkv -o out.mp4").refused(22, &["2.mkv"]);
    let said = shell.filmgate("join 1.mkv 2.mkv 3.mkv -o out.mp4 --skip-bad --delete-sources");
    assert_eq!(said.code, Some(3), "{said:?}");
    assert_eq!(shell.names(), ["2.mkv", "out.mp4"]);
    let both = [segments("mkv")[0].clone(), segments("mkv")[2].clone()];
    assert_eq!(pictures(&shell.path("out.mp4")), all_pictures(&both));
}
