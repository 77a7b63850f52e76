//! `filmgate plugin`: look at plugins, try them out, make them.

use std::io::Write;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;
use serde::Serialize;
use serde_json::json;

use super::args::{PluginCommand, World};
use super::author;
use super::exit::{Exit, WithExit};
use super::options::LimitOptions;
use super::out::{line, lossy, print, print_json};
use super::packages;
use filmgate_core::cancel::Cancel;
use filmgate_core::collide::Files;
use filmgate_core::frame::PlanePool;
use filmgate_core::publish::Aside;
use filmgate_engine::spec::{PluginSpec, Request, Single, SpecError};
use filmgate_plugin::catalogue::Found;
use filmgate_plugin::check::{Outcome, Trial, check};
use filmgate_plugin::{
    self, CodeCache, Description, Engine, Limits, Plugin, PluginError, Reach, catalogue, package,
};

pub fn run(command: PluginCommand, cancel: &Cancel) -> Result<Exit> {
    match command {
        PluginCommand::List { json } => list(json.json, cancel),
        PluginCommand::Inspect { plugin, json } => inspect(&plugin, json.json, cancel),
        PluginCommand::Check { plugin, limits, json } => {
            try_out(&plugin, limits, json.json, cancel)
        }
        PluginCommand::Pack { module, output, world, adapter } => {
            pack(&module, &output, world, &adapter)
        }
        PluginCommand::Author(command) => author::run(command, cancel),
        PluginCommand::Package(command) => packages::run(command, cancel),
    }
}

/// What is known of a plugin, for people and programs.
#[derive(Serialize)]
struct Report {
    /// what `-p` takes
    name: String,
    #[serde(serialize_with = "lossy")]
    path: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    hidden_by: Option<String>,
    /// of a package: whether it came with a signature
    #[serde(skip_serializing_if = "Option::is_none")]
    signed: Option<bool>,
    #[serde(flatten)]
    facts: Facts,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Facts {
    Loaded(Box<Loaded>),
    Failed { error: String },
}

#[derive(Serialize)]
struct Loaded {
    kind: filmgate_plugin::Kind,
    interface: String,
    size: u64,
    sha256: String,
    imports: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    formats: Option<Vec<&'static str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrency: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reach: Option<Reach>,
    #[serde(skip_serializing_if = "Option::is_none")]
    live: Option<bool>,
    about: Description,
}

impl Loaded {
    fn of(plugin: &Plugin) -> Loaded {
        let filter = plugin.filter.as_ref();
        Loaded {
            kind: plugin.kind,
            interface: plugin.interface.clone(),
            size: plugin.size,
            sha256: plugin.digest.clone(),
            imports: plugin.imports.clone(),
            formats: filter.map(|f| f.formats.iter().map(|p| p.name()).collect()),
            concurrency: filter.map(|f| if f.parallel { "parallel" } else { "serial" }),
            reach: filter.and_then(|f| f.reach),
            live: filter.map(|f| f.live),
            about: plugin.description.clone(),
        }
    }
}

fn list(as_json: bool, cancel: &Cancel) -> Result<Exit> {
    let engine = Engine::new(&CodeCache::ForUser, &PlanePool::new(), cancel)?;
    let folders = catalogue::folders();
    let (found, unreadable) = catalogue::find_all(&folders);
    let reports = reports(&engine, found);
    let packages = packages_here(&engine);
    interrupted(cancel)?;
    if as_json {
        let unreadable: Vec<_> = unreadable
            .iter()
            .map(|(path, e)| json!({ "path": path.to_string_lossy(), "error": e.to_string() }))
            .collect();
        let folders: Vec<_> = folders.iter().map(|f| f.to_string_lossy()).collect();
        print_json(
            &json!({ "folders": folders, "unreadable": unreadable, "plugins": reports, "packages": packages }),
        )?;
        return Ok(Exit::Done);
    }
    let mut out = list_text(&reports, &folders);
    packages_text(&mut out, &packages);
    for (folder, e) in unreadable {
        line!(out, "\n{}: cannot be read: {e}", folder.display());
    }
    print(&out)?;
    Ok(Exit::Done)
}

/// Loads all of them, shared out among the processors.
fn reports(engine: &Engine, found: Vec<Found>) -> Vec<Report> {
    let report = |f: &Found| Report {
        facts: match Plugin::load(engine, &f.path, &Limits::default()) {
            Ok(plugin) => Facts::Loaded(Box::new(Loaded::of(&plugin))),
            Err(e) => Facts::Failed { error: e.to_string() },
        },
        name: f.name.clone(),
        path: f.path.clone(),
        hidden_by: f.hidden_by.as_ref().map(|p| p.display().to_string()),
        signed: None,
    };
    let workers = std::thread::available_parallelism().map_or(1, NonZero::get);
    let share = found.len().div_ceil(workers).max(1);
    std::thread::scope(|scope| {
        let parts: Vec<_> = found
            .chunks(share)
            .map(|part| scope.spawn(move || part.iter().map(report).collect::<Vec<_>>()))
            .collect();
        let joined = parts.into_iter().map(|part| part.join());
        joined.flat_map(|part| part.unwrap_or_else(|e| std::panic::resume_unwind(e))).collect()
    })
}

/// The packages that were pulled, each checked by its digest.
fn packages_here(engine: &Engine) -> Vec<Report> {
    let report = |pulled: package::Pulled| {
        let loaded = catalogue::locate(&pulled.name, &[])
            .and_then(|located| Plugin::load_located(engine, &located, &Limits::default()));
        let facts = match loaded {
            Ok(plugin) => Facts::Loaded(Box::new(Loaded::of(&plugin))),
            Err(e) => Facts::Failed { error: e.to_string() },
        };
        let (name, path) = (pulled.name, pulled.path);
        Report { name, path, hidden_by: None, signed: Some(pulled.signed), facts }
    };
    package::pulled().into_iter().map(report).collect()
}

fn packages_text(out: &mut String, packages: &[Report]) {
    if !packages.is_empty() {
        line!(out, "packages");
    }
    for package in packages {
        let signed = if package.signed == Some(true) { ", signed" } else { "" };
        line!(out, "  {}", package.name);
        match &package.facts {
            Facts::Loaded(l) => line!(
                out,
                "      {} {} {}: {}{signed}",
                l.kind.name(),
                l.about.name,
                l.about.version,
                l.about.summary
            ),
            Facts::Failed { error } => line!(out, "      does not load: {error}"),
        }
    }
}

fn list_text(reports: &[Report], folders: &[PathBuf]) -> String {
    let mut out = String::new();
    let loaded = |r: &Report| match &r.facts {
        Facts::Loaded(l) => {
            Some((r.name.clone(), l.kind.name(), l.about.version.clone(), l.about.summary.clone()))
        }
        Facts::Failed { .. } => None,
    };
    if reports.is_empty() {
        line!(out, "No plugins. Folders that are looked in:");
        folders.iter().for_each(|f| line!(out, "  {}", f.display()));
        return out;
    }
    let width = reports.iter().map(|r| r.name.chars().count()).max().unwrap_or(0);
    for folder in folders {
        let mut here = reports.iter().filter(|r| r.path.parent() == Some(folder)).peekable();
        if here.peek().is_none() {
            continue;
        }
        line!(out, "{}", folder.display());
        for report in here {
            match loaded(report) {
                Some((name, kind, version, summary)) => {
                    let hidden = match &report.hidden_by {
                        Some(path) => format!(" (not used: {path} comes first)"),
                        None => String::new(),
                    };
                    line!(out, "  {name:width$}  {kind:8}  {version:7}  {summary}{hidden}");
                }
                None => {
                    if let Facts::Failed { error } = &report.facts {
                        line!(out, "  {:width$}  does not load: {error}", report.name);
                    }
                }
            }
        }
    }
    out
}

fn inspect(name: &str, as_json: bool, cancel: &Cancel) -> Result<Exit> {
    let engine = Engine::new(&CodeCache::ForUser, &PlanePool::new(), cancel)?;
    let located = catalogue::locate(name, &catalogue::folders())?;
    let plugin = Plugin::load_located(&engine, &located, &Limits::default())?;
    let path = located.path;
    if as_json {
        let report = Report {
            name: file_name(&path),
            path,
            hidden_by: None,
            signed: None,
            facts: Facts::Loaded(Box::new(Loaded::of(&plugin))),
        };
        print_json(&report)?;
    } else {
        print(&plugin_text(&plugin))?;
    }
    Ok(Exit::Done)
}

fn file_name(path: &Path) -> String {
    path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default()
}

fn plugin_text(plugin: &Plugin) -> String {
    let mut out = String::new();
    let about = &plugin.description;
    line!(out, "{} {} — {}", about.name, about.version, about.summary);
    line!(out, "  file        {}", plugin.path.display());
    line!(out, "  size        {} bytes", plugin.size);
    line!(out, "  sha256      {}", plugin.digest);
    line!(out, "  kind        {}, interface {}", plugin.kind.name(), plugin.interface);
    if let Some(filter) = &plugin.filter {
        let names: Vec<&str> = filter.formats.iter().map(|f| f.name()).collect();
        line!(out, "  formats     {}", names.join(" "));
        let runs = match (filter.parallel, filter.reach) {
            (true, _) => "parallel: frames are shared out between workers".to_owned(),
            (false, None) => "serial: one instance sees every frame, in order".to_owned(),
            (false, Some(reach)) => format!(
                "serial, looks at {} frames before and {} behind: pieces of the stream are shared \
                 out between workers",
                reach.before, reach.after
            ),
        };
        line!(out, "  runs        {runs}");
        if filter.live {
            line!(out, "  live        takes other parameters while it runs");
        }
    }
    let imports =
        if plugin.imports.is_empty() { "nothing".to_owned() } else { plugin.imports.join(" ") };
    line!(out, "  imports     {imports}");
    for (name, text) in &about.more {
        line!(out, "  {name:10}  {text}");
    }
    if about.parameters.is_empty() {
        line!(out, "  parameters  none")
    } else {
        line!(out, "  parameters")
    }
    for p in &about.parameters {
        let default = match (&p.default, p.required) {
            (Some(value), _) => format!("; default {value}"),
            (None, true) => "; must be given".to_owned(),
            (None, false) => String::new(),
        };
        line!(out, "    {}: {}{default}", p.name, filmgate_plugin::takes(p));
        line!(out, "        {}", p.summary);
    }
    out
}

fn try_out(text: &str, limits: LimitOptions, as_json: bool, cancel: &Cancel) -> Result<Exit> {
    let plugins = [text.parse::<PluginSpec>().map_err(SpecError::usage)?];
    let request = Request {
        plugins: &plugins,
        on_failure: None,
        deadline: limits.deadline,
        memory: limits.memory,
        grants: &limits.grant,
    };
    let engine = Engine::new(&CodeCache::ForUser, &PlanePool::new(), cancel)?;
    let begun = Instant::now();
    let loaded = request.load_each(&engine)?.pop();
    let Single { plugin, parameters, .. } =
        loaded.ok_or_else(|| SpecError::usage("no plugin is given"))?;
    let path = plugin.path.clone();
    let load = begun.elapsed();
    let trials = check(&plugin, &parameters);
    interrupted(cancel)?;
    let failed = trials.iter().filter(|t| matches!(t.outcome, Outcome::Failed(_))).count();
    if as_json {
        let trials: Vec<_> = trials.iter().map(trial_json).collect();
        print_json(
            &json!({ "plugin": Loaded::of(&plugin), "path": path.to_string_lossy(), "passed": failed == 0, "load_ms": load.as_secs_f64() * 1e3, "trials": trials }),
        )?;
    } else {
        let mut out = plugin_text(&plugin);
        line!(out, "  loaded      in {:.3} s", load.as_secs_f64());
        line!(out, "  tried");
        trials.iter().for_each(|t| trial_text(&mut out, t));
        print(&out)?;
    }
    match failed {
        0 => Ok(Exit::Done),
        _ => Err(WithExit::new(
            Exit::PluginBroke,
            format!("{}: {failed} of {} trials failed", path.display(), trials.len()),
        )
        .into()),
    }
}

/// What an interrupted plugin has to say is no finding.
fn interrupted(cancel: &Cancel) -> Result<()> {
    if cancel.is_cancelled() {
        Err(WithExit::new(Exit::Interrupted, "interrupted").into())
    } else {
        Ok(())
    }
}

fn trial_json(trial: &Trial) -> serde_json::Value {
    let (outcome, message) = match &trial.outcome {
        Outcome::Passed => ("passed", None),
        Outcome::Declined(m) => ("declined", Some(m)),
        Outcome::Failed(m) => ("failed", Some(m)),
    };
    json!({
        "name": trial.name,
        "outcome": outcome,
        "message": message,
        "ms_a_frame": trial.time.map(|t| t.as_secs_f64() * 1e3),
        "memory_bytes": trial.memory,
    })
}

fn trial_text(out: &mut String, trial: &Trial) {
    let time = trial
        .time
        .map(|t| format!("  {:.3} ms a frame", t.as_secs_f64() * 1e3))
        .unwrap_or_default();
    let memory = match (trial.time, trial.memory) {
        (Some(_), Some(bytes)) => format!(", {:.1} MiB", bytes as f64 / f64::from(1 << 20)),
        _ => String::new(),
    };
    match &trial.outcome {
        Outcome::Passed => line!(out, "    {:24} ok{time}{memory}", trial.name),
        Outcome::Declined(m) => line!(out, "    {:24} declined: {m}", trial.name),
        Outcome::Failed(m) => line!(out, "    {:24} FAILED: {m}", trial.name),
    }
}

fn pack(module: &Path, output: &Path, world: Option<World>, adapters: &[String]) -> Result<Exit> {
    let mut files = Files::default();
    files.reads("the module", module);
    for (_, file) in adapters.iter().filter_map(|a| a.split_once('=')) {
        files.reads("an adapter", Path::new(file));
    }
    files.writes("the output", output);
    files.check()?;
    let bytes = read(module)?;
    let adapters = adapters.iter().map(|a| adapter(a)).collect::<Result<Vec<_>>>()?;
    let component =
        filmgate_plugin::pack(&bytes, world.map(World::name), &adapters).map_err(|e| {
            WithExit::new(
                Exit::PluginNotAComponent,
                format!("{}: cannot be made a component: {e}", module.display()),
            )
        })?;
    let aside = Aside::create(output, true)?;
    aside
        .file()
        .and_then(|mut file| file.write_all(&component))
        .map_err(|e| WithExit::new(Exit::OutputWrite, format!("{}: {e}", output.display())))?;
    aside.publish()?;
    Ok(Exit::Done)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    Ok(filmgate_plugin::read_plain(path, filmgate_plugin::COMPONENT_BYTES)
        .map_err(|source| PluginError::Read { path: path.to_owned(), source })?)
}

fn adapter(text: &str) -> Result<(String, Vec<u8>)> {
    let (name, file) = text
        .split_once('=')
        .ok_or_else(|| WithExit::new(Exit::Usage, format!("--adapter {text}: not NAME=FILE")))?;
    Ok((name.to_owned(), read(Path::new(file))?))
}
