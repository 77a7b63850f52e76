//! Pictures across the border without copies: libav's frames lent out as [`Frame`]s, and frames
//! lent to libav.

use std::ffi::{c_int, c_void};
use std::ptr::NonNull;
use std::sync::Arc;

use crate::av::AvFrame;
use crate::error::MediaError;
use ffmpeg_next::ffi;
use filmgate_core::frame::{Baggage, Frame, PixelFormat, Plane, PlanePool, PlaneSize, Samples};

/// What the vector code of libav's encoders and scalers wants: rows that start at multiples of
/// this many bytes (libavutil/frame.h on `linesize`), and as many readable bytes behind the last.
pub(crate) const VECTOR: usize = 32;

/// Properties of a decoded frame on their way to the encoder: an AVFrame without pictures.
pub(crate) struct Properties(pub(crate) AvFrame);

/// One plane of a decoded frame.
struct Lent {
    /// keeps the samples alive
    _frame: Arc<AvFrame>,
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: `start` points into a buffer that `_frame` holds a reference to; AvFrame is Send and
// Sync, and the samples are only read: decoders never write to a buffer that somebody else holds
// a reference to (libavutil/buffer.h, av_buffer_is_writable).
unsafe impl Send for Lent {}
// SAFETY: as above.
unsafe impl Sync for Lent {}

impl Samples for Lent {
    fn bytes(&self) -> &[u8] {
        // SAFETY: `length` bytes from `start` lie in the buffer, as `lend_plane` has checked; they
        // stay as they are while `_frame` lives. Buffers of libav's decoders are zeroed when made.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

/// The planes of a decoded frame, standing in its own buffers; none where the layout does not
/// allow it (rows from the bottom up, planes outside of their buffer).
pub(crate) fn lend(frame: &Arc<AvFrame>, format: PixelFormat) -> Option<Vec<Plane>> {
    let raw = frame.get();
    let (width, height) = (u32::try_from(raw.width).ok()?, u32::try_from(raw.height).ok()?);
    let sizes = format.plane_sizes(width, height).enumerate();
    sizes.map(|(i, size)| lend_plane(frame, i, size)).collect()
}

fn lend_plane(frame: &Arc<AvFrame>, index: usize, size: PlaneSize) -> Option<Plane> {
    let raw = frame.get();
    let stride = usize::try_from(*raw.linesize.get(index)?).ok()?;
    let start = NonNull::new(*raw.data.get(index)?)?;
    // SAFETY: the frame is valid; the call only looks (its pointer is mutable for history's sake).
    let buffer = unsafe {
        ffi::av_frame_get_plane_buffer(frame.as_ptr().cast_mut(), c_int::try_from(index).ok()?)
            .as_ref()
    }?;
    let (from, to) = (buffer.data as usize, buffer.data as usize + buffer.size);
    let at = start.as_ptr() as usize;
    if at < from || at > to {
        return None;
    }
    let samples = Lent { _frame: Arc::clone(frame), start, length: to - at };
    Plane::new(Arc::new(samples), stride, size).ok()
}

/// A frame's properties as baggage; none when there is no memory, since it can be done without.
pub(crate) fn baggage(frame: &AvFrame) -> Option<Baggage> {
    Some(Arc::new(Properties(frame.properties()?)))
}

/// The plane itself where libav's vector code can work on it, else an aligned copy.
pub(crate) fn aligned(plane: &Plane, pool: &PlanePool) -> Result<Plane, String> {
    let bytes = plane.storage().bytes();
    let size = plane.size();
    let fits = plane.stride().unsigned_abs().is_multiple_of(VECTOR)
        && (bytes.as_ptr() as usize + plane.at(0)).is_multiple_of(VECTOR)
        && bytes.len() - plane.end() >= VECTOR;
    if fits {
        return Ok(plane.clone());
    }
    let mut buffer = pool.buffer(size);
    for (to, from) in buffer.rows_mut().zip(plane.rows()) {
        to[..size.row_bytes].copy_from_slice(from);
    }
    buffer.into_plane()
}

/// Planes and line sizes as libav's calls take them.
pub(crate) struct Pointers {
    pub(crate) data: [*mut u8; 4],
    pub(crate) linesize: [c_int; 4],
}

/// # Errors
/// Where a row is longer than libav can say.
pub(crate) fn pointers(planes: &[Plane]) -> Result<Pointers, String> {
    let mut out = Pointers { data: [std::ptr::null_mut(); 4], linesize: [0; 4] };
    for (i, plane) in planes.iter().enumerate().take(4) {
        // Of a plane upside down, libav goes backwards from its first row, as from FFmpeg's vflip.
        out.data[i] = plane.storage().bytes().as_ptr().wrapping_add(plane.at(0)).cast_mut();
        out.linesize[i] = c_int::try_from(plane.stride()).map_err(|_| "a row is too long")?;
    }
    Ok(out)
}

/// An AVFrame whose buffers are the planes of `frame`, marked as read-only. Only the picture is
/// set: format, size, data.
pub(crate) fn wrap(frame: &Frame, planes: Vec<Plane>) -> Result<AvFrame, MediaError> {
    let memory = || MediaError::memory("hand a picture to libav");
    let internal = |e: String| MediaError::new(crate::MediaErrorKind::Encode, e);
    let pointers = pointers(&planes).map_err(internal)?;
    let mut out = AvFrame::new().ok_or_else(memory)?;
    let raw = out.get_mut();
    raw.format = crate::formats::to_av(frame.format) as c_int;
    raw.width = c_int::try_from(frame.width).map_err(|e| internal(e.to_string()))?;
    raw.height = c_int::try_from(frame.height).map_err(|e| internal(e.to_string()))?;
    for (i, plane) in planes.into_iter().enumerate() {
        raw.data[i] = pointers.data[i];
        raw.linesize[i] = pointers.linesize[i];
        let all = plane.storage().bytes();
        let (start, length) = (all.as_ptr().cast_mut(), all.len());
        let owner = Box::into_raw(Box::new(plane));
        // SAFETY: the bytes stay where they are and as they are until `release` drops the plane,
        // which libav calls once, when the last reference goes; READONLY keeps libav from writing.
        raw.buf[i] = unsafe {
            let flags = ffi::AV_BUFFER_FLAG_READONLY;
            ffi::av_buffer_create(start, length, Some(release), owner.cast(), flags)
        };
        if raw.buf[i].is_null() {
            // SAFETY: libav took nothing; the box is still ours.
            drop(unsafe { Box::from_raw(owner) });
            return Err(memory());
        }
    }
    Ok(out)
}

unsafe extern "C" fn release(opaque: *mut c_void, _: *mut u8) {
    // SAFETY: the box of `wrap`, given back once, from whichever thread; Plane is Send and Sync.
    drop(unsafe { Box::from_raw(opaque.cast::<Plane>()) });
}

const _: fn() = || {
    fn shareable<T: Send + Sync>() {}
    shareable::<Plane>();
    shareable::<Properties>();
};
