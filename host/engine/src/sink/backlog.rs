//! What waits for a server: a bounded queue of packets, out of which whole groups of pictures are
//! dropped, oldest first, and an account of everything that was.
//!
//! Who joins in behind a gap needs a key frame to begin with: a group that has lost its beginning
//! is of no use, so it is never sent in part.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde::Serialize;

/// What the queue has to know of a packet.
pub(super) trait Waiting {
    /// Of its data.
    fn bytes(&self) -> usize;
    /// Nanoseconds.
    fn time(&self) -> i64;
    /// Whether it is a picture's, rather than sound's.
    fn is_picture(&self) -> bool;
    /// Whether a viewer can begin with it.
    fn is_key(&self) -> bool;
}

/// How much may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    pub bytes: usize,
    pub time: Duration,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { bytes: 64 << 20, time: Duration::from_secs(20) }
    }
}

/// Pictures that a server did not get, or perhaps not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// nanoseconds of the first picture that was not, or perhaps not, delivered
    pub from: i64,
    /// nanoseconds of the key frame with which it went on; none where it never did
    pub until: Option<i64>,
    /// pictures that were dropped
    pub dropped: u64,
    /// pictures that were handed to a connection which broke within the next second: they may have
    /// arrived or not
    pub unsure: u64,
}

/// How many gaps are told one by one; all of them are counted.
const GAPS: usize = 1_000;

/// How long before the end of a connection what was handed to it may have been lost with it.
pub(super) const UNSURE: Duration = Duration::from_secs(1);

/// What became of the packets.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Account {
    /// pictures handed to the server
    pub delivered: u64,
    /// pictures that were dropped
    pub dropped: u64,
    /// pictures that may have been lost with a connection
    pub unsure: u64,
    /// bytes handed to the server, without its container
    pub bytes: u64,
    /// how many gaps there are
    pub gap_count: u64,
    /// the first of them
    pub gaps: Vec<Gap>,
    #[serde(skip)]
    open: Option<Gap>,
    /// pictures of the last second, with the moment at which they were handed over
    #[serde(skip)]
    recent: VecDeque<(Instant, i64)>,
}

impl Account {
    fn dropped(&mut self, time: i64) {
        self.dropped += 1;
        let gap = self.open.get_or_insert_with(|| Gap { from: time, ..Gap::default() });
        gap.from = gap.from.min(time);
        gap.dropped += 1;
    }

    fn delivered(&mut self, item: &impl Waiting, now: Instant) {
        self.bytes += item.bytes() as u64;
        if !item.is_picture() {
            return;
        }
        self.delivered += 1;
        if let Some(mut gap) = self.open.take() {
            gap.until = Some(item.time());
            self.close(gap);
        }
        self.recent.push_back((now, item.time()));
        while self.recent.front().is_some_and(|(at, _)| now.duration_since(*at) > UNSURE) {
            self.recent.pop_front();
        }
    }

    /// The connection broke in a write that began at `at`.
    fn lost(&mut self, at: Instant) {
        let early = |when: &Instant| at.saturating_duration_since(*when) > UNSURE;
        let unsure = self.recent.iter().filter(|(when, _)| !early(when));
        let times: Vec<i64> = unsure.map(|(_, time)| *time).collect();
        self.recent.clear();
        let Some(first) = times.iter().min() else { return };
        let gap = self.open.get_or_insert_with(|| Gap { from: *first, ..Gap::default() });
        gap.from = gap.from.min(*first);
        gap.unsure += times.len() as u64;
        self.unsure += times.len() as u64;
    }

    fn close(&mut self, gap: Gap) {
        self.gap_count += 1;
        if self.gaps.len() < GAPS {
            self.gaps.push(gap);
        }
    }

    /// The account at the end: a gap that nothing came after is one, too.
    pub(super) fn closed(mut self) -> Account {
        if let Some(gap) = self.open.take() {
            self.close(gap);
        }
        self
    }
}

/// The queue. It is not shared by itself: see [`super::push`].
pub(super) struct Backlog<T> {
    queue: VecDeque<T>,
    bytes: usize,
    bounds: Bounds,
    /// nothing is taken in before the next key frame
    headless: bool,
    pub(super) account: Account,
}

impl<T: Waiting> Backlog<T> {
    pub(super) fn new(bounds: Bounds) -> Backlog<T> {
        let account = Account::default();
        Backlog { queue: VecDeque::new(), bytes: 0, bounds, headless: false, account }
    }

    /// Takes a packet in, and drops groups where that is too much.
    pub(super) fn push(&mut self, item: T) {
        if self.headless && !item.is_key() {
            return self.drop_item(&item);
        }
        self.headless = false;
        self.bytes += item.bytes();
        self.queue.push_back(item);
        while self.is_over() {
            self.drop_group();
        }
    }

    fn is_over(&self) -> bool {
        let span = match (self.queue.front(), self.queue.back()) {
            (Some(first), Some(last)) => last.time().saturating_sub(first.time()),
            _ => 0,
        };
        let most = i64::try_from(self.bounds.time.as_nanos()).unwrap_or(i64::MAX);
        !self.queue.is_empty() && (self.bytes > self.bounds.bytes || span > most)
    }

    /// Drops what stands before the second key frame, or everything where there is none: then what
    /// is left of the group, when it comes, is of no use, either.
    fn drop_group(&mut self) {
        let next = self.queue.iter().skip(1).position(Waiting::is_key).map(|at| at + 1);
        self.headless = next.is_none();
        self.drop_first(next.unwrap_or(self.queue.len()));
    }

    fn drop_first(&mut self, count: usize) {
        for _ in 0..count {
            if let Some(item) = self.queue.pop_front() {
                self.bytes -= item.bytes();
                self.drop_item(&item);
            }
        }
    }

    fn drop_item(&mut self, item: &T) {
        if item.is_picture() {
            self.account.dropped(item.time());
        }
    }

    /// The next packet for the server.
    pub(super) fn pop(&mut self, now: Instant) -> Option<T> {
        let item = self.queue.pop_front()?;
        self.bytes -= item.bytes();
        self.account.delivered(&item, now);
        Some(item)
    }

    /// A new connection begins with a key frame: what stands before it is dropped. Whether one is
    /// there already.
    pub(super) fn start_at_key(&mut self) -> bool {
        match self.queue.iter().position(Waiting::is_key) {
            Some(at) => {
                self.drop_first(at);
                true
            }
            None => {
                self.drop_first(self.queue.len());
                self.headless = true;
                false
            }
        }
    }

    /// The connection broke in a write that began at `at`.
    pub(super) fn lost(&mut self, at: Instant) {
        self.account.lost(at);
    }

    /// Gives up what still waits.
    pub(super) fn give_up(&mut self) {
        self.drop_first(self.queue.len());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Packets and their bytes.
    pub(super) fn waiting(&self) -> (usize, usize) {
        (self.queue.len(), self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Item {
        time: i64,
        key: bool,
        bytes: usize,
        picture: bool,
    }

    impl Waiting for Item {
        fn bytes(&self) -> usize {
            self.bytes
        }
        fn time(&self) -> i64 {
            self.time * 1_000_000_000
        }
        fn is_picture(&self) -> bool {
            self.picture
        }
        fn is_key(&self) -> bool {
            self.key
        }
    }

    const S: i64 = 1_000_000_000;

    /// A picture a second, every `group`th a key frame.
    fn picture(time: i64, group: i64) -> Item {
        Item { time, key: time % group == 0, bytes: 100, picture: true }
    }

    fn backlog(bytes: usize, seconds: u64) -> Backlog<Item> {
        Backlog::new(Bounds { bytes, time: Duration::from_secs(seconds) })
    }

    fn drain(backlog: &mut Backlog<Item>) -> Vec<i64> {
        std::iter::from_fn(|| backlog.pop(Instant::now())).map(|item| item.time).collect()
    }

    #[test]
    fn whole_groups_are_dropped_oldest_first() {
        let mut waiting = backlog(1_000, 1_000);
        (0..23).for_each(|time| waiting.push(picture(time, 5)));
        assert_eq!(drain(&mut waiting), (15..23).collect::<Vec<_>>());
        let account = waiting.account.closed();
        assert_eq!((account.dropped, account.delivered), (15, 8));
        assert_eq!(account.gaps, [Gap { from: 0, until: Some(15 * S), dropped: 15, unsure: 0 }]);
    }

    #[test]
    fn time_is_bounded_too() {
        let mut waiting = backlog(usize::MAX, 7);
        (0..20).for_each(|time| waiting.push(picture(time, 4)));
        assert_eq!(drain(&mut waiting)[0], 12);
    }

    #[test]
    fn a_group_that_lost_its_beginning_is_not_sent() {
        // One group is longer than what may wait.
        let mut waiting = backlog(500, 1_000);
        (0..12).for_each(|time| waiting.push(picture(time, 10)));
        assert_eq!(drain(&mut waiting), [10, 11]);
        assert_eq!(waiting.account.dropped, 10);
    }

    #[test]
    fn a_new_connection_begins_with_a_key_frame() {
        let mut waiting = backlog(10_000, 1_000);
        (0..7).for_each(|time| waiting.push(picture(time, 5)));
        for _ in 0..3 {
            assert!(waiting.pop(Instant::now()).is_some());
        }
        waiting.lost(Instant::now());
        assert!(waiting.start_at_key());
        assert_eq!(drain(&mut waiting), [5, 6]);
        waiting.lost(Instant::now());
        assert!(!waiting.start_at_key());
        (7..12).for_each(|time| waiting.push(picture(time, 5)));
        assert_eq!(drain(&mut waiting), [10, 11]);
        let account = waiting.account.closed();
        assert_eq!((account.dropped, account.unsure, account.delivered), (5, 5, 7));
        let gaps = [(0, Some(5 * S), 2, 3), (5 * S, Some(10 * S), 3, 2)];
        let told = account.gaps.iter().map(|g| (g.from, g.until, g.dropped, g.unsure));
        assert_eq!(told.collect::<Vec<_>>(), gaps);
    }

    #[test]
    fn what_was_delivered_more_than_a_second_before_a_loss_has_arrived() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut waiting = backlog(10_000, 1_000);
        (0..5).for_each(|time| waiting.push(picture(time, 10)));
        assert!(waiting.pop(at(0)).is_some() && waiting.pop(at(10)).is_some());
        // Nothing was handed over since: the connection was silent for two seconds.
        waiting.lost(at(2_010));
        assert_eq!((waiting.account.unsure, waiting.account.clone().closed().gap_count), (0, 0));
        // Of pictures on both sides of the second, only the later ones.
        assert!(waiting.pop(at(3_000)).is_some() && waiting.pop(at(3_900)).is_some());
        waiting.lost(at(4_100));
        let account = waiting.account.closed();
        assert_eq!((account.delivered, account.unsure), (4, 1));
        assert_eq!(account.gaps, [Gap { from: 3 * S, until: None, dropped: 0, unsure: 1 }]);
    }

    #[test]
    fn sound_goes_with_its_group_and_is_no_picture() {
        let mut waiting = backlog(350, 1_000);
        for time in 0..4 {
            waiting.push(picture(time, 2));
            waiting.push(Item { time, key: false, bytes: 10, picture: false });
        }
        assert_eq!(waiting.waiting(), (4, 220));
        assert_eq!(waiting.account.dropped, 2);
    }

    #[test]
    fn what_never_got_through_is_a_gap() {
        let mut waiting = backlog(10_000, 1_000);
        (0..3).for_each(|time| waiting.push(picture(time, 5)));
        waiting.give_up();
        let account = waiting.account.closed();
        assert_eq!(account.gaps, [Gap { from: 0, until: None, dropped: 3, unsure: 0 }]);
    }
}
