//! Options of `run`.

use std::path::PathBuf;

use clap::Args;

use super::{
    EncodingOptions, PartOptions, PluginOptions, PushOptions, ReadingOptions, ReconnectOptions,
    ReportOptions,
};
use filmgate_engine::spec::{JobSpec, StreamChoice, Verb};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  filmgate run -i holiday.mp4 -p emboss -p denoise:frames=5 -o holiday-embossed.mp4\n  \
filmgate run -i holiday.mp4 --start 1:30 --duration 5 -p grayscale -o short.gif\n  \
filmgate run -i part1.mp4 -i part2.mp4 --codec av1 --map v --map a:1 -o both.mkv\n  \
cat in.mkv | filmgate run -i - -p emboss -o - --format y4m | ffplay -\n\n\
The output appears under its name only when it is complete. `filmgate plugin list` lists the plugins,\n\
`filmgate plugin inspect NAME` their parameters."
)]
pub struct RunArguments {
    /// Read a file, a URL, a camera (/dev/video0), numbered images (%06d.png), a folder of images or a pattern in quotes ('dir/*.png'), or - for stdin; several are read in turn
    #[arg(short, long, value_name = "INPUT")]
    pub input: Vec<PathBuf>,
    /// Write a file, with the container from its extension (mp4, mov, mkv, webm, gif, ts …), numbered images (frames/%06d.png), an HLS playlist with its segments (x.m3u8), a URL, - for stdout, or /dev/null to time plugins without encoding; repeatable, for one encode
    #[arg(short, long, value_name = "OUTPUT")]
    pub output: Vec<PathBuf>,
    /// Replace existing files
    #[arg(short = 'y', long)]
    pub overwrite: bool,
    /// Accept an input that ends too early: keep what was read, exit code 3
    #[arg(long)]
    pub accept_truncated: bool,
    #[command(flatten)]
    pub plugins: PluginOptions,
    #[command(flatten)]
    pub part: PartOptions,
    /// Select streams: v, a, s, d or t (attachments), with a number for one of them (a:1), or the number of a stream (2 or 0:2); -a:1 excludes; repeatable
    #[arg(long, value_name = "STREAMS", allow_hyphen_values = true, help_heading = "Input")]
    pub map: Vec<StreamChoice>,
    /// Leave out all audio
    #[arg(long, help_heading = "Input")]
    pub no_audio: bool,
    #[command(flatten)]
    pub reading: ReadingOptions,
    #[command(flatten)]
    pub live: ReconnectOptions,
    #[command(flatten)]
    pub encoding: EncodingOptions,
    /// Set the pixel format to encode: yuv420p, yuv444p, yuv420p10, rgb24 [default: the nearest to the input that the encoder takes]
    #[arg(long, value_name = "NAME", help_heading = "Encoding")]
    pub pix_fmt: Option<String>,
    #[command(flatten)]
    pub pushing: PushOptions,
    #[command(flatten)]
    pub reports: ReportOptions,
    /// Show frames in the terminal while they are processed, at most five per second
    #[arg(long, help_heading = "Reports")]
    pub preview: bool,
    /// Put the input frame on the left of each output frame
    #[arg(long, help_heading = "Reports")]
    pub compare: bool,
    /// Write the tags that plugins attach to frames, one JSON line per frame in output order
    #[arg(long, value_name = "FILE", help_heading = "Reports")]
    pub tags: Option<PathBuf>,
}

impl RunArguments {
    pub(crate) fn spec(self) -> JobSpec {
        let mut spec = JobSpec {
            verb: Verb::Run,
            input: self.input,
            output: self.output,
            overwrite: self.overwrite,
            accept_truncated: self.accept_truncated,
            map: self.map,
            no_audio: self.no_audio,
            pix_fmt: self.pix_fmt,
            compare: self.compare,
            preview: self.preview,
            tags: self.tags,
            ..JobSpec::default()
        };
        self.plugins.fill(&mut spec);
        self.part.fill(&mut spec);
        self.reading.fill(&mut spec);
        self.live.fill(&mut spec);
        self.encoding.fill(&mut spec);
        self.pushing.fill(&mut spec);
        self.reports.fill(&mut spec);
        spec
    }
}
