//! Encoding as a library call: pictures that a program has in memory.

use std::thread::{self, JoinHandle};

use crossbeam_channel::{Sender, bounded};

use crate::error::PipelineError;
use crate::graph::Progress;
use crate::report::Report;
use crate::session::{Options, Session};
use crate::sink::{Encoded, Output, Selection, Service, Target};
use crate::source::feed::ChannelFeed;
use crate::source::{Raw, RawStream};
use crate::stop::Stop;
use filmgate_av::{EncodeOptions, MediaError, MediaErrorKind, Muxer, RawFormat, encoder_named};
use filmgate_core::frame::{Color, PlanePool, Rational};

/// Encodes pictures that a program hands over, on threads of its own.
///
/// ```no_run
/// use filmgate_core::frame::Rational;
/// use filmgate_engine::{Encoder, file};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let rate = Rational { num: 25, den: 1 };
/// let mut encoder = Encoder::start((1280, 720), "bgr24", rate, vec![file("out.mp4")?])?;
/// let mut picture = vec![0; encoder.frame_bytes()];
/// for number in 0..100u8 {
///     picture.fill(number);
///     encoder.write(&picture)?;
/// }
/// let summary = encoder.finish()?;
/// assert_eq!(summary.frames_out, 100);
/// # Ok(())
/// # }
/// ```
///
/// For plugins on the way, sound, other encoders and other sources of pictures see [`Session`]. Dropped
/// without [`Encoder::finish`], it leaves no file behind.
pub struct Encoder {
    pictures: Option<Sender<Vec<u8>>>,
    frame_bytes: usize,
    thread: Option<JoinHandle<Result<Report, PipelineError>>>,
    stop: Stop,
}

/// Pictures that may wait for the encoder.
const QUEUE: usize = 2;

/// A file as an output; its ending says which container.
///
/// # Errors
/// Unsupported for an ending that names none.
pub fn file(path: impl Into<std::path::PathBuf>) -> Result<Output, MediaError> {
    let path = path.into();
    let format = Muxer::format_for(&path, None)?;
    Ok(Output::new(Target::File(path), format))
}

impl Encoder {
    /// Starts to encode raw pictures of `size` and of libav's `pixel_format`, `rate` a second, to
    /// H.264, as `filmgate encode` does when it is told nothing else.
    ///
    /// # Errors
    /// Everything that can be wrong before the first picture.
    pub fn start(
        (width, height): (u32, u32),
        pixel_format: &str,
        rate: Rational,
        outputs: Vec<Output>,
    ) -> Result<Encoder, PipelineError> {
        let format = RawFormat::new(pixel_format, width, height)?;
        if rate.num <= 0 || rate.den <= 0 {
            let message = format!("{rate} pictures a second are none");
            return Err(MediaError { kind: MediaErrorKind::Unsupported, message }.into());
        }
        let (pictures, received) = bounded(QUEUE);
        let feed = ChannelFeed { pictures: received, now: Vec::new(), taken: 0 };
        let color = Color::of_screen(height >= 720, format.is_full_range());
        let stream = RawStream { format, rate, color, even: false };
        let (pool, stop) = (PlanePool::new(), Stop::default());
        let encode = EncodeOptions {
            codec: encoder_named("h264")?,
            preset: Some("ultrafast".to_owned()),
            tune: Some("zerolatency".to_owned()),
            pixel_format: Some(filmgate_core::frame::PixelFormat::Yuv420p),
            options: vec![("g".to_owned(), two_seconds(rate).to_string())],
            ..EncodeOptions::default()
        };
        let sink = Encoded {
            encode,
            outputs,
            service: Service::default(),
            selection: Selection::default(),
            audio: None,
        };
        let session = Session {
            source: Box::new(Raw::new(Box::new(feed), stream, &pool)),
            plugins: Vec::new(),
            sink: Box::new(sink),
            options: Options { workers: 1, raw: true, ..Options::default() },
        };
        let prepared = session.prepare(&stop, &pool)?;
        let inner = stop.clone();
        let run = move || match prepared.run(&pool, &inner, &Progress::default()) {
            (report, None) => Ok(report),
            (_, Some(error)) => Err(error),
        };
        let thread = thread::Builder::new()
            .name("encode".to_owned())
            .spawn(run)
            .map_err(|e| PipelineError::System(format!("a thread could not be started: {e}")))?;
        let frame_bytes = format.frame_bytes();
        Ok(Encoder { pictures: Some(pictures), frame_bytes, thread: Some(thread), stop })
    }

    /// Bytes of one picture.
    pub fn frame_bytes(&self) -> usize {
        self.frame_bytes
    }

    /// Hands over a picture; waits while the encoder has enough to do.
    ///
    /// # Errors
    /// Truncated for a picture of another size; whatever ended the encode, where it has ended.
    pub fn write(&mut self, picture: &[u8]) -> Result<(), PipelineError> {
        if picture.len() != self.frame_bytes {
            let message =
                format!("{} bytes came where a picture has {}", picture.len(), self.frame_bytes);
            return Err(MediaError { kind: MediaErrorKind::Truncated, message }.into());
        }
        let sent = self.pictures.as_ref().is_some_and(|p| p.send(picture.to_vec()).is_ok());
        if sent {
            Ok(())
        } else {
            Err(self.join().err().unwrap_or_else(|| over("it has ended already")))
        }
    }

    /// Encodes what is left and ends the outputs.
    ///
    /// # Errors
    /// The first thing that went wrong.
    pub fn finish(mut self) -> Result<Report, PipelineError> {
        self.join()
    }

    fn join(&mut self) -> Result<Report, PipelineError> {
        self.pictures = None;
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(over("its thread panicked")),
            None => Err(over("it has ended already")),
        }
    }
}

/// How many pictures two seconds have.
fn two_seconds(rate: Rational) -> i64 {
    (2 * i64::from(rate.num) / i64::from(rate.den.max(1))).max(1)
}

fn over(why: &str) -> PipelineError {
    PipelineError::System(format!("the encode cannot go on: {why}"))
}

impl Drop for Encoder {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.stop.abandon.cancel();
            // What came of it was not asked for.
            let _ = self.join();
        }
    }
}
