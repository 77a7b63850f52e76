//! Options about streaming servers.

use clap::Args;

use filmgate_engine::spec::{JobSpec, Length, Within};

#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Servers")]
pub struct PushOptions {
    /// Limit the backlog for a slow server, in MiB; beyond it whole groups of frames are dropped [default: 64] [range: 1 to 65536]
    #[arg(long, value_name = "MIB")]
    pub buffer: Option<Within<1, 65_536>>,
    /// Limit the backlog for a slow server, in seconds [default: 20]
    #[arg(long, value_name = "SECONDS")]
    pub buffer_time: Option<Length>,
    /// Limit the time for connecting to a server, or for one write to it, in seconds [default: 10]
    #[arg(long, value_name = "SECONDS")]
    pub patience: Option<Length>,
}

impl PushOptions {
    pub(crate) fn fill(self, spec: &mut JobSpec) {
        spec.buffer = self.buffer;
        spec.buffer_time = self.buffer_time;
        spec.patience = self.patience;
    }
}
