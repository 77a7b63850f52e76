//! `filmgate watch --status`: the journal, for people and programs. It is only read, also while a
//! watch runs.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::{Value, json};

use crate::exit::{Exit, WithExit};
use crate::out::{line, print, print_json};
use filmgate_plugin::harmless;
use filmgate_watch::{Report, WatchSpec, pending};

pub(super) fn show(spec: &WatchSpec) -> Result<Exit> {
    let Some(folder) = &spec.folder else {
        return Err(WithExit::new(Exit::Usage, "watch --status: no folder is given").into());
    };
    let path = spec.journal.clone().unwrap_or_else(|| folder.join(".filmgate/journal.db"));
    if !path.is_file() {
        let message = format!(
            "{}: there is no journal; the folder was never watched, or use --journal to name the file",
            path.display()
        );
        return Err(WithExit::new(Exit::InputMissing, message).into());
    }
    let report = Report::read(&path)?;
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.clone());
    let waiting = pending(&report, &path, &folder)?;
    if spec.json {
        print_json(&as_json(&report, &folder, &waiting))?;
    } else {
        print(&as_text(&report, &folder, &waiting))?;
    }
    Ok(Exit::Done)
}

fn as_json(report: &Report, folder: &Path, waiting: &[PathBuf]) -> Value {
    let mut value = serde_json::to_value(report).unwrap_or_default();
    value["folder"] = json!(folder.to_string_lossy());
    value["output"] = json!(report.setting("output"));
    value["pending"] = waiting.iter().map(|p| json!(p.to_string_lossy())).collect();
    value
}

fn as_text(report: &Report, folder: &Path, waiting: &[PathBuf]) -> String {
    /// Pending files that are named.
    const NAMED: usize = 20;
    let mut out = String::new();
    let name = |text: &str| harmless(text, 1000);
    line!(out, "{} → {}", folder.display(), report.setting("output").unwrap_or("?"));
    line!(
        out,
        "  {} done, {} failed, {} pending, {} dropped by plugins, {} past a broken plugin",
        report.done,
        report.failed.len(),
        waiting.len(),
        report.dropped,
        report.bypassed.len()
    );
    for (title, list) in [("failed", &report.failed), ("past a broken plugin", &report.bypassed)] {
        if !list.is_empty() {
            line!(out, "  {title}");
        }
        for entry in list {
            let reason = entry.reason.as_deref().unwrap_or("unknown");
            line!(out, "    {}: {}", name(&entry.path), name(reason));
        }
    }
    if !waiting.is_empty() {
        line!(out, "  pending");
        for path in waiting.iter().take(NAMED) {
            line!(out, "    {}", name(&path.to_string_lossy()));
        }
        if waiting.len() > NAMED {
            line!(out, "    and {} more", waiting.len() - NAMED);
        }
    }
    if !report.recent.is_empty() {
        line!(out, "  done last");
        for entry in &report.recent {
            let output = entry.output.as_deref().map(name);
            let output = output.map(|o| format!(" → {o}")).unwrap_or_default();
            line!(out, "    {}{output}", name(&entry.path));
        }
    }
    out
}
