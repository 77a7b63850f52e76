//! The containers that can be written: their names and endings, and what each needs.

use std::path::Path;
use std::ptr;

use crate::av;
use crate::error::{MediaError, MediaErrorKind as Kind, near_matches};
use crate::mux::muxer::Muxer;
use ffmpeg_next::ffi;

/// Muxers that write one file of audio and video and nothing else, with the endings that mean
/// them. libav guesses by ending too, but knows playlists, devices and raw dumps as well.
const FORMATS: &[(&str, &[&str])] = &[
    ("mp4", &["mp4", "m4v"]),
    ("mov", &["mov", "qt"]),
    ("matroska", &["mkv"]),
    ("webm", &["webm"]),
    ("mpegts", &["ts", "m2ts", "mts"]),
    ("flv", &["flv"]),
    ("avi", &["avi"]),
    ("ogg", &["ogv", "ogg"]),
    ("nut", &["nut"]),
    ("mxf", &["mxf"]),
    ("asf", &["wmv", "asf"]),
    ("mpeg", &["mpg", "mpeg"]),
    ("3gp", &["3gp"]),
    ("ivf", &["ivf"]),
    ("h264", &["h264", "264"]),
    ("hevc", &["hevc", "h265", "265"]),
    ("mjpeg", &["mjpeg", "mjpg"]),
    ("gif", &["gif"]),
    ("apng", &["apng"]),
    ("yuv4mpegpipe", &["y4m"]),
    ("rawvideo", &["yuv", "rgb", "raw"]),
    ("framemd5", &["framemd5"]),
];

impl Muxer {
    /// libav's name of the container: `explicit`, or what the ending of `name` means.
    ///
    /// # Errors
    /// Unsupported, with the formats and endings that are known.
    pub fn format_for(name: &Path, explicit: Option<&str>) -> Result<String, MediaError> {
        if let Some(format) = explicit {
            let wanted = format.to_ascii_lowercase();
            let found =
                FORMATS.iter().find(|(f, endings)| *f == wanted || endings.contains(&&*wanted));
            return found.map(|(f, _)| (*f).to_string()).ok_or_else(|| {
                let near = near_matches(&wanted, FORMATS.iter().map(|(f, _)| (*f).to_string()));
                let known: Vec<&str> = FORMATS.iter().map(|(f, _)| *f).collect();
                let message = format!(
                    "unknown output format \"{format}\"{near} (known: {})",
                    known.join(", ")
                );
                MediaError::new(Kind::Unsupported, message)
            });
        }
        let ending = name.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
        let found =
            ending.as_deref().and_then(|e| FORMATS.iter().find(|(_, all)| all.contains(&e)));
        found.map(|(f, _)| (*f).to_string()).ok_or_else(|| {
            let known: Vec<&str> =
                FORMATS.iter().filter_map(|(_, all)| all.first().copied()).collect();
            let what = ending.map_or("has no ending".into(), |e| format!("ends in \".{e}\""));
            let message = format!(
                "{} {what}, which names no container; known endings: {}",
                name.display(),
                known.join(", ")
            );
            MediaError::new(Kind::Unsupported, message)
        })
    }
}

impl Muxer {
    /// The usual ending of a container's files, without the dot.
    pub fn ending(format: &str) -> Option<&'static str> {
        let (_, endings) = FORMATS.iter().find(|(f, _)| *f == format)?;
        endings.first().copied()
    }
}

pub(crate) fn find_muxer(format: &str) -> *const ffi::AVOutputFormat {
    let name = av::c_string(format);
    // SAFETY: a look-up by name that gives null or a static description.
    unsafe { ffi::av_guess_format(name.as_ptr(), ptr::null(), ptr::null()) }
}

/// Whether a container has chapters (libavformat writes them into these).
pub fn holds_chapters(format: &str) -> bool {
    matches!(format, "mp4" | "mov" | "3gp" | "matroska" | "webm" | "asf" | "nut")
}

/// The container for a URL or a pipe that names none: what servers of the scheme expect.
pub fn default_format(scheme: &str) -> &'static str {
    match scheme {
        "pipe" => "nut",
        s if s.starts_with("rtmp") => "flv",
        _ => "mpegts",
    }
}

/// Options of the muxer that everybody wants: in a file the index in front, so that a player can
/// start before all is there; in a stream, which nobody can come back to, pieces with an index
/// each.
pub fn header_options(format: &str, seekable: bool) -> Vec<(String, String)> {
    let option = match (format, seekable) {
        ("mp4" | "mov" | "3gp", true) => ("movflags", "+faststart"),
        ("mp4" | "mov" | "3gp", false) => {
            ("movflags", "+frag_keyframe+empty_moov+default_base_moof")
        }
        ("flv", false) => ("flvflags", "+no_duration_filesize"),
        _ => return Vec::new(),
    };
    vec![(option.0.to_owned(), option.1.to_owned())]
}
