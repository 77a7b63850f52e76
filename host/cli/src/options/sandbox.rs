//! The sandbox around the media work.

use clap::Args;
use filmgate_engine::spec::Sandbox;

use super::words;

#[derive(Clone, Copy, Debug, Default, Args)]
#[command(next_help_heading = "Safety")]
pub struct SandboxOptions {
    /// Lock the process in before media is parsed: off, auto (what the kernel can), or require; see docs/sandbox.md [default: auto]
    #[arg(env = "FILMGATE_SANDBOX", hide_env_values = true, long, value_name = "MODE", value_parser = words::<Sandbox>(&["off", "auto", "require"]))]
    pub sandbox: Option<Sandbox>,
}
