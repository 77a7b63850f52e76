//! What the tests of `split` have in common.

use std::path::{Path, PathBuf};
use std::process::Command;

use filmgate_tests::outside::{made, pictures, succeed};
use filmgate_tests::shell::{Said, Shell};

/// Three seconds of moving picture, 320x180 at 25 a second, a key frame every 25.
pub(crate) fn film() -> PathBuf {
    made("film.mkv", &format!("{MOVING} -c:v libx264 -preset ultrafast -g 25 -bf 0"))
}

/// The same as a stream.
pub(crate) fn stream(name: &str, more: &str) -> PathBuf {
    made(name, &format!("{MOVING} {more}"))
}

pub(crate) const MOVING: &str =
    "-f lavfi -i testsrc2=size=320x180:rate=25:duration=3 -pix_fmt yuv420p";

/// The stream of most tests: MPEG-TS.
pub(crate) fn transport() -> Vec<u8> {
    let path = stream("live.ts", "-c:v libx264 -preset ultrafast -g 25 -bf 0 -f mpegts");
    std::fs::read(path).expect("read")
}

/// `filmgate split` of a source into `out`.
pub(crate) fn split(
    shell: &Shell,
    source: impl AsRef<std::ffi::OsStr>,
    arguments: &str,
) -> Command {
    let mut command = shell.command();
    command.args(["split", "-o", "out", "--json", "-i"]).arg(source);
    command.args(arguments.split_whitespace());
    command
}

pub(crate) fn said(shell: &Shell, source: impl AsRef<std::ffi::OsStr>, arguments: &str) -> Said {
    shell.say(&mut split(shell, source, arguments))
}

/// The names in `out`, without hidden ones, sorted.
pub(crate) fn names(shell: &Shell) -> Vec<String> {
    all_names(&shell.path("out")).into_iter().filter(|n| !n.starts_with('.')).collect()
}

/// All names in a folder, sorted.
pub(crate) fn all_names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder can be read");
    let mut names: Vec<String> =
        entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The pictures of `out`, decoded by ffmpeg, one after the other.
pub(crate) fn decoded(shell: &Shell, format: &str) -> Vec<u8> {
    names(shell).iter().flat_map(|n| pictures(&shell.path("out").join(n), format, 1)).collect()
}

/// What ffmpeg makes of a film with a filter, or with options before its input.
pub(crate) fn reference(before: &str, film: &Path, filter: &str, format: &str) -> Vec<u8> {
    let mut command = filmgate_tests::outside::ffmpeg(before);
    command.arg("-i").arg(film).args(["-map", "0:v:0", "-fps_mode", "passthrough"]);
    if !filter.is_empty() {
        command.args(["-vf", filter]);
    }
    succeed(command.args(["-f", "rawvideo", "-pix_fmt", format, "-"]))
}

/// Whether a file is a whole JPEG: begun and ended as they are.
pub(crate) fn is_whole(jpeg: &[u8]) -> bool {
    jpeg.starts_with(&[0xff, 0xd8]) && jpeg.ends_with(&[0xff, 0xd9])
}
