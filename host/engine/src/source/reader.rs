//! The decode loop: one input that is open, read packet by packet, its video decoded. Every source
//! that libav reads stands on it; which part is wanted, what comes behind the end and what an
//! error means is theirs to say.

use filmgate_av::{DecodeOptions, Input, MediaError, MediaErrorKind, Packet, VideoDecoder};
use filmgate_core::frame::{Frame, PixelFormat, PlanePool, StreamInfo};
use filmgate_picture::Upright;

/// What came.
pub(super) enum Came {
    /// a frame of the video
    Frame(Frame),
    /// a packet of another stream
    Packet(Packet),
    /// a packet of the video, which was given to the decoder, or passed over
    Video(Packet),
    /// nothing comes any more
    End,
}

/// An input with the decoder of its video.
pub(super) struct Reader {
    pub(super) input: Input,
    pub(super) decoder: VideoDecoder,
    pub(super) video: usize,
    /// everything has been given to the decoder
    pub(super) ended: bool,
    /// how still images are turned; the first one of numbered images decides
    upright: Option<Upright>,
    pool: PlanePool,
}

/// Codecs whose packets are image files, which may carry EXIF data. libav decodes them as they are
/// stored.
const IMAGES: [&str; 4] = ["mjpeg", "png", "webp", "tiff"];

impl Reader {
    /// `like`: what the frames become like, where they continue those of another input.
    ///
    /// # Errors
    /// As [`VideoDecoder::new`].
    pub(super) fn new(
        mut input: Input,
        video: usize,
        options: &DecodeOptions,
        like: Option<&StreamInfo>,
    ) -> Result<Reader, MediaError> {
        let is_image =
            input.facts().streams.get(video).is_some_and(|s| IMAGES.contains(&&*s.codec));
        let mut upright =
            if is_image { input.look_at_first(video, Upright::of)?.flatten() } else { None };
        let decoder = match like {
            None => VideoDecoder::new(&input, video, options),
            Some(like) => {
                let sideways = upright.is_some_and(Upright::is_sideways);
                if sideways && like.format == PixelFormat::Yuv422p {
                    let name = input.path().display();
                    tracing::warn!("{name}: is not rotated: {} cannot be", like.format);
                    upright = None;
                }
                // Its frames are like this before they are turned.
                let stored = upright.map_or_else(|| like.clone(), |u| u.info(like.clone()));
                VideoDecoder::continuing(&input, video, options, &stored)
            }
        }?;
        input.remove_jumps();
        let pool = PlanePool::new();
        Ok(Reader { input, decoder, video, ended: false, upright, pool })
    }

    /// What all frames are like.
    pub(super) fn output(&self) -> StreamInfo {
        let stored = self.decoder.output();
        self.upright.map_or_else(|| stored.clone(), |upright| upright.info(stored.clone()))
    }

    fn turn(&self, frame: Frame) -> Result<Frame, MediaError> {
        let Some(upright) = self.upright else { return Ok(frame) };
        upright.frame(frame, &self.pool).map_err(|e| MediaError {
            kind: MediaErrorKind::Unsupported,
            message: format!("{}: {e}", self.input.path().display()),
        })
    }

    /// The next thing that comes. `decode`: whether more frames are wanted; if not, packets of the
    /// video are passed over.
    ///
    /// # Errors
    /// Of reading and decoding. Where it is not the end, the next call goes on behind it.
    pub(super) fn next(&mut self, decode: bool) -> Result<Came, MediaError> {
        if decode && let Some(frame) = self.decoder.receive()? {
            return self.turn(frame).map(Came::Frame);
        }
        if self.ended {
            return Ok(Came::End);
        }
        let Some(packet) = self.input.read()? else {
            if !decode {
                self.ended = true;
                return Ok(Came::End);
            }
            self.decoder.end()?;
            self.ended = true;
            return self.next(decode);
        };
        if packet.stream() != self.video {
            return Ok(Came::Packet(packet));
        }
        if decode {
            self.decoder.send(&packet)?;
        }
        Ok(Came::Video(packet))
    }

    /// The next frame; none at the end. Other streams are passed over.
    ///
    /// # Errors
    /// Of reading and decoding.
    pub(super) fn frame(&mut self) -> Result<Option<Frame>, MediaError> {
        loop {
            match self.next(true)? {
                Came::Frame(frame) => return Ok(Some(frame)),
                Came::Packet(_) | Came::Video(_) => {}
                Came::End => return Ok(None),
            }
        }
    }

    /// Reads nothing more, and has the decoder give out what it holds.
    pub(super) fn finish(&mut self) {
        // What it can say is said again by `receive`.
        let _ = self.decoder.end();
        self.ended = true;
    }
}
