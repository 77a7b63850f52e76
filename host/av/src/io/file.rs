//! Which files may be opened as media: regular ones, of formats that refer to no others.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::time::Duration;

use crate::error::{MediaError, MediaErrorKind as Kind};
use crate::io::avio::BUFFER;
use filmgate_core::cancel::Cancel;
use filmgate_core::frame;
use nix::libc;

/// What may be opened, and for how long opening may take.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// libav's names of the demuxers that may be used
    pub formats: &'static [&'static str],
    /// for opening and looking inside together
    pub deadline: Duration,
    /// how long the network may be silent afterwards
    pub silence: Duration,
    /// stops opening and every later read
    pub cancel: Cancel,
    /// samples a picture may have; see [`frame::MAX_PIXELS`]
    pub max_pixels: u64,
    /// libav's name of the format, where the content does not say (`rawvideo`)
    pub format: Option<String>,
    /// options of that format, by name (`video_size`)
    pub format_options: Vec<(String, String)>,
    /// believe a header that says all that has to be known to copy packets, and do not decode
    /// anything to find out more; see [`crate::Input::is_quick`]
    pub quick: bool,
    /// bytes that are read at once
    pub buffer: usize,
}

impl OpenOptions {
    /// For media files: all containers, elementary streams and pictures that hold their samples
    /// themselves.
    pub fn files(cancel: &Cancel) -> OpenOptions {
        OpenOptions {
            formats: FILE_FORMATS,
            deadline: Duration::from_secs(30),
            silence: Duration::from_secs(30),
            cancel: cancel.clone(),
            max_pixels: frame::MAX_PIXELS,
            format: None,
            format_options: Vec::new(),
            quick: false,
            buffer: BUFFER,
        }
    }
}

/// Demuxers that read one file and nothing else. Left out on purpose: playlists and manifests
/// (hls, dash, concat, imf, webm_dash_manifest), whatever opens devices or the network (rtsp, sdp,
/// lavfi), file-name patterns (image2), subtitles and text, and formats of old games, which are
/// libav's least tested code.
#[rustfmt::skip]
pub(crate) const FILE_FORMATS: &[&str] = &[
    "mov", "matroska", "webm", "mpegts", "mpeg", "flv", "live_flv", "kux", "avi", "asf", "asf_o",
    "ogg", "nut", "mxf", "gxf", "lxf", "wtv", "rm", "ivf", "dv", "dhav", "nsv", "h264", "hevc",
    "vvc", "av1", "obu", "m4v", "mpegvideo", "mjpeg", "mjpeg_2000", "vc1", "vc1test", "h261",
    "h263", "cavsvideo", "avs2", "avs3", "dirac", "dnxhd", "yuv4mpegpipe", "gif", "apng", "wav",
    "w64", "mp3", "aac", "ac3", "eac3", "flac", "aiff", "au", "caf", "amr", "dts", "dtshd",
    "truehd", "mlp", "tta", "wv", "ape", "png_pipe", "jpeg_pipe", "bmp_pipe", "webp_pipe",
    "tiff_pipe", "ppm_pipe", "pgm_pipe", "pgmyuv_pipe", "pbm_pipe", "pam_pipe", "qoi_pipe",
    "exr_pipe", "dpx_pipe", "j2k_pipe", "jpegls_pipe", "jpegxl_pipe", "psd_pipe", "sgi_pipe",
    "sunrast_pipe", "hdr_pipe", "phm_pipe", "pfm_pipe",
];

/// Opens what is a readable, regular file with something in it, and says what it is otherwise.
pub(crate) fn regular_file(path: &Path, doing: &str) -> Result<File, MediaError> {
    let kind = |e: &io::Error| match e.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Kind::NotFound,
        io::ErrorKind::PermissionDenied => Kind::Denied,
        // Descriptors and memory are missing for every file (open(2), ERRORS).
        _ if matches!(e.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM)) => {
            Kind::OutOfMemory
        }
        _ => Kind::Read,
    };
    let failed = |e: io::Error| MediaError::new(kind(&e), format!("{doing}: {e}"));
    // Asked before opening: opening a named pipe for reading waits for a writer.
    let metadata = fs::metadata(path).map_err(failed)?;
    let file_type = metadata.file_type();
    let what = match () {
        () if file_type.is_dir() => "a directory",
        () if file_type.is_fifo() => "a named pipe",
        () if file_type.is_socket() => "a socket",
        () if !file_type.is_file() => "a device",
        () if metadata.len() == 0 => {
            return Err(MediaError::new(Kind::Empty, format!("{doing}: the file is empty")));
        }
        () => return File::open(path).map_err(failed),
    };
    Err(MediaError::new(Kind::NotMedia, format!("{doing}: it is {what}, not a media file")))
}
