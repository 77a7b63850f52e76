//! Which part of the input is wanted: from when, how long, how many pictures.
//!
//! Times here are those of all inputs put together, one behind the other, from 0.

use std::collections::VecDeque;

use filmgate_av::Packet;
use filmgate_core::frame::Frame;

/// A part of the input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// nanoseconds from the beginning
    pub start: i64,
    /// nanoseconds from `start`
    pub duration: Option<i64>,
    /// pictures from `start`
    pub max_frames: Option<u64>,
}

impl Window {
    /// Nanoseconds from the beginning, where the user said so.
    pub fn end(&self) -> Option<i64> {
        self.duration.map(|d| self.start.saturating_add(d))
    }
}

/// Timestamps in files are rounded; a picture this little before the start is meant, too.
const SLACK: i64 = 500_000;

/// Packets that wait for the picture before them to be counted.
const HELD: usize = 4_096;

/// Cuts pictures and packets to a [`Window`] as they come.
pub(crate) struct Cut {
    window: Window,
    /// when the last wanted picture is over; known from the beginning, or once there are enough
    end: Option<i64>,
    taken: u64,
    newest: i64,
    held: VecDeque<(i64, Packet)>,
    over: bool,
}

impl Cut {
    pub(crate) fn new(window: Window) -> Cut {
        let end = window.end();
        Cut { window, end, taken: 0, newest: i64::MIN, held: VecDeque::new(), over: false }
    }

    pub(crate) fn window(&self) -> Window {
        self.window
    }

    pub(crate) fn start(&self) -> i64 {
        self.window.start
    }

    /// When the part ends, where that is known by now.
    pub(crate) fn end(&self) -> Option<i64> {
        self.end
    }

    /// Whether there are no more pictures to come.
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// The picture with its place in the part, if it is in it. `time`: when it begins.
    pub(crate) fn frame(&mut self, mut frame: Frame, time: i64) -> Option<Frame> {
        self.newest = self.newest.max(time);
        if time.saturating_add(SLACK) < self.window.start {
            return None;
        }
        if self.window.max_frames == Some(self.taken) && self.end.is_none_or(|end| time < end) {
            self.end = Some(time);
        }
        if self.end.is_some_and(|end| time.saturating_add(SLACK) >= end) {
            self.over = true;
            return None;
        }
        frame.index = self.taken;
        frame.timestamp = time.saturating_sub(self.window.start).max(0);
        self.taken += 1;
        Some(frame)
    }

    /// A packet that is copied; [`Cut::release`] gives it back when it is known to be in the part.
    /// `time` and `length` are when it begins and how long it lasts. It is in the part if it begins
    /// there, so that nothing comes before the first picture, and lies in it by its greater half.
    pub(crate) fn packet(&mut self, packet: Packet, time: i64, length: i64) {
        let middle = time.saturating_add(length / 2);
        // What an encoder of sound puts before its beginning belongs to a part from the beginning.
        let begun = self.window.start == 0 || time.saturating_add(SLACK) >= self.window.start;
        if begun && !self.is_after(middle) {
            self.held.push_back((middle, packet));
        }
    }

    /// A text that is shown for a while: it is in the part if any of that is, and cut to it.
    pub(crate) fn text(&mut self, mut packet: Packet, time: i64, length: i64) {
        let (start, end) = (self.window.start, time.saturating_add(length));
        if end <= start || self.is_after(time) {
            return;
        }
        let late = (start - time).max(0);
        let cut = self.end.map_or(0, |limit| (end - limit).max(0));
        if late > 0 {
            packet.shift(late);
        }
        if late > 0 || cut > 0 {
            packet.shorten(late.saturating_add(cut));
        }
        self.held.push_back((time.saturating_add(late), packet));
    }

    fn is_after(&self, time: i64) -> bool {
        self.end.is_some_and(|end| time >= end)
    }

    /// The next packet that is surely in the part; at the `last` call all that are left.
    pub(crate) fn release(&mut self, last: bool) -> Option<Packet> {
        loop {
            let known = self.window.max_frames.is_none() || last || self.held.len() > HELD;
            let (middle, _) = self.held.front()?;
            if !known && self.end.is_none() && *middle > self.newest {
                return None;
            }
            let (middle, packet) = self.held.pop_front()?;
            if !self.is_after(middle) {
                return Some(packet);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use filmgate_core::frame::PixelFormat;

    const S: i64 = 1_000_000_000;

    fn frame() -> Frame {
        Frame {
            format: PixelFormat::Gray8,
            width: 1,
            height: 1,
            planes: Vec::new(),
            index: 99,
            timestamp: 0,
            duration: None,
            tags: None,
            baggage: None,
        }
    }

    fn taken(window: Window, times: impl Iterator<Item = i64>) -> (Vec<(u64, i64)>, Cut) {
        let mut cut = Cut::new(window);
        let kept = times.filter_map(|t| cut.frame(frame(), t)).map(|f| (f.index, f.timestamp));
        (kept.collect(), cut)
    }

    #[test]
    fn a_part_is_cut_out_and_begins_at_zero() {
        let window = Window { start: 2 * S, duration: Some(2 * S), max_frames: None };
        let (kept, cut) = taken(window, (0..10).map(|i| i * S));
        assert_eq!(kept, [(0, 0), (1, S)]);
        assert!(cut.is_over());
    }

    #[test]
    fn rounded_times_are_meant() {
        let window = Window { start: S, duration: Some(S), max_frames: None };
        let (kept, _) = taken(window, [S - 400_000, 2 * S - 400_000].into_iter());
        assert_eq!(kept, [(0, 0)]);
    }

    #[test]
    fn pictures_are_counted_and_set_the_end() {
        let window = Window { start: S, duration: None, max_frames: Some(3) };
        let (kept, cut) = taken(window, (0..10).map(|i| i * S));
        assert_eq!(kept.len(), 3);
        assert_eq!(cut.end(), Some(4 * S));
        let (kept, cut) = taken(Window { max_frames: Some(20), ..window }, (0..10).map(|i| i * S));
        assert_eq!(kept.len(), 9);
        assert!(!cut.is_over());
    }
}
