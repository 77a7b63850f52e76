//! Options of `encode`.

use std::path::PathBuf;

use clap::Args;

use super::{
    EncodingOptions, PluginOptions, PushOptions, ReadingOptions, ReconnectOptions, ReportOptions,
    words,
};
use filmgate_engine::spec::{FrameRate, JobSpec, Length, Matrix, Odd, Size, Verb, Within};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  filmgate encode --fifo /tmp/frames --size 1280x720 --pix-fmt bgr24 --rate 25 -o out.flv\n  \
filmgate encode --fifo /tmp/frames --stay --size 640x480 --pix-fmt bgr24 -o rtmp://server/live/key --also copy.mp4\n  \
ffmpeg -i a.mp4 -f yuv4mpegpipe - | filmgate encode -i - -o out.mp4 -o out.m3u8\n  \
filmgate encode --image slide.jpg --duration 10 --audio silence -o slide.mp4\n\n\
The job ends with the writer, or on SIGTERM: all frames that came are then in the outputs. filmgate reconnects\n\
to a server that is missing or disconnects, while the encoder goes on."
)]
pub struct EncodeArguments {
    /// Read raw frames from a named pipe, which is created (mode 0600) and removed, or used if it exists
    #[arg(long, value_name = "PATH")]
    pub fifo: Option<PathBuf>,
    /// Read - for stdin, a file, numbered images (%06d.png), a folder of images or a pattern in quotes ('dir/*.png'), or a URL; raw frames with --size, else y4m and everything libav knows
    #[arg(short, long, value_name = "INPUT")]
    pub input: Vec<PathBuf>,
    /// Show a still image for --duration; repeatable
    #[arg(long, value_name = "FILE")]
    pub image: Vec<PathBuf>,
    /// Write a file (flv, mp4, mkv, ts …), an HLS playlist with its segments (x.m3u8), a server (rtmp://, srt://, rtsp://, udp://), or - for stdout; repeatable, for one encode
    #[arg(short, long, value_name = "OUTPUT")]
    pub output: Vec<PathBuf>,
    /// Write a complete copy to a file beside the other outputs, even if they fail; repeatable
    #[arg(long, value_name = "FILE")]
    pub also: Vec<PathBuf>,
    /// Replace existing files
    #[arg(short = 'y', long)]
    pub overwrite: bool,
    #[command(flatten)]
    pub plugins: PluginOptions,
    #[command(flatten)]
    pub raw: RawOptions,
    #[command(flatten)]
    pub audio: AudioOptions,
    #[command(flatten)]
    pub reading: ReadingOptions,
    #[command(flatten)]
    pub live: ReconnectOptions,
    #[command(flatten)]
    pub encoding: EncodingOptions,
    /// Set the pixel format to encode [default: yuv420p]
    #[arg(long, value_name = "NAME", help_heading = "Encoding")]
    pub output_pix_fmt: Option<String>,
    #[command(flatten)]
    pub pushing: PushOptions,
    #[command(flatten)]
    pub reports: ReportOptions,
}

/// What raw frames and still images are.
#[derive(Debug, Args)]
#[command(next_help_heading = "Raw frames")]
pub struct RawOptions {
    /// Set width and height of raw frames
    #[arg(long, value_name = "WxH")]
    pub size: Option<Size>,
    /// Set the pixel format of raw frames by libav's name [default: bgr24]
    #[arg(long, value_name = "NAME")]
    pub pix_fmt: Option<String>,
    /// Set the frame rate of raw frames and still images: 25, 29.97, or 30000/1001 [default: 25]
    #[arg(long, value_name = "RATE")]
    pub rate: Option<FrameRate>,
    /// Wait for the next writer of the pipe instead of ending with the first; needs --fifo
    #[arg(long)]
    pub stay: bool,
    /// Set how long each --image is shown
    #[arg(long, value_name = "TIME")]
    pub duration: Option<Length>,
    /// Set how odd sizes are handled, which 4:2:0 does not have: refuse, or pad by repeating the last row or column [default: refuse]
    #[arg(long, value_name = "HOW", value_parser = words::<Odd>(&["refuse", "pad"]))]
    pub odd: Option<Odd>,
    /// Set the matrix between RGB and YUV, which the output is tagged with; auto is bt709 from 720 rows, else bt601 [default: auto]
    #[arg(long, value_name = "NAME", value_parser = words::<Matrix>(&["auto", "bt601", "bt709"]))]
    pub matrix: Option<Matrix>,
}

/// Audio beside the frames.
#[derive(Debug, Args)]
#[command(next_help_heading = "Audio")]
pub struct AudioOptions {
    /// Add audio from a file, copied without re-encoding, or `silence`
    #[arg(long, value_name = "FILE")]
    pub audio: Option<PathBuf>,
    /// Add audio from a second named pipe: 16-bit samples (s16le), encoded to AAC
    #[arg(long, value_name = "PATH")]
    pub audio_fifo: Option<PathBuf>,
    /// Set the sample rate of the pipe and of silence, in Hz [default: 48000] [range: 8000 to 96000]
    #[arg(long, value_name = "HZ")]
    pub audio_rate: Option<Within<8_000, 96_000>>,
    /// Set the channels of the pipe and of silence [default: 2] [range: 1 to 8]
    #[arg(long, value_name = "N")]
    pub audio_channels: Option<Within<1, 8>>,
}

impl EncodeArguments {
    pub(crate) fn spec(self) -> JobSpec {
        let mut spec = JobSpec {
            verb: Verb::Encode,
            fifo: self.fifo,
            input: self.input,
            image: self.image,
            output: self.output,
            also: self.also,
            overwrite: self.overwrite,
            size: self.raw.size,
            pix_fmt: self.raw.pix_fmt,
            rate: self.raw.rate,
            stay: self.raw.stay,
            duration: self.raw.duration,
            odd: self.raw.odd,
            matrix: self.raw.matrix,
            audio: self.audio.audio,
            audio_fifo: self.audio.audio_fifo,
            audio_rate: self.audio.audio_rate,
            audio_channels: self.audio.audio_channels,
            output_pix_fmt: self.output_pix_fmt,
            ..JobSpec::default()
        };
        self.plugins.fill(&mut spec);
        self.reading.fill(&mut spec);
        self.live.fill(&mut spec);
        self.encoding.fill(&mut spec);
        self.pushing.fill(&mut spec);
        self.reports.fill(&mut spec);
        spec
    }
}
