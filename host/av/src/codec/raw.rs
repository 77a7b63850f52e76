//! Raw pictures, byte after byte as a pipe brings them, into planes: in any pixel format that libav
//! knows.
//!
//! A [`RawPictures`] says how many bytes it wants next and takes exactly those, so that packed RGB
//! is converted band by band while it is still in the processor's cache, and planar formats are put
//! where they belong. What is neither goes through libswscale, a whole picture at a time.

use std::ffi::c_int;
use std::ptr;

use crate::av;
use crate::codec::alpha;
use crate::codec::convert::{Scaler, Shape};
use crate::error::{MediaError, MediaErrorKind as Kind, near_matches};
use crate::formats;
use ffmpeg_next::ffi::{self, AVPixelFormat};
use filmgate_core::frame::{Color, PixelFormat, Plane, PlaneBuffer, PlanePool, PlaneSize};
use filmgate_sys::rgb::{Order, Packed, Rows, Target, coefficients};

/// Bytes that are asked for at once, where a picture may be taken in parts: few calls, and not more
/// than stays in the cache.
const BAND: usize = 256 << 10;

/// What raw pictures are: libav's name of a format, and a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawFormat {
    format: AVPixelFormat,
    width: u32,
    height: u32,
    bytes: usize,
}

impl RawFormat {
    /// # Errors
    /// Unsupported for a name that libav does not know, with those nearest to it, and for formats
    /// that are no pictures in memory; TooLarge.
    pub fn new(name: &str, width: u32, height: u32) -> Result<RawFormat, MediaError> {
        crate::log::init();
        filmgate_core::frame::check_size(width, height)
            .map_err(|e| MediaError::new(Kind::TooLarge, e))?;
        let unusable = |why: &str| {
            MediaError::new(Kind::Unsupported, format!("the pixel format \"{name}\" {why}"))
        };
        let text = av::c_string(name);
        // SAFETY: a look-up by name.
        let format = unsafe { ffi::av_get_pix_fmt(text.as_ptr()) };
        if format == AVPixelFormat::AV_PIX_FMT_NONE {
            return Err(unusable(&format!("is unknown{}", near_matches(name, all_formats()))));
        }
        if formats::nearest(format).is_none() {
            return Err(unusable("cannot be converted to anything that encoders take"));
        }
        // SAFETY: plain numbers.
        let bytes =
            unsafe { ffi::av_image_get_buffer_size(format, width as c_int, height as c_int, 1) };
        match usize::try_from(bytes) {
            Ok(bytes) if bytes > 0 => Ok(RawFormat { format, width, height, bytes }),
            _ => Err(unusable("has no size in bytes")),
        }
    }

    /// Bytes of one picture, without padding.
    pub fn frame_bytes(&self) -> usize {
        self.bytes
    }

    /// Samples and rows.
    pub fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// libav's name.
    pub fn name(&self) -> String {
        formats::name(self.format)
    }

    /// The contract's format that loses least of it.
    pub fn nearest(&self) -> PixelFormat {
        formats::nearest(self.format).unwrap_or(PixelFormat::Rgb24)
    }

    /// Whether it is RGB, which has no matrix and no range of its own.
    pub fn is_rgb(&self) -> bool {
        formats::is_rgb(self.format)
    }

    /// Whether its very name says that YUV is of full range.
    pub fn is_full_range(&self) -> bool {
        formats::is_full_range(self.format)
    }

    fn has_alpha(&self) -> bool {
        alpha::has(self.format)
    }

    fn packed(&self) -> Option<Packed> {
        use AVPixelFormat::*;
        let (order, bytes) = match self.format {
            AV_PIX_FMT_RGB24 => (Order::Rgb, 3),
            AV_PIX_FMT_BGR24 => (Order::Bgr, 3),
            AV_PIX_FMT_RGBA | AV_PIX_FMT_RGB0 => (Order::Rgb, 4),
            AV_PIX_FMT_BGRA | AV_PIX_FMT_BGR0 => (Order::Bgr, 4),
            _ => return None,
        };
        Some(Packed { order, bytes })
    }
}

fn all_formats() -> Vec<String> {
    let numbers = 0..AVPixelFormat::AV_PIX_FMT_NB as c_int;
    numbers.filter_map(formats::from_number).map(formats::name).collect()
}

/// The sizes of a picture's planes on both sides of the conversion: `from` as it comes, `to` with
/// odd sides made even where that was asked for.
#[derive(Clone, Copy)]
struct Places {
    from: PlaneSize,
    to: PlaneSize,
}

enum Way {
    /// packed RGB to 4:2:0, two rows at a time
    Rows(Rows),
    /// the bytes are the planes
    Planes,
    Scaler(Box<Scaler>),
}

/// Takes pictures of a [`RawFormat`] in, part by part, and gives them out as planes.
pub struct RawPictures {
    raw: RawFormat,
    target: PixelFormat,
    /// of the planes that come out
    size: (u32, u32),
    places: Vec<Places>,
    way: Way,
    pool: PlanePool,
    buffers: Vec<PlaneBuffer>,
    /// the plane that is being filled and its next row; the source's row for [`Way::Rows`]
    at: (usize, usize),
    /// two rows of even length, where the source's are odd
    even: Vec<u8>,
    lost_alpha: bool,
}

impl RawPictures {
    /// `target`: what comes out. `color`: what RGB is made into, and what YUV is. `even`: whether
    /// odd sides grow by one sample, which repeats its neighbour.
    ///
    /// # Errors
    /// Unsupported where libswscale knows no way.
    pub fn new(
        raw: RawFormat,
        target: PixelFormat,
        color: &Color,
        even: bool,
        pool: &PlanePool,
    ) -> Result<RawPictures, MediaError> {
        let up = |side: u32| if even { side.next_multiple_of(2) } else { side };
        let size = (up(raw.width), up(raw.height));
        let numbers = formats::numbers(color);
        let full = numbers.range == crate::codec::convert::FULL_RANGE;
        let way = match raw.packed() {
            _ if formats::to_av(target) == formats::without_range(raw.format) => Way::Planes,
            Some(packed) if target == PixelFormat::Yuv420p && fits_rows(size, numbers.space) => {
                let matrix = coefficients(numbers.space == 1);
                Way::Rows(Rows::new(packed, matrix, full, size.0 as usize))
            }
            _ => {
                let shape = |format| Shape {
                    format,
                    width: raw.width,
                    height: raw.height,
                    // libav takes gray to be of full range.
                    full_range: full || formats::is_gray(format),
                    space: numbers.space,
                };
                let to = shape(formats::to_av(target));
                Way::Scaler(Box::new(Scaler::new(shape(raw.format), to)?))
            }
        };
        let from = target.plane_sizes(raw.width, raw.height);
        let places = from.zip(target.plane_sizes(size.0, size.1));
        let places = places.map(|(from, to)| Places { from, to }).collect();
        let (buffers, at, pool) = (Vec::new(), (0, 0), pool.clone());
        let (even, lost_alpha) = (Vec::new(), false);
        Ok(RawPictures { raw, target, size, places, way, pool, buffers, at, even, lost_alpha })
    }

    /// Whether a picture was transparent somewhere, and what came of it cannot be.
    pub fn lost_alpha(&self) -> bool {
        match &self.way {
            Way::Scaler(scaler) => scaler.lost_alpha(),
            Way::Rows(_) | Way::Planes => self.lost_alpha,
        }
    }

    /// Samples and rows of the pictures that come out.
    pub fn size(&self) -> (u32, u32) {
        self.size
    }

    /// How many bytes [`RawPictures::take`] wants next; none when the picture is complete.
    pub fn wants(&self) -> Option<usize> {
        match &self.way {
            Way::Scaler(_) => (self.at.0 == 0).then_some(self.raw.bytes),
            Way::Rows(_) => {
                let rows = self.raw.height as usize - self.at.1;
                (rows > 0).then(|| self.band(self.raw.bytes / self.raw.height as usize, rows))
            }
            Way::Planes => {
                let from = self.places.get(self.at.0)?.from;
                Some(self.band(from.row_bytes, from.rows - self.at.1))
            }
        }
    }

    /// The bytes of as many rows as are taken at once; an even number, but for the last ones.
    fn band(&self, row: usize, left: usize) -> usize {
        let rows = (BAND / row).next_multiple_of(2).max(2);
        row * rows.min(left)
    }

    /// The next bytes, as many as [`RawPictures::wants`].
    ///
    /// # Errors
    /// Of libswscale; OutOfMemory.
    pub fn take(&mut self, bytes: &[u8]) -> Result<(), MediaError> {
        if self.buffers.is_empty() && !matches!(self.way, Way::Scaler(_)) {
            self.buffers = self.places.iter().map(|p| self.pool.buffer(p.to)).collect();
        }
        match &mut self.way {
            Way::Rows(rows) => {
                let row = self.raw.bytes / self.raw.height as usize;
                let first = self.at.1;
                if self.raw.has_alpha() && !self.lost_alpha {
                    // Without a way out of the loop, which is vector code then.
                    let all = bytes.chunks_exact(4).fold(255, |all, pixel| all & pixel[3]);
                    self.lost_alpha = all != 255;
                }
                for (number, pair) in bytes.chunks(2 * row).enumerate() {
                    let pair = evened(pair, row, rows.row_bytes(), &mut self.even);
                    convert_pair(rows, pair, &mut self.buffers, first + 2 * number);
                }
                self.at.1 += bytes.len() / row;
            }
            Way::Planes => {
                let (plane, first) = self.at;
                let from = self.places[plane].from;
                let rows = self.buffers[plane].rows_mut().skip(first);
                for (to, source) in rows.zip(bytes.chunks_exact(from.row_bytes)) {
                    to[..from.row_bytes].copy_from_slice(source);
                }
                let done = first + bytes.len() / from.row_bytes;
                self.at = if done < from.rows { (plane, done) } else { (plane + 1, 0) };
            }
            Way::Scaler(scaler) => {
                let planes = scale(scaler, self.raw, bytes, &self.pool)?;
                self.buffers = self.places.iter().map(|p| self.pool.buffer(p.to)).collect();
                for (plane, buffer) in planes.iter().zip(&mut self.buffers) {
                    for (to, from) in buffer.rows_mut().zip(plane.rows()) {
                        to[..from.len()].copy_from_slice(from);
                    }
                }
                self.at.0 = 1;
            }
        }
        Ok(())
    }

    /// The complete picture's planes; the next bytes are another one's.
    ///
    /// # Errors
    /// When it is not complete.
    pub fn finish(&mut self) -> Result<Vec<Plane>, MediaError> {
        let internal = |e: String| MediaError::new(Kind::Read, e);
        if self.wants().is_some() {
            return Err(internal("a picture that is not complete".to_owned()));
        }
        self.at = (0, 0);
        let mut buffers = std::mem::take(&mut self.buffers);
        for (buffer, place) in buffers.iter_mut().zip(&self.places) {
            grow(buffer, place, self.target);
        }
        buffers.into_iter().map(|b| b.into_plane().map_err(internal)).collect()
    }

    /// Forgets a picture that will not be completed.
    pub fn reset(&mut self) {
        self.at = (0, 0);
        self.buffers.clear();
    }
}

/// Whether our own conversion knows the matrix and can halve the size.
fn fits_rows((width, height): (u32, u32), space: c_int) -> bool {
    width.is_multiple_of(2) && height.is_multiple_of(2) && matches!(space, 1 | 5 | 6)
}

/// Two rows of `wanted` bytes: those of `pair`, or copies whose last pixel, and whose only row, is
/// repeated.
fn evened<'a>(pair: &'a [u8], row: usize, wanted: usize, room: &'a mut Vec<u8>) -> &'a [u8] {
    if pair.len() == 2 * wanted {
        return pair;
    }
    room.clear();
    for from in [&pair[..row], &pair[pair.len() - row..]] {
        room.extend_from_slice(from);
        room.extend_from_slice(&from[row - (wanted - row)..]);
    }
    room
}

fn convert_pair(rows: &Rows, pair: &[u8], buffers: &mut [PlaneBuffer], y: usize) {
    let [luma, u, v] = buffers else { return };
    let stride = luma.stride();
    let (y0, y1) = luma.bytes_mut()[y * stride..].split_at_mut(stride);
    let (su, sv) = (u.stride(), v.stride());
    let (u, v) = (&mut u.bytes_mut()[y / 2 * su..], &mut v.bytes_mut()[y / 2 * sv..]);
    rows.convert(pair, &mut Target { y: [y0, y1], u, v });
}

/// Fills the samples that were added to make a side even with their neighbours.
fn grow(buffer: &mut PlaneBuffer, place: &Places, format: PixelFormat) {
    let Places { from, to } = *place;
    if from == to {
        return;
    }
    let added = to.row_bytes - from.row_bytes;
    for row in buffer.rows_mut().take(from.rows).filter(|_| added > 0) {
        // One pixel: a sample of a plane, or all those of a packed one.
        let pixel = added.max(format.sample_bytes());
        row.copy_within(from.row_bytes - pixel..from.row_bytes, from.row_bytes);
    }
    let stride = buffer.stride();
    for row in from.rows..to.rows {
        buffer.bytes_mut().copy_within((row - 1) * stride..row * stride, row * stride);
    }
}

fn scale(
    scaler: &mut Scaler,
    raw: RawFormat,
    bytes: &[u8],
    pool: &PlanePool,
) -> Result<Vec<Plane>, MediaError> {
    let (mut data, mut linesize) = ([ptr::null_mut(); 4], [0 as c_int; 4]);
    // libswscale may load whole vectors behind the last sample.
    let size = PlaneSize { row_bytes: bytes.len(), rows: 1 };
    let packed = pool.copy(bytes, size).map_err(|e| MediaError::new(Kind::OutOfMemory, e))?;
    let source = packed.storage().bytes();
    // SAFETY: `source` holds the bytes of one picture without padding, as `take` was told; libav
    // only works out where its planes begin, and libswscale only reads them.
    unsafe {
        let (w, h) = (raw.width as c_int, raw.height as c_int);
        let (d, l) = (data.as_mut_ptr(), linesize.as_mut_ptr());
        let code = ffi::av_image_fill_arrays(d, l, source.as_ptr(), raw.format, w, h, 1);
        if code < 0 || usize::try_from(code) != Ok(bytes.len()) {
            return Err(MediaError::av(Kind::Unsupported, "take a raw picture apart", code));
        }
        scaler.scale(data, linesize, pool)
    }
}
