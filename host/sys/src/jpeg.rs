//! JPEG from planes of YUV, by libjpeg-turbo, whose safe wrapper has no call for planes. What the
//! samples mean is the caller's business.

use std::ffi::{c_int, c_ulong, c_void};
use std::fmt;
use std::ptr::{self, NonNull};

use turbojpeg::raw;

use filmgate_core::frame::{Frame, PixelFormat, Plane};

/// What libjpeg-turbo says is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JpegError(String);

impl fmt::Display for JpegError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for JpegError {}

/// Writes JPEGs, one after the other. For one thread.
pub struct PlanarJpeg {
    handle: NonNull<c_void>,
    /// where libjpeg-turbo writes to, kept from picture to picture
    scratch: Vec<u8>,
}

// SAFETY: a handle has no tie to a thread, and is used through `&mut self` only.
unsafe impl Send for PlanarJpeg {}

impl PlanarJpeg {
    /// # Errors
    /// When there is no memory for it.
    pub fn new() -> Result<PlanarJpeg, JpegError> {
        // SAFETY: gives a new handle or null.
        let handle = NonNull::new(unsafe { raw::tjInitCompress() });
        let handle = handle
            .ok_or_else(|| JpegError("out of memory while libjpeg-turbo was set up".to_owned()))?;
        Ok(PlanarJpeg { handle, scratch: Vec::new() })
    }

    /// The JPEG of a picture of yuv420p, yuv422p or yuv444p, whose chroma divides it evenly. Its
    /// samples are taken for full range and BT.601, which is what a JPEG holds (JFIF 1.02).
    /// `quality` is from 1 to 100, as libjpeg has it.
    ///
    /// # Errors
    /// For any other picture and for what libjpeg-turbo says.
    pub fn write(&mut self, frame: &Frame, quality: u8) -> Result<Vec<u8>, JpegError> {
        let failed = |e: &str| JpegError(format!("a JPEG of {frame:?}: {e}"));
        let subsampling = subsampling(frame).ok_or_else(|| failed("no such planes"))?;
        let side = |n: u32| c_int::try_from(n).map_err(|_| failed("too large"));
        let (width, height) = (side(frame.width)?, side(frame.height)?);
        // SAFETY: plain numbers; all ones where they are out of range.
        let most = unsafe { raw::tjBufSize(width, height, subsampling) };
        let most = usize::try_from(most).ok().filter(|&n| n < usize::MAX / 2);
        let most = most.ok_or_else(|| failed("too large"))?;
        if self.scratch.len() < most {
            self.scratch.resize(most, 0);
        }
        let (mut planes, mut strides) = ([ptr::null::<u8>(); 3], [0 as c_int; 3]);
        let upright: Vec<Plane> = frame.planes.iter().map(Plane::upright).collect();
        for (i, plane) in upright.iter().enumerate() {
            planes[i] = plane.storage().bytes()[plane.at(0)..].as_ptr();
            strides[i] = c_int::try_from(plane.stride()).map_err(|_| failed("too large"))?;
        }
        let mut target = self.scratch.as_mut_ptr();
        let mut length = self.scratch.len() as c_ulong;
        // SAFETY: three planes of the sizes that `subsampling` has checked, alive and unchanged
        // during the call, of which it only reads rows and columns of the picture; the buffer is
        // as large as libjpeg-turbo may want, so that NOREALLOC holds.
        let code = unsafe {
            raw::tjCompressFromYUVPlanes(
                self.handle.as_ptr(),
                planes.as_mut_ptr(),
                width,
                strides.as_ptr(),
                height,
                subsampling,
                &raw mut target,
                &raw mut length,
                c_int::from(quality.clamp(1, 100)),
                raw::TJFLAG_NOREALLOC as c_int,
            )
        };
        let written = usize::try_from(length).ok().and_then(|n| self.scratch.get(..n));
        match written {
            Some(jpeg) if code == 0 => Ok(jpeg.to_vec()),
            _ => Err(failed(&self.reason())),
        }
    }

    fn reason(&self) -> String {
        // SAFETY: the handle is valid; the text is its own, ended by a NUL, and stays until the
        // next call.
        let text = unsafe { std::ffi::CStr::from_ptr(raw::tjGetErrorStr2(self.handle.as_ptr())) };
        text.to_string_lossy().into_owned()
    }
}

/// libjpeg-turbo's number of a picture's subsampling, if its planes are as they should be.
fn subsampling(frame: &Frame) -> Option<c_int> {
    let number = match frame.format {
        PixelFormat::Yuv444p => raw::TJSAMP_TJSAMP_444,
        PixelFormat::Yuv422p => raw::TJSAMP_TJSAMP_422,
        PixelFormat::Yuv420p => raw::TJSAMP_TJSAMP_420,
        _ => return None,
    };
    let (across, down) = frame.format.chroma_shift();
    let even = frame.width.is_multiple_of(1 << across) && frame.height.is_multiple_of(1 << down);
    let mut sizes = frame.format.plane_sizes(frame.width, frame.height);
    let whole = frame.planes.len() == 3
        && frame.planes.iter().all(|p| sizes.next().is_some_and(|s| p.size() == s));
    (even && whole).then_some(number as c_int)
}

impl Drop for PlanarJpeg {
    fn drop(&mut self) {
        // SAFETY: ours, given back once.
        unsafe { raw::tjDestroy(self.handle.as_ptr()) };
    }
}
