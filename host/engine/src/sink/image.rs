//! One image: what came of one frame of the input, at one time.

use std::path::PathBuf;

use super::{End, Opening, PlannedEncoder, Sink, SinkPlan, SinkReport, nothing};
use crate::error::PipelineError;
use crate::graph::SideBySide;
use crate::source::{Source, Wanted, rotation};
use filmgate_core::frame::{Frame, PixelFormat, StreamInfo};
use filmgate_picture::{PictureFormat, SaveError, save};

/// An image file of the frame at one time.
pub struct StillImage {
    pub path: PathBuf,
    pub format: PictureFormat,
    pub replace: bool,
    /// nanoseconds from the start
    pub at: i64,
    pub wanted: Wanted,
    /// put the frame of the input left of it
    pub compare: bool,
}

impl SinkPlan for StillImage {
    fn formats(&self, _: &dyn Source) -> Result<Vec<PixelFormat>, PipelineError> {
        Ok(self.format.pixel_formats().to_vec())
    }

    fn encoder(&self) -> PlannedEncoder {
        PlannedEncoder { name: self.format.ending().to_owned(), options: Vec::new() }
    }

    fn whom(&self) -> String {
        format!("the encoder of {} files", self.format.ending())
    }

    fn open(
        self: Box<Self>,
        opening: Opening<'_>,
        report: &mut SinkReport,
    ) -> Result<Box<dyn Sink>, PipelineError> {
        report.encoded = Some(opening.frames.clone());
        Ok(Box::new(ImageOfOne {
            rotation: rotation(opening.source),
            before: opening.decoded.clone(),
            after: opening.frames.clone(),
            plan: *self,
            out: Vec::new(),
        }))
    }
}

struct ImageOfOne {
    plan: StillImage,
    /// degrees clockwise by which the frame is turned for display
    rotation: i32,
    before: StreamInfo,
    after: StreamInfo,
    out: Vec<Frame>,
}

impl Sink for ImageOfOne {
    fn frame(&mut self, frame: &Frame) -> Result<(), PipelineError> {
        let target = self.plan.wanted.frame();
        if target.is_some_and(|t| frame.index >= t.index) {
            self.plan.wanted.reached();
        }
        self.out.push(frame.clone());
        // None before it is wanted but the one that stands in its place where it was dropped.
        if self.out.len() > 1 && self.plan.wanted.frame().is_some_and(|t| frame.index < t.index) {
            self.out.remove(0);
        }
        Ok(())
    }

    fn finish(
        self: Box<Self>,
        end: &mut End<'_>,
        report: &mut SinkReport,
    ) -> Result<(), PipelineError> {
        if end.stop.abandon.is_cancelled() {
            return Err(PipelineError::Interrupted);
        }
        let ImageOfOne { plan, rotation, before, after, out } = *self;
        let target = plan.wanted.frame();
        let Some(target) = target.filter(|_| !out.is_empty()) else {
            return Err(nothing(end));
        };
        let mut picture = choose(out, target.index, plan.at);
        if plan.compare {
            let mut both = SideBySide::new(&before, &after, rotation)?;
            picture = both.picture(&target, &picture)?;
        }
        report.frames = 1;
        save(&picture, &plan.path, rotation, plan.replace).map_err(unsaved)?;
        report.bytes = std::fs::metadata(&plan.path).map_or(0, |m| m.len());
        Ok(())
    }
}

fn unsaved(error: SaveError) -> PipelineError {
    match error {
        SaveError::Publish(e) => e.into(),
        other => PipelineError::Save(other),
    }
}

/// The frame that came of source frame `target`, the one that stands at the time where there are
/// several; the one that stands in its place where it was dropped. There is at least one.
fn choose(mut out: Vec<Frame>, target: u64, at: i64) -> Frame {
    let own = out.iter().rposition(|f| f.index == target && f.timestamp <= at);
    let own = own.or_else(|| out.iter().position(|f| f.index == target));
    let place = own.or_else(|| out.iter().rposition(|f| f.index < target));
    out.swap_remove(place.unwrap_or(0))
}
