//! A frame as a file of its own, published whole.

use std::io::Write;
use std::path::Path;

use super::turn::turned;
use super::{Picture, PictureFormat, PictureWriter, WriteOptions};
use filmgate_core::frame::{Frame, PlanePool};
use filmgate_core::publish::{Aside, PublishError};

/// JPEG's quality, of 100.
const QUALITY: u8 = 92;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    #[error("{0}: pictures end in .png, .jpg, .webp, .bmp or .tiff")]
    Ending(String),
    #[error("{file}: the picture cannot be made: {reason}")]
    Encode { file: String, reason: String },
    #[error(transparent)]
    Publish(#[from] PublishError),
}

/// What a picture of this name is written as, by its ending.
///
/// # Errors
/// `Ending`.
pub fn format_of(path: &Path) -> Result<PictureFormat, SaveError> {
    let ending = path.extension().map(|e| e.to_string_lossy().into_owned());
    ending
        .and_then(|e| PictureFormat::from_ending(&e))
        .ok_or_else(|| SaveError::Ending(path.display().to_string()))
}

/// The bytes of an image file of a frame of one of [`PictureFormat::pixel_formats`], turned by
/// `rotation` degrees clockwise, a multiple of 90. `name` is for messages.
///
/// # Errors
/// `Encode`.
pub fn encoded(
    frame: &Frame,
    format: PictureFormat,
    rotation: i32,
    name: &Path,
) -> Result<Vec<u8>, SaveError> {
    let fail = |reason: String| SaveError::Encode { file: name.display().to_string(), reason };
    if !format.pixel_formats().contains(&frame.format) {
        return Err(fail(format!("such a file does not hold {}", frame.format)));
    }
    let options = WriteOptions { quality: QUALITY, ..WriteOptions::default() };
    let frame = turned(frame.clone(), rotation, &PlanePool::new()).map_err(fail)?;
    let picture = Picture { frame, alpha: None, icc: None, exif: None, notes: Vec::new() };
    let (bytes, _) =
        PictureWriter::new(options).write(&picture, format).map_err(|e| fail(e.to_string()))?;
    Ok(bytes)
}

/// Writes a frame into a file, as [`encoded`] makes it.
///
/// # Errors
/// `Encode` and `Publish`; there is then no file, or the one that was there before.
pub fn save(
    frame: &Frame,
    path: &Path,
    format: PictureFormat,
    rotation: i32,
    replace: bool,
) -> Result<(), SaveError> {
    let bytes = encoded(frame, format, rotation, path)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use filmgate_core::frame::{PixelFormat, Plane, PlaneSize};

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
        save(
            &frame(PixelFormat::Rgb24, vec![1, 2, 3, 4, 5, 6]),
            &path,
            PictureFormat::Png,
            90,
            false,
        )
        .expect("saved");
        let read = image::open(&path).expect("a picture").to_rgb8();
        assert_eq!((read.dimensions(), read.into_raw()), ((1, 2), vec![1, 2, 3, 4, 5, 6]));
        save(&frame(PixelFormat::Gray16, vec![1, 2, 3, 4]), &path, PictureFormat::Png, 0, true)
            .expect("saved");
        let read = image::open(&path).expect("a picture").to_luma16();
        assert_eq!(read.into_raw(), [0x0201, 0x0403]);
    }

    #[test]
    fn endings_say_what_is_written() {
        assert_eq!(format_of(Path::new("a.JPG")).expect("known"), PictureFormat::Jpeg);
        assert!(matches!(format_of(Path::new("a.gif")), Err(SaveError::Ending(_))));
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a.jpg");
        let wide = frame(PixelFormat::Rgb48, vec![0; 12]);
        assert!(matches!(
            save(&wide, &path, PictureFormat::Jpeg, 0, false),
            Err(SaveError::Encode { .. })
        ));
        assert!(!path.exists());
    }
}
