//! The pictures that plugins are tried out with, and what can go wrong with a trial.

use std::sync::Arc;

use super::error::PluginError;
use filmgate_core::frame::{Color, Frame, PixelFormat, Plane, Rational, StreamInfo, Tags};

/// Why a trial did not go well.
pub(super) enum Trouble {
    Plugin(PluginError),
    Text(String),
}

impl From<PluginError> for Trouble {
    fn from(error: PluginError) -> Trouble {
        Trouble::Plugin(error)
    }
}

impl From<String> for Trouble {
    fn from(text: String) -> Trouble {
        Trouble::Text(text)
    }
}

/// What has to be equal for two pictures to be.
pub(super) fn content(frame: &Frame) -> (i64, Option<i64>, Vec<Vec<u8>>, Option<Tags>) {
    let planes = frame.planes.iter().map(Plane::to_packed).collect();
    (frame.timestamp, frame.duration, planes, frame.tags.as_deref().cloned())
}

/// A stream of 25 frames a second, with square samples.
pub fn info(format: PixelFormat, width: u32, height: u32) -> StreamInfo {
    StreamInfo {
        format,
        width,
        height,
        frame_rate: Some(Rational { num: 25, den: 1 }),
        sample_aspect: Rational { num: 1, den: 1 },
        color: Color::default(),
    }
}

/// Noise that is the same every time, within the format's range.
///
/// # Errors
/// For a size that no frame has.
pub fn picture(info: &StreamInfo, index: u64) -> Result<Frame, String> {
    let mut state = index.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut planes = Vec::new();
    for size in info.format.plane_sizes(info.width, info.height) {
        let mut bytes = Vec::with_capacity(size.bytes());
        while bytes.len() < size.bytes() {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let value = (state >> 48) as u16 >> (16 - info.format.bits());
            bytes.extend_from_slice(&value.to_le_bytes()[..info.format.sample_bytes()]);
        }
        planes.push(Plane::new(Arc::new(bytes), size.row_bytes, size)?);
    }
    Ok(Frame {
        format: info.format,
        width: info.width,
        height: info.height,
        planes,
        index,
        timestamp: i64::try_from(index).unwrap_or(i64::MAX).saturating_mul(40_000_000),
        duration: Some(40_000_000),
        tags: None,
        baggage: None,
    })
}
