//! Sound beside encoded pictures: out of a file as it is there, out of a second pipe, or silence.

use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::source::{Feed, PipeFeed};
use filmgate_av::{
    EncodedPacket, Input, MediaError, MediaErrorKind, Packet, SoundEncoder, StreamKind,
    StreamTemplate,
};

/// A source of sound, asked after each picture for what belongs before its end.
pub trait Audio: Send {
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

/// Nothing to hear, for servers and players that want sound to be there.
pub struct Silence(SoundEncoder);

impl Silence {
    /// # Errors
    /// Unsupported.
    pub fn new(rate: u32, channels: u8) -> Result<Silence, MediaError> {
        Ok(Silence(SoundEncoder::new(rate, channels)?))
    }
}

impl Audio for Silence {
    fn template(&self) -> Result<StreamTemplate, MediaError> {
        self.0.template()
    }

    fn until(&mut self, time: i64) -> Result<Vec<EncodedPacket>, MediaError> {
        self.0.silence_until(time)
    }
}

/// The first sound of a file, copied.
pub struct Copied {
    input: Input,
    stream: usize,
    /// read, but not due yet
    next: Option<Packet>,
}

impl Copied {
    /// # Errors
    /// NotMedia where there is no sound in it.
    pub fn new(input: Input) -> Result<Copied, MediaError> {
        let streams = &input.facts().streams;
        let Some(stream) = streams.iter().find(|s| s.kind == StreamKind::Audio).map(|s| s.index)
        else {
            let message = format!("{}: there is no sound in it", input.path().display());
            return Err(MediaError { kind: MediaErrorKind::NotMedia, message });
        };
        Ok(Copied { input, stream, next: None })
    }

    fn read(&mut self) -> Result<Option<Packet>, MediaError> {
        if let Some(packet) = self.next.take() {
            return Ok(Some(packet));
        }
        while let Some(packet) = self.input.read()? {
            if packet.stream() == self.stream {
                return Ok(Some(packet));
            }
        }
        Ok(None)
    }
}

impl Audio for Copied {
    fn template(&self) -> Result<StreamTemplate, MediaError> {
        self.input.template(self.stream)
    }

    fn until(&mut self, time: i64) -> Result<Vec<EncodedPacket>, MediaError> {
        let start = self.input.facts().start;
        let mut packets = Vec::new();
        while let Some(packet) = self.read()? {
            if packet.time().is_some_and(|t| t.saturating_sub(start) >= time) {
                self.next = Some(packet);
                break;
            }
            packets.push(packet.into_encoded(-start));
        }
        Ok(packets)
    }
}

/// Samples out of a second pipe. What comes too late, or never, is silence: a picture never waits
/// for it.
pub struct Piped {
    encoder: SoundEncoder,
    samples: Receiver<Vec<i16>>,
}

/// How much later than the pictures sound may come, nanoseconds.
const LATE: i64 = 500_000_000;

/// Blocks that may wait, of [`BLOCK`] samples a channel each: some five seconds.
const BLOCKS: usize = 256;
const BLOCK: usize = 1_024;

impl Piped {
    /// # Errors
    /// Unsupported; a system that starts no more threads.
    pub fn new(feed: PipeFeed, rate: u32, channels: u8) -> Result<Piped, MediaError> {
        let encoder = SoundEncoder::new(rate, channels)?;
        let (sender, samples) = bounded(BLOCKS);
        let bytes = BLOCK * 2 * encoder.channels();
        let spawned = thread::Builder::new()
            .name("sound".to_owned())
            .spawn(move || listen(feed, &sender, bytes));
        match spawned {
            Ok(_) => Ok(Piped { encoder, samples }),
            Err(e) => {
                let message = format!("a thread could not be started: {e}");
                Err(MediaError { kind: MediaErrorKind::Read, message })
            }
        }
    }
}

/// Ends with the writer, the job, or whoever takes the samples.
fn listen(mut feed: PipeFeed, samples: &Sender<Vec<i16>>, bytes: usize) {
    let mut block = vec![0; bytes];
    loop {
        let came = match feed.fill(&mut block) {
            Ok(0) => return,
            Ok(came) => came,
            Err(e) => return tracing::warn!("{}: the sound ends here: {e}", feed.name()),
        };
        let pairs = block[..came].chunks_exact(2);
        if samples.send(pairs.map(|b| i16::from_le_bytes([b[0], b[1]])).collect()).is_err() {
            return;
        }
    }
}

impl Audio for Piped {
    fn template(&self) -> Result<StreamTemplate, MediaError> {
        self.encoder.template()
    }

    fn until(&mut self, time: i64) -> Result<Vec<EncodedPacket>, MediaError> {
        let mut packets = Vec::new();
        while self.encoder.time() < time {
            let Ok(samples) = self.samples.try_recv() else { break };
            packets.extend(self.encoder.send(&samples)?);
        }
        if self.encoder.time() < time.saturating_sub(LATE) {
            packets.extend(self.encoder.silence_until(time)?);
        }
        Ok(packets)
    }
}
