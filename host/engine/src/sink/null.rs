//! What a dry run and `-o /dev/null` write to.

use std::io::{self, Read, Seek, SeekFrom, Write};

use super::{End, Opening, PlannedEncoder, SinkPlan, SinkReport, nothing};
use crate::error::PipelineError;
use crate::source::Source;
use filmgate_av::Sink;
use filmgate_core::frame::{Frame, PixelFormat};

/// Counts frames and forgets them, without encoding: what is left is the time of decoder and
/// plugins.
pub struct Discard;

impl SinkPlan for Discard {
    fn formats(&self, _: &dyn Source) -> Result<Vec<PixelFormat>, PipelineError> {
        Ok(PixelFormat::ALL.to_vec())
    }

    fn whom(&self) -> String {
        "an output that is discarded".to_owned()
    }

    fn encoder(&self) -> PlannedEncoder {
        PlannedEncoder { name: "none".to_owned(), options: Vec::new() }
    }

    fn open(
        self: Box<Self>,
        opening: Opening<'_>,
        report: &mut SinkReport,
    ) -> Result<Box<dyn super::Sink>, PipelineError> {
        report.encoded = Some(opening.frames.clone());
        Ok(Box::new(Counted(0)))
    }
}

/// How many frames came.
struct Counted(u64);

impl super::Sink for Counted {
    fn frame(&mut self, _: &Frame) -> Result<(), PipelineError> {
        self.0 += 1;
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
        if self.0 == 0 {
            return Err(if end.stopped { PipelineError::Interrupted } else { nothing(end) });
        }
        report.frames = self.0;
        Ok(())
    }
}

/// Takes whatever is written and forgets it: a muxer can be asked what it would take.
#[derive(Default)]
pub(super) struct Null(u64);

impl Write for Null {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Null {}

impl Read for Null {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Ok(0)
    }
}

impl Seek for Null {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::Current(by) | SeekFrom::End(by) => self.0.checked_add_signed(by),
        };
        self.0 = place.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.0)
    }
}
