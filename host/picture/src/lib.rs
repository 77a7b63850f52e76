//! Still pictures: from the bytes of a file to a [`Frame`] and back, with what belongs to them: which
//! way is up, the colour profile, the EXIF data, and transparency of more than eight bits.
//!
//! JPEG goes through libjpeg-turbo (planes of YUV without a detour over RGB), everything else
//! through the crate `image`. Nothing here knows plugins or streams.
#![forbid(unsafe_code)]

mod error;
mod format;
mod jpeg;
mod pixels;
mod read;
mod save;
mod tiff;
mod turn;
mod write;
mod yuv;

pub use error::{PictureError, PictureErrorKind};
pub use format::{PictureFormat, is_picture};
pub use jpeg::Subsampling;
pub use read::PictureReader;
pub use save::{SaveError, format_of, save};
pub use turn::turned;
pub use write::{FrameWriter, PictureWriter, WriteOptions};

use filmgate_core::frame::{Frame, Plane};

/// A picture with what belongs to it.
#[derive(Clone, Debug)]
pub struct Picture {
    /// turned the right way up; number and time 0
    pub frame: Frame,
    /// transparency beside a frame whose format has no room for it: gray16 of the frame's size
    pub alpha: Option<Plane>,
    /// the ICC profile of its colours
    pub icc: Option<Vec<u8>>,
    /// the EXIF data as a TIFF structure, its orientation set to upright
    pub exif: Option<Vec<u8>>,
    /// what of the file is not in here, for people
    pub notes: Vec<String>,
}

/// The largest file that is read as a picture, in bytes.
pub const PICTURE_BYTES: u64 = 512 << 20;
