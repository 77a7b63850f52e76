//! From a job description to its parts: inputs opened, outputs and encoder options worked out, names
//! of images, files that must not collide. Each function reads the description and does one of
//! these. What runs the parts is in `pipeline`, `encode` and `split`.

mod encoder;
mod files;
mod images;
mod inputs;
mod live;
mod names;
mod outputs;
mod source;

pub use encoder::{encoder, set_keyframe_interval};
pub use files::files;
pub use images::{image_options, make_folder, namer, scene};
pub use inputs::{check_start, input_rate, open, selection, window, workers};
pub use live::{item, live_source, open_live};
pub use names::{Names, names};
pub use outputs::{Output, Target, outputs, service};
pub use source::{EncodeSource, check_source, encode_audio, encode_source};

use crate::pipeline::PipelineError;
use crate::spec::SpecError;
use filmgate_av::MediaError;

/// What libav says of an option's value is a mistake in the description.
fn usage_of(error: MediaError) -> PipelineError {
    SpecError::usage(error.message).into()
}

fn usage(message: impl Into<String>) -> PipelineError {
    SpecError::usage(message).into()
}
