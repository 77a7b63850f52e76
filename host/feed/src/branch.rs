//! Formats with an encoder of their own, made only while somebody looks: JPEG and MPEG-2.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use filmgate_av::{EncodeOptions, VideoEncoder};
use filmgate_core::frame::{Frame, PlanePool, Rational, StreamInfo};
use filmgate_engine::PipelineError;
use filmgate_engine::sink::{Chunk, ChunkKind, Chunked, Chunks, TakeChunk};
use filmgate_picture::{FrameWriter, PictureFormat, WriteOptions};

use crate::spec::Format;

/// Which formats are wanted now.
#[derive(Default)]
pub(crate) struct Wanted(Mutex<HashMap<Format, Arc<AtomicBool>>>);

impl Wanted {
    pub(crate) fn flag(&self, format: Format) -> Arc<AtomicBool> {
        let mut flags = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(flags.entry(format).or_default())
    }

    pub(crate) fn set(&self, format: Format, wanted: bool) {
        self.flag(format).store(wanted, Ordering::Relaxed);
    }
}

/// Frames a second that MPEG-2 knows (ISO/IEC 13818-2, table 6-4).
const RATES: [(i32, i32); 8] =
    [(24_000, 1001), (24, 1), (25, 1), (30_000, 1001), (30, 1), (50, 1), (60_000, 1001), (60, 1)];

/// The lowest of the rates at which no frame is left out.
fn rate(info: &StreamInfo) -> (i32, i32) {
    let wanted = info.frame_rate.map_or(25.0, |r| f64::from(r.num) / f64::from(r.den.max(1)));
    let fits = |(num, den): &(i32, i32)| f64::from(*num) / f64::from(*den) > wanted - 0.01;
    RATES.iter().copied().find(fits).unwrap_or((60, 1))
}

/// MPEG-2 in a program stream.
struct Mpeg {
    encoder: VideoEncoder,
    chunks: Chunks,
    /// nanoseconds
    step: i64,
    /// the last tick that has a frame
    last: Option<i64>,
}

impl Mpeg {
    fn begin(info: &StreamInfo, name: &str, take: &TakeChunk) -> Result<Mpeg, PipelineError> {
        let (num, den) = rate(info);
        let seconds = f64::from(num) / f64::from(den);
        let options = EncodeOptions {
            codec: "mpeg2video".to_owned(),
            // About what MPEG-2 needs to look like the H.264 beside it.
            bit_rate: Some(i64::from(info.width * info.height) * 5),
            options: vec![
                ("g".to_owned(), format!("{}", seconds.round())),
                ("bf".to_owned(), "0".to_owned()),
            ],
            ..EncodeOptions::default()
        };
        let info = StreamInfo { frame_rate: Some(Rational { num, den }), ..info.clone() };
        let encoder = VideoEncoder::new(&info, Rational { num: den, den: num }, &options)?;
        let to = Chunked { name: name.to_owned(), take: Arc::clone(take) };
        let chunks = Chunks::begin(Format::Mpg.container(), &encoder, &[], to)?;
        let step = 1_000_000_000 * i64::from(den) / i64::from(num);
        Ok(Mpeg { encoder, chunks, step, last: None })
    }

    fn frame(&mut self, frame: &Frame) -> Result<(), PipelineError> {
        // Its clock ticks at its frame rate: a frame goes to the nearest tick that is free.
        let tick = (frame.timestamp + self.step / 2) / self.step;
        let tick = self.last.map_or(tick, |last| tick.max(last + 1));
        self.last = Some(tick);
        let mut frame = frame.clone();
        (frame.timestamp, frame.duration) = (tick * self.step, Some(self.step));
        self.encoder.send(&frame)?;
        while let Some(packet) = self.encoder.receive()? {
            self.chunks.write(packet)?;
        }
        Ok(())
    }
}

/// Makes the formats that are wanted of each frame.
pub(crate) struct Branches {
    name: String,
    info: StreamInfo,
    pool: PlanePool,
    take: Box<dyn Fn(Format) -> TakeChunk + Send>,
    jpeg: Arc<AtomicBool>,
    mpeg: Arc<AtomicBool>,
    writer: Option<FrameWriter>,
    encoder: Option<Mpeg>,
}

impl Branches {
    pub(crate) fn new(
        name: &str,
        info: &StreamInfo,
        pool: &PlanePool,
        wanted: &Wanted,
        take: Box<dyn Fn(Format) -> TakeChunk + Send>,
    ) -> Branches {
        Branches {
            name: name.to_owned(),
            info: info.clone(),
            pool: pool.clone(),
            take,
            jpeg: wanted.flag(Format::Jpeg),
            mpeg: wanted.flag(Format::Mpg),
            writer: None,
            encoder: None,
        }
    }

    /// A frame of the stream. What goes wrong with one of the formats ends that format alone.
    pub(crate) fn frame(&mut self, frame: &Frame) {
        if self.jpeg.load(Ordering::Relaxed)
            && let Err(e) = self.jpeg(frame)
        {
            tracing::warn!("{}: JPEG: {e}", self.name);
            self.jpeg.store(false, Ordering::Relaxed);
        }
        if !self.mpeg.load(Ordering::Relaxed) {
            self.encoder = None;
        } else if let Err(e) = self.mpeg(frame) {
            tracing::warn!("{}: MPEG-2: {e}", self.name);
            self.encoder = None;
            self.mpeg.store(false, Ordering::Relaxed);
        }
    }

    fn jpeg(&mut self, frame: &Frame) -> Result<(), String> {
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => {
                let (format, color) = (PictureFormat::Jpeg, &self.info.color);
                let options = WriteOptions { quality: 85, ..WriteOptions::default() };
                let writer = FrameWriter::new(format, options, color, &self.pool);
                none.insert(writer.map_err(|e| e.to_string())?)
            }
        };
        let bytes = writer.write(frame).map_err(|e| e.to_string())?;
        let chunk = Chunk { kind: ChunkKind::Key, timestamp: frame.timestamp, bytes };
        (self.take)(Format::Jpeg)(chunk);
        Ok(())
    }

    fn mpeg(&mut self, frame: &Frame) -> Result<(), PipelineError> {
        let encoder = match &mut self.encoder {
            Some(encoder) => encoder,
            none => none.insert(Mpeg::begin(&self.info, &self.name, &(self.take)(Format::Mpg))?),
        };
        encoder.frame(frame)
    }
}
