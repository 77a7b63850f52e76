//! Still pictures: from the bytes of a file to a [`Frame`] and back, with what belongs to them: which
//! way is up, the colour profile, the EXIF data, and transparency of more than eight bits.
//!
//! JPEG goes through libjpeg-turbo (planes of YUV without a detour over RGB), everything else
//! through the crate `image`. Nothing here knows plugins or streams.
#![forbid(unsafe_code)]

mod error;
mod exif;
mod format;
mod jpeg;
mod pixels;
mod read;
mod save;
mod several;
mod sheet;
mod tiff;
mod turn;
mod write;
mod yuv;

pub use error::{PictureError, PictureErrorKind};
pub use format::{PictureFormat, is_picture};
pub use jpeg::Subsampling;
pub use read::PictureReader;
pub use save::{SaveError, encoded, format_of, save};
pub use sheet::Sheet;
pub use turn::{Upright, turned};
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

impl Picture {
    /// Leaves out of the EXIF data what describes samples that have changed: thumbnails above all,
    /// which would still show what a plugin made unreadable.
    pub fn forget_old_samples(&mut self) {
        let Some(exif) = self.exif.take() else { return };
        match exif::without_old_samples(&exif) {
            Some((kept, noted)) => {
                self.exif = Some(kept);
                if noted {
                    let what = "thumbnails, previews and maker notes of the old image";
                    self.notes.push(format!("EXIF data: {what} are left out"));
                }
            }
            None => self.notes.push("the EXIF data is damaged and is left out".to_owned()),
        }
    }
}

/// The largest file that is read as a picture, in bytes.
pub const PICTURE_BYTES: u64 = 512 << 20;
