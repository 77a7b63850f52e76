//! What a stream is like in every field that matters when packets of several files are to stand
//! behind one another in one stream, and what the index of a file says of its packets. Nothing is
//! compared here.

use std::ffi::c_char;
use std::sync::Arc;

use crate::av;
use crate::demux::facts::StreamFacts;
use crate::demux::open::Input;
use crate::error::MediaError;
use ffmpeg_next::ffi;

/// One stream, for comparing. What nobody knows is empty, none or 0.
#[derive(Clone, Debug)]
pub struct Shape {
    pub facts: StreamFacts,
    /// the four letters that its container has for its codec, the first one lowest; 0 for none
    pub tag: u32,
    /// pictures are decoded in another order than they are shown in, as far as their headers tell
    pub reorders: bool,
    /// libav's name: `High`
    pub profile: String,
    /// as the codec counts them: 31 for H.264's 3.1
    pub level: i32,
    /// `progressive`, `tt` …, by libav's names; empty where nobody knows
    pub field_order: &'static str,
    /// what the decoder has to be told before the first packet
    pub extradata: Arc<[u8]>,
    /// libav's name: `stereo`, `5.1`
    pub layout: String,
    /// samples in an audio packet, where they are all alike
    pub frame_size: u32,
    /// in the stream's time base: when its first packet is shown, hidden ones apart
    pub start: Option<i64>,
    pub index: Option<PacketIndex>,
}

/// What the index of an mp4 says of a stream, its edit list applied.
#[derive(Clone, Copy, Debug, Default)]
pub struct PacketIndex {
    pub packets: u64,
    pub keys: u64,
    /// packets that the edit list hides and that stand before one that it shows
    pub hidden: u64,
    /// the byte of the file behind the last packet
    pub end: u64,
    /// the first packet can be decoded by itself
    pub starts_with_key: bool,
}

impl Input {
    /// All that is known of one of its streams.
    ///
    /// # Errors
    /// Unsupported where there is no such stream.
    pub fn shape(&self, stream: usize) -> Result<Shape, MediaError> {
        let raw = self.stream(stream)?;
        let facts = self.facts().streams[stream].clone();
        // SAFETY: the stream is valid and nobody changes it meanwhile; extradata are
        // `extradata_size` bytes or null; the profile's name is static or null.
        unsafe {
            let s = &*raw;
            let par = &*s.codecpar;
            let extradata = match usize::try_from(par.extradata_size) {
                Ok(size) if size > 0 && !par.extradata.is_null() => {
                    std::slice::from_raw_parts(par.extradata, size).into()
                }
                _ => Arc::from([]),
            };
            Ok(Shape {
                facts,
                tag: par.codec_tag,
                reorders: par.video_delay > 0,
                profile: av::text(ffi::avcodec_profile_name(par.codec_id, par.profile)),
                level: par.level,
                field_order: field_order(par.field_order),
                extradata,
                layout: layout(&par.ch_layout),
                frame_size: frame_size(par),
                start: Some(s.start_time).filter(|&t| t != ffi::AV_NOPTS_VALUE),
                index: index(raw),
            })
        }
    }
}

fn field_order(order: ffi::AVFieldOrder) -> &'static str {
    match order {
        ffi::AVFieldOrder::AV_FIELD_UNKNOWN => "",
        ffi::AVFieldOrder::AV_FIELD_PROGRESSIVE => "progressive",
        ffi::AVFieldOrder::AV_FIELD_TT => "tt",
        ffi::AVFieldOrder::AV_FIELD_BB => "bb",
        ffi::AVFieldOrder::AV_FIELD_TB => "tb",
        ffi::AVFieldOrder::AV_FIELD_BT => "bt",
    }
}

/// Samples in a packet: of AAC always 1024 of its core's rate (ISO/IEC 14496-3, 4.5.1), and of AC-3
/// 1536 (ATSC A/52, 4.1), which the demuxers of mp4 and Matroska do not say by themselves. Matroska
/// rounds the 34.83 ms of AC-3 at 44.1 kHz to 34 ms.
fn frame_size(par: &ffi::AVCodecParameters) -> u32 {
    match u32::try_from(par.frame_size) {
        Ok(0) | Err(_) if par.codec_id == ffi::AVCodecID::AV_CODEC_ID_AAC => 1024,
        Ok(0) | Err(_) if par.codec_id == ffi::AVCodecID::AV_CODEC_ID_AC3 => 1536,
        other => other.unwrap_or(0),
    }
}

/// # Safety
/// A valid layout.
unsafe fn layout(layout: &ffi::AVChannelLayout) -> String {
    let mut text = [0 as c_char; 128];
    // SAFETY: the caller's promise; the buffer's size is told, and it ends with a zero here
    // whatever happens.
    unsafe {
        let code = ffi::av_channel_layout_describe(layout, text.as_mut_ptr(), text.len());
        if code < 0 {
            return String::new();
        }
        text[text.len() - 1] = 0;
        av::text(text.as_ptr())
    }
}

/// # Safety
/// `stream` is a valid stream of a demuxer that nobody changes meanwhile.
unsafe fn index(stream: *mut ffi::AVStream) -> Option<PacketIndex> {
    // SAFETY: the caller's promise; entries are asked for by numbers below their count.
    unsafe {
        let count = ffi::avformat_index_get_entries_count(stream);
        if count <= 0 {
            return None;
        }
        let mut index = PacketIndex::default();
        let mut hidden_behind = 0;
        for number in 0..count {
            let entry = ffi::avformat_index_get_entry(stream, number);
            if entry.is_null() {
                return None;
            }
            let entry = &*entry;
            let key = entry.flags() & ffi::AVINDEX_KEYFRAME != 0;
            let hidden = entry.flags() & ffi::AVINDEX_DISCARD_FRAME != 0;
            index.packets += 1;
            index.keys += u64::from(key);
            let size = u64::try_from(entry.size()).unwrap_or(0);
            index.end = index.end.max(u64::try_from(entry.pos).unwrap_or(0).saturating_add(size));
            if hidden {
                hidden_behind += 1
            } else {
                index.hidden += std::mem::take(&mut hidden_behind)
            }
            index.starts_with_key |= number == 0 && key;
        }
        Some(index)
    }
}
