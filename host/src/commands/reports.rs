//! What `filmgate run` can tell about a job, beside its output: the plan, events, tags, a receipt.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use serde_json::Value;

use super::args::RunArguments;
use super::exit::{Exit, WithExit};
use super::receipt::Receipt;
use super::tags::TagFile;
use crate::cancel::Cancel;
use crate::pipeline::Prepared;
use crate::publish;

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

/// Refuses, before anything runs, reports that could not be written at the end, or that would
/// stand in the way of another file of the job.
pub(super) fn check(arguments: &RunArguments) -> Result<()> {
    let inputs = arguments.input.iter().map(|i| ("an input", i.as_path()));
    let mut taken: Vec<(&str, &Path)> =
        inputs.chain([("the output", arguments.output.as_path())]).collect();
    let reports = &arguments.reports;
    let wanted = [("--tags", &reports.tags), ("--receipt", &reports.receipt)];
    for (option, path) in wanted.into_iter().filter_map(|(o, p)| Some((o, p.as_deref()?))) {
        for (what, other) in &taken {
            if *other == path || publish::same_file(other, path) {
                let message = format!("{option} {}: that is the file of {what}", path.display());
                return Err(WithExit::new(Exit::Usage, message).into());
            }
        }
        publish::check(path, arguments.overwrite)?;
        taken.push((option, path));
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
