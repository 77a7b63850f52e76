//! Pixel formats and sizes changed, by libswscale.
//!
//! Colours follow the ffmpeg program, so that results agree with it: bicubic, the matrix that the
//! stream names, BT.601 where it names none. YUV keeps its range. Gray is always of full range, as
//! libav takes it. RGB has no range and no matrix of its own: a stream's [`Color`] then says of
//! which YUV it came and which it becomes again, so that a round trip uses one matrix.

use std::ffi::c_int;
use std::ptr::{self, NonNull};

use crate::codec::alpha::{self, Samples};
use crate::codec::lend;
use crate::error::{MediaError, MediaErrorKind as Kind};
use crate::formats;
use ffmpeg_next::ffi::{self, AVPixelFormat};
use filmgate_core::frame::{Color, Frame, PixelFormat, Plane, PlaneBuffer, PlanePool, StreamInfo};

/// Converts frames of one stream; one for each worker.
pub struct Converter {
    from: (PixelFormat, u32, u32),
    to: (PixelFormat, u32, u32),
    /// none where there is nothing to do
    scaler: Option<Scaler>,
}

impl Converter {
    /// From the frames of `from` to another format or size.
    ///
    /// # Errors
    /// Unsupported where libswscale cannot, TooLarge, OutOfMemory.
    pub fn new(
        from: &StreamInfo,
        to: PixelFormat,
        to_width: u32,
        to_height: u32,
    ) -> Result<Converter, MediaError> {
        crate::log::init();
        filmgate_core::frame::check_size(from.width, from.height)
            .and_then(|()| filmgate_core::frame::check_size(to_width, to_height))
            .map_err(|e| MediaError::new(Kind::TooLarge, format!("convert: {e}")))?;
        let source = (from.format, from.width, from.height);
        let target = (to, to_width, to_height);
        let scaler = if source == target {
            None
        } else {
            Some(Scaler::new(Shape::of(source, &from.color), Shape::of(target, &from.color))?)
        };
        Ok(Converter { from: source, to: target, scaler })
    }

    /// The converted picture; everything else of the frame stays.
    ///
    /// # Errors
    /// When the frame is not of the stream that the converter was made for.
    pub fn convert(&mut self, frame: &Frame, pool: &PlanePool) -> Result<Frame, MediaError> {
        let internal = |e: String| MediaError::new(Kind::Unsupported, format!("convert: {e}"));
        if (frame.format, frame.width, frame.height) != self.from {
            return Err(internal(format!("{frame:?} is not of the stream {:?}", self.from)));
        }
        let Some(scaler) = &mut self.scaler else { return Ok(frame.clone()) };
        let planes = frame.planes.iter().map(|p| lend::aligned(p, pool));
        let planes: Vec<Plane> = planes.collect::<Result<_, _>>().map_err(internal)?;
        let source = lend::pointers(&planes).map_err(internal)?;
        // SAFETY: as many planes as the format has, of the size the scaler was made for (checked
        // above and by Plane), alive during the call.
        let converted = unsafe { scaler.scale(source.data, source.linesize, pool) }?;
        let (format, width, height) = self.to;
        Ok(Frame { format, width, height, planes: converted, ..frame.clone() })
    }
}

impl Converter {
    /// As [`Converter::lost_alpha`], of the pictures since it was asked for the last time.
    pub fn take_lost_alpha(&mut self) -> bool {
        self.scaler.as_mut().is_some_and(|scaler| {
            scaler.watches_alpha |= scaler.lost_alpha;
            std::mem::take(&mut scaler.lost_alpha)
        })
    }

    /// Whether a picture was transparent somewhere, and what came of it cannot be.
    pub fn lost_alpha(&self) -> bool {
        self.scaler.as_ref().is_some_and(Scaler::lost_alpha)
    }
}

/// One side of a conversion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) format: AVPixelFormat,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) full_range: bool,
    /// H.273's number of the matrix
    pub(crate) space: c_int,
}

impl Shape {
    pub(crate) fn of((format, width, height): (PixelFormat, u32, u32), color: &Color) -> Shape {
        let numbers = formats::numbers(color);
        Shape {
            format: formats::to_av(format),
            width,
            height,
            full_range: format.is_gray() || numbers.range == FULL_RANGE,
            space: numbers.space,
        }
    }
}

/// `SWS_BICUBIC`: a macro up to FFmpeg 7, an enumeration's value since.
const BICUBIC: c_int = 4;

/// `AVCOL_RANGE_JPEG`.
pub(crate) const FULL_RANGE: c_int = 2;

/// An owned SwsContext.
pub(crate) struct Scaler {
    context: NonNull<ffi::SwsContext>,
    from: Shape,
    to: Shape,
    target: PixelFormat,
    /// whether alpha would be lost, and none was seen yet
    watches_alpha: bool,
    lost_alpha: bool,
}

// SAFETY: an SwsContext without threads of its own (the default) is plain memory, used through
// `&mut self`.
unsafe impl Send for Scaler {}

impl Scaler {
    /// `to.format` must be one of the contract's.
    pub(crate) fn new(from: Shape, to: Shape) -> Result<Scaler, MediaError> {
        let doing = || {
            let (f, t) = (formats::name(from.format), formats::name(to.format));
            format!("convert {f} {}x{} to {t} {}x{}", from.width, from.height, to.width, to.height)
        };
        let side =
            |n: u32| c_int::try_from(n).map_err(|_| MediaError::new(Kind::TooLarge, doing()));
        let target = formats::native(to.format)
            .ok_or_else(|| MediaError::new(Kind::Unsupported, doing()))?;
        let no_filter = ptr::null_mut();
        // SAFETY: plain numbers; null where libswscale cannot.
        let context = unsafe {
            ffi::sws_getContext(
                side(from.width)?,
                side(from.height)?,
                formats::without_range(from.format),
                side(to.width)?,
                side(to.height)?,
                formats::without_range(to.format),
                BICUBIC,
                no_filter,
                no_filter,
                ptr::null(),
            )
        };
        let context = NonNull::new(context).ok_or_else(|| {
            MediaError::new(Kind::Unsupported, format!("{}: libswscale cannot", doing()))
        })?;
        let watches_alpha = alpha::has(from.format) && target != PixelFormat::Rgba;
        let scaler = Scaler { context, from, to, target, watches_alpha, lost_alpha: false };
        // SAFETY: the context is ours; the tables are libswscale's own and static; 0, 1.0 and 1.0
        // (as 16.16 fixed point) leave brightness, contrast and saturation as they are. It fails
        // where neither side is YUV or gray, and then there is nothing to set.
        unsafe {
            let table = ffi::sws_getCoefficients(matrix(from.space));
            let (one, source, target) =
                (1 << 16, c_int::from(from.full_range), c_int::from(to.full_range));
            ffi::sws_setColorspaceDetails(
                context.as_ptr(),
                table,
                source,
                table,
                target,
                0,
                one,
                one,
            );
        }
        Ok(scaler)
    }

    pub(crate) fn is_for(&self, from: Shape, to: Shape) -> bool {
        self.from == from && self.to == to
    }

    /// Whether a picture was transparent somewhere, and what came of it cannot be.
    pub(crate) fn lost_alpha(&self) -> bool {
        self.lost_alpha
    }

    /// Converts one picture into planes of the pool.
    ///
    /// # Safety
    /// `data` and `linesize` describe a whole picture of the shape this was made for, alive during
    /// the call.
    pub(crate) unsafe fn scale(
        &mut self,
        data: [*mut u8; 4],
        linesize: [c_int; 4],
        pool: &PlanePool,
    ) -> Result<Vec<Plane>, MediaError> {
        let internal = |e: String| MediaError::new(Kind::Unsupported, format!("convert: {e}"));
        let sizes = self.target.plane_sizes(self.to.width, self.to.height);
        let mut buffers: Vec<PlaneBuffer> = sizes.map(|size| pool.buffer(size)).collect();
        let mut targets = [ptr::null_mut::<u8>(); 4];
        let mut strides = [0 as c_int; 4];
        for (i, buffer) in buffers.iter_mut().enumerate() {
            strides[i] = c_int::try_from(buffer.stride()).map_err(|e| internal(e.to_string()))?;
            targets[i] = buffer.bytes_mut().as_mut_ptr();
        }
        let source = data.map(<*mut u8>::cast_const);
        if self.watches_alpha {
            let Shape { format, width, height, .. } = self.from;
            let samples = Samples { format, size: (width, height), data: source, linesize };
            // SAFETY: the caller's promise.
            self.lost_alpha = unsafe { alpha::shows(&samples) };
            self.watches_alpha = !self.lost_alpha;
        }
        // SAFETY: the caller's promise for the source; the targets are of the size asked for, rows
        // aligned and padded to 64 bytes, with 64 more behind the last, which is what the widest
        // vector code of libswscale may touch.
        let rows = unsafe {
            let height = self.from.height as c_int;
            let context = self.context.as_ptr();
            let (source, targets) = (source.as_ptr(), targets.as_ptr());
            ffi::sws_scale(context, source, linesize.as_ptr(), 0, height, targets, strides.as_ptr())
        };
        if rows != self.to.height as c_int {
            return Err(internal(format!("libswscale wrote {rows} of {} rows", self.to.height)));
        }
        buffers.into_iter().map(|b| b.into_plane().map_err(internal)).collect()
    }
}

impl Drop for Scaler {
    fn drop(&mut self) {
        // SAFETY: ours, freed once.
        unsafe { ffi::sws_freeContext(self.context.as_ptr()) }
    }
}

/// libswscale's number of a matrix; its default, BT.601, where nobody knows or it has none.
fn matrix(space: c_int) -> c_int {
    match space {
        1 => ffi::SWS_CS_ITU709 as c_int,
        4 => ffi::SWS_CS_FCC as c_int,
        5 | 6 => ffi::SWS_CS_ITU601 as c_int,
        7 => ffi::SWS_CS_SMPTE240M as c_int,
        9 | 10 => ffi::SWS_CS_BT2020 as c_int,
        _ => ffi::SWS_CS_DEFAULT as c_int,
    }
}
