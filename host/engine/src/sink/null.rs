//! What a dry run writes to.

use std::io::{self, Read, Seek, SeekFrom, Write};

use filmgate_av::Sink;

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
