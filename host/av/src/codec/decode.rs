//! Video packets to frames of one contract format, without copies where libav's decoder already
//! gives that format.
//!
//! The frames of one decoder never change their format or size: what differs from the stream's
//! first facts is converted.

use std::collections::VecDeque;
use std::ffi::c_int;
use std::ptr;
use std::sync::Arc;

use crate::av::{self, AvFrame, Codec};
use crate::codec::convert::{FULL_RANGE, Scaler, Shape};
use crate::codec::leading::Leading;
use crate::codec::lend;
use crate::demux::facts::StreamFacts;
use crate::demux::open::Input;
use crate::demux::packet::Packet;
use crate::error::{MediaError, MediaErrorKind as Kind};
use crate::formats;
use crate::log;
use crate::versions;
use ffmpeg_next::ffi::{self, AVPixelFormat};
use filmgate_core::frame::{self, Frame, Plane, PlanePool, StreamInfo};
use filmgate_core::time;

#[derive(Clone, Debug, Default)]
pub struct DecodeOptions {
    /// threads of the decoder; 0 for libav's choice, which is what the ffmpeg program uses: one a
    /// processor, for frames or slices
    pub threads: usize,
    /// decode key frames alone
    pub keyframes: bool,
    /// no picture waits in the decoder for those behind it: threads share slices, not pictures
    pub prompt: bool,
}

/// Decodes one stream.
pub struct VideoDecoder {
    codec: Codec,
    /// `cam.mp4, stream 0 (h264)`, for messages
    name: String,
    output: StreamInfo,
    time_base: ffi::AVRational,
    /// nanoseconds: what the file's first timestamp is
    start: i64,
    index: u64,
    /// the timestamp and duration of the frame before, nanoseconds
    before: Option<(i64, i64)>,
    damaged: u64,
    /// a frame was transparent somewhere, and what was given out of it is not
    lost_alpha: bool,
    leading: Leading,
    seen: Option<(c_int, c_int, c_int)>,
    scaler: Option<Scaler>,
    pool: PlanePool,
    ready: VecDeque<Frame>,
    ended: bool,
}

impl VideoDecoder {
    /// A decoder for one video stream of `input`.
    ///
    /// # Errors
    /// Unsupported where libav has no decoder for it or its pictures have no like in the contract;
    /// Decode where libav found out too little about the stream; TooLarge; OutOfMemory.
    pub fn new(
        input: &Input,
        stream: usize,
        options: &DecodeOptions,
    ) -> Result<VideoDecoder, MediaError> {
        let raw = input.stream(stream)?;
        let facts = &input.facts().streams[stream];
        let name = format!("{}, stream {stream} ({})", input.path().display(), facts.codec);
        // SAFETY: the stream is the input's and valid.
        let (par, time_base) = unsafe { ((*raw).codecpar, (*raw).time_base) };
        // SAFETY: as above.
        let format = formats::from_number(unsafe { (*par).format });
        let output = stream_info(facts, format, &name).map_err(|e| input.with_cause(e))?;
        // SAFETY: valid parameters.
        let codec = unsafe { open_decoder(par, time_base, &name, options) }?;
        Ok(VideoDecoder {
            codec,
            name,
            output,
            time_base,
            start: input.facts().start.saturating_add(input.lateness(stream)),
            index: 0,
            before: None,
            damaged: 0,
            lost_alpha: facts.video.as_ref().is_some_and(|v| v.hidden_alpha),
            leading: Leading::default(),
            seen: None,
            scaler: None,
            pool: PlanePool::new(),
            ready: VecDeque::new(),
            ended: false,
        })
    }

    /// As [`VideoDecoder::new`], for a stream that continues another one: its pictures are
    /// converted to be `like` those.
    ///
    /// # Errors
    /// As [`VideoDecoder::new`].
    pub fn continuing(
        input: &Input,
        stream: usize,
        options: &DecodeOptions,
        like: &StreamInfo,
    ) -> Result<VideoDecoder, MediaError> {
        let mut decoder = VideoDecoder::new(input, stream, options)?;
        let own = &decoder.output;
        if (own.width, own.height, own.format) != (like.width, like.height, like.format) {
            tracing::warn!(
                "{}: its pictures are {}x{} {}; they are scaled to {}x{} {}",
                decoder.name,
                own.width,
                own.height,
                own.format,
                like.width,
                like.height,
                like.format
            );
        }
        decoder.output = like.clone();
        Ok(decoder)
    }

    /// What all frames are like.
    pub fn output(&self) -> StreamInfo {
        self.output.clone()
    }

    /// Packets and frames that could not be decoded, or not fully. Decoding goes on after them.
    pub fn damaged(&self) -> u64 {
        self.damaged
    }

    /// Whether a picture was transparent somewhere, and the frame that was given out has no alpha;
    /// and whether the stream has an alpha plane that is not decoded.
    pub fn lost_alpha(&self) -> bool {
        self.lost_alpha
    }

    /// Pictures before the first key frame, which cannot be shown.
    pub fn undecodable_lead(&self) -> u64 {
        self.leading.lost()
    }

    /// Gives a packet of the decoder's stream to the decoder. Packets that it cannot make sense of
    /// are counted as damaged.
    ///
    /// # Errors
    /// OutOfMemory, and Decode for failures that are not the packet's.
    pub fn send(&mut self, packet: &Packet) -> Result<(), MediaError> {
        self.leading.packet(packet.packet.get());
        self.send_raw(packet.packet.as_ptr())
    }

    /// Says that there are no more packets; [`VideoDecoder::receive`] then gives the last frames.
    ///
    /// # Errors
    /// As [`VideoDecoder::send`].
    pub fn end(&mut self) -> Result<(), MediaError> {
        self.send_raw(ptr::null())
    }

    fn send_raw(&mut self, packet: *const ffi::AVPacket) -> Result<(), MediaError> {
        loop {
            log::forget();
            // SAFETY: the context is open; the packet is valid, or null for the end.
            let code = unsafe { ffi::avcodec_send_packet(self.codec.as_mut_ptr(), packet) };
            match code {
                0.. | ffi::AVERROR_EOF => return Ok(()),
                code if code == av::errno(nix::libc::EAGAIN) => match self.decode()? {
                    Some(frame) => self.ready.push_back(frame),
                    // Full and empty at once: libav rules it out.
                    None => return Err(self.failed(ffi::AVERROR_BUG)),
                },
                code if code == av::errno(nix::libc::ENOMEM) => return Err(self.failed(code)),
                _ => {
                    self.damaged += 1;
                    return Ok(());
                }
            }
        }
    }

    /// The next frame; none when the decoder wants another packet, or after the end.
    ///
    /// # Errors
    /// Decode, at the end, where not one picture could be decoded; OutOfMemory.
    pub fn receive(&mut self) -> Result<Option<Frame>, MediaError> {
        match self.ready.pop_front() {
            Some(frame) => Ok(Some(frame)),
            None => self.decode(),
        }
    }

    fn decode(&mut self) -> Result<Option<Frame>, MediaError> {
        loop {
            log::forget();
            let mut frame = AvFrame::new().ok_or_else(|| MediaError::memory(&self.name))?;
            // SAFETY: an open context and a blank frame.
            let code =
                unsafe { ffi::avcodec_receive_frame(self.codec.as_mut_ptr(), frame.as_mut_ptr()) };
            match code {
                0.. => return self.deliver(frame).map(Some),
                ffi::AVERROR_EOF => return self.at_end().map(|()| None),
                code if code == av::errno(nix::libc::EAGAIN) => return Ok(None),
                code if code == av::errno(nix::libc::ENOMEM) => return Err(self.failed(code)),
                _ => self.damaged += 1,
            }
        }
    }

    fn at_end(&mut self) -> Result<(), MediaError> {
        let nothing = self.index == 0 && self.damaged > 0 && !self.ended;
        self.ended = true;
        if !nothing {
            return Ok(());
        }
        let message = format!(
            "decode {}: not one picture could be decoded, {} packets are damaged",
            self.name, self.damaged
        );
        Err(MediaError::new(Kind::Decode, message))
    }

    fn failed(&self, code: c_int) -> MediaError {
        MediaError::av(Kind::Decode, format!("decode {}", self.name), code)
    }

    /// Makes a plain frame of a decoded one.
    fn deliver(&mut self, decoded: AvFrame) -> Result<Frame, MediaError> {
        let raw = decoded.get();
        if raw.decode_error_flags != 0 || raw.flags & ffi::AV_FRAME_FLAG_CORRUPT != 0 {
            self.damaged += 1;
        }
        self.leading.frame(raw.best_effort_timestamp);
        let (timestamp, duration) = self.times(raw);
        let baggage = lend::baggage(&decoded);
        let planes = self.planes(decoded)?;
        let frame = Frame {
            format: self.output.format,
            width: self.output.width,
            height: self.output.height,
            planes,
            index: self.index,
            timestamp,
            duration,
            tags: None,
            baggage,
        };
        self.index += 1;
        Ok(frame)
    }

    /// When a frame begins and how long it lasts; a missing begin follows from the frame before.
    fn times(&mut self, raw: &ffi::AVFrame) -> (i64, Option<i64>) {
        let duration = av::nanoseconds(versions::duration(raw), self.time_base).filter(|&d| d > 0);
        let own = av::nanoseconds(raw.best_effort_timestamp, self.time_base);
        let timestamp = match (own, self.before) {
            (Some(time), _) => time.saturating_sub(self.start),
            (None, Some((time, length))) => time.saturating_add(length),
            (None, None) => 0,
        };
        let usual = || time::frame_duration(self.output.frame_rate);
        self.before = Some((timestamp, duration.unwrap_or_else(usual)));
        (timestamp, duration)
    }

    /// The planes of a decoded frame: its own where it is as the output says, converted otherwise.
    fn planes(&mut self, decoded: AvFrame) -> Result<Vec<Plane>, MediaError> {
        let raw = decoded.get();
        let shape = self.shape(raw)?;
        let wanted = (self.output.format, self.output.width, self.output.height);
        let target = Shape::of(wanted, &self.output.color);
        self.tell_changes(raw);
        let same = formats::native(shape.format) == Some(self.output.format)
            && (shape.width, shape.height) == (target.width, target.height)
            && (formats::is_rgb(shape.format) || shape.full_range == target.full_range);
        let (data, linesize) =
            ([0, 1, 2, 3].map(|i| raw.data[i]), [0, 1, 2, 3].map(|i| raw.linesize[i]));
        let decoded = Arc::new(decoded);
        if same && let Some(planes) = lend::lend(&decoded, self.output.format) {
            return Ok(planes);
        }
        if !self.scaler.as_ref().is_some_and(|s| s.is_for(shape, target)) {
            self.scaler = Some(Scaler::new(shape, target)?);
        }
        let Some(scaler) = &mut self.scaler else { return Err(self.failed(ffi::AVERROR_BUG)) };
        // SAFETY: libav gives a whole picture of the shape that `shape` read off it, alive in
        // `decoded`; its buffers are padded for libswscale.
        let planes = unsafe { scaler.scale(data, linesize, &self.pool) };
        self.lost_alpha |= scaler.lost_alpha();
        planes
    }

    fn shape(&self, raw: &ffi::AVFrame) -> Result<Shape, MediaError> {
        let format =
            formats::from_number(raw.format).ok_or_else(|| self.failed(ffi::AVERROR_BUG))?;
        let (width, height) = (raw.width.max(0) as u32, raw.height.max(0) as u32);
        frame::check_size(width, height)
            .map_err(|e| MediaError::new(Kind::TooLarge, format!("decode {}: {e}", self.name)))?;
        let range = raw.color_range as c_int;
        let full_range = match range {
            0 if formats::is_gray(format) => true,
            0 => formats::is_full_range(format) || self.declared_full(format),
            range => range == FULL_RANGE,
        };
        let space = match raw.colorspace as c_int {
            2 => formats::numbers(&self.output.color).space,
            space => space,
        };
        Ok(Shape { format, width, height, full_range, space })
    }

    /// The stream's own word on its range, for frames that say nothing.
    fn declared_full(&self, format: AVPixelFormat) -> bool {
        !formats::is_rgb(format) && formats::numbers(&self.output.color).range == FULL_RANGE
    }

    /// Warns, once a change, of pictures that become other than the stream's first ones.
    fn tell_changes(&mut self, raw: &ffi::AVFrame) {
        let now = (raw.format, raw.width, raw.height);
        let before = self.seen.replace(now);
        if before.is_none_or(|b| b == now) {
            return;
        }
        let format = formats::from_number(raw.format).map(formats::name).unwrap_or_default();
        let (out, at) = (&self.output, self.before.map_or(0, |b| b.0) as f64 / 1e9);
        tracing::warn!(
            "{}: from {at:.2} s on its pictures are {}x{} {format}; they are scaled to {}x{} {}",
            self.name,
            raw.width,
            raw.height,
            out.width,
            out.height,
            out.format
        );
    }
}

/// What the frames of a stream are to be like, if its pictures are of `format`.
fn stream_info(
    facts: &StreamFacts,
    format: Option<AVPixelFormat>,
    name: &str,
) -> Result<StreamInfo, MediaError> {
    let Some(video) = &facts.video else {
        return Err(MediaError::new(Kind::Unsupported, format!("{name} is not video")));
    };
    let Some(format) = format.filter(|_| frame::check_size(video.width, video.height).is_ok())
    else {
        let message = format!("{name}: no picture could be decoded to learn its format and size");
        return Err(MediaError::new(Kind::Decode, message));
    };
    let nearest = formats::nearest(format).ok_or_else(|| {
        let format = formats::name(format);
        let message = format!("{name}: pictures of format {format} cannot be converted");
        MediaError::new(Kind::Unsupported, message)
    })?;
    let mut color = video.color.clone();
    if formats::is_rgb(format) {
        // RGB says "full range, no matrix" of itself; that is not for the YUV made of it.
        (color.range, color.space) = (None, None);
    }
    Ok(StreamInfo {
        format: nearest,
        width: video.width,
        height: video.height,
        frame_rate: facts.frame_rate,
        sample_aspect: video.sample_aspect,
        color,
    })
}

/// # Safety
/// `par` is valid.
pub(crate) unsafe fn open_decoder(
    par: *const ffi::AVCodecParameters,
    time_base: ffi::AVRational,
    name: &str,
    options: &DecodeOptions,
) -> Result<Codec, MediaError> {
    log::forget();
    // SAFETY: valid parameters by the caller's promise; the context is ours and is opened once.
    unsafe {
        let decoder = ffi::avcodec_find_decoder((*par).codec_id);
        if decoder.is_null() {
            let message = format!("{name}: this FFmpeg has no decoder for it");
            return Err(MediaError::new(Kind::Unsupported, message));
        }
        let mut codec = Codec::new(decoder).ok_or_else(|| MediaError::memory(name))?;
        let code = ffi::avcodec_parameters_to_context(codec.as_mut_ptr(), par);
        if code < 0 {
            return Err(MediaError::av(Kind::Decode, format!("decode {name}"), code));
        }
        let context = codec.get_mut();
        context.pkt_timebase = time_base;
        context.max_pixels = frame::MAX_PIXELS as i64;
        if options.keyframes {
            context.skip_frame = ffi::AVDiscard::AVDISCARD_NONKEY;
        }
        if (*par).codec_id == ffi::AVCodecID::AV_CODEC_ID_MJPEG {
            // Without it, libav's decoder of MJPEG fills up a picture that is cut or damaged with
            // gray and says nothing of it (mjpegdec.c, ff_mjpeg_decode_frame).
            context.err_recognition |= ffi::AV_EF_EXPLODE as c_int;
        }
        if options.prompt {
            context.thread_type = ffi::FF_THREAD_SLICE as c_int;
        }
        context.thread_count = c_int::try_from(options.threads).unwrap_or(0);
        // Cropping to the sample, even where the first one is then not aligned.
        context.flags |= ffi::AV_CODEC_FLAG_UNALIGNED as c_int;
        let code = ffi::avcodec_open2(codec.as_mut_ptr(), decoder, ptr::null_mut());
        if code < 0 {
            return Err(MediaError::av(
                Kind::Unsupported,
                format!("open the decoder for {name}"),
                code,
            ));
        }
        Ok(codec)
    }
}
