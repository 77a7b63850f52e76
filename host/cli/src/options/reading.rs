//! Options about opening inputs.

use clap::Args;

use filmgate_engine::spec::{JobSpec, Length, Pair};

#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Input")]
pub struct ReadingOptions {
    /// Set the input format by libav's name, where the content does not identify it: rawvideo, lavfi, v4l2, mpjpeg, hls, dash, concat
    #[arg(long, value_name = "NAME")]
    pub input_format: Option<String>,
    /// Set an option of the input format, such as video_size=1280x720 or rtsp_transport=tcp; repeatable
    #[arg(long, value_name = "KEY=VALUE")]
    pub input_option: Vec<Pair>,
    /// Limit the time for opening an input, in seconds; for all but split also the silence of a server [default: 30]
    #[arg(long, value_name = "SECONDS")]
    pub open_timeout: Option<Length>,
}

impl ReadingOptions {
    pub(crate) fn fill(self, spec: &mut JobSpec) {
        spec.input_format = self.input_format;
        spec.input_option = self.input_option.into();
        spec.open_timeout = self.open_timeout;
    }
}
