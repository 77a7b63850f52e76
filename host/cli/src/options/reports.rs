//! Options about what is reported, and where the description of the job comes from.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::config;
use crate::out::print_json;
use filmgate_core::collide::Files;
use filmgate_engine::job;
use filmgate_engine::spec::{JobSpec, Merge};

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
    }
}

impl Mode {
    /// What the job reads and writes, as far as its description says, with the file itself.
    pub(crate) fn files(&self, spec: &JobSpec) -> Files {
        let mut files = job::files(spec);
        if let Some(config) = &self.config {
            files.reads("the configuration", config);
        }
        files
    }

    /// Adds what the file of `--config` says, and checks the whole. None if the schema of such files
    /// was asked for, and printed.
    pub(crate) fn complete(&self, mut spec: JobSpec) -> Result<Option<JobSpec>> {
        let verb = spec.verb.name();
        if self.config_schema {
            print_json(&config::schema::<JobSpec>(verb))?;
            return Ok(None);
        }
        if let Some(path) = &self.config {
            spec.or_from(config::read(path, verb)?);
        }
        spec.check()?;
        Ok(Some(spec))
    }
}
