//! Where the bytes of raw pictures come from.

use std::io::{self, ErrorKind, Read};

use crossbeam_channel::Receiver;

/// A source of bytes, which may come from several writers one after the other.
pub trait Feed: Send {
    /// Fills the buffer; fewer bytes than that are a writer's last ones, or the end of the job.
    ///
    /// # Errors
    /// Of the system.
    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Makes ready for the next writer; false when there is to be none.
    ///
    /// # Errors
    /// Of the system.
    fn next_writer(&mut self) -> io::Result<bool> {
        Ok(false)
    }

    /// Whether it ended because it was told to, so that what is missing is nobody's fault.
    fn is_stopped(&self) -> bool {
        false
    }

    /// For messages.
    fn name(&self) -> &str;
}

/// Anything that can be read, to its end.
pub struct ReadFeed<R>(pub R);

impl<R: Read + Send> Feed for ReadFeed<R> {
    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut count = 0;
        while count < buffer.len() {
            match self.0.read(&mut buffer[count..]) {
                Ok(0) => break,
                Ok(some) => count += some,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(count)
    }

    fn name(&self) -> &'static str {
        "the reader"
    }
}

/// Pictures that another thread hands over, each whole.
pub(crate) struct ChannelFeed {
    pub(crate) pictures: Receiver<Vec<u8>>,
    pub(crate) now: Vec<u8>,
    pub(crate) taken: usize,
}

impl Feed for ChannelFeed {
    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut count = 0;
        while count < buffer.len() {
            if self.taken == self.now.len() {
                let Ok(next) = self.pictures.recv() else { break };
                (self.now, self.taken) = (next, 0);
            }
            let some = (buffer.len() - count).min(self.now.len() - self.taken);
            buffer[count..count + some].copy_from_slice(&self.now[self.taken..self.taken + some]);
            (self.taken, count) = (self.taken + some, count + some);
        }
        Ok(count)
    }

    fn name(&self) -> &'static str {
        "the caller"
    }
}
