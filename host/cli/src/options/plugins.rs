//! Options about plugins, for every verb that loads some.

use clap::Args;

use super::words;
use crate::complete;
use filmgate_engine::spec::{CrashPolicy, Deadline, JobSpec, Memory, PluginSpec, Workers};

#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Plugins")]
pub struct PluginOptions {
    /// Add a plugin to the chain: a name or the path of a .wasm file, with parameters; repeatable
    #[arg(short, long, value_name = "PLUGIN[:key=value,…]", add = complete::filters())]
    pub plugin: Vec<PluginSpec>,
    /// Set the number of threads for parallel plugins [default: one per processor] [range: 1 to 256]
    #[arg(env = "FILMGATE_WORKERS", hide_env_values = true, short = 'j', long, value_name = "N")]
    pub workers: Option<Workers>,
    /// Set what happens when a plugin fails: fail ends the job without output, bypass passes frames unchanged and restarts the plugin (exit code 3) [default: fail]
    #[arg(env = "FILMGATE_ON_FAILURE", hide_env_values = true, long, value_name = "POLICY", value_parser = words::<CrashPolicy>(&["fail", "bypass"]))]
    pub on_failure: Option<CrashPolicy>,
    #[command(flatten)]
    pub limits: LimitOptions,
}

/// What plugins may use.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Plugins")]
pub struct LimitOptions {
    /// Limit one call of a plugin, in milliseconds [default: 2000] [range: 1 to 3600000]
    #[arg(env = "FILMGATE_DEADLINE", hide_env_values = true, long, value_name = "MS")]
    pub deadline: Option<Deadline>,
    /// Limit the memory of one plugin instance, in MiB; frames that it holds may take as much again [default: 256] [range: 1 to 4096]
    #[arg(env = "FILMGATE_MEMORY", hide_env_values = true, long, value_name = "MIB")]
    pub memory: Option<Memory>,
    /// Grant a plugin a capability: clock, random, or env=NAME; repeatable
    #[arg(long, value_name = "NAME:CAPABILITY")]
    pub grant: Vec<String>,
}

impl PluginOptions {
    pub(crate) fn fill(self, spec: &mut JobSpec) {
        spec.plugin = self.plugin;
        spec.workers = self.workers;
        spec.on_failure = self.on_failure;
        spec.deadline = self.limits.deadline;
        spec.memory = self.limits.memory;
        spec.grant = self.limits.grant;
    }
}
