//! `run` on real and on awkward clips, judged by ffmpeg: pictures, times, sound, container.

use std::path::{Path, PathBuf};

use filmgate_tests::hostile::clip;
use filmgate_tests::outside::{complaints, ffmpeg, ffprobe, made, pictures, small, succeed};
use filmgate_tests::shell::{Said, Shell};

use crate::reference::{Case, Cases};

/// When the packets of a stream are shown, in seconds, sorted.
fn times(path: &Path, stream: &str) -> Vec<f64> {
    let list = ffprobe(path, &format!("-select_streams {stream} -show_entries packet=pts_time"));
    let packets = list["packets"].as_array().expect("a list of packets");
    let time = |p: &serde_json::Value| p["pts_time"].as_str().and_then(|t| t.parse().ok());
    let mut times: Vec<f64> = packets.iter().filter_map(time).collect();
    times.sort_by(f64::total_cmp);
    times
}

/// From the first picture on: when the sound begins, and the times of all pictures.
fn timeline(path: &Path) -> (Option<f64>, Vec<f64>) {
    let (video, audio) = (times(path, "v:0"), times(path, "a:0"));
    let start = video[0];
    (audio.first().map(|a| a - start), video.iter().map(|t| t - start).collect())
}

/// Every picture at its time, and the sound where it was, within one audio frame.
fn same_times(input: &Path, output: &Path) {
    let (before, after) = (timeline(input), timeline(output));
    assert_eq!(before.1.len(), after.1.len(), "pictures of {}", output.display());
    // What containers round: a millisecond in Matroska and FLV.
    for (a, b) in before.1.iter().zip(&after.1) {
        assert!((a - b).abs() < 0.0016, "{a} s became {b} s in {}", output.display());
    }
    let audio_frame = 1024.0 / 44100.0;
    match (before.0, after.0) {
        (Some(a), Some(b)) => {
            let name = output.display();
            assert!((a - b).abs() < audio_frame, "{name}: sound at {a} s, then at {b} s");
        }
        (a, b) => assert_eq!(a.is_some(), b.is_some(), "sound"),
    }
}

/// The sound's packets: what each holds, as MD5.
fn sound(path: &Path) -> Vec<String> {
    let mut command = ffmpeg("");
    command.arg("-i").arg(path).args(["-map", "0:a:0", "-c", "copy"]);
    // In MPEG-TS every packet has a header of its own.
    if path.extension().is_some_and(|e| e == "ts") {
        command.args(["-bsf:a", "aac_adtstoasc"]);
    }
    let text = succeed(command.args(["-f", "framemd5", "-"]));
    let text = String::from_utf8(text).expect("text");
    let lines = text.lines().filter(|l| !l.starts_with('#'));
    // What stands behind the hash is about side data.
    lines.filter_map(|l| Some(l.split(',').nth(5)?.trim().to_owned())).collect()
}

/// All that must hold for every output.
fn sound_and_whole(input: &Path, output: &Path) {
    same_times(input, output);
    assert_eq!(complaints(output), "", "{}", output.display());
}

fn audio_is_identical(input: &Path, output: &Path) {
    let packets = sound(input);
    assert!(packets.len() > 10);
    assert_eq!(packets, sound(output), "sound of {}", output.display());
}

/// The output's luma is Pillow's relief of the input's, its chroma the input's.
fn relief_of(input: &Path, output: &Path, format: &str, size: (u32, u32), most: u32) {
    let mut cases = Cases::new();
    let (before, after) = (pictures(input, format, most), pictures(output, format, most));
    cases.add(&Case { checks: &["emboss"], format, size, ..Case::default() }, &before, &after);
    cases.judge();
}

/// Names of an mp4's boxes on the top floor, in their order.
fn boxes(path: &Path) -> Vec<String> {
    let bytes = std::fs::read(path).expect("the output can be read");
    let (mut at, mut names) = (0usize, Vec::new());
    while let Some(head) = bytes.get(at..at + 8) {
        let size = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
        names.push(String::from_utf8_lossy(&head[4..8]).into_owned());
        at += match size {
            0 => break,
            1 => usize::try_from(u64::from_be_bytes(
                bytes[at + 8..at + 16].try_into().expect("eight bytes"),
            ))
            .expect("a size"),
            size => size as usize,
        };
    }
    names
}

fn embossed(shell: &Shell, input: &Path, output: &str) -> (PathBuf, Said) {
    let said = shell.run(input, output, "-p emboss --crf 0 --json").done();
    (shell.path(output), said)
}

#[test]
fn a_real_film_comes_out_embossed_and_otherwise_the_same() {
    let (shell, film) = (Shell::new(), clip("bigbuckbunny.mp4"));
    let (output, said) = embossed(&shell, &film, "out.mp4");
    relief_of(&film, &output, "yuv420p", (1280, 720), 12);
    sound_and_whole(&film, &output);
    audio_is_identical(&film, &output);
    let names = boxes(&output);
    let at = |name: &str| names.iter().position(|n| n == name).expect("the box is there");
    assert!(at("moov") < at("mdat"), "{names:?}");
    let json = said.json();
    assert_eq!((&json["frames_in"], &json["frames_out"]), (&132.into(), &132.into()));
    assert_eq!(json["conversions"], serde_json::json!([]));
    assert_eq!(json["bytes"], output.metadata().expect("it is there").len());
    assert_eq!(shell.names(), ["out.mp4"]);
}

#[test]
fn every_container_keeps_times_and_sound() {
    let (shell, input) = (Shell::new(), small("plain.mp4", "-bf 2"));
    for name in ["out.mp4", "out.mov", "out.mkv", "out.ts", "out.flv"] {
        let (output, _) = embossed(&shell, &input, name);
        relief_of(&input, &output, "yuv420p", (320, 180), 100);
        sound_and_whole(&input, &output);
        audio_is_identical(&input, &output);
    }
    let format = shell.run(&input, "out.bin", "--format matroska").code;
    assert_eq!(format, Some(0));
    assert_eq!(complaints(&shell.path("out.bin")), "");
}

#[test]
fn every_container_is_read() {
    let shell = Shell::new();
    for name in ["in.mov", "in.mkv", "in.ts", "in.flv"] {
        let input = small(name, "-bf 2");
        let (output, _) = embossed(&shell, &input, &format!("{name}.mp4"));
        relief_of(&input, &output, "yuv420p", (320, 180), 100);
        sound_and_whole(&input, &output);
        audio_is_identical(&input, &output);
    }
}

#[test]
fn uneven_frame_rates_stay_uneven() {
    // Frames at the squares of a counter.
    let input = made(
        "uneven.mkv",
        "-f lavfi -i testsrc2=size=320x180:rate=25:duration=1 -vf setpts=N*N*0.004/TB \
         -fps_mode vfr -c:v libx264 -preset veryfast -bf 2",
    );
    let shell = Shell::new();
    for name in ["uneven.mp4", "uneven.mkv"] {
        let (output, _) = embossed(&shell, &input, name);
        sound_and_whole(&input, &output);
        let times = times(&output, "v:0");
        let steps: Vec<f64> = times.windows(2).map(|w| w[1] - w[0]).collect();
        assert!(steps.last() > steps.first(), "{steps:?}");
    }
}

#[test]
fn odd_sizes_and_other_formats() {
    let shell = Shell::new();
    for (format, name, size, coded) in [
        ("yuv444p", "yuv444p", (321, 181), None),
        ("yuv422p", "yuv422p", (320, 181), None),
        ("yuv420p", "yuv420p", (318, 178), None),
        ("gray", "gray8", (77, 33), None),
        // x264 halves the chroma of even sizes only.
        ("yuv420p", "yuv420p", (321, 181), Some("yuv444p")),
        ("yuv420p", "yuv420p", (1, 1), Some("yuv444p")),
        ("yuv422p", "yuv422p", (33, 17), Some("yuv444p")),
        ("yuv420p10le", "yuv420p10", (33, 17), Some("yuv444p10")),
    ] {
        let (width, height) = size;
        let input = made(
            "odd.mkv",
            &format!(
                "-f lavfi -i testsrc=size={width}x{height}:rate=25:duration=0.4 \
                 -pix_fmt {format} -c:v ffv1"
            ),
        );
        let output = shell.path("odd-out.mkv");
        let said = shell.run(&input, "odd-out.mkv", "-y -p emboss --crf 0 --json").done();
        let json = said.json();
        let decoded = &json["decoded"];
        let found = (&decoded["format"], &decoded["width"], &decoded["height"]);
        assert_eq!(found, (&name.into(), &width.into(), &height.into()));
        assert_eq!(json["encoded"]["format"], coded.unwrap_or(name), "{size:?}");
        assert_eq!(json["conversions"].as_array().map(Vec::len), Some(coded.iter().len()));
        sound_and_whole(&input, &output);
        let found = ffprobe(&output, "-show_entries stream=width,height");
        assert_eq!(found["streams"][0]["width"], width);
        assert_eq!(found["streams"][0]["height"], height);
        let mut cases = Cases::new();
        let (before, after) = (pictures(&input, format, 10), pictures(&output, format, 10));
        let checks: &[&str] = if coded.is_some() { &["luma-relief"] } else { &["emboss"] };
        // Ten bits are not without loss at this quality.
        if !name.ends_with("10") {
            cases.add(&Case { checks, format: name, size, ..Case::default() }, &before, &after);
            cases.judge();
        }
    }
}

#[test]
fn ten_bits_stay_ten_bits() {
    let input = made(
        "ten.mkv",
        "-f lavfi -i testsrc2=size=320x180:rate=25:duration=0.4 -pix_fmt yuv420p10le -c:v ffv1",
    );
    let shell = Shell::new();
    // x264 is without loss at a quantizer of -12 for ten bits, which is what crf 0 is not.
    let said = shell.run(&input, "ten.mp4", "-p emboss -x qp=0 --json").done();
    assert_eq!(said.json()["encoded"]["format"], "yuv420p10");
    assert_eq!(said.json()["conversions"], serde_json::json!([]));
    let found = ffprobe(&shell.path("ten.mp4"), "-show_entries stream=pix_fmt");
    assert_eq!(found["streams"][0]["pix_fmt"], "yuv420p10le");
    sound_and_whole(&input, &shell.path("ten.mp4"));
}

#[test]
fn rgb_is_embossed_as_rgb_and_encoded_as_yuv() {
    let input = made(
        "rgb.mkv",
        "-f lavfi -i testsrc2=size=320x180:rate=25:duration=0.4 -pix_fmt bgr0 -c:v ffv1",
    );
    let shell = Shell::new();
    let said = shell.run(&input, "rgb.mp4", "-p emboss --json").done();
    let encoded = said.json()["encoded"]["format"].as_str().map(str::to_owned);
    assert!(encoded.is_some_and(|f| f.starts_with("yuv")), "{said:?}");
    sound_and_whole(&input, &shell.path("rgb.mp4"));
}

#[test]
fn sound_and_picture_that_begin_apart_stay_apart() {
    let shell = Shell::new();
    for (name, delayed) in [("late-sound", 1), ("late-picture", 0)] {
        let offset = |input: u32| if input == delayed { "-itsoffset 0.5" } else { "" };
        for ending in ["mp4", "mkv", "ts"] {
            let input = made(
                &format!("{name}.{ending}"),
                &format!(
                    "{} -f lavfi -i testsrc2=size=320x180:rate=25:duration=1 \
                     {} -f lavfi -i sine=frequency=440:duration=1.5 \
                     -c:v libx264 -preset veryfast -bf 2 -c:a aac",
                    offset(0),
                    offset(1)
                ),
            );
            for to in ["mp4", "mkv"] {
                let (output, _) = embossed(&shell, &input, &format!("{name}-{ending}.{to}"));
                sound_and_whole(&input, &output);
                audio_is_identical(&input, &output);
            }
        }
    }
}

#[test]
fn a_clip_without_sound_has_none_afterwards() {
    let (shell, film) = (Shell::new(), clip("carphone_pristine.mp4"));
    let (output, said) = embossed(&shell, &film, "silent.mp4");
    sound_and_whole(&film, &output);
    assert_eq!(said.json()["copied"], serde_json::json!([]));
    relief_of(&film, &output, "yuv420p", (176, 144), 120);
}

#[test]
fn tags_and_languages_are_kept() {
    let input = small(
        "tagged.mp4",
        "-metadata title=Holiday -metadata comment=by_the_sea -metadata:s:a:0 language=fra \
         -metadata creation_time=2018-09-08T10:15:02Z -metadata:s:v:0 language=ger",
    );
    let shell = Shell::new();
    for name in ["tagged.mp4", "tagged.mov", "tagged.mkv"] {
        let (output, _) = embossed(&shell, &input, name);
        let found = ffprobe(&output, "-show_entries format_tags:stream_tags:stream=codec_type");
        let tags = &found["format"]["tags"];
        let tag = |name: &str| tags[name].as_str().or(tags[name.to_uppercase()].as_str());
        assert_eq!(tag("title"), Some("Holiday"), "{name}: {found}");
        assert_eq!(tag("comment"), Some("by_the_sea"), "{name}: {found}");
        assert!(tag("creation_time").is_some_and(|t| t.starts_with("2018-09-08")), "{name}");
        for (kind, language) in [("audio", "fra"), ("video", "ger")] {
            let streams = found["streams"].as_array().expect("streams");
            let stream = streams.iter().find(|s| s["codec_type"] == kind).expect("the stream");
            // Matroska writes the other one of French's two codes.
            let kept = stream["tags"]["language"].as_str().map(|l| l.replace("fre", "fra"));
            assert_eq!(kept.as_deref(), Some(language), "{name}");
        }
    }
}

#[test]
fn subtitles_are_kept_or_named_as_left_out() {
    let shell = Shell::new();
    let texts = shell.write("texts.srt", "1\n00:00:00,100 --> 00:00:00,900\nHello\n");
    let input = shell.path("subtitled.mkv");
    succeed(
        ffmpeg("")
            .arg("-i")
            .arg(small("plain.mp4", "-bf 2"))
            .arg("-i")
            .arg(&texts)
            .args(["-map", "0", "-map", "1", "-c", "copy", "-c:s", "srt"])
            .args(["-metadata:s:s:0", "language=eng"])
            .arg(&input),
    );
    let (output, said) = embossed(&shell, &input, "kept.mkv");
    let found = ffprobe(&output, "-select_streams s -show_entries stream=codec_name:stream_tags");
    assert_eq!(found["streams"][0]["codec_name"], "subrip");
    assert_eq!(found["streams"][0]["tags"]["language"], "eng");
    assert_eq!(said.json()["left_out"], serde_json::json!([]));
    let text = succeed(ffmpeg("").arg("-i").arg(&output).args(["-map", "0:s", "-f", "srt", "-"]));
    assert!(String::from_utf8_lossy(&text).contains("Hello"));
    let (output, said) = embossed(&shell, &input, "left.flv");
    let left = said.json()["left_out"][0].as_str().expect("a reason").to_owned();
    assert!(left.contains("subtitle") && left.contains("subrip"), "{left}");
    assert!(said.stderr.contains("not in the output") && said.stderr.contains(&left), "{said:?}");
    sound_and_whole(&input, &output);
}

#[test]
fn what_only_the_pictures_say_of_high_dynamic_range_reaches_the_output() {
    let input = made(
        "hdr.mkv",
        "-f lavfi -i testsrc2=size=320x180:rate=25:duration=0.4 -pix_fmt yuv420p10le -c:v libx265 \
         -x265-params log-level=error:hdr10=1:max-cll=1000,400:colorprim=bt2020:\
         transfer=smpte2084:colormatrix=bt2020nc:\
         master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)",
    );
    let facts = |path: &Path, of: &str| {
        let list = ffprobe(path, &format!("-show_entries {of} -read_intervals %+#1"));
        list.to_string()
    };
    assert!(!facts(&input, "stream_side_data").contains("max_luminance"), "the container says it");
    let shell = Shell::new();
    for (name, more) in [("x265.mp4", "--codec hevc"), ("x264.mp4", "--codec h264")] {
        shell.run(&input, name, &format!("-p emboss {more} --json")).done();
        let container = facts(&shell.path(name), "stream_side_data");
        for part in ["\"max_luminance\":\"10000000/10000\"", "\"max_content\":1000"] {
            assert!(container.contains(part), "{name}: {container}");
        }
        let times = times(&shell.path(name), "v:0");
        assert_eq!(times.len(), 10, "{name}");
    }
    let coded = facts(&shell.path("x265.mp4"), "frame_side_data");
    assert!(coded.contains("\"max_luminance\":\"10000000/10000\""), "{coded}");
}

#[test]
fn matroska_takes_attachments_and_old_codecs() {
    let (shell, film) = (Shell::new(), small("plain.mp4", "-bf 2"));
    let note = shell.write("note.txt", "hello");
    let input = shell.path("in.mkv");
    let mut command = ffmpeg("");
    command.arg("-i").arg(&film).args(["-c:v", "copy", "-c:a", "wmav2", "-attach"]).arg(&note);
    succeed(command.args(["-metadata:s:t", "mimetype=text/plain"]).arg(&input));
    let said = shell.run(&input, "out.mkv", "-p emboss --json").done();
    assert_eq!(said.json()["left_out"], serde_json::json!([]));
    let mut dump = ffmpeg("");
    dump.current_dir(shell.folder()).args(["-dump_attachment:t", "dumped.txt", "-i", "out.mkv"]);
    succeed(dump.args(["-t", "0", "-f", "null", "-"]));
    assert_eq!(std::fs::read(shell.path("dumped.txt")).expect("dumped"), b"hello");
    assert_eq!(sound(&input), sound(&shell.path("out.mkv")));
    // Where they cannot be held, the film is whole without them, and it is said.
    let said = shell.run(&input, "out.mp4", "-p emboss --no-audio --json").done();
    assert!(said.stderr.contains("attachment"), "{said:?}");
}
