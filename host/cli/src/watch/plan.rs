//! `filmgate watch --dry-run`: what would be done with each file, for people and programs.

use anyhow::Result;
use serde_json::json;

use super::shown;
use crate::exit::Exit;
use crate::locked::Locked;
use crate::out::print;
use filmgate_core::cancel::Cancel;
use filmgate_plugin::harmless;
use filmgate_watch::{Planned, Prepared, WatchSpec};

pub(super) fn show(
    spec: &WatchSpec,
    prepared: &Prepared,
    locked: &Locked,
    stop: &Cancel,
) -> Result<Exit> {
    let (mut convert, mut refuse, mut leave, mut known) = (0_u64, 0_u64, 0_u64, 0_u64);
    let mut printed = Ok(());
    prepared.plan(&mut |planned| {
        *match planned {
            Planned::Convert { .. } => &mut convert,
            Planned::Refuse { .. } => &mut refuse,
            Planned::Leave { .. } => &mut leave,
            Planned::Known { .. } => &mut known,
        } += 1;
        let line = if spec.json {
            Some(json!(planned).to_string())
        } else {
            as_text(&planned).filter(|_| !spec.quiet)
        };
        if let Some(line) = line {
            printed = print(&format!("{line}\n"));
        }
        printed.is_ok() && !stop.is_cancelled()
    })?;
    printed?;
    if stop.is_cancelled() {
        return Ok(Exit::Interrupted);
    }
    if spec.json {
        let end = json!({
            "event": "end",
            "convert": convert,
            "refuse": refuse,
            "leave": leave,
            "known": known,
            "sandbox": locked.json(),
        });
        print(&format!("{end}\n"))?;
    } else {
        print(&format!(
            "{convert} to convert, {refuse} that would fail, {leave} to leave alone, {known} already \
             processed\nsandbox: {}\nnothing was written: --dry-run\n",
            locked.text()
        ))?;
    }
    Ok(Exit::Done)
}

fn as_text(planned: &Planned) -> Option<String> {
    Some(match planned {
        Planned::Convert { source, output, width, height, replaces } => {
            let replaced = if *replaces { ", replaces the existing file" } else { "" };
            let output = harmless(output, 1000);
            format!("{} → {output}: from {width}x{height}{replaced}", shown(source))
        }
        Planned::Refuse { source, reason } => format!("{}: would fail: {reason}", shown(source)),
        Planned::Leave { source, reason } => format!("{}: left alone: {reason}", shown(source)),
        Planned::Known { .. } => return None,
    })
}
