//! Where a job's container goes: to a file that is written aside, or, in a dry run, nowhere.

use std::io::{self, Read, Seek, SeekFrom, Write};

use super::error::PipelineError;
use super::job::FileJob;
use crate::media::Sink;
use crate::publish::Aside;

pub(super) enum Destination {
    File(Aside),
    Nowhere,
}

impl Destination {
    /// Begins the output of a job.
    pub(super) fn of(job: &FileJob) -> Result<Destination, PipelineError> {
        match job.dry_run {
            true => {
                crate::publish::check_folder(&job.output)?;
                Ok(Destination::Nowhere)
            }
            false => Ok(Destination::File(Aside::create(&job.output, job.replace)?)),
        }
    }

    /// What a muxer writes to.
    pub(super) fn sink(&self) -> Result<Box<dyn Sink>, PipelineError> {
        match self {
            Destination::File(aside) => Ok(Box::new(aside.file().map_err(|e| {
                PipelineError::System(format!("{}: cannot be opened: {e}", aside.path().display()))
            })?)),
            Destination::Nowhere => Ok(Box::new(Nowhere(0))),
        }
    }

    /// Gives the output its name; answers how many bytes it has.
    pub(super) fn publish(self) -> Result<u64, PipelineError> {
        let Destination::File(aside) = self else { return Ok(0) };
        let bytes = aside.file().and_then(|f| f.metadata()).map_or(0, |m| m.len());
        aside.publish()?;
        Ok(bytes)
    }
}

/// Takes whatever is written and forgets it: a muxer can be asked what it would take.
struct Nowhere(u64);

impl Write for Nowhere {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Nowhere {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Ok(0)
    }
}

impl Seek for Nowhere {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::Current(by) | SeekFrom::End(by) => self.0.checked_add_signed(by),
        };
        self.0 = place.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.0)
    }
}
