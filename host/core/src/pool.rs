//! Buffers for planes, kept for reuse. Nothing here knows what a picture is for.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::plane::{Plane, PlaneSize, Samples};

/// Buffers for planes, kept for reuse: a video at full speed would otherwise ask the system for
/// fresh, zeroed pages for every plane.
#[derive(Clone, Default)]
pub struct PlanePool {
    free: Arc<Mutex<Vec<Vec<u8>>>>,
}

/// How many bytes of free buffers a pool keeps at most: some twenty planes of 1080p.
const POOL_BYTES: usize = 48 << 20;

/// Readable bytes behind a pooled plane's samples: libav's encoders may load whole vectors past
/// the last one (`AV_INPUT_BUFFER_PADDING_SIZE`).
const TAIL: usize = 64;

/// Pooled samples start at a multiple of this many bytes, for the SIMD loads of encoders and
/// scalers.
const ALIGN: usize = 64;

impl PlanePool {
    pub fn new() -> PlanePool {
        PlanePool::default()
    }

    /// A packed plane with a copy of `samples`.
    ///
    /// # Errors
    /// When `samples` is not `size.bytes()` long.
    pub fn copy(&self, samples: &[u8], size: PlaneSize) -> Result<Plane, String> {
        if samples.len() != size.bytes() {
            return Err(format!("{} bytes for a plane of {}", samples.len(), size.bytes()));
        }
        self.fill(size, |buffer| buffer.extend_from_slice(samples))
    }

    /// A packed plane in which `sample` (1, 2 or 4 bytes) is repeated.
    pub fn filled(&self, sample: &[u8], size: PlaneSize) -> Result<Plane, String> {
        self.fill(size, |buffer| match sample {
            [value] => buffer.resize(buffer.len() + size.bytes(), *value),
            _ => buffer.extend(sample.iter().cycle().take(size.bytes())),
        })
    }

    /// A packed plane that `write` appends to the buffer it is given.
    fn fill(&self, size: PlaneSize, write: impl FnOnce(&mut Vec<u8>)) -> Result<Plane, String> {
        let capacity = size.bytes() + ALIGN + TAIL;
        let mut buffer = self.take(capacity);
        buffer.clear();
        let offset = buffer.as_ptr().align_offset(ALIGN).min(ALIGN);
        buffer.resize(offset, 0);
        write(&mut buffer);
        buffer.resize(offset + size.bytes() + TAIL, 0);
        let storage = Pooled { buffer, offset, home: Arc::downgrade(&self.free) };
        Plane::new(Arc::new(storage), size.row_bytes, size)
    }

    /// A plane to be written, of rows that all start at multiples of 64 bytes. It holds whatever
    /// its buffer held before: all of it must be written.
    pub fn buffer(&self, size: PlaneSize) -> PlaneBuffer {
        self.buffer_of(size.row_bytes.next_multiple_of(ALIGN).max(ALIGN), size)
    }

    /// As [`PlanePool::buffer`], with rows that follow each other without padding.
    pub fn packed_buffer(&self, size: PlaneSize) -> PlaneBuffer {
        self.buffer_of(size.row_bytes, size)
    }

    fn buffer_of(&self, stride: usize, size: PlaneSize) -> PlaneBuffer {
        let capacity = stride * size.rows + ALIGN + TAIL;
        let mut buffer = self.take(capacity);
        let offset = buffer.as_ptr().align_offset(ALIGN).min(ALIGN);
        buffer.resize(offset + stride * size.rows + TAIL, 0);
        let storage = Pooled { buffer, offset, home: Arc::downgrade(&self.free) };
        PlaneBuffer { storage, stride, size }
    }

    fn take(&self, capacity: usize) -> Vec<u8> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        match free.iter().rposition(|b| b.capacity() >= capacity && b.capacity() <= 2 * capacity) {
            Some(i) => free.swap_remove(i),
            None => Vec::with_capacity(capacity),
        }
    }
}

/// A plane that is being written; see [`PlanePool::buffer`].
pub struct PlaneBuffer {
    storage: Pooled,
    stride: usize,
    size: PlaneSize,
}

impl PlaneBuffer {
    pub fn size(&self) -> PlaneSize {
        self.size
    }

    /// Bytes from one row's start to the next one's.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// All rows with what pads them, and 64 bytes more for vector code that writes past the end.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.storage.buffer[self.storage.offset..]
    }

    /// The rows, each with what pads it.
    pub fn rows_mut(&mut self) -> impl Iterator<Item = &mut [u8]> {
        let (stride, rows) = (self.stride, self.size.rows);
        self.bytes_mut().chunks_exact_mut(stride).take(rows)
    }

    /// # Errors
    /// Never for a buffer of a pool.
    pub fn into_plane(self) -> Result<Plane, String> {
        Plane::new(Arc::new(self.storage), self.stride, self.size)
    }
}

struct Pooled {
    buffer: Vec<u8>,
    offset: usize,
    home: Weak<Mutex<Vec<Vec<u8>>>>,
}

impl Samples for Pooled {
    fn bytes(&self) -> &[u8] {
        &self.buffer[self.offset..]
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        if let Some(home) = self.home.upgrade() {
            let mut free = home.lock().unwrap_or_else(PoisonError::into_inner);
            let buffer = std::mem::take(&mut self.buffer);
            let mut kept: usize = free.iter().map(Vec::capacity).sum();
            // The oldest go first, so that a pool does not stay full of a size of before.
            while kept + buffer.capacity() > POOL_BYTES && !free.is_empty() {
                kept -= free.remove(0).capacity();
            }
            free.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pooled_planes_come_back_and_are_aligned() {
        let pool = PlanePool::new();
        let size = PlaneSize { row_bytes: 64, rows: 4 };
        let plane = pool.copy(&[7; 256], size).expect("fits");
        assert_eq!(plane.as_packed().map(|p| p.as_ptr().align_offset(ALIGN)), Some(0));
        drop(plane);
        let first = pool.free.lock().expect("not poisoned")[0].as_ptr();
        let again = pool.filled(&[9], size).expect("fits");
        assert_eq!(again.to_packed(), [9; 256]);
        assert!(pool.free.lock().expect("not poisoned").is_empty());
        drop(again);
        assert_eq!(pool.free.lock().expect("not poisoned")[0].as_ptr(), first);
    }
}
