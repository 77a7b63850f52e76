//! Where pictures come from: raw bytes, or anything that libav decodes.

use std::time::{Duration, Instant};

use tracing::warn;

use super::feed::Feed;
use filmgate_av::{MediaError, MediaErrorKind, RawFormat, RawPictures};
use filmgate_core::cancel::Cancel;
use filmgate_core::frame::{Color, Frame, PixelFormat, PlanePool, Rational, StreamInfo};

/// A source of pictures.
pub trait Pictures: Send {
    /// The formats that it can give its pictures in without more ado, with what they are then; the
    /// one that loses least comes first.
    fn offers(&self, encoder: &[PixelFormat]) -> Vec<StreamInfo>;

    /// Says which of the offers is wanted.
    ///
    /// # Errors
    /// Where that turns out to be impossible.
    fn choose(&mut self, wanted: &StreamInfo) -> Result<(), MediaError>;

    /// The time base of their timestamps.
    fn time_base(&self) -> Rational;

    /// The next picture; none at the end.
    ///
    /// # Errors
    /// Read, Decode, Truncated.
    fn next(&mut self) -> Result<Option<Frame>, MediaError>;

    /// What came that was no picture.
    fn ended(&self) -> Ended {
        Ended::default()
    }
}

/// What a source has to say at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// writers that left in the middle of a picture
    pub partial: u64,
    /// bytes of the pictures that they left behind
    pub partial_bytes: u64,
    /// packets that could not be decoded
    pub damaged: u64,
}

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
    ended: Ended,
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
            ended: Ended::default(),
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
        self.ended.partial += 1;
        self.ended.partial_bytes += bytes as u64;
        if let Some(pictures) = &mut self.pictures {
            pictures.reset();
        }
        if self.count == 0 && self.ended.partial == 1 {
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

impl Pictures for Raw {
    /// RGB can be made into what the encoder takes while it is read.
    fn offers(&self, encoder: &[PixelFormat]) -> Vec<StreamInfo> {
        let nearest = self.stream.format.nearest();
        let mut offers = vec![self.info(nearest)];
        if let Some(first) = encoder.first().filter(|f| **f != nearest) {
            offers.push(self.info(*first));
        }
        offers
    }

    fn choose(&mut self, wanted: &StreamInfo) -> Result<(), MediaError> {
        let RawStream { format, color, even, .. } = &self.stream;
        self.target = wanted.format;
        self.pictures = Some(RawPictures::new(*format, wanted.format, color, *even, &self.pool)?);
        Ok(())
    }

    fn time_base(&self) -> Rational {
        Rational { num: self.stream.rate.den, den: self.stream.rate.num }
    }

    fn next(&mut self) -> Result<Option<Frame>, MediaError> {
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
        Ok(Some(Frame {
            format: self.target,
            width,
            height,
            planes,
            index,
            timestamp: nanoseconds(index, rate),
            duration: Some(nanoseconds(1, rate)),
            tags: None,
            baggage: None,
        }))
    }

    fn ended(&self) -> Ended {
        self.ended
    }
}

/// When picture `index` begins at a steady rate.
pub(super) fn nanoseconds(index: u64, rate: Rational) -> i64 {
    let time = u128::from(index) * 1_000_000_000 * rate.den.unsigned_abs() as u128
        / u128::from(rate.num.unsigned_abs().max(1));
    i64::try_from(time).unwrap_or(i64::MAX)
}

/// Lets pictures go at the times that they are for (`--realtime`).
pub(super) struct Pace {
    start: Option<Instant>,
}

impl Pace {
    pub(super) fn new() -> Pace {
        Pace { start: None }
    }

    /// Waits for a picture's time, or for the end of the job.
    pub(super) fn wait(&mut self, timestamp: i64, stop: &Cancel) {
        const STEP: Duration = Duration::from_millis(20);
        let start = *self.start.get_or_insert_with(Instant::now);
        let due = start + Duration::from_nanos(u64::try_from(timestamp).unwrap_or(0));
        while !stop.is_cancelled() {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            std::thread::sleep(left.min(STEP));
        }
    }
}
