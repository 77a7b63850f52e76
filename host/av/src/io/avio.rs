//! libav's I/O over Rust's, and files to be read through it. Where containers are written is in
//! `sink`.
//!
//! libav opens nothing by itself. Every byte passes here, so that an I/O error keeps its
//! `io::Error`, that a cancelled job stops at the next read, and that no file can name another one
//! to be opened.

use std::ffi::{c_char, c_int, c_void};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::AsRawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::av;
use crate::interrupt::Interrupt;
use crate::io::pipe;
use crate::versions::Written;
use ffmpeg_next::ffi;

/// libav's own size for files.
pub(crate) const BUFFER: usize = 32 * 1024;

const WRITE_BUFFER: usize = 256 * 1024;

/// What stands behind an [`Avio`].
pub(crate) trait Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize>;
    /// Reads into memory that may hold nothing yet. Without a way of its own, a stream reads into
    /// other memory first.
    ///
    /// # Safety
    /// `size` bytes may be written at `buffer`.
    unsafe fn read_raw(&mut self, buffer: *mut u8, size: usize) -> io::Result<usize> {
        let mut bytes = vec![0; size];
        let count = self.read(&mut bytes)?.min(size);
        // SAFETY: the caller's promise; `bytes` is other memory.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), buffer, count) };
        Ok(count)
    }
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64>;
    fn size(&mut self) -> io::Result<u64>;
    /// keeps the first error, for whoever reports it
    fn failed(&mut self, error: io::Error);
    /// whether libav may move about in it; pipes and the network only go forward
    fn seekable(&self) -> bool {
        true
    }
}

/// An AVIOContext and what it reads or writes.
pub(crate) struct Avio<S: Stream> {
    context: NonNull<ffi::AVIOContext>,
    stream: NonNull<S>,
}

// SAFETY: the context is used by one thread at a time, through `&mut self` of whoever owns it; it
// holds no thread's state. S is Send.
unsafe impl<S: Stream + Send> Send for Avio<S> {}

impl<S: Stream> Avio<S> {
    /// None when out of memory.
    pub(crate) fn new(stream: S, writes: bool) -> Option<Avio<S>> {
        Avio::with_buffer(stream, writes, if writes { WRITE_BUFFER } else { BUFFER })
    }

    /// As [`Avio::new`], with a buffer of `size` bytes.
    pub(crate) fn with_buffer(stream: S, writes: bool, size: usize) -> Option<Avio<S>> {
        let move_about: Option<unsafe extern "C" fn(*mut c_void, i64, c_int) -> i64> =
            if stream.seekable() { Some(seek::<S>) } else { None };
        let stream = NonNull::from(Box::leak(Box::new(stream)));
        // SAFETY: the buffer comes from av_malloc as avio_alloc_context asks; `opaque` points to S,
        // which lives until drop, after the context; the callbacks are those of S.
        let context = unsafe {
            let buffer = ffi::av_malloc(size).cast::<u8>();
            let context = if buffer.is_null() {
                ptr::null_mut()
            } else {
                ffi::avio_alloc_context(
                    buffer,
                    size as c_int,
                    c_int::from(writes),
                    stream.as_ptr().cast(),
                    Some(read::<S>),
                    Some(write::<S>),
                    move_about,
                )
            };
            if context.is_null() {
                ffi::av_free(buffer.cast());
            }
            context
        };
        match NonNull::new(context) {
            Some(context) => Some(Avio { context, stream }),
            None => {
                // SAFETY: leaked above and given to nobody.
                drop(unsafe { Box::from_raw(stream.as_ptr()) });
                None
            }
        }
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut ffi::AVIOContext {
        self.context.as_ptr()
    }

    /// What is behind; no libav call may be running on the context, which `&mut self` ensures.
    pub(crate) fn stream(&mut self) -> &mut S {
        // SAFETY: ours, and the callbacks only run inside libav calls.
        unsafe { self.stream.as_mut() }
    }

    /// Takes the whole apart without freeing, for libav to hold; [`Avio::from_raw`] undoes it.
    pub(crate) fn into_raw(self) -> *mut ffi::AVIOContext {
        let context = self.context.as_ptr();
        std::mem::forget(self);
        context
    }

    /// # Safety
    /// `context` came from [`Avio::into_raw`] of the same S and is used by nobody any more.
    pub(crate) unsafe fn from_raw(context: NonNull<ffi::AVIOContext>) -> Option<Avio<S>> {
        // SAFETY: `opaque` is the S that `new` put there.
        let stream = NonNull::new(unsafe { (*context.as_ptr()).opaque }.cast::<S>())?;
        Some(Avio { context, stream })
    }
}

impl<S: Stream> Drop for Avio<S> {
    fn drop(&mut self) {
        let mut context = self.context.as_ptr();
        // SAFETY: ours; libav may have replaced the buffer, so the context's own is freed, then
        // the context, then what its callbacks pointed to.
        unsafe {
            ffi::av_freep((&raw mut (*context).buffer).cast());
            ffi::avio_context_free(&raw mut context);
            drop(Box::from_raw(self.stream.as_ptr()));
        }
    }
}

/// Runs `work` on the S behind `opaque` and turns its outcome into libav's.
///
/// # Safety
/// `opaque` is the S of an [`Avio`] and nobody else uses it during the call.
unsafe fn guarded<S: Stream>(
    opaque: *mut c_void,
    work: impl FnOnce(&mut S) -> io::Result<i64>,
) -> i64 {
    // SAFETY: the caller's promise.
    let stream = unsafe { &mut *opaque.cast::<S>() };
    let done = catch_unwind(AssertUnwindSafe(|| match work(stream) {
        Ok(value) => value,
        Err(error) => {
            let code = match error.raw_os_error() {
                _ if error.kind() == io::ErrorKind::Interrupted => ffi::AVERROR_EXIT,
                Some(number) => av::errno(number),
                None => av::errno(nix::libc::EIO),
            };
            stream.failed(error);
            i64::from(code)
        }
    }));
    // A panic must not cross into C.
    done.unwrap_or_else(|_| i64::from(ffi::AVERROR_BUG))
}

unsafe extern "C" fn read<S: Stream>(opaque: *mut c_void, buffer: *mut u8, size: c_int) -> c_int {
    let size = usize::try_from(size).unwrap_or(0);
    // SAFETY: `opaque` is the stream of this context, which libav uses from one thread at a time;
    // it gives a buffer of `size` bytes, which may hold nothing yet, or bytes that it still wants
    // when nothing more is read: only what was really read is written to it.
    let count = unsafe { guarded::<S>(opaque, |s| s.read_raw(buffer, size).map(|n| n as i64)) };
    match c_int::try_from(count) {
        Ok(0) => ffi::AVERROR_EOF,
        Ok(count) => count,
        Err(_) => ffi::AVERROR_BUG,
    }
}

unsafe extern "C" fn write<S: Stream>(opaque: *mut c_void, buffer: Written, size: c_int) -> c_int {
    let length = usize::try_from(size).unwrap_or(0);
    // SAFETY: libav gives `size` valid bytes; they are only read. Either type of pointer becomes a
    // constant one by itself.
    let code = unsafe {
        let bytes = std::slice::from_raw_parts(buffer, length);
        guarded::<S>(opaque, |s| s.write(bytes).map(|()| i64::from(size)))
    };
    c_int::try_from(code).unwrap_or(ffi::AVERROR_BUG)
}

unsafe extern "C" fn seek<S: Stream>(opaque: *mut c_void, offset: i64, whence: c_int) -> i64 {
    let whence = whence & !ffi::AVSEEK_FORCE;
    let to = match whence {
        0 => u64::try_from(offset).ok().map(SeekFrom::Start),
        1 => Some(SeekFrom::Current(offset)),
        2 => Some(SeekFrom::End(offset)),
        _ => None,
    };
    // SAFETY: `opaque` is our S; libav calls one callback at a time.
    unsafe {
        guarded::<S>(opaque, |s| {
            let position = match (whence, to) {
                (ffi::AVSEEK_SIZE, _) => s.size()?,
                (_, Some(to)) => s.seek(to)?,
                _ => return Ok(i64::from(av::errno(nix::libc::EINVAL))),
            };
            i64::try_from(position).map_err(|_| io::Error::other("a position beyond 63 bits"))
        })
    }
}

/// How long nobody needs to write into a pipe before that is said.
const SILENCE: Duration = Duration::from_secs(3);

/// A file or a pipe to be demuxed.
pub(crate) struct Source {
    pub(crate) file: File,
    /// it only goes forward, and may have nothing to give for a while
    pub(crate) pipe: bool,
    pub(crate) interrupt: Arc<Interrupt>,
    pub(crate) error: Option<io::Error>,
    /// for messages
    pub(crate) name: String,
    /// since when nothing has come at all, until that was said
    pub(crate) silent: Option<Instant>,
}

impl Stream for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.interrupt.is_due() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            if self.pipe && !pipe::readable(&self.file)? {
                if self.silent.is_some_and(|since| since.elapsed() > SILENCE) {
                    self.silent = None;
                    tracing::warn!("{}: waiting: nobody has written into it yet", self.name);
                }
                continue;
            }
            self.silent = None;
            match self.file.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if self.pipe && error.kind() == io::ErrorKind::WouldBlock => {}
                other => return other,
            }
        }
    }

    unsafe fn read_raw(&mut self, buffer: *mut u8, size: usize) -> io::Result<usize> {
        if self.pipe {
            let mut bytes = vec![0; size];
            let count = self.read(&mut bytes)?.min(size);
            // SAFETY: the caller's promise; `bytes` is other memory.
            unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), buffer, count) };
            return Ok(count);
        }
        loop {
            if self.interrupt.is_due() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            // SAFETY: an open descriptor, and the caller's promise. read(2) writes no more than
            // it says it has read.
            let count = unsafe { nix::libc::read(self.file.as_raw_fd(), buffer.cast(), size) };
            match usize::try_from(count) {
                Ok(count) => return Ok(count),
                Err(_) => match io::Error::last_os_error() {
                    error if error.kind() == io::ErrorKind::Interrupted => {}
                    error => return Err(error),
                },
            }
        }
    }

    fn write(&mut self, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }

    fn size(&mut self) -> io::Result<u64> {
        self.file.metadata().map(|m| m.len())
    }

    fn failed(&mut self, error: io::Error) {
        // A seek to before the start is a damaged file's doing, no failure of the disk's.
        if error.kind() != io::ErrorKind::InvalidInput {
            self.error.get_or_insert(error);
        }
    }

    fn seekable(&self) -> bool {
        !self.pipe
    }
}

/// `io_open` of demuxers: a file opens no other.
pub(crate) unsafe extern "C" fn refuse_to_open(
    _: *mut ffi::AVFormatContext,
    _: *mut *mut ffi::AVIOContext,
    url: *const c_char,
    _: c_int,
    _: *mut *mut ffi::AVDictionary,
) -> c_int {
    // SAFETY: libav gives a terminated url or null.
    let url = unsafe { av::text(url) };
    tracing::warn!(target: "libav", url, "a media file asked for another file to be opened: refused");
    av::errno(nix::libc::EPERM)
}
