//! The segments, made once, and what other programs find in a join of them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use filmgate_tests::hostile::root;
use filmgate_tests::outside::{ffmpeg, ffprobe, made_once, output, succeed};
use filmgate_tests::shell::{Said, Shell};
use filmgate_tests::tools::{MKVMERGE, available};

/// The folder of a case, with its segments.
pub(crate) fn case(name: &str) -> PathBuf {
    static MADE: LazyLock<PathBuf> = LazyLock::new(|| {
        let script = root().join("tests/join/cases.sh");
        let text = std::fs::read(&script).expect("the script can be read");
        let hash = text.iter().fold(0u64, |h, b| h.wrapping_mul(31).wrapping_add(u64::from(*b)));
        made_once(&format!("join-{hash:016x}"), |folder| {
            succeed(Command::new("bash").arg(&script).arg(folder));
        })
    });
    let folder = MADE.join(name);
    assert!(folder.is_dir(), "there is no case {name}");
    folder
}

/// The segments of a case, in their order.
pub(crate) fn segments(name: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(case(name)).expect("the case can be read");
    let mut paths: Vec<PathBuf> = entries.map(|e| e.expect("readable").path()).collect();
    paths.sort();
    paths
}

/// Joins a case.
pub(crate) fn join(shell: &Shell, name: &str, output: &str, more: &str) -> Said {
    let mut command = shell.command();
    command.arg("join").arg(case(name)).args(["-o", output, "--json"]);
    shell.say(command.args(more.split_whitespace()))
}

/// MD5 of each decoded picture, by ffmpeg.
pub(crate) fn pictures(path: &Path) -> Vec<String> {
    let mut command = ffmpeg("");
    command.arg("-i").arg(path).args(["-map", "0:v:0", "-fps_mode", "passthrough"]);
    let text = succeed(command.args(["-f", "framemd5", "-"]));
    let text = String::from_utf8(text).expect("framemd5 is text");
    let lines = text.lines().filter(|l| !l.starts_with('#'));
    lines.filter_map(|l| l.split(',').nth(5)).map(|m| m.trim().to_owned()).collect()
}

/// The pictures of all of them.
pub(crate) fn all_pictures(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().flat_map(|p| pictures(p)).collect()
}

/// What ffmpeg complains of when it decodes everything, with a clock that can tell every time.
pub(crate) fn complaints(path: &Path) -> String {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-hide_banner", "-v", "warning", "-i"]).arg(path);
    command.args(["-map", "0:V", "-map", "0:a?", "-fps_mode", "passthrough"]);
    let out = output(command.args(["-enc_time_base", "1:90000", "-f", "null", "-"]));
    let text = String::from_utf8_lossy(&out.stderr).into_owned();
    // What it says of every mp4 with a cover, and every avi with sound.
    let usual = ["timescale not set", "Guessed Channel Layout"];
    text.lines().filter(|l| !usual.iter().any(|u| l.contains(u))).collect::<Vec<_>>().join("\n")
}

/// Times at which a burst of 1 kHz begins, in seconds, for a player that counts samples and looks
/// at no time stamp.
pub(crate) fn bursts(path: &Path) -> Vec<f64> {
    const RATE: usize = 8000;
    let mut command = ffmpeg("");
    command.arg("-i").arg(path).args(["-map", "0:a:0", "-ac", "1", "-ar", "8000"]);
    let bytes = succeed(command.args(["-f", "s16le", "-"]));
    let samples = bytes.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]]));
    let mut found = Vec::new();
    let mut silent_since = 0;
    for (at, sample) in samples.enumerate() {
        if sample.unsigned_abs() > 8000 {
            if found.is_empty() || at - silent_since > RATE / 4 {
                found.push(at as f64 / RATE as f64);
            }
            silent_since = at;
        }
    }
    found
}

/// Times of the packets of a stream as they are shown, in seconds.
pub(crate) fn times(path: &Path, stream: &str) -> Vec<f64> {
    let arguments = format!("-select_streams {stream} -show_entries packet=pts_time");
    let found = ffprobe(path, &arguments);
    let packets = found["packets"].as_array().expect("packets");
    let time = |p: &serde_json::Value| p["pts_time"].as_str().and_then(|t| t.parse().ok());
    let mut times: Vec<f64> = packets.iter().filter_map(time).collect();
    times.sort_by(f64::total_cmp);
    times
}

/// What mkvmerge says of the tracks of a file, for it is picky about broken ones; what ffprobe says
/// where mkvmerge is left out.
pub(crate) fn tracks_by_mkvmerge(path: &Path) -> Vec<String> {
    if !available(&MKVMERGE) {
        let found = ffprobe(path, "-show_entries stream=codec_type");
        let streams = found["streams"].as_array().expect("streams");
        let kind = |s: &serde_json::Value| s["codec_type"].as_str().unwrap_or_default().to_owned();
        return streams.iter().map(kind).collect();
    }
    let out = succeed(Command::new("mkvmerge").args(["-J"]).arg(path));
    let found: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
    assert_eq!(found["errors"].as_array().map(Vec::len), Some(0), "{found}");
    assert_eq!(found["container"]["supported"], true, "{found}");
    let tracks = found["tracks"].as_array().expect("tracks");
    tracks.iter().map(|t| t["type"].as_str().unwrap_or_default().to_owned()).collect()
}
