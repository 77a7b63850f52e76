//! Muxers that write several files: an HLS playlist with its segments.
//!
//! libav opens none of these files. Each goes through a [`Shelf`], so that every error of opening,
//! writing and closing is noticed: libav's own HLS muxer logs a failed write and goes on (`hlsenc.c`,
//! "upload segment failed, will retry"). The playlist is given to libav under a URL of an unknown
//! protocol, since for plain files it writes to `NAME.tmp` and ignores whether the rename succeeds.

use std::ffi::{c_char, c_int};
use std::io::{self, SeekFrom};
use std::path::Path;
use std::ptr::{self, NonNull};

use crate::av;
use crate::error::{MediaError, MediaErrorKind as Kind};
use crate::io::avio::{Avio, Stream};
use crate::io::sink::{Output, Sink};
use crate::mux::muxer::{Context, Muxer};
use crate::mux::targets::find_muxer;
use ffmpeg_next::ffi;

/// Where the files of a muxer are made. Names have no folder in them.
pub trait Shelf: Send {
    /// Begins a file.
    ///
    /// # Errors
    /// Why it cannot be made.
    fn create(&mut self, name: &str) -> io::Result<Box<dyn Sink>>;

    /// A file that was begun has been written to its end.
    ///
    /// # Errors
    /// Why it cannot be finished.
    fn finish(&mut self, name: &str) -> io::Result<()>;
}

/// libav's name of the muxer.
const HLS: &str = "hls";

/// Stands before the names that libav sees.
const PREFIX: &str = "filmgate:/";

/// The shelf of one muxer, and the first thing that went wrong with it.
pub(crate) struct Pieces {
    shelf: Box<dyn Shelf>,
    error: Option<io::Error>,
    /// a call of the muxer's is running: what is closed outside of one is thrown away
    pub(crate) running: bool,
}

impl Pieces {
    pub(crate) fn take_error(&mut self) -> Option<io::Error> {
        self.error.take()
    }
}

/// One file that is being written.
struct Piece {
    /// lives as long as the muxer, which closes all of its files
    pieces: NonNull<Pieces>,
    name: String,
    sink: Box<dyn Sink>,
}

impl Stream for Piece {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sink.write_all(bytes)
    }

    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Err(io::ErrorKind::NotSeekable.into())
    }

    fn size(&mut self) -> io::Result<u64> {
        Err(io::ErrorKind::NotSeekable.into())
    }

    fn failed(&mut self, error: io::Error) {
        // SAFETY: `pieces` outlives every file of its muxer, and libav calls one callback at a time.
        unsafe { self.pieces.as_mut() }.error.get_or_insert(error);
    }

    fn seekable(&self) -> bool {
        false
    }
}

impl Muxer {
    /// A muxer that puts a playlist `name.m3u8` and its segments `name0.ts`, `name1.ts` … on a shelf.
    /// `path` is for messages.
    ///
    /// # Errors
    /// Unsupported where this FFmpeg has no HLS; OutOfMemory.
    pub fn playlist(name: &str, path: &Path, shelf: Box<dyn Shelf>) -> Result<Muxer, MediaError> {
        crate::log::init();
        let doing = format!("write {}", path.display());
        let muxer = find_muxer(HLS);
        if muxer.is_null() {
            let message = format!("{doing}: this FFmpeg cannot write \"{HLS}\"");
            return Err(MediaError::new(Kind::Unsupported, message));
        }
        let memory = || MediaError::memory(&doing);
        // Nothing is ever written to it.
        let nowhere = Box::new(io::Cursor::new(Vec::new()));
        let output = Output::new(nowhere, true).ok_or_else(memory)?;
        let url = av::c_string(&format!("{PREFIX}{name}.m3u8"));
        let segments = av::c_string(&format!("{PREFIX}{}%d.ts", name.replace('%', "%%")));
        let mut raw = ptr::null_mut();
        // SAFETY: out-pointer, static muxer, terminated name.
        let code = unsafe {
            ffi::avformat_alloc_output_context2(&raw mut raw, muxer, ptr::null(), url.as_ptr())
        };
        if code < 0 || raw.is_null() {
            return Err(memory());
        }
        let context = Context(raw);
        let mut pieces = Box::new(Pieces { shelf, error: None, running: false });
        // SAFETY: the context is ours; `pieces` is boxed, and the Muxer drops it after the context
        // (see the order of its fields); libav copies the text.
        unsafe {
            (*raw).opaque = ptr::from_mut(&mut *pieces).cast();
            (*raw).io_open = Some(open);
            (*raw).io_close2 = Some(close);
            let key = c"hls_segment_filename".as_ptr();
            ffi::av_opt_set((*raw).priv_data, key, segments.as_ptr(), 0);
        }
        let mut muxer = Muxer::assemble(context, output, doing, HLS, None);
        muxer.pieces = Some(pieces);
        Ok(muxer)
    }
}

/// `io_open`: begins a file on the shelf.
unsafe extern "C" fn open(
    context: *mut ffi::AVFormatContext,
    opened: *mut *mut ffi::AVIOContext,
    url: *const c_char,
    flags: c_int,
    _: *mut *mut ffi::AVDictionary,
) -> c_int {
    // SAFETY: libav calls this with a valid context, whose `opaque` is the Pieces of `pieces` (the
    // HLS muxer hands it on to those of its segments), a terminated URL and a place for the result.
    unsafe {
        let url = av::text(url);
        let name = url.strip_prefix(PREFIX).filter(|n| !n.is_empty() && !n.contains('/'));
        let pieces = NonNull::new((*context).opaque.cast::<Pieces>());
        let (Some(name), Some(mut pieces), ffi::AVIO_FLAG_WRITE) = (name, pieces, flags) else {
            return av::errno(nix::libc::EPERM);
        };
        let shelf = pieces.as_mut();
        // libav tries again what has failed; it is over.
        if let Some(error) = &shelf.error {
            return code(error);
        }
        let sink = match shelf.shelf.create(name) {
            Ok(sink) => sink,
            Err(error) => {
                let code = code(&error);
                shelf.error = Some(error);
                return code;
            }
        };
        match Avio::new(Piece { pieces, name: name.to_owned(), sink }, true) {
            Some(avio) => {
                *opened = avio.into_raw();
                0
            }
            None => av::errno(nix::libc::ENOMEM),
        }
    }
}

/// `io_close2`: the file is complete.
unsafe extern "C" fn close(_: *mut ffi::AVFormatContext, opened: *mut ffi::AVIOContext) -> c_int {
    let Some(opened) = NonNull::new(opened) else { return 0 };
    // SAFETY: libav gives back what `open` gave it, once.
    let Some(mut avio) = (unsafe { Avio::<Piece>::from_raw(opened) }) else { return 0 };
    // SAFETY: a valid context of ours.
    unsafe { ffi::avio_flush(avio.as_mut_ptr()) };
    let mut pieces = avio.stream().pieces;
    let name = std::mem::take(&mut avio.stream().name);
    // The file is closed before it gets its name.
    drop(avio);
    // SAFETY: as in `Piece::failed`.
    let pieces = unsafe { pieces.as_mut() };
    if pieces.running && pieces.error.is_none() {
        pieces.error = pieces.shelf.finish(&name).err();
    }
    pieces.error.as_ref().map_or(0, code)
}

/// libav's code for an error.
fn code(error: &io::Error) -> c_int {
    av::errno(error.raw_os_error().unwrap_or(nix::libc::EIO))
}
