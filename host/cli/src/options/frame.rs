//! Options of `frame`.

use std::path::PathBuf;

use clap::Args;

use super::{PluginOptions, ReadingOptions, ReportOptions};
use filmgate_engine::spec::{At, Every, Grid, JobSpec, Verb, Within};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  filmgate frame -i holiday.mp4 --at 1:02.5 -p emboss --compare -o emboss.png\n  \
filmgate frame -i holiday.mp4 --at 50% -o middle.jpg\n  \
filmgate frame -i holiday.mp4 --grid 4x3 -o sheet.jpg\n  \
filmgate frame -i holiday.mp4 --every 10s -o 'shot%03d.png'\n\n\
Plugins that see frames in order get the 32 frames before that time first, so that temporal filters show\n\
what they show in a whole run, as far as they look back no further."
)]
pub struct FrameArguments {
    /// Read a video: a file, a URL, or - for stdin
    #[arg(short, long, value_name = "INPUT")]
    pub input: Option<PathBuf>,
    /// Set the time of the frame: seconds (12.5), hours, minutes and seconds (1:02:03.5), or a part of the duration (50%) [default: 0]
    #[arg(long, value_name = "TIME")]
    pub at: Option<At>,
    /// Take a frame every so often from --at on (10s), into numbered images or a --grid
    #[arg(long, value_name = "TIME")]
    pub every: Option<Every>,
    /// Write a contact sheet: frames spread over the duration, or --every so often [range: 1x1 to 100x100]
    #[arg(long, value_name = "COLUMNSxROWS")]
    pub grid: Option<Grid>,
    /// Set the width of a cell of --grid, in pixels; the aspect is kept [default: 320] [range: 16 to 4096]
    #[arg(long, value_name = "N")]
    pub cell_width: Option<Within<16, 4096>>,
    /// Write an image: .png, .jpg, .webp, .bmp, or .tiff; numbered images (shot%03d.png) with --every; or - for stdout
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Show the frame in the terminal; without -o nothing is written
    #[arg(long)]
    pub preview: bool,
    /// Set the image format: png, jpg, webp, bmp, or tiff [default: from the extension; png on stdout]
    #[arg(long, value_name = "NAME")]
    pub format: Option<String>,
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
            every: self.every,
            grid: self.grid,
            cell_width: self.cell_width,
            format: self.format,
            preview: self.preview,
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
