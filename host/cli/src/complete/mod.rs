//! Completion while a command is typed: what is offered for plugins, their parameters and values.
//! The walk through options is clap_complete's; the scripts of the shells are beside this file.

mod plugins;

use std::ffi::OsStr;

use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};

use filmgate_plugin::Kind;

/// Completes `-p`.
pub(super) fn filters() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| offer(typed, Some(Kind::Filter)))
}

/// Completes naming policies.
pub(super) fn naming() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| offer(typed, Some(Kind::Naming)))
}

/// Completes ordering policies.
pub(super) fn ordering() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| offer(typed, Some(Kind::Ordering)))
}

/// Completes plugins of every kind.
pub(super) fn any() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| offer(typed, None))
}

fn offer(typed: &OsStr, kind: Option<Kind>) -> Vec<CompletionCandidate> {
    typed.to_str().map(|typed| plugins::candidates(typed, kind)).unwrap_or_default()
}
