//! One plane of a frame: rows of samples in memory of whoever owns it.

use std::fmt;
use std::sync::Arc;

/// The size of one plane, without padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaneSize {
    /// bytes of samples in one row
    pub row_bytes: usize,
    pub rows: usize,
}

impl PlaneSize {
    /// Bytes of the packed plane.
    pub fn bytes(self) -> usize {
        self.row_bytes * self.rows
    }
}

/// Bytes that a plane stands in, wherever they are kept.
pub trait Samples: Send + Sync {
    fn bytes(&self) -> &[u8];
}

impl Samples for Vec<u8> {
    fn bytes(&self) -> &[u8] {
        self
    }
}

/// One plane of a picture: rows from the top, `stride` bytes apart. Cheap to clone; the samples
/// are shared and never change. A part of a plane, and a plane upside down, are planes in the same
/// storage.
#[derive(Clone)]
pub struct Plane {
    storage: Arc<dyn Samples>,
    /// where in the storage the first row begins
    start: usize,
    stride: isize,
    size: PlaneSize,
}

impl Plane {
    /// A plane in `storage`, whose first byte is the first sample.
    ///
    /// # Errors
    /// When the storage is too short or the rows would overlap.
    pub fn new(storage: Arc<dyn Samples>, stride: usize, size: PlaneSize) -> Result<Plane, String> {
        let needed = match size.rows {
            0 => 0,
            rows => stride
                .checked_mul(rows - 1)
                .and_then(|n| n.checked_add(size.row_bytes))
                .ok_or("a plane's size overflows")?,
        };
        let signed = isize::try_from(stride).map_err(|_| "a plane's size overflows")?;
        if stride < size.row_bytes || storage.bytes().len() < needed {
            return Err(format!(
                "a plane of {} rows, {} bytes apart, does not fit {} bytes",
                size.rows,
                stride,
                storage.bytes().len()
            ));
        }
        Ok(Plane { storage, start: 0, stride: signed, size })
    }

    /// A packed plane of exactly `size.bytes()` bytes.
    pub fn packed(bytes: Vec<u8>, size: PlaneSize) -> Result<Plane, String> {
        Plane::new(Arc::new(bytes), size.row_bytes, size)
    }

    /// `size` of it, from byte `left` of row `top` on. Nothing is copied.
    ///
    /// # Errors
    /// Where the plane is smaller.
    pub fn part(&self, left: usize, top: usize, size: PlaneSize) -> Result<Plane, String> {
        let within = |from: usize, count: usize, all: usize| {
            from.checked_add(count).is_some_and(|end| count > 0 && end <= all)
        };
        if !within(left, size.row_bytes, self.size.row_bytes)
            || !within(top, size.rows, self.size.rows)
        {
            return Err(format!(
                "{} rows of {} bytes from byte {left} of row {top} are not within {} rows of {}",
                size.rows, size.row_bytes, self.size.rows, self.size.row_bytes
            ));
        }
        Ok(Plane { storage: Arc::clone(&self.storage), start: self.at(top) + left, size, ..*self })
    }

    /// The last row first. Nothing is copied.
    #[must_use]
    pub fn upside_down(&self) -> Plane {
        let start = self.at(self.size.rows.saturating_sub(1));
        Plane { storage: Arc::clone(&self.storage), start, stride: -self.stride, size: self.size }
    }

    /// The same rows, each behind the one above it in memory; copied where they lie otherwise.
    #[must_use]
    pub fn upright(&self) -> Plane {
        if self.stride > 0 || self.size.rows <= 1 {
            return Plane { stride: self.stride.abs(), ..self.clone() };
        }
        let stride = self.size.row_bytes as isize;
        Plane { storage: Arc::new(self.to_packed()), start: 0, stride, size: self.size }
    }

    pub fn size(&self) -> PlaneSize {
        self.size
    }

    /// Bytes from one row's start to the next one's; below 0 where the plane is upside down.
    pub fn stride(&self) -> isize {
        self.stride
    }

    /// What the plane stands in.
    pub fn storage(&self) -> &Arc<dyn Samples> {
        &self.storage
    }

    /// Where in its storage row `y` begins.
    pub fn at(&self, y: usize) -> usize {
        self.start.wrapping_add_signed((y as isize).wrapping_mul(self.stride))
    }

    /// One behind the last byte of its storage that it takes.
    pub fn end(&self) -> usize {
        self.start.max(self.at(self.size.rows.saturating_sub(1))) + self.size.row_bytes
    }

    pub fn row(&self, y: usize) -> &[u8] {
        let start = self.at(y);
        &self.storage.bytes()[start..start + self.size.row_bytes]
    }

    pub fn rows(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.size.rows).map(|y| self.row(y))
    }

    /// The samples without padding, where they already lie so.
    pub fn as_packed(&self) -> Option<&[u8]> {
        (self.stride == self.size.row_bytes as isize || self.size.rows <= 1)
            .then(|| &self.storage.bytes()[self.start..self.start + self.size.bytes()])
    }

    /// A packed copy.
    pub fn to_packed(&self) -> Vec<u8> {
        if let Some(bytes) = self.as_packed() {
            return bytes.to_vec();
        }
        let mut out = Vec::with_capacity(self.size.bytes());
        for row in self.rows() {
            out.extend_from_slice(row);
        }
        out
    }
}

impl fmt::Debug for Plane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plane").field("size", &self.size).field("stride", &self.stride).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padded_planes_pack() {
        let size = PlaneSize { row_bytes: 2, rows: 2 };
        let plane = Plane::new(Arc::new(vec![1u8, 2, 0, 3, 4]), 3, size).expect("fits");
        assert_eq!(plane.as_packed(), None);
        assert_eq!(plane.to_packed(), [1, 2, 3, 4]);
        assert!(Plane::new(Arc::new(vec![0u8; 4]), 3, size).is_err());
        assert!(Plane::new(Arc::new(vec![0u8; 4]), 1, size).is_err());
    }

    #[test]
    fn parts_and_planes_upside_down_copy_nothing() {
        let size = PlaneSize { row_bytes: 3, rows: 3 };
        let plane = Plane::new(Arc::new((0u8..12).collect::<Vec<_>>()), 4, size).expect("fits");
        let turned = plane.upside_down();
        assert_eq!(turned.to_packed(), [8, 9, 10, 4, 5, 6, 0, 1, 2]);
        let part = turned.part(1, 1, PlaneSize { row_bytes: 2, rows: 2 }).expect("within");
        assert_eq!(part.to_packed(), [5, 6, 1, 2]);
        assert_eq!((part.stride(), part.end()), (-4, 7));
        assert!(Arc::ptr_eq(part.storage(), plane.storage()));
        assert_eq!(part.upside_down().to_packed(), [1, 2, 5, 6]);
        assert_eq!(part.upright().as_packed(), Some(&[5, 6, 1, 2][..]));
        let row = turned.part(0, 2, PlaneSize { row_bytes: 3, rows: 1 }).expect("within");
        assert_eq!(row.as_packed(), Some(&[0, 1, 2][..]));
        for (left, top, row_bytes, rows) in [(0, 0, 4, 1), (1, 0, 3, 1), (0, 3, 1, 1), (0, 1, 1, 3)]
        {
            assert!(plane.part(left, top, PlaneSize { row_bytes, rows }).is_err());
        }
        assert!(plane.part(usize::MAX, 0, PlaneSize { row_bytes: 1, rows: 1 }).is_err());
    }
}
