//! Files that a job reads and writes, so that no output replaces an input or another output.

use std::path::Path;

use super::outputs::{local, pieces, playlist};
use crate::spec::{JobSpec, Verb};
use filmgate_av::{InputSource, images_of};
use filmgate_core::collide::Files;

/// What the job reads and writes, as far as its description says. Plugins and the files that their
/// parameters name are added when they are loaded.
pub(super) fn files(spec: &JobSpec) -> Files {
    let mut files = Files::default();
    let format = spec.input_format.as_deref();
    spec.input.iter().for_each(|input| add_input(&mut files, input, format));
    spec.image.iter().for_each(|image| files.reads("the image", image));
    spec.audio.iter().for_each(|audio| files.reads("the audio", audio));
    // Images of `split` take names that are free; they replace nothing.
    if spec.verb != Verb::Split {
        spec.output
            .iter()
            .for_each(|output| add_output(&mut files, spec.verb, "the output", output));
    }
    spec.also.iter().for_each(|path| add_output(&mut files, spec.verb, "--also", path));
    let reports = [("--tags", &spec.tags), ("--receipt", &spec.receipt)];
    for (option, path) in reports {
        path.iter().for_each(|path| files.writes(option, path));
    }
    files
}

/// Adds an input: the file, the images that a name with a number stands for, or a playlist with its
/// files.
fn add_input(files: &mut Files, input: &Path, format: Option<&str>) {
    let what = "the input";
    match InputSource::parse(input.as_os_str(), format) {
        InputSource::File(path) => files.reads(what, &path),
        // What is wrong with them is told when they are opened.
        InputSource::Images(path) => {
            images_of(&path).unwrap_or_default().iter().for_each(|image| files.reads(what, image))
        }
        InputSource::Named { name, format } => {
            let path = Path::new(name.strip_prefix("file:").unwrap_or(&name));
            match &*format {
                "hls" | "concat" => files.reads_playlist(what, path),
                _ => files.reads(what, path),
            }
        }
        InputSource::Url(_) | InputSource::Pipe(_) | InputSource::Opened(_) => {}
    }
}

/// Adds an output that is a file, images, or a playlist with its segments.
fn add_output(files: &mut Files, verb: Verb, what: &str, output: &Path) {
    let Some(path) = local(output) else { return };
    match playlist(&path, verb).filter(|_| verb != Verb::Frame) {
        Some(list) => {
            files.writes(format!("a segment of {what}"), &pieces(&list));
            files.writes(what, &list);
        }
        None => files.writes(what, &path),
    }
}
