//! Where a container is written: any Rust value that can be written, read and moved about in.
//!
//! A muxer that moves what it has written reads it through a second view of the same sink, so that
//! nothing is opened by name and outputs need not be files.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ptr::NonNull;

use crate::av;
use crate::io::avio::{Avio, Stream};
use ffmpeg_next::ffi;

/// Where a container is written. It is read too where the muxer moves what it has written (mp4
/// with `+faststart`), so files must be opened for both.
pub trait Sink: Read + Write + Seek + Send {
    /// Ends it, once all has been written and flushed; it is not used after that.
    ///
    /// # Errors
    /// What only turns out then: a server that does not take the end.
    fn close(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for File {}

impl Sink for io::Cursor<Vec<u8>> {}

/// The sink and where it stands, shared by the contexts that write and re-read it.
pub(crate) struct Shared {
    sink: Box<dyn Sink>,
    position: Option<u64>,
    error: Option<io::Error>,
    seekable: bool,
}

/// One context's view of the sink, with a position of its own.
pub(crate) struct View {
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

    fn seekable(&self) -> bool {
        // SAFETY: as in `at_position`.
        unsafe { self.shared.as_ref() }.seekable
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
pub(crate) struct Output {
    /// first, so that it is dropped before what it points to
    avio: Avio<View>,
    shared: Owner,
}

// SAFETY: everything in it is Send and used through `&mut self`.
unsafe impl Send for Output {}

impl Output {
    /// `seekable`: whether the muxer may come back to what it has written.
    pub(crate) fn new(sink: Box<dyn Sink>, seekable: bool) -> Option<Output> {
        let position = if seekable { None } else { Some(0) };
        let shared = Box::leak(Box::new(Shared { sink, position, error: None, seekable }));
        let shared = Owner(NonNull::from(shared));
        let avio = Avio::new(View { shared: shared.0, position: 0 }, true)?;
        Some(Output { avio, shared })
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut ffi::AVIOContext {
        self.avio.as_mut_ptr()
    }

    /// What [`reopen`] expects as the muxer's `opaque`.
    pub(crate) fn opaque(&self) -> *mut c_void {
        self.shared.0.as_ptr().cast()
    }

    /// The first error of the sink, once.
    pub(crate) fn take_error(&mut self) -> Option<io::Error> {
        // SAFETY: ours; no libav call is running during `&mut self`.
        unsafe { self.shared.0.as_mut() }.error.take()
    }

    /// Gives libav's buffer to the sink, and the sink's to the system.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        // SAFETY: the context is ours and valid.
        unsafe { ffi::avio_flush(self.avio.as_mut_ptr()) };
        if let Some(error) = self.take_error() {
            return Err(error);
        }
        // SAFETY: as in `take_error`.
        unsafe { self.shared.0.as_mut() }.sink.flush()
    }

    /// Ends the sink.
    pub(crate) fn close(&mut self) -> io::Result<()> {
        // SAFETY: as in `take_error`.
        unsafe { self.shared.0.as_mut() }.sink.close()
    }

    pub(crate) fn into_sink(self) -> Box<dyn Sink> {
        drop(self.avio);
        self.shared.into_sink()
    }
}

/// `io_open` of muxers: the only thing a muxer may open is its own output, for reading, and that
/// is the sink once more with a position of its own.
pub(crate) unsafe extern "C" fn reopen(
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
pub(crate) unsafe extern "C" fn close_reopened(
    _: *mut ffi::AVFormatContext,
    opened: *mut ffi::AVIOContext,
) -> c_int {
    if let Some(opened) = NonNull::new(opened) {
        // SAFETY: libav gives back what `reopen` gave it, once.
        drop(unsafe { Avio::<View>::from_raw(opened) });
    }
    0
}
