//! The source's thread: pictures as they come, those that are wanted, dealt out to the workers.

use std::sync::Arc;
use std::time::Instant;

use super::Summary;
use super::select::{Select, Verdict};
use crate::pipeline::flow::{Deal, Offered, Trouble};
use crate::pipeline::reopen::Pictures;
use crate::pipeline::{Continuity, Meter, PipelineError};

/// What the source's thread works with.
pub(super) struct Feed {
    pub(super) pictures: Pictures,
    pub(super) select: Select,
    pub(super) deal: Deal,
    /// drop pictures that nobody has time for
    pub(super) live: bool,
    pub(super) meter: Arc<Meter>,
}

/// What it did.
#[derive(Default)]
pub(super) struct Fed {
    pub(super) decoded: u64,
    pub(super) chosen: u64,
    pub(super) late: u64,
    pub(super) continuity: Continuity,
}

impl Fed {
    pub(super) fn tell(self, summary: &mut Summary) {
        (summary.decoded, summary.chosen, summary.late) = (self.decoded, self.chosen, self.late);
        summary.continuity = self.continuity;
    }
}

impl Feed {
    pub(super) fn run(mut self, trouble: &Trouble) -> Fed {
        let mut fed = Fed::default();
        if let Err(e) = self.feed(&mut fed) {
            trouble.report(e);
        }
        fed.continuity = self.pictures.account();
        fed
    }

    fn feed(&mut self, fed: &mut Fed) -> Result<(), PipelineError> {
        if !self.pictures.is_endless() && self.select.start() > 0 {
            self.pictures.seek(self.select.start())?;
        }
        while !self.select.is_over() {
            let begun = Instant::now();
            let Some(frame) = self.pictures.next()? else { return Ok(()) };
            self.meter.add(begun.elapsed(), 1);
            fed.decoded += 1;
            let frame = match self.select.choose(frame)? {
                Verdict::Wanted(frame) => frame,
                Verdict::Not => continue,
                Verdict::Over => return Ok(()),
            };
            fed.chosen += 1;
            if !self.live {
                if !self.deal.send(vec![frame]) {
                    return Ok(());
                }
                continue;
            }
            match self.deal.offer(vec![frame]) {
                Offered::Taken => {}
                Offered::Full => {
                    fed.late += 1;
                    self.select.give_back();
                }
                Offered::Gone => return Ok(()),
            }
        }
        Ok(())
    }
}
