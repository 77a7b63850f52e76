//! `filmgate doctor`: whether everything that filmgate stands on is there and in order.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::{Value, json};

use super::exit::Exit;
use super::fixes::{self, System};
use super::out::{self, line, print, print_json};
use filmgate_core::cancel::Cancel;
use filmgate_core::frame::PlanePool;
use filmgate_core::words::{self, counted};
use filmgate_plugin::{CodeCache, Engine, Limits, Plugin, catalogue};

/// Encoders that people ask for; the first is the one that `run` takes unasked.
const ENCODERS: [&str; 8] =
    ["libx264", "libx265", "libvpx-vp9", "libsvtav1", "mpeg4", "ffv1", "mjpeg", "png"];

/// Codecs that films and cameras come in.
const DECODERS: [&str; 10] =
    ["h264", "hevc", "vp8", "vp9", "av1", "mpeg2video", "mpeg4", "prores", "mjpeg", "png"];

/// What was found.
struct Findings {
    report: Value,
    text: String,
    problems: Vec<String>,
    /// what is missing, and the command that brings it
    fixes: Vec<(String, String)>,
}

pub(super) fn run(as_json: bool, with_fixes: bool, cancel: &Cancel) -> Result<Exit> {
    let mut findings = Findings {
        report: json!({}),
        text: String::new(),
        problems: Vec::new(),
        fixes: Vec::new(),
    };
    findings.libraries();
    findings.codecs();
    // What is wrong with the cache is said below, once.
    let user = CodeCache::ForUser;
    let cached = user.folder().is_some() && user.check().is_ok();
    let cache = if cached { user } else { CodeCache::Off };
    findings.plugins(&Engine::new(&cache, &PlanePool::new(), cancel)?, cached);
    findings.cache();
    findings.limits();
    findings.sandbox();
    let exit = if findings.problems.is_empty() { Exit::Done } else { Exit::Failed };
    if as_json {
        findings.set("problems", json!(findings.problems));
        findings.set("ok", json!(findings.problems.is_empty()));
        if with_fixes {
            let fix =
                |(what, command): &(String, String)| json!({ "what": what, "command": command });
            let fixes: Vec<Value> = findings.fixes.iter().map(fix).collect();
            findings.set("fixes", json!(fixes));
        }
        print_json(&findings.report)?;
        return Ok(exit);
    }
    if findings.problems.is_empty() {
        line!(findings.text, "\nEverything is in order.")
    } else {
        line!(findings.text, "\nWhat is broken:")
    }
    for problem in &findings.problems {
        line!(findings.text, "  {problem}");
    }
    if with_fixes {
        findings.print_fixes();
    }
    print(&findings.text)?;
    Ok(exit)
}

impl Findings {
    fn set(&mut self, key: &str, value: Value) {
        self.report[key] = value;
    }

    fn fix(&mut self, what: impl Into<String>, command: impl Into<String>) {
        self.fixes.push((what.into(), command.into()));
    }

    fn print_fixes(&mut self) {
        line!(self.text, "\nWhat to type on this system:");
        if self.fixes.is_empty() {
            line!(self.text, "  nothing: all that filmgate looks for is there");
        }
        for (what, command) in &self.fixes {
            line!(self.text, "  {what}\n    {command}");
        }
    }

    fn libraries(&mut self) {
        line!(self.text, "filmgate {}", env!("CARGO_PKG_VERSION"));
        let mut all = Vec::new();
        for l in filmgate_av::libraries() {
            line!(self.text, "  {:12} {}, built with {}", l.name, l.running, l.built);
            if !l.fits {
                self.problems.push(format!(
                    "{} {} does not go with {}, which filmgate was built with: build filmgate again, or install the other",
                    l.name, l.running, l.built
                ));
                self.fix(l.name, "in filmgate's sources: make install");
            }
            all.push(
                json!({ "name": l.name, "running": l.running, "built": l.built, "fits": l.fits }),
            );
        }
        self.set("filmgate", json!(env!("CARGO_PKG_VERSION")));
        self.set("libraries", json!(all));
    }

    fn codecs(&mut self) {
        let encoders = sorted(&ENCODERS, filmgate_av::has_encoder);
        let decoders = sorted(&DECODERS, filmgate_av::has_decoder);
        for (what, (there, missing)) in [("encoders", &encoders), ("decoders", &decoders)] {
            if !missing.is_empty() {
                let what = format!("{what} {}", missing.join(" "));
                self.fixes.push((what, System::here().ffmpeg().to_owned()));
            }
            let missing = if missing.is_empty() {
                String::new()
            } else {
                format!("; not in this FFmpeg: {}", missing.join(" "))
            };
            line!(self.text, "  {what:12} {}{missing}", there.join(" "));
            self.set(what, json!(there));
            self.set(
                &format!("missing_{what}"),
                json!(if what == "encoders" { &encoders.1 } else { &decoders.1 }),
            );
        }
        if !filmgate_av::has_encoder(ENCODERS[0]) {
            self.problems.push(format!(
                "this FFmpeg has no {}, the encoder that `run` takes unasked: install one built with x264",
                ENCODERS[0]
            ));
        }
    }

    fn plugins(&mut self, engine: &Engine, cached: bool) {
        let folders = catalogue::folders();
        let named: Vec<PathBuf> = std::env::var_os("FILMGATE_PLUGIN_PATH")
            .map(|path| std::env::split_paths(&path).collect())
            .unwrap_or_default();
        let (found, unreadable) = catalogue::find_all(&folders);
        let mut loaded: Vec<(&Path, Option<String>)> = Vec::new();
        for f in &found {
            let error = Plugin::load(engine, &f.path, &Limits::default()).err();
            let error = error.map(|e| e.to_string());
            self.problems.extend(error.clone());
            if error.is_some() {
                self.fix(f.path.display().to_string(), fixes::plugin(&f.path));
            }
            loaded.push((&f.path, error));
        }
        let how = if cached { "loaded from the cache, or compiled into it" } else { "compiled" };
        line!(self.text, "plugin folders, all plugins {how}");
        let mut all = Vec::new();
        for folder in &folders {
            let here = loaded.iter().filter(|(path, _)| path.parent() == Some(folder));
            let (sound, broken) = (
                here.clone().filter(|(_, e)| e.is_none()).count(),
                here.clone().filter(|(_, e)| e.is_some()).count(),
            );
            let denied = unreadable.iter().find(|(f, _)| f == folder).map(|(_, e)| e.to_string());
            let state = match (&denied, folder.is_dir()) {
                (Some(e), _) => format!("cannot be read: {e}"),
                (None, false) => "is not there".to_owned(),
                (None, true) if broken > 0 => format!("{sound} plugins, {broken} do not load"),
                (None, true) => format!("{sound} plugins"),
            };
            line!(self.text, "  {}: {state}", folder.display());
            if denied.is_some() || (!folder.is_dir() && named.contains(folder)) {
                self.problems.push(format!("plugin folder {}: {state}", folder.display()));
                let command = match denied {
                    Some(_) => fixes::readable(folder),
                    None => fixes::folder(folder),
                };
                self.fix(format!("plugin folder {}", folder.display()), command);
            }
            let broken: Vec<Value> = here
                .filter_map(|(path, e)| {
                    Some(json!({ "path": out::text(path), "error": e.as_ref()? }))
                })
                .collect();
            all.push(json!({ "path": out::text(folder), "there": folder.is_dir(), "plugins": sound, "broken": broken, "error": denied }));
        }
        self.set("plugin_folders", json!(all));
    }

    fn cache(&mut self) {
        let folder = CodeCache::ForUser.folder();
        let (state, size) = match (&folder, CodeCache::ForUser.check()) {
            (None, _) => ("off: plugins are compiled anew each time".to_owned(), 0),
            (Some(folder), Ok(())) => {
                let (files, bytes) = contents(folder);
                (format!("usable, {}, {}", counted(files, "file"), words::bytes(bytes)), bytes)
            }
            (Some(folder), Err(reason)) => {
                self.problems.push(format!("cache folder {} {reason}", folder.display()));
                self.fix("cache of compiled plugins", fixes::own_folder(folder));
                (reason, 0)
            }
        };
        let path = folder.as_deref().map(out::text);
        line!(self.text, "cache of compiled plugins");
        line!(self.text, "  {}: {state}", path.as_deref().unwrap_or("no folder"));
        self.set("cache", json!({ "path": path, "state": state, "bytes": size }));
    }

    /// What the kernel can lock in. That it lacks something is no fault: `--sandbox auto` goes on.
    fn sandbox(&mut self) {
        let found = filmgate_sandbox::support();
        let landlock = match found.landlock {
            0 => "no Landlock".to_owned(),
            version => format!("Landlock version {version}"),
        };
        let seccomp = if found.seccomp { "seccomp" } else { "no seccomp" };
        let whole = if found.is_whole() { "works" } else { "refuses to start" };
        line!(self.text, "sandbox");
        line!(self.text, "  {landlock}, {seccomp}: --sandbox require {whole}");
        self.set(
            "sandbox",
            json!({ "landlock": found.landlock, "seccomp": found.seccomp, "whole": found.is_whole() }),
        );
    }

    fn limits(&mut self) {
        let limits = Limits::default();
        let (deadline, memory) = (limits.deadline.as_millis(), limits.memory >> 20);
        let workers = filmgate_engine::default_workers();
        line!(self.text, "limits of a plugin, unless others are given");
        line!(
            self.text,
            "  {deadline} ms a call, {memory} MiB of memory, {} frames held",
            limits.frames
        );
        line!(self.text, "  {workers} threads for parallel plugins");
        self.set(
            "limits",
            json!({ "deadline_ms": u64::try_from(deadline).unwrap_or(u64::MAX), "memory_mib": memory, "frames": limits.frames, "workers": workers }),
        );
    }
}

/// Those that there are, and those that there are not.
fn sorted(
    names: &[&'static str],
    there: impl Fn(&str) -> bool,
) -> (Vec<&'static str>, Vec<&'static str>) {
    names.iter().partition(|name| there(name))
}

/// Files below a folder, and their bytes. Links are not followed.
fn contents(folder: &Path) -> (u64, u64) {
    let (mut files, mut bytes) = (0, 0);
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() => {
                    files += 1;
                    bytes += entry.metadata().map_or(0, |m| m.len());
                }
                _ => {}
            }
        }
    }
    (files, bytes)
}
