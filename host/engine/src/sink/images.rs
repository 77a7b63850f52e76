//! Image files in a folder: each gets a name from a policy, appears whole under it, and the folder
//! is kept to its bound.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use nix::libc;
use tracing::warn;

use super::namer::{NameError, Namer};
use super::numbers::first_index;
use super::retention::{Bound, Retention};
use super::{
    EncodedImage, End, ImagesReport, Maker, Opening, PlannedEncoder, Sink, SinkPlan, SinkReport,
    nothing,
};
use crate::error::PipelineError;
use crate::graph::Meter;
use crate::source::{Source, rotation};
use filmgate_core::frame::{Color, Frame, PixelFormat, PlanePool};
use filmgate_core::publish::{self, Aside, PublishError};
use filmgate_picture::{FrameWriter, PictureFormat, WriteOptions, turned};
use filmgate_plugin::{Item, Request};
use filmgate_sys::utc_offset;

/// How often another name is asked for when somebody else takes it in the last moment.
const ATTEMPTS: usize = 100;

/// How many of its oldest pictures one picture may push out of a full disk.
const PUSHED_OUT: usize = 16;

/// What images are made, and where they go.
pub struct Images {
    pub format: PictureFormat,
    pub write: WriteOptions,
    pub namer: Namer,
    pub bound: Bound,
    /// wait for the disk with every image
    pub sync: bool,
    /// what names are made from: the file, where the source is one
    pub item: Option<Item>,
}

impl SinkPlan for Images {
    fn formats(&self, source: &dyn Source) -> Result<Vec<PixelFormat>, PipelineError> {
        let is_turned = rotation(source) != 0;
        Ok(self.format.film_formats(self.write.subsampling, is_turned).to_vec())
    }

    fn encoder(&self) -> PlannedEncoder {
        PlannedEncoder { name: self.format.ending().to_owned(), options: Vec::new() }
    }

    fn whom(&self) -> String {
        format!("the encoder of {} files", self.format.ending())
    }

    /// Clears what killed runs left behind, and finds out where the numbers go on.
    fn open(
        self: Box<Self>,
        opening: Opening<'_>,
        report: &mut SinkReport,
    ) -> Result<Box<dyn Sink>, PipelineError> {
        let Images { format, write, namer, bound, sync, item } = *self;
        let folder = namer.folder().to_owned();
        if opening.dry_run && !folder.exists() {
            publish::check_folder(&folder)?;
        } else {
            publish::check_folder(&folder.join("picture"))?;
        }
        let retention = if opening.dry_run {
            Retention::none(&folder)
        } else {
            publish::sweep(&folder);
            Retention::open(&folder, bound)?
        };
        report.pictures = Some(opening.frames.clone());
        report.images = Some(ImagesReport::default());
        let mut sink = ImageSink {
            namer,
            extension: format.ending(),
            item,
            start: opening.source.window().start,
            index: 0,
            retention,
            sync,
            meter: Meter::default(),
            format,
            write,
            color: opening.frames.color.clone(),
            rotation: rotation(opening.source),
            workers: opening.workers.max(1),
            pool: opening.pool.clone(),
            published: 0,
            bytes: 0,
            last: None,
        };
        sink.index = first_index(&sink.namer, &sink.request(0))?;
        Ok(Box::new(sink))
    }
}

/// The output folder.
struct ImageSink {
    namer: Namer,
    extension: &'static str,
    item: Option<Item>,
    /// nanoseconds into the source that times are counted from
    start: i64,
    index: u64,
    retention: Retention,
    sync: bool,
    meter: Meter,
    format: PictureFormat,
    write: WriteOptions,
    color: Color,
    /// degrees clockwise by which frames are turned
    rotation: i32,
    workers: usize,
    pool: PlanePool,
    published: u64,
    bytes: u64,
    last: Option<PathBuf>,
}

impl Sink for ImageSink {
    fn maker(&self) -> Option<(usize, Maker)> {
        let (format, write, color) = (self.format, self.write, self.color.clone());
        let (rotation, pool) = (self.rotation, self.pool.clone());
        let failed = |e: String| PipelineError::System(format!("a picture cannot be written: {e}"));
        let maker: Maker = Box::new(move |meter| {
            let mut writer = FrameWriter::new(format, write, &color, &pool)
                .map_err(|e| failed(e.to_string()))?;
            let (meter, pool) = (std::sync::Arc::clone(meter), pool.clone());
            Ok(Box::new(move |frame: Frame| {
                let timestamp = frame.timestamp;
                let bytes = meter.time(1, || {
                    let frame = turned(frame, rotation, &pool).map_err(failed)?;
                    writer.write(&frame).map_err(|e| failed(e.to_string()))
                })?;
                Ok(EncodedImage { bytes, timestamp })
            }))
        });
        Some((self.workers, maker))
    }

    /// Frames come as images.
    fn frame(&mut self, _: &Frame) -> Result<(), PipelineError> {
        Ok(())
    }

    fn image(&mut self, image: EncodedImage) -> Result<(), PipelineError> {
        let path = self.publish(&image.bytes, image.timestamp)?;
        self.published += 1;
        self.bytes += image.bytes.len() as u64;
        self.last = Some(path);
        Ok(())
    }

    fn idle(&mut self) {
        self.retention.hold(SystemTime::now());
    }

    fn finish(
        mut self: Box<Self>,
        end: &mut End<'_>,
        report: &mut SinkReport,
    ) -> Result<(), PipelineError> {
        self.tell(report, end.stopped);
        if self.published == 0 && !end.stopped {
            return Err(nothing(end));
        }
        Ok(())
    }

    /// What is published stays.
    fn abandon(mut self: Box<Self>, report: &mut SinkReport) {
        self.tell(report, false);
    }
}

impl ImageSink {
    fn tell(&mut self, report: &mut SinkReport, stopped: bool) {
        report.frames = self.published;
        report.bytes = self.bytes;
        report.publish = Some(self.meter.reading());
        if let Some(images) = &mut report.images {
            images.published = self.published;
            images.last = self.last.as_ref().map(|p| p.to_string_lossy().into_owned());
            (images.removed, images.removed_early) = self.retention.removed();
            images.interrupted = stopped;
        }
        self.retention.finish();
    }

    /// Writes one picture. On a full disk, pictures that the folder's bound would remove later go
    /// now.
    ///
    /// # Errors
    /// `Publish`, `Plugin`.
    fn publish(&mut self, picture: &[u8], timestamp: i64) -> Result<PathBuf, PipelineError> {
        let begun = std::time::Instant::now();
        self.retention.make_place(SystemTime::now());
        let (mut taken, mut pushed_out) = (0, 0);
        let written = loop {
            match self.write_file(picture, timestamp) {
                Err(PipelineError::Publish(PublishError::Exists(_))) if taken < ATTEMPTS => {
                    taken += 1;
                }
                Err(PipelineError::Publish(e))
                    if is_full(&e) && pushed_out < PUSHED_OUT && self.retention.push_out() =>
                {
                    if pushed_out == 0 {
                        warn!("{e}; the oldest picture made room");
                    }
                    pushed_out += 1;
                }
                other => break other?,
            }
        };
        self.index += 1;
        self.meter.add(begun.elapsed(), 1);
        Ok(written)
    }

    fn write_file(&mut self, picture: &[u8], timestamp: i64) -> Result<PathBuf, PipelineError> {
        let reserved = self.namer.reserve(self.request(timestamp), &|_| false).map_err(unnamed)?;
        let path = reserved.path();
        let failed = |source| PublishError::Write {
            path: path.to_owned(),
            doing: "the picture could not be written",
            source,
        };
        let aside = Aside::create_next(path, false)?;
        let mut file = aside.file().map_err(failed)?;
        file.write_all(picture).map_err(failed)?;
        if self.retention.is_bound() {
            let facts = file.metadata().map_err(failed)?;
            self.retention.note(Path::new(reserved.name()), &facts, SystemTime::now())?;
        }
        let published = if self.sync { aside.publish() } else { aside.publish_unsynced() };
        if let Err(e) = published {
            self.retention.forget_last();
            return Err(e.into());
        }
        Ok(path.to_owned())
    }

    fn request(&self, timestamp: i64) -> Request {
        let now = SystemTime::now();
        let micros = now.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_micros());
        Request {
            sources: self.item.iter().cloned().collect(),
            index: self.index,
            position: Some(timestamp.saturating_add(self.start)),
            // Of a recording nobody knows; its file's times stand in.
            taken: i64::try_from(micros).ok().filter(|_| self.item.is_none()),
            extension: self.extension.to_owned(),
            folders: true,
            utc_offset: Some(utc_offset(now)),
            ..Request::default()
        }
    }
}

fn unnamed(error: NameError) -> PipelineError {
    match error {
        NameError::Plugin(e) => e.into(),
        NameError::Publish(e) => e.into(),
        NameError::Taken { path, policy } => PublishError::Write {
            path,
            doing: "has no name of its own",
            source: io::Error::other(format!("the naming policy `{policy}` gives no other")),
        }
        .into(),
    }
}

/// Whether it failed because there is no room.
fn is_full(error: &PublishError) -> bool {
    let source = match error {
        PublishError::Write { source, .. } | PublishError::Folder { source, .. } => source,
        _ => return false,
    };
    matches!(source.raw_os_error(), Some(libc::ENOSPC | libc::EDQUOT))
}
