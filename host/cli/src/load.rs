//! How `join` and `watch` load plugins, until they use [`Request::load`](filmgate_engine::spec::Request::load).

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;

use super::args::{CrashPolicy, LimitArguments};
use super::exit::{Exit, WithExit};
use filmgate_core::cancel::Cancel;
use filmgate_core::collide::Files;
use filmgate_plugin::{
    Engine, Limits, OnFailure, ParameterKind, Plugin, Reference, Supervisor, Value, catalogue,
    resolve,
};

/// What a command line says of the plugins that frames go through.
pub(super) struct Asked<'a> {
    /// `NAME[:key=value,…]`
    pub(super) texts: &'a [String],
    /// nothing is set for single plugins
    #[expect(dead_code, reason = "its callers still name it")]
    pub(super) settings: &'a [()],
    /// with the grants
    pub(super) limits: &'a LimitArguments,
    pub(super) on_failure: CrashPolicy,
}

/// A plugin, before it is loaded.
struct Wanted {
    reference: Reference,
    limits: Limits,
    on_failure: OnFailure,
}

/// Plugins, loaded, and the files that were read for them.
#[derive(Clone)]
pub(super) struct Chain {
    pub(super) plugins: Vec<Arc<Supervisor>>,
    files: Vec<ReadFile>,
}

/// What a file is, and which one.
pub(super) type ReadFile = (String, PathBuf);

impl Chain {
    /// Adds the plugins' files, and those that their parameters name, to what is read.
    pub(super) fn add_to(&self, files: &mut Files) {
        add(&self.files, files);
    }
}

pub(super) fn add(read: &[ReadFile], files: &mut Files) {
    read.iter().for_each(|(what, path)| files.reads(what, path));
}

/// Checks texts and grants, without loading anything.
fn wanted(asked: &Asked<'_>) -> Result<Vec<Wanted>> {
    let mut wanted = Vec::with_capacity(asked.texts.len());
    for text in asked.texts {
        let (limits, on_failure) = (asked.limits.limits(), asked.on_failure.policy());
        wanted.push(Wanted { reference: Reference::parse(text)?, limits, on_failure });
    }
    grant(&mut wanted, &asked.limits.grant)?;
    Ok(wanted)
}

/// Adds what `--grant NAME:CAPABILITY` says to the plugins of that name.
fn grant(wanted: &mut [Wanted], grants: &[String]) -> Result<()> {
    for text in grants {
        let usage = |what: String| WithExit::new(Exit::Usage, format!("--grant {text}: {what}"));
        let (name, capability) =
            text.rsplit_once(':').ok_or_else(|| usage("NAME:CAPABILITY is wanted".to_owned()))?;
        let mut found = false;
        for plugin in wanted.iter_mut().filter(|plugin| plugin.reference.name == name) {
            plugin.limits.grants.add(capability).map_err(usage)?;
            found = true;
        }
        if !found {
            return Err(usage(format!("no plugin {name:?} is asked for with -p")).into());
        }
    }
    Ok(())
}

/// Loads what is asked for.
pub(super) fn plugins(asked: &Asked<'_>, engine: &Engine, cancel: &Cancel) -> Result<Chain> {
    let mut chain = Chain { plugins: Vec::new(), files: Vec::new() };
    for Wanted { reference, limits, on_failure } in wanted(asked)? {
        let one = one(&reference, engine, &limits)?;
        let plugin = Arc::new(one.plugin);
        chain.plugins.push(Arc::new(Supervisor::new(plugin, one.parameters, on_failure, cancel)));
        chain.files.extend(one.files);
    }
    Ok(chain)
}

/// One plugin that is no part of a chain: a naming or ordering policy, or one that is tried out.
pub(super) struct One {
    pub(super) plugin: Plugin,
    pub(super) parameters: Vec<(String, Value)>,
    pub(super) files: Vec<ReadFile>,
}

/// Loads a plugin, and checks its parameters.
pub(super) fn one(reference: &Reference, engine: &Engine, limits: &Limits) -> Result<One> {
    let path = catalogue::find(&reference.name, &catalogue::folders())?;
    let plugin = Plugin::load(engine, &path, limits)?;
    let parameters = resolve(&plugin.description, &reference.parameters)?;
    let name = plugin.name();
    let is_file = |key: &str| {
        let mut all = plugin.description.parameters.iter();
        all.any(|p| p.name == key && p.kind == ParameterKind::File)
    };
    let named = reference.parameters.iter().filter(|(key, _)| is_file(key));
    let named = named.map(|(key, path)| (format!("`{key}` of plugin `{name}`"), path.into()));
    let files = std::iter::once((format!("plugin `{name}`"), path)).chain(named).collect();
    Ok(One { plugin, parameters, files })
}
