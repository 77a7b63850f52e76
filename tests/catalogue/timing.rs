//! `fps`: the frames that come out, and their times, are those of FFmpeg's `fps` filter with
//! `round=near`, on real files with constant, variable and jumping timestamps.

use std::path::{Path, PathBuf};

use filmgate_tests::outside::{ffmpeg, ffprobe, made, succeed};
use filmgate_tests::shell::Shell;

/// Frames of different content at the times that `setpts` gives them, in a time base of ms.
fn film(setpts: &str) -> PathBuf {
    made(
        "times.mkv",
        &format!(
            "-f lavfi -i testsrc2=size=96x64:rate=30:duration=3 -vf setpts={setpts} \
             -fps_mode passthrough -pix_fmt yuv420p -c:v ffv1 -g 1"
        ),
    )
}

/// The checksum of each decoded frame of a file, through FFmpeg's filters.
fn checksums(path: &Path, filters: &str) -> Vec<String> {
    let mut command = ffmpeg("");
    command.arg("-i").arg(path).args(["-map", "0:v:0", "-vf", filters, "-pix_fmt", "yuv420p"]);
    command.args(["-fps_mode", "passthrough", "-f", "framemd5", "-"]);
    let text = String::from_utf8(succeed(&mut command)).expect("framemd5 prints ASCII");
    let frames = text.lines().filter(|line| !line.starts_with('#'));
    frames.map(|line| line.rsplit(',').next().unwrap_or("").trim().to_owned()).collect()
}

/// Runs the filter, and compares what comes out with FFmpeg's.
fn same_as_ffmpeg(setpts: &str, rate: &str, ffmpegs: &str) {
    let (shell, film) = (Shell::new(), film(setpts));
    shell.run(&film, "out.mp4", &format!("-p fps:rate={rate} --crf 0")).done();
    let out = shell.path("out.mp4");
    let ours = checksums(&out, "null");
    let theirs = checksums(&film, &format!("fps={ffmpegs}"));
    assert!(theirs.len() > 10, "{} frames are too few to tell", theirs.len());
    assert_eq!(ours, theirs, "setpts={setpts} rate={rate}");
    let stream = &ffprobe(&out, "-show_entries stream=avg_frame_rate")["streams"][0];
    assert_eq!(stream["avg_frame_rate"], ffmpegs, "setpts={setpts} rate={rate}");
}

const CONSTANT: &str = "PTS";
/// Frames between 1 and 81 ms apart.
const VARIABLE: &str = "(N*33+mod(N*N\\,48))/1000/TB";
/// Two jumps, of one second and of two.
const JUMPING: &str = "PTS+(gt(N\\,30)+2*gt(N\\,60))/TB";

#[test]
fn constant_rates_become_others() {
    for (rate, ffmpegs) in
        [("25", "25/1"), ("60", "60/1"), ("ntsc", "30000/1001"), ("12.5", "25/2"), ("10", "10/1")]
    {
        same_as_ffmpeg(CONSTANT, rate, ffmpegs);
    }
}

#[test]
fn variable_and_jumping_times_become_constant() {
    for (setpts, rate, ffmpegs) in
        [(VARIABLE, "25", "25/1"), (VARIABLE, "60000/1001", "60000/1001"), (JUMPING, "24", "24/1")]
    {
        same_as_ffmpeg(setpts, rate, ffmpegs);
    }
}

#[test]
fn wrong_rates_are_refused() {
    let (shell, film) = (Shell::new(), film(CONSTANT));
    for (rate, why) in
        [("0", "must be above 0"), ("100000", "at most 1000"), ("fast", "must be frames a second")]
    {
        let said = shell.run(&film, "out.mp4", &format!("-p fps:rate={rate}"));
        said.refused(11, &["fps", "rate", why]);
        assert!(shell.names().is_empty());
    }
}
