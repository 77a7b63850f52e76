//! Writing: a picture as the bytes of a file.

use std::io::Cursor;

use image::codecs::bmp::BmpEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::codecs::tiff::TiffEncoder;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder};

use super::jpeg::{self, Subsampling, with_metadata};
use super::pixels::to_image;
use super::yuv::Levels;
use super::{Picture, PictureError, PictureErrorKind, PictureFormat};
use filmgate_core::frame::{Color, Frame, PixelFormat, PlanePool};
use filmgate_sys::PlanarJpeg;

/// How pictures are written.
#[derive(Clone, Copy, Debug)]
pub struct WriteOptions {
    /// of JPEG, 1 to 100
    pub quality: u8,
    /// of JPEG
    pub subsampling: Subsampling,
}

impl Default for WriteOptions {
    /// What libjpeg and Pillow take when nobody says.
    fn default() -> WriteOptions {
        WriteOptions { quality: 75, subsampling: Subsampling::Quarter }
    }
}

/// Encodes image files. Nothing is kept from one file to the next.
pub struct PictureWriter {
    options: WriteOptions,
}

impl PictureWriter {
    pub fn new(options: WriteOptions) -> PictureWriter {
        PictureWriter { options }
    }

    /// The bytes of the file, and what of the picture it could not hold, for people. The frame has
    /// one of [`PictureFormat::pixel_formats`].
    ///
    /// # Errors
    /// `Encode`.
    pub fn write(
        &self,
        picture: &Picture,
        format: PictureFormat,
    ) -> Result<(Vec<u8>, Vec<String>), PictureError> {
        let mut notes = Vec::new();
        if format == PictureFormat::Jpeg {
            let options = &self.options;
            let jpeg = jpeg::write(&picture.frame, options.quality, options.subsampling)?;
            if picture.alpha.is_some() {
                notes.push("transparency is not kept in a JPEG".to_owned());
            }
            let (exif, icc) = (picture.exif.as_deref(), picture.icc.as_deref());
            return Ok((with_metadata(jpeg, exif, icc, &mut notes), notes));
        }
        Ok((encode(picture, format, &mut notes)?, notes))
    }
}

/// Writes the pictures of a film. For one thread.
pub struct FrameWriter {
    writer: PictureWriter,
    planar: PlanarJpeg,
    levels: Levels,
    format: PictureFormat,
    pool: PlanePool,
}

impl FrameWriter {
    /// `color` says what the samples of the film's YUV mean.
    ///
    /// # Errors
    /// When libjpeg-turbo cannot be set up: no memory.
    pub fn new(
        format: PictureFormat,
        options: WriteOptions,
        color: &Color,
        pool: &PlanePool,
    ) -> Result<FrameWriter, PictureError> {
        let planar = PlanarJpeg::new()
            .map_err(|e| PictureError::new(PictureErrorKind::Encode, e.to_string()))?;
        let (writer, levels) = (PictureWriter::new(options), Levels::new(color));
        Ok(FrameWriter { writer, planar, levels, format, pool: pool.clone() })
    }

    /// The bytes of the file. The frame has one of [`PictureFormat::film_formats`].
    ///
    /// # Errors
    /// `Encode`.
    pub fn write(&mut self, frame: &Frame) -> Result<Vec<u8>, PictureError> {
        if self.format == PictureFormat::Jpeg && frame.format.is_yuv() {
            let failed = |e: String| PictureError::new(PictureErrorKind::Encode, e);
            let full = self.levels.full(frame, &self.pool).map_err(failed)?;
            let quality = self.writer.options.quality;
            return self.planar.write(&full, quality).map_err(|e| failed(e.to_string()));
        }
        let picture =
            Picture { frame: frame.clone(), alpha: None, icc: None, exif: None, notes: Vec::new() };
        self.writer.write(&picture, self.format).map(|(bytes, _)| bytes)
    }
}

fn encode(
    picture: &Picture,
    format: PictureFormat,
    notes: &mut Vec<String>,
) -> Result<Vec<u8>, PictureError> {
    let holds_alpha = matches!(format, PictureFormat::Png | PictureFormat::Tiff);
    let alpha = picture.alpha.as_ref().filter(|_| holds_alpha);
    if picture.alpha.is_some() && alpha.is_none() {
        notes.push(format!("transparency of 16 bits is not kept in a {}", format.ending()));
    }
    let (samples, kind) = match (format, picture.frame.format, alpha) {
        // The encoder of TIFF has no gray with transparency.
        (PictureFormat::Tiff, PixelFormat::Gray16, Some(alpha)) => spread(picture, alpha)?,
        _ => to_image(&picture.frame, alpha)?,
    };
    let (width, height) = (picture.frame.width, picture.frame.height);
    let mut out = Cursor::new(Vec::new());
    let mut finish = |mut encoder: Box<dyn Finish + '_>| {
        encoder.metadata(picture, format, notes);
        encoder.finish(&samples, (width, height), kind)
    };
    match format {
        PictureFormat::Png => {
            let (speed, filter) = (CompressionType::Default, FilterType::Adaptive);
            finish(Box::new(PngEncoder::new_with_quality(&mut out, speed, filter)))
        }
        PictureFormat::Webp => finish(Box::new(WebPEncoder::new_lossless(&mut out))),
        PictureFormat::Tiff => finish(Box::new(TiffEncoder::new(&mut out))),
        PictureFormat::Bmp | PictureFormat::Jpeg => finish(Box::new(BmpEncoder::new(&mut out))),
    }
    .map_err(|e| PictureError::of_image(&e))?;
    Ok(out.into_inner())
}

/// Gray with transparency as RGB with transparency.
fn spread(
    picture: &Picture,
    alpha: &filmgate_core::frame::Plane,
) -> Result<(Vec<u8>, ExtendedColorType), PictureError> {
    let (gray, _) = to_image(&picture.frame, None)?;
    let (alpha, _) = to_image(
        &super::pixels::frame(
            PixelFormat::Gray16,
            (picture.frame.width, picture.frame.height),
            alpha.clone(),
        ),
        None,
    )?;
    let pixels = gray.chunks_exact(2).zip(alpha.chunks_exact(2));
    let samples = pixels.flat_map(|(g, a)| [g[0], g[1], g[0], g[1], g[0], g[1], a[0], a[1]]);
    Ok((samples.collect(), ExtendedColorType::Rgba16))
}

/// `ImageEncoder` behind a box.
trait Finish {
    fn metadata(&mut self, picture: &Picture, format: PictureFormat, notes: &mut Vec<String>);
    fn finish(
        self: Box<Self>,
        samples: &[u8],
        size: (u32, u32),
        kind: ExtendedColorType,
    ) -> image::ImageResult<()>;
}

impl<E: ImageEncoder> Finish for E {
    fn metadata(&mut self, picture: &Picture, format: PictureFormat, notes: &mut Vec<String>) {
        let ending = format.ending();
        if let Some(icc) = &picture.icc
            && self.set_icc_profile(icc.clone()).is_err()
        {
            notes.push(format!("the colour profile is not kept in a {ending}"));
        }
        if let Some(exif) = &picture.exif
            && self.set_exif_metadata(exif.clone()).is_err()
        {
            notes.push(format!("the EXIF data is not kept in a {ending}"));
        }
    }

    fn finish(
        self: Box<Self>,
        samples: &[u8],
        size: (u32, u32),
        kind: ExtendedColorType,
    ) -> image::ImageResult<()> {
        self.write_image(samples, size.0, size.1, kind)
    }
}
