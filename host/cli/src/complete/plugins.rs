//! What may follow in `NAME:key=value,…`. A plugin that is broken, slow or endless hinders nobody:
//! each is loaded on a thread of its own, and what is not there in time is left out.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use clap_complete::engine::{CompletionCandidate, PathCompleter, ValueCompleter};

use filmgate_core::cancel::Cancel;
use filmgate_core::frame::PlanePool;
use filmgate_plugin::{
    CodeCache, Engine, Kind, Limits, Parameter, ParameterKind, Plugin, Value, catalogue, takes,
};

/// How long a person waits for candidates.
const PATIENCE: Duration = Duration::from_millis(1500);

/// How long a plugin may take to describe itself.
const DEADLINE: Duration = Duration::from_millis(300);

/// What may stand in the place of `typed`.
pub(super) fn candidates(typed: &str, kind: Option<Kind>) -> Vec<CompletionCandidate> {
    match typed.split_once(':') {
        None if typed.contains('/') || typed.starts_with('.') => {
            let is_plugin =
                |path: &Path| path.is_dir() || path.extension() == Some(OsStr::new("wasm"));
            PathCompleter::any().filter(is_plugin).complete(OsStr::new(typed))
        }
        None => names(typed, kind),
        Some((name, rest)) => parameters(name, rest),
    }
}

/// Names that begin with what is typed. One that is typed whole may have parameters.
fn names(typed: &str, kind: Option<Kind>) -> Vec<CompletionCandidate> {
    let (found, _) = catalogue::find_all(&catalogue::folders());
    let begins = |f: &catalogue::Found| f.hidden_by.is_none() && f.name.starts_with(typed);
    let paths = found.into_iter().filter(begins).map(|f| f.path).collect();
    let mut out = Vec::new();
    for plugin in load(paths) {
        if kind.is_some_and(|kind| kind != plugin.kind) {
            continue;
        }
        let stem = plugin.path.file_stem().unwrap_or_default().to_string_lossy();
        let summary = plugin.description.summary.clone();
        out.push(candidate(stem.clone(), summary.clone()));
        if stem == typed && !plugin.description.parameters.is_empty() {
            out.push(candidate(format!("{stem}:"), summary));
        }
    }
    out.sort_by(|a, b| a.get_value().cmp(b.get_value()));
    out
}

/// Parameters that are not set yet, or the values of the one that is being typed.
fn parameters(name: &str, rest: &str) -> Vec<CompletionCandidate> {
    let Ok(path) = catalogue::find(name, &catalogue::folders()) else { return Vec::new() };
    let Some(plugin) = load(vec![path]).pop() else { return Vec::new() };
    let known = &plugin.description.parameters;
    let (done, last) = rest.rsplit_once(',').map_or(("", rest), |(done, last)| (done, last));
    let before = match done {
        "" => format!("{name}:"),
        done => format!("{name}:{done},"),
    };
    if let Some((key, value)) = last.split_once('=') {
        let parameter = known.iter().find(|p| p.name == key);
        let before = format!("{before}{key}=");
        return parameter.map(|p| values(p, value, &before)).unwrap_or_default();
    }
    let is_set = |key: &str| done.split(',').any(|pair| pair.split('=').next() == Some(key));
    let open = known.iter().filter(|p| p.name.starts_with(last) && !is_set(&p.name));
    let described = |p: &Parameter| {
        let default = p.default.as_ref().filter(|d| !matches!(d, Value::File(_)));
        let default = default.map(|d| format!(", default {d}")).unwrap_or_default();
        format!("{} ({}{default})", p.summary, takes(p))
    };
    open.map(|p| candidate(format!("{before}{}=", p.name), described(p))).collect()
}

/// Values of a parameter that begin with what is typed: all of a choice, else the default.
fn values(parameter: &Parameter, typed: &str, before: &str) -> Vec<CompletionCandidate> {
    if parameter.kind == ParameterKind::File {
        let files = PathCompleter::any().complete(OsStr::new(typed));
        return files.into_iter().map(|c| c.add_prefix(before)).collect();
    }
    let default = parameter.default.as_ref().map(ToString::to_string);
    let all: Vec<String> = match parameter.kind {
        ParameterKind::Boolean => ["true", "false"].map(String::from).to_vec(),
        ParameterKind::Choice => parameter.choices.clone(),
        _ => default.clone().into_iter().filter(|d| !d.is_empty()).map(|d| escaped(&d)).collect(),
    };
    let fits = all.into_iter().filter(|value| value.starts_with(typed));
    let help = |value: &String| match default.as_ref() == Some(value) {
        true => "the default".to_owned(),
        false => parameter.summary.clone(),
    };
    fits.map(|value| candidate(format!("{before}{value}"), help(&value))).collect()
}

fn candidate(value: impl Into<String>, help: String) -> CompletionCandidate {
    CompletionCandidate::new(value.into()).help(Some(help.into()))
}

/// A value as `NAME:key=value` takes it.
fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        if matches!(c, ',' | ':' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// The plugins of these files that load in time.
fn load(paths: Vec<PathBuf>) -> Vec<Plugin> {
    let (until, threads) = (Instant::now() + PATIENCE, paths.len().min(8));
    let Ok(engine) = Engine::new(&CodeCache::ForUser, &PlanePool::new(), &Cancel::new()) else {
        return Vec::new();
    };
    let limits = Limits { deadline: DEADLINE, ..Limits::default() };
    let queue = Arc::new(Mutex::new(VecDeque::from(paths)));
    let (sender, loaded) = channel();
    for _ in 0..threads {
        let (queue, sender) = (Arc::clone(&queue), sender.clone());
        let (engine, limits) = (engine.clone(), limits.clone());
        // A thread that is late ends with the process.
        let _ = thread::Builder::new().spawn(move || {
            let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            while let Some(path) = next() {
                if let Ok(plugin) = Plugin::load(&engine, &path, &limits) {
                    let _ = sender.send(plugin);
                }
            }
        });
    }
    drop(sender);
    let mut all = Vec::new();
    while let Ok(plugin) = loaded.recv_timeout(until.saturating_duration_since(Instant::now())) {
        all.push(plugin);
    }
    all
}
