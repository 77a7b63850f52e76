//! What an input may be, and what each kind may open in turn: protocols and formats are listed for
//! each, so that neither a file nor a server can make libav open something else.

use std::ffi::{OsStr, c_void};
use std::fs::{self, File};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::PathBuf;
use std::ptr;
use std::sync::{Arc, Once};

use crate::av;
use crate::demux::images::is_pattern;
use crate::error::{MediaError, MediaErrorKind as Kind, near_matches};
use crate::io::file::FILE_FORMATS;
use crate::io::pipe;
use ffmpeg_next::ffi;
use filmgate_core::url::{self, Url};

/// Where media come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputSource {
    /// a file; it opens nothing else
    File(PathBuf),
    /// a file that is open already: for processes that may not open any
    Opened(OpenedFile),
    /// a named pipe, or standard input where none is named
    Pipe(Option<PathBuf>),
    /// a stream of the network, which may lead on to others of the same kind, and never to a file
    Url(Url),
    /// the images of a folder, or of a pattern (`dir/*.png`), in natural order
    Images(PathBuf),
    /// what libav opens itself, by a format that the user or the kind of file names: a camera
    /// (`v4l2`), a test source (`lavfi`), numbered pictures (`image2`), a local playlist (`hls`)
    Named { format: String, name: String },
}

impl InputSource {
    /// What a text of the command line means, with the format that was given beside it. `-` is
    /// standard input, as are `pipe:` and `pipe:0`; `file:` before a name is left out, unless it is part of it; a text with a scheme (`http://…`) is a URL; a video device is a camera;
    /// a name with `%d` or `%06d` in it that is no file's is a sequence of pictures, as are a folder
    /// and a pattern such as `dir/*.png`.
    pub fn parse(text: &OsStr, format: Option<&str>) -> InputSource {
        let plain = text.to_string_lossy();
        if let Some(format) = format.filter(|f| opens_itself(f)) {
            return InputSource::Named { format: format.to_owned(), name: plain.into_owned() };
        }
        if ["-", "pipe:", "pipe:0"].contains(&&*plain) {
            return InputSource::Pipe(None);
        }
        let stripped = plain.strip_prefix("file:").filter(|_| fs::metadata(text).is_err());
        let path = PathBuf::from(stripped.map_or(text, OsStr::new));
        if scheme(&plain).is_some_and(|s| s != "file") {
            return InputSource::Url(Url::new(plain));
        }
        let Ok(metadata) = fs::metadata(&path) else {
            return if numbered(&plain) {
                InputSource::Named { format: "image2".into(), name: plain.into_owned() }
            } else if is_pattern(&plain) {
                InputSource::Images(path)
            } else {
                InputSource::File(path)
            };
        };
        match metadata.file_type() {
            kind if kind.is_char_device() && is_camera(metadata.rdev()) => {
                InputSource::Named { format: "v4l2".into(), name: plain.into_owned() }
            }
            kind if kind.is_dir() => InputSource::Images(path),
            kind if kind.is_fifo() => InputSource::Pipe(Some(path)),
            _ => InputSource::File(path),
        }
    }

    /// For messages.
    pub fn name(&self) -> PathBuf {
        match self {
            InputSource::File(path) | InputSource::Images(path) | InputSource::Pipe(Some(path)) => {
                path.clone()
            }
            InputSource::Opened(opened) => opened.name.clone(),
            InputSource::Pipe(None) => PathBuf::from("stdin"),
            InputSource::Url(url) => PathBuf::from(url.to_string()),
            InputSource::Named { name, .. } => PathBuf::from(url::redact(name)),
        }
    }

    /// Whether more may come after its end: the network, a device, a named pipe. What the network
    /// gives may still turn out to be a recording.
    pub fn may_come_back(&self) -> bool {
        match self {
            InputSource::Url(_) | InputSource::Pipe(Some(_)) => true,
            InputSource::Named { format, .. } => {
                is_device(format)
                    && format != "lavfi"
                    && !REFER_TO_OTHERS.contains(&format.as_str())
            }
            InputSource::File(_)
            | InputSource::Images(_)
            | InputSource::Opened(_)
            | InputSource::Pipe(None) => false,
        }
    }

    /// Whether it is a sequence of images, whose frame rate nothing says.
    pub fn is_numbered(&self) -> bool {
        match self {
            InputSource::Images(_) => true,
            InputSource::Named { format, .. } => format == "image2",
            _ => false,
        }
    }

    pub(crate) fn is_network(&self) -> bool {
        matches!(self, InputSource::Url(_))
    }
}

/// A file that is open, read from its start whatever its position.
#[derive(Clone, Debug)]
pub struct OpenedFile {
    pub file: Arc<File>,
    /// for messages; its ending is a hint at the format
    pub name: PathBuf,
}

impl PartialEq for OpenedFile {
    fn eq(&self, other: &OpenedFile) -> bool {
        Arc::ptr_eq(&self.file, &other.file)
    }
}

impl Eq for OpenedFile {}

/// Whether a device number is one of video4linux's (Documentation/admin-guide/devices.txt: 81).
fn is_camera(device: u64) -> bool {
    const VIDEO4LINUX: u64 = 81;
    device >> 8 & 0xfff == VIDEO4LINUX
}

/// `rtmp` of `rtmp://…`, in lower case.
pub fn scheme(text: &str) -> Option<String> {
    let (scheme, _) = text.split_once("://")?;
    let plain = !scheme.is_empty()
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    plain.then(|| scheme.to_ascii_lowercase())
}

/// Whether a name has a place for a number, as `frames/%06d.png` has.
pub fn numbered(name: &str) -> bool {
    let mut rest = name;
    while let Some((_, behind)) = rest.split_once('%') {
        let digits = behind.len() - behind.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        match behind.as_bytes().get(digits) {
            Some(b'd') => return true,
            Some(b'%') if digits == 0 => rest = &behind[1..],
            _ => rest = behind,
        }
    }
    false
}

/// The protocols that a URL needs, with those below them; none for a scheme that is no stream of
/// the network's. `file`, `pipe`, `concat`, `subfile` and the like are never among them.
pub(crate) fn protocols(scheme: &str) -> Option<&'static str> {
    Some(match scheme {
        "http" | "https" => "http,https,tcp,tls,httpproxy,crypto,data",
        "rtmp" | "rtmps" | "rtmpt" | "rtmpte" | "rtmpts" | "rtmpe" => {
            "rtmp,rtmps,rtmpt,rtmpte,rtmpts,rtmpe,ffrtmphttp,ffrtmpcrypt,http,https,tcp,tls"
        }
        "rtsp" | "rtsps" => "rtsp,rtsps,rtp,srtp,udp,tcp,tls,http,https",
        "udp" | "rtp" | "srtp" => "udp,rtp,srtp",
        "tcp" => "tcp",
        "tls" => "tls,tcp",
        "srt" => "srt",
        _ => return None,
    })
}

/// The schemes of [`protocols`], for people.
pub(crate) const SCHEMES: &str = "http, https, rtmp, rtmps, rtsp, rtsps, udp, rtp, tcp, tls, srt";

/// What may come over the network: what may stand in a file, and the playlists and sessions that
/// are the network's own.
pub(crate) fn network_formats() -> String {
    let own = ["hls", "dash", "rtsp", "rtp", "sdp", "webvtt", "mpjpeg"];
    FILE_FORMATS.iter().chain(&own).copied().collect::<Vec<_>>().join(",")
}

/// What a local playlist or sequence may open: files, and keys that stand in it.
pub(crate) const LOCAL_PROTOCOLS: &str = "file,crypto,data";

/// libav's description of a demuxer or an input device, null where it has none.
pub(crate) fn find_demuxer(format: &str) -> *const ffi::AVInputFormat {
    register_devices();
    let name = av::c_string(format);
    // SAFETY: a look-up by name that gives null or a static description.
    unsafe { ffi::av_find_input_format(name.as_ptr()) }
}

/// Devices and `lavfi` are known to libav only once they are registered. Their library is loaded
/// then, and not before: with what it stands on (desktops, sound servers) it takes a fifth of a
/// second and 20 MiB of every run that has no use for it.
fn register_devices() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: a plain getter.
        let format = unsafe { ffi::avformat_version() } >> 16;
        // All of libav's libraries but libavutil have had one number since FFmpeg 5.
        let name = if cfg!(target_os = "macos") {
            format!("libavdevice.{format}.dylib")
        } else {
            format!("libavdevice.so.{format}")
        };
        let file = av::c_string(&name);
        // SAFETY: a library of the same release as libavformat; the function takes nothing, gives
        // nothing (libavdevice/avdevice.h) and registers static descriptions, so the library stays
        // loaded.
        unsafe {
            let library = nix::libc::dlopen(file.as_ptr(), nix::libc::RTLD_NOW);
            let register = if library.is_null() {
                ptr::null_mut()
            } else {
                nix::libc::dlsym(library, c"avdevice_register_all".as_ptr())
            };
            if register.is_null() {
                tracing::warn!("{name} cannot be loaded: there are no cameras and test sources");
                return;
            }
            std::mem::transmute::<*mut c_void, unsafe extern "C" fn()>(register)();
        }
    });
}

/// Formats that name other files.
const REFER_TO_OTHERS: [&str; 7] =
    ["hls", "dash", "concat", "image2", "imf", "sdp", "webm_dash_manifest"];

/// Whether a format opens what it reads by itself: devices, and formats that refer to other files.
fn opens_itself(format: &str) -> bool {
    is_device(format) || REFER_TO_OTHERS.contains(&format)
}

/// Whether it is a device's, or another one that reads no file.
pub fn is_device(format: &str) -> bool {
    let found = find_demuxer(format);
    // SAFETY: descriptions are static.
    !found.is_null() && unsafe { (*found).flags } & ffi::AVFMT_NOFILE != 0
}

/// Checks that there is a demuxer or an input device of this name.
///
/// # Errors
/// Unsupported, with the names nearest to it.
pub fn check_input_format(format: &str) -> Result<(), MediaError> {
    if !find_demuxer(format).is_null() {
        return Ok(());
    }
    let near = near_matches(format, demuxers());
    let message = format!("this FFmpeg has no input format \"{format}\"{near}");
    Err(MediaError::new(Kind::Unsupported, message))
}

fn demuxers() -> Vec<String> {
    let (mut out, mut state) = (Vec::new(), ptr::null_mut());
    // SAFETY: libav's own iteration over static descriptions.
    unsafe {
        loop {
            let format = ffi::av_demuxer_iterate(&raw mut state);
            if format.is_null() {
                return out;
            }
            out.extend(av::text((*format).name).split(',').map(String::from));
        }
    }
}

/// Opens a named pipe or standard input.
pub(crate) fn open_pipe(path: Option<&PathBuf>) -> std::io::Result<(File, bool)> {
    match path {
        None => pipe::stdin(),
        Some(path) => pipe::named(path).map(|file| (file, true)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> InputSource {
        InputSource::parse(OsStr::new(text), None)
    }

    #[test]
    fn texts_mean_what_people_think() {
        assert_eq!(parse("-"), InputSource::Pipe(None));
        assert_eq!(parse("pipe:0"), InputSource::Pipe(None));
        assert_eq!(parse("./pipe:0"), InputSource::File("./pipe:0".into()));
        assert_eq!(parse("a.mp4"), InputSource::File("a.mp4".into()));
        assert_eq!(parse("file:a.mp4"), InputSource::File("a.mp4".into()));
        assert_eq!(parse("12:30.mp4"), InputSource::File("12:30.mp4".into()));
        assert_eq!(parse("http://x/a"), InputSource::Url("http://x/a".into()));
        let pictures = InputSource::Named { format: "image2".into(), name: "f/%06d.png".into() };
        assert_eq!(parse("f/%06d.png"), pictures);
        assert_eq!(parse("100%.mp4"), InputSource::File("100%.mp4".into()));
        assert_eq!(parse("none/*.png"), InputSource::Images("none/*.png".into()));
        assert_eq!(parse("/dev"), InputSource::Images("/dev".into()));
        assert_eq!(parse("/dev/null"), InputSource::File("/dev/null".into()));
        assert!(is_camera(81 << 8) && is_camera(81 << 8 | 3) && !is_camera(1 << 8 | 3));
    }

    #[test]
    fn places_for_numbers() {
        assert!(numbered("%d.png") && numbered("a%%b%03d") && !numbered("%%d") && !numbered("50%"));
    }

    #[test]
    fn no_network_protocol_opens_files() {
        for scheme in SCHEMES.split(", ") {
            let all = protocols(scheme).expect(scheme);
            for local in ["file", "pipe", "concat", "subfile", "cache", "fd"] {
                assert!(!all.split(',').any(|p| p == local), "{scheme}: {local}");
            }
        }
        assert_eq!(protocols("file"), None);
        assert_eq!(protocols("concat"), None);
    }
}
