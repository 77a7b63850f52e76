//! How one video of the folder is written: as `filmgate run` does, in the container of the source.

use std::path::Path;

use super::convert::{encoder, refused};
use super::failure::Failure;
use filmgate_av::{Input, Muxer, OpenOptions};
use filmgate_core::cancel::Cancel;

/// How a video is written.
pub(super) struct Settings {
    pub(super) format: String,
    pub(super) codec: String,
}

/// The ending of the output and how it is written: as the source, where that container can be
/// written, else as Matroska.
pub(super) fn plan(path: &Path) -> Result<(String, Settings), Failure> {
    let ending = path.extension().map(|e| e.to_string_lossy().into_owned()).unwrap_or_default();
    let (ending, format) = match Muxer::format_for(path, None) {
        Ok(format) => (ending, format),
        Err(_) => ("mkv".to_owned(), "matroska".to_owned()),
    };
    let codec = encoder(&format)?;
    Ok((ending, Settings { format, codec }))
}

/// Width and height of a video, from its header.
pub(super) fn size(path: &Path) -> Result<(u32, u32), Failure> {
    let input = Input::open(path, &OpenOptions::files(&Cancel::new())).map_err(refused)?;
    let video = input.best_video().map_err(refused)?;
    let facts = input.facts().streams.iter().find(|s| s.index == video);
    Ok(facts.and_then(|s| s.video.as_ref()).map_or((0, 0), |v| (v.width, v.height)))
}
