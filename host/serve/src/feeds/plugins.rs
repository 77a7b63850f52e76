//! Plugins for feeds: those of the plugin folders by name, and those that were uploaded, by digest.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use filmgate_core::digest;
use filmgate_core::publish;
use serde_json::Value;

use crate::child::PARENT;
use crate::error::Fault;

/// What the names of uploaded plugins begin with.
const UPLOADED: &str = "upload/";

/// The most bytes of a plugin.
pub(crate) const MOST: usize = 64 << 20;

/// Where uploaded plugins are.
pub(crate) struct Plugins {
    folder: PathBuf,
}

impl Plugins {
    pub(super) fn new(root: &Path) -> Plugins {
        Plugins { folder: root.join(".filmgate/plugins") }
    }

    /// All plugins of the plugin folders, as `plugin list --json` has them.
    ///
    /// # Errors
    /// `System`.
    pub(crate) fn list(&self) -> Result<Value, Fault> {
        self.ask(&["list", "--json"], None)
    }

    /// Keeps a plugin that is sound; what `plugin check --json` says of it, and the name by which a
    /// chain takes it.
    ///
    /// # Errors
    /// `Request` with the reason where it is not; `Full`, `System`.
    pub(crate) fn add(&self, bytes: &[u8]) -> Result<(String, Value), Fault> {
        let sha256 = digest::of_bytes(bytes);
        let path = self.path(&sha256);
        publish::make_folders(&self.folder).map_err(|e| Fault::system("the plugins", e))?;
        // It is checked before it has its name.
        let candidate = self.folder.join(format!(".{sha256}.{}.wasm", std::process::id()));
        let system = |e| Fault::system("the plugin", e);
        let written = fs::write(&candidate, bytes).map_err(system);
        let report = written.and_then(|()| self.ask(&["check", "--json"], Some(&candidate)));
        let report = match report {
            Ok(report) if report["passed"] == Value::Bool(true) => report,
            other => {
                let _ = fs::remove_file(&candidate);
                let unsound =
                    |report| Fault::Request(format!("the plugin does not pass: {report}"));
                return Err(other.map_or_else(|e| e, unsound));
            }
        };
        fs::rename(&candidate, &path).map_err(system)?;
        Ok((format!("{UPLOADED}{sha256}"), report))
    }

    fn path(&self, sha256: &str) -> PathBuf {
        self.folder.join(format!("{sha256}.wasm"))
    }

    /// A plugin of a chain, as a worker is given it.
    ///
    /// # Errors
    /// `Request` for a path: only names are taken, so that nobody can have files read.
    pub(crate) fn given(&self, text: &str) -> Result<String, Fault> {
        let end = text.find(':').unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let digest = name.strip_prefix(UPLOADED);
        if let Some(sha256) = digest {
            let is_digest = sha256.len() == 64 && sha256.bytes().all(|b| b.is_ascii_hexdigit());
            let path = self.path(sha256);
            if !is_digest || !path.is_file() {
                return Err(Fault::Request(format!("there is no plugin {name}")));
            }
            return Ok(format!("{}{rest}", path.display()));
        }
        if name.contains('/') || name.ends_with(".wasm") || name.starts_with('.') {
            let reason = "plugins are given by name here, not by path";
            return Err(Fault::Request(format!("{name}: {reason}")));
        }
        Ok(text.to_owned())
    }

    /// The same for people: uploaded plugins by their names.
    pub(crate) fn shown(&self, text: &str) -> String {
        let folder = format!("{}/", self.folder.display());
        match text.strip_prefix(&folder).and_then(|rest| rest.split_once(".wasm")) {
            Some((sha256, rest)) => format!("{UPLOADED}{sha256}{rest}"),
            None => text.to_owned(),
        }
    }

    /// Runs the program: what a plugin does wrong is not done in the server.
    fn ask(&self, arguments: &[&str], file: Option<&Path>) -> Result<Value, Fault> {
        let failed = |e| Fault::system("filmgate plugin", e);
        let output = Command::new("/proc/self/exe")
            .arg("plugin")
            .args(arguments)
            .args(file)
            .env(PARENT, std::process::id().to_string())
            .stdin(Stdio::null())
            .output()
            .map_err(failed)?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let path = file.map(|f| format!("plugin {}", f.display())).unwrap_or_default();
            let reason = said.trim().trim_start_matches("filmgate: ").replace(&path, "the plugin");
            return Err(Fault::Request(reason));
        }
        serde_json::from_slice(&output.stdout).map_err(|e| failed(e.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_name_no_files() {
        let plugins = Plugins::new(Path::new("/srv/root"));
        assert_eq!(plugins.given("emboss:planes=all").expect("a name"), "emboss:planes=all");
        for text in ["/etc/passwd", "../x", "a.wasm", "./a", "upload/../../etc", "upload/ff"] {
            assert!(plugins.given(text).is_err(), "{text}");
        }
        let digest = "0".repeat(64);
        let path = format!("/srv/root/.filmgate/plugins/{digest}.wasm:a=b");
        assert_eq!(plugins.shown(&path), format!("upload/{digest}:a=b"));
    }
}
