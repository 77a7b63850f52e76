//! Reading: recognised by content, held to filmgate's sizes before anything is decoded, turned the
//! right way up.

use std::io::Cursor;
use std::path::Path;

use image::codecs::gif::GifDecoder;
use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{AnimationDecoder, DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use super::format::recognise;
use super::jpeg::{self, carries_metadata};
use super::pixels::{self, from_image, plane_size};
use super::several::holds_more;
use super::tiff::{self, has_several_pages};
use super::turn::oriented;
use super::{Picture, PictureError, PictureErrorKind};
use filmgate_core::frame::{Frame, MAX_SIDE, PixelFormat, Plane, PlanePool, check_size};

/// Bytes that a decoder may allocate for one picture: the largest that filmgate takes, with
/// sixteen bits and transparency, and what decoders need beside it.
const DECODER_BYTES: u64 = 1 << 30;

/// Decodes image files. Nothing is kept from one file to the next but buffers.
pub struct PictureReader {
    pool: PlanePool,
}

impl PictureReader {
    /// `pool` gives the memory for the pictures.
    pub fn new(pool: &PlanePool) -> PictureReader {
        PictureReader { pool: pool.clone() }
    }

    /// The picture in `bytes`. `name` decides only where the content does not say what it is.
    ///
    /// # Errors
    /// `NotAPicture`, `Unsupported`, `TooLarge`, `Damaged`.
    pub fn read(&self, bytes: &[u8], name: &Path) -> Result<Picture, PictureError> {
        let format = recognise(bytes, name).ok_or_else(|| {
            let what = if bytes.is_empty() { "an empty file" } else { "no picture known here" };
            PictureError::new(PictureErrorKind::NotAPicture, what)
        })?;
        let mut picture = self.read_as(bytes, format)?;
        if format == ImageFormat::Jpeg && holds_more(bytes) {
            picture.notes.push("it holds more images, of which the first is read".to_owned());
        }
        Ok(picture)
    }

    fn read_as(&self, bytes: &[u8], format: ImageFormat) -> Result<Picture, PictureError> {
        if format == ImageFormat::Jpeg {
            let error = match self.read_jpeg(bytes) {
                Err(e) if e.kind == PictureErrorKind::Damaged => e,
                other => return other,
            };
            let Some(mended) = jpeg::mended(bytes) else { return Err(error) };
            let Ok(mut picture) = self.read_jpeg(&mended) else { return Err(error) };
            let what = "it has stray bytes or no end marker; the image is whole";
            picture.notes.push(what.to_owned());
            return Ok(picture);
        }
        refuse_animated(bytes, format)?;
        let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
        reader.limits(limits());
        let decoder = reader.into_decoder().map_err(|e| PictureError::of_image(&e))?;
        let mut picture = decode(decoder)?;
        if format == ImageFormat::Tiff && picture.icc.is_none() {
            picture.icc = tiff::profile(bytes);
        }
        if format == ImageFormat::Gif {
            // Its decoder gives transparency whether there is any or not.
            picture.frame = without_needless_alpha(picture.frame);
        }
        Ok(picture)
    }

    fn read_jpeg(&self, bytes: &[u8]) -> Result<Picture, PictureError> {
        let headers =
            || JpegDecoder::new(Cursor::new(bytes)).map_err(|e| PictureError::of_image(&e));
        let Some(frame) = jpeg::read(bytes, &self.pool)? else {
            let mut picture = decode(headers()?)?;
            if picture.icc.take().is_some() {
                picture.notes.push("the profile of its CMYK colours is not kept".to_owned());
            }
            return Ok(picture);
        };
        if !carries_metadata(bytes) {
            return Ok(Picture { frame, alpha: None, icc: None, exif: None, notes: Vec::new() });
        }
        let mut decoder = headers()?;
        let (icc, mut exif) = metadata(&mut decoder);
        let orientation = exif.as_mut().and_then(|e| Orientation::remove_from_exif_chunk(e));
        let frame = match orientation {
            None => frame,
            Some(turn) => oriented(&frame, turn, &self.pool)
                .map_err(|e| PictureError::new(PictureErrorKind::Unsupported, e))?,
        };
        let mut picture = Picture { frame, alpha: None, icc, exif, notes: Vec::new() };
        if orientation.is_some_and(|turn| turn != Orientation::NoTransforms) {
            picture.forget_old_samples();
        }
        Ok(picture)
    }
}

fn decode(mut decoder: impl ImageDecoder) -> Result<Picture, PictureError> {
    let broken = |e| PictureError::of_image(&e);
    check(decoder.dimensions())?;
    // Before anything is allocated: a header may claim what it likes.
    if decoder.total_bytes() > DECODER_BYTES {
        let message = format!("{} bytes of samples", decoder.total_bytes());
        return Err(PictureError::new(PictureErrorKind::TooLarge, message));
    }
    let orientation = decoder.orientation().map_err(broken)?;
    let (icc, mut exif) = metadata(&mut decoder);
    if let Some(exif) = &mut exif {
        // It is applied here.
        let _ = Orientation::remove_from_exif_chunk(exif);
    }
    let mut image = DynamicImage::from_decoder(decoder).map_err(broken)?;
    image.apply_orientation(orientation);
    let (frame, alpha) = from_image(image)?;
    let mut picture = Picture { frame, alpha, icc, exif, notes: Vec::new() };
    if orientation != Orientation::NoTransforms {
        picture.forget_old_samples();
    }
    Ok(picture)
}

/// Colour profile and EXIF. What is wrong with them does not make a picture unreadable.
fn metadata(decoder: &mut impl ImageDecoder) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
    let icc = decoder.icc_profile().ok().flatten();
    (icc, decoder.exif_metadata().ok().flatten())
}

fn check((width, height): (u32, u32)) -> Result<(), PictureError> {
    check_size(width, height).map_err(|e| PictureError::new(PictureErrorKind::TooLarge, e))
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(DECODER_BYTES);
    limits
}

/// One picture is wanted; where there are several, nobody can know which.
fn refuse_animated(bytes: &[u8], format: ImageFormat) -> Result<(), PictureError> {
    let broken = |e: image::ImageError| PictureError::of_image(&e);
    let cursor = || Cursor::new(bytes);
    let several = match format {
        ImageFormat::Gif => {
            let mut decoder = GifDecoder::new(cursor()).map_err(broken)?;
            check(decoder.dimensions())?;
            decoder.set_limits(limits()).map_err(broken)?;
            let mut frames = decoder.into_frames();
            let first = frames.next().transpose().map_err(broken)?;
            // What follows the first may be damaged without harm to it.
            first.is_some() && matches!(frames.next(), Some(Ok(_)))
        }
        ImageFormat::WebP => WebPDecoder::new(cursor()).map_err(broken)?.has_animation(),
        ImageFormat::Png => PngDecoder::with_limits(cursor(), limits())
            .and_then(|decoder| decoder.is_apng())
            .map_err(broken)?,
        ImageFormat::Tiff if has_several_pages(bytes) => {
            let message = "a TIFF of several pages; give each page a file of its own";
            return Err(PictureError::new(PictureErrorKind::Unsupported, message));
        }
        _ => false,
    };
    if several {
        Err(PictureError::new(
            PictureErrorKind::Unsupported,
            "an animated picture, of which there is no one picture to take; `filmgate run` takes it as a video",
        ))
    } else {
        Ok(())
    }
}

/// Opaque pictures as RGB.
fn without_needless_alpha(frame: Frame) -> Frame {
    let size = (frame.width, frame.height);
    let samples = match (frame.format, frame.planes.first()) {
        (PixelFormat::Rgba, Some(plane)) => plane.to_packed(),
        _ => return frame,
    };
    if samples.chunks_exact(4).any(|p| p[3] != u8::MAX) {
        return frame;
    }
    let opaque: Vec<u8> = samples.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect();
    plane_size(PixelFormat::Rgb24, size)
        .and_then(|size| Plane::packed(opaque, size))
        .map_or(frame, |plane| pixels::frame(PixelFormat::Rgb24, size, plane))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PictureFormat, PictureWriter, WriteOptions};

    fn jpeg() -> Vec<u8> {
        let size = plane_size(PixelFormat::Rgb24, (64, 48)).expect("a plane");
        let samples = (0..64 * 48 * 3_u32).map(|n| ((n * n) >> 7) as u8).collect();
        let plane = Plane::packed(samples, size).expect("fits");
        let frame = pixels::frame(PixelFormat::Rgb24, (64, 48), plane);
        let picture = Picture { frame, alpha: None, icc: None, exif: None, notes: Vec::new() };
        let writer = PictureWriter::new(WriteOptions::default());
        writer.write(&picture, PictureFormat::Jpeg).expect("written").0
    }

    /// Cameras and scanners write such files, and every viewer shows them.
    #[test]
    fn jpegs_with_stray_bytes_or_without_an_end_are_read_with_a_note() {
        let whole = jpeg();
        let reader = PictureReader::new(&PlanePool::new());
        let read = |bytes: &[u8]| reader.read(bytes, Path::new("a.jpg"));
        let samples = |picture: &Picture| picture.frame.planes[0].to_packed();
        let wanted = read(&whole).expect("sound");
        assert!(wanted.notes.is_empty());
        let body = &whole[..whole.len() - 2];
        let table = whole.windows(2).position(|w| w == [0xff, 0xdb]).expect("there");
        let inside = [&whole[..table], &[0, 0, 7], &whole[table..]].concat();
        let cases = [
            ("without EOI", body.to_vec()),
            ("with half of EOI", [body, &[0xff]].concat()),
            ("with bytes before EOI", [body, &[0, 0, 0, 9, 0xff, 0xd9]].concat()),
            ("with bytes between segments", inside.clone()),
            ("with both", [&inside[..inside.len() - 2], &[0; 5], &[0xff, 0xd9]].concat()),
        ];
        for (what, bytes) in cases {
            let picture = read(&bytes).unwrap_or_else(|e| panic!("{what}: {e}"));
            assert!(samples(&picture) == samples(&wanted), "{what}");
            // What lies between the samples of a baseline JPEG and its EOI is never read.
            let is_read = what != "with bytes before EOI";
            assert_eq!(picture.notes.len(), usize::from(is_read), "{what}");
        }
        for cut in [1, 2, 5, 40, body.len() / 2] {
            assert!(read(&body[..body.len() - cut]).is_err(), "{cut} bytes are missing");
        }
        let cut = [&body[..body.len() - 9], &[0xff, 0xd9]].concat();
        assert!(read(&cut).is_err(), "samples are missing");
    }

    /// The first two components of 4:2:0 have as many blocks as those of 1x4, which libjpeg-turbo's
    /// simple interface has no name for.
    #[test]
    fn jpegs_of_unusual_sampling_are_read() {
        let mut bytes = jpeg();
        let at = bytes.windows(2).position(|w| w == [0xff, 0xc0]).expect("there");
        assert_eq!(bytes[at + 11], 0x22);
        bytes[at + 11] = 0x14;
        // 12 groups of four blocks, as before.
        bytes[at + 5..at + 9].copy_from_slice(&[0, 64, 0, 48]);
        let picture = PictureReader::new(&PlanePool::new()).read(&bytes, Path::new("a.jpg"));
        let picture = picture.expect("sound");
        assert_eq!((picture.frame.width, picture.frame.height), (48, 64));
    }
}
