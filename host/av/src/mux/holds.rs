//! Whether a container can hold a stream: one answer for every verb, before anything is written
//! ([`Muxer::holds`]) and where the stream is added to a muxer.

use std::ffi::c_int;
use std::ptr;

use crate::av;
use crate::demux::facts::{Beside, StreamKind};
use crate::demux::shape::Shape;
use crate::error::{MediaError, MediaErrorKind as Kind};
use crate::mux::muxer::Muxer;
use crate::mux::targets::find_muxer;
use crate::versions;
use ffmpeg_next::ffi;

/// What decides whether a stream fits: its kind, its codec, and the four letters that its own
/// container calls that, or 0.
pub(crate) type What = (ffi::AVMediaType, ffi::AVCodecID, u32);

impl Muxer {
    /// Whether a container, by libav's name, can hold a stream like this one.
    pub fn holds(format: &str, shape: &Shape) -> bool {
        let name = av::c_string(&shape.facts.codec);
        // SAFETY: look-ups by name that give null or static descriptions.
        let (codec, muxer) = unsafe {
            let descriptor = ffi::avcodec_descriptor_get_by_name(name.as_ptr());
            let none = ffi::AVCodecID::AV_CODEC_ID_NONE;
            (descriptor.as_ref().map_or(none, |d| d.id), find_muxer(format))
        };
        // SAFETY: a static description.
        !muxer.is_null()
            && (holds_cover(format) || !shape.facts.attached_picture)
            && unsafe { takes(muxer, format, (kind(shape.facts.kind), codec, shape.tag)) }
    }

    /// # Errors
    /// Unsupported where the container cannot hold such a stream.
    pub(crate) fn check_stream(&self, what: What) -> Result<(), MediaError> {
        let (name, format) = (&self.name, &self.format);
        let unsupported = |message| Err(MediaError::new(Kind::Unsupported, message));
        let video = what.0 == ffi::AVMediaType::AVMEDIA_TYPE_VIDEO;
        let alone = video && self.tracks.is_empty();
        if !alone && !holds_sound(format) {
            return unsupported(format!("{name}: the container \"{format}\" holds film alone"));
        }
        // SAFETY: a valid context with its static muxer.
        if unsafe { takes((*self.context.0).oformat, format, what) } {
            return Ok(());
        }
        // SAFETY: a look-up that always gives static text.
        let codec = match unsafe { av::text(ffi::avcodec_get_name(what.1)) } {
            none if none == "none" => "it".to_owned(),
            codec => codec,
        };
        unsupported(format!("{name}: the container \"{format}\" cannot hold {codec}"))
    }
}

/// The usual extensions, among those of the most common containers, of the ones that hold all of these
/// streams: `.mov or .mkv`.
pub fn way_out<'a>(shapes: impl Iterator<Item = &'a Shape> + Clone) -> String {
    let holds = |format: &&str| shapes.clone().all(|s| Muxer::holds(format, s));
    let formats = ["mp4", "mov", "matroska", "mpegts", "avi", "nut"].into_iter().filter(holds);
    let names: Vec<String> =
        formats.filter_map(Muxer::ending).map(|ending| format!(".{ending}")).take(3).collect();
    names.join(" or ")
}

fn kind(kind: StreamKind) -> ffi::AVMediaType {
    match kind {
        StreamKind::Video => ffi::AVMediaType::AVMEDIA_TYPE_VIDEO,
        StreamKind::Audio => ffi::AVMediaType::AVMEDIA_TYPE_AUDIO,
        StreamKind::Subtitle => ffi::AVMediaType::AVMEDIA_TYPE_SUBTITLE,
        StreamKind::Data => ffi::AVMediaType::AVMEDIA_TYPE_DATA,
        StreamKind::Attachment => ffi::AVMediaType::AVMEDIA_TYPE_ATTACHMENT,
    }
}

/// # Safety
/// `muxer` is a static description.
unsafe fn takes(muxer: *const ffi::AVOutputFormat, format: &str, what: What) -> bool {
    let (kind, codec, tag) = what;
    if kind != ffi::AVMediaType::AVMEDIA_TYPE_VIDEO && !holds_sound(format) {
        return false;
    }
    if holds_beyond(format, kind, codec) {
        return true;
    }
    let normal = ffi::FF_COMPLIANCE_NORMAL as c_int;
    // SAFETY: the caller's promise; the queries are table look-ups. Below 0 libav does not know;
    // streams without a container (`-o a.hevc`) are of their own codec alone then.
    let (takes, named, codec) = unsafe {
        let takes = ffi::avformat_query_codec(muxer, codec, normal);
        let bare = (*muxer).flags & ffi::AVFMT_NOTIMESTAMPS != 0;
        // One codec stands for all data that libav does not look into. The letters tell what they
        // are, and a muxer without these letters would give them others: an mp4's track of chapter
        // titles (`text`) would become GoPro's telemetry (`gpmd`).
        let data = kind == ffi::AVMediaType::AVMEDIA_TYPE_DATA && tag != 0;
        let tags = (*muxer).codec_tag;
        let named = !data || tags.is_null() || ffi::av_codec_get_id(tags, tag) == codec;
        (takes > 0 || takes < 0 && !bare, named, av::text(ffi::avcodec_get_name(codec)))
    };
    takes && named && codecs(format).is_none_or(|list| list.contains(&&*codec))
}

/// Whether a container is made for sound at all: `gif` and raw pictures are not.
pub fn holds_sound(format: &str) -> bool {
    let muxer = find_muxer(format);
    // SAFETY: muxers are static.
    let codec = unsafe { muxer.as_ref() }.map(|m| m.audio_codec);
    codec.is_some_and(|c| c != ffi::AVCodecID::AV_CODEC_ID_NONE)
}

/// Whether a container holds what stands beside a stream of video. libav's muxer of mov leaves it out
/// (movenc.c, `mov_write_video_tag`).
pub fn holds_beside(format: &str, _: Beside) -> bool {
    matches!(format, "mp4" | "matroska" | "webm")
}

/// Whether a container holds a cover picture that libav's muxer can write there.
pub fn holds_cover(format: &str) -> bool {
    matches!(format, "mp4" | "3gp" | "ipod" | "mp3" | "flac")
}

/// Whether a container holds the language of a stream.
pub fn holds_language(format: &str) -> bool {
    !matches!(format, "avi" | "flv")
}

/// The keys of the tags that people write, of those of a file.
pub fn text_tags(metadata: &[(String, String)]) -> Vec<&str> {
    const TAGS: [&str; 8] =
        ["title", "artist", "album", "comment", "description", "copyright", "genre", "synopsis"];
    let is_text = |key: &&str| TAGS.contains(&&*key.to_ascii_lowercase());
    metadata.iter().map(|(key, _)| &**key).filter(is_text).collect()
}

/// Whether a container holds the title of a film, and tags like it.
pub fn holds_tags(format: &str) -> bool {
    !matches!(
        format,
        "mpegts" | "hls" | "gif" | "image2" | "yuv4mpegpipe" | "h264" | "hevc" | "mpeg"
    )
}

/// Whether a container, with what codec there is in it, says of which kind colors are.
pub fn holds_color(format: &str) -> bool {
    !matches!(format, "gif" | "image2" | "ogg" | "yuv4mpegpipe")
}

/// Whether an encoder, by libav's name, encodes two fields in a frame as such.
pub fn encodes_fields(codec: &str) -> bool {
    const PROGRESSIVE: [&str; 8] =
        ["libvpx", "libaom", "libsvtav1", "librav1e", "libtheora", "gif", "png", "libwebp"];
    !PROGRESSIVE.iter().any(|name| codec.starts_with(name))
}

/// Whether a container is known to hold by how much its video is to be rotated.
pub fn holds_rotation(format: &str) -> bool {
    match format {
        "mp4" | "mov" | "3gp" => true,
        "matroska" => versions::MATROSKA_KEEPS_ROTATION,
        _ => false,
    }
}

/// Whether a container holds a time code, in a track that libav's muxer makes of the video's tag, or as
/// that tag.
pub fn holds_timecode(format: &str) -> bool {
    matches!(format, "mp4" | "mov" | "mxf" | "matroska" | "webm" | "nut")
}

/// What Matroska holds beyond the list that libav asks itself at normal compliance: the codecs of
/// AVI and WAVE under their old tags (RFC 9559, `V_MS/VFW/FOURCC` and `A_MS/ACM`), and files attached
/// to the film.
fn holds_beyond(format: &str, kind: ffi::AVMediaType, codec: ffi::AVCodecID) -> bool {
    // SAFETY: static tables of libav's.
    let riff = unsafe {
        match kind {
            ffi::AVMediaType::AVMEDIA_TYPE_VIDEO => ffi::avformat_get_riff_video_tags(),
            ffi::AVMediaType::AVMEDIA_TYPE_AUDIO => ffi::avformat_get_riff_audio_tags(),
            ffi::AVMediaType::AVMEDIA_TYPE_ATTACHMENT => return format == "matroska",
            _ => return false,
        }
    };
    let tables = [riff, ptr::null()];
    // SAFETY: a list of tables that ends with null.
    format == "matroska" && unsafe { ffi::av_codec_get_tag(tables.as_ptr(), codec) } != 0
}

/// The codecs of containers about which libav says yes to everything, or gives no answer: what it
/// can write so that others can read it. None for the containers that libav knows better.
#[rustfmt::skip]
fn codecs(format: &str) -> Option<&'static [&'static str]> {
    Some(match format {
        // Segments of MPEG-TS.
        "mpegts" | "hls" => &[
            "h264", "hevc", "vvc", "mpeg1video", "mpeg2video", "mpeg4", "vc1", "dirac", "cavs",
            "mp2", "mp3", "aac", "aac_latm", "ac3", "eac3", "dts", "truehd", "opus", "s302m",
            "dvb_subtitle", "dvb_teletext", "hdmv_pgs_subtitle", "klv", "timed_id3", "scte_35",
        ],
        "mpeg" => &[
            "mpeg1video", "mpeg2video", "h264", "mp2", "mp3", "ac3", "dts", "pcm_s16be",
            "dvd_subtitle",
        ],
        // Its demuxer does not give back the packets of H.264 as they were.
        "asf" => &[
            "wmv1", "wmv2", "wmv3", "vc1", "msmpeg4v1", "msmpeg4v2", "msmpeg4v3", "mpeg4", "mjpeg",
            "wmav1", "wmav2", "wmapro", "wmalossless", "wmavoice", "mp3", "aac", "ac3", "adpcm_ms",
            "adpcm_ima_wav", "pcm_s16le", "pcm_s24le", "pcm_u8",
        ],
        "ogg" => &["theora", "vp8", "vorbis", "opus", "flac", "speex"],
        _ => return None,
    })
}
