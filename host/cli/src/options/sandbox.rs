//! The sandbox around the media work.

use clap::{Args, ValueEnum};
use filmgate_sandbox::Mode;

#[derive(Clone, Copy, Debug, Args)]
pub struct SandboxOptions {
    /// Lock the process in before media is parsed: off, auto (what the kernel can), or require
    #[arg(long, env = "FILMGATE_SANDBOX", value_enum, default_value_t, value_name = "MODE")]
    #[arg(hide_env_values = true)]
    pub sandbox: SandboxMode,
}

/// [`Mode`], as it is typed.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum SandboxMode {
    Off,
    #[default]
    Auto,
    Require,
}

impl From<SandboxMode> for Mode {
    fn from(mode: SandboxMode) -> Mode {
        match mode {
            SandboxMode::Off => Mode::Off,
            SandboxMode::Auto => Mode::Auto,
            SandboxMode::Require => Mode::Require,
        }
    }
}
