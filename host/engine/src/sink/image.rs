//! One image: what came of one frame of the input, at one time; or a cell of a contact sheet.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::{End, Opening, PlannedEncoder, Sink, SinkPlan, SinkReport, nothing};
use crate::error::{PipelineError, SpecError};
use crate::graph::SideBySide;
use crate::source::{Source, Wanted, rotation};
use filmgate_av::{MediaError, MediaErrorKind, Stdout};
use filmgate_core::frame::{Frame, PixelFormat, PlanePool, StreamInfo};
use filmgate_picture::{PictureFormat, SaveError, Sheet, encoded, save, turned};

/// A contact sheet that the frames of several sessions fill.
#[derive(Clone)]
pub struct SharedSheet(pub Arc<Mutex<Option<Sheet>>>);

/// Where an image goes.
#[derive(Clone)]
pub enum ImageTarget {
    File(PathBuf),
    Stdout,
    /// nowhere: it is shown and not kept
    Screen,
    /// a cell of a sheet, which is not written yet
    Cell(SharedSheet),
    /// the last cell, and then the sheet to the target
    Last(SharedSheet, Box<ImageTarget>),
}

/// An image file of the frame at one time.
pub struct StillImage {
    pub target: ImageTarget,
    pub format: PictureFormat,
    pub replace: bool,
    /// nanoseconds from the start
    pub at: i64,
    pub wanted: Wanted,
    /// put the frame of the input left of it
    pub compare: bool,
    /// where what the image shows is put, upright
    pub shown: Option<Shown>,
}

/// What the last image of a job shows, for whoever shows it.
pub type Shown = Arc<Mutex<Option<Frame>>>;

impl SinkPlan for StillImage {
    fn formats(&self, _: &dyn Source) -> Result<Vec<PixelFormat>, PipelineError> {
        // All cells of a sheet are alike.
        if matches!(self.target, ImageTarget::Cell(_) | ImageTarget::Last(..)) {
            return Ok(vec![PixelFormat::Rgb24]);
        }
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
        report.bytes = plan.deliver(&plan.target, picture, rotation, end)?;
        Ok(())
    }
}

impl StillImage {
    /// Takes the image where it goes; how many bytes that are.
    fn deliver(
        &self,
        target: &ImageTarget,
        picture: Frame,
        rotation: i32,
        end: &End<'_>,
    ) -> Result<u64, PipelineError> {
        let is_whole = !matches!(target, ImageTarget::Cell(_) | ImageTarget::Last(..));
        if let Some(shown) = self.shown.as_ref().filter(|_| is_whole) {
            let upright = turned(picture.clone(), rotation, &PlanePool::new());
            let upright = upright.map_err(PipelineError::System)?;
            *shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(upright);
        }
        match target {
            ImageTarget::Screen => Ok(0),
            ImageTarget::File(path) => {
                save(&picture, path, self.format, rotation, self.replace).map_err(unsaved)?;
                Ok(std::fs::metadata(path).map_or(0, |m| m.len()))
            }
            ImageTarget::Stdout => {
                let name = Path::new("stdout");
                let bytes = encoded(&picture, self.format, rotation, name).map_err(unsaved)?;
                let written = Stdout::new(&end.stop.hard).and_then(|mut out| out.write_all(&bytes));
                written.map_err(|e| MediaError {
                    kind: MediaErrorKind::Write(e.kind()),
                    message: format!("write stdout: {e}"),
                })?;
                Ok(bytes.len() as u64)
            }
            ImageTarget::Cell(sheet) => sheet.add(picture, rotation).map(|()| 0),
            ImageTarget::Last(sheet, whole) => {
                sheet.add(picture, rotation)?;
                let whole_sheet = sheet.lock().take().and_then(Sheet::frame);
                let frame = whole_sheet.ok_or_else(|| PipelineError::System(EMPTY.to_owned()))?;
                self.deliver(whole, frame, 0, end)
            }
        }
    }
}

/// Why there is no sheet.
const EMPTY: &str = "the contact sheet is empty";

impl SharedSheet {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Sheet>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, picture: Frame, rotation: i32) -> Result<(), PipelineError> {
        let upright =
            turned(picture, rotation, &PlanePool::new()).map_err(PipelineError::System)?;
        let mut sheet = self.lock();
        let sheet = sheet.as_mut().ok_or_else(|| PipelineError::System(EMPTY.to_owned()))?;
        // What is too large or of another kind was asked for.
        sheet.add(&upright).map_err(|e| SpecError::usage(format!("--grid: {e}")).into())
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
