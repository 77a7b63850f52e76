//! Sound beside encoded pictures.

use crate::media::{EncodedPacket, MediaError, StreamTemplate};

/// A source of sound, asked after each picture for what belongs before its end.
pub trait Sound: Send {
    /// What a container must know of it.
    ///
    /// # Errors
    /// OutOfMemory.
    fn template(&self) -> Result<StreamTemplate, MediaError>;

    /// The packets that begin before `time`, nanoseconds. Never waits for a pipe.
    ///
    /// # Errors
    /// Read, Encode.
    fn until(&mut self, time: i64) -> Result<Vec<EncodedPacket>, MediaError>;
}
