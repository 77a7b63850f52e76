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
    /// the picture that this is, or was cloned from; none for one that the plugin made
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
        check_number(info.timestamp.unsigned_abs(), "timestamp")?;
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

    pub(super) fn duplicate(&mut self, make: &Make) -> Result<HeldFrame, Misuse> {
        for slot in 0..self.planes.len() {
            if self.drafts[slot].is_some() {
                self.plane(slot as u32, make)?;
            }
        }
        Ok(HeldFrame {
            facts: self.facts.clone(),
            planes: self.planes.clone(),
            drafts: Default::default(),
            source: self.source.clone(),
        })
    }
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

    /// A gray picture of 3 x 4 whose rows are 0, 1, 2, 3; `padded` has rows four bytes apart.
    fn picture(padded: bool) -> HeldFrame {
        let info = FrameInfo {
            width: 3,
            height: 4,
            format: "gray8".to_owned(),
            index: 0,
            timestamp: 0,
            duration: None,
        };
        let mut held = HeldFrame::new(info).expect("sound");
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
