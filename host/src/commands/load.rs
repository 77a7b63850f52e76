//! The plugins of a job: found, loaded and checked with their parameters, before anything else is
//! touched.

use std::sync::Arc;

use anyhow::Result;

use super::exit::{Exit, WithExit};
use crate::cancel::Cancel;
use crate::plugin::{Engine, Limits, OnFailure, Plugin, Reference, Supervisor, catalogue, resolve};

/// A plugin as somebody asked for it.
pub(super) struct Wanted<'a> {
    /// `NAME[:key=value,…]`
    pub(super) text: &'a str,
    pub(super) limits: Limits,
    pub(super) on_failure: OnFailure,
}

/// Adds what `--grant NAME:CAPABILITY` says to the plugins of that name.
pub(super) fn grant(wanted: &mut [Wanted<'_>], grants: &[String]) -> Result<()> {
    for text in grants {
        let usage = |what: String| WithExit::new(Exit::Usage, format!("--grant {text}: {what}"));
        let (name, capability) =
            text.rsplit_once(':').ok_or_else(|| usage("NAME:CAPABILITY is wanted".to_owned()))?;
        let mut found = false;
        for plugin in wanted.iter_mut() {
            if Reference::parse(plugin.text)?.name == name {
                plugin.limits.grants.add(capability).map_err(usage)?;
                found = true;
            }
        }
        if !found {
            return Err(usage(format!("no plugin {name:?} is asked for with -p")).into());
        }
    }
    Ok(())
}

pub(super) fn plugins(
    wanted: &[Wanted<'_>],
    engine: &Engine,
    cancel: &Cancel,
) -> Result<Vec<Arc<Supervisor>>> {
    let folders = catalogue::folders();
    let mut plugins = Vec::with_capacity(wanted.len());
    for Wanted { text, limits, on_failure } in wanted {
        let reference = Reference::parse(text)?;
        let path = catalogue::find(&reference.name, &folders)?;
        let plugin = Plugin::load(engine, &path, limits)?;
        let parameters = resolve(&plugin.description, &reference.parameters)?;
        plugins.push(Arc::new(Supervisor::new(Arc::new(plugin), parameters, *on_failure, cancel)));
    }
    Ok(plugins)
}
