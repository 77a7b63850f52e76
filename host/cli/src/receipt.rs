//! `--receipt`: what came of what, by which plugins, so that it can be told later, and done again.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{digest, out};
use filmgate_core::cancel::Cancel;
use filmgate_core::publish::{Aside, PublishError};
use filmgate_core::url;
use filmgate_engine::spec::JobSpec;
use filmgate_plugin::{PluginRecord, Supervisor};

/// The receipt, while the job runs: its file is begun before, so that it can be written behind.
pub(super) struct Receipt {
    aside: Aside,
    inputs: Vec<PathBuf>,
    outputs: Vec<PathBuf>,
    plan: Value,
}

impl Receipt {
    /// Begins one of which only the output is known.
    pub(super) fn create(path: &Path, replace: bool, output: &Path) -> Result<Receipt> {
        let (inputs, outputs) = (Vec::new(), vec![output.to_owned()]);
        Ok(Receipt { aside: Aside::create(path, replace)?, inputs, outputs, plan: Value::Null })
    }

    /// Adds the inputs; `plan` becomes part of it.
    pub(super) fn with(self, inputs: Vec<PathBuf>, plan: Value) -> Receipt {
        Receipt { inputs, plan, ..self }
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
    json!(PluginRecord::supervised(supervisor))
}
