//! Options of `frame`.

use std::path::PathBuf;

use clap::Args;

use super::{PluginOptions, ReadingOptions, ReportOptions};
use filmgate_engine::spec::{JobSpec, Time, Verb};

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  filmgate frame -i holiday.mp4 --at 1:02.5 -p emboss --compare -o emboss.png\n\n\
Plugins that see frames in order get the 32 frames before that time first, so that temporal filters show\n\
what they show in a whole run, as far as they look back no further."
)]
pub struct FrameArguments {
    /// Read a video: a file, a URL, or - for stdin
    #[arg(short, long, value_name = "INPUT")]
    pub input: Option<PathBuf>,
    /// Set the time of the frame: seconds (12.5) or hours, minutes and seconds (1:02:03.5) [default: 0]
    #[arg(long, value_name = "TIME")]
    pub at: Option<Time>,
    /// Write an image: .png, .jpg, .webp, .bmp, or .tiff
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace existing files
    #[arg(short = 'y', long)]
    pub overwrite: bool,
    /// Put the input frame on the left of the output frame
    #[arg(long)]
    pub compare: bool,
    #[command(flatten)]
    pub plugins: PluginOptions,
    #[command(flatten)]
    pub reading: ReadingOptions,
    #[command(flatten)]
    pub reports: ReportOptions,
}

impl FrameArguments {
    pub(crate) fn spec(self) -> JobSpec {
        let mut spec = JobSpec {
            verb: Verb::Frame,
            input: self.input.into_iter().collect(),
            at: self.at,
            output: self.output.into_iter().collect(),
            overwrite: self.overwrite,
            compare: self.compare,
            ..JobSpec::default()
        };
        self.plugins.fill(&mut spec);
        self.reading.fill(&mut spec);
        self.reports.fill(&mut spec);
        spec
    }
}
