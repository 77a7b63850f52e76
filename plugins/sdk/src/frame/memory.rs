//! A frame in plain memory, for tests outside WebAssembly. It behaves as the host's, without the
//! host's limits on size and number.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;

use crate::{FrameInfo, Layout, PixelFormat};

/// Stands in for the host's resource, with the methods that wit-bindgen generates for it.
#[derive(Clone)]
pub(super) struct MemoryFrame(RefCell<Content>);

#[derive(Clone)]
struct Content {
    info: FrameInfo,
    planes: Vec<Vec<u8>>,
    tags: BTreeMap<String, String>,
}

impl Content {
    fn row_bytes(&self, index: u32) -> usize {
        self.info.layout().expect("a format of the contract").plane(index).row_bytes()
    }

    fn bytes_of(&self, index: u32, first: u32, count: usize) -> Range<usize> {
        let row_bytes = self.row_bytes(index);
        let rows = self.planes[index as usize].len() / row_bytes;
        let first = first as usize;
        assert!(count > 0 && first + count <= rows, "{count} rows from {first} of {rows}");
        first * row_bytes..(first + count) * row_bytes
    }
}

impl MemoryFrame {
    pub(super) fn new(info: &FrameInfo) -> MemoryFrame {
        let layout = info.layout().expect("a format of the contract");
        assert!(info.width > 0 && info.height > 0, "a picture has samples");
        let planes = (0..layout.format.plane_count()).map(|index| black(&layout, index)).collect();
        MemoryFrame(RefCell::new(Content { info: info.clone(), planes, tags: BTreeMap::new() }))
    }

    pub(super) fn like(origin: &MemoryFrame, info: &FrameInfo) -> MemoryFrame {
        let made = MemoryFrame::new(info);
        made.0.borrow_mut().tags.clone_from(&origin.0.borrow().tags);
        made
    }

    pub(super) fn crop(&self, left: u32, top: u32, width: u32, height: u32) {
        let mut content = self.0.borrow_mut();
        let layout = content.info.layout().expect("a format of the contract");
        let (across, down) = layout.format.chroma_shift();
        let within = |from: u32, count: u32, all: u32| count > 0 && from + count <= all;
        assert!(within(left, width, layout.width) && within(top, height, layout.height));
        assert!(
            left.is_multiple_of(1 << across) && top.is_multiple_of(1 << down),
            "it begins with chroma"
        );
        let cropped = Layout { width, height, ..layout };
        for (index, plane) in (0..).zip(&mut content.planes) {
            let (x, y) = if index == 0 { (0, 0) } else { (across, down) };
            let (from, to) = (layout.plane(index), cropped.plane(index));
            let first = (left >> x) as usize * from.pixel_bytes();
            let rows = plane.chunks(from.row_bytes()).skip((top >> y) as usize).take(to.rows);
            *plane = rows.flat_map(|row| row[first..first + to.row_bytes()].to_vec()).collect();
        }
        (content.info.width, content.info.height) = (width, height);
    }

    pub(super) fn flip(&self, horizontal: bool, vertical: bool) {
        let mut content = self.0.borrow_mut();
        let layout = content.info.layout().expect("a format of the contract");
        for (index, plane) in (0..).zip(&mut content.planes) {
            let size = layout.plane(index);
            let mut rows: Vec<Vec<u8>> =
                plane.chunks(size.row_bytes()).map(<[u8]>::to_vec).collect();
            if vertical {
                rows.reverse();
            }
            for row in rows.iter_mut().filter(|_| horizontal) {
                *row = row.chunks(size.pixel_bytes()).rev().flatten().copied().collect();
            }
            *plane = rows.concat();
        }
    }

    pub(super) fn info(&self) -> FrameInfo {
        self.0.borrow().info.clone()
    }

    pub(super) fn plane(&self, index: u32) -> Vec<u8> {
        self.0.borrow().planes[index as usize].clone()
    }

    pub(super) fn set_plane(&self, index: u32, samples: &[u8]) {
        let plane = &mut self.0.borrow_mut().planes[index as usize];
        assert!(
            samples.len() == plane.len(),
            "{} bytes for a plane of {}",
            samples.len(),
            plane.len()
        );
        plane.copy_from_slice(samples);
    }

    pub(super) fn rows(&self, index: u32, first: u32, count: u32) -> Vec<u8> {
        let content = self.0.borrow();
        let bytes = content.bytes_of(index, first, count as usize);
        content.planes[index as usize][bytes].to_vec()
    }

    pub(super) fn set_rows(&self, index: u32, first: u32, samples: &[u8]) {
        let mut content = self.0.borrow_mut();
        let row_bytes = content.row_bytes(index);
        assert!(samples.len().is_multiple_of(row_bytes), "{} bytes for rows", samples.len());
        let bytes = content.bytes_of(index, first, samples.len() / row_bytes);
        content.planes[index as usize][bytes].copy_from_slice(samples);
    }

    pub(super) fn set_timestamp(&self, timestamp: i64) {
        self.0.borrow_mut().info.timestamp = timestamp;
    }

    pub(super) fn set_duration(&self, duration: Option<i64>) {
        assert!(duration.is_none_or(|duration| duration > 0), "a duration is above 0");
        self.0.borrow_mut().info.duration = duration;
    }

    pub(super) fn tag(&self, key: &str) -> Option<String> {
        self.0.borrow().tags.get(key).cloned()
    }

    pub(super) fn set_tag(&self, key: &str, value: &str) {
        assert!(key.len() <= 64 && value.len() <= 64 << 10, "a tag is too long");
        self.0.borrow_mut().tags.insert(key.to_owned(), value.to_owned());
    }
}

/// Black in limited range, as video mostly is, and opaque.
fn black(layout: &Layout, index: u32) -> Vec<u8> {
    let sample: &[u8] = match (layout.format, index) {
        (PixelFormat::Rgba, _) => &[0, 0, 0, 255],
        (format, 0) if format.is_yuv() && format.bits() == 8 => &[16],
        (format, 0) if format.is_yuv() => &[64, 0],
        (format, _) if format.is_yuv() && format.bits() == 8 => &[128],
        (format, _) if format.is_yuv() => &[0, 2],
        _ => &[0],
    };
    sample.iter().copied().cycle().take(layout.plane(index).bytes()).collect()
}
