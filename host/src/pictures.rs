//! Still pictures: a frame as a PNG or JPEG file, published whole.

use std::io::Write;
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{DynamicImage, ImageBuffer};

use crate::frame::{Frame, PixelFormat};
use crate::publish::{Aside, PublishError};

/// JPEG's quality, of 100.
const QUALITY: u8 = 92;

/// What a picture's file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureKind {
    Png,
    Jpeg,
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    #[error("{0}: pictures end in .png, .jpg or .jpeg")]
    Ending(String),
    #[error("{file}: the picture cannot be made: {reason}")]
    Encode { file: String, reason: String },
    #[error(transparent)]
    Publish(#[from] PublishError),
}

impl PictureKind {
    /// By the ending of a file's name.
    ///
    /// # Errors
    /// `Ending`.
    pub fn of(path: &Path) -> Result<PictureKind, PictureError> {
        let ending = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
        match ending.as_deref() {
            Some("png") => Ok(PictureKind::Png),
            Some("jpg" | "jpeg") => Ok(PictureKind::Jpeg),
            _ => Err(PictureError::Ending(path.display().to_string())),
        }
    }

    /// The frames that can be written.
    pub fn formats(self) -> &'static [PixelFormat] {
        use PixelFormat::{Gray8, Gray16, Rgb24, Rgb48, Rgba};
        match self {
            PictureKind::Png => &[Rgb24, Gray8, Rgba, Rgb48, Gray16],
            PictureKind::Jpeg => &[Rgb24, Gray8],
        }
    }
}

/// Writes a frame of one of [`PictureKind::formats`] into a file, turned by `rotation` degrees
/// clockwise, a multiple of 90.
///
/// # Errors
/// `Ending`, `Encode` and `Publish`; there is then no file, or the one that was there before.
pub fn save(frame: &Frame, path: &Path, rotation: i32, replace: bool) -> Result<(), PictureError> {
    let kind = PictureKind::of(path)?;
    let fail = |reason: String| PictureError::Encode { file: path.display().to_string(), reason };
    if !kind.formats().contains(&frame.format) {
        return Err(fail(format!("such a file does not hold {}", frame.format)));
    }
    let picture = dynamic(frame).ok_or_else(|| fail(format!("{frame:?} is no picture")))?;
    let picture = match rotation.rem_euclid(360) {
        90 => picture.rotate90(),
        180 => picture.rotate180(),
        270 => picture.rotate270(),
        _ => picture,
    };
    let mut bytes = Vec::new();
    match kind {
        PictureKind::Png => picture.write_with_encoder(PngEncoder::new(&mut bytes)),
        PictureKind::Jpeg => {
            picture.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY))
        }
    }
    .map_err(|e| fail(e.to_string()))?;
    let aside = Aside::create(path, replace)?;
    aside.file().and_then(|mut file| file.write_all(&bytes)).map_err(|source| {
        PublishError::Write {
            path: path.to_owned(),
            doing: "the picture could not be written",
            source,
        }
    })?;
    Ok(aside.publish()?)
}

fn dynamic(frame: &Frame) -> Option<DynamicImage> {
    let samples = frame.planes.first()?.to_packed();
    let (w, h) = (frame.width, frame.height);
    match frame.format {
        PixelFormat::Gray8 => ImageBuffer::from_raw(w, h, samples).map(DynamicImage::ImageLuma8),
        PixelFormat::Rgb24 => ImageBuffer::from_raw(w, h, samples).map(DynamicImage::ImageRgb8),
        PixelFormat::Rgba => ImageBuffer::from_raw(w, h, samples).map(DynamicImage::ImageRgba8),
        PixelFormat::Gray16 => {
            ImageBuffer::from_raw(w, h, wide(&samples)).map(DynamicImage::ImageLuma16)
        }
        PixelFormat::Rgb48 => {
            ImageBuffer::from_raw(w, h, wide(&samples)).map(DynamicImage::ImageRgb16)
        }
        _ => None,
    }
}

/// Samples of two bytes, the low one first.
fn wide(samples: &[u8]) -> Vec<u16> {
    samples.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Plane, PlaneSize};

    fn frame(format: PixelFormat, samples: Vec<u8>) -> Frame {
        let size = PlaneSize { row_bytes: samples.len(), rows: 1 };
        Frame {
            format,
            width: 2,
            height: 1,
            planes: vec![Plane::packed(samples, size).expect("fits")],
            index: 0,
            timestamp: 0,
            duration: None,
            tags: None,
            baggage: None,
        }
    }

    #[test]
    fn png_keeps_every_sample_and_turns() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a.png");
        save(&frame(PixelFormat::Rgb24, vec![1, 2, 3, 4, 5, 6]), &path, 90, false).expect("saved");
        let read = image::open(&path).expect("a picture").to_rgb8();
        assert_eq!((read.dimensions(), read.into_raw()), ((1, 2), vec![1, 2, 3, 4, 5, 6]));
        save(&frame(PixelFormat::Gray16, vec![1, 2, 3, 4]), &path, 0, true).expect("saved");
        let read = image::open(&path).expect("a picture").to_luma16();
        assert_eq!(read.into_raw(), [0x0201, 0x0403]);
    }

    #[test]
    fn endings_say_what_is_written() {
        assert_eq!(PictureKind::of(Path::new("a.JPG")).expect("known"), PictureKind::Jpeg);
        assert!(matches!(PictureKind::of(Path::new("a.bmp")), Err(PictureError::Ending(_))));
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a.jpg");
        let wide = frame(PixelFormat::Rgb48, vec![0; 12]);
        assert!(matches!(save(&wide, &path, 0, false), Err(PictureError::Encode { .. })));
        assert!(!path.exists());
    }
}
