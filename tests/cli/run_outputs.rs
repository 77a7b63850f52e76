//! What `run` writes: containers, codecs, pictures and standard output.

use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::process::Stdio;

use filmgate_tests::outside::{complaints, ffprobe, made, pictures, small, succeed};
use filmgate_tests::running::Running;
use filmgate_tests::shell::Shell;

fn input() -> PathBuf {
    small("plain.mp4", "-bf 2")
}

fn codec(shell: &Shell, name: &str) -> String {
    let all = ffprobe(&shell.path(name), "-select_streams v:0 -show_entries stream=codec_name");
    all["streams"][0]["codec_name"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn each_container_has_its_codec() {
    let shell = Shell::new();
    for (name, more, found) in [
        ("a.webm", "--no-audio", "vp9"),
        ("a.mov", "", "h264"),
        ("a.mkv", "--codec hevc", "hevc"),
        ("b.mkv", "--codec av1 --no-audio", "av1"),
        ("c.mkv", "--codec ffv1", "ffv1"),
        ("a.mp4", "--codec mpeg4", "mpeg4"),
        ("a.gif", "", "gif"),
        ("a.y4m", "", "rawvideo"),
        ("a.avi", "--codec mjpeg --no-audio", "mjpeg"),
        ("a.nut", "--codec libx264 --preset veryfast --tune zerolatency --bitrate 300k", "h264"),
        ("d.mkv", "--codec x264 --pix-fmt yuv444p", "h264"),
    ] {
        let mut command = shell.command();
        command.arg("run").arg("-i").arg(input()).args(["-o", name, "--max-frames", "10"]);
        let said = shell.say(command.args(more.split_whitespace())).done();
        assert_eq!(codec(&shell, name), found, "{name}: {said:?}");
        assert_eq!(complaints(&shell.path(name)), "", "{name}");
        assert_eq!(pictures(&shell.path(name), "gray", 100).len(), 10 * 320 * 180, "{name}");
    }
}

#[test]
fn sound_is_not_lost_in_silence() {
    let shell = Shell::new();
    let mut command = shell.command();
    command.arg("run").arg("-i").arg(input()).args(["-o", "out.webm"]);
    shell.say(&mut command).refused(34, &["webm", "aac", "--no-audio"]);
    let mut command = shell.command();
    command.arg("run").arg("-i").arg(input()).args(["-o", "out.gif", "--max-frames", "2"]);
    let said = shell.say(&mut command).done();
    assert!(said.stderr.contains("stream 1, audio (aac)"), "{said:?}");
    assert_eq!(shell.names(), ["out.gif"]);
}

#[test]
fn words_of_encoders_are_checked() {
    let shell = Shell::new();
    for (more, code, parts) in [
        ("--codec libx26", 34, &["libx26", "did you mean libx264"][..]),
        ("--codec gif --crf 3", 34, &["gif", "crf"]),
        ("--tune flim", 2, &["flim", "did you mean film"]),
        ("--pix-fmt yuv420", 2, &["yuv420", "did you mean yuv420p"]),
        ("--pix-fmt rgb24", 34, &["rgb24", "it takes", "yuv420p"]),
        ("--bitrate fast", 2, &["fast", "800k"]),
        ("--bitrate 1M --crf 3", 2, &["--bitrate", "--crf"]),
        ("--codec ffv1", 34, &["mp4", "ffv1"]),
    ] {
        let mut command = shell.command();
        command.arg("run").arg("-i").arg(input()).args(["-o", "out.mp4"]);
        shell.say(command.args(more.split_whitespace())).refused(code, parts);
    }
    assert!(shell.names().is_empty());
}

#[test]
fn pictures_are_numbered_and_whole() {
    let shell = Shell::new();
    let mut command = shell.command();
    command.arg("run").arg("-i").arg(input()).args(["-o", "frames/%04d.png"]);
    shell.say(command.args(["--max-frames", "3"])).done();
    let mut names: Vec<_> = fs::read_dir(shell.path("frames"))
        .expect("a folder")
        .map(|e| e.expect("an entry").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    assert_eq!(names, ["0001.png", "0002.png", "0003.png"]);
    let (film, picture) =
        (pictures(&input(), "rgb24", 1), pictures(&shell.path("frames/0001.png"), "rgb24", 1));
    let most = film.iter().zip(&picture).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(most <= Some(3), "the first picture differs by {most:?}");
    let mut command = shell.command();
    command.arg("run").arg("-i").arg(input()).args(["-o", "frames/%04d.png", "--no-audio"]);
    shell.say(&mut command).refused(30, &["0001.png", "exists already"]);
    let mut command = shell.command();
    command.arg("run").arg("-i").arg(input()).args(["-o", "one.jpg", "--max-frames", "1"]);
    shell.say(&mut command).done();
    let color = ffprobe(&shell.path("one.jpg"), "-show_entries stream=color_range,pix_fmt");
    assert_eq!(color["streams"][0]["color_range"], "pc");
    let mut command = shell.command();
    command.arg("run").arg("-i").arg(input()).args(["-o", "more.jpg", "--no-audio"]);
    shell.say(&mut command).refused(34, &["one image", "%06d"]);
}

#[test]
fn standard_output_is_a_stream() {
    let shell = Shell::new();
    for (more, container) in [
        ("", "nut"),
        ("--format y4m", "yuv4mpegpipe"),
        ("--format mkv", "matroska,webm"),
        ("--format mp4", "mov,mp4,m4a,3gp,3g2,mj2"),
        ("--format ts", "mpegts"),
    ] {
        let mut command = shell.command();
        command.arg("run").arg("-i").arg(input()).args(["-o", "-", "-q"]);
        let bytes = succeed(command.args(more.split_whitespace()));
        let path = shell.write("caught", bytes);
        let format = ffprobe(&path, "-show_entries format=format_name");
        assert_eq!(format["format"]["format_name"], container);
        assert_eq!(pictures(&path, "gray", 100).len(), 25 * 320 * 180, "{container}");
    }
    let mut command = shell.command();
    command.arg("run").arg("-i").arg(input()).args(["-o", "-", "--json"]);
    shell.say(&mut command).refused(2, &["--json", "standard output"]);
}

#[test]
fn a_reader_that_has_had_enough_is_no_fault() {
    let shell = Shell::new();
    let long = made("long.mkv", "-f lavfi -i testsrc2=size=640x360:rate=25:duration=4 -c:v ffv1");
    let mut command = shell.command();
    command.arg("run").arg("-i").arg(long).args(["-o", "-", "--format", "y4m"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Running::start(&mut command);
    let mut head = [0u8; 1000];
    child.stdout.take().expect("a pipe").read_exact(&mut head).expect("it writes");
    let out = child.wait_with_output().expect("it ends");
    assert_eq!(out.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&out.stderr), "");
}

#[test]
fn several_outputs_are_one_encode() {
    let (shell, input) = (Shell::new(), small("plain.mp4", "-bf 2"));
    shell.run(&input, "a.mkv", "-o b.mp4 -o c.m3u8 -p emboss").done();
    let pictures = |name: &str| pictures(&shell.path(name), "rgb24", 30);
    assert_eq!(pictures("a.mkv"), pictures("b.mp4"));
    assert_eq!(pictures("a.mkv"), pictures("c.m3u8"));
    // A plan of them writes nothing.
    let before = shell.names();
    let plan = shell.run(&input, "d.mkv", "-o d.m3u8 --dry-run --json").done().json();
    assert_eq!(plan["outputs"], serde_json::json!(["d.mkv", "d.m3u8"]));
    assert_eq!(shell.names(), before);
    // Images are encoded in another way, and a segment of a playlist is taken.
    shell.run(&input, "f.mp4", "-o f/%d.png").refused(2, &["f/%d.png"]);
    shell.run(&input, "g.m3u8", "-o g0.ts").refused(2, &["g0.ts"]);
    shell.run(&input, "g.m3u8", "--receipt g0.ts").refused(2, &["g0.ts"]);
}
