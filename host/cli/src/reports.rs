//! What `filmgate run` can tell about a job, beside its output: the plan, events, tags, a receipt.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde_json::Value;

use super::args::RunArguments;
use super::receipt::Receipt;
use super::tags::TagFile;
use filmgate_core::cancel::Cancel;
use filmgate_core::publish;
use filmgate_engine::pipeline::Prepared;

#[derive(Debug, Args)]
#[command(next_help_heading = "Reports")]
pub struct ReportArguments {
    /// Say what would be done, with all checks, and write nothing; with --json for programs
    #[arg(long)]
    pub dry_run: bool,
    /// Write before and after in one picture, side by side: each frame of the output with the frame
    /// it came of on its left
    #[arg(long)]
    pub compare: bool,
    /// Tell programs how it goes: JSON lines on stdout (on stderr where the output goes to
    /// stdout), at most ten a second; see docs/json.md
    #[arg(long, conflicts_with_all = ["json", "dry_run"])]
    pub progress_json: bool,
    /// Write what plugins attach to frames into FILE: a JSON line a frame, in output order
    #[arg(long, value_name = "FILE")]
    pub tags: Option<PathBuf>,
    /// Write a receipt into FILE: what came of what, by which plugins, with SHA-256 digests, as
    /// JSON
    #[arg(long, value_name = "FILE")]
    pub receipt: Option<PathBuf>,
}

/// Refuses, before anything runs, reports that could not be written at the end.
pub(super) fn check(arguments: &RunArguments) -> Result<()> {
    let reports = &arguments.reports;
    for path in [&reports.tags, &reports.receipt].into_iter().flatten() {
        publish::check(path, arguments.overwrite)?;
    }
    Ok(())
}

/// The files beside the output, begun before the job so that nothing hinders them behind it.
pub(super) struct Reports {
    tags: Option<TagFile>,
    receipt: Option<Receipt>,
}

impl Reports {
    pub(super) fn begin(
        arguments: &RunArguments,
        plan: &Value,
        prepared: &mut Prepared,
    ) -> Result<Reports> {
        let (wanted, replace) = (&arguments.reports, arguments.overwrite);
        let tags = wanted.tags.as_deref().map(|p| TagFile::create(p, replace)).transpose()?;
        if let Some(tags) = &tags {
            prepared.observe(tags.observer());
        }
        let inputs = &arguments.input;
        let receipt = wanted.receipt.as_deref();
        let receipt = receipt
            .map(|p| Receipt::create(p, replace, inputs, &arguments.output, plan.clone()))
            .transpose()?;
        Ok(Reports { tags, receipt })
    }

    /// Gives them their names, once the output has its own.
    pub(super) fn publish(self, summary: &Value, cancel: &Cancel) -> Result<()> {
        if let Some(tags) = self.tags {
            tags.publish()?;
        }
        if let Some(receipt) = self.receipt {
            receipt.publish(summary, cancel)?;
        }
        Ok(())
    }
}
