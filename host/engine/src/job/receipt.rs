//! `--receipt`: what came of what, by which plugins, so that it can be looked up later, and done
//! again.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Surroundings;
use super::outputs::local;
use crate::error::PipelineError;
use crate::plan::Plan;
use crate::spec::{JobSpec, Verb};
use filmgate_core::cancel::Cancel;
use filmgate_core::digest;
use filmgate_core::publish::{Aside, PublishError};
use filmgate_core::url;
use filmgate_plugin::{self as plugin, OnFailure, Supervisor};

/// The receipt, while the job runs: its file is begun before, so that it can be written behind.
pub(super) struct Receipt {
    aside: Aside,
    inputs: Vec<PathBuf>,
    outputs: Vec<PathBuf>,
    command: Vec<String>,
    plan: Plan,
    plugins: Vec<Value>,
}

/// What a receipt says.
#[derive(Serialize)]
struct Text<'a, S: Serialize> {
    filmgate: &'static str,
    libav: String,
    /// seconds since 1970-01-01 UTC
    finished: u64,
    command: &'a [String],
    inputs: Vec<FileText>,
    output: Option<FileText>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    more_outputs: Vec<FileText>,
    plugins: &'a [Value],
    encoder: &'a crate::plan::PlannedEncoder,
    summary: &'a S,
}

/// A file with its size and digest; a stream, which cannot be read again, by its name alone.
#[derive(Serialize)]
struct FileText {
    path: String,
    size: Option<u64>,
    sha256: Option<String>,
}

impl Receipt {
    pub(super) fn create(
        path: &Path,
        spec: &JobSpec,
        surroundings: &Surroundings,
        plan: Plan,
        plugins: &[Arc<Supervisor>],
    ) -> Result<Receipt, PipelineError> {
        let aside = Aside::create(path, spec.overwrite)?;
        let inputs = spec.input.iter().chain(&spec.fifo).chain(&spec.image).chain(&spec.audio);
        let is_name = |path: &&PathBuf| path.as_os_str() != "silence";
        let output = |path: &PathBuf| match spec.verb {
            Verb::Split => path.clone(),
            _ => local(path).unwrap_or_else(|| path.clone()),
        };
        Ok(Receipt {
            aside,
            inputs: inputs.filter(is_name).cloned().collect(),
            outputs: spec.output.iter().chain(&spec.also).map(output).collect(),
            command: surroundings.command.clone(),
            plan,
            plugins: plugins.iter().map(|p| plugin_json(p)).collect(),
        })
    }

    /// Reads inputs and outputs once more for their digests, and publishes the receipt of a job
    /// that came to `summary`.
    pub(super) fn publish(
        self,
        summary: &impl Serialize,
        cancel: &Cancel,
    ) -> Result<(), PipelineError> {
        let read = |path: &PathBuf| file_text(path, cancel);
        let inputs = self.inputs.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let mut outputs = self.outputs.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let more_outputs = outputs.split_off(outputs.len().min(1));
        let receipt = Text {
            filmgate: env!("CARGO_PKG_VERSION"),
            libav: filmgate_av::version(),
            finished: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs()),
            command: &self.command,
            inputs,
            output: outputs.pop(),
            more_outputs,
            plugins: &self.plugins,
            encoder: &self.plan.encoder,
            summary,
        };
        let path = self.aside.target();
        let failed = |source| PublishError::Write {
            path: path.to_owned(),
            doing: "the receipt could not be written",
            source,
        };
        let text = serde_json::to_string_pretty(&receipt).map_err(|e| failed(e.into()))?;
        let text = url::redact_known(&(text + "\n"));
        self.aside.file().and_then(|mut f| f.write_all(text.as_bytes())).map_err(failed)?;
        Ok(self.aside.publish()?)
    }
}

fn file_text(path: &Path, cancel: &Cancel) -> Result<FileText, PipelineError> {
    let name = path.to_string_lossy().into_owned();
    if !path.is_file() {
        return Ok(FileText { path: name, size: None, sha256: None });
    }
    let (size, sha256) = digest::of_file(path, cancel).map_err(|e| {
        PipelineError::System(format!("{name}: cannot be read for the receipt: {e}"))
    })?;
    Ok(FileText { path: name, size: Some(size), sha256: Some(sha256) })
}

/// A plugin of a job with everything that decides what it does, for programs.
pub fn plugin_json(supervisor: &Supervisor) -> Value {
    let plugin = supervisor.plugin();
    let parameters: Map<String, Value> =
        supervisor.parameters().iter().map(|(k, v)| (k.clone(), value_json(v))).collect();
    let limits = plugin.limits();
    json!({
        "name": plugin.name(),
        "version": plugin.description.version,
        "path": plugin.path.to_string_lossy(),
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

/// A crash policy, as it is written.
pub(crate) fn policy(supervisor: &Supervisor) -> &'static str {
    match supervisor.on_failure() {
        OnFailure::Fail => "fail",
        OnFailure::Bypass => "bypass",
    }
}

/// A parameter's value; files by size and digest, colors as people write them.
pub fn value_json(value: &plugin::Value) -> Value {
    match value {
        plugin::Value::File(bytes) => {
            json!({ "size": bytes.len(), "sha256": digest::of_bytes(bytes) })
        }
        plugin::Value::Color(_) => json!(value.to_string()),
        other => json!(other),
    }
}
