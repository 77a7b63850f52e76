//! `--receipt`: what came of what, by which plugins, so that it can be looked up later, and done
//! again.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde_json::Value;

use crate::error::PipelineError;
use filmgate_core::cancel::Cancel;
use filmgate_core::digest;
use filmgate_core::publish::{Aside, PublishError};
use filmgate_core::url;

/// The receipt, while the job runs: its file is begun before, so that it can be written behind.
pub struct Receipt {
    aside: Aside,
    command: Vec<String>,
    inputs: Vec<PathBuf>,
    outputs: Vec<PathBuf>,
    plugins: Value,
    encoder: Value,
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
    output: Option<&'a FileText>,
    outputs: &'a [FileText],
    plugins: &'a Value,
    encoder: &'a Value,
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
    /// Begins the file.
    ///
    /// # Errors
    /// Publish.
    pub fn create(
        path: &Path,
        replace: bool,
        command: &[String],
        outputs: Vec<PathBuf>,
    ) -> Result<Receipt, PipelineError> {
        let aside = Aside::create(path, replace)?;
        let (plugins, encoder) = (Value::Null, Value::Null);
        let command = command.to_vec();
        Ok(Receipt { aside, command, inputs: Vec::new(), outputs, plugins, encoder })
    }

    /// Says what is read, by which plugins, and what encodes.
    #[must_use]
    pub fn with(self, inputs: Vec<PathBuf>, plugins: Value, encoder: Value) -> Receipt {
        Receipt { inputs, plugins, encoder, ..self }
    }

    /// Reads inputs and outputs once more for their digests, and publishes the receipt of a job
    /// that came to `summary`.
    ///
    /// # Errors
    /// Publish; System where an input or output cannot be read.
    pub fn publish(self, summary: &impl Serialize, cancel: &Cancel) -> Result<(), PipelineError> {
        let read = |path: &PathBuf| file_text(path, cancel);
        let outputs = self.outputs.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let receipt = Text {
            filmgate: env!("CARGO_PKG_VERSION"),
            libav: filmgate_av::version(),
            finished: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs()),
            command: &self.command,
            inputs: self.inputs.iter().map(read).collect::<Result<Vec<_>, _>>()?,
            output: outputs.first(),
            outputs: &outputs,
            plugins: &self.plugins,
            encoder: &self.encoder,
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
