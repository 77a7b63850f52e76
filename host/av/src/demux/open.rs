//! Opening an input: the choice of its demuxer, and libav's first look inside.
//!
//! Reading packets is in `demux`; what was found out is in `facts`.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Seek;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::av;
use crate::demux::display::Display;
use crate::demux::ending::is_event;
use crate::demux::facts::{self, MediaFacts, StreamKind};
use crate::demux::images::Links;
use crate::demux::jumps::Jumps;
use crate::demux::packet::{Packet, Progress};
use crate::demux::quick;
use crate::demux::source::{InputSource, check_input_format, find_demuxer, open_pipe};
use crate::error::{MediaError, MediaErrorKind as Kind};
use crate::interrupt::Interrupt;
use crate::io::avio::{Avio, Source, refuse_to_open};
use crate::io::file::{OpenOptions, regular_file};
use crate::log;
use crate::options;
use ffmpeg_next::ffi;
use filmgate_core::frame;

/// How much of a file libav may read to find out what is in it: its own default, said here so that
/// a file cannot raise it.
const PROBE_BYTES: u32 = 5_000_000;

/// An open input. Dropping it closes it.
pub struct Input {
    pub(crate) context: Context,
    /// none where libav reads by itself: the network and devices
    pub(crate) source: Option<Avio<Source>>,
    pub(crate) interrupt: Arc<Interrupt>,
    /// how long the network may be silent
    pub(crate) patience: Option<Duration>,
    pub(crate) facts: MediaFacts,
    pub(crate) progress: Progress,
    pub(crate) display: Option<Display>,
    /// removes timestamp discontinuities, where that is asked for
    pub(crate) jumps: Option<Jumps>,
    /// packets read on the way to a time, their times as they are to be given out
    pub(crate) sought: VecDeque<Packet>,
    /// how it was opened, to open it once more
    pub(crate) origin: (InputSource, OpenOptions),
    /// an HLS event that still goes on
    pub(crate) event: bool,
    path: PathBuf,
    quick: bool,
    /// the links to images by which libav reads them
    _links: Option<Links>,
}

// SAFETY: nothing in it is tied to a thread; it is used through `&mut self`, or read.
unsafe impl Send for Input {}

/// An owned demuxer context; its I/O is the Input's, which is dropped after it.
pub(crate) struct Context(*mut ffi::AVFormatContext);

impl Context {
    pub(crate) fn as_ptr(&self) -> *const ffi::AVFormatContext {
        self.0
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut ffi::AVFormatContext {
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
        Input::open_source(&InputSource::File(path.to_path_buf()), options)
    }

    /// Opens whatever may be an input; see [`InputSource`] for what each kind may open in turn.
    ///
    /// # Errors
    /// As [`Input::open`]; NotAllowed too for a URL whose protocol is not on the list.
    pub fn open_source(source: &InputSource, options: &OpenOptions) -> Result<Input, MediaError> {
        log::init();
        let path = source.name();
        let doing = format!("open {}", path.display());
        let interrupt = Arc::new(Interrupt::new(&options.cancel));
        let reader = reader(source, &interrupt, options.buffer, &doing)?;
        interrupt.set_deadline(Some(options.deadline));
        let mut opening = Opening { source: reader, interrupt, options, path: &path, doing };
        let mut links = None;
        let mut context = match source {
            InputSource::Images(path) => {
                let made = links.insert(Links::to(path)?);
                opening.open_named("image2", &made.pattern())?
            }
            InputSource::Url(url) => opening.connect(url)?,
            InputSource::Named { format, name } => opening.open_named(format, name)?,
            InputSource::File(_) | InputSource::Opened(_) | InputSource::Pipe(_) => {
                let format = opening.choose_format()?;
                opening.read_header(format)?
            }
        };
        // SAFETY: the context is valid and nobody else's.
        let quick = options.quick && unsafe { quick::says_all(context.as_ptr()) };
        if !quick {
            opening.look_inside(&mut context)?;
        }
        opening.interrupt.set_deadline(None);
        // SAFETY: the context is valid and nobody else's.
        let facts = unsafe { facts::read(context.as_ptr()) };
        let progress = Progress::new(&facts);
        let event = is_event(&context, &facts.format, facts.duration);
        let Opening { source: reader, interrupt, .. } = opening;
        let patience = source.is_network().then_some(options.silence);
        let origin = (source.clone(), options.clone());
        Ok(Input {
            context,
            source: reader,
            interrupt,
            patience,
            facts,
            progress,
            display: None,
            jumps: None,
            sought: VecDeque::new(),
            origin,
            event,
            path,
            quick,
            _links: links,
        })
    }

    /// Whether nothing was decoded to find out more than the header says
    /// ([`OpenOptions::quick`]): profile, pixel format and the like are not known then.
    pub fn is_quick(&self) -> bool {
        self.quick
    }

    /// The metadata of the very file that is read, whatever its name leads to by now; none for
    /// what is no file.
    ///
    /// # Errors
    /// The system's.
    pub fn file_metadata(&mut self) -> std::io::Result<Option<std::fs::Metadata>> {
        self.source.as_mut().map(|s| s.stream().file.metadata()).transpose()
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

    /// Whether packets of one of its streams may follow those of another input's: the same codec,
    /// set up the same way.
    pub fn continues(&self, stream: usize, other: &Input, others: usize) -> bool {
        let (Ok(a), Ok(b)) = (self.stream(stream), other.stream(others)) else { return false };
        // SAFETY: both streams are valid; extradata are `extradata_size` bytes, or null.
        unsafe {
            let (a, b) = (&*(*a).codecpar, &*(*b).codecpar);
            let extra = |p: &ffi::AVCodecParameters| match usize::try_from(p.extradata_size) {
                Ok(size) if size > 0 && !p.extradata.is_null() => {
                    std::slice::from_raw_parts(p.extradata, size).to_vec()
                }
                _ => Vec::new(),
            };
            a.codec_id == b.codec_id
                && a.sample_rate == b.sample_rate
                && a.ch_layout.nb_channels == b.ch_layout.nb_channels
                && extra(a) == extra(b)
        }
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
    pub(crate) fn stream(&self, index: usize) -> Result<*mut ffi::AVStream, MediaError> {
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

/// Another handle on an open file, which is read from its start.
fn at_start(file: &File, doing: &str) -> Result<File, MediaError> {
    let start = file.try_clone().and_then(|mut file| file.rewind().map(|()| file));
    start.map_err(|e| MediaError::new(Kind::Read, format!("{doing}: {e}")))
}

/// What stands behind a source that is read through Rust.
fn reader(
    source: &InputSource,
    interrupt: &Arc<Interrupt>,
    buffer: usize,
    doing: &str,
) -> Result<Option<Avio<Source>>, MediaError> {
    let (file, pipe) = match source {
        InputSource::File(path) => (regular_file(path, doing)?, false),
        InputSource::Opened(opened) => (at_start(&opened.file, doing)?, false),
        InputSource::Pipe(path) => open_pipe(path.as_ref())
            .map_err(|e| MediaError::new(Kind::Read, format!("{doing}: {e}")))?,
        InputSource::Url(_) | InputSource::Named { .. } | InputSource::Images(_) => {
            return Ok(None);
        }
    };
    let name = match source {
        InputSource::Pipe(Some(path)) => path.display().to_string(),
        _ => "standard input".to_owned(),
    };
    let (interrupt, silent) = (Arc::clone(interrupt), pipe.then(Instant::now));
    let source = Source { file, pipe, interrupt, error: None, name, silent };
    Avio::with_buffer(source, false, buffer).map(Some).ok_or_else(|| MediaError::memory(doing))
}

pub(crate) struct Opening<'a> {
    source: Option<Avio<Source>>,
    interrupt: Arc<Interrupt>,
    pub(crate) options: &'a OpenOptions,
    path: &'a Path,
    pub(crate) doing: String,
}

impl Opening<'_> {
    /// Finds the demuxer by the file's content, with its ending as a hint, and checks that it may
    /// be used.
    fn choose_format(&mut self) -> Result<*const ffi::AVInputFormat, MediaError> {
        if let Some(format) = &self.options.format {
            check_input_format(format)?;
            return Ok(find_demuxer(format));
        }
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

    /// The I/O that libav is given, null where it opens its own.
    fn io(&mut self) -> *mut ffi::AVIOContext {
        self.source.as_mut().map_or(ptr::null_mut(), Avio::as_mut_ptr)
    }

    fn read_header(&mut self, format: *const ffi::AVInputFormat) -> Result<Context, MediaError> {
        let mut options = av::Dictionary::new();
        options.set("protocol_whitelist", "none");
        self.open_input("", format, options)
    }

    /// Has libav open an input: through our I/O, where there is one, else by `url` and nothing but
    /// the protocols that `options` lists.
    pub(crate) fn open_input(
        &mut self,
        url: &str,
        format: *const ffi::AVInputFormat,
        mut options: av::Dictionary,
    ) -> Result<Context, MediaError> {
        log::forget();
        // SAFETY: allocates or gives null.
        let mut raw = unsafe { ffi::avformat_alloc_context() };
        if raw.is_null() {
            return Err(MediaError::memory(&self.doing));
        }
        for (key, value) in &self.options.format_options {
            options.set(key, value);
        }
        let (io, url) = (self.io(), av::c_string(url));
        // SAFETY: a fresh context; the I/O and the interrupt outlive it (fields of the Input that
        // are dropped after it, or of this Opening). On failure libav frees the context and sets
        // `raw` to null.
        let code = unsafe {
            if !io.is_null() {
                (*raw).pb = io;
                (*raw).io_open = Some(refuse_to_open);
            }
            (*raw).interrupt_callback = self.interrupt.callback();
            (*raw).probesize = i64::from(PROBE_BYTES);
            ffi::avformat_open_input(&raw mut raw, url.as_ptr(), format, options.as_mut_ptr())
        };
        let context = Context(raw);
        self.stopped()?;
        if code < 0 {
            let kind = open_error(code);
            let mut error = MediaError::av(kind, &self.doing, code);
            if kind == Kind::NotMedia {
                error.kind = kind;
            }
            if error.kind == Kind::NotMedia {
                error.message.push_str(
                    " (the file is no media, or was cut off before its index was written)",
                );
            }
            return Err(error);
        }
        // SAFETY: the dictionary is ours; libav has taken out what it knows.
        if let Some((key, _)) = unsafe { av::pairs(*options.as_mut_ptr()) }.first() {
            let whose = format!("{}: its format", self.doing);
            // SAFETY: an AVFormatContext begins with its AVClass.
            unsafe { options::check(context.0.cast(), &whose, key) }?;
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
            let pb = self.io();
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
        match self.source.as_mut().and_then(|s| s.stream().error.take()) {
            Some(error) => Err(MediaError::new(Kind::Read, format!("{}: {error}", self.doing))),
            None => Ok(()),
        }
    }
}

/// A demuxer's short names and its long one; empty for null.
pub(crate) fn demuxer_names(format: *const ffi::AVInputFormat) -> (String, String) {
    if format.is_null() {
        (String::new(), String::new())
    } else {
        // SAFETY: demuxers are static.
        unsafe { (av::text((*format).name), av::text((*format).long_name)) }
    }
}

/// What a failure to open says of the input.
fn open_error(code: i32) -> Kind {
    // libav has no code of its own for absurd sizes.
    let absurd = log::reason().is_some_and(|said| said.contains("Picture size "));
    match code {
        _ if absurd => Kind::TooLarge,
        ffi::AVERROR_INVALIDDATA => Kind::NotMedia,
        ffi::AVERROR_HTTP_NOT_FOUND => Kind::NotFound,
        ffi::AVERROR_HTTP_FORBIDDEN | ffi::AVERROR_HTTP_UNAUTHORIZED => Kind::Denied,
        code if unreachable_server(code) => Kind::NotFound,
        ffi::AVERROR_OPTION_NOT_FOUND | ffi::AVERROR_FILTER_NOT_FOUND => Kind::Unsupported,
        code if code == av::errno(nix::libc::ENOENT) => Kind::NotFound,
        code if code == av::errno(nix::libc::EACCES) => Kind::Denied,
        // A damaged header asks for absurd amounts; a machine without memory has none for us either.
        code if code == av::errno(nix::libc::ENOMEM) && memory_is_left() => Kind::NotMedia,
        _ => Kind::Read,
    }
}

/// Whether there are 16 MiB, more than the header of a whole file asks for at a time.
fn memory_is_left() -> bool {
    Vec::<u8>::new().try_reserve_exact(16 << 20).is_ok()
}

fn unreachable_server(code: i32) -> bool {
    use nix::libc::{ECONNREFUSED, EHOSTUNREACH, ENETUNREACH};
    [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH].iter().any(|e| code == av::errno(*e))
}
