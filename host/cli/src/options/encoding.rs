//! Options about encoder and container.

use clap::Args;

use filmgate_engine::spec::{BitRate, Crf, JobSpec, Length, Pair};

#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Encoding")]
pub struct EncodingOptions {
    /// Set the container by libav's name [default: from the extension of the output]
    #[arg(long, value_name = "NAME")]
    pub format: Option<String>,
    /// Write fragmented mp4, which can be played while it grows
    #[arg(long)]
    pub fragmented: bool,
    /// Set the encoder: h264, hevc, vp9, av1, ffv1, gif, or libav's name (libx264) [default: the usual one of the container]
    #[arg(long, value_name = "NAME")]
    pub codec: Option<String>,
    /// Set the encoder preset: for x264 ultrafast to placebo [default: the encoder's own; encode with x264 and x265: ultrafast]
    #[arg(env = "FILMGATE_PRESET", hide_env_values = true, long, value_name = "NAME")]
    pub preset: Option<String>,
    /// Tune the encoder: for x264 film, animation, grain, zerolatency [default: none; encode with x264 and x265: zerolatency]
    #[arg(long, value_name = "NAME")]
    pub tune: Option<String>,
    /// Set constant quality on the encoder's scale; cannot be used with --bitrate [default: the encoder's own; x264: 23] [range: 0 (best) to 255; x264 and x265: to 51]
    #[arg(env = "FILMGATE_CRF", hide_env_values = true, long, value_name = "N")]
    pub crf: Option<Crf>,
    /// Set the average bit rate, in bits per second: 800k, 2.5M; cannot be used with --crf
    #[arg(long, value_name = "RATE")]
    pub bitrate: Option<BitRate>,
    /// Limit the bit rate over the time of --bufsize (VBV), in bits per second
    #[arg(long, value_name = "RATE")]
    pub maxrate: Option<BitRate>,
    /// Set the decoder buffer (VBV), in bits; needs --maxrate [default: one second of --maxrate]
    #[arg(long, value_name = "BITS")]
    pub bufsize: Option<BitRate>,
    /// Set the time between keyframes, in seconds [default: the encoder's own; encode: 2]
    #[arg(long, value_name = "SECONDS")]
    pub keyframe_interval: Option<Length>,
    /// Set the encoder profile: for x264 baseline, main, high
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Set any other option of the encoder; repeatable
    #[arg(short = 'x', long, value_name = "KEY=VALUE")]
    pub encoder_option: Vec<Pair>,
    /// options that are set by the environment
    #[arg(skip)]
    pub defaults: Vec<String>,
}

impl EncodingOptions {
    pub(crate) fn fill(self, spec: &mut JobSpec) {
        spec.format = self.format;
        spec.fragmented = self.fragmented;
        spec.codec = self.codec;
        spec.preset = self.preset;
        spec.tune = self.tune;
        spec.crf = self.crf;
        spec.bitrate = self.bitrate;
        spec.maxrate = self.maxrate;
        spec.bufsize = self.bufsize;
        spec.keyframe_interval = self.keyframe_interval;
        spec.profile = self.profile;
        spec.encoder_option = self.encoder_option.into();
        spec.defaults = self.defaults;
    }
}
