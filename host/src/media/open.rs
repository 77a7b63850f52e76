//! Opening an input: the choice of its demuxer, and libav's first look inside.
//!
//! Reading packets is in `demux`; what was found out is in `facts`.

use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::Arc;

use super::avio::{Avio, Source, refuse_to_open};
use super::demux::Progress;
use super::error::{MediaError, MediaErrorKind as Kind};
use super::facts::{self, MediaFacts, StreamKind};
use super::file::{OpenOptions, regular_file};
use super::interrupt::Interrupt;
use super::{av, ffi, log};
use crate::frame;

/// How much of a file libav may read to find out what is in it: its own default, said here so that
/// a file cannot raise it.
const PROBE_BYTES: u32 = 5_000_000;

/// An open input. Dropping it closes it.
pub struct Input {
    pub(super) context: Context,
    pub(super) source: Avio<Source>,
    pub(super) interrupt: Arc<Interrupt>,
    pub(super) facts: MediaFacts,
    pub(super) progress: Progress,
    path: PathBuf,
}

// SAFETY: nothing in it is tied to a thread; it is used through `&mut self`, or read.
unsafe impl Send for Input {}

/// An owned demuxer context; its I/O is the Input's, which is dropped after it.
pub(super) struct Context(*mut ffi::AVFormatContext);

impl Context {
    pub(super) fn as_ptr(&self) -> *const ffi::AVFormatContext {
        self.0
    }

    pub(super) fn as_mut_ptr(&mut self) -> *mut ffi::AVFormatContext {
        self.0
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: ours, closed once; null does nothing.
        unsafe { ffi::avformat_close_input(&raw mut self.0) }
    }
}

impl Input {
    /// Opens a media file and looks inside.
    ///
    /// # Errors
    /// NotFound, Denied, Empty, NotMedia (no known format, or no regular file), NotAllowed (a
    /// format not in `options.formats`), TooLarge, TimedOut, Cancelled, Read.
    pub fn open(path: &Path, options: &OpenOptions) -> Result<Input, MediaError> {
        super::init();
        let doing = format!("open {}", path.display());
        let file = regular_file(path, &doing)?;
        let interrupt = Arc::new(Interrupt::new(&options.cancel));
        interrupt.set_deadline(Some(options.deadline));
        let source = Source { file, interrupt: Arc::clone(&interrupt), error: None };
        let source = Avio::new(source, false).ok_or_else(|| MediaError::memory(&doing))?;
        let mut opening = Opening { source, interrupt, options, path, doing };
        let format = opening.choose_format()?;
        let mut context = opening.read_header(format)?;
        opening.look_inside(&mut context)?;
        opening.interrupt.set_deadline(None);
        // SAFETY: the context is valid and nobody else's.
        let facts = unsafe { facts::read(context.as_ptr()) };
        let progress = Progress::new(&facts);
        let Opening { source, interrupt, .. } = opening;
        Ok(Input { context, source, interrupt, facts, progress, path: path.to_path_buf() })
    }

    pub fn facts(&self) -> &MediaFacts {
        &self.facts
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The index of the video stream to work on: libav's choice, which is the best-marked and
    /// largest one; never a cover picture.
    ///
    /// # Errors
    /// NoVideo, with a list of the streams that there are.
    pub fn best_video(&self) -> Result<usize, MediaError> {
        let (video, none) = (ffi::AVMediaType::AVMEDIA_TYPE_VIDEO, ptr::null_mut());
        // SAFETY: the context is valid and only read (the pointer is mutable for history's sake,
        // see libavformat/avformat.h); no decoder is asked for.
        let index = unsafe { ffi::av_find_best_stream(self.context.0, video, -1, -1, none, 0) };
        let film = |i: usize| self.facts.streams.get(i).is_some_and(|s| !s.attached_picture);
        if let Some(index) = usize::try_from(index).ok().filter(|&i| film(i)) {
            return Ok(index);
        }
        let other =
            self.facts.streams.iter().find(|s| s.kind == StreamKind::Video && film(s.index));
        other.map(|s| s.index).ok_or_else(|| self.no_video())
    }

    fn no_video(&self) -> MediaError {
        let list: Vec<String> = self
            .facts
            .streams
            .iter()
            .map(|s| {
                let what = if s.attached_picture { "cover picture" } else { s.kind.name() };
                format!("{what} ({})", s.codec)
            })
            .collect();
        let list = if list.is_empty() { "no streams".to_string() } else { list.join(", ") };
        MediaError::new(
            Kind::NoVideo,
            format!("{} has no video stream; it holds: {list}", self.path.display()),
        )
    }

    /// A stream that the facts list, as libav keeps it.
    pub(super) fn stream(&self, index: usize) -> Result<*mut ffi::AVStream, MediaError> {
        // SAFETY: the context is valid; the index is checked against libav's own count.
        unsafe {
            let context = &*self.context.0;
            if index < context.nb_streams as usize && index < self.facts.streams.len() {
                return Ok(*context.streams.add(index));
            }
        }
        let message = format!("{} has no stream {index}", self.path.display());
        Err(MediaError::new(Kind::Unsupported, message))
    }
}

struct Opening<'a> {
    source: Avio<Source>,
    interrupt: Arc<Interrupt>,
    options: &'a OpenOptions,
    path: &'a Path,
    doing: String,
}

impl Opening<'_> {
    /// Finds the demuxer by the file's content, with its ending as a hint, and checks that it may
    /// be used.
    fn choose_format(&mut self) -> Result<*const ffi::AVInputFormat, MediaError> {
        // Only the ending is told: the rest of a name can hold patterns that libav would expand.
        let ending = self.path.extension().and_then(|e| e.to_str()).unwrap_or("");
        let plain = !ending.is_empty() && ending.bytes().all(|b| b.is_ascii_alphanumeric());
        let hint = if plain { format!("file.{ending}") } else { String::new() };
        let mut format = self.probe(&hint)?;
        if demuxer_names(format).0 == "image2" {
            // Chosen by the ending, against the content: pictures have demuxers of their own.
            format = self.probe("")?;
        }
        if format.is_null() {
            let doing = &self.doing;
            let message =
                format!("{doing}: not a media file, or of a format that libav does not know");
            return Err(MediaError::new(Kind::NotMedia, message));
        }
        let (names, long) = demuxer_names(format);
        if names.split(',').any(|n| self.options.formats.contains(&n)) {
            return Ok(format);
        }
        let doing = &self.doing;
        let message = format!(
            "{doing}: it is \"{names}\" ({long}), which filmgate does not open: only formats that \
             hold their media themselves and refer to no other files"
        );
        Err(MediaError::new(Kind::NotAllowed, message))
    }

    fn read_header(&mut self, format: *const ffi::AVInputFormat) -> Result<Context, MediaError> {
        log::forget();
        // SAFETY: allocates or gives null.
        let mut raw = unsafe { ffi::avformat_alloc_context() };
        if raw.is_null() {
            return Err(MediaError::memory(&self.doing));
        }
        let mut options = av::Dictionary::new();
        options.set("protocol_whitelist", "none");
        // SAFETY: a fresh context; the I/O and the interrupt outlive it (fields of the Input that
        // are dropped after it, or of this Opening). On failure libav frees the context and sets
        // `raw` to null.
        let code = unsafe {
            (*raw).pb = self.source.as_mut_ptr();
            (*raw).interrupt_callback = self.interrupt.callback();
            (*raw).io_open = Some(refuse_to_open);
            (*raw).probesize = i64::from(PROBE_BYTES);
            let url = c"".as_ptr();
            ffi::avformat_open_input(&raw mut raw, url, format, options.as_mut_ptr())
        };
        let context = Context(raw);
        self.stopped()?;
        if code < 0 {
            // libav has no code of its own for absurd sizes.
            let absurd = log::reason().is_some_and(|said| said.contains("Picture size "));
            let kind = match code {
                _ if absurd => Kind::TooLarge,
                ffi::AVERROR_INVALIDDATA => Kind::NotMedia,
                _ => Kind::Read,
            };
            let mut error = MediaError::av(kind, &self.doing, code);
            if error.kind == Kind::NotMedia {
                error.message.push_str(
                    " (the file is no media, or was cut off before its index was written)",
                );
            }
            return Err(error);
        }
        self.check_sizes(&context)?;
        Ok(context)
    }

    /// What libav takes the content for; null where it knows nothing like it.
    fn probe(&mut self, hint: &str) -> Result<*const ffi::AVInputFormat, MediaError> {
        log::forget();
        let hint = av::c_string(hint);
        let mut format: *const ffi::AVInputFormat = ptr::null();
        // SAFETY: the context is ours; libav reads at most PROBE_BYTES and rewinds.
        let code = unsafe {
            let pb = self.source.as_mut_ptr();
            let out = &raw mut format;
            ffi::av_probe_input_buffer2(pb, out, hint.as_ptr(), ptr::null_mut(), 0, PROBE_BYTES)
        };
        self.stopped()?;
        Ok(if code < 0 { ptr::null() } else { format })
    }

    /// Lets libav read and decode a little, to fill in what the header does not say.
    fn look_inside(&mut self, context: &mut Context) -> Result<(), MediaError> {
        log::forget();
        // SAFETY: the context is valid; one dictionary a stream, as many as there are now.
        let code = unsafe {
            let count = (*context.0).nb_streams as usize;
            let mut options: Vec<av::Dictionary> =
                (0..count).map(|_| av::Dictionary::new()).collect();
            for o in &mut options {
                o.set("max_pixels", &self.options.max_pixels.to_string());
            }
            let mut raw: Vec<*mut ffi::AVDictionary> = options
                .iter_mut()
                .map(|o| std::mem::replace(&mut *o.as_mut_ptr(), ptr::null_mut()))
                .collect();
            let code = ffi::avformat_find_stream_info(context.0, raw.as_mut_ptr());
            for mut dictionary in raw {
                ffi::av_dict_free(&raw mut dictionary);
            }
            code
        };
        // An interrupted look can end in success, with half the facts.
        self.stopped()?;
        if code < 0 {
            return Err(MediaError::av(Kind::Read, &self.doing, code));
        }
        // SAFETY: the context is valid.
        if unsafe { (*context.0).nb_streams } == 0 {
            let message = format!("{}: no streams in it", self.doing);
            return Err(MediaError::new(Kind::NotMedia, message));
        }
        self.check_sizes(context)
    }

    fn check_sizes(&self, context: &Context) -> Result<(), MediaError> {
        // SAFETY: the context is valid and only read.
        let facts = unsafe { facts::read(context.0) };
        for stream in &facts.streams {
            let Some(video) = stream.video.as_ref().filter(|v| v.width > 0 && v.height > 0) else {
                continue;
            };
            let too_many =
                u64::from(video.width) * u64::from(video.height) > self.options.max_pixels;
            let reason = match frame::check_size(video.width, video.height) {
                Err(reason) => reason,
                Ok(()) if too_many => {
                    let (w, h, max) = (video.width, video.height, self.options.max_pixels);
                    format!("a picture of {w}x{h} is larger than the {max} samples allowed")
                }
                Ok(()) => continue,
            };
            let message = format!("{}: stream {}: {reason}", self.doing, stream.index);
            return Err(MediaError::new(Kind::TooLarge, message));
        }
        Ok(())
    }

    /// Whether the job was stopped or the disk failed, whatever libav says.
    fn stopped(&mut self) -> Result<(), MediaError> {
        self.interrupt.check(&self.doing)?;
        match self.source.stream().error.take() {
            Some(error) => Err(MediaError::new(Kind::Read, format!("{}: {error}", self.doing))),
            None => Ok(()),
        }
    }
}

/// A demuxer's short names and its long one; empty for null.
fn demuxer_names(format: *const ffi::AVInputFormat) -> (String, String) {
    match format.is_null() {
        true => (String::new(), String::new()),
        // SAFETY: demuxers are static.
        false => unsafe { (av::text((*format).name), av::text((*format).long_name)) },
    }
}
