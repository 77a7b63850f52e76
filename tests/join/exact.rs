//! Cases that are joined exactly: every picture of every source, bit for bit and in order, sound
//! where its picture is, and not a complaint of a decoder.

use std::path::Path;

use filmgate_tests::outside::ffprobe;
use filmgate_tests::shell::Shell;
use serde_json::Value;

use super::cases::{
    all_pictures, bursts, complaints, join, pictures, segments, times, tracks_by_mkvmerge,
};

/// Joins a case of three segments of two seconds and checks it in every way. `silent`: which
/// segments have no burst.
fn exact(name: &str, ending: &str, silent: &[usize]) -> (Shell, Value) {
    let shell = Shell::new();
    let file = format!("out.{ending}");
    let said = join(&shell, name, &file, "").done();
    let out = shell.path(&file);
    assert_eq!(shell.names(), [file.as_str()], "nothing else is left");
    assert_eq!(pictures(&out), all_pictures(&segments(name)), "{name}: every picture, in order");
    assert_eq!(complaints(&out), "", "{name}: decoders have nothing to say");
    heard(name, &out, silent);
    let tracks = tracks_by_mkvmerge(&out);
    assert!(tracks.iter().any(|t| t == "video"), "{tracks:?}");
    let json = said.json();
    let worst = json["proof"]["worst_seam_ms"].as_f64().expect("a number");
    assert!(worst < 20.0, "{name}: {worst} ms");
    (shell, json)
}

/// Each segment's sound lies where its picture does, for players that count samples, too. What is
/// in front to wind the decoder up is taken off the first burst's time, as every player does.
fn heard(name: &str, out: &Path, silent: &[usize]) {
    let found = bursts(out);
    let wanted: Vec<usize> = (0..3).filter(|i| !silent.contains(i)).collect();
    assert_eq!(found.len(), wanted.len(), "{name}: {found:?}");
    let shown = times(out, "v:0");
    let length = (shown[shown.len() - 1] - shown[0]) / 3.0;
    assert!((1.9..2.1).contains(&length), "{name}: {length}");
    let source = bursts(&segments("good")[0])[0];
    for (place, found) in wanted.iter().zip(&found) {
        let wanted = *place as f64 * 2.0 + source;
        // 20 ms, and in containers without an edit list the 23 ms that wind the decoder up.
        let off = found - wanted;
        assert!((-0.021..0.045).contains(&off), "{name}, segment {place}: {off}");
    }
    let spread = found.iter().zip(&wanted).map(|(f, w)| f - *w as f64 * 2.0);
    let (least, most) = spread.fold((f64::MAX, f64::MIN), |(a, b), s| (a.min(s), b.max(s)));
    // Without an edit list the odd one's own sound is late by what winds the decoder up.
    let own = if name == "no_editlist" { 0.024 } else { 0.0 };
    assert!(most - least < 0.025 + own, "{name}: sound drifts by {:.3} s", most - least);
}

/// Only seams have left sound out, and no silence was put in.
fn untouched(json: &Value) {
    for track in json["proof"]["tracks"].as_array().expect("tracks") {
        assert_eq!(track["silent"], 0, "{track}");
        assert!(track["left_out"].as_u64() < Some(7), "{track}");
    }
}

macro_rules! exact_cases {
    ($($name:ident $case:literal $ending:literal;)*) => {
        $(#[test]
        fn $name() {
            let (_, json) = exact($case, $ending, &[]);
            untouched(&json);
        })*
    };
}

exact_cases! {
    segments_of_one_recorder "good" "mp4";
    into_mov "good" "mov";
    into_mkv "good" "mkv";
    into_ts "good" "ts";
    into_flv "good" "flv";
    other_parameter_sets "other_sets" "mp4";
    other_parameter_sets_into_ts "other_sets" "ts";
    other_parameter_sets_into_mkv "other_sets" "mkv";
    interlaced_in_the_middle "interlaced" "mp4";
    another_time_base "timebase" "mp4";
    another_frame_rate "fps" "mp4";
    swapped_streams "swapped" "mp4";
    hevc "hevc" "mp4";
    hevc_into_ts "hevc" "ts";
    negative_times_without_an_edit_list "no_editlist" "mp4";
    fragmented "fragmented" "mp4";
    from_mkv "mkv" "mp4";
    from_mkv_to_mkv "mkv" "mkv";
    from_ts "ts" "mp4";
    from_ts_to_ts "ts" "ts";
    from_flv "flv" "mp4";
    from_flv_to_flv "flv" "flv";
    a_cover_in_front "cover" "mp4";
    vp9_and_opus "vp9_opus" "mp4";
    capital_endings "upper" "mp4";
    av1 "av1" "mp4";
    mjpeg_and_pcm_into_mov "mjpeg" "mov";
    mjpeg_and_pcm_into_mkv "mjpeg" "mkv";
}

#[test]
fn silence_stands_where_there_is_no_sound() {
    for (name, silent) in [("no_audio", 1), ("no_audio_first", 0)] {
        let (_, json) = exact(name, "mp4", &[silent]);
        let silent = json["proof"]["tracks"][1]["silent"].as_u64().expect("a number");
        // 2 s of packets of 1024 samples.
        assert!((85..=88).contains(&silent), "{silent}");
    }
}

#[test]
fn short_sound_is_filled_up() {
    let (_, json) = exact("short_audio", "mp4", &[]);
    let silent = json["proof"]["tracks"][1]["silent"].as_u64().expect("a number");
    assert!((60..=68).contains(&silent), "{silent}");
}

#[test]
fn every_time_of_a_variable_rate_is_kept() {
    let shell = Shell::new();
    join(&shell, "vfr", "out.mp4", "").done();
    let out = shell.path("out.mp4");
    assert_eq!(pictures(&out), all_pictures(&segments("vfr")));
    // The last picture of each is that of the last sixtieth of its two seconds.
    let segments = segments("vfr");
    let own = segments.iter().enumerate().map(|(place, path)| (2.0 * place as f64, path));
    let wanted: Vec<f64> = own
        .flat_map(|(start, path)| times(path, "v:0").into_iter().map(move |t| t + start))
        .collect();
    let found = times(&out, "v:0");
    assert_eq!(found.len(), wanted.len());
    for (found, wanted) in found.iter().zip(&wanted) {
        assert!((found - wanted).abs() < 1e-4, "{found}, not {wanted}");
    }
}

#[test]
fn further_tracks_are_kept_where_the_container_can() {
    let (shell, json) = exact("extra_tracks", "mp4", &[]);
    let found = ffprobe(&shell.path("out.mp4"), "-show_entries stream=codec_name");
    let codecs: Vec<&str> = found["streams"]
        .as_array()
        .expect("streams")
        .iter()
        .filter_map(|s| s["codec_name"].as_str())
        .collect();
    assert!(codecs.contains(&"mov_text"), "{codecs:?}");
    assert!(json["left_out"][0].as_str().expect("a reason").contains("data"), "{json}");
    // Shown when it was: half a second after the second segment begins.
    let texts = times(&shell.path("out.mp4"), "s:0");
    assert!(texts.iter().any(|t| (t - 2.5).abs() < 0.01), "{texts:?}");
    let shell = Shell::new();
    let said = join(&shell, "extra_tracks", "out.flv", "").done();
    assert!(said.stderr.contains("mov_text") && said.stderr.contains("cannot hold"), "{said:?}");
}

#[test]
fn a_cover_stays_a_cover() {
    let (shell, _) = exact("cover", "mp4", &[]);
    let found = ffprobe(
        &shell.path("out.mp4"),
        "-show_entries stream=codec_name:stream_disposition=attached_pic",
    );
    let streams = found["streams"].as_array().expect("streams");
    let covers: Vec<_> = streams.iter().filter(|s| s["disposition"]["attached_pic"] == 1).collect();
    assert_eq!(covers.len(), 1, "{found}");
    assert_eq!(covers[0]["codec_name"], "png");
}

#[test]
fn two_hundred_segments_do_not_drift() {
    let shell = Shell::new();
    let list: String =
        (0..200).map(|i| format!("{}\n", segments("good")[i % 3].display())).collect();
    let list = shell.write("list.txt", list);
    let mut command = shell.command();
    command.args(["join", "--order", "given", "-o", "out.mp4", "--json", "--list"]).arg(list);
    let said = shell.say(&mut command).done();
    let drift = said.json()["proof"]["tracks"][1]["drift_ms"].as_f64().expect("a number");
    assert!(drift.abs() < 24.0, "{drift}");
    let found = bursts(&shell.path("out.mp4"));
    assert_eq!(found.len(), 200);
    for (place, found) in found.iter().enumerate() {
        let off = found - 1.0 - 2.0 * place as f64;
        assert!(off.abs() < 0.021, "segment {place}: {off}");
    }
}

#[test]
fn chapters_stand_at_the_seams() {
    for ending in ["mp4", "mkv"] {
        let shell = Shell::new();
        join(&shell, "good", &format!("out.{ending}"), "--chapters").done();
        let found = ffprobe(&shell.path(format!("out.{ending}")), "-show_chapters");
        let chapters = found["chapters"].as_array().expect("chapters");
        let title = |i: usize| chapters[i]["tags"]["title"].as_str().expect("a title").to_owned();
        assert_eq!((chapters.len(), title(0), title(2)), (3, "1".into(), "3".into()));
        let start: f64 =
            chapters[1]["start_time"].as_str().expect("a time").parse().expect("a number");
        assert!((start - 2.0).abs() < 0.03, "{ending}: {start}");
    }
}

#[test]
fn the_index_stands_in_front_unless_it_is_not_to() {
    let place = |arguments: &str, name: &str| {
        let shell = Shell::new();
        join(&shell, name, "out.mp4", arguments).done();
        let bytes = std::fs::read(shell.path("out.mp4")).expect("readable");
        let find = |what: &[u8]| bytes.windows(4).position(|w| w == what).expect("there is one");
        assert_eq!(complaints(&shell.path("out.mp4")), "");
        find(b"moov") < find(b"mdat")
    };
    // With room kept, and with the media moved.
    assert!(place("", "good") && place("", "mkv"));
    assert!(!place("--no-faststart", "good"));
}

#[test]
fn gaps_by_the_segments_own_clock_are_kept_where_that_is_wanted() {
    let shell = Shell::new();
    // The second begins at 2 s, as one recorder's would; the third a second late.
    for (name, source, offset) in [("1.ts", 0, "1"), ("2.ts", 1, "3"), ("3.ts", 2, "6")] {
        let mut command = filmgate_tests::outside::ffmpeg("");
        command.arg("-i").arg(&segments("good")[source]);
        command.args(["-c", "copy", "-output_ts_offset", offset, "-muxdelay", "0"]);
        filmgate_tests::outside::succeed(command.arg(shell.path(name)));
    }
    shell.filmgate("join 1.ts 2.ts 3.ts -o closed.mp4").done();
    shell.filmgate("join 1.ts 2.ts 3.ts -o kept.mp4 --gap keep").done();
    let found = bursts(&shell.path("kept.mp4"));
    assert_eq!(found.len(), 3);
    assert!((found[2] - 6.0).abs() < 0.03, "{found:?}");
    assert!((bursts(&shell.path("closed.mp4"))[2] - 5.0).abs() < 0.03);
    let shown = times(&shell.path("kept.mp4"), "v:0");
    assert!((shown[100] - 5.0).abs() < 0.01, "{}", shown[100]);
    assert_eq!(complaints(&shell.path("kept.mp4")), "");
}
