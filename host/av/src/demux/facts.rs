//! What is known of an input before its first packet is read: a copy of libav's findings in plain
//! values.

use crate::av;
use crate::formats;
use crate::versions;
use ffmpeg_next::ffi;
use filmgate_core::frame::{Color, PixelFormat, Rational};

/// What an input says of itself.
#[derive(Clone, Debug)]
pub struct MediaFacts {
    /// libav's names of the container, comma-separated where one demuxer serves several:
    /// `mov,mp4,m4a,3gp,3g2,mj2`
    pub format: String,
    /// nanoseconds, as the header says or libav estimates; none where nobody knows
    pub duration: Option<i64>,
    /// whether `duration` stands in the file, instead of being estimated from bit rate or from
    /// what the file ends with
    pub duration_declared: bool,
    /// nanoseconds: the earliest timestamp of all streams. Decoded frames and copied packets have
    /// it subtracted.
    pub start: i64,
    pub streams: Vec<StreamFacts>,
    /// tags of the whole file, in their order
    pub metadata: Vec<(String, String)>,
    pub chapters: Vec<Chapter>,
    /// the format is made for streams whose clock may jump (MPEG-TS and the like)
    pub clock_may_jump: bool,
}

/// A chapter, in nanoseconds of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chapter {
    pub start: i64,
    pub end: i64,
    /// empty where it has none
    pub title: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamKind {
    Video,
    Audio,
    Subtitle,
    Data,
    Attachment,
}

impl StreamKind {
    pub fn name(self) -> &'static str {
        match self {
            StreamKind::Video => "video",
            StreamKind::Audio => "audio",
            StreamKind::Subtitle => "subtitle",
            StreamKind::Data => "data",
            StreamKind::Attachment => "attachment",
        }
    }
}

/// One stream of an input.
#[derive(Clone, Debug)]
pub struct StreamFacts {
    pub index: usize,
    pub kind: StreamKind,
    /// libav's name: `h264`, `aac` …
    pub codec: String,
    /// the four letters that its container has for its codec, the first one lowest; 0 for none
    pub tag: u32,
    /// a cover picture, no film
    pub attached_picture: bool,
    /// seconds that one unit of the stream's timestamps takes
    pub time_base: Rational,
    /// frames a second; none where it varies or nobody knows
    pub frame_rate: Option<Rational>,
    /// nanoseconds
    pub duration: Option<i64>,
    /// frames, as the header says
    pub frames: Option<i64>,
    /// bits a second, where the file says so
    pub bit_rate: Option<i64>,
    pub video: Option<VideoFacts>,
    pub audio: Option<AudioFacts>,
    /// `eng` …
    pub language: Option<String>,
    pub metadata: Vec<(String, String)>,
}

impl StreamFacts {
    /// The name of its codec, or the letters that stand for it where libav has no name: `tmcd`.
    pub fn label(&self) -> String {
        let letters = self.tag.to_le_bytes();
        match &*self.codec {
            "none" | "bin_data" if letters.iter().all(u8::is_ascii_graphic) => {
                String::from_utf8_lossy(&letters).into_owned()
            }
            "none" => "unknown".to_owned(),
            codec => codec.to_owned(),
        }
    }

    /// Whether it is the track of a time code (QuickTime's `tmcd`), which the video's tag
    /// `timecode` says too.
    pub fn is_timecode(&self) -> bool {
        self.tag == u32::from_le_bytes(*b"tmcd")
            && self.metadata.iter().any(|(key, _)| key == "timecode")
    }
}

/// What stands beside a stream of video and says how it is to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// two pictures in one
    Stereo,
    /// a sphere on a plane: 360° video
    Sphere,
    /// Dolby Vision, and whether the pictures look right without it
    DolbyVision { compatible: bool },
}

impl Beside {
    pub fn name(self) -> &'static str {
        match self {
            Beside::Stereo => "the mark of stereoscopic video",
            Beside::Sphere => "the mark of 360° video",
            Beside::DolbyVision { .. } => "the metadata of Dolby Vision",
        }
    }
}

#[derive(Clone, Debug)]
pub struct VideoFacts {
    pub width: u32,
    pub height: u32,
    /// libav's name, empty where nobody knows
    pub pixel_format: String,
    /// the contract's format with the same layout
    pub native: Option<PixelFormat>,
    pub sample_aspect: Rational,
    pub color: Color,
    /// degrees clockwise by which the picture is to be turned for display: 0, 90, 180, 270 from
    /// cameras
    pub rotation: i32,
    /// it has an alpha plane beside its packets, which libav's own decoders of VP8 and VP9 pass over
    /// (`alpha_mode` of WebM)
    pub hidden_alpha: bool,
    pub beside: Vec<Beside>,
    /// pictures are of two fields each, and whether the top one comes first
    pub interlaced: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioFacts {
    /// samples a second
    pub sample_rate: u32,
    pub channels: u32,
}

/// Reads the facts off an open demuxer.
///
/// # Safety
/// `context` is a valid demuxer context that nobody changes meanwhile.
pub(crate) unsafe fn read(context: *const ffi::AVFormatContext) -> MediaFacts {
    // SAFETY: the caller's promise; libav keeps `nb_streams` valid streams in `streams`.
    unsafe {
        let c = &*context;
        let estimate = ffi::AVDurationEstimationMethod::AVFMT_DURATION_FROM_STREAM;
        let streams = (0..c.nb_streams as usize).map(|i| stream(context, *c.streams.add(i)));
        let chapters = (0..c.nb_chapters as usize).map(|i| chapter(*c.chapters.add(i)));
        MediaFacts {
            format: av::text((*c.iformat).name),
            duration: av::nanoseconds(c.duration, av::MICROSECONDS).filter(|&d| d > 0),
            duration_declared: c.duration_estimation_method == estimate,
            start: av::nanoseconds(c.start_time, av::MICROSECONDS).unwrap_or(0),
            streams: streams.collect(),
            metadata: av::pairs(c.metadata),
            chapters: chapters.collect(),
            clock_may_jump: (*c.iformat).flags & ffi::AVFMT_TS_DISCONT != 0,
        }
    }
}

/// # Safety
/// `chapter` belongs to a valid context.
unsafe fn chapter(chapter: *const ffi::AVChapter) -> Chapter {
    // SAFETY: the caller's promise.
    unsafe {
        let c = &*chapter;
        let title = av::pairs(c.metadata).into_iter().find(|(key, _)| key == "title");
        let time = |value| av::nanoseconds(value, c.time_base).unwrap_or(0);
        let title = title.map(|(_, text)| text).unwrap_or_default();
        Chapter { start: time(c.start), end: time(c.end), title }
    }
}

/// # Safety
/// `stream` belongs to `context`, both valid.
unsafe fn stream(context: *const ffi::AVFormatContext, stream: *mut ffi::AVStream) -> StreamFacts {
    use ffi::AVMediaType::*;
    // SAFETY: the caller's promise; every stream has parameters.
    unsafe {
        let s = &*stream;
        let par = &*s.codecpar;
        let kind = match par.codec_type {
            AVMEDIA_TYPE_VIDEO => StreamKind::Video,
            AVMEDIA_TYPE_AUDIO => StreamKind::Audio,
            AVMEDIA_TYPE_SUBTITLE => StreamKind::Subtitle,
            AVMEDIA_TYPE_ATTACHMENT => StreamKind::Attachment,
            _ => StreamKind::Data,
        };
        let metadata = av::pairs(s.metadata);
        let language = metadata.iter().find(|(k, _)| k == "language").map(|(_, v)| v.clone());
        StreamFacts {
            index: s.index as usize,
            kind,
            codec: av::text(ffi::avcodec_get_name(par.codec_id)),
            tag: par.codec_tag,
            attached_picture: s.disposition & ffi::AV_DISPOSITION_ATTACHED_PIC != 0,
            time_base: av::positive(s.time_base).unwrap_or(Rational { num: 1, den: 90_000 }),
            frame_rate: (kind == StreamKind::Video).then(|| frame_rate(context, stream)).flatten(),
            duration: av::nanoseconds(s.duration, s.time_base).filter(|&d| d > 0),
            frames: (s.nb_frames > 0).then_some(s.nb_frames),
            bit_rate: (par.bit_rate > 0).then_some(par.bit_rate),
            video: (kind == StreamKind::Video).then(|| video(context, stream)),
            audio: (kind == StreamKind::Audio).then(|| AudioFacts {
                sample_rate: u32::try_from(par.sample_rate).unwrap_or(0),
                channels: u32::try_from(par.ch_layout.nb_channels).unwrap_or(0),
            }),
            language,
            metadata,
        }
    }
}

/// # Safety
/// As for [`stream`]; a video stream.
unsafe fn video(context: *const ffi::AVFormatContext, stream: *mut ffi::AVStream) -> VideoFacts {
    // SAFETY: the caller's promise. av_guess_sample_aspect_ratio only reads.
    unsafe {
        let par = &*(*stream).codecpar;
        let format = formats::from_number(par.format);
        let aspect =
            ffi::av_guess_sample_aspect_ratio(context.cast_mut(), stream, std::ptr::null_mut());
        let mut color =
            formats::color(par.color_range, par.color_space, par.color_primaries, par.color_trc);
        if format.is_some_and(formats::is_full_range) {
            color.range = Some("pc".into());
        }
        VideoFacts {
            width: u32::try_from(par.width).unwrap_or(0),
            height: u32::try_from(par.height).unwrap_or(0),
            pixel_format: format.map(formats::name).unwrap_or_default(),
            native: format.and_then(formats::native),
            sample_aspect: av::positive(aspect).unwrap_or(Rational { num: 1, den: 1 }),
            color,
            rotation: rotation(stream),
            hidden_alpha: av::pairs((*stream).metadata)
                .iter()
                .any(|(key, value)| key.eq_ignore_ascii_case("alpha_mode") && value == "1"),
            beside: beside(stream),
            interlaced: match par.field_order {
                ffi::AVFieldOrder::AV_FIELD_TT | ffi::AVFieldOrder::AV_FIELD_BT => Some(true),
                ffi::AVFieldOrder::AV_FIELD_BB | ffi::AVFieldOrder::AV_FIELD_TB => Some(false),
                _ => None,
            },
        }
    }
}

/// # Safety
/// As for [`stream`].
unsafe fn beside(stream: *const ffi::AVStream) -> Vec<Beside> {
    use ffi::AVPacketSideDataType::*;
    // SAFETY: the caller's promise.
    let of = |kind| unsafe { side_data(stream, kind) };
    // The first number of AVStereo3D is its type, 0 for plain pictures (stereo3d.h).
    let stereo = of(AV_PKT_DATA_STEREO3D).filter(|d| d.iter().take(4).any(|b| *b != 0));
    // `dv_bl_signal_compatibility_id` is the eighth byte of AVDOVIDecoderConfigurationRecord
    // (dovi_meta.h): 0 where the base layer is for Dolby Vision alone.
    let dolby = of(AV_PKT_DATA_DOVI_CONF);
    let compatible = dolby.is_some_and(|d| d.get(7).is_some_and(|id| *id != 0));
    let all = [
        stereo.map(|_| Beside::Stereo),
        of(AV_PKT_DATA_SPHERICAL).map(|_| Beside::Sphere),
        dolby.map(|_| Beside::DolbyVision { compatible }),
    ];
    all.into_iter().flatten().collect()
}

/// The rate, where frames come evenly: libav's guess of the smallest step and the average agree
/// then.
///
/// # Safety
/// As for [`stream`].
unsafe fn frame_rate(
    context: *const ffi::AVFormatContext,
    stream: *mut ffi::AVStream,
) -> Option<Rational> {
    // SAFETY: the caller's promise; av_guess_frame_rate only reads.
    let (guess, average) = unsafe {
        let guess = ffi::av_guess_frame_rate(context.cast_mut(), stream, std::ptr::null_mut());
        (av::positive(guess), av::positive((*stream).avg_frame_rate))
    };
    let value = |r: Rational| f64::from(r.num) / f64::from(r.den);
    match (guess, average) {
        (Some(guess), Some(average)) => {
            let even = (value(average) / value(guess) - 1.0).abs() < 0.03;
            even.then_some(guess)
        }
        (one, other) => one.or(other),
    }
}

/// The rotation of a stream's display matrix, clockwise.
///
/// # Safety
/// `stream` is valid.
unsafe fn rotation(stream: *const ffi::AVStream) -> i32 {
    // SAFETY: the caller's promise.
    let Some(matrix) = (unsafe { display_matrix(stream) }) else { return 0 };
    // SAFETY: av_display_rotation_get reads nine numbers.
    let angle = unsafe { ffi::av_display_rotation_get(matrix.as_ptr()) };
    // libav's angle is counter-clockwise, and NaN for a singular matrix, which becomes 0 here.
    (-angle).round().rem_euclid(360.0) as i32
}

/// The matrix of a stream's rotation, if it has one.
///
/// # Safety
/// `stream` is valid.
pub(crate) unsafe fn display_matrix(stream: *const ffi::AVStream) -> Option<[i32; 9]> {
    let wanted = ffi::AVPacketSideDataType::AV_PKT_DATA_DISPLAYMATRIX;
    // SAFETY: the caller's promise; there are enough bytes, aligned or not.
    unsafe {
        let matrix = side_data(stream, wanted).filter(|bytes| bytes.len() >= 36)?;
        Some(matrix.as_ptr().cast::<[i32; 9]>().read_unaligned())
    }
}

/// Side data of a stream.
///
/// # Safety
/// The stream is valid, and outlives what is given back.
pub(crate) unsafe fn side_data<'a>(
    stream: *const ffi::AVStream,
    kind: ffi::AVPacketSideDataType,
) -> Option<&'a [u8]> {
    // SAFETY: the caller's promise; the side data of a valid stream are `count` valid entries.
    unsafe {
        let (entries, count) = versions::side_data_list(stream);
        for i in 0..usize::try_from(count).unwrap_or(0) {
            let entry = &*entries.add(i);
            if entry.type_ == kind && !entry.data.is_null() {
                return Some(std::slice::from_raw_parts(entry.data, entry.size));
            }
        }
        None
    }
}
