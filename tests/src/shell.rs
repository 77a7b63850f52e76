//! filmgate at the shell: a folder to work in, and what the program said and left there.

use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::hostile::{built_in, program};
use crate::outside::workshop;
use crate::tools::{SHM, available};

/// What a run said and how it ended.
#[derive(Debug)]
pub struct Said {
    /// none when a signal ended it
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Said {
    /// The result, printed as JSON and nothing else.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("no JSON: {e}: {self:?}"))
    }

    /// Checks that it ended well.
    pub fn done(self) -> Said {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// Checks that it ended with this code and one clear message, which holds all of `parts`.
    pub fn refused(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(self.stdout.is_empty(), "a failure prints no result: {self:?}");
        for part in parts {
            assert!(self.stderr.contains(part), "{part:?} is not said: {}", self.stderr);
        }
        let ours = |line: &&str| line.starts_with("filmgate: ") || line.starts_with("error: ");
        assert_eq!(self.stderr.lines().filter(ours).count(), 1, "one message: {}", self.stderr);
        // Usage errors come from the parser of the command line and show the usage, too.
        assert!(code == 2 || self.stderr.lines().count() == 1, "one line: {}", self.stderr);
        for part in ["panicked", "stack backtrace", "RUST_BACKTRACE", "wasm backtrace", "src/"] {
            assert!(!self.stderr.contains(part), "{part}: {}", self.stderr);
        }
    }
}

/// A folder of its own for one test, removed behind it.
pub struct Shell {
    folder: TempDir,
    /// what programs take for the user's own folder
    home: TempDir,
}

impl Default for Shell {
    fn default() -> Shell {
        Shell::new()
    }
}

impl Shell {
    pub fn new() -> Shell {
        Shell::of(tempfile::tempdir())
    }

    /// A folder where nothing is waited for until it is on a disk. It is one on the disk, and
    /// slow, where `FILMGATE_SKIP` names `shm`.
    pub fn in_memory() -> Shell {
        if available(&SHM) { Shell::of(tempfile::tempdir_in("/dev/shm")) } else { Shell::new() }
    }

    /// A folder on another file system than this one, to which nothing can be renamed; none where
    /// `FILMGATE_SKIP` names `shm`.
    pub fn on_another_disk(&self) -> Option<Shell> {
        if !available(&SHM) {
            return None;
        }
        let other = Shell::in_memory();
        let disk = |shell: &Shell| shell.folder().metadata().expect("it is there").dev();
        let here = self.folder().display();
        assert_ne!(disk(self), disk(&other), "{here} is in /dev/shm too: set TMPDIR to a disk");
        Some(other)
    }

    fn of(folder: std::io::Result<TempDir>) -> Shell {
        let home = tempfile::tempdir().expect("a home");
        Shell { folder: folder.expect("a folder to work in"), home }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The user's own folder; `share` and `cache` in it are those of XDG.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    pub fn path(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.folder().join(Path::new(&name))
    }

    pub fn write(&self, name: impl AsRef<OsStr>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        path
    }

    /// Puts a file there under another name.
    pub fn copy(&self, from: &Path, name: impl AsRef<OsStr>) -> PathBuf {
        let path = self.path(name);
        std::fs::copy(from, &path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        path
    }

    /// The names there, hidden ones too, sorted.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder()).expect("the folder can be read");
        let mut names: Vec<String> = entries
            .map(|e| e.expect("an entry can be read").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// filmgate in the folder, with the built plugins, and away from the user's own folders.
    pub fn command(&self) -> Command {
        let mut command = Command::new(program());
        self.settle(&mut command);
        command
    }

    /// Gives any program the same surroundings.
    pub fn settle(&self, command: &mut Command) {
        let plugins = built_in("emboss");
        let home = self.home.path();
        command
            .current_dir(self.folder())
            .stdin(Stdio::null())
            .env("FILMGATE_CACHE_DIR", workshop().join("cache"))
            .env("FILMGATE_PLUGIN_PATH", plugins.parent().expect("it lies in a folder"))
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env("XDG_DATA_HOME", home.join("share"))
            .env("HOME", home)
            .env("RUST_BACKTRACE", "1")
            .env_remove("RUST_LOG");
    }

    /// Runs filmgate with arguments that have no spaces in them.
    pub fn filmgate(&self, arguments: &str) -> Said {
        self.say(self.command().args(arguments.split_whitespace()))
    }

    /// Runs filmgate on a file, quickly and without loss, to `output`.
    pub fn run(&self, input: &Path, output: &str, arguments: &str) -> Said {
        let mut command = self.command();
        command.arg("run").arg("-i").arg(input).args(["-o", output, "--preset", "ultrafast"]);
        self.say(command.args(arguments.split_whitespace()))
    }

    pub fn say(&self, command: &mut Command) -> Said {
        let out = crate::outside::output(command);
        Said {
            code: out.status.code(),
            signal: out.status.signal(),
            stdout: String::from_utf8_lossy(&out.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&out.stderr).into_owned(),
        }
    }
}
