//! `--receipt`: what came of what, by which plugins, so that it can be told later, and done again.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use super::plan::policy;
use super::{digest, out};
use filmgate_core::cancel::Cancel;
use filmgate_core::publish::{Aside, PublishError};
use filmgate_core::url;
use filmgate_engine::spec::JobSpec;
use filmgate_plugin::Supervisor;

/// The receipt, while the job runs: its file is begun before, so that it can be written behind.
pub(super) struct Receipt {
    aside: Aside,
    inputs: Vec<PathBuf>,
    outputs: Vec<PathBuf>,
    plan: Value,
}

impl Receipt {
    /// `plan` becomes part of it.
    pub(super) fn create(
        path: &Path,
        replace: bool,
        inputs: &[PathBuf],
        output: &Path,
        plan: Value,
    ) -> Result<Receipt> {
        let (inputs, outputs) = (inputs.to_vec(), vec![output.to_owned()]);
        Ok(Receipt { aside: Aside::create(path, replace)?, inputs, outputs, plan })
    }

    /// Begins it, if the description asks for one; `plan` becomes part of it.
    pub(super) fn begin(spec: &JobSpec, plan: Value) -> Result<Option<Receipt>> {
        let Some(path) = &spec.receipt else { return Ok(None) };
        let aside = Aside::create(path, spec.overwrite)?;
        let outputs = spec.output.iter().chain(&spec.also).cloned().collect();
        Ok(Some(Receipt { aside, inputs: inputs(spec), outputs, plan }))
    }

    /// Reads inputs and outputs once more for their digests, and publishes the receipt of a job
    /// that came to `summary`.
    pub(super) fn publish(self, summary: &Value, cancel: &Cancel) -> Result<()> {
        let all = |paths: &[PathBuf]| -> Result<Vec<Value>> {
            paths.iter().map(|path| file_json(path, cancel)).collect()
        };
        let outputs = all(&self.outputs)?;
        let receipt = json!({
            "filmgate": env!("CARGO_PKG_VERSION"),
            "libav": filmgate_av::version(),
            "finished": SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs()),
            "command": std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect::<Vec<_>>(),
            "inputs": all(&self.inputs)?,
            "output": outputs.first(),
            "outputs": outputs,
            "plugins": self.plan.get("plugins"),
            "encoder": self.plan.get("encoder"),
            "summary": summary,
        });
        let text = url::redact_known(&(serde_json::to_string_pretty(&receipt)? + "\n"));
        let path = self.aside.target();
        let written = self.aside.file().and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|source| PublishError::Write {
            path: path.to_owned(),
            doing: "the receipt could not be written",
            source,
        })?;
        Ok(self.aside.publish()?)
    }
}

/// What a job reads, besides plugins.
pub(super) fn inputs(spec: &JobSpec) -> Vec<PathBuf> {
    let sources = spec.input.iter().chain(&spec.fifo).chain(&spec.image);
    sources.chain(&spec.audio).chain(&spec.audio_fifo).cloned().collect()
}

/// A file with its size and digest; a stream, which cannot be read again, by its name alone.
fn file_json(path: &Path, cancel: &Cancel) -> Result<Value> {
    if !path.is_file() {
        return Ok(json!({ "path": out::text(path), "size": null, "sha256": null }));
    }
    let (size, sha256) = digest::of_file(path, cancel)
        .with_context(|| format!("{}: cannot be read for the receipt", path.display()))?;
    Ok(json!({ "path": out::text(path), "size": size, "sha256": sha256 }))
}

/// A plugin of a job with everything that decides what it does, for programs.
pub(super) fn plugin_json(supervisor: &Supervisor) -> Value {
    let plugin = supervisor.plugin();
    let parameters: Map<String, Value> =
        supervisor.parameters().iter().map(|(k, v)| (k.clone(), value_json(v))).collect();
    let limits = plugin.limits();
    json!({
        "name": plugin.name(),
        "version": plugin.description.version,
        "path": out::text(&plugin.path),
        "size": plugin.size,
        "sha256": plugin.digest,
        "interface": plugin.interface,
        "parallel": plugin.filter.as_ref().map(|f| f.parallel),
        "parameters": parameters,
        "on_failure": policy(supervisor),
        "deadline_ms": u64::try_from(limits.deadline.as_millis()).unwrap_or(u64::MAX),
        "memory_mib": limits.memory >> 20,
        "grants": limits.grants.names(),
    })
}

/// A parameter's value; files by size and digest, colours as people write them.
pub(super) fn value_json(value: &filmgate_plugin::Value) -> Value {
    match value {
        filmgate_plugin::Value::File(bytes) => {
            json!({ "size": bytes.len(), "sha256": digest::of_bytes(bytes) })
        }
        filmgate_plugin::Value::Color(_) => json!(value.to_string()),
        other => json!(other),
    }
}
