//! Raw frames, out of a pipe, a file, or a program.

use tracing::warn;

use super::feed::Feed;
use super::{Event, Source, SourceReport};
use crate::error::PipelineError;
use filmgate_av::{MediaError, MediaErrorKind, RawFormat, RawPictures};
use filmgate_core::frame::{Color, Frame, PixelFormat, PlanePool, Rational, StreamInfo};
use filmgate_core::time::begin_of;

/// What raw pictures are.
#[derive(Clone, Debug)]
pub struct RawStream {
    pub format: RawFormat,
    /// pictures a second
    pub rate: Rational,
    /// what RGB is made into, and what YUV is
    pub color: Color,
    /// odd sides grow by one sample, rather than being refused
    pub even: bool,
}

/// Raw pictures out of a [`Feed`].
pub struct Raw {
    feed: Box<dyn Feed>,
    stream: RawStream,
    pool: PlanePool,
    pictures: Option<RawPictures>,
    target: PixelFormat,
    buffer: Vec<u8>,
    count: u64,
    partial: u64,
    partial_bytes: u64,
}

impl Raw {
    pub fn new(feed: Box<dyn Feed>, stream: RawStream, pool: &PlanePool) -> Raw {
        let target = stream.format.nearest();
        let (pool, buffer) = (pool.clone(), Vec::new());
        Raw {
            feed,
            stream,
            pool,
            pictures: None,
            target,
            buffer,
            count: 0,
            partial: 0,
            partial_bytes: 0,
        }
    }

    fn info(&self, format: PixelFormat) -> StreamInfo {
        let (width, height) = self.stream.format.size();
        let up = |side: u32| if self.stream.even { side.next_multiple_of(2) } else { side };
        StreamInfo {
            format,
            width: up(width),
            height: up(height),
            frame_rate: Some(self.stream.rate),
            sample_aspect: Rational { num: 1, den: 1 },
            color: self.stream.color.clone(),
        }
    }

    /// The bytes of a picture that nobody completed.
    fn left_behind(&mut self, bytes: usize) -> Result<(), MediaError> {
        if bytes == 0 {
            return Ok(());
        }
        let (name, whole) = (self.feed.name(), self.stream.format.frame_bytes());
        let ((width, height), format) = (self.stream.format.size(), self.stream.format.name());
        let message = format!(
            "{name}: {bytes} bytes came where a picture of {width}x{height} {format} has {whole}"
        );
        self.partial += 1;
        self.partial_bytes += bytes as u64;
        if let Some(pictures) = &mut self.pictures {
            pictures.reset();
        }
        if self.count == 0 && self.partial == 1 {
            let message = format!("{message}: are size and format right?");
            return Err(MediaError { kind: MediaErrorKind::Truncated, message });
        }
        warn!("{message}; the last picture is not complete and is left out");
        Ok(())
    }

    /// Reads the bytes of one picture; those that came, where it is not complete.
    fn read(&mut self) -> Result<Option<usize>, MediaError> {
        let Some(pictures) = &mut self.pictures else { return Ok(Some(0)) };
        let mut came = 0;
        while let Some(wanted) = pictures.wants() {
            if self.buffer.len() < wanted {
                self.buffer.resize(wanted, 0);
            }
            let buffer = &mut self.buffer[..wanted];
            let name = self.feed.name().to_owned();
            let read = self.feed.fill(buffer).map_err(|e| MediaError {
                kind: MediaErrorKind::Read,
                message: format!("read {name}: {e}"),
            })?;
            came += read;
            if read < wanted {
                return Ok(Some(came));
            }
            pictures.take(buffer)?;
        }
        Ok(None)
    }
}

impl Source for Raw {
    /// RGB can be made into what the encoder takes while it is read.
    fn offers(&self, encoder: &[PixelFormat]) -> Vec<StreamInfo> {
        let nearest = self.stream.format.nearest();
        let mut offers = vec![self.info(nearest)];
        if let Some(first) = encoder.first().filter(|f| **f != nearest) {
            offers.push(self.info(*first));
        }
        offers
    }

    fn choose(&mut self, wanted: &StreamInfo) -> Result<(), PipelineError> {
        let RawStream { format, color, even, .. } = &self.stream;
        self.target = wanted.format;
        self.pictures = Some(RawPictures::new(*format, wanted.format, color, *even, &self.pool)?);
        Ok(())
    }

    fn time_base(&self) -> Rational {
        Rational { num: self.stream.rate.den, den: self.stream.rate.num }
    }

    fn next(&mut self) -> Result<Option<Event>, PipelineError> {
        while let Some(bytes) = self.read()? {
            if self.feed.is_stopped() {
                return Ok(None);
            }
            self.left_behind(bytes)?;
            let failed = |e| MediaError { kind: MediaErrorKind::Read, message: format!("{e}") };
            if !self.feed.next_writer().map_err(failed)? {
                return Ok(None);
            }
        }
        let Some(pictures) = &mut self.pictures else { return Ok(None) };
        let ((width, height), planes) = (pictures.size(), pictures.finish()?);
        let index = self.count;
        self.count += 1;
        let rate = self.stream.rate;
        Ok(Some(Event::Frame(Frame {
            format: self.target,
            width,
            height,
            planes,
            index,
            timestamp: begin_of(index as i64, rate),
            duration: Some(begin_of(1, rate)),
            tags: None,
            baggage: None,
        })))
    }

    fn report(&self) -> SourceReport {
        SourceReport {
            decoded: self.count,
            frames: self.count,
            partial: self.partial,
            partial_bytes: self.partial_bytes,
            lost_alpha: self.pictures.as_ref().is_some_and(RawPictures::lost_alpha),
            ..SourceReport::default()
        }
    }

    fn nothing(&self) -> MediaError {
        nothing_came()
    }
}

/// Why there is no output where no frame was written into the pipe.
pub(super) fn nothing_came() -> MediaError {
    MediaError {
        kind: MediaErrorKind::Empty,
        message: "not one picture came; there is no output".to_owned(),
    }
}
