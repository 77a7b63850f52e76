//! What decides what a plugin does, as data: for plans, receipts and reports, so that a job can be
//! understood later and repeated.

use std::collections::BTreeMap;

use serde::Serialize;

use super::describe::Value;
use super::load::Plugin;
use super::supervise::{OnFailure, Supervisor};
use filmgate_core::digest;

/// Which plugin with which parameters.
#[derive(Clone, Debug, Serialize)]
pub struct PluginRecord {
    pub name: String,
    pub version: String,
    pub path: String,
    pub sha256: String,
    pub parameters: BTreeMap<String, ValueRecord>,
    /// of plugins that frames go through
    #[serde(flatten)]
    pub supervision: Option<SupervisionRecord>,
}

/// How a plugin is run.
#[derive(Clone, Debug, Serialize)]
pub struct SupervisionRecord {
    pub size: u64,
    pub interface: String,
    pub parallel: Option<bool>,
    pub on_failure: &'static str,
    pub deadline_ms: u64,
    pub memory_mib: usize,
    pub grants: Vec<String>,
}

/// A parameter's value: files by size and digest, colors as they are written.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum ValueRecord {
    Plain(Value),
    Color(String),
    File { size: usize, sha256: String },
}

impl From<&Value> for ValueRecord {
    fn from(value: &Value) -> ValueRecord {
        match value {
            Value::File(bytes) => {
                ValueRecord::File { size: bytes.len(), sha256: digest::of_bytes(bytes) }
            }
            Value::Color(_) => ValueRecord::Color(value.to_string()),
            other => ValueRecord::Plain(other.clone()),
        }
    }
}

impl PluginRecord {
    pub fn new(plugin: &Plugin, parameters: &[(String, Value)]) -> PluginRecord {
        PluginRecord {
            name: plugin.name().to_owned(),
            version: plugin.description.version.clone(),
            path: plugin.path.to_string_lossy().into_owned(),
            sha256: plugin.digest.clone(),
            parameters: parameters.iter().map(|(k, v)| (k.clone(), v.into())).collect(),
            supervision: None,
        }
    }

    pub fn supervised(supervisor: &Supervisor) -> PluginRecord {
        let plugin = supervisor.plugin();
        let limits = plugin.limits();
        let supervision = SupervisionRecord {
            size: plugin.size,
            interface: plugin.interface.clone(),
            parallel: plugin.filter.as_ref().map(|f| f.parallel),
            on_failure: match supervisor.on_failure() {
                OnFailure::Fail => "fail",
                OnFailure::Bypass => "bypass",
            },
            deadline_ms: u64::try_from(limits.deadline.as_millis()).unwrap_or(u64::MAX),
            memory_mib: limits.memory >> 20,
            grants: limits.grants.names(),
        };
        PluginRecord {
            supervision: Some(supervision),
            ..PluginRecord::new(plugin, supervisor.parameters())
        }
    }
}
