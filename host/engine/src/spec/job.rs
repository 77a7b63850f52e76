//! The description of a job that takes frames from a source through plugins to a sink.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    At, BitRate, CrashPolicy, Crf, Deadline, Every, FrameRate, Grid, Length, Memory, Merge,
    OneOrMany, Pairs, PerSecond, PluginSpec, Sandbox, Size, SpecError, StreamChoice, Threshold,
    Time, Within, Workers, one_or_many,
};
use crate::spec;

/// What a job does, as its verb.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// inputs in turn, encoded into one or several outputs
    #[default]
    Run,
    /// raw frames, still images or a decoded input, encoded into outputs that last
    Encode,
    /// a source into image files
    Split,
    /// one frame into an image file
    Frame,
}

impl Verb {
    /// As it is written on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Verb::Run => "run",
            Verb::Encode => "encode",
            Verb::Split => "split",
            Verb::Frame => "frame",
        }
    }
}

impl Merge for Verb {
    /// A file does not say it.
    fn or_from(&mut self, _: Verb) {}
}

/// What to do about odd sizes, which 4:2:0 does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Odd {
    #[default]
    Refuse,
    /// the last row or column is repeated
    Pad,
}

/// The matrix between RGB and YUV.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Matrix {
    /// BT.709 from 720 rows up, BT.601 below
    #[default]
    Auto,
    Bt601,
    Bt709,
}

/// Chroma subsampling of a JPEG.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Subsampling {
    #[default]
    #[serde(rename = "420")]
    Yuv420,
    #[serde(rename = "422")]
    Yuv422,
    #[serde(rename = "444")]
    Yuv444,
}

/// A number of frames, at least one.
pub type Frames = Within<1, { u64::MAX }>;

spec! {
    /// A job. Which of the fields it may set depends on its verb; the keys of a file are those that
    /// the verb has as options.
    pub struct JobSpec {
        pub verb: Verb,

        // ---- source ----
        /// Files, URLs, devices, numbered images, `-`; read in turn
        #[serde(deserialize_with = "one_or_many")]
        #[schemars(with = "OneOrMany")]
        pub input: Vec<PathBuf>,
        /// A named pipe with raw frames
        pub fifo: Option<PathBuf>,
        /// Still images, each shown for `duration`
        #[serde(deserialize_with = "one_or_many")]
        #[schemars(with = "OneOrMany")]
        pub image: Vec<PathBuf>,
        /// libav's name of the input's format
        pub input_format: Option<String>,
        /// Options of the input's format
        pub input_option: Pairs,
        /// Seconds that opening an input may take
        pub open_timeout: Option<Length>,
        /// Seconds of silence after which a live source is opened again
        pub stall: Option<Length>,
        /// Reconnect to a live input that ends, breaks or stalls
        pub reconnect: bool,
        /// End with the source, even a live one
        pub once: bool,
        /// Wait for a source that does not exist yet
        pub wait: bool,
        /// Accept an input that ends too early
        pub accept_truncated: bool,
        /// Width and height of raw frames
        pub size: Option<Size>,
        /// Pixel format: of raw frames for `encode`, else of the encoder
        pub pix_fmt: Option<String>,
        /// Frames a second of raw frames and still images
        pub rate: Option<FrameRate>,
        /// Wait for the next writer of the pipe
        pub stay: bool,
        /// Let frames go at their own times
        pub realtime: bool,
        /// What to do about odd sizes
        pub odd: Option<Odd>,
        /// The matrix between RGB and YUV
        pub matrix: Option<Matrix>,
        /// Audio from a file, or `silence`
        pub audio: Option<PathBuf>,
        /// Audio from a named pipe
        pub audio_fifo: Option<PathBuf>,
        /// Samples a second of the pipe and of silence
        pub audio_rate: Option<Within<8_000, 96_000>>,
        /// Channels of the pipe and of silence
        pub audio_channels: Option<Within<1, 8>>,

        // ---- which part of it ----
        /// When the part begins
        pub start: Option<Time>,
        /// The time of the frame, or of the first one
        pub at: Option<At>,
        /// How long the part, or each still image, lasts
        pub duration: Option<Length>,
        /// The most frames
        pub max_frames: Option<Frames>,
        /// Which streams
        #[serde(deserialize_with = "one_or_many")]
        #[schemars(with = "OneOrMany")]
        pub map: Vec<StreamChoice>,
        /// Leave out all audio
        pub no_audio: bool,
        /// One frame of so many, or one in each stretch of time
        pub every: Option<Every>,
        /// At most so many frames a second
        pub fps: Option<PerSecond>,
        /// Keyframes alone
        pub keyframes: bool,
        /// The first frame of each scene, found with this threshold
        pub scene: Option<Threshold>,
        /// Drop frames rather than fall behind
        pub live: bool,

        // ---- plugins ----
        /// Plugins, in the order in which frames go through them
        pub plugin: Vec<PluginSpec>,
        /// Threads of parallel plugins
        pub workers: Option<Workers>,
        /// What to do when a plugin fails
        pub on_failure: Option<CrashPolicy>,
        /// Milliseconds that one call of a plugin may take
        pub deadline: Option<Deadline>,
        /// MiB that one instance of a plugin may use
        pub memory: Option<Memory>,
        /// `NAME:CAPABILITY` of plugins
        pub grant: Vec<String>,

        // ---- sink ----
        /// Files, servers, playlists, numbered images, a folder, `-`
        #[serde(deserialize_with = "one_or_many")]
        #[schemars(with = "OneOrMany")]
        pub output: Vec<PathBuf>,
        /// Whole copies in files
        #[serde(deserialize_with = "one_or_many")]
        #[schemars(with = "OneOrMany")]
        pub also: Vec<PathBuf>,
        /// Replace existing outputs
        pub overwrite: bool,
        /// The container, or the format of images
        pub format: Option<String>,
        /// mp4 in fragments
        pub fragmented: bool,
        /// The encoder
        pub codec: Option<String>,
        /// The encoder's preset
        pub preset: Option<String>,
        /// What the encoder is tuned for
        pub tune: Option<String>,
        /// Constant quality on the encoder's own scale
        pub crf: Option<Crf>,
        /// Bits a second
        pub bitrate: Option<BitRate>,
        /// The most bits a second
        pub maxrate: Option<BitRate>,
        /// The player's buffer, in bits
        pub bufsize: Option<BitRate>,
        /// Seconds from keyframe to keyframe
        pub keyframe_interval: Option<Length>,
        /// The encoder's profile
        pub profile: Option<String>,
        /// Pixel format of the encoder, for `encode`
        pub output_pix_fmt: Option<String>,
        /// Options of the encoder
        pub encoder_option: Pairs,
        /// MiB that may wait for a server
        pub buffer: Option<Within<1, 65_536>>,
        /// Seconds that may wait for a server
        pub buffer_time: Option<Length>,
        /// Seconds that connecting to a server, or one write to it, may take
        pub patience: Option<Length>,
        /// Names of images: a pattern, or a naming policy
        pub names: Option<String>,
        /// Quality of JPEG
        pub quality: Option<Within<1, 100>>,
        /// Chroma subsampling of JPEG
        pub subsampling: Option<Subsampling>,
        /// Wait for the disk with every image
        pub sync: bool,
        /// Images to keep in the folder
        pub keep: Option<Frames>,
        /// How long to keep images
        pub keep_for: Option<Length>,
        /// Show frames in the terminal
        pub preview: bool,
        /// Columns and rows of a contact sheet
        pub grid: Option<Grid>,
        /// Width of a cell of it, pixels
        pub cell_width: Option<Within<16, 4096>>,
        /// Put the source of each frame on its left
        pub compare: bool,

        // ---- reports ----
        /// A file for what plugins attach to frames
        pub tags: Option<PathBuf>,
        /// A file that says what came of what
        pub receipt: Option<PathBuf>,
        /// No progress bar, no summary
        pub quiet: bool,
        /// The summary as JSON
        pub json: bool,
        /// Progress as JSON lines
        pub progress_json: bool,

        // ---- safety ----
        /// Whether the process is locked in before it parses media
        pub sandbox: Option<Sandbox>,

        /// Options whose values are the user's defaults for all jobs (the environment's): they
        /// hold where they mean something
        #[serde(skip)]
        #[schemars(skip)]
        pub defaults: Vec<String>,
    }
}

impl JobSpec {
    /// Writes `-` for the names that FFmpeg has for standard input and output: `pipe:`, `pipe:0`,
    /// and `pipe:1`.
    pub fn name_pipes(&mut self) {
        let name = |paths: &mut Vec<PathBuf>, names: [&str; 2]| {
            for path in paths.iter_mut().filter(|p| names.iter().any(|n| p.as_os_str() == *n)) {
                *path = PathBuf::from("-");
            }
        };
        name(&mut self.input, ["pipe:", "pipe:0"]);
        name(&mut self.output, ["pipe:", "pipe:1"]);
    }

    /// Whether the value of an option is one that the user has set for all jobs.
    pub fn is_default(&self, option: &str) -> bool {
        self.defaults.iter().any(|o| o == option)
    }

    /// Whether `run` or `encode` discards what it encodes: `--format null`.
    pub fn writes_nothing(&self) -> bool {
        let encodes = matches!(self.verb, Verb::Run | Verb::Encode);
        encodes && self.format.as_deref() == Some("null")
    }

    /// Whether an output goes to standard output.
    pub fn writes_to_stdout(&self) -> bool {
        !self.writes_nothing() && self.output.iter().any(|o| o.as_os_str() == "-")
    }

    /// Checks what one field says against the others: what is missing, what excludes what, what
    /// needs what. It does not matter who set the fields.
    ///
    /// # Errors
    /// Usage.
    pub fn check(&self) -> Result<(), SpecError> {
        self.check_source()?;
        self.check_output()?;
        exclude(&[
            (
                "--bitrate",
                self.bitrate.is_some(),
                "--crf",
                self.crf.is_some() && !self.is_default("crf"),
            ),
            ("--fps", self.fps.is_some(), "--every", self.every.is_some()),
            ("--audio-fifo", self.audio_fifo.is_some(), "--audio", self.audio.is_some()),
            ("--progress-json", self.progress_json, "--json", self.json),
            ("--reconnect", self.reconnect && self.input.len() > 1, "several inputs", true),
            ("--reconnect", self.reconnect && self.size.is_some(), "--size", true),
        ])?;
        need(&[
            ("--bufsize", self.bufsize.is_some(), "--maxrate", self.maxrate.is_some()),
            ("--cell-width", self.cell_width.is_some(), "--grid", self.grid.is_some()),
            ("--stay", self.stay, "--fifo", self.fifo.is_some()),
            ("--stay", self.stay, "--size", self.size.is_some()),
            ("--image", !self.image.is_empty(), "--duration", self.duration.is_some()),
            ("--wait", self.wait && self.verb != Verb::Split, "--reconnect", self.reconnect),
            (
                "--stall",
                self.stall.is_some() && self.verb != Verb::Split,
                "--reconnect",
                self.reconnect,
            ),
        ])?;
        self.plugins().check()
    }

    fn check_source(&self) -> Result<(), SpecError> {
        if self.verb != Verb::Encode {
            return self.one_or_more("input", "-i INPUT", self.input.len(), self.verb == Verb::Run);
        }
        let has_fifo = self.fifo.is_some();
        let has_input = !self.input.is_empty();
        let has_image = !self.image.is_empty();
        exclude(&[
            ("--input", has_input, "--fifo", has_fifo),
            ("--image", has_image, "--fifo", has_fifo),
            ("--image", has_image, "--input", has_input),
        ])?;
        need(&[("--duration", self.duration.is_some(), "--image", has_image)])?;
        if has_fifo || has_image {
            return Ok(());
        }
        self.one_or_more("input", "--fifo PATH, -i INPUT, or --image FILE", self.input.len(), false)
    }

    fn check_output(&self) -> Result<(), SpecError> {
        let several = matches!(self.verb, Verb::Run | Verb::Encode);
        let is_shown = self.preview && self.verb == Verb::Frame;
        let is_needed = !(self.writes_nothing() || is_shown && self.output.is_empty());
        if is_needed {
            self.one_or_more("output", "-o OUTPUT", self.output.len(), several)?;
        } else if let Some(o) = self.output.iter().find(|o| !is_nothing(o)) {
            let name = o.display();
            return Err(SpecError::usage(format!(
                "{name}: --format null writes nothing; leave out -o, or give -o /dev/null"
            )));
        }
        let to_stdout = self.writes_to_stdout();
        exclude(&[
            ("--preview", self.preview, "-o -", to_stdout),
            ("--preview", self.preview, "--json", self.json),
            ("--preview", self.preview, "--progress-json", self.progress_json),
        ])?;
        if to_stdout && self.json && self.verb != Verb::Split {
            return Err(SpecError::usage("-o - and --json: both write to standard output"));
        }
        let is_sized = self.input_option.0.iter().any(|(key, _)| key == "video_size");
        if self.input_format.as_deref() == Some("rawvideo") && !is_sized {
            return Err(SpecError::usage(
                "--input-format rawvideo: raw frames do not say their size; add --input-option \
                 video_size=WIDTHxHEIGHT, and pixel_format= and framerate= unless they are yuv420p \
                 at 25 a second",
            ));
        }
        Ok(())
    }

    fn one_or_more(
        &self,
        key: &str,
        option: &str,
        count: usize,
        several: bool,
    ) -> Result<(), SpecError> {
        let verb = self.verb.name();
        match count {
            0 => Err(SpecError::usage(format!(
                "{verb}: no {key} is given; use {option}, or `{key}` in the file of --config"
            ))),
            1 => Ok(()),
            _ if several => Ok(()),
            n => Err(SpecError::usage(format!("{verb}: takes one {key}, not {n}"))),
        }
    }
}

/// Whether an output may stand beside `--format null`.
fn is_nothing(output: &std::path::Path) -> bool {
    ["-", "/dev/null"].iter().any(|name| output.as_os_str() == *name)
}

/// Each pair of options may not be set together.
///
/// # Errors
/// Usage.
pub fn exclude(pairs: &[(&str, bool, &str, bool)]) -> Result<(), SpecError> {
    match pairs.iter().find(|(_, one, _, other)| *one && *other) {
        Some((one, _, other, _)) => {
            Err(SpecError::usage(format!("{one} cannot be used with {other}")))
        }
        None => Ok(()),
    }
}

/// The first of each pair of options needs the second.
///
/// # Errors
/// Usage.
pub fn need(pairs: &[(&str, bool, &str, bool)]) -> Result<(), SpecError> {
    match pairs.iter().find(|(_, one, _, other)| *one && !*other) {
        Some((one, _, other, _)) => Err(SpecError::usage(format!("{one} needs {other}"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(verb: Verb, change: impl FnOnce(&mut JobSpec)) -> String {
        let mut spec = JobSpec {
            verb,
            input: vec!["a".into()],
            output: vec!["b".into()],
            ..JobSpec::default()
        };
        change(&mut spec);
        spec.check().err().map(|e| e.message).unwrap_or_default()
    }

    #[test]
    fn what_is_missing_is_named() {
        for verb in [Verb::Run, Verb::Encode, Verb::Split, Verb::Frame] {
            assert_eq!(checked(verb, |_| ()), "");
            assert!(checked(verb, |s| s.input.clear()).contains("`input`"));
            assert!(checked(verb, |s| s.output.clear()).contains("`output`"));
        }
        assert!(checked(Verb::Encode, |s| s.input.clear()).contains("--fifo"));
        assert!(checked(Verb::Frame, |s| s.input.push("c".into())).contains("one input"));
    }

    #[test]
    fn options_exclude_and_need_each_other() {
        let rate = || "1M".parse().ok();
        let both = checked(Verb::Run, |s| (s.crf, s.bitrate) = ("20".parse().ok(), rate()));
        assert_eq!(both, "--bitrate cannot be used with --crf");
        assert_eq!(checked(Verb::Run, |s| s.bufsize = rate()), "--bufsize needs --maxrate");
        let image = checked(Verb::Encode, |s| {
            s.input.clear();
            s.image.push("x.png".into());
        });
        assert_eq!(image, "--image needs --duration");
        let length = |s: &mut JobSpec| s.duration = "2".parse().ok();
        assert_eq!(checked(Verb::Encode, length), "--duration needs --image");
        assert_eq!(checked(Verb::Split, length), "");
        let fifo = checked(Verb::Encode, |s| s.fifo = Some("p".into()));
        assert_eq!(fifo, "--input cannot be used with --fifo");
    }
}
