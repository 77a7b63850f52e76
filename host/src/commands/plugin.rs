//! `filmgate plugin`: look at plugins, try them out, make them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::json;

use super::args::{PluginCommand, World};
use super::exit::{Exit, WithExit};
use crate::cancel::Cancel;
use crate::plugin::check::{Outcome, Trial, check};
use crate::plugin::{self, CodeCache, Description, Engine, Limits, Plugin, Reference, catalogue};

pub fn run(command: PluginCommand, cancel: &Cancel) -> Result<Exit> {
    match command {
        PluginCommand::List { json } => list(json.json, cancel),
        PluginCommand::Inspect { plugin, json } => inspect(&plugin, json.json, cancel),
        PluginCommand::Check { plugin, limits, json } => {
            try_out(&plugin, &limits.limits(), json.json, cancel)
        }
        PluginCommand::Pack { module, output, world, adapter } => {
            pack(&module, &output, world, &adapter)
        }
    }
}

/// What is known of a plugin, for people and programs.
#[derive(Serialize)]
struct Report {
    /// what `-p` takes
    name: String,
    path: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    hidden_by: Option<PathBuf>,
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
    kind: plugin::Kind,
    interface: String,
    size: u64,
    sha256: String,
    imports: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    formats: Option<Vec<&'static str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrency: Option<&'static str>,
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
            about: plugin.description.clone(),
        }
    }
}

fn list(as_json: bool, cancel: &Cancel) -> Result<Exit> {
    let engine = Engine::new(&CodeCache::ForUser, cancel)?;
    let folders = catalogue::folders();
    let (found, unreadable) = catalogue::find_all(&folders);
    let reports: Vec<Report> = found
        .into_iter()
        .map(|f| Report {
            facts: match Plugin::load(&engine, &f.path, &Limits::default()) {
                Ok(plugin) => Facts::Loaded(Box::new(Loaded::of(&plugin))),
                Err(e) => Facts::Failed { error: e.to_string() },
            },
            name: f.name,
            path: f.path,
            hidden_by: f.hidden_by,
        })
        .collect();
    if as_json {
        let unreadable: Vec<_> = unreadable
            .iter()
            .map(|(path, e)| json!({ "path": path, "error": e.to_string() }))
            .collect();
        print_json(&json!({ "folders": folders, "unreadable": unreadable, "plugins": reports }))?;
        return Ok(Exit::Done);
    }
    print_list(&reports, &folders);
    for (folder, e) in unreadable {
        println!("\n{}: cannot be read: {e}", folder.display());
    }
    Ok(Exit::Done)
}

fn print_list(reports: &[Report], folders: &[PathBuf]) {
    let loaded = |r: &Report| match &r.facts {
        Facts::Loaded(l) => {
            Some((r.name.clone(), l.kind.name(), l.about.version.clone(), l.about.summary.clone()))
        }
        Facts::Failed { .. } => None,
    };
    if reports.is_empty() {
        println!("No plugins. Folders that are looked in:");
        folders.iter().for_each(|f| println!("  {}", f.display()));
        return;
    }
    let width = reports.iter().map(|r| r.name.chars().count()).max().unwrap_or(0);
    for folder in folders {
        let mut here = reports.iter().filter(|r| r.path.parent() == Some(folder)).peekable();
        if here.peek().is_none() {
            continue;
        }
        println!("{}", folder.display());
        for report in here {
            match loaded(report) {
                Some((name, kind, version, summary)) => {
                    let hidden = match &report.hidden_by {
                        Some(path) => format!(" (not used: {} comes first)", path.display()),
                        None => String::new(),
                    };
                    println!("  {name:width$}  {kind:8}  {version:7}  {summary}{hidden}");
                }
                None => {
                    if let Facts::Failed { error } = &report.facts {
                        println!("  {:width$}  does not load: {error}", report.name);
                    }
                }
            }
        }
    }
}

fn inspect(name: &str, as_json: bool, cancel: &Cancel) -> Result<Exit> {
    let engine = Engine::new(&CodeCache::ForUser, cancel)?;
    let path = catalogue::find(name, &catalogue::folders())?;
    let plugin = Plugin::load(&engine, &path, &Limits::default())?;
    if as_json {
        let report = Report {
            name: file_name(&path),
            path,
            hidden_by: None,
            facts: Facts::Loaded(Box::new(Loaded::of(&plugin))),
        };
        print_json(&report)?;
    } else {
        print_plugin(&plugin);
    }
    Ok(Exit::Done)
}

fn file_name(path: &Path) -> String {
    path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default()
}

fn print_plugin(plugin: &Plugin) {
    let about = &plugin.description;
    println!("{} {} — {}", about.name, about.version, about.summary);
    println!("  file        {}", plugin.path.display());
    println!("  size        {} bytes", plugin.size);
    println!("  sha256      {}", plugin.digest);
    println!("  kind        {}, interface {}", plugin.kind.name(), plugin.interface);
    if let Some(filter) = &plugin.filter {
        let names: Vec<&str> = filter.formats.iter().map(|f| f.name()).collect();
        println!("  formats     {}", names.join(" "));
        let runs = match filter.parallel {
            true => "parallel: frames are shared out between workers",
            false => "serial: one instance sees every frame, in order",
        };
        println!("  runs        {runs}");
    }
    let imports = match plugin.imports.is_empty() {
        true => "nothing".to_owned(),
        false => plugin.imports.join(" "),
    };
    println!("  imports     {imports}");
    for (name, text) in &about.more {
        println!("  {name:10}  {text}");
    }
    match about.parameters.is_empty() {
        true => println!("  parameters  none"),
        false => println!("  parameters"),
    }
    for p in &about.parameters {
        let default = match (&p.default, p.required) {
            (Some(value), _) => format!("; default {value}"),
            (None, true) => "; must be given".to_owned(),
            (None, false) => String::new(),
        };
        println!("    {}: {}{default}", p.name, plugin::takes(p));
        println!("        {}", p.summary);
    }
}

fn try_out(text: &str, limits: &Limits, as_json: bool, cancel: &Cancel) -> Result<Exit> {
    let reference = Reference::parse(text)?;
    let engine = Engine::new(&CodeCache::ForUser, cancel)?;
    let path = catalogue::find(&reference.name, &catalogue::folders())?;
    let plugin = Plugin::load(&engine, &path, limits)?;
    let parameters = plugin::resolve(&plugin.description, &reference.parameters)?;
    let trials = check(&plugin, &parameters);
    let failed = trials.iter().filter(|t| matches!(t.outcome, Outcome::Failed(_))).count();
    if as_json {
        let trials: Vec<_> = trials.iter().map(trial_json).collect();
        print_json(
            &json!({ "plugin": Loaded::of(&plugin), "path": path, "passed": failed == 0, "trials": trials }),
        )?;
    } else {
        print_plugin(&plugin);
        println!("  tried");
        trials.iter().for_each(print_trial);
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

fn print_trial(trial: &Trial) {
    let time = trial
        .time
        .map(|t| format!("  {:.3} ms a frame", t.as_secs_f64() * 1e3))
        .unwrap_or_default();
    let memory = match (trial.time, trial.memory) {
        (Some(_), Some(bytes)) => format!(", {:.1} MiB", bytes as f64 / f64::from(1 << 20)),
        _ => String::new(),
    };
    match &trial.outcome {
        Outcome::Passed => println!("    {:24} ok{time}{memory}", trial.name),
        Outcome::Declined(m) => println!("    {:24} declined: {m}", trial.name),
        Outcome::Failed(m) => println!("    {:24} FAILED: {m}", trial.name),
    }
}

fn pack(module: &Path, output: &Path, world: Option<World>, adapters: &[String]) -> Result<Exit> {
    let bytes =
        fs::read(module).with_context(|| format!("{}: cannot be read", module.display()))?;
    let adapters = adapters.iter().map(|a| adapter(a)).collect::<Result<Vec<_>>>()?;
    let component = plugin::pack(&bytes, world.map(World::name), &adapters).map_err(|e| {
        WithExit::new(
            Exit::PluginNotAComponent,
            format!("{}: cannot be made a component: {e}", module.display()),
        )
    })?;
    fs::write(output, &component)
        .with_context(|| format!("{}: cannot be written", output.display()))?;
    Ok(Exit::Done)
}

fn adapter(text: &str) -> Result<(String, Vec<u8>)> {
    let (name, file) = text
        .split_once('=')
        .ok_or_else(|| WithExit::new(Exit::Usage, format!("--adapter {text}: not NAME=FILE")))?;
    let bytes = fs::read(file).with_context(|| format!("{file}: cannot be read"))?;
    Ok((name.to_owned(), bytes))
}

fn print_json(value: &impl Serialize) -> Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}
