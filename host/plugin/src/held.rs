//! A picture of which a plugin has a handle: whole planes, planes that nobody has looked at yet,
//! and planes that are being set row by row.

use std::ops::Range;
use std::sync::Arc;

use super::bindings::frames::FrameInfo;
use super::guest::Misuse;
use filmgate_core::frame::{
    Frame, PixelFormat, Plane, PlaneBuffer, PlanePool, PlaneSize, check_size,
};

/// 64-bit numbers stay below this in magnitude (`wit/types.wit`).
const WHOLE: u64 = 1 << 53;

/// A picture of which a plugin has a handle. The planes of a picture that the plugin made stay
/// unmade until somebody looks at them.
#[allow(unreachable_pub, reason = "bindgen re-exports it within this crate")]
pub struct HeldFrame {
    /// everything but the planes
    pub(super) facts: Frame,
    planes: Vec<Option<Plane>>,
    /// planes that are being set row by row; they take the place of those above when somebody
    /// looks at them as a whole
    drafts: [Option<Draft>; 3],
    /// the picture that this stands for; none for one that the plugin made like no other
    source: Option<Arc<Source>>,
}

/// A picture as the host handed it in, whatever the plugin has done to it since.
pub(super) struct Source {
    /// how many were handed to this instance before it
    pub(super) turn: u64,
    pub(super) frame: Frame,
}

impl HeldFrame {
    pub(super) fn input(frame: Frame, turn: u64) -> HeldFrame {
        let source = Some(Arc::new(Source { turn, frame: frame.clone() }));
        let mut facts = frame;
        let planes = std::mem::take(&mut facts.planes).into_iter().map(Some).collect();
        HeldFrame { facts, planes, drafts: Default::default(), source }
    }

    /// A picture that the plugin makes.
    pub(super) fn new(info: FrameInfo) -> Result<HeldFrame, Misuse> {
        let format = PixelFormat::from_name(&info.format).ok_or_else(|| {
            Misuse(format!("asked for a frame of format `{}`", short(&info.format)))
        })?;
        check_size(info.width, info.height).map_err(|e| Misuse(format!("asked for {e}")))?;
        check_number(info.index, "number")?;
        check_timestamp(info.timestamp)?;
        check_duration(info.duration)?;
        let facts = Frame {
            format,
            width: info.width,
            height: info.height,
            planes: Vec::new(),
            index: info.index,
            timestamp: info.timestamp,
            duration: info.duration,
            tags: None,
            baggage: None,
        };
        let (planes, drafts) = (vec![None; format.plane_count()], Default::default());
        Ok(HeldFrame { facts, planes, drafts, source: None })
    }

    /// A picture that the plugin makes and that stands for another one.
    pub(super) fn like(&self, info: FrameInfo) -> Result<HeldFrame, Misuse> {
        let mut made = HeldFrame::new(info)?;
        made.facts.tags.clone_from(&self.facts.tags);
        made.facts.baggage.clone_from(&self.facts.baggage);
        made.source.clone_from(&self.source);
        Ok(made)
    }

    pub(super) fn source(&self) -> Option<&Arc<Source>> {
        self.source.as_ref()
    }

    pub(super) fn facts(&self) -> &Frame {
        &self.facts
    }

    /// Bytes that it takes at most, tags included. Clones that share planes count in full, and
    /// so does a plane beside the one that it replaces.
    pub(super) fn bytes(&self) -> usize {
        let tags = self.facts.tags.iter().flat_map(|t| t.iter()).map(|(k, v)| k.len() + v.len());
        let planes = self.facts.format.frame_bytes(self.facts.width, self.facts.height);
        let drafts = self.drafts.iter().flatten().map(|d| d.buffer.size().bytes());
        planes + self.replaced() + drafts.sum::<usize>() + tags.sum::<usize>()
    }

    /// Bytes of planes of the source that are kept although the plugin has set others.
    fn replaced(&self) -> usize {
        let Some(source) = &self.source else { return 0 };
        let same = |a: &Plane, b: &Option<Plane>| {
            b.as_ref().is_some_and(|b| Arc::ptr_eq(a.storage(), b.storage()))
        };
        let pairs = source.frame.planes.iter().zip(&self.planes);
        pairs.filter(|(a, b)| !same(a, b)).map(|(a, _)| a.size().bytes()).sum()
    }

    /// A whole plane as it is now.
    pub(super) fn plane(&mut self, index: u32, make: &Make) -> Result<Plane, Misuse> {
        let (slot, size) = self.slot(index)?;
        if let Some(mut draft) = self.drafts[slot].take() {
            let before = self.before(slot, size, draft.done < size.rows, make)?;
            draft.keep(size.rows, before.as_ref());
            self.planes[slot] = Some(draft.buffer.into_plane().map_err(Misuse)?);
        }
        self.before(slot, size, true, make)?.ok_or_else(|| Misuse("lost a plane".to_owned()))
    }

    /// Rows `first` .. `first + count` of a plane as they are now: a plane, and the bytes of it
    /// that are meant where it is packed.
    pub(super) fn rows(
        &mut self,
        index: u32,
        first: u32,
        count: u32,
        make: &Make,
    ) -> Result<(Plane, Range<usize>), Misuse> {
        let (slot, size) = self.slot(index)?;
        let rows = check_rows(index, first, count as usize, size)?;
        let untouched = self.drafts[slot].as_ref().is_none_or(|d| rows.start >= d.done);
        let plane = if untouched {
            self.before(slot, size, true, make)?
        } else {
            Some(self.plane(index, make)?)
        };
        Ok((plane.ok_or_else(|| Misuse("lost a plane".to_owned()))?, rows))
    }

    /// Puts a whole plane into the place of another.
    pub(super) fn set_plane(&mut self, index: u32, plane: Plane) -> Result<(), Misuse> {
        let (slot, _) = self.slot(index)?;
        self.drafts[slot] = None;
        self.planes[slot] = Some(plane);
        Ok(())
    }

    /// Takes out the plane that is being set, for `bytes` bytes of it from row `first` on; those
    /// above it that were not set are as before. [`HeldFrame::put_draft`] takes it back.
    pub(super) fn take_draft(
        &mut self,
        index: u32,
        first: u32,
        bytes: usize,
        make: &Make,
    ) -> Result<(Draft, Range<usize>), Misuse> {
        let (slot, size) = self.slot(index)?;
        if bytes == 0 || !bytes.is_multiple_of(size.row_bytes) {
            let row = size.row_bytes;
            return Err(Misuse(format!(
                "gave {bytes} bytes for rows of plane {index}, which have {row} each"
            )));
        }
        let rows = check_rows(index, first, bytes / size.row_bytes, size)?;
        let mut draft = match self.drafts[slot].take() {
            Some(draft) => draft,
            None => Draft { buffer: make.pool.packed_buffer(size), done: 0 },
        };
        let before = self.before(slot, size, draft.done < rows.start, make)?;
        draft.keep(rows.start, before.as_ref());
        draft.done = draft.done.max(rows.end);
        Ok((draft, rows.start * size.row_bytes..rows.end * size.row_bytes))
    }

    pub(super) fn put_draft(&mut self, index: u32, draft: Draft) -> Result<(), Misuse> {
        let (slot, _) = self.slot(index)?;
        self.drafts[slot] = Some(draft);
        Ok(())
    }

    /// The plane as it was before it was set row by row; made black, where `needed`, if nobody
    /// ever set it.
    fn before(
        &mut self,
        slot: usize,
        size: PlaneSize,
        needed: bool,
        make: &Make,
    ) -> Result<Option<Plane>, Misuse> {
        if self.planes[slot].is_none() && needed {
            let black = black(self.facts.format, slot, make.full_range);
            self.planes[slot] = Some(make.pool.filled(black, size).map_err(Misuse)?);
        }
        Ok(self.planes[slot].clone())
    }

    pub(super) fn slot(&self, index: u32) -> Result<(usize, PlaneSize), Misuse> {
        let f = &self.facts;
        let slot = index as usize;
        match f.format.plane_size(slot, f.width, f.height) {
            Some(size) => Ok((slot, size)),
            None => Err(Misuse(format!(
                "asked for plane {index} of a {} frame, which has {}",
                f.format,
                f.format.plane_count()
            ))),
        }
    }

    /// The whole picture, with planes that nobody ever set made black.
    pub(super) fn into_frame(mut self, make: &Make) -> Result<Frame, Misuse> {
        for slot in 0..self.planes.len() as u32 {
            self.plane(slot, make)?;
        }
        self.facts.planes = self.planes.into_iter().flatten().collect();
        Ok(self.facts)
    }

    /// Keeps `width` x `height` of it from column `left` and row `top` on.
    pub(super) fn crop(
        &mut self,
        (left, top): (u32, u32),
        (width, height): (u32, u32),
        make: &Make,
    ) -> Result<(), Misuse> {
        let (format, across, down) = (self.facts.format, self.facts.width, self.facts.height);
        let within = |from: u32, count: u32, all: u32| {
            count > 0 && from.checked_add(count).is_some_and(|end| end <= all)
        };
        let shift = format.chroma_shift();
        let begins = left.is_multiple_of(1 << shift.0) && top.is_multiple_of(1 << shift.1);
        if !within(left, width, across) || !within(top, height, down) || !begins {
            return Err(Misuse(format!(
                "asked for {width}x{height} from column {left} and row {top} of a {format} frame \
                 of {across}x{down}"
            )));
        }
        self.settle(make)?;
        for (slot, size) in format.plane_sizes(width, height).enumerate() {
            let (x, y) = if slot == 0 { (0, 0) } else { shift };
            let pixel = pixel_bytes(format, slot);
            let (left, top) = ((left >> x) as usize * pixel, (top >> y) as usize);
            let plane = self.planes[slot].as_ref().map(|plane| plane.part(left, top, size));
            self.planes[slot] = plane.transpose().map_err(Misuse)?;
        }
        (self.facts.width, self.facts.height) = (width, height);
        Ok(())
    }

    /// Mirrors it, left and right, top and bottom, or both.
    pub(super) fn flip(
        &mut self,
        horizontal: bool,
        vertical: bool,
        make: &Make,
    ) -> Result<(), Misuse> {
        self.settle(make)?;
        let format = self.facts.format;
        for (slot, plane) in self.planes.iter_mut().enumerate() {
            let Some(plane) = plane else { continue };
            if vertical {
                *plane = plane.upside_down();
            }
            if horizontal {
                let pixel = pixel_bytes(format, slot);
                *plane = mirrored(plane, pixel, &make.pool).map_err(Misuse)?;
            }
        }
        Ok(())
    }

    /// Has no plane half set any more.
    fn settle(&mut self, make: &Make) -> Result<(), Misuse> {
        for slot in 0..self.planes.len() {
            if self.drafts[slot].is_some() {
                self.plane(slot as u32, make)?;
            }
        }
        Ok(())
    }

    pub(super) fn duplicate(&mut self, make: &Make) -> Result<HeldFrame, Misuse> {
        self.settle(make)?;
        Ok(HeldFrame {
            facts: self.facts.clone(),
            planes: self.planes.clone(),
            drafts: Default::default(),
            source: self.source.clone(),
        })
    }
}

/// Bytes from one sample of a plane to the next one of its kind.
fn pixel_bytes(format: PixelFormat, plane: usize) -> usize {
    format.plane_size(plane, 1, 1).map_or(1, |size| size.row_bytes)
}

/// The plane with each row's last pixel first.
fn mirrored(plane: &Plane, pixel: usize, pool: &PlanePool) -> Result<Plane, String> {
    fn reverse<const PIXEL: usize>(to: &mut [u8], from: &[u8]) {
        for (to, from) in to.chunks_exact_mut(PIXEL).zip(from.chunks_exact(PIXEL).rev()) {
            to.copy_from_slice(from);
        }
    }
    let reverse = match pixel {
        1 => reverse::<1>,
        2 => reverse::<2>,
        3 => reverse::<3>,
        4 => reverse::<4>,
        _ => reverse::<6>,
    };
    let size = plane.size();
    let mut buffer = pool.packed_buffer(size);
    for (to, from) in buffer.rows_mut().zip(plane.rows()) {
        reverse(&mut to[..size.row_bytes], from);
    }
    buffer.into_plane()
}

/// What new planes are made from and with.
pub(super) struct Make {
    pub(super) pool: PlanePool,
    /// whether black luma is 0 rather than 16
    pub(super) full_range: bool,
}

/// A plane that is being set row by row.
pub(super) struct Draft {
    buffer: PlaneBuffer,
    /// rows from the top that it holds already
    done: usize,
}

impl Draft {
    /// The samples, packed.
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        self.buffer.bytes_mut()
    }

    /// Has the rows above `end` that were not set as they were before.
    fn keep(&mut self, end: usize, before: Option<&Plane>) {
        let Some(before) = before.filter(|_| self.done < end) else { return };
        if let Some(packed) = before.as_packed() {
            let row_bytes = self.buffer.size().row_bytes;
            let bytes = self.done * row_bytes..end * row_bytes;
            self.buffer.bytes_mut()[bytes.clone()].copy_from_slice(&packed[bytes]);
        } else {
            let rows = before.rows().skip(self.done);
            for (to, from) in self.buffer.rows_mut().take(end).skip(self.done).zip(rows) {
                to.copy_from_slice(from);
            }
        }
        self.done = end;
    }
}

/// Rows `first` .. `first + count`, if the plane has them.
fn check_rows(
    index: u32,
    first: u32,
    count: usize,
    size: PlaneSize,
) -> Result<Range<usize>, Misuse> {
    let first = first as usize;
    match first.checked_add(count) {
        Some(end) if count > 0 && end <= size.rows => Ok(first..end),
        _ => Err(Misuse(format!(
            "asked for {count} rows from row {first} of plane {index}, which has {}",
            size.rows
        ))),
    }
}

/// One black, opaque sample of a plane (ITU-R BT.601 and BT.709: 16 of 255 in limited range).
fn black(format: PixelFormat, plane: usize, full_range: bool) -> &'static [u8] {
    match (format, plane, full_range) {
        (PixelFormat::Rgba, ..) => &[0, 0, 0, 255],
        (f, 0, false) if f.is_yuv() && f.bits() == 8 => &[16],
        (f, 0, false) if f.is_yuv() => &[64, 0],
        (f, 1.., _) if f.is_yuv() && f.bits() == 8 => &[128],
        (f, 1.., _) if f.is_yuv() => &[0, 2],
        _ => &[0],
    }
}

fn short(text: &str) -> String {
    super::log::harmless(text, 64)
}

/// Media code that comes later computes with these numbers, and languages with doubles read them.
pub(super) fn check_number(magnitude: u64, what: &str) -> Result<(), Misuse> {
    if magnitude < WHOLE {
        Ok(())
    } else {
        Err(Misuse(format!("gave a frame a {what} of 2^53 or more")))
    }
}

/// Beyond 2^53, which a live stream reaches after 104 days; but no difference of two leaves 64 bits.
pub(super) fn check_timestamp(timestamp: i64) -> Result<(), Misuse> {
    if timestamp.unsigned_abs() < 1 << 62 {
        return Ok(());
    }
    Err(Misuse("gave a frame a timestamp of 2^62 ns (146 years) or more".to_owned()))
}

pub(super) fn check_duration(duration: Option<i64>) -> Result<(), Misuse> {
    check_number(duration.unwrap_or(0).unsigned_abs(), "duration")?;
    match duration {
        Some(d) if d <= 0 => Err(Misuse(format!("gave a frame the duration {d} ns"))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info() -> FrameInfo {
        FrameInfo {
            width: 3,
            height: 4,
            format: "gray8".to_owned(),
            index: 0,
            timestamp: 0,
            duration: None,
        }
    }

    /// A gray picture of 3 x 4 whose rows are 0, 1, 2, 3; `padded` has rows four bytes apart.
    fn picture(padded: bool) -> HeldFrame {
        let mut held = HeldFrame::new(info()).expect("sound");
        let size = held.slot(0).expect("a plane").1;
        let stride = if padded { 4 } else { 3 };
        let samples: Vec<u8> = (0..4).flat_map(|y| vec![y; stride]).collect();
        let plane = Plane::new(Arc::new(samples), stride, size).expect("fits");
        held.set_plane(0, plane).expect("a plane");
        held
    }

    fn make() -> Make {
        Make { pool: PlanePool::new(), full_range: false }
    }

    fn set(held: &mut HeldFrame, first: u32, samples: &[u8]) -> Result<(), Misuse> {
        let (mut draft, bytes) = held.take_draft(0, first, samples.len(), &make())?;
        draft.bytes_mut()[bytes].copy_from_slice(samples);
        held.put_draft(0, draft)
    }

    fn get(held: &mut HeldFrame, first: u32, count: u32) -> Vec<u8> {
        let (plane, rows) = held.rows(0, first, count, &make()).expect("within the plane");
        rows.flat_map(|y| plane.row(y).to_vec()).collect()
    }

    #[test]
    fn rows_that_are_not_set_stay() {
        for padded in [false, true] {
            let mut held = picture(padded);
            set(&mut held, 2, &[9; 3]).expect("a row");
            assert_eq!(get(&mut held, 3, 1), [3; 3], "below what was set, as before");
            assert_eq!(get(&mut held, 0, 4), [0, 0, 0, 1, 1, 1, 9, 9, 9, 3, 3, 3]);
            set(&mut held, 0, &[7; 3]).expect("a row");
            let whole = held.plane(0, &make()).expect("a plane").to_packed();
            assert_eq!(whole, [7, 7, 7, 1, 1, 1, 9, 9, 9, 3, 3, 3]);
        }
    }

    #[test]
    fn rows_of_what_nobody_set_are_black() {
        let mut held = picture(false);
        held.planes[0] = None;
        set(&mut held, 1, &[5; 6]).expect("two rows");
        let whole = held.plane(0, &make()).expect("a plane").to_packed();
        assert_eq!(whole, [0, 0, 0, 5, 5, 5, 5, 5, 5, 0, 0, 0]);
    }

    #[test]
    fn a_clone_has_what_was_set_and_keeps_it() {
        let mut held = picture(false);
        set(&mut held, 0, &[8; 3]).expect("a row");
        let mut twin = held.duplicate(&make()).expect("a clone");
        set(&mut held, 0, &[4; 3]).expect("a row");
        assert_eq!(get(&mut twin, 0, 2), [8, 8, 8, 1, 1, 1]);
        assert_eq!(get(&mut held, 0, 2), [4, 4, 4, 1, 1, 1]);
    }

    #[test]
    fn a_whole_plane_takes_the_place_of_rows() {
        let mut held = picture(false);
        set(&mut held, 0, &[8; 3]).expect("a row");
        let other = picture(false).plane(0, &make()).expect("a plane");
        held.set_plane(0, other).expect("a plane");
        assert_eq!(get(&mut held, 0, 1), [0; 3]);
    }

    #[test]
    fn views_show_what_was_set() {
        for padded in [false, true] {
            let mut held = picture(padded);
            set(&mut held, 0, &[7, 8, 9]).expect("a row");
            held.flip(true, true, &make()).expect("turned");
            assert_eq!(get(&mut held, 0, 4), [3, 3, 3, 2, 2, 2, 1, 1, 1, 9, 8, 7]);
            held.crop((1, 2), (2, 2), &make()).expect("within the picture");
            assert_eq!((held.facts.width, held.facts.height), (2, 2));
            assert_eq!(get(&mut held, 0, 2), [1, 1, 8, 7]);
            set(&mut held, 1, &[5, 5]).expect("a row");
            assert_eq!(get(&mut held, 0, 2), [1, 1, 5, 5]);
        }
    }

    #[test]
    fn rectangles_lie_within_the_picture_and_begin_with_chroma() {
        let mut held = picture(false);
        for (place, size) in [
            ((0, 0), (0, 1)),
            ((0, 0), (4, 1)),
            ((3, 0), (1, 1)),
            ((u32::MAX, 0), (2, 1)),
            ((0, 1), (3, 4)),
        ] {
            assert!(held.crop(place, size, &make()).is_err(), "{place:?} {size:?}");
        }
        let format = "yuv420p".to_owned();
        let info = FrameInfo { format, width: 5, height: 5, ..info() };
        let mut held = HeldFrame::new(info).expect("sound");
        assert!(held.crop((1, 0), (2, 2), &make()).is_err());
        assert!(held.crop((0, 1), (2, 2), &make()).is_err());
        held.crop((2, 2), (3, 1), &make()).expect("begins with chroma");
        assert_eq!(held.plane(1, &make()).expect("a plane").to_packed(), [128, 128]);
    }

    #[test]
    fn pixels_of_a_mirrored_plane_stay_whole() {
        for pixel in [1, 2, 3, 4, 6] {
            let size = PlaneSize { row_bytes: 5 * pixel, rows: 1 };
            let samples: Vec<u8> = (0..size.row_bytes as u8).collect();
            let expected: Vec<u8> = samples.chunks(pixel).rev().flatten().copied().collect();
            let plane = Plane::packed(samples, size).expect("fits");
            let mirrored = mirrored(&plane, pixel, &PlanePool::new()).expect("made");
            assert_eq!(mirrored.to_packed(), expected);
        }
    }

    #[test]
    fn what_is_made_like_another_has_its_tags_and_stands_for_it() {
        let mut tags = filmgate_core::frame::Tags::new();
        tags.insert("a".to_owned(), "b".to_owned());
        let frame = Frame {
            tags: Some(Box::new(tags)),
            ..picture(false).into_frame(&make()).expect("whole")
        };
        let held = HeldFrame::input(frame, 7);
        let made = held.like(FrameInfo { width: 9, ..info() }).expect("sound");
        assert_eq!(made.facts.tags, held.facts.tags);
        assert_eq!((made.facts.width, made.source.map(|s| s.turn)), (9, Some(7)));
    }

    #[test]
    fn rows_outside_of_the_plane_are_refused() {
        let mut held = picture(false);
        for (first, count) in [(0, 0), (0, 5), (4, 1), (u32::MAX, 1), (1, u32::MAX)] {
            assert!(held.rows(0, first, count, &make()).is_err(), "{count} from {first}");
        }
        assert!(held.rows(1, 0, 1, &make()).is_err());
        for (first, bytes) in [(0, 0), (0, 2), (0, 4), (3, 6), (4, 3), (u32::MAX, 3)] {
            assert!(held.take_draft(0, first, bytes, &make()).is_err(), "{bytes} from {first}");
        }
        assert!(held.take_draft(1, 0, 3, &make()).is_err());
    }

    #[test]
    fn rows_that_are_being_set_count() {
        let mut held = picture(false);
        let before = held.bytes();
        set(&mut held, 0, &[8; 3]).expect("a row");
        assert_eq!(held.bytes(), before + 12);
    }
}
