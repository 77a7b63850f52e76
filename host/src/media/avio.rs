//! libav's I/O over Rust's: files in, any [`Sink`] out.
//!
//! libav opens nothing by itself. Every byte passes here, so that an I/O error keeps its
//! `io::Error`, that a cancelled job stops at the next read, and that no file can name another one
//! to be opened.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{self, NonNull};
use std::sync::Arc;

use super::interrupt::Interrupt;
use super::{av, ffi};

/// Where a container is written. It is read too where the muxer moves what it has written (mp4
/// with `+faststart`), so files must be opened for both.
pub trait Sink: Read + Write + Seek + Send {}

impl<T: Read + Write + Seek + Send> Sink for T {}

/// libav's own size for files.
const BUFFER: usize = 32 * 1024;

const WRITE_BUFFER: usize = 128 * 1024;

/// What stands behind an [`Avio`].
pub(super) trait Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize>;
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64>;
    fn size(&mut self) -> io::Result<u64>;
    /// keeps the first error, for whoever reports it
    fn failed(&mut self, error: io::Error);
}

/// An AVIOContext and what it reads or writes.
pub(super) struct Avio<S: Stream> {
    context: NonNull<ffi::AVIOContext>,
    stream: NonNull<S>,
}

// SAFETY: the context is used by one thread at a time, through `&mut self` of whoever owns it; it
// holds no thread's state. S is Send.
unsafe impl<S: Stream + Send> Send for Avio<S> {}

impl<S: Stream> Avio<S> {
    /// None when out of memory.
    pub(super) fn new(stream: S, writes: bool) -> Option<Avio<S>> {
        let size = if writes { WRITE_BUFFER } else { BUFFER };
        let stream = NonNull::from(Box::leak(Box::new(stream)));
        // SAFETY: the buffer comes from av_malloc as avio_alloc_context asks; `opaque` points to S,
        // which lives until drop, after the context; the callbacks are those of S.
        let context = unsafe {
            let buffer = ffi::av_malloc(size).cast::<u8>();
            let context = match buffer.is_null() {
                true => ptr::null_mut(),
                false => ffi::avio_alloc_context(
                    buffer,
                    size as c_int,
                    c_int::from(writes),
                    stream.as_ptr().cast(),
                    Some(read::<S>),
                    Some(write::<S>),
                    Some(seek::<S>),
                ),
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

    pub(super) fn as_mut_ptr(&mut self) -> *mut ffi::AVIOContext {
        self.context.as_ptr()
    }

    /// What is behind; no libav call may be running on the context, which `&mut self` ensures.
    pub(super) fn stream(&mut self) -> &mut S {
        // SAFETY: ours, and the callbacks only run inside libav calls.
        unsafe { self.stream.as_mut() }
    }

    /// Takes the whole apart without freeing, for libav to hold; [`Avio::from_raw`] undoes it.
    fn into_raw(self) -> *mut ffi::AVIOContext {
        let context = self.context.as_ptr();
        std::mem::forget(self);
        context
    }

    /// # Safety
    /// `context` came from [`Avio::into_raw`] of the same S and is used by nobody any more.
    unsafe fn from_raw(context: NonNull<ffi::AVIOContext>) -> Option<Avio<S>> {
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
    // SAFETY: libav gives a buffer of `size` bytes of its own, which it has allocated; reading
    // into it through a slice of bytes only writes to it.
    let count = unsafe {
        ptr::write_bytes(buffer, 0, size);
        let bytes = std::slice::from_raw_parts_mut(buffer, size);
        guarded::<S>(opaque, |s| s.read(bytes).map(|n| n as i64))
    };
    match c_int::try_from(count) {
        Ok(0) => ffi::AVERROR_EOF,
        Ok(count) => count,
        Err(_) => ffi::AVERROR_BUG,
    }
}

/// libav's type of bytes to be written: constant since FFmpeg 7.
#[cfg(ffmpeg_7_0)]
type Written = *const u8;
#[cfg(not(ffmpeg_7_0))]
type Written = *mut u8;

unsafe extern "C" fn write<S: Stream>(opaque: *mut c_void, buffer: Written, size: c_int) -> c_int {
    let length = usize::try_from(size).unwrap_or(0);
    // SAFETY: libav gives `size` valid bytes; they are only read.
    let code = unsafe {
        let bytes = std::slice::from_raw_parts(buffer.cast_const(), length);
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

/// A file to be demuxed.
pub(super) struct Source {
    pub(super) file: File,
    pub(super) interrupt: Arc<Interrupt>,
    pub(super) error: Option<io::Error>,
}

impl Stream for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.interrupt.is_due() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            match self.file.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
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
}

/// The sink and where it stands, shared by the contexts that write and re-read it.
pub(super) struct Shared {
    sink: Box<dyn Sink>,
    position: Option<u64>,
    error: Option<io::Error>,
}

/// One context's view of the sink, with a position of its own.
pub(super) struct View {
    shared: NonNull<Shared>,
    position: u64,
}

// SAFETY: a View is used only together with the Output that owns `shared`, by one thread at a time.
unsafe impl Send for View {}

impl View {
    /// The sink, standing at this view's position.
    fn at_position(&mut self) -> io::Result<&mut Shared> {
        // SAFETY: `shared` outlives every view (see Output), and views are used one at a time from
        // the thread that calls libav.
        let shared = unsafe { self.shared.as_mut() };
        if shared.position != Some(self.position) {
            shared.position = None;
            shared.sink.seek(SeekFrom::Start(self.position))?;
            shared.position = Some(self.position);
        }
        Ok(shared)
    }
}

impl Stream for View {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let shared = self.at_position()?;
        shared.position = None;
        let count = loop {
            match shared.sink.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.position += count as u64;
        shared_position(self);
        Ok(count)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let shared = self.at_position()?;
        shared.position = None;
        shared.sink.write_all(bytes)?;
        self.position += bytes.len() as u64;
        shared_position(self);
        Ok(())
    }

    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = match to {
            SeekFrom::Start(position) => position,
            SeekFrom::Current(by) => add(self.position, by)?,
            SeekFrom::End(by) => add(self.size()?, by)?,
        };
        Ok(self.position)
    }

    fn size(&mut self) -> io::Result<u64> {
        // SAFETY: as in `at_position`.
        let shared = unsafe { self.shared.as_mut() };
        shared.position = None;
        shared.sink.seek(SeekFrom::End(0))
    }

    fn failed(&mut self, error: io::Error) {
        // SAFETY: as in `at_position`.
        unsafe { self.shared.as_mut() }.error.get_or_insert(error);
    }
}

fn shared_position(view: &mut View) {
    // SAFETY: as in `View::at_position`.
    unsafe { view.shared.as_mut() }.position = Some(view.position);
}

fn add(position: u64, by: i64) -> io::Result<u64> {
    position.checked_add_signed(by).ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

/// The sole owner of a [`Shared`], by pointer because views point to it too.
struct Owner(NonNull<Shared>);

impl Owner {
    fn into_sink(self) -> Box<dyn Sink> {
        let this = std::mem::ManuallyDrop::new(self);
        // SAFETY: made by Box::leak in `Output::new`, and `this` does not free it again.
        unsafe { Box::from_raw(this.0.as_ptr()) }.sink
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // SAFETY: made by Box::leak in `Output::new`, freed once.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

/// The sink of one muxer with the context that writes it.
pub(super) struct Output {
    /// first, so that it is dropped before what it points to
    avio: Avio<View>,
    shared: Owner,
}

// SAFETY: everything in it is Send and used through `&mut self`.
unsafe impl Send for Output {}

impl Output {
    pub(super) fn new(sink: Box<dyn Sink>) -> Option<Output> {
        let shared = Box::leak(Box::new(Shared { sink, position: None, error: None }));
        let shared = Owner(NonNull::from(shared));
        let avio = Avio::new(View { shared: shared.0, position: 0 }, true)?;
        Some(Output { avio, shared })
    }

    pub(super) fn as_mut_ptr(&mut self) -> *mut ffi::AVIOContext {
        self.avio.as_mut_ptr()
    }

    /// What [`reopen`] expects as the muxer's `opaque`.
    pub(super) fn opaque(&self) -> *mut c_void {
        self.shared.0.as_ptr().cast()
    }

    /// The first error of the sink, once.
    pub(super) fn take_error(&mut self) -> Option<io::Error> {
        // SAFETY: ours; no libav call is running during `&mut self`.
        unsafe { self.shared.0.as_mut() }.error.take()
    }

    /// Gives libav's buffer to the sink, and the sink's to the system.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        // SAFETY: the context is ours and valid.
        unsafe { ffi::avio_flush(self.avio.as_mut_ptr()) };
        if let Some(error) = self.take_error() {
            return Err(error);
        }
        // SAFETY: as in `take_error`.
        unsafe { self.shared.0.as_mut() }.sink.flush()
    }

    pub(super) fn into_sink(self) -> Box<dyn Sink> {
        drop(self.avio);
        self.shared.into_sink()
    }
}

/// `io_open` of muxers: the only thing a muxer may open is its own output, for reading, and that
/// is the sink once more with a position of its own.
pub(super) unsafe extern "C" fn reopen(
    context: *mut ffi::AVFormatContext,
    opened: *mut *mut ffi::AVIOContext,
    url: *const c_char,
    flags: c_int,
    _: *mut *mut ffi::AVDictionary,
) -> c_int {
    // SAFETY: libav calls this with a valid muxer context, whose `opaque` is the Shared of the
    // Output that outlives it, with a terminated url and a place for the result.
    unsafe {
        let own = !url.is_null()
            && !(*context).url.is_null()
            && CStr::from_ptr(url) == CStr::from_ptr((*context).url);
        let shared = NonNull::new((*context).opaque.cast::<Shared>());
        let (Some(shared), true, ffi::AVIO_FLAG_READ) = (shared, own, flags) else {
            return av::errno(nix::libc::EPERM);
        };
        match Avio::new(View { shared, position: 0 }, false) {
            Some(avio) => {
                *opened = avio.into_raw();
                0
            }
            None => av::errno(nix::libc::ENOMEM),
        }
    }
}

/// `io_close2` to go with [`reopen`].
pub(super) unsafe extern "C" fn close_reopened(
    _: *mut ffi::AVFormatContext,
    opened: *mut ffi::AVIOContext,
) -> c_int {
    if let Some(opened) = NonNull::new(opened) {
        // SAFETY: libav gives back what `reopen` gave it, once.
        drop(unsafe { Avio::<View>::from_raw(opened) });
    }
    0
}

/// `io_open` of demuxers: a file opens no other.
pub(super) unsafe extern "C" fn refuse_to_open(
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
