//! One picture.

use std::fmt;

use crate::{FrameInfo, PlaneLayout};

#[cfg(not(target_arch = "wasm32"))]
mod memory;

#[cfg(target_arch = "wasm32")]
use crate::bindings::filter::filmgate::plugin::frames::Frame as Backing;
#[cfg(not(target_arch = "wasm32"))]
use memory::MemoryFrame as Backing;

/// One picture, its time and its tags. The host owns it; a plugin holds a handle, and drops the
/// picture with it.
///
/// Every misuse (a plane that there is not, a wrong length, a size out of range, more frames held
/// than the host allows) is a trap and ends the plugin's instance. Outside WebAssembly, where a
/// frame lives in plain memory for the sake of tests, it is a panic.
///
/// A clone is a second frame with the same samples, time and tags. It is cheap: planes are shared
/// until one of the two is set.
pub struct Frame(Backing);

impl Frame {
    /// A black, opaque frame that stands for no picture of the stream: without tags, and without
    /// what only the encoder understands. Where it is made from one, use [`Frame::like`].
    pub fn new(info: &FrameInfo) -> Frame {
        Frame(Backing::new(info))
    }

    /// A black, opaque frame that stands for `origin`: it has its tags and what only the encoder
    /// understands. Size, format, number and time are those of `info`.
    pub fn like(origin: &Frame, info: &FrameInfo) -> Frame {
        Frame(Backing::like(&origin.0, info))
    }

    /// Keeps a rectangle of the picture and takes all else away; no sample is moved. It lies within
    /// the picture, and begins where a sample of chroma does: at even columns in 4:2:0 and 4:2:2,
    /// at even rows in 4:2:0.
    pub fn crop(&mut self, left: u32, top: u32, width: u32, height: u32) {
        self.0.crop(left, top, width, height);
    }

    /// Mirrors the picture: left and right, top and bottom, or, with both, turns it by 180 degrees.
    /// Top and bottom moves no sample; left and right is done by the host, in one pass.
    pub fn flip(&mut self, horizontal: bool, vertical: bool) {
        self.0.flip(horizontal, vertical);
    }

    /// Size, format, number and time.
    pub fn info(&self) -> FrameInfo {
        self.0.info()
    }

    /// A copy of the samples of one plane, from 0: rows from the top, without padding. Ask only
    /// for the planes that are needed.
    pub fn plane(&self, index: u32) -> Vec<u8> {
        self.0.plane(index)
    }

    /// Replaces the samples of one plane; exactly as many bytes as [`plane`](Frame::plane) gives.
    pub fn set_plane(&mut self, index: u32, samples: &[u8]) {
        self.0.set_plane(index, samples);
    }

    /// Some rows of one plane: `count` of them, at least one, from row `first`.
    pub fn rows(&self, index: u32, first: u32, count: u32) -> Vec<u8> {
        self.0.rows(index, first, count)
    }

    /// Replaces some rows of one plane, from row `first`: as many whole rows as there are samples
    /// for, at least one. Cheapest from the top to the bottom.
    pub fn set_rows(&mut self, index: u32, first: u32, samples: &[u8]) {
        self.0.set_rows(index, first, samples);
    }

    /// Changes one plane in place, in bands of rows that stay in the processor's cache on their
    /// way in and out: for large planes faster than [`edit_plane`](Frame::edit_plane).
    ///
    /// `change` is given each band from the top, with up to `below` rows more behind it, which are
    /// still as they were and which it only looks at: a filter that looks so many rows down works
    /// in place. With `below` 0 it is for what changes each sample, or each row, by itself.
    pub fn edit_bands(
        &mut self,
        index: u32,
        plane: &PlaneLayout,
        below: usize,
        mut change: impl FnMut(Band<'_>),
    ) {
        for band in plane.bands() {
            let more = below.min(plane.rows - band.end);
            let (first, rows) = (band.start, band.len());
            let mut samples = self.rows(index, first as u32, (rows + more) as u32);
            change(Band { first, rows, samples: &mut samples });
            self.set_rows(index, first as u32, &samples[..rows * plane.row_bytes()]);
        }
    }

    /// Changes some rows of one plane in place: `count` of them from row `first`. Nothing happens
    /// where there are none.
    pub fn edit_rows(
        &mut self,
        index: u32,
        first: usize,
        count: usize,
        change: impl FnOnce(&mut [u8]),
    ) {
        if count > 0 {
            let mut samples = self.rows(index, first as u32, count as u32);
            change(&mut samples);
            self.set_rows(index, first as u32, &samples);
        }
    }

    /// Changes the samples of one plane in place.
    pub fn edit_plane(&mut self, index: u32, change: impl FnOnce(&mut [u8])) {
        let mut samples = self.plane(index);
        change(&mut samples);
        self.set_plane(index, &samples);
    }

    /// When it is shown: nanoseconds from the start of the stream. What a filter answers must rise
    /// from frame to frame.
    pub fn set_timestamp(&mut self, timestamp: i64) {
        self.0.set_timestamp(timestamp);
    }

    /// How long it is shown: nanoseconds, above 0; `None` where nobody knows.
    pub fn set_duration(&mut self, duration: Option<i64>) {
        self.0.set_duration(duration);
    }

    /// The text that this plugin or one before it attached under `key`.
    pub fn tag(&self, key: &str) -> Option<String> {
        self.0.tag(key)
    }

    /// Attaches a text that travels with the frame: plugins behind this one see it, and the user
    /// can have all tags written out. Keys are at most 64 bytes, best prefixed with the plugin's
    /// name (`motion.score`); values at most 64 KiB, 64 tags a frame.
    pub fn set_tag(&mut self, key: &str, value: &str) {
        self.0.set_tag(key, value);
    }
}

/// Some rows of a plane; see [`Frame::edit_bands`].
pub struct Band<'a> {
    /// which row of the plane is the band's first
    pub first: usize,
    /// how many rows are to be changed
    pub rows: usize,
    /// these rows, and behind them those that are only looked at, without padding
    pub samples: &'a mut [u8],
}

impl Clone for Frame {
    fn clone(&self) -> Frame {
        Frame(self.0.clone())
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Frame").field(&self.info()).finish()
    }
}

/// The answer of a filter that gives one frame for one frame: `Ok(frame.into())`.
impl From<Frame> for Vec<Frame> {
    fn from(frame: Frame) -> Vec<Frame> {
        vec![frame]
    }
}

#[cfg(target_arch = "wasm32")]
impl Frame {
    pub(crate) fn from_host(frame: Backing) -> Frame {
        Frame(frame)
    }

    pub(crate) fn into_host(self) -> Backing {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PixelFormat, StreamInfo};

    #[test]
    fn a_new_frame_is_black_and_opaque() {
        let frame = |format| Frame::new(&StreamInfo::new(1, 1, format).frame(0, 0));
        assert_eq!(frame(PixelFormat::Rgba).plane(0), [0, 0, 0, 255]);
        assert_eq!(frame(PixelFormat::Yuv420p).plane(0), [16]);
        assert_eq!(frame(PixelFormat::Yuv420p10).plane(2), [0, 2]);
    }

    #[test]
    fn clones_part_when_one_is_set() {
        let mut frame = Frame::new(&StreamInfo::new(2, 1, PixelFormat::Gray8).frame(7, 40));
        let twin = frame.clone();
        frame.edit_plane(0, |samples| samples.fill(9));
        frame.set_tag("test.note", "changed");
        frame.set_timestamp(41);
        assert_eq!((frame.plane(0), twin.plane(0)), (vec![9, 9], vec![0, 0]));
        assert_eq!(
            (frame.tag("test.note").as_deref(), twin.tag("test.note")),
            (Some("changed"), None)
        );
        assert_eq!((frame.info().timestamp, twin.info().timestamp), (41, 40));
        assert_eq!(twin.info().index, 7);
    }

    #[test]
    fn a_frame_like_another_has_its_tags() {
        let stream = StreamInfo::new(2, 1, PixelFormat::Gray8);
        let mut frame = Frame::new(&stream.frame(7, 40));
        frame.set_tag("test.note", "here");
        let made = Frame::like(&frame, &FrameInfo { width: 3, ..frame.info() });
        assert_eq!((made.tag("test.note").as_deref(), made.info().width), (Some("here"), 3));
        assert_eq!(Frame::new(&frame.info()).tag("test.note"), None);
    }

    #[test]
    fn views_of_a_frame() {
        let mut frame = Frame::new(&StreamInfo::new(4, 2, PixelFormat::Yuv420p).frame(0, 0));
        frame.set_plane(0, &[0, 1, 2, 3, 4, 5, 6, 7]);
        frame.set_plane(1, &[8, 9]);
        let mut turned = frame.clone();
        turned.flip(true, true);
        assert_eq!(turned.plane(0), [7, 6, 5, 4, 3, 2, 1, 0]);
        assert_eq!(turned.plane(1), [9, 8]);
        frame.crop(2, 0, 1, 2);
        assert_eq!((frame.plane(0), frame.plane(1)), (vec![2, 6], vec![9]));
    }

    #[test]
    fn bands_cover_a_plane_once_and_see_what_is_below_as_it_was() {
        let stream = StreamInfo::new(1000, 1001, PixelFormat::Gray8);
        let mut frame = Frame::new(&stream.frame(0, 0));
        frame.edit_plane(0, |samples| {
            samples.chunks_exact_mut(1000).zip(0_u32..).for_each(|(row, y)| row.fill(y as u8));
        });
        let layout = stream.layout().expect("a known format");
        let plane = layout.planes().next().expect("a plane");
        let mut seen = Vec::new();
        frame.edit_bands(0, &plane, 1, |band| {
            seen.push((band.first, band.rows, band.samples.len() / 1000));
            crate::rows::with_row_below(band.samples, 1000, |row, below| {
                row.iter_mut().zip(below).for_each(|(a, b)| *a = b.wrapping_sub(*a));
            });
        });
        let bands = [(0, 256, 257), (256, 256, 257), (512, 256, 257), (768, 233, 233)];
        assert_eq!(seen, bands);
        let plane = frame.plane(0);
        assert!(plane[..1000 * 1000].iter().all(|&d| d == 1));
        assert!(plane[1000 * 1000..].iter().all(|&d| d == 1000_u32 as u8));
    }

    #[test]
    #[should_panic(expected = "3 bytes for a plane of 2")]
    fn a_wrong_length_is_refused() {
        Frame::new(&StreamInfo::new(2, 1, PixelFormat::Gray8).frame(0, 0)).set_plane(0, &[0; 3]);
    }
}
