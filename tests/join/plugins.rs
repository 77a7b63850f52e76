//! `-p`: the video of all segments goes through plugins and is re-encoded; audio is copied.

use std::path::Path;

use filmgate_tests::outside::{ffmpeg, ffprobe, succeed};
use filmgate_tests::shell::Shell;
use serde_json::Value;

use super::cases::{bursts, complaints, join, pictures, segments, times, tracks_by_mkvmerge};

/// MD5 of each packet of sound, by ffmpeg.
fn sound(path: &Path) -> Vec<String> {
    let mut command = ffmpeg("");
    command.arg("-i").arg(path).args(["-map", "0:a:0", "-c", "copy", "-f", "framemd5", "-"]);
    let text = String::from_utf8(succeed(&mut command)).expect("framemd5 is text");
    let lines = text.lines().filter(|l| !l.starts_with('#'));
    lines.filter_map(|l| l.split(',').nth(5)).map(|m| m.trim().to_owned()).collect()
}

/// The pictures of each segment as `run` makes them, one segment after the other, without loss.
fn by_run(shell: &Shell, name: &str, plugins: &str) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for source in segments(name) {
        shell.run(&source, "one.mp4", &format!("{plugins} --crf 0 -y")).done();
        all.push(pictures(&shell.path("one.mp4")));
    }
    std::fs::remove_file(shell.path("one.mp4")).expect("there");
    all
}

/// Times of the key frames of the film, in seconds.
fn keys(path: &Path) -> Vec<f64> {
    let found = ffprobe(path, "-select_streams v:0 -show_entries packet=pts_time,flags");
    let packets = found["packets"].as_array().expect("packets");
    let key = |p: &&Value| p["flags"].as_str().is_some_and(|f| f.starts_with('K'));
    let time = |p: &Value| p["pts_time"].as_str().and_then(|t| t.parse().ok());
    packets.iter().filter(key).filter_map(time).collect()
}

#[test]
fn pictures_go_through_plugins_and_sound_is_copied() {
    let shell = Shell::new();
    let plain = join(&shell, "good", "plain.mp4", "").done().json();
    for ending in ["mp4", "mkv", "ts"] {
        let file = format!("out.{ending}");
        let said = join(&shell, "good", &file, "-p emboss --crf 0").done().json();
        let out = shell.path(&file);
        let wanted = by_run(&shell, "good", "-p emboss").concat();
        assert_eq!(pictures(&out), wanted, "{ending}: as `run` makes them of each segment");
        assert_ne!(pictures(&out), pictures(&shell.path("plain.mp4")), "{ending}");
        assert_eq!(sound(&out).len(), sound(&shell.path("plain.mp4")).len(), "{ending}");
        if ending != "ts" {
            assert_eq!(sound(&out), sound(&shell.path("plain.mp4")), "{ending}");
        }
        assert_eq!(complaints(&out), "", "{ending}");
        assert!(tracks_by_mkvmerge(&out).iter().any(|t| t == "video"));
        let keys = keys(&out);
        let first = keys[0];
        for seam in [0.0, 2.0, 4.0] {
            let there = keys.iter().any(|k| (k - first - seam).abs() < 0.002);
            assert!(there, "{ending}: no key frame at {seam}: {keys:?}");
        }
        assert_eq!(
            (&said["video"]["decoded"], &said["video"]["encoded"]),
            (&150.into(), &150.into())
        );
        assert_eq!(said["plugins"][0]["frames"], 150);
        assert_eq!(said["proof"]["tracks"][1]["packets"], plain["proof"]["tracks"][1]["packets"]);
        assert_eq!(bursts(&out).len(), 3, "{ending}");
    }
}

#[test]
fn the_plan_and_the_receipt_name_the_plugins() {
    let shell = Shell::new();
    let plan = join(&shell, "good", "out.mp4", "-p emboss -p crop:width=64,height=48 --dry-run");
    let plan = plan.done().json();
    assert_eq!(shell.names(), [""; 0]);
    assert_eq!(plan["video"]["action"], "reencode");
    assert_eq!(plan["video"]["why"], "for the plugins");
    assert_eq!((&plan["video"]["width"], &plan["video"]["height"]), (&64.into(), &48.into()));
    assert_eq!(plan["segments"][2]["action"], "reencode");
    let names = [&plan["plugins"][0]["name"], &plan["plugins"][1]["name"]];
    assert_eq!(names, ["emboss", "crop"]);
    let text = shell.say(shell.command().arg("join").args(segments("good")).args([
        "-o",
        "out.mp4",
        "-p",
        "emboss",
        "--dry-run",
    ]));
    assert!(text.done().stdout.contains("video: re-encoded for plugins: emboss"));
    join(&shell, "good", "out.mp4", "-p crop:width=64,height=48 --receipt r.json").done();
    let receipt = std::fs::read_to_string(shell.path("r.json")).expect("a receipt");
    let receipt: Value = serde_json::from_str(&receipt).expect("JSON");
    assert_eq!(receipt["plugins"][1]["name"], "crop");
    assert_eq!(receipt["plugins"][1]["sha256"].as_str().map(str::len), Some(64));
    assert_eq!(receipt["plugins"][1]["parameters"]["width"], 64);
    assert_eq!(receipt["encoder"], "libx264");
    let film =
        ffprobe(&shell.path("out.mp4"), "-select_streams v:0 -show_entries stream=width,height");
    let film = &film["streams"][0];
    assert_eq!((&film["width"], &film["height"]), (&64.into(), &48.into()));
    assert_eq!(complaints(&shell.path("out.mp4")), "");
}

#[test]
fn each_segment_is_a_film_of_its_own_for_plugins_that_hold_frames() {
    let shell = Shell::new();
    join(&shell, "good", "out.mp4", "-p denoise:frames=5 --crf 0").done();
    let wanted = by_run(&shell, "good", "-p denoise:frames=5").concat();
    assert_eq!(pictures(&shell.path("out.mp4")), wanted);
}

#[test]
fn segments_of_another_size_or_codec_fit_with_plugins() {
    for name in ["resolution", "codec_hevc", "rotation", "ten_bits"] {
        let shell = Shell::new();
        join(&shell, name, "out.mp4", "-p emboss").done();
        let out = shell.path("out.mp4");
        assert_eq!(pictures(&out).len(), 150, "{name}");
        assert_eq!(complaints(&out), "", "{name}");
        let last = times(&out, "v:0").last().copied().unwrap_or(0.0);
        assert!((last - 5.96).abs() < 0.05, "{name}: {last}");
    }
    // Sound that does not fit is still a reason to stop.
    let shell = Shell::new();
    join(&shell, "audio_48k", "out.mp4", "-p emboss").refused(40, &["sample rate"]);
    join(&shell, "audio_48k", "out.mp4", "-p emboss --reencode-odd").done();
    assert_eq!(pictures(&shell.path("out.mp4")).len(), 150);
}

#[test]
fn plugins_are_checked_before_anything_is_written() {
    let shell = Shell::new();
    for (more, code) in [("-p no-such-plugin", 10), ("-p emboss:nothing=1", 11), ("-p natural", 13)]
    {
        join(&shell, "good", "out.mp4", more).refused(code, &[]);
        assert_eq!(shell.names(), [""; 0], "{more}");
    }
    join(&shell, "good", "out.mp4", "--crf 3").refused(2, &["--plugin"]);
}

/// Encoders of later segments get memory that was used before them: x264 reads some of it.
#[test]
fn every_run_writes_the_same_bytes() {
    let shell = Shell::new();
    let bytes = |name: &str| {
        join(&shell, "good", name, "-p emboss").done();
        std::fs::read(shell.path(name)).expect("there")
    };
    let first = bytes("first.mp4");
    for number in 0..4 {
        assert!(bytes(&format!("{number}.mp4")) == first, "run {number}");
    }
}
