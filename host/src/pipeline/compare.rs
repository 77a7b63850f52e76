//! Before and after in one picture: each picture of the output beside the picture of the input
//! that it came of, which stands left.
//!
//! The two find each other by the number of the source picture. A picture that a plugin drops is
//! not shown: the one before it stands longer, with its own source beside it. Where plugins change
//! the size, the picture before is scaled to the size of the one after.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::error::PipelineError;
use crate::frame::{Frame, Plane, PlanePool, StreamInfo, check_size};
use crate::media::Converter;

/// Source pictures that are kept behind the last one asked for, for plugins that give pictures
/// out of order.
const BEHIND: u64 = 16;

/// The source pictures that are on their way, by number.
#[derive(Clone, Default)]
pub(super) struct Sources(Arc<Mutex<BTreeMap<u64, Frame>>>);

impl Sources {
    pub(super) fn put(&self, frame: &Frame) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(frame.index, frame.clone());
    }

    /// The source picture of this number, or the nearest one before it; those that nobody will
    /// ask for any more are forgotten.
    fn get(&self, index: u64) -> Option<Frame> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = all.range(..=index).next_back();
        let found = before.or_else(|| all.first_key_value()).map(|(_, f)| f.clone());
        let kept = all.split_off(&index.saturating_sub(BEHIND));
        *all = kept;
        found
    }
}

/// How the two stand in the picture as it is coded, so that the one before stands left when the
/// picture is turned for display.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arrangement {
    Left,
    Right,
    Above,
    Below,
}

impl Arrangement {
    /// For a picture that is turned by `rotation` degrees clockwise.
    fn for_rotation(rotation: i32) -> Arrangement {
        match rotation.rem_euclid(360) {
            45..135 => Arrangement::Below,
            135..225 => Arrangement::Right,
            225..315 => Arrangement::Above,
            _ => Arrangement::Left,
        }
    }

    fn is_beside(self) -> bool {
        matches!(self, Arrangement::Left | Arrangement::Right)
    }

    fn before_first(self) -> bool {
        matches!(self, Arrangement::Left | Arrangement::Above)
    }
}

/// Puts two pictures into one.
pub struct SideBySide {
    before: Converter,
    after: Converter,
    output: StreamInfo,
    arrangement: Arrangement,
    pool: PlanePool,
}

impl SideBySide {
    /// For pictures like `before` and `after`, displayed turned by `rotation` degrees clockwise.
    ///
    /// # Errors
    /// When both together are too large for a picture, or cannot be converted.
    pub fn new(
        before: &StreamInfo,
        after: &StreamInfo,
        rotation: i32,
    ) -> Result<SideBySide, PipelineError> {
        let arrangement = Arrangement::for_rotation(rotation);
        let (sx, sy) = after.format.chroma_shift();
        let (mut width, mut height) = (after.width, after.height);
        // The chroma of one must end where that of the other begins.
        match arrangement.is_beside() {
            true => width = width.next_multiple_of(1 << sx),
            false => height = height.next_multiple_of(1 << sy),
        }
        let convert = |from| Converter::new(from, after.format, width, height);
        let (before, after_converter) = (convert(before)?, convert(after)?);
        match arrangement.is_beside() {
            true => width *= 2,
            false => height *= 2,
        }
        check_size(width, height)
            .map_err(|e| PipelineError::System(format!("before and after in one picture: {e}")))?;
        let output = StreamInfo { width, height, ..after.clone() };
        let pool = PlanePool::new();
        Ok(SideBySide { before, after: after_converter, output, arrangement, pool })
    }

    /// What the pictures of both are like.
    pub fn output(&self) -> &StreamInfo {
        &self.output
    }

    /// Both in one; everything but the planes is that of `after`.
    ///
    /// # Errors
    /// When one is not as [`SideBySide::new`] was told.
    pub fn picture(&mut self, before: &Frame, after: &Frame) -> Result<Frame, PipelineError> {
        let before = self.before.convert(before, &self.pool)?;
        let after = self.after.convert(after, &self.pool)?;
        let (first, second) = match self.arrangement.before_first() {
            true => (&before, &after),
            false => (&after, &before),
        };
        let (width, height) = (self.output.width, self.output.height);
        let sizes = self.output.format.plane_sizes(width, height);
        let mut planes = Vec::with_capacity(first.planes.len());
        for ((a, b), size) in first.planes.iter().zip(&second.planes).zip(sizes) {
            let mut buffer = self.pool.buffer(size);
            match self.arrangement.is_beside() {
                true => beside(a, b, buffer.rows_mut()),
                false => stacked(a, b, buffer.rows_mut()),
            }
            planes.push(buffer.into_plane().map_err(PipelineError::System)?);
        }
        Ok(Frame { width, height, planes, ..after })
    }
}

fn beside<'a>(left: &Plane, right: &Plane, rows: impl Iterator<Item = &'a mut [u8]>) {
    for ((a, b), row) in left.rows().zip(right.rows()).zip(rows) {
        row[..a.len()].copy_from_slice(a);
        row[a.len()..a.len() + b.len()].copy_from_slice(b);
    }
}

fn stacked<'a>(above: &Plane, below: &Plane, rows: impl Iterator<Item = &'a mut [u8]>) {
    for (from, row) in above.rows().chain(below.rows()).zip(rows) {
        row[..from.len()].copy_from_slice(from);
    }
}

/// What a job needs to show before and after.
pub(super) struct Compare {
    pub(super) sources: Sources,
    pub(super) side_by_side: SideBySide,
}

impl Compare {
    /// A picture of the output with its source beside it.
    pub(super) fn picture(&mut self, after: &Frame) -> Result<Frame, PipelineError> {
        // Without a source there is no frame; should a plugin be given none, it is its own.
        let Some(before) = self.sources.get(after.index) else {
            return Err(PipelineError::System(format!("no source picture for {after:?}")));
        };
        self.side_by_side.picture(&before, after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Color, PixelFormat, Rational};

    fn stream(format: PixelFormat, width: u32, height: u32) -> StreamInfo {
        let sample_aspect = Rational { num: 1, den: 1 };
        StreamInfo {
            format,
            width,
            height,
            frame_rate: None,
            sample_aspect,
            color: Color::default(),
        }
    }

    fn frame(info: &StreamInfo, index: u64, value: u8) -> Frame {
        let planes = info.format.plane_sizes(info.width, info.height);
        let planes = planes.map(|s| Plane::packed(vec![value; s.bytes()], s).expect("fits"));
        Frame {
            format: info.format,
            width: info.width,
            height: info.height,
            planes: planes.collect(),
            index,
            timestamp: 0,
            duration: None,
            tags: None,
            baggage: None,
        }
    }

    #[test]
    fn before_stands_left_as_it_is_displayed() {
        let info = stream(PixelFormat::Yuv420p, 4, 2);
        let (before, after) = (frame(&info, 0, 10), frame(&info, 0, 200));
        let luma = |rotation| {
            let mut both = SideBySide::new(&info, &info, rotation).expect("made");
            let picture = both.picture(&before, &after).expect("joined");
            assert_eq!(picture.planes.len(), 3);
            (picture.width, picture.height, picture.planes[0].to_packed())
        };
        let row = |a: u8, b: u8| [[a; 4], [b; 4]].concat();
        assert_eq!(luma(0), (8, 2, [row(10, 200), row(10, 200)].concat()));
        assert_eq!(luma(180), (8, 2, [row(200, 10), row(200, 10)].concat()));
        assert_eq!(luma(90), (4, 4, [vec![200; 8], vec![10; 8]].concat()));
        assert_eq!(luma(270), (4, 4, [vec![10; 8], vec![200; 8]].concat()));
    }

    #[test]
    fn sizes_and_formats_may_differ() {
        let (small, large) = (stream(PixelFormat::Gray8, 5, 3), stream(PixelFormat::Yuv420p, 9, 7));
        let mut both = SideBySide::new(&small, &large, 0).expect("made");
        let picture = both.picture(&frame(&small, 0, 10), &frame(&large, 0, 200)).expect("joined");
        assert_eq!((picture.width, picture.height), (20, 7));
        assert_eq!(both.output().format, PixelFormat::Yuv420p);
        assert!(SideBySide::new(&large, &stream(PixelFormat::Gray8, 9000, 8), 0).is_err());
    }

    #[test]
    fn sources_are_found_and_forgotten() {
        let info = stream(PixelFormat::Gray8, 1, 1);
        let sources = Sources::default();
        (0..40).for_each(|i| sources.put(&frame(&info, i, 0)));
        let index = |i| sources.get(i).map(|f| f.index);
        assert_eq!(index(30), Some(30));
        assert_eq!((index(30), index(29)), (Some(30), Some(29)));
        assert_eq!(index(2), Some(14), "the nearest that is left");
        assert_eq!(index(99), Some(39));
    }
}
