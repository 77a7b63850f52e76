//! Files that `filmgate run` writes beside its output: tags and a receipt.

use anyhow::Result;
use serde_json::Value;

use super::receipt::Receipt;
use super::tags::TagFile;
use filmgate_core::cancel::Cancel;
use filmgate_core::publish;
use filmgate_engine::pipeline::Prepared;
use filmgate_engine::spec::JobSpec;

/// Refuses, before anything runs, reports that could not be written at the end.
pub(super) fn check(spec: &JobSpec) -> Result<()> {
    for path in [&spec.tags, &spec.receipt].into_iter().flatten() {
        publish::check(path, spec.overwrite)?;
    }
    Ok(())
}

/// The files beside the output, begun before the job so that nothing hinders them behind it.
pub(super) struct Reports {
    tags: Option<TagFile>,
    receipt: Option<Receipt>,
}

impl Reports {
    pub(super) fn begin(spec: &JobSpec, plan: &Value, prepared: &mut Prepared) -> Result<Reports> {
        let tags = spec.tags.as_deref().map(|p| TagFile::create(p, spec.overwrite)).transpose()?;
        if let Some(tags) = &tags {
            prepared.observe(tags.observer());
        }
        Ok(Reports { tags, receipt: Receipt::begin(spec, plan.clone())? })
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
