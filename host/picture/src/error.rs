//! What can be wrong with a picture.

/// Why a picture cannot be read or written. The text is for people, without the file's name.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct PictureError {
    pub kind: PictureErrorKind,
    pub message: String,
}

/// What a caller may decide by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureErrorKind {
    /// no picture that is known here
    NotAPicture,
    /// a picture of a kind that is not taken: animated, several pages, floating point
    Unsupported,
    /// larger than filmgate takes
    TooLarge,
    /// truncated or damaged
    Damaged,
    /// the encoder broke off
    Encode,
}

impl PictureError {
    pub(super) fn new(kind: PictureErrorKind, message: impl Into<String>) -> PictureError {
        PictureError { kind, message: message.into() }
    }

    pub(super) fn of_image(error: &image::ImageError) -> PictureError {
        use image::ImageError;
        let kind = match error {
            ImageError::Decoding(_) | ImageError::IoError(_) => PictureErrorKind::Damaged,
            ImageError::Encoding(_) | ImageError::Parameter(_) => PictureErrorKind::Encode,
            ImageError::Limits(_) => PictureErrorKind::TooLarge,
            ImageError::Unsupported(_) => PictureErrorKind::Unsupported,
        };
        let what = match kind {
            PictureErrorKind::Damaged => "a damaged or truncated picture: ",
            PictureErrorKind::TooLarge => "a picture larger than filmgate takes: ",
            _ => "",
        };
        PictureError::new(kind, format!("{what}{error}"))
    }
}
