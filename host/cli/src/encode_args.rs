//! The command line of `encode` as it is typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, ValueEnum};

use super::args::{CrashPolicy, Json, LimitArguments};
use super::inputs::{key_value, seconds, time};
use super::outputs::{bit_rate, crf};
use filmgate_core::frame::Rational;

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("source").required(true).args(["fifo", "input", "image"])))]
#[command(
    after_help = "Examples:\n  filmgate encode --fifo /tmp/pictures --size 1280x720 --pix-fmt bgr24 --rate 25 -o out.flv\n  \
filmgate encode --fifo /tmp/pictures --stay --size 640x480 --pix-fmt bgr24 -o rtmp://server/live/key --also copy.mp4\n  \
ffmpeg -i a.mp4 -f yuv4mpegpipe - | filmgate encode -i - -o out.mp4 -o out.m3u8\n  \
filmgate encode --image slide.jpg --duration 10 --audio silence -o slide.mp4\n\n\
The end of writing ends the job, and so does SIGTERM: everything that came is then in the outputs. A server that\n\
is not there, or goes away, is connected again and again while the encoder goes on."
)]
pub struct EncodeArguments {
    /// A named pipe to read raw pictures from: made (mode 0600) and removed again, or taken if it
    /// is there
    #[arg(long, value_name = "PATH")]
    pub fifo: Option<PathBuf>,
    /// What to read: - for standard input, a file, numbered pictures (%06d.png), a URL; with
    /// --size its bytes are raw pictures, else it says itself what it is (y4m and all that libav
    /// knows)
    #[arg(short, long, value_name = "INPUT")]
    pub input: Option<PathBuf>,
    /// A picture that is shown for --duration; several follow each other
    #[arg(long, value_name = "FILE", requires = "duration")]
    pub image: Vec<PathBuf>,
    /// What to write: a file (flv, mp4, mkv, ts …), a playlist with pieces beside it (x.m3u8), a
    /// server (rtmp://, srt://, rtsp://, udp://), or - for standard output; may be given several
    /// times, for one encode
    #[arg(short, long, value_name = "OUTPUT", required = true)]
    pub output: Vec<String>,
    /// A whole copy in a file beside the other outputs, whatever becomes of them
    #[arg(long, value_name = "FILE")]
    pub also: Vec<PathBuf>,
    /// Replace outputs that are there already
    #[arg(short = 'y', long)]
    pub overwrite: bool,
    /// A plugin to take each frame through, with its parameters; may be given several times
    #[arg(short, long = "plugin", value_name = "PLUGIN[:key=value,…]")]
    pub plugins: Vec<String>,
    #[command(flatten)]
    pub raw: RawArguments,
    #[command(flatten)]
    pub sound: SoundArguments,
    #[command(flatten)]
    pub encoding: EncodingArguments,
    #[command(flatten)]
    pub pushing: PushArguments,
    /// How many threads plugins get whose frames may be shared out [default: one a processor]
    #[arg(short = 'j', long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256), help_heading = "Plugins")]
    pub workers: Option<u16>,
    /// What to do when a plugin breaks
    #[arg(long, value_enum, default_value_t = CrashPolicy::Fail, help_heading = "Plugins")]
    pub on_failure: CrashPolicy,
    #[command(flatten)]
    pub limits: LimitArguments,
    /// No progress bar and no summary
    #[arg(short, long)]
    pub quiet: bool,
    #[command(flatten)]
    pub json: Json,
    /// Tell how it goes in JSON lines on standard output: start, progress, result
    #[arg(long, conflicts_with = "json")]
    pub progress_json: bool,
}

/// What the raw pictures are.
#[derive(Debug, Args)]
#[command(next_help_heading = "Raw pictures")]
pub struct RawArguments {
    /// Width and height of raw pictures
    #[arg(long, value_name = "WxH", value_parser = size, required_if_eq_any([("stay", "true")]))]
    pub size: Option<(u32, u32)>,
    /// libav's name of the format of raw pictures
    #[arg(long, value_name = "NAME", default_value = "bgr24")]
    pub pix_fmt: String,
    /// Pictures a second: 25, 29.97 or 30000/1001
    #[arg(long, value_name = "RATE", default_value = "25", value_parser = rate)]
    pub rate: Rational,
    /// Do not end with the writer of the pipe, but wait for the next one
    #[arg(long, requires = "fifo")]
    pub stay: bool,
    /// How long each --image is shown
    #[arg(long, value_name = "TIME", value_parser = time, requires = "image")]
    pub duration: Option<i64>,
    /// Let pictures go at the times that they are for, and not as fast as they come
    #[arg(long)]
    pub realtime: bool,
    /// What to do about odd sizes, which 4:2:0 does not have
    #[arg(long, value_enum, default_value_t = Odd::Refuse)]
    pub odd: Odd,
    /// The matrix between RGB and YUV; the output is marked with it
    #[arg(long, value_enum, default_value_t = Matrix::Auto)]
    pub matrix: Matrix,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Odd {
    Refuse,
    /// The last row or column is repeated
    Pad,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Matrix {
    /// BT.709 from 720 rows on, BT.601 below
    Auto,
    Bt601,
    Bt709,
}

/// Sound.
#[derive(Debug, Args)]
#[command(next_help_heading = "Sound")]
pub struct SoundArguments {
    /// Sound from a file, as it is there, or `silence`
    #[arg(long, value_name = "FILE")]
    pub audio: Option<PathBuf>,
    /// Sound from a second named pipe, as samples of 16 bits (s16le), encoded to AAC
    #[arg(long, value_name = "PATH", conflicts_with = "audio")]
    pub audio_fifo: Option<PathBuf>,
    /// Samples a second, of the pipe and of silence
    #[arg(long, value_name = "HZ", default_value_t = 48_000, value_parser = clap::value_parser!(u32).range(8_000..=96_000))]
    pub audio_rate: u32,
    /// Channels of the pipe and of silence
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=8))]
    pub audio_channels: u8,
}

/// How to encode, and into what.
#[derive(Debug, Args)]
#[command(next_help_heading = "Encoding")]
pub struct EncodingArguments {
    /// The container of outputs whose name does not say it
    #[arg(long, value_name = "NAME")]
    pub format: Option<String>,
    /// mp4 in pieces with an index each: what is written can be played while it grows
    #[arg(long)]
    pub fragmented: bool,
    /// The encoder: h264, hevc, vp9, av1, or libav's name of one
    #[arg(long, value_name = "NAME", default_value = "h264")]
    pub codec: String,
    /// The encoder's preset [default: ultrafast for x264 and x265]
    #[arg(long, value_name = "NAME")]
    pub preset: Option<String>,
    /// What the encoder is to be tuned for [default: zerolatency for x264 and x265]
    #[arg(long, value_name = "NAME")]
    pub tune: Option<String>,
    /// Constant quality on the encoder's own scale: for x264 0 (lossless) to 51 (worst), usually 23
    #[arg(long, value_name = "N", value_parser = crf)]
    pub crf: Option<f64>,
    /// Bits a second instead of constant quality: 800k, 2.5M
    #[arg(long, value_name = "RATE", value_parser = bit_rate, conflicts_with = "crf")]
    pub bitrate: Option<i64>,
    /// The most bits a second, over the time that --bufsize stands for (VBV)
    #[arg(long, value_name = "RATE", value_parser = bit_rate)]
    pub maxrate: Option<i64>,
    /// The player's buffer (VBV), in bits [default: one second of --maxrate]
    #[arg(long, value_name = "BITS", value_parser = bit_rate, requires = "maxrate")]
    pub bufsize: Option<i64>,
    /// Time from key frame to key frame: how soon a viewer can join in, and how much is dropped at
    /// once when a server takes too little
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = seconds)]
    pub keyframe_interval: Duration,
    /// The profile: for x264 baseline, main, high …
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// The pixel format to encode
    #[arg(long, value_name = "NAME", default_value = "yuv420p")]
    pub output_pix_fmt: String,
    /// Any other option of the encoder, as key=value; may be given several times
    #[arg(short = 'x', long = "encoder-option", value_name = "KEY=VALUE", value_parser = key_value)]
    pub encoder_options: Vec<(String, String)>,
}

/// How servers are dealt with.
#[derive(Debug, Args)]
#[command(next_help_heading = "Servers")]
pub struct PushArguments {
    /// How many MiB may wait for a server; beyond, whole groups of pictures are dropped
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=65_536))]
    pub buffer: u64,
    /// How much time may wait for a server
    #[arg(long, value_name = "SECONDS", default_value = "20", value_parser = seconds)]
    pub buffer_time: Duration,
    /// How long connecting to a server, or one write to it, may take
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub patience: Duration,
}

fn size(text: &str) -> Result<(u32, u32), String> {
    let wrong = || format!("{text:?} is no size; 1280x720 is wanted");
    let (width, height) = text.split_once(['x', 'X']).ok_or_else(wrong)?;
    let side = |text: &str| text.parse::<u32>().map_err(|_| wrong());
    let (width, height) = (side(width)?, side(height)?);
    filmgate_core::frame::check_size(width, height).map(|()| (width, height))
}

/// `25`, `29.97`, `30000/1001`.
fn rate(text: &str) -> Result<Rational, String> {
    let wrong = || format!("{text:?} is no rate; 25, 29.97 or 30000/1001, above 0, is wanted");
    let parts = match text.split_once('/') {
        Some((num, den)) => (num.parse::<i32>().ok(), den.parse::<i32>().ok()),
        // Thousandths are what people mean by more digits; the usual ones are fractions of 1001.
        None => match text.parse::<f64>() {
            Ok(rate) if (0.001..=10_000.0).contains(&rate) => match usual(rate) {
                Some(rate) => return Ok(rate),
                None => (Some((rate * 1000.0).round() as i32), Some(1000)),
            },
            _ => return Err(wrong()),
        },
    };
    match parts {
        (Some(num @ 1..), Some(den @ 1..)) if f64::from(num) / f64::from(den) <= 10_000.0 => {
            Ok(Rational { num, den })
        }
        _ => Err(wrong()),
    }
}

fn usual(rate: f64) -> Option<Rational> {
    if rate.fract() == 0.0 {
        return Some(Rational { num: rate as i32, den: 1 });
    }
    let ntsc = [24_000, 30_000, 48_000, 60_000, 120_000].map(|num| Rational { num, den: 1001 });
    ntsc.into_iter().find(|r| (f64::from(r.num) / f64::from(r.den) - rate).abs() < 0.005)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_sizes_are_read_as_people_write_them() {
        let r = |num, den| Ok(Rational { num, den });
        assert_eq!(rate("25"), r(25, 1));
        assert_eq!(rate("29.97"), r(30_000, 1001));
        assert_eq!(rate("23.976"), r(24_000, 1001));
        assert_eq!(rate("12.5"), r(12_500, 1000));
        assert_eq!(rate("30000/1001"), r(30_000, 1001));
        for text in ["0", "-1", "", "25/0", "0/1", "nan", "inf", "1e9", "fast"] {
            assert!(rate(text).is_err(), "{text}");
        }
        assert_eq!(size("1280x720"), Ok((1280, 720)));
        for text in ["", "1280", "0x720", "1280x", "x", "99999x99999", "-1x2", "1280x720x3"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
