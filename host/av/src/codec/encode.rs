//! Frames to packets, by any video encoder of libavcodec.
//!
//! The planes of a frame are lent to the encoder, not copied, unless they are not aligned as its
//! vector code wants. Everything that travelled as baggage from the decoder goes with them.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::c_int;
use std::mem::ManuallyDrop;
use std::ptr;

use crate::av::{self, AvFrame, AvPacket, Codec};
use crate::codec::choice::{quantiser, usual_options};
use crate::codec::convert::Scaler;
use crate::codec::encoders::{
    check_preset, check_tune, choose_format, encoder_formats, find_encoder, takes_size,
};
use crate::codec::hdr::with_hdr;
use crate::codec::lend;
use crate::codec::palette::Palette;
use crate::codec::setup::{set_interlaced, set_picture, shape, usable_time_base, widened};
use crate::error::{MediaError, MediaErrorKind as Kind};
use crate::log;
use crate::options;
use crate::versions;
use ffmpeg_next::ffi::{self, AVPixelFormat};
use filmgate_core::frame::{Frame, PixelFormat, Plane, PlanePool, Rational, StreamInfo};

/// How to encode.
#[derive(Clone, Debug, Default)]
pub struct EncodeOptions {
    /// libav's name of the encoder: `libx264`
    pub codec: String,
    /// the encoder's own word: `ultrafast` …
    pub preset: Option<String>,
    /// the encoder's own word: `film` …
    pub tune: Option<String>,
    /// constant quality, on the encoder's own scale
    pub crf: Option<f64>,
    /// bits a second
    pub bit_rate: Option<i64>,
    /// what the pictures are to be converted to, by whoever sends them; the encoder's choice where
    /// none
    pub pixel_format: Option<PixelFormat>,
    /// pictures are of two fields each, and whether the top one comes first
    pub interlaced: Option<bool>,
    /// 0 for the encoder's choice
    pub threads: usize,
    /// any other options of libav or of the encoder, by name
    pub options: Vec<(String, String)>,
    /// extradata once in the container's header; see [`crate::Muxer::needs_global_header`]
    pub global_header: bool,
    /// for x265: what it is to say of high dynamic range ([`crate::Input::x265_hdr`])
    pub hdr: Option<String>,
}

/// An encoded picture.
pub struct EncodedPacket {
    pub(crate) packet: AvPacket,
    pub(crate) time_base: ffi::AVRational,
}

impl EncodedPacket {
    /// Bytes.
    pub fn size(&self) -> usize {
        usize::try_from(self.packet.get().size).unwrap_or(0)
    }

    pub fn is_key(&self) -> bool {
        self.packet.get().flags & ffi::AV_PKT_FLAG_KEY != 0
    }

    /// The same as any packet, in the encoder's time base.
    pub fn into_packet(self) -> crate::Packet {
        crate::Packet { packet: self.packet, time_base: self.time_base }
    }

    /// What was encoded: a whole file, for the encoders of single pictures.
    pub fn data(&self) -> &[u8] {
        self.packet.data()
    }

    /// Nanoseconds, as the frame had it.
    pub fn timestamp(&self) -> Option<i64> {
        av::nanoseconds(self.packet.get().pts, self.time_base)
    }
}

/// Encodes one stream.
pub struct VideoEncoder {
    pub(crate) codec: ManuallyDrop<Codec>,
    info: StreamInfo,
    name: String,
    /// in the encoder's time base
    last: Option<i64>,
    nudged: u64,
    sent: u64,
    /// durations of frames on their way, by timestamp, for encoders that do not keep them
    durations: BTreeMap<i64, i64>,
    pool: PlanePool,
    ready: VecDeque<EncodedPacket>,
    /// to the range that the codec is always of
    widen: Option<Scaler>,
    /// the encoder takes pictures of 256 colours
    indexed: bool,
    palette: Option<Palette>,
    /// the next picture is to be a key frame
    key: bool,
}

/// The rate that rate control and level are made for where frames come unevenly.
const USUAL_RATE: ffi::AVRational = ffi::AVRational { num: 30, den: 1 };

impl VideoEncoder {
    /// An encoder for frames like `info`. `time_base` is usually the input stream's, so that
    /// timestamps come out as they went in; codecs that allow only certain ones (MPEG-1, 2, 4)
    /// take one from the frame rate instead.
    ///
    /// # Errors
    /// Unsupported for an unknown encoder, option, preset or pixel format, with near matches.
    pub fn new(
        info: &StreamInfo,
        time_base: Rational,
        options: &EncodeOptions,
    ) -> Result<VideoEncoder, MediaError> {
        log::init();
        let encoder = find_encoder(&options.codec)?;
        let (source, wide) = (info, widened(&options.codec, info));
        let info = &wide;
        let name = format!("the encoder \"{}\"", options.codec);
        // SAFETY: a static description.
        let mut codec = unsafe { Codec::new(encoder) }.ok_or_else(|| MediaError::memory(&name))?;
        // SAFETY: a static description.
        let format = unsafe { choose_format(encoder, info) }.ok_or_else(|| {
            let takes: Vec<_> = encoder_formats(&options.codec).unwrap_or_default();
            let takes: Vec<_> = takes.into_iter().map(PixelFormat::name).collect();
            let message =
                format!("{name} does not take {}; it takes {}", info.format, takes.join(", "));
            MediaError::new(Kind::Unsupported, message)
        })?;
        // SAFETY: a static description.
        let id = unsafe { (*encoder).id };
        let context = codec.get_mut();
        // SAFETY: a static description.
        let size = unsafe { takes_size(encoder, info) };
        set_picture(context, info, size, format)?;
        if let Some(top) = options.interlaced {
            set_interlaced(context, top);
        }
        if let Some(quantiser) = quantiser(options) {
            context.flags |= ffi::AV_CODEC_FLAG_QSCALE as c_int;
            context.global_quality = (quantiser * f64::from(ffi::FF_QP2LAMBDA)) as c_int;
        }
        context.framerate = info.frame_rate.map_or(USUAL_RATE, av::to_av);
        context.time_base = usable_time_base(id, av::to_av(time_base), context.framerate);
        context.thread_count = c_int::try_from(options.threads).unwrap_or(0);
        if let Some(rate) = options.bit_rate {
            context.bit_rate = rate;
        }
        if options.global_header {
            context.flags |= ffi::AV_CODEC_FLAG_GLOBAL_HEADER as c_int;
        }
        open(&mut codec, encoder, &name, options)?;
        Ok(VideoEncoder {
            codec: ManuallyDrop::new(codec),
            widen: if wide == *source {
                None
            } else {
                Some(Scaler::new(shape(source), shape(&wide))?)
            },
            info: source.clone(),
            name,
            last: None,
            nudged: 0,
            sent: 0,
            durations: BTreeMap::new(),
            pool: PlanePool::new(),
            ready: VecDeque::new(),
            indexed: format == AVPixelFormat::AV_PIX_FMT_PAL8,
            palette: None,
            key: false,
        })
    }

    /// What it does to pictures because it cannot take them as they are, for people.
    pub fn note(&self) -> Option<String> {
        let context = self.codec.get();
        let (width, height) = (self.info.width, self.info.height);
        let cut = (context.width, context.height) != (width as c_int, height as c_int);
        cut.then(|| {
            format!(
                "{} takes even sizes only: of {width}x{height}, {}x{} are kept (--pix-fmt yuv444p keeps all)",
                self.name, context.width, context.height
            )
        })
    }

    /// The time base of its packets.
    pub fn time_base(&self) -> Rational {
        av::positive(self.codec.get().time_base).unwrap_or(Rational { num: 1, den: 90_000 })
    }

    /// What the frames must be like.
    pub fn input(&self) -> &StreamInfo {
        &self.info
    }

    /// What comes out: the frames' stream, in the size that is coded.
    pub fn output(&self) -> StreamInfo {
        let context = self.codec.get();
        let side = |coded: c_int, own: u32| u32::try_from(coded).unwrap_or(own);
        let (width, height) =
            (side(context.width, self.info.width), side(context.height, self.info.height));
        StreamInfo { width, height, ..self.info.clone() }
    }

    /// Frames whose timestamp was not after the one before, and was made one tick later.
    pub fn nudged(&self) -> u64 {
        self.nudged
    }

    /// Encodes a frame; its packets come from [`VideoEncoder::receive`], some frames later.
    ///
    /// # Errors
    /// Encode, also for a frame of another format or size than the stream's; OutOfMemory.
    pub fn send(&mut self, frame: &Frame) -> Result<(), MediaError> {
        let wanted = (self.info.format, self.info.width, self.info.height);
        if (frame.format, frame.width, frame.height) != wanted {
            let message = format!("{}: {frame:?} is not like its stream {wanted:?}", self.name);
            return Err(MediaError::new(Kind::Encode, message));
        }
        let mut picture = self.picture(frame)?;
        if let Some(properties) =
            frame.baggage.as_ref().and_then(|b| b.downcast_ref::<lend::Properties>())
        {
            // SAFETY: both are valid frames; what cannot be copied for want of memory is left out.
            unsafe { ffi::av_frame_copy_props(picture.as_mut_ptr(), properties.0.as_ptr()) };
        }
        let pts = self.next_pts(frame.timestamp);
        let context = self.codec.get();
        let duration =
            frame.duration.map_or(0, |d| av::rescale(d, av::NANOSECONDS, context.time_base));
        let raw = picture.get_mut();
        raw.pts = pts;
        versions::set_duration(raw, duration);
        // The encoder decides anew which pictures are key frames.
        raw.pict_type = if std::mem::take(&mut self.key) {
            ffi::AVPictureType::AV_PICTURE_TYPE_I
        } else {
            ffi::AVPictureType::AV_PICTURE_TYPE_NONE
        };
        raw.sample_aspect_ratio = context.sample_aspect_ratio;
        raw.color_range = context.color_range;
        raw.colorspace = context.colorspace;
        raw.color_primaries = context.color_primaries;
        raw.color_trc = context.color_trc;
        if duration > 0 {
            self.durations.insert(pts, duration);
        }
        self.sent += 1;
        self.send_raw(picture.as_ptr())
    }

    /// Makes the next picture a key frame, whoever joins in from then on can begin with.
    pub fn force_key(&mut self) {
        self.key = true;
    }

    /// Says that there are no more frames; [`VideoEncoder::receive`] then gives the last packets.
    ///
    /// # Errors
    /// Encode, OutOfMemory.
    pub fn finish(&mut self) -> Result<(), MediaError> {
        self.send_raw(ptr::null())
    }

    /// The next packet; none when the encoder wants another frame, or after the end.
    ///
    /// # Errors
    /// Encode, OutOfMemory.
    pub fn receive(&mut self) -> Result<Option<EncodedPacket>, MediaError> {
        match self.ready.pop_front() {
            Some(packet) => Ok(Some(packet)),
            None => self.encode(),
        }
    }

    /// The frame as libav's, with the picture and nothing else: cut to the size that the encoder
    /// takes, which costs nothing, and in 256 colours where it wants them.
    fn picture(&mut self, frame: &Frame) -> Result<AvFrame, MediaError> {
        if self.indexed {
            let palette = Palette::for_frame(self.palette.take(), frame);
            return self.palette.insert(palette).apply(frame);
        }
        let failed = |e: String| MediaError::new(Kind::Encode, format!("{}: {e}", self.name));
        if let Some(scaler) = &mut self.widen {
            let planes = frame.planes.iter().map(|p| lend::aligned(p, &self.pool));
            let planes: Vec<Plane> = planes.collect::<Result<_, _>>().map_err(failed)?;
            let from = lend::pointers(&planes).map_err(failed)?;
            // SAFETY: as many planes as the format has, of the stream's size (checked by `send`
            // and by Plane), alive during the call.
            let planes = unsafe { scaler.scale(from.data, from.linesize, &self.pool) }?;
            return lend::wrap(frame, planes);
        }
        let context = self.codec.get();
        let (width, height) = (context.width as u32, context.height as u32);
        let mut planes = Vec::with_capacity(frame.planes.len());
        for (plane, size) in frame.planes.iter().zip(frame.format.plane_sizes(width, height)) {
            let plane = plane.part(0, 0, size);
            planes.push(lend::aligned(&plane.map_err(failed)?, &self.pool).map_err(failed)?);
        }
        lend::wrap(&Frame { width, height, ..frame.clone() }, planes)
    }

    fn next_pts(&mut self, timestamp: i64) -> i64 {
        let pts = av::rescale(timestamp, av::NANOSECONDS, self.codec.get().time_base);
        let pts = match self.last {
            Some(last) if pts <= last => {
                self.nudged += 1;
                last + 1
            }
            _ => pts,
        };
        self.last = Some(pts);
        pts
    }

    fn send_raw(&mut self, frame: *const ffi::AVFrame) -> Result<(), MediaError> {
        loop {
            log::forget();
            // SAFETY: the context is open; the frame is valid, or null for the end; libav takes
            // references of its own.
            let code = unsafe { ffi::avcodec_send_frame(self.codec.as_mut_ptr(), frame) };
            match code {
                0.. | ffi::AVERROR_EOF => return Ok(()),
                code if code == av::errno(nix::libc::EAGAIN) => match self.encode()? {
                    Some(packet) => self.ready.push_back(packet),
                    None => return Err(self.failed(ffi::AVERROR_BUG)),
                },
                code => return Err(self.failed(code)),
            }
        }
    }

    fn encode(&mut self) -> Result<Option<EncodedPacket>, MediaError> {
        log::forget();
        let mut packet = AvPacket::new().ok_or_else(|| MediaError::memory(&self.name))?;
        // SAFETY: an open context and a blank packet.
        let code =
            unsafe { ffi::avcodec_receive_packet(self.codec.as_mut_ptr(), packet.as_mut_ptr()) };
        if !av::received(code).map_err(|code| self.failed(code))? {
            return Ok(None);
        }
        let known = self.durations.remove(&packet.get().pts);
        let raw = packet.get_mut();
        if raw.duration <= 0 {
            raw.duration = known.unwrap_or(0);
        }
        Ok(Some(EncodedPacket { packet, time_base: self.codec.get().time_base }))
    }

    fn failed(&self, code: c_int) -> MediaError {
        MediaError::av(Kind::Encode, format!("{}, at frame {}", self.name, self.sent), code)
    }
}

impl Drop for VideoEncoder {
    fn drop(&mut self) {
        // SVT-AV1's shutdown waits for ever for a picture where it was given none: then its threads
        // are left to the process's end.
        if self.sent > 0 || !self.name.contains("libsvtav1") {
            // SAFETY: dropped once, and not used behind this.
            unsafe { ManuallyDrop::drop(&mut self.codec) }
        }
    }
}

fn open(
    codec: &mut Codec,
    encoder: *const ffi::AVCodec,
    name: &str,
    options: &EncodeOptions,
) -> Result<(), MediaError> {
    check_preset(&options.codec, options.preset.as_deref())?;
    check_tune(&options.codec, options.tune.as_deref())?;
    let mut wanted: Vec<(String, String)> = usual_options(options);
    wanted.extend(options.preset.as_ref().map(|p| ("preset".into(), p.clone())));
    wanted.extend(options.tune.as_ref().map(|t| ("tune".into(), t.clone())));
    if quantiser(options).is_none() {
        wanted.extend(options.crf.map(|crf| ("crf".into(), crf.to_string())));
    }
    wanted.extend(options.options.iter().cloned());
    if let Some(hdr) = options.hdr.as_ref().filter(|_| options.codec == "libx265") {
        with_hdr(&mut wanted, hdr);
    }
    // x265 prints to stderr by itself, also where its parameters are given and the usual ones are not.
    for (key, value) in &mut wanted {
        if key == "x265-params" && !value.contains("log-level") {
            *value = format!("log-level=error:{value}");
        }
    }
    let mut dictionary = av::Dictionary::new();
    for (key, value) in &wanted {
        // SAFETY: an AVCodecContext begins with its AVClass.
        unsafe { options::check(codec.as_mut_ptr().cast(), name, key) }?;
        dictionary.set(key, value);
    }
    log::forget();
    // SAFETY: an unopened context and its own description.
    let code = unsafe { ffi::avcodec_open2(codec.as_mut_ptr(), encoder, dictionary.as_mut_ptr()) };
    if code < 0 {
        let said: Vec<String> = wanted.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let with =
            if said.is_empty() { String::new() } else { format!(" with {}", said.join(" ")) };
        return Err(MediaError::av(Kind::Unsupported, format!("open {name}{with}"), code));
    }
    Ok(())
}
