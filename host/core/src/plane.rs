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
/// are shared and never change.
#[derive(Clone)]
pub struct Plane {
    storage: Arc<dyn Samples>,
    stride: usize,
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
        if stride < size.row_bytes || storage.bytes().len() < needed {
            return Err(format!(
                "a plane of {} rows, {} bytes apart, does not fit {} bytes",
                size.rows,
                stride,
                storage.bytes().len()
            ));
        }
        Ok(Plane { storage, stride, size })
    }

    /// A packed plane of exactly `size.bytes()` bytes.
    pub fn packed(bytes: Vec<u8>, size: PlaneSize) -> Result<Plane, String> {
        Plane::new(Arc::new(bytes), size.row_bytes, size)
    }

    pub fn size(&self) -> PlaneSize {
        self.size
    }

    /// Bytes from one row's start to the next one's.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// What the plane stands in; at least `stride * (rows - 1) + row_bytes` bytes.
    pub fn storage(&self) -> &Arc<dyn Samples> {
        &self.storage
    }

    pub fn row(&self, y: usize) -> &[u8] {
        let start = y * self.stride;
        &self.storage.bytes()[start..start + self.size.row_bytes]
    }

    pub fn rows(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.size.rows).map(|y| self.row(y))
    }

    /// The samples without padding, where they already lie so.
    pub fn as_packed(&self) -> Option<&[u8]> {
        (self.stride == self.size.row_bytes || self.size.rows <= 1)
            .then(|| &self.storage.bytes()[..self.size.bytes()])
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
}
