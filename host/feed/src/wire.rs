//! What a feed's worker and its parent say to each other, over one stream socket. The worker: the
//! lengths of a JSON text and of bytes, four bytes each, big-endian; then both. The parent: a line of
//! JSON each; the first one is the feed's description.

use std::io::{self, Read, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use filmgate_engine::sink::{Chunk, ChunkKind};
use filmgate_plugin::{Description, PluginRecord};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::spec::Format;

/// The longest text, and the most bytes, of one message: an uncompressed 8K frame is smaller.
const LONGEST: u32 = 256 << 20;

/// What a chunk is to somebody who begins to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Header,
    Key,
    Delta,
}

impl From<ChunkKind> for Kind {
    fn from(kind: ChunkKind) -> Kind {
        match kind {
            ChunkKind::Header => Kind::Header,
            ChunkKind::Key => Kind::Key,
            ChunkKind::Delta => Kind::Delta,
        }
    }
}

/// What a worker says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "say")]
pub enum Message {
    /// the source is open
    Opened { width: u32, height: u32, frame_rate: Option<f64> },
    /// a part of a stream, with its bytes behind it
    Chunk {
        stream: String,
        format: Format,
        kind: Kind,
        /// nanoseconds of the stream
        timestamp: i64,
        /// milliseconds since 1970 at which it was made
        at: f64,
    },
    /// which plugins a stream has now: an array of what `plugin inspect` and a receipt say
    Chain { stream: String, plugins: Value },
    /// how the streams do, once a second
    Status { streams: Vec<StreamState> },
    /// what came of an order
    Answer { id: u64, error: Option<String>, frame: Option<u64> },
    /// a stream has ended, with the reason
    Lost { stream: String, reason: String },
    /// the source has ended; where a next one is to go on, nanoseconds
    Ended { next: i64, error: Option<String> },
}

/// How a stream does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StreamState {
    pub stream: String,
    /// frames that were encoded
    pub frames: u64,
    /// frames for which there was no time
    pub dropped: u64,
    pub plugins: Vec<PluginState>,
}

/// How a plugin does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PluginState {
    pub name: String,
    pub frames: u64,
    pub ms_a_frame: f64,
    pub failures: u64,
    pub bypassed: u64,
}

/// A plugin of a chain, for whoever shows or changes it.
#[derive(Serialize)]
pub(crate) struct Link<'a> {
    /// what `-p` is given
    pub(crate) given: String,
    #[serde(flatten)]
    pub(crate) record: PluginRecord,
    pub(crate) description: &'a Description,
}

/// What a parent says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Command {
    /// comes back with the answer
    pub id: u64,
    pub stream: String,
    #[serde(flatten)]
    pub order: Order,
}

/// What a stream is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "order")]
pub enum Order {
    /// make a format, or no longer
    Make { format: Format, wanted: bool },
    /// have these plugins, each as `-p` is given it
    Chain { plugins: Vec<String> },
    /// give a plugin of the chain other values; those that are not named stay
    Parameters { plugin: usize, values: Vec<(String, String)> },
}

/// The worker's end of the socket, for all of its threads.
pub(crate) struct Reporter<W> {
    socket: Mutex<W>,
}

impl<W: Write> Reporter<W> {
    pub(crate) fn new(socket: W) -> Reporter<W> {
        Reporter { socket: Mutex::new(socket) }
    }

    /// Says something; false when nobody listens any more.
    pub(crate) fn say(&self, message: &Message, bytes: &[u8]) -> bool {
        let Ok(text) = serde_json::to_vec(message) else { return false };
        let length = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_be_bytes();
        let mut head = Vec::with_capacity(8 + text.len());
        head.extend_from_slice(&length(text.len()));
        head.extend_from_slice(&length(bytes.len()));
        head.extend_from_slice(&text);
        let mut socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        socket.write_all(&head).and_then(|()| socket.write_all(bytes)).is_ok()
    }

    pub(crate) fn chunk(&self, stream: &str, format: Format, chunk: &Chunk) -> bool {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let message = Message::Chunk {
            stream: stream.to_owned(),
            format,
            kind: chunk.kind.into(),
            timestamp: chunk.timestamp,
            at: since.as_secs_f64() * 1e3,
        };
        self.say(&message, &chunk.bytes)
    }
}

/// The next thing that a worker says, with its bytes; none at the end.
///
/// # Errors
/// Of the socket; `InvalidData` for what is no message.
pub fn read_message(from: &mut impl Read) -> io::Result<Option<(Message, Vec<u8>)>> {
    let mut lengths = [0; 8];
    match from.read_exact(&mut lengths) {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(e) => return Err(e),
    }
    let [a, b, c, d, e, f, g, h] = lengths;
    let (text, bytes) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
    if text > LONGEST || bytes > LONGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut take = |length: u32| {
        let mut part = vec![0; length as usize];
        from.read_exact(&mut part).map(|()| part)
    };
    let (text, bytes) = (take(text)?, take(bytes)?);
    Ok(Some((serde_json::from_slice(&text)?, bytes)))
}
