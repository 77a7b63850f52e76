//! A container in chunks, for viewers who come and go: each chunk is what one packet became, so that
//! whoever hands them on can let somebody begin at any keyframe.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::target::{Chunk, ChunkKind, Chunked};
use crate::error::PipelineError;
use filmgate_av::{EncodedPacket, Muxer, Sink, VideoEncoder};

/// What the muxer has written since the last chunk.
#[derive(Clone, Default)]
struct Gathered(Arc<Mutex<Vec<u8>>>);

impl Gathered {
    fn drain(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Gathered {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Gathered {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl Seek for Gathered {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl Sink for Gathered {}

/// The options of a container that is written live: an mp4 is cut by [`Muxer::flush_live`], and
/// says the times that its pictures really have, however often it was begun anew.
fn live_options(format: &str) -> Vec<(String, String)> {
    let option = match format {
        "mp4" => ("movflags", "+empty_moov+default_base_moof+frag_custom+frag_discont"),
        "flv" => ("flvflags", "+no_duration_filesize"),
        "mpegts" => ("mpegts_flags", "+pat_pmt_at_frames"),
        _ => return Vec::new(),
    };
    vec![(option.0.to_owned(), option.1.to_owned())]
}

/// A container that is written in chunks. It holds the video alone.
pub struct Chunks {
    muxer: Muxer,
    gathered: Gathered,
    to: Chunked,
}

impl Chunks {
    /// Begins it; the header is its first chunk.
    ///
    /// # Errors
    /// Unsupported where the container cannot hold what the encoder makes; OutOfMemory.
    pub fn begin(
        format: &str,
        encoder: &VideoEncoder,
        options: &[(String, String)],
        to: Chunked,
    ) -> Result<Chunks, PipelineError> {
        let gathered = Gathered::default();
        let mut muxer = Muxer::stream(format, Box::new(gathered.clone()), Path::new(&to.name))?;
        muxer.add_encoded(encoder, None)?;
        let mut all = live_options(format);
        all.retain(|(key, _)| !options.iter().any(|(own, _)| own == key));
        all.extend(options.iter().cloned());
        muxer.write_header(&all)?;
        let mut chunks = Chunks { muxer, gathered, to };
        chunks.give(ChunkKind::Header, 0)?;
        Ok(chunks)
    }

    /// Adds a packet of the encoder.
    ///
    /// # Errors
    /// Encode, where the container refuses it.
    pub fn write(&mut self, packet: EncodedPacket) -> Result<(), PipelineError> {
        let kind = if packet.is_key() { ChunkKind::Key } else { ChunkKind::Delta };
        let timestamp = packet.timestamp().unwrap_or(0);
        self.muxer.write_encoded(0, packet)?;
        self.give(kind, timestamp)
    }

    fn give(&mut self, kind: ChunkKind, timestamp: i64) -> Result<(), PipelineError> {
        self.muxer.flush_live()?;
        let bytes = self.gathered.drain();
        // A container may say nothing in its header, and may hold a packet back.
        if kind == ChunkKind::Header || !bytes.is_empty() {
            (self.to.take)(Chunk { kind, timestamp, bytes });
        }
        Ok(())
    }
}
