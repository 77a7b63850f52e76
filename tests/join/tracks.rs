//! Every stream of every source is in the output, or is reported and keeps its source from being
//! removed; film and audio that the container cannot hold are refused before anything is written.

use std::path::PathBuf;

use filmgate_tests::outside::{ffmpeg, ffprobe, made, succeed, workshop};
use filmgate_tests::shell::Shell;
use serde_json::Value;

use super::cases::{pictures, tracks_by_mkvmerge};

const FILM: &str = "-f lavfi -i testsrc2=s=192x108:r=25:d=1 -f lavfi -i sine=r=48000:d=1 \
                    -pix_fmt yuv420p -g 25";

/// A clip of H.264 and this audio.
fn clip(name: &str, audio: &str) -> PathBuf {
    made(name, &format!("{FILM} -c:v libx264 -bf 0 -preset veryfast -c:a {audio}"))
}

/// The codecs of a file's streams, with their tags.
fn codecs(path: &std::path::Path) -> Vec<String> {
    let found = ffprobe(path, "-show_entries stream=codec_name,codec_tag_string,codec_type");
    let streams = found["streams"].as_array().expect("streams");
    let name = |s: &Value| {
        let tag = s["codec_tag_string"].as_str().unwrap_or_default();
        s["codec_name"].as_str().unwrap_or(tag).to_owned()
    };
    streams.iter().map(name).collect()
}

#[test]
fn audio_that_the_container_cannot_hold_is_refused_before_anything_is_written() {
    // Sony and Panasonic write PCM into files called .MP4.
    for (audio, source, output, way_out) in [
        ("pcm_s16be", "a.mov", "o.mp4", ".mov or .mkv"),
        ("pcm_s16le", "a.mkv", "o.ts", ".mov or .mkv"),
        ("adpcm_ms", "a.avi", "o.mp4", ".mkv"),
        ("flac", "a.mkv", "o.flv", ".mkv"),
    ] {
        let shell = Shell::new();
        let (one, two) = (clip(source, audio), clip(source, &format!("{audio} -crf 30")));
        let ending = if source == "a.mov" { "MP4" } else { &source[2..] };
        let names = [format!("1.{ending}"), format!("2.{ending}")];
        shell.copy(&one, &names[0]);
        shell.copy(&two, &names[1]);
        // FFmpeg 6.1 and later write PCM into mp4 (ISO/IEC 23003-5).
        if audio.starts_with("pcm") && output == "o.mp4" {
            let elsewhere = Shell::new();
            let mut copy = ffmpeg("");
            copy.arg("-i").arg(&one).args(["-c", "copy"]).arg(elsewhere.path(output));
            if copy.output().expect("ffmpeg runs").status.success() {
                shell.filmgate(&format!("join . -o {output} --delete-sources")).done();
                assert_eq!(codecs(&shell.path(output)), ["h264", audio]);
                continue;
            }
        }
        let base = format!("join . -o {output}");
        for more in ["", " --delete-sources", " --dry-run", " --skip-bad", " --reencode-odd"] {
            let said = shell.filmgate(&format!("{base}{more}"));
            said.refused(34, &[&names[0], "stream 1", audio, "--drop-audio", way_out]);
            assert_eq!(shell.names(), names, "{audio}{more}");
        }
        // `run` says the same of the same stream.
        let run = shell.filmgate(&format!("run -i {} -o {output}", names[0]));
        run.refused(34, &["cannot hold", audio]);
    }
}

#[test]
fn dropped_audio_is_reported_and_its_sources_are_kept() {
    let shell = Shell::new();
    let source = clip("a.mov", "pcm_s16be");
    shell.copy(&source, "1.MP4");
    shell.copy(&source, "2.MP4");
    // Without audio there is nothing to keep it for.
    succeed(ffmpeg("").arg("-i").arg(&source).args(["-an", "-c", "copy"]).arg(shell.path("3.mp4")));
    let said = shell.filmgate("join . -o o.mp4 --drop-audio --delete-sources --json");
    assert_eq!(said.code, Some(3), "{said:?}");
    assert_eq!(shell.names(), ["1.MP4", "2.MP4", "o.mp4"]);
    assert_eq!(codecs(&shell.path("o.mp4")), ["h264"]);
    let json = said.json();
    assert_eq!(json["status"], "partly");
    assert_eq!(json["removed"].as_array().map(Vec::len), Some(1), "{json}");
    let kept = json["not_removed"].as_array().expect("a list");
    assert_eq!(kept.len(), 2, "{json}");
    assert!(kept[0]["why"].as_str().expect("a reason").contains("audio (pcm_s16be)"), "{json}");
    assert!(json["left_out"][0].as_str().expect("a text").contains("--drop-audio"), "{json}");
    // Without --delete-sources all is as asked for.
    shell.filmgate("join 1.MP4 2.MP4 -o p.mp4 --drop-audio").done();
}

#[test]
fn audio_that_differs_does_not_matter_once_it_is_dropped() {
    let shell = Shell::new();
    shell.copy(&clip("a.mov", "pcm_s16be"), "1.mov");
    shell.copy(&clip("b.mov", "aac"), "2.mov");
    shell.filmgate("join . -o o.mov").refused(40, &["codec"]);
    shell.filmgate("join . -o o.mp4 --drop-audio").done();
    assert_eq!(codecs(&shell.path("o.mp4")), ["h264"]);
    let alone = made("a.wav", "-f lavfi -i sine=d=1");
    shell.copy(&alone, "4.wav");
    shell.filmgate("join 4.wav -o p.mkv --drop-audio").refused(23, &["audio alone"]);
}

#[test]
fn matroska_holds_what_it_writes_under_the_tags_of_avi_and_wave() {
    for audio in ["adpcm_ms", "adpcm_ima_wav", "pcm_mulaw", "wmav2"] {
        let shell = Shell::new();
        shell.copy(&clip("a.avi", audio), "1.avi");
        shell.copy(&clip("a.avi", &format!("{audio} -crf 30")), "2.avi");
        shell.filmgate("join . -o o.mkv --delete-sources").done();
        assert_eq!(shell.names(), ["o.mkv"], "{audio}");
        assert_eq!(codecs(&shell.path("o.mkv")), ["h264", audio]);
        tracks_by_mkvmerge(&shell.path("o.mkv"));
        // `run` gives the same answer.
        shell.copy(&clip("a.avi", audio), "1.avi");
        shell.filmgate("run -i 1.avi -o r.mkv").done();
        assert_eq!(codecs(&shell.path("r.mkv")), ["h264", audio]);
    }
}

/// An mp4 with a track of telemetry, as GoPro has them, a sample each half second: texts whose names
/// in the file are changed.
fn telemetry(shell: &Shell, name: &str, words: [&str; 2]) {
    let texts = format!(
        "1\n00:00:00,000 --> 00:00:00,500\n{}\n\n2\n00:00:00,500 --> 00:00:01,000\n{}\n",
        words[0], words[1]
    );
    let texts = shell.write("texts.srt", texts);
    let mut command = ffmpeg("");
    command.arg("-i").arg(clip("a.mp4", "aac")).arg("-i").arg(&texts);
    command.args(["-map", "0", "-map", "1", "-c", "copy", "-c:s", "mov_text"]);
    succeed(command.arg(shell.path(name)));
    let mut bytes = std::fs::read(shell.path(name)).expect("readable");
    for (old, new) in [(b"tx3g", b"gpmd"), (b"sbtl", b"meta")] {
        let at = bytes.windows(4).position(|w| w == old).expect("there is one");
        bytes[at..at + 4].copy_from_slice(new);
    }
    shell.write(name, bytes);
    std::fs::remove_file(texts).expect("removable");
}

#[test]
fn telemetry_is_kept_where_the_container_can_and_keeps_its_source_where_not() {
    let shell = Shell::new();
    telemetry(&shell, "1.mp4", ["GPS 1", "GPS 2"]);
    telemetry(&shell, "2.mp4", ["GPS 3", "GPS 4"]);
    // The container of another recorder: nothing of it is written.
    let said = shell.filmgate("join 1.mp4 2.mp4 -o o.mkv --delete-sources --json");
    assert_eq!(said.code, Some(3), "{said:?}");
    let why = said.json()["not_removed"][1]["why"].as_str().expect("a reason").to_owned();
    assert!(why.contains("gpmd"), "{why}");
    assert_eq!(shell.names(), ["1.mp4", "2.mp4", "o.mkv"]);

    shell.filmgate("join 1.mp4 2.mp4 -o o.mp4 --delete-sources").done();
    assert_eq!(shell.names(), ["o.mkv", "o.mp4"]);
    assert_eq!(codecs(&shell.path("o.mp4")), ["h264", "aac", "bin_data"]);
    let found = ffprobe(
        &shell.path("o.mp4"),
        "-select_streams d -show_data -show_entries packet=pts_time,size,data",
    );
    let packets = found["packets"].as_array().expect("packets");
    let seen: Vec<(String, f64)> = packets
        .iter()
        .filter(|p| p["size"] != "2")
        .map(|p| {
            let data = p["data"].as_str().expect("data").to_owned();
            (data, p["pts_time"].as_str().expect("a time").parse().expect("a number"))
        })
        .collect();
    assert_eq!(seen.len(), 4, "{seen:?}");
    for (number, (data, time)) in seen.iter().enumerate() {
        assert!(data.contains(&format!("GPS {}", number + 1)), "{data}");
        assert!((time - 0.5 * number as f64).abs() < 0.05, "{seen:?}");
    }
}

#[test]
fn chapter_titles_are_not_taken_for_telemetry() {
    let shell = Shell::new();
    let meta = shell.write(
        "chapters",
        ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1000\ntitle=one\n",
    );
    let mut command = ffmpeg("");
    command.arg("-i").arg(clip("a.mp4", "aac")).arg("-i").arg(&meta);
    command.args(["-map_chapters", "1", "-c", "copy"]);
    succeed(command.arg(shell.path("1.mp4")));
    assert!(codecs(&shell.path("1.mp4")).contains(&"bin_data".to_owned()));
    let json = shell.filmgate("join 1.mp4 1.mp4 -o o.mp4 --json").done().json();
    assert_eq!(codecs(&shell.path("o.mp4")), ["h264", "aac", "bin_data"]);
    assert_eq!(json["tracks"].as_array().map(Vec::len), Some(2), "{json}");
    assert_eq!(json["left_out"], serde_json::json!([]), "{json}");
    shell.filmgate("run -i 1.mp4 -o r.mp4").done();
    let found = ffprobe(&shell.path("r.mp4"), "-show_entries stream=codec_tag_string");
    assert!(!found.to_string().contains("gpmd"), "{found}");
}

#[test]
fn files_attached_to_a_film_are_kept_each_once() {
    let shell = Shell::new();
    let fonts: Vec<PathBuf> = [1u8, 2, 3]
        .iter()
        .map(|n| shell.write(format!("{n}.ttf"), vec![*n; 3000 * usize::from(*n)]))
        .collect();
    for (name, mine) in [("1.mkv", [0, 1]), ("2.mkv", [0, 1]), ("3.mkv", [1, 2])] {
        let mut command = ffmpeg("");
        command.arg("-i").arg(clip("a.mkv", "aac")).args(["-map", "0", "-c", "copy"]);
        for font in mine {
            command.arg("-attach").arg(&fonts[font]);
        }
        command.args(["-metadata:s:t", "mimetype=application/x-truetype-font"]);
        succeed(command.arg(shell.path(name)));
    }
    let said = shell.filmgate("join 1.mkv 2.mkv 3.mkv -o o.mp4 --delete-sources --json");
    assert_eq!(said.code, Some(3), "{said:?}");
    assert_eq!(said.json()["removed"].as_array().map(Vec::len), Some(0));
    shell.filmgate("join 1.mkv 2.mkv 3.mkv -o o.mkv --delete-sources").done();
    assert!(!shell.names().iter().any(|n| n.ends_with("1.mkv")), "{:?}", shell.names());
    assert_eq!(pictures(&shell.path("o.mkv")).len(), 75);
    // Byte for byte, by another program.
    for (number, font) in fonts.iter().enumerate() {
        let out = shell.path(format!("out{number}"));
        let mut command = std::process::Command::new("mkvextract");
        command.arg(shell.path("o.mkv")).arg("attachments");
        succeed(command.arg(format!("{}:{}", number + 1, out.display())));
        let same = std::fs::read(&out).ok() == std::fs::read(font).ok();
        assert!(same, "attachment {number} is another one");
    }
}

#[test]
fn a_subtitle_that_is_coded_otherwise_keeps_its_source() {
    let shell = Shell::new();
    let texts = shell.write("t.srt", "1\n00:00:00,100 --> 00:00:00,900\nhello\n");
    for (name, codec) in [("1.mkv", "subrip"), ("2.mkv", "ass"), ("3.mkv", "subrip")] {
        let mut command = ffmpeg("");
        command.arg("-i").arg(clip("a.mkv", "aac")).arg("-i").arg(&texts);
        command.args(["-map", "0", "-map", "1", "-c", "copy", "-c:s", codec]);
        succeed(command.arg(shell.path(name)));
    }
    let said = shell.filmgate("join 1.mkv 2.mkv 3.mkv -o o.mkv --delete-sources");
    assert_eq!(said.code, Some(3), "{said:?}");
    assert_eq!(shell.names(), ["2.mkv", "o.mkv", "t.srt"]);
    assert!(said.stderr.contains("subtitle (ass)"), "{said:?}");
}

#[test]
fn the_aspect_ratio_of_the_container_is_kept() {
    for output in ["o.mp4", "o.mov", "o.mkv"] {
        let shell = Shell::new();
        for name in ["1.mp4", "2.mp4"] {
            let plain = clip("aspect.mp4", "aac");
            let to = shell.path(name);
            let (plain, to) = (plain.display(), to.display());
            succeed(&mut ffmpeg(&format!("-i {plain} -c copy -aspect 4:3 {to}")));
        }
        shell.filmgate(&format!("join 1.mp4 2.mp4 -o {output}")).done();
        let found = ffprobe(&shell.path(output), "-show_entries stream=sample_aspect_ratio");
        assert_eq!(found["streams"][0]["sample_aspect_ratio"], "3:4", "{output}");
    }
}

#[test]
fn the_alpha_plane_of_vp9_is_kept_or_reported() {
    let film = "-f lavfi -i testsrc2=s=64x64:d=1,format=yuva420p -c:v libvpx-vp9 -cpu-used 8 \
                -deadline realtime -auto-alt-ref 0";
    let clip = made("alpha.webm", film);
    for (output, planes) in [("o.webm", 50), ("o.mkv", 50), ("o.mp4", 0)] {
        let shell = Shell::new();
        shell.copy(&clip, "1.webm");
        shell.copy(&clip, "2.webm");
        let said = shell.filmgate(&format!("join 1.webm 2.webm -o {output} --delete-sources"));
        let names = shell.names();
        if planes == 0 {
            assert_eq!(said.code, Some(3), "{said:?}");
            assert!(format!("{said:?}").contains("alpha"), "{said:?}");
            assert!(names.contains(&"1.webm".to_owned()), "{names:?}");
        } else {
            said.done();
            assert_eq!(names, [output]);
        }
        let found = ffprobe(&shell.path(output), "-show_entries packet_side_data=side_data_type");
        let beside = found.to_string().matches("BlockAdditional").count();
        assert_eq!(beside, planes, "{output}");
    }
}

#[test]
fn what_is_lost_where_an_odd_segment_is_encoded_is_reported_and_its_source_stays() {
    let plain = made("odd-plain.mp4", "-f lavfi -i testsrc2=s=96x64:d=1 -c:v libx264");
    let clear = made(
        "odd-clear.mov",
        "-f lavfi -i testsrc2=s=96x64:d=1,format=rgba,colorchannelmixer=aa=0.5 -c:v png",
    );
    let whole = made("odd-whole.mp4", "-f lavfi -i testsrc2=s=48x32:d=1 -c:v libx264 -g 5");
    let torn = workshop().join("odd-torn.mp4");
    succeed(ffmpeg("-i").arg(whole).args(["-c", "copy", "-bsf:v", "noise=20"]).arg(&torn));
    for (odd, said_of_it) in [(clear, "transparency (alpha)"), (torn, "could not be decoded")] {
        let shell = Shell::new();
        shell.copy(&plain, "1.mp4");
        shell.copy(&odd, "2.mp4");
        let said = shell.filmgate("join 1.mp4 2.mp4 -o o.mp4 --reencode-odd --delete-sources");
        assert_eq!(said.code, Some(3), "{said:?}");
        assert!(format!("{said:?}").contains(said_of_it), "{said:?}");
        assert!(shell.names().contains(&"2.mp4".to_owned()), "{:?}", shell.names());
    }
}

#[test]
fn mp4_holds_flac_and_says_that_video_is_stereoscopic() {
    let clip = made(
        "stereo.mkv",
        &format!("{FILM} -c:v libx264 -metadata:s:v stereo_mode=left_right -c:a flac"),
    );
    let shell = Shell::new();
    for name in ["a.mkv", "b.mkv"] {
        shell.copy(&clip, name);
    }
    shell.filmgate("join a.mkv b.mkv -o o.mp4").done();
    // FFmpeg 7.1 does not understand the box that it writes: what it says of its own copy is the
    // measure, and the box has to hold the mode "left-right" (Spherical Video V2 RFC, st3d).
    let mut copy = ffmpeg("");
    copy.arg("-i").arg(&clip).args(["-c", "copy", "-strict", "-2"]).arg(shell.path("copy.mp4"));
    assert!(copy.status().expect("ffmpeg runs").success());
    let streams = |name: &str| {
        ffprobe(&shell.path(name), "-show_entries stream=codec_name:stream_side_data")["streams"]
            .clone()
    };
    assert!(streams("o.mp4")[0]["side_data_list"][0].is_object(), "{}", streams("o.mp4"));
    assert_eq!(streams("o.mp4"), streams("copy.mp4"));
    let bytes = std::fs::read(shell.path("o.mp4")).expect("the output");
    assert!(bytes.windows(9).any(|at| at == b"st3d\0\0\0\0\x02"));
    assert_eq!(streams("o.mp4")[1]["codec_name"], "flac");
}

#[test]
fn chapters_of_the_segments_move_with_them_or_are_reported() {
    let shell = Shell::new();
    let meta = ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=400\ntitle=one\n\
                [CHAPTER]\nTIMEBASE=1/1000\nSTART=400\nEND=1000\ntitle=two\n";
    let meta = shell.write("chapters", meta);
    for name in ["1.mp4", "2.mp4", "1.mkv", "2.mkv"] {
        let mut command = ffmpeg("");
        command.arg("-i").arg(clip("a.mp4", "aac")).arg("-i").arg(&meta);
        command.args(["-map_chapters", "1", "-c", "copy"]);
        succeed(command.arg(shell.path(name)));
    }
    let wanted = [(0.0, "one"), (0.4, "two"), (1.0, "one"), (1.4, "two")];
    for (inputs, output) in [
        ("1.mp4 2.mp4", "o.mp4"),
        ("1.mp4 2.mp4", "o.mov"),
        ("1.mkv 2.mkv", "o.mkv"),
        ("1.mkv 2.mkv", "p.mp4"),
    ] {
        shell.filmgate(&format!("join {inputs} -o {output}")).done();
        let found = ffprobe(&shell.path(output), "-show_chapters");
        let chapters = found["chapters"].as_array().expect("chapters");
        assert_eq!(chapters.len(), wanted.len(), "{output}: {found}");
        for (chapter, (time, title)) in chapters.iter().zip(wanted) {
            assert_eq!(chapter["tags"]["title"], title, "{output}: {found}");
            let start = chapter["start_time"].as_str().expect("a time");
            let start: f64 = start.parse().expect("a number");
            assert!((start - time).abs() < 0.06, "{output}: {start}");
        }
    }
    // They are lost with the sources.
    let said = shell.filmgate("join 1.mkv 2.mkv -o o.ts --delete-sources --json");
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.json()["left_out"].to_string().contains("2 chapters"), "{said:?}");
    assert!(shell.path("1.mkv").exists() && shell.path("2.mkv").exists());
}
