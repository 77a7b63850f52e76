//! The outside world of the tests: `ffmpeg`, `ffprobe` and Python, which judge what filmgate does,
//! and clips that ffmpeg makes.

use std::collections::hash_map::DefaultHasher;
use std::ffi::OsStr;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use serde_json::Value;

use crate::hostile::root;

/// A folder for what is made once and used by many tests, in the build's own.
pub fn workshop() -> PathBuf {
    let folder = root().join("target/tmp/filmgate-tests");
    std::fs::create_dir_all(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    folder
}

/// Runs a program that must be there, and gives its output whatever that is.
pub fn output(command: &mut Command) -> Output {
    let program = command.get_program().to_string_lossy().into_owned();
    command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|e| panic!("{program} cannot be run: {e}; `make setup` installs it"))
}

/// Runs a program that must succeed, and gives its stdout.
pub fn succeed(command: &mut Command) -> Vec<u8> {
    let out = output(command);
    assert!(
        out.status.success(),
        "{command:?}: {}\n{}",
        out.status,
        String::from_utf8_lossy(&out.stderr)
    );
    out.stdout
}

/// `ffmpeg` without its banner; `arguments` as in a shell, split at spaces.
pub fn ffmpeg(arguments: &str) -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-hide_banner", "-y", "-v", "error"]);
    command.args(arguments.split_whitespace());
    command
}

/// ffmpeg's options in front of `-i FILE` and behind it which have a copied stream shown rotated by
/// a quarter turn: FFmpeg 6.0 brought an option for that, and 7.0 no longer heeds the tag.
pub fn rotating() -> (&'static str, &'static str) {
    static OPTIONS: OnceLock<(&str, &str)> = OnceLock::new();
    *OPTIONS.get_or_init(|| {
        let option = "-display_rotation 90";
        let tried =
            ffmpeg(option).args(["-f", "lavfi", "-i", "nullsrc=d=0.1", "-f", "null", "-"]).output();
        if tried.is_ok_and(|out| out.status.success()) {
            (option, "")
        } else {
            ("", "-metadata:s:v rotate=90")
        }
    })
}

/// `from` copied to `to`, to be shown rotated by a quarter turn.
pub fn rotated(from: &Path, to: &Path) {
    let (before, behind) = rotating();
    let mut command = ffmpeg(before);
    command.arg("-i").arg(from).args(["-c", "copy"]).args(behind.split_whitespace());
    succeed(command.arg(to));
}

/// What `make` puts under the path that it is given, as `name` in the workshop. Made once; other
/// test programs, of other process namespaces too, may be making the same meanwhile.
pub fn made_once(name: &str, make: impl FnOnce(&Path)) -> PathBuf {
    static MAKING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    let path = workshop().join(name);
    if !path.exists() {
        let aside = tempfile::tempdir_in(workshop()).expect("a folder to make it in");
        // With the name's ending, by which programs choose a format.
        let made = aside.path().join(name);
        make(&made);
        // A folder does not replace the one of somebody who was faster.
        if let Err(e) = std::fs::rename(&made, &path) {
            assert!(path.exists(), "{}: {e}", path.display());
        }
    }
    path
}

/// A clip made by ffmpeg, with `arguments` between its common ones and the file's name. Made once.
pub fn made(name: &str, arguments: &str) -> PathBuf {
    let mut hash = DefaultHasher::new();
    arguments.hash(&mut hash);
    made_once(&format!("{:016x}-{name}", hash.finish()), |path| {
        succeed(ffmpeg(arguments).arg(path));
    })
}

/// Sound and moving picture, one second, 320x180 at 25 a second, as a file of the given name.
/// `more` are further options of ffmpeg's for the output.
pub fn small(name: &str, more: &str) -> PathBuf {
    made(
        name,
        &format!(
            "-f lavfi -i testsrc2=size=320x180:rate=25:duration=1 \
             -f lavfi -i sine=frequency=440:sample_rate=44100:duration=1 \
             -c:v libx264 -preset veryfast -c:a aac {more}"
        ),
    )
}

/// What ffprobe knows, as JSON; `arguments` as in a shell.
pub fn ffprobe(path: &Path, arguments: &str) -> Value {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-of", "json"]).args(arguments.split_whitespace()).arg(path);
    serde_json::from_slice(&succeed(&mut command)).expect("ffprobe prints JSON")
}

/// The decoded pictures of the first video stream, one after the other.
pub fn pictures(path: &Path, format: &str, most: u32) -> Vec<u8> {
    let mut command = ffmpeg("");
    command.arg("-i").arg(path).args(["-map", "0:v:0", "-fps_mode", "passthrough"]);
    command.args(["-frames:v", &most.to_string(), "-f", "rawvideo", "-pix_fmt", format, "-"]);
    succeed(&mut command)
}

/// What ffmpeg complains of when it decodes everything.
pub fn complaints(path: &Path) -> String {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-hide_banner", "-v", "warning", "-i"]).arg(path);
    command.args(["-map", "0:v", "-map", "0:a?", "-fps_mode", "passthrough", "-f", "null", "-"]);
    let out = output(&mut command);
    String::from_utf8_lossy(&out.stderr).into_owned()
}

/// Python with Pillow and numpy.
pub fn python() -> PathBuf {
    let default = root().join("build/venv/bin/python");
    let path = std::env::var_os("FILMGATE_PYTHON").map_or(default, PathBuf::from);
    assert!(path.exists(), "{} is missing: `make setup-test` installs it", path.display());
    path
}

/// Runs a Python script of the tests; what it prints.
pub fn script(path: &Path, arguments: &[&OsStr]) -> String {
    let out = succeed(Command::new(python()).arg(path).args(arguments));
    String::from_utf8(out).expect("the script prints UTF-8")
}
