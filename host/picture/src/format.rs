//! The kinds of picture files: which are read, which are written, and how they are called.

use std::path::Path;

use image::ImageFormat;

use super::Subsampling;
use filmgate_core::frame::PixelFormat;

/// A kind of file that pictures are written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PictureFormat {
    Jpeg,
    Png,
    Webp,
    Bmp,
    Tiff,
}

/// Endings of the pictures that are read.
const ENDINGS: &[&str] = &[
    "jpg", "jpeg", "jpe", "jfif", "png", "apng", "webp", "bmp", "dib", "tif", "tiff", "gif", "ico",
    "qoi", "tga", "pbm", "pgm", "ppm", "pnm", "pam",
];

/// Whether a file's ending is that of a picture.
pub fn is_picture(path: &Path) -> bool {
    ending(path).is_some_and(|e| ENDINGS.contains(&e.as_str()))
}

fn ending(path: &Path) -> Option<String> {
    Some(path.extension()?.to_str()?.to_ascii_lowercase())
}

impl PictureFormat {
    pub const ALL: [PictureFormat; 5] = [
        PictureFormat::Jpeg,
        PictureFormat::Png,
        PictureFormat::Webp,
        PictureFormat::Bmp,
        PictureFormat::Tiff,
    ];

    /// By the usual endings: `jpg` and `jpeg`, `tif` and `tiff` …
    pub fn from_ending(ending: &str) -> Option<PictureFormat> {
        match ending.to_ascii_lowercase().as_str() {
            "jpg" | "jpeg" | "jpe" | "jfif" => Some(PictureFormat::Jpeg),
            "png" => Some(PictureFormat::Png),
            "webp" => Some(PictureFormat::Webp),
            "bmp" | "dib" => Some(PictureFormat::Bmp),
            "tif" | "tiff" => Some(PictureFormat::Tiff),
            _ => None,
        }
    }

    /// What a picture of this name is written as: its own kind where that is written, else PNG,
    /// which holds whatever there is.
    pub fn for_source(path: &Path) -> PictureFormat {
        ending(path).and_then(|e| PictureFormat::from_ending(&e)).unwrap_or(PictureFormat::Png)
    }

    /// Its ending without the dot; `source`'s own where that means the same.
    pub fn ending_for(self, source: &Path) -> String {
        match source.extension().and_then(|e| e.to_str()) {
            Some(own) if PictureFormat::from_ending(own) == Some(self) => own.to_owned(),
            _ => self.ending().to_owned(),
        }
    }

    /// Its usual ending, without the dot.
    pub fn ending(self) -> &'static str {
        match self {
            PictureFormat::Jpeg => "jpg",
            PictureFormat::Png => "png",
            PictureFormat::Webp => "webp",
            PictureFormat::Bmp => "bmp",
            PictureFormat::Tiff => "tiff",
        }
    }

    /// The pixel formats that it holds without loss, for negotiation with plugins.
    pub fn pixel_formats(self) -> &'static [PixelFormat] {
        use PixelFormat::*;
        match self {
            PictureFormat::Jpeg => &[Rgb24, Gray8],
            PictureFormat::Webp => &[Rgb24, Rgba],
            PictureFormat::Bmp => &[Rgb24, Rgba, Gray8],
            PictureFormat::Png | PictureFormat::Tiff => &[Rgb24, Rgba, Gray8, Rgb48, Gray16],
        }
    }
}

impl PictureFormat {
    /// The pixel formats of a film's pictures that are written without a detour, for negotiation:
    /// a JPEG takes planes of YUV with the subsampling it is to have. Pictures that are to be
    /// turned have to be in one plane.
    pub fn film_formats(self, subsampling: Subsampling, turned: bool) -> &'static [PixelFormat] {
        use PixelFormat::*;
        match (self, subsampling) {
            (PictureFormat::Jpeg, Subsampling::Quarter) if !turned => &[Yuv420p, Rgb24, Gray8],
            (PictureFormat::Jpeg, Subsampling::Half) if !turned => &[Yuv422p, Rgb24, Gray8],
            (PictureFormat::Jpeg, Subsampling::None) if !turned => &[Yuv444p, Rgb24, Gray8],
            _ => self.pixel_formats(),
        }
    }
}

/// What kind of picture the bytes are; where they do not say (TGA has no mark), what the name says.
pub(super) fn recognise(bytes: &[u8], name: &Path) -> Option<ImageFormat> {
    image::guess_format(bytes).ok().or_else(|| match ImageFormat::from_path(name) {
        Ok(ImageFormat::Tga) => Some(ImageFormat::Tga),
        _ => None,
    })
}
