//! Before and after in one picture: each picture of the output beside the picture of the input
//! that it came of, which stands left.
//!
//! The two find each other by the number of the source picture. A picture that a plugin drops is
//! not shown: the one before it stands longer, with its own source beside it. Where plugins change
//! the size, the picture before is scaled to the size of the one after.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::error::PipelineError;
use filmgate_av::Converter;
use filmgate_core::frame::{Frame, Plane, PlanePool, StreamInfo, check_size};

/// How far back plugins may look without holding a frame, and still find its source: a plugin that
/// copies samples and makes a frame of them later.
const LOOK_BACK: u64 = 32;

/// The source pictures that are on their way, by number.
///
/// Each is kept for as long as its frame, or one made of it, is anywhere in the pipeline, and for
/// some frames longer. A plugin may drop any number of frames without an output that would tell
/// which are still wanted (`dedupe` on a still picture), so outputs alone cannot say when to forget.
#[derive(Clone)]
pub(crate) struct Sources {
    all: Arc<Mutex<BTreeMap<u64, Kept>>>,
    behind: u64,
}

struct Kept {
    frame: Frame,
    /// the baggage of the frame in the pipeline, which all that is made of it share
    on_its_way: Weak<dyn Any + Send + Sync>,
}

impl Sources {
    /// For a pipeline in which so many frames may wait in queues and workers.
    pub(crate) fn new(waiting: usize) -> Sources {
        let behind = LOOK_BACK.saturating_add(u64::try_from(waiting).unwrap_or(u64::MAX));
        Sources { all: Arc::default(), behind }
    }

    /// Keeps a frame that is about to go on its way.
    pub(crate) fn put(&self, frame: &mut Frame) {
        let baggage = frame.baggage.get_or_insert_with(|| Arc::new(()));
        let on_its_way = Arc::downgrade(baggage);
        let kept = Kept { frame: Frame { baggage: None, ..frame.clone() }, on_its_way };
        let mut all = self.lock();
        all.insert(frame.index, kept);
        let oldest = frame.index.saturating_sub(self.behind);
        all.retain(|index, kept| *index >= oldest || kept.on_its_way.strong_count() > 0);
    }

    /// The source picture of this number, or the nearest one before it.
    fn get(&self, index: u64) -> Option<Frame> {
        let all = self.lock();
        let before = all.range(..=index).next_back();
        before.or_else(|| all.first_key_value()).map(|(_, kept)| kept.frame.clone())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Kept>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
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
        if arrangement.is_beside() {
            width = width.next_multiple_of(1 << sx)
        } else {
            height = height.next_multiple_of(1 << sy)
        }
        let convert = |from| Converter::new(from, after.format, width, height);
        let (before, after_converter) = (convert(before)?, convert(after)?);
        if arrangement.is_beside() {
            width *= 2
        } else {
            height *= 2
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
        let (first, second) =
            if self.arrangement.before_first() { (&before, &after) } else { (&after, &before) };
        let (width, height) = (self.output.width, self.output.height);
        let sizes = self.output.format.plane_sizes(width, height);
        let mut planes = Vec::with_capacity(first.planes.len());
        for ((a, b), size) in first.planes.iter().zip(&second.planes).zip(sizes) {
            let mut buffer = self.pool.buffer(size);
            if self.arrangement.is_beside() {
                beside(a, b, buffer.rows_mut())
            } else {
                stacked(a, b, buffer.rows_mut())
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
pub(crate) struct Compare {
    pub(crate) sources: Sources,
    pub(crate) side_by_side: SideBySide,
}

impl Compare {
    /// A picture of the output with its source beside it.
    pub(crate) fn picture(&mut self, after: &Frame) -> Result<Frame, PipelineError> {
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
    use filmgate_core::frame::{Color, PixelFormat, Rational};

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
        let sources = Sources::new(8);
        let pictures = |range: std::ops::Range<u64>| -> Vec<Frame> {
            let put = |i| {
                let mut picture = frame(&info, i, 0);
                sources.put(&mut picture);
                picture
            };
            range.map(put).collect()
        };
        let index = |i| sources.get(i).map(|f| f.index);
        // Held anywhere, they are kept, however many there are.
        let held = pictures(0..100);
        let count = || sources.lock().len();
        assert_eq!((count(), index(30), index(29)), (100, Some(30), Some(29)));
        // A frame that a plugin made of another one keeps its source, too.
        let made = Frame { index: 7, ..held[7].clone() };
        drop(held);
        let last = pictures(100..101);
        assert_eq!((index(7), index(6)), (Some(7), Some(7)), "the nearest that is left");
        assert_eq!((index(60), index(59), index(999)), (Some(60), Some(7), Some(100)));
        drop((made, last));
        // Dropped on the way without any output, a fixed number stays.
        for i in 101..10_000 {
            drop(pictures(i..i + 1));
            assert!(count() <= 41, "{i}");
        }
    }
}
