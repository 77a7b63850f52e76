//! Options about the part of the source.

use clap::Args;

use filmgate_engine::spec::{Frames, JobSpec, Length, Time};

#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Input")]
pub struct PartOptions {
    /// Start at this time: seconds (12.5) or hours, minutes and seconds (1:02:03.5) [default: 0]
    #[arg(long, value_name = "TIME")]
    pub start: Option<Time>,
    /// Limit the duration [default: to the end]
    #[arg(long, value_name = "TIME")]
    pub duration: Option<Length>,
    /// Stop after this many frames [default: all]
    #[arg(long, value_name = "N")]
    pub max_frames: Option<Frames>,
}

impl PartOptions {
    pub(crate) fn fill(self, spec: &mut JobSpec) {
        spec.start = self.start;
        spec.duration = self.duration;
        spec.max_frames = self.max_frames;
    }
}
