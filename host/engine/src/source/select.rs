//! Which pictures of a source become files: a part of it, every so-manieth, so many a second, the
//! key frames, the first of each scene.

use std::sync::Arc;

use super::window::{Cut, Window};
use crate::error::PipelineError;
use crate::graph::{Chain, Worker};
use filmgate_core::frame::{Frame, PlanePool, StreamInfo};
use filmgate_plugin::Supervisor;

/// How many pictures of those that are left.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Rate {
    #[default]
    All,
    /// one of so many
    Every(u64),
    /// at most so many a second: the first one at or behind each tick
    PerSecond(f64),
}

/// Which pictures are wanted. Each rule is for those that the ones before it have left.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Choice {
    /// decode key frames alone
    pub keyframes: bool,
    pub rate: Rate,
}

/// The tag that the plugin puts on the first picture of a scene.
const CUT: &str = "scene.cut";

/// Timestamps are rounded; a picture this little before a tick is its picture, nanoseconds.
const SLACK: i64 = 1_000_000;

/// Chooses pictures as they come.
pub(super) struct Select {
    cut: Cut,
    start: i64,
    /// pictures that are still wanted
    left: Option<u64>,
    scenes: Option<Scenes>,
    rate: Rate,
    /// pictures that the rate was asked about
    seen: u64,
    /// the next tick of the rate
    tick: u64,
    /// of those chosen
    number: u64,
}

/// Whether a picture is wanted.
pub(super) enum Verdict {
    Wanted(Frame),
    Not,
    /// nor any behind it
    Over,
}

impl Select {
    pub(super) fn new(
        choice: Choice,
        window: Window,
        scene: Option<&Arc<Supervisor>>,
        info: &StreamInfo,
        pool: &PlanePool,
    ) -> Result<Select, PipelineError> {
        Ok(Select {
            // Pictures are counted when they are chosen.
            cut: Cut::new(Window { max_frames: None, ..window }),
            start: window.start,
            left: window.max_frames,
            scenes: scene.map(|s| Scenes::start(s, info, pool)).transpose()?,
            rate: choice.rate,
            seen: 0,
            tick: 0,
            number: 0,
        })
    }

    /// The wanted part, with the frames that are wanted of it.
    pub(super) fn window(&self) -> Window {
        Window { max_frames: self.left, ..self.cut.window() }
    }

    /// What cuts packets that are copied.
    pub(super) fn cut(&mut self) -> &mut Cut {
        &mut self.cut
    }

    /// Nanoseconds into the source.
    pub(super) fn start(&self) -> i64 {
        self.start
    }

    pub(super) fn is_over(&self) -> bool {
        self.left == Some(0)
    }

    pub(super) fn choose(&mut self, frame: Frame) -> Result<Verdict, PipelineError> {
        let time = frame.timestamp;
        let Some(frame) = self.cut.frame(frame, time) else {
            return Ok(if self.cut.is_over() { Verdict::Over } else { Verdict::Not });
        };
        let frame = match &mut self.scenes {
            None => Some(frame),
            Some(scenes) => scenes.first_of_one(frame)?,
        };
        let Some(mut frame) = frame.filter(|f| self.is_due(f.timestamp)) else {
            return Ok(Verdict::Not);
        };
        frame.index = self.number;
        self.number += 1;
        if let Some(left) = &mut self.left {
            *left -= 1;
        }
        Ok(Verdict::Wanted(frame))
    }

    /// The picture that was chosen last was not used: it does not count for how many are wanted.
    pub(super) fn give_back(&mut self) {
        if let Some(left) = &mut self.left {
            *left += 1;
        }
    }

    fn is_due(&mut self, time: i64) -> bool {
        let seen = self.seen;
        self.seen += 1;
        match self.rate {
            Rate::All => true,
            Rate::Every(n) => seen.is_multiple_of(n.max(1)),
            Rate::PerSecond(rate) => {
                // The number of the tick that this picture stands at or behind.
                let ticks = (time.saturating_add(SLACK)) as f64 * rate / 1e9;
                let due = ticks.floor() >= self.tick as f64;
                if due {
                    self.tick = ticks.floor() as u64 + 1;
                }
                due
            }
        }
    }
}

/// The plugin that finds scenes, run on the source's thread: what it does not mark goes no
/// further.
struct Scenes {
    workers: Vec<Worker>,
    first: bool,
}

impl Scenes {
    fn start(
        scene: &Arc<Supervisor>,
        info: &StreamInfo,
        pool: &PlanePool,
    ) -> Result<Scenes, PipelineError> {
        let chain = Chain::plan(info, std::slice::from_ref(scene), &[info.format])?;
        let workers =
            chain.stages.iter().map(|s| Worker::start(s, pool)).collect::<Result<_, _>>()?;
        Ok(Scenes { workers, first: true })
    }

    /// The picture, if it is the first one of a scene, or of all.
    fn first_of_one(&mut self, frame: Frame) -> Result<Option<Frame>, PipelineError> {
        let mut frames = vec![frame];
        for worker in &mut self.workers {
            frames = worker.process(frames)?;
        }
        let first = std::mem::replace(&mut self.first, false);
        let tagged = |f: &Frame| f.tags.as_ref().is_some_and(|tags| tags.contains_key(CUT));
        Ok(frames.into_iter().find(|f| first || tagged(f)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn select(rate: Rate) -> Select {
        Select {
            cut: Cut::new(Window::default()),
            start: 0,
            left: None,
            scenes: None,
            rate,
            seen: 0,
            tick: 0,
            number: 0,
        }
    }

    fn due(rate: Rate, times: impl Iterator<Item = i64>) -> Vec<usize> {
        let mut select = select(rate);
        times.enumerate().filter(|(_, t)| select.is_due(*t)).map(|(i, _)| i).collect()
    }

    #[test]
    fn every_so_manieth_is_taken_from_the_first_on() {
        assert_eq!(due(Rate::Every(3), 0..8), [0, 3, 6]);
    }

    #[test]
    fn so_many_a_second_are_taken_where_there_are_as_many() {
        let film = |rate: i64| (0..rate).map(move |i| i * 1_000_000_000 / rate);
        assert_eq!(due(Rate::PerSecond(5.0), film(25)), [0, 5, 10, 15, 20]);
        assert_eq!(due(Rate::PerSecond(2.0), film(30)), [0, 15]);
        assert_eq!(due(Rate::PerSecond(50.0), film(25)).len(), 25);
        // Rounded down to milliseconds, as Matroska does.
        let rounded = film(30).map(|t| t / 1_000_000 * 1_000_000);
        assert_eq!(due(Rate::PerSecond(10.0), rounded), [0, 3, 6, 9, 12, 15, 18, 21, 24, 27]);
        // A pause is not made up for.
        let paused = [0, 100, 5_000, 5_100, 5_200, 5_600].map(|ms| ms * 1_000_000);
        assert_eq!(due(Rate::PerSecond(2.0), paused.into_iter()), [0, 2, 5]);
    }
}
