//! Options about what is reported, and where the description of the job comes from.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::SandboxOptions;
use crate::config;
use crate::out::print_json;
use filmgate_core::collide::Files;
use filmgate_engine::spec::{JobSpec, Merge, SpecError};

#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Reports")]
pub struct ReportOptions {
    /// Print no progress bar and no summary
    #[arg(short, long)]
    pub quiet: bool,
    /// Print the summary as JSON
    #[arg(long)]
    pub json: bool,
    /// Print progress as JSON lines on stdout (on stderr if the output is stdout), at most ten per second
    #[arg(long, conflicts_with_all = ["json", "dry_run"])]
    pub progress_json: bool,
    /// Write a receipt: inputs, plugins and outputs with SHA-256 digests, as JSON
    #[arg(long, value_name = "FILE")]
    pub receipt: Option<PathBuf>,
    #[command(flatten)]
    pub mode: Mode,
    #[command(flatten)]
    pub safety: SandboxOptions,
}

/// Where the description comes from, and what is done with it.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Reports")]
pub struct Mode {
    /// Check everything and print the plan, but write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Read options that are not given here, and plugins, from a TOML file; see docs/config.md
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print the JSON schema of such files
    #[arg(long)]
    pub config_schema: bool,
}

impl ReportOptions {
    pub(crate) fn fill(self, spec: &mut JobSpec) {
        spec.quiet = self.quiet;
        spec.json = self.json;
        spec.progress_json = self.progress_json;
        spec.receipt = self.receipt;
        spec.sandbox = self.safety.sandbox;
    }
}

impl Mode {
    /// Adds the file itself to what is read.
    pub(crate) fn add_to(&self, files: &mut Files) {
        if let Some(config) = &self.config {
            files.reads("the configuration", config);
        }
    }

    /// Adds what the file of `--config` says, and checks the whole. None if the schema of such files
    /// was asked for, and printed.
    pub(crate) fn complete<A: Args>(&self, spec: JobSpec) -> Result<Option<JobSpec>> {
        let verb = spec.verb.name();
        self.complete_as::<A, _>(spec, verb, |spec: &mut JobSpec| {
            spec.name_pipes();
            spec.check()
        })
    }

    /// As [`Mode::complete`], for any verb.
    pub(crate) fn complete_as<A: Args, T: Merge + DeserializeOwned + JsonSchema>(
        &self,
        mut spec: T,
        verb: &str,
        check: fn(&mut T) -> Result<(), SpecError>,
    ) -> Result<Option<T>> {
        if self.config_schema {
            print_json(&config::schema::<A, T>(verb))?;
            return Ok(None);
        }
        if let Some(path) = &self.config {
            spec.or_from(config::read::<A, T>(path)?);
        }
        let checked =
            check(&mut spec).map_err(|e| config::placed(self.config.as_deref(), e.into()));
        checked.map(|()| Some(spec))
    }
}
