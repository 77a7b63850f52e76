//! Options of `split`.

use std::path::PathBuf;

use clap::Args;

use super::{PartOptions, PluginOptions, ReadingOptions, ReportOptions, words};
use crate::complete;
use filmgate_engine::spec::{
    Every, Frames, JobSpec, Length, PerSecond, Subsampling, Threshold, Verb, Within,
};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  filmgate split -i http://camera/stream -o frames -p emboss --keep 1000\n  \
filmgate split -i rtsp://camera/1 -o frames --fps 2 --live --keep-for 24:00:00\n  \
filmgate split -i /dev/video0 -o frames --names 'template:pattern={date}/{time}-{number:06}.{ext}'\n  \
filmgate split -i film.mp4 -o stills --scene --names 'still%03d.png'\n\n\
Each image appears under its name only when it is complete, and never replaces another file: numbers continue\n\
after the highest one that exists. filmgate reconnects to a live source that stalls, ends or resets. Ctrl-C and\n\
SIGTERM stop it, with exit code 0."
)]
pub struct SplitArguments {
    /// Read a URL (http, https, rtsp, rtmp, udp, srt …), a camera (/dev/video0), a named pipe, a file, or - for stdin
    #[arg(short, long, value_name = "SOURCE")]
    pub input: Option<PathBuf>,
    /// Write images to this folder, which is created if its parent exists; FOLDER/frame%06d.jpg sets --names too
    #[arg(short, long, value_name = "FOLDER")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub plugins: PluginOptions,
    #[command(flatten)]
    pub images: ImageOptions,
    #[command(flatten)]
    pub choice: ChoiceOptions,
    #[command(flatten)]
    pub part: PartOptions,
    #[command(flatten)]
    pub live: LiveOptions,
    #[command(flatten)]
    pub reading: ReadingOptions,
    #[command(flatten)]
    pub reports: ReportOptions,
}

/// How images are written, and how many of them are kept.
#[derive(Debug, Args)]
#[command(next_help_heading = "Images")]
pub struct ImageOptions {
    /// Name images by a pattern with %d or %06d for the number, from 1, or by a naming policy such as template:pattern=… [default: frame%06d.jpg]
    #[arg(long, value_name = "NAME|PLUGIN", add = complete::naming())]
    pub names: Option<String>,
    /// Set the image format: jpg, png, webp (lossless), bmp, or tiff [default: from --names, or jpg]
    #[arg(long, value_name = "NAME")]
    pub format: Option<String>,
    /// Set the JPEG quality [default: 85] [range: 1 to 100]
    #[arg(long, value_name = "N")]
    pub quality: Option<Within<1, 100>>,
    /// Set the JPEG chroma subsampling [default: 420]
    #[arg(long, value_name = "SUBSAMPLING", value_parser = words::<Subsampling>(&["420", "422", "444"]))]
    pub subsampling: Option<Subsampling>,
    /// Sync each image to disk, so that a power failure loses none that appeared
    #[arg(long)]
    pub sync: bool,
    /// Keep this many images in the folder; the oldest that filmgate wrote are removed [default: all]
    #[arg(long, value_name = "N")]
    pub keep: Option<Frames>,
    /// Keep images for this long, then remove them [default: forever]
    #[arg(long, value_name = "TIME")]
    pub keep_for: Option<Length>,
}

/// Which frames become images.
#[derive(Debug, Args)]
#[command(next_help_heading = "Frames")]
pub struct ChoiceOptions {
    /// Take every Nth frame, or one frame every so often (10s); cannot be used with --fps
    #[arg(long, value_name = "N|TIME")]
    pub every: Option<Every>,
    /// Take at most N frames per second: the first at or after each tick, none twice; cannot be used with --every
    #[arg(long, value_name = "N")]
    pub fps: Option<PerSecond>,
    /// Decode keyframes only, which is fast
    #[arg(long)]
    pub keyframes: bool,
    /// Take the first frame of each scene, found by the plugin `scene` with this threshold [default without a value: 0.3] [range: 0 to 1]
    #[arg(long, value_name = "THRESHOLD", num_args = 0..=1, require_equals = true, default_missing_value = "0.3")]
    pub scene: Option<Threshold>,
}

/// How a live source is dealt with.
#[derive(Debug, Args)]
#[command(next_help_heading = "Live source")]
pub struct LiveOptions {
    /// Drop frames instead of falling behind the source
    #[arg(long)]
    pub live: bool,
    /// End when the source ends, fails or stalls, instead of reconnecting
    #[arg(long)]
    pub once: bool,
    /// Wait for a source that does not exist yet
    #[arg(long)]
    pub wait: bool,
    /// Reconnect to a network source after this much silence, in seconds [default: 5]
    #[arg(long, value_name = "SECONDS")]
    pub stall: Option<Length>,
}

impl SplitArguments {
    pub(crate) fn spec(self) -> JobSpec {
        let (images, choice, live) = (self.images, self.choice, self.live);
        let mut spec = JobSpec {
            verb: Verb::Split,
            input: self.input.into_iter().collect(),
            output: self.output.into_iter().collect(),
            names: images.names,
            format: images.format,
            quality: images.quality,
            subsampling: images.subsampling,
            sync: images.sync,
            keep: images.keep,
            keep_for: images.keep_for,
            every: choice.every,
            fps: choice.fps,
            keyframes: choice.keyframes,
            scene: choice.scene,
            live: live.live,
            once: live.once,
            wait: live.wait,
            stall: live.stall,
            ..JobSpec::default()
        };
        self.plugins.fill(&mut spec);
        self.part.fill(&mut spec);
        self.reading.fill(&mut spec);
        self.reports.fill(&mut spec);
        spec
    }
}
