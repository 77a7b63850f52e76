//! Outputs: where each one goes and in which container, worked out before anything is touched.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use super::encoder::keyframe_seconds;
use super::usage;
use crate::error::PipelineError;
use crate::sink::{Bounds, Output, Service, Target};
use crate::spec::{JobSpec, Verb};
use filmgate_av::{Muxer, default_format, numbered, picture_encoder, scheme};
use filmgate_core::publish::{self, PublishError};
use filmgate_core::url::Url;

/// Where bytes are discarded.
const NULL: &str = "/dev/null";

/// All outputs of `run` and `encode`. Nothing is in their way.
///
/// # Errors
/// Unsupported for containers that there are not; Publish for files that exist; usage.
pub(super) fn outputs(spec: &JobSpec) -> Result<Vec<Output>, PipelineError> {
    let mut outputs = Vec::new();
    if spec.writes_nothing() && spec.output.is_empty() {
        outputs.push(output(spec, Path::new("-"))?);
    }
    for path in &spec.output {
        outputs.push(output(spec, path)?);
    }
    for path in &spec.also {
        outputs.push(file(spec, path.clone())?);
    }
    let is_double =
        |o: &Output, i: usize| outputs[..i].iter().any(|other| other.target == o.target);
    if let Some((_, o)) = outputs.iter().enumerate().find(|(i, o)| is_double(o, *i)) {
        return Err(usage(format!("{}: this output is given twice", o.target.name())));
    }
    if let [_, _, ..] = &outputs[..]
        && let Some(o) = outputs.iter().find(|o| matches!(o.target, Target::Images(_)))
    {
        return Err(usage(format!(
            "{}: images are encoded for themselves; write them in a run without other outputs, or \
             take `filmgate split`",
            o.target.name()
        )));
    }
    if spec.fragmented && !outputs.iter().any(|o| is_mp4(&o.format)) {
        return Err(usage("--fragmented: no output is an mp4 file"));
    }
    Ok(outputs)
}

/// How servers are dealt with.
pub(super) fn service(spec: &JobSpec) -> Service {
    let usual = Service::default();
    let bytes = spec.buffer.map(|b| usize::try_from(b.0 << 20).unwrap_or(usize::MAX));
    Service {
        replace: spec.overwrite,
        bounds: Bounds {
            bytes: bytes.unwrap_or(usual.bounds.bytes),
            time: spec.buffer_time.map_or(usual.bounds.time, |t| t.0),
        },
        patience: spec.patience.map_or(usual.patience, |p| p.0),
        lasting: true,
    }
}

fn is_mp4(format: &str) -> bool {
    matches!(format, "mp4" | "mov" | "3gp")
}

fn output(spec: &JobSpec, path: &Path) -> Result<Output, PipelineError> {
    let Some(path) = local(path) else { return remote(spec, &path.to_string_lossy()) };
    let is_image = spec.format.is_none() && picture_encoder(&extension(&path)).is_some();
    if spec.verb == Verb::Run && is_image { images(spec, path) } else { file(spec, path) }
}

/// Standard output, a server, or nothing.
fn remote(spec: &JobSpec, text: &str) -> Result<Output, PipelineError> {
    if spec.writes_nothing() || text == NULL {
        // Matroska takes the packets of every encoder.
        let format = spec.format.as_deref().filter(|f| *f != "null").unwrap_or("matroska");
        return Ok(Output::new(Target::Null, Muxer::format_for(Path::new(""), Some(format))?));
    }
    if text == "-" {
        if spec.verb == Verb::Run && std::io::stdout().is_terminal() {
            return Err(usage(
                "-o -: standard output is a terminal; redirect it to a program or a file",
            ));
        }
        return Ok(Output::new(Target::Stdout, format_of(spec, "pipe")?));
    }
    let scheme = scheme(text).unwrap_or_default();
    let url = Url::push(text);
    check_address(&url, &scheme)?;
    if matches!(&*scheme, "rtsp" | "rtsps") {
        return Ok(Output::new(Target::Url(url), "rtsp"));
    }
    Ok(Output::new(Target::Url(url), format_of(spec, &scheme)?))
}

/// The container of what has no extension.
fn format_of(spec: &JobSpec, scheme: &str) -> Result<String, PipelineError> {
    let format = spec.format.as_deref().unwrap_or(default_format(scheme));
    Ok(Muxer::format_for(Path::new(""), Some(format))?)
}

/// What is wrong with an address and can be seen without connecting.
fn check_address(url: &Url, scheme: &str) -> Result<(), PipelineError> {
    filmgate_av::check_push(url)?;
    let rest = url.secret().get(scheme.len() + 3..).unwrap_or_default();
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    let path = rest[host.len()..].trim_matches('/');
    if host.is_empty() || host.starts_with(':') {
        return Err(usage(format!("{url}: the address names no server")));
    }
    if scheme.starts_with("rtmp") && path.is_empty() {
        return Err(usage(format!(
            "{url}: an RTMP address is {scheme}://SERVER/APPLICATION/KEY; the application is missing"
        )));
    }
    Ok(())
}

/// A file for each frame; without a number in the name, for one frame.
fn images(spec: &JobSpec, path: PathBuf) -> Result<Output, PipelineError> {
    if !numbered(&path.to_string_lossy()) {
        if spec.max_frames.is_some_and(|n| n.0 > 1) {
            let name = path.display();
            return Err(usage(format!(
                "{name}: this is one image; number them (out-%06d.png), or take one with --max-frames 1"
            )));
        }
        publish::check(&path, spec.overwrite)?;
    }
    Ok(Output::new(Target::Images(path), "image2"))
}

fn file(spec: &JobSpec, path: PathBuf) -> Result<Output, PipelineError> {
    let explicit = spec.format.as_deref().filter(|_| spec.verb == Verb::Run);
    if let Some(list) = playlist(&path, spec.verb).filter(|_| explicit.is_none_or(|f| f == "hls")) {
        return playlist_in(spec, list);
    }
    publish::check(&path, spec.overwrite)?;
    let format = if spec.verb == Verb::Encode || spec.output.len() > 1 {
        // One of several outputs: the extension comes before `--format`.
        Muxer::format_for(&path, None).or_else(|e| match &spec.format {
            Some(format) => Muxer::format_for(&path, Some(format)),
            None => Err(e),
        })?
    } else {
        Muxer::format_for(&path, spec.format.as_deref())?
    };
    let mut output = Output::new(Target::File(path), format);
    if spec.fragmented && is_mp4(&output.format) {
        let flags = "+frag_keyframe+empty_moov+default_base_moof";
        output.options.push(("movflags".to_owned(), flags.to_owned()));
    }
    Ok(output)
}

/// Segments from keyframe to keyframe, all of which are kept.
fn playlist_in(spec: &JobSpec, path: PathBuf) -> Result<Output, PipelineError> {
    publish::check(&path, spec.overwrite)?;
    let old = filmgate_core::collide::series(&pieces(&path)).into_iter().find(|_| !spec.overwrite);
    if let Some(piece) = old {
        return Err(PublishError::Exists(piece).into());
    }
    let pairs = [
        ("hls_time", keyframe_seconds(spec).to_string()),
        ("hls_list_size", "0".to_owned()),
        ("hls_flags", "independent_segments".to_owned()),
    ];
    let options = pairs.map(|(key, value)| (key.to_owned(), value)).to_vec();
    Ok(Output { options, ..Output::new(Target::Playlist(path), "hls") })
}

/// Whether frames are only counted: nothing is written, and no encoder is asked for.
pub(super) fn is_discarded(spec: &JobSpec, outputs: &[Output]) -> bool {
    let has_format = spec.format.as_deref().is_some_and(|f| f != "null");
    matches!(outputs, [Output { target: Target::Null, .. }]) && spec.codec.is_none() && !has_format
}

/// The path of an output that is neither a server, nor standard output, nor nothing; without
/// `file:`.
pub(super) fn local(output: &Path) -> Option<PathBuf> {
    let text = output.to_string_lossy();
    if text == "-" || text == NULL || scheme(&text).is_some_and(|s| s != "file") {
        return None;
    }
    Some(text.strip_prefix("file:").map_or_else(|| output.to_owned(), PathBuf::from))
}

/// The playlist that an output is: `x.m3u8`, or, for `encode`, `index.m3u8` in a folder.
pub(super) fn playlist(path: &Path, verb: Verb) -> Option<PathBuf> {
    if extension(path) == "m3u8" {
        return Some(path.to_owned());
    }
    let is_folder = path.is_dir() || path.as_os_str().to_string_lossy().ends_with('/');
    (is_folder && verb == Verb::Encode).then(|| path.join("index.m3u8"))
}

/// The names of a playlist's segments: `x%d.ts`.
pub(super) fn pieces(playlist: &Path) -> PathBuf {
    let stem = playlist.file_stem().unwrap_or_default().to_string_lossy().replace('%', "%%");
    playlist.with_file_name(format!("{stem}%d.ts"))
}

/// The extension of a name, in lower case.
pub(super) fn extension(path: &Path) -> String {
    path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
}
