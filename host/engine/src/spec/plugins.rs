//! Plugins of a job: found, loaded, checked with their parameters, limits and grants, before
//! anything else is touched. Every verb loads plugins here.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SpecError;
use super::values::{Pairs, Within};
use crate::error::PipelineError;
use crate::scalar;
use filmgate_core::cancel::Cancel;
use filmgate_core::collide::Files;
use filmgate_plugin::{
    Engine, Grants, Limits, OnFailure, ParameterKind, Plugin, Reference, Supervisor, Value,
    catalogue, resolve,
};

/// Milliseconds that one call of a plugin may take.
pub type Deadline = Within<1, 3_600_000>;

/// MiB that one instance of a plugin may use.
pub type Memory = Within<1, 4096>;

/// Threads.
pub type Workers = Within<1, 256>;

/// The deadline of a call where none is given, milliseconds.
pub const DEADLINE: u64 = 2000;

/// The memory of an instance where none is given, MiB.
pub const MEMORY: u64 = 256;

/// One plugin, with everything that decides what it does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PluginSpec {
    /// A name to look for in the plugin folders, the path of a .wasm file, or a package of a registry (oci://…); @sha256:… behind it pins it
    pub name: String,
    /// Parameters of the plugin, by name
    #[serde(default)]
    pub parameters: Pairs,
    /// What to do when this plugin fails
    #[serde(default)]
    pub on_failure: Option<CrashPolicy>,
    /// Milliseconds that one call of this plugin may take
    #[serde(default)]
    pub deadline: Option<Deadline>,
    /// MiB that one instance of this plugin may use
    #[serde(default)]
    pub memory: Option<Memory>,
    /// What this plugin may use beyond the frames: clock, random, env=NAME
    #[serde(default)]
    pub grants: Vec<Grant>,
}

impl FromStr for PluginSpec {
    type Err = String;

    /// Reads `NAME[:key=value,…]`.
    fn from_str(text: &str) -> Result<PluginSpec, String> {
        let reference = Reference::parse(text).map_err(|e| e.to_string())?;
        let parameters = Pairs(reference.parameters);
        Ok(PluginSpec { name: reference.name, parameters, ..PluginSpec::default() })
    }
}

/// What to do with a job whose plugin fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CrashPolicy {
    /// The job fails, without output
    Fail,
    /// The frame passes the plugin unchanged and is counted
    Bypass,
}

impl From<CrashPolicy> for OnFailure {
    fn from(policy: CrashPolicy) -> OnFailure {
        match policy {
            CrashPolicy::Fail => OnFailure::Fail,
            CrashPolicy::Bypass => OnFailure::Bypass,
        }
    }
}

/// A capability: `clock`, `random`, or `env=NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant(String);

impl FromStr for Grant {
    type Err = String;

    fn from_str(text: &str) -> Result<Grant, String> {
        Grants::default().add(text).map(|()| Grant(text.to_owned()))
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

scalar!(Grant, "Grant", "a capability: clock, random, or env=NAME", {
    "type": "string", "pattern": "^(clock|random|env=[^=]+)$"
});

/// The plugins of a job, and what holds for all of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request<'a> {
    pub plugins: &'a [PluginSpec],
    pub on_failure: Option<CrashPolicy>,
    pub deadline: Option<Deadline>,
    pub memory: Option<Memory>,
    /// `NAME:CAPABILITY`
    pub grants: &'a [String],
}

/// Plugins, loaded, and the files that were read for them.
#[derive(Clone, Default)]
pub struct Plugins {
    pub supervisors: Vec<Arc<Supervisor>>,
    files: Vec<ReadFile>,
}

/// What a file is, and which one.
pub type ReadFile = (String, PathBuf);

impl Plugins {
    /// Adds the plugins' files, and those that their parameters name, to what is read.
    pub fn add_to(&self, files: &mut Files) {
        add(&self.files, files);
    }
}

/// Adds files to what a job reads.
pub fn add(read: &[ReadFile], files: &mut Files) {
    read.iter().for_each(|(what, path)| files.reads(what, path));
}

/// One plugin that is no part of a chain: a naming or ordering policy, or one that is tried out.
pub struct Single {
    pub plugin: Plugin,
    pub parameters: Vec<(String, Value)>,
    pub files: Vec<ReadFile>,
    pub on_failure: OnFailure,
}

impl PluginSpec {
    /// Takes back what the options for all plugins set, which come first.
    pub fn overridden_by(
        &mut self,
        on_failure: Option<CrashPolicy>,
        deadline: Option<Deadline>,
        memory: Option<Memory>,
    ) {
        self.on_failure = self.on_failure.filter(|_| on_failure.is_none());
        self.deadline = self.deadline.filter(|_| deadline.is_none());
        self.memory = self.memory.filter(|_| memory.is_none());
    }
}

impl Request<'_> {
    /// Checks the grants, without loading anything: each names a plugin that is asked for.
    ///
    /// # Errors
    /// Usage.
    pub fn check(&self) -> Result<(), SpecError> {
        self.granted().map(drop)
    }

    /// What each plugin is granted.
    fn granted(&self) -> Result<Vec<Grants>, SpecError> {
        let mut all = vec![Grants::default(); self.plugins.len()];
        for (plugin, grants) in self.plugins.iter().zip(&mut all) {
            for Grant(capability) in &plugin.grants {
                grants.add(capability).map_err(SpecError::usage)?;
            }
        }
        for text in self.grants {
            let usage = |what: String| SpecError::usage(format!("--grant {text}: {what}"));
            let (name, capability) = text
                .rsplit_once(':')
                .ok_or_else(|| usage("expected NAME:CAPABILITY".to_owned()))?;
            let mut found = false;
            let named = self.plugins.iter().zip(&mut all).filter(|(p, _)| p.name == name);
            for (_, grants) in named {
                grants.add(capability).map_err(usage)?;
                found = true;
            }
            if !found {
                return Err(usage(format!("no plugin {name:?} is given with -p")));
            }
        }
        Ok(all)
    }

    /// Loads all of them.
    ///
    /// # Errors
    /// Spec for grants; Plugin.
    pub fn load(&self, engine: &Engine, cancel: &Cancel) -> Result<Plugins, PipelineError> {
        let mut loaded = Plugins::default();
        for single in self.load_each(engine)? {
            let plugin = Arc::new(single.plugin);
            let supervisor = Supervisor::new(plugin, single.parameters, single.on_failure, cancel);
            loaded.supervisors.push(Arc::new(supervisor));
            loaded.files.extend(single.files);
        }
        Ok(loaded)
    }

    /// As [`Request::load`], for plugins that are no chain.
    ///
    /// # Errors
    /// As [`Request::load`].
    pub fn load_each(&self, engine: &Engine) -> Result<Vec<Single>, PipelineError> {
        let granted = self.granted()?;
        let load = |(spec, grants)| self.load_one(spec, grants, engine);
        self.plugins.iter().zip(granted).map(load).collect()
    }

    fn load_one(
        &self,
        spec: &PluginSpec,
        grants: Grants,
        engine: &Engine,
    ) -> Result<Single, PipelineError> {
        let deadline = spec.deadline.or(self.deadline).map_or(DEADLINE, |d| d.0);
        let memory = spec.memory.or(self.memory).map_or(MEMORY, |m| m.0);
        let limits = Limits {
            deadline: Duration::from_millis(deadline),
            memory: usize::try_from(memory << 20).unwrap_or(usize::MAX),
            grants,
            ..Limits::default()
        };
        let located = catalogue::locate(&spec.name, &catalogue::folders())?;
        let plugin = Plugin::load_located(engine, &located, &limits)?;
        let path = located.path;
        let parameters = resolve(&plugin.description, &spec.parameters.0)?;
        let name = plugin.name();
        let is_file = |key: &str| {
            let mut all = plugin.description.parameters.iter();
            all.any(|p| p.name == key && p.kind == ParameterKind::File)
        };
        let named = spec.parameters.0.iter().filter(|(key, _)| is_file(key));
        let named = named.map(|(key, path)| (format!("`{key}` of plugin `{name}`"), path.into()));
        let files = std::iter::once((format!("plugin `{name}`"), path)).chain(named).collect();
        let on_failure = spec.on_failure.or(self.on_failure).map_or(OnFailure::Fail, Into::into);
        Ok(Single { plugin, parameters, files, on_failure })
    }
}
