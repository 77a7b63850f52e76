//! The containers that can be written: their names and endings, and what each needs.

use std::path::Path;
use std::ptr;

use super::error::{MediaError, MediaErrorKind as Kind, near_matches};
use super::mux::Muxer;
use super::{av, ffi};

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

pub(super) fn find_muxer(format: &str) -> *const ffi::AVOutputFormat {
    let name = av::c_string(format);
    // SAFETY: a look-up by name that gives null or a static description.
    unsafe { ffi::av_guess_format(name.as_ptr(), ptr::null(), ptr::null()) }
}

/// Whether a container is made for sound at all: `gif` and raw pictures are not.
pub fn holds_sound(format: &str) -> bool {
    let muxer = find_muxer(format);
    // SAFETY: muxers are static.
    let codec = unsafe { muxer.as_ref() }.map(|m| m.audio_codec);
    codec.is_some_and(|c| c != ffi::AVCodecID::AV_CODEC_ID_NONE)
}

/// What Matroska holds beyond the list that libav asks itself: the codecs of AVI and WAVE under
/// their old tags (RFC 9559, `V_MS/VFW/FOURCC` and `A_MS/ACM`), and files attached to the film.
pub(super) fn holds_beyond(format: &str, kind: ffi::AVMediaType, codec: ffi::AVCodecID) -> bool {
    // SAFETY: static tables of libav's.
    let riff = unsafe {
        match kind {
            ffi::AVMediaType::AVMEDIA_TYPE_VIDEO => ffi::avformat_get_riff_video_tags(),
            ffi::AVMediaType::AVMEDIA_TYPE_AUDIO => ffi::avformat_get_riff_audio_tags(),
            ffi::AVMediaType::AVMEDIA_TYPE_ATTACHMENT => return format == "matroska",
            _ => return false,
        }
    };
    let tables = [riff, ptr::null()];
    // SAFETY: a list of tables that ends with null.
    format == "matroska" && unsafe { ffi::av_codec_get_tag(tables.as_ptr(), codec) } != 0
}

/// Whether a container has chapters (libavformat writes them into these).
pub fn holds_chapters(format: &str) -> bool {
    matches!(format, "mp4" | "mov" | "3gp" | "matroska" | "webm" | "ogg" | "asf" | "nut")
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

/// The codecs of containers about which libav says yes to everything, or gives no answer: what it
/// can write so that others can read it. None for the containers that libav knows better.
#[rustfmt::skip]
pub(super) fn codecs(format: &str) -> Option<&'static [&'static str]> {
    Some(match format {
        "mpegts" => &[
            "h264", "hevc", "vvc", "mpeg1video", "mpeg2video", "mpeg4", "vc1", "dirac", "cavs",
            "mp2", "mp3", "aac", "aac_latm", "ac3", "eac3", "dts", "truehd", "opus", "s302m",
            "dvb_subtitle", "dvb_teletext", "hdmv_pgs_subtitle", "klv", "timed_id3", "scte_35",
        ],
        "mpeg" => &[
            "mpeg1video", "mpeg2video", "h264", "mp2", "mp3", "ac3", "dts", "pcm_s16be",
            "dvd_subtitle",
        ],
        "ogg" => &["theora", "vp8", "vorbis", "opus", "flac", "speex"],
        _ => return None,
    })
}
