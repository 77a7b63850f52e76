//! Single packets into a container, timed so that streams stay together, and what of a stream goes
//! over into another container.

use std::ffi::c_int;
use std::ptr;

use tracing::warn;

use crate::av::{self, AvPacket};
use crate::codec::encode::EncodedPacket;
use crate::demux::facts;
use crate::demux::packet::Packet;
use crate::error::{MediaError, MediaErrorKind as Kind};
use crate::log;
use crate::mux::muxer::Muxer;
use crate::versions::new_side_data;
use ffmpeg_next::ffi;

/// One stream of a muxer.
pub(crate) struct Track {
    /// of the packets that come in
    time_base: ffi::AVRational,
    /// nanoseconds to be taken off copied packets, as the decoder has done with frames
    start: Option<i64>,
    /// the last dts, in the muxer's time base
    last_dts: Option<i64>,
    /// packets given to libav
    sent: u64,
}

impl Track {
    pub(crate) fn new(time_base: ffi::AVRational, start: Option<i64>) -> Track {
        Track { time_base, start, last_dts: None, sent: 0 }
    }

    pub(crate) fn is_copy(&self) -> bool {
        self.start.is_some()
    }
}

impl Muxer {
    /// Writes an encoded picture to a stream of [`Muxer::add_encoded`].
    ///
    /// # Errors
    /// Write, with the sink's error; Encode where libav refuses the packet.
    pub fn write_encoded(
        &mut self,
        stream: usize,
        packet: EncodedPacket,
    ) -> Result<(), MediaError> {
        self.write(stream, packet.packet)
    }

    /// Writes a packet of the input to a stream of [`Muxer::add_copy`].
    ///
    /// # Errors
    /// As [`Muxer::write_encoded`].
    pub fn write_copied(&mut self, stream: usize, packet: Packet) -> Result<(), MediaError> {
        let mut packet = packet.packet;
        if let Some(track) = self.tracks.get(stream)
            && let Some(start) = track.start
        {
            let offset = av::rescale(start, av::NANOSECONDS, track.time_base);
            let raw = packet.get_mut();
            for time in [&mut raw.pts, &mut raw.dts] {
                if *time != ffi::AV_NOPTS_VALUE {
                    *time = time.saturating_sub(offset);
                }
            }
        }
        self.write(stream, packet)
    }

    /// Packets whose times had to be changed because they did not grow.
    pub fn retimed(&self) -> u64 {
        self.retimed
    }

    fn write(&mut self, stream: usize, mut packet: AvPacket) -> Result<(), MediaError> {
        self.place(stream, &mut packet)?;
        log::forget();
        // SAFETY: the header has been written; libav takes over the packet's data and leaves it
        // blank.
        let code = unsafe { ffi::av_interleaved_write_frame(self.context.0, packet.as_mut_ptr()) };
        self.sink_error()?;
        match code {
            0.. => Ok(()),
            code => self.refuse(code, &format!("{}: stream {stream}", self.name)),
        }
    }

    /// Drops a packet that the container or its bitstream filter refuses, where the muxer holds
    /// packets of the input: they may be damaged in ways that only the container looks at, such as
    /// the ADTS header of AAC. Errors of the sink have been handled; a server has errors of its
    /// own, hence only what libav calls invalid is a refusal there.
    fn refuse(&mut self, code: c_int, doing: &str) -> Result<(), MediaError> {
        let ours = self.patience.is_none() && code != ffi::AVERROR_EXIT;
        let invalid = code == ffi::AVERROR_INVALIDDATA;
        let error = MediaError::av(Kind::Encode, doing, code);
        if error.kind != Kind::Encode || !(ours || invalid) || !self.has_copies() {
            return Err(error);
        }
        self.refused += 1;
        warn!(target: "libav", "{}; the packet is dropped", error.message);
        self.refusal.get_or_insert(error);
        Ok(())
    }

    /// Writes what is held back, and checks that only packets of the input were refused, and of no
    /// stream all of them.
    pub(crate) fn flush_held(&mut self) -> Result<(), MediaError> {
        // After an error libav leaves the later packets in its queue (libavformat/mux.c); each call
        // takes at least one out of it.
        loop {
            self.renew();
            log::forget();
            // SAFETY: the header has been written; null stands for "write what is held back".
            let code = unsafe { ffi::av_interleaved_write_frame(self.context.0, ptr::null_mut()) };
            self.sink_error()?;
            let before = self.refused;
            match code {
                0.. => break,
                code => self.refuse(code, &self.name.clone())?,
            }
            if before > self.tracks.iter().map(|t| t.sent).sum() {
                break;
            }
        }
        let Some(refusal) = self.refusal.take() else { return Ok(()) };
        let mut lost = 0;
        for (number, track) in self.tracks.iter().enumerate().filter(|(_, t)| t.is_copy()) {
            // SAFETY: the context is valid and has as many streams as tracks.
            let written = unsafe { (**(*self.context.0).streams.add(number)).nb_frames };
            let written = u64::try_from(written).unwrap_or(0);
            if track.sent > 0 && written == 0 {
                let message = format!("{} (all packets of stream {number})", refusal.message);
                return Err(MediaError::new(Kind::Read, message));
            }
            lost += track.sent.saturating_sub(written);
        }
        if lost < self.refused { Err(refusal) } else { Ok(()) }
    }

    pub(crate) fn has_copies(&self) -> bool {
        self.tracks.iter().any(Track::is_copy)
    }

    /// Packets of the input that the container refused.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Makes a packet one of a stream's, in the muxer's units, and gives the muxer to write it to.
    pub(crate) fn place(
        &mut self,
        stream: usize,
        packet: &mut AvPacket,
    ) -> Result<*mut ffi::AVFormatContext, MediaError> {
        if !self.header_written || stream >= self.tracks.len() {
            let message = format!("{}: a packet for stream {stream}, which is not open", self.name);
            return Err(MediaError::new(Kind::Unsupported, message));
        }
        // SAFETY: the context is valid and has as many streams as tracks.
        let (target, flags) = unsafe {
            let context = &*self.context.0;
            ((**context.streams.add(stream)).time_base, (*context.oformat).flags)
        };
        let track = &mut self.tracks[stream];
        track.sent += 1;
        let raw = packet.get_mut();
        // SAFETY: a valid packet and positive time bases.
        unsafe { ffi::av_packet_rescale_ts(raw, track.time_base, target) };
        raw.stream_index = stream as c_int;
        raw.pos = -1;
        self.retimed += u64::from(track.keep_growing(raw, flags));
        self.renew();
        Ok(self.context.0)
    }
}

impl Track {
    /// Makes the dts grow, as containers demand (`AVFMT_TS_NONSTRICT`: not fall), and the pts not
    /// precede it, in the way of the ffmpeg program. Whether anything had to be changed.
    fn keep_growing(&mut self, packet: &mut ffi::AVPacket, flags: c_int) -> bool {
        let none = ffi::AV_NOPTS_VALUE;
        let before = (packet.pts, packet.dts);
        if packet.dts != none && packet.pts != none && packet.dts > packet.pts {
            // The middle one of the three that could be meant.
            let next = self.last_dts.map_or(packet.dts, |last| last + 1);
            let mut three = [packet.pts, packet.dts, next];
            three.sort_unstable();
            (packet.pts, packet.dts) = (three[1], three[1]);
        }
        if let (Some(last), true) = (self.last_dts, packet.dts != none) {
            let least = last + i64::from(flags & ffi::AVFMT_TS_NONSTRICT == 0);
            if packet.dts < least {
                packet.dts = least;
                if packet.pts != none {
                    packet.pts = packet.pts.max(least);
                }
            }
        }
        if packet.dts != none {
            self.last_dts = Some(packet.dts);
        }
        before != (packet.pts, packet.dts)
    }
}

/// The four-letter code to write for a codec: the source's own where the target knows it for the
/// same codec or has none of its own, else 0, for the muxer to choose.
///
/// # Safety
/// `tags` is a muxer's static list or null, `par` valid.
pub(crate) unsafe fn usable_tag(
    tags: *const *const ffi::AVCodecTag,
    par: *const ffi::AVCodecParameters,
) -> u32 {
    // SAFETY: the caller's promise.
    unsafe {
        let (tag, id) = ((*par).codec_tag, (*par).codec_id);
        let mut other = 0;
        let keeps = tags.is_null()
            || ffi::av_codec_get_id(tags, tag) == id
            || ffi::av_codec_get_tag2(tags, id, &raw mut other) == 0;
        if keeps { tag } else { 0 }
    }
}

/// Tags and disposition of a stream.
///
/// # Safety
/// Both streams are valid.
pub(crate) unsafe fn copy_tags(from: *const ffi::AVStream, to: *mut ffi::AVStream) {
    // SAFETY: the caller's promise. A missing tag for want of memory is no reason to stop.
    unsafe {
        ffi::av_dict_copy(&raw mut (*to).metadata, (*from).metadata, 0);
        // It names the program that encoded the source.
        ffi::av_dict_set(&raw mut (*to).metadata, c"encoder".as_ptr(), ptr::null(), 0);
        (*to).disposition = (*from).disposition;
    }
}

/// The sample aspect ratio. The container's comes before the bitstream's, as in players. libav
/// refuses a stream whose codec parameters have another one (`init_muxer` in libavformat/mux.c):
/// 1:1 in the bitstream and 4:3 in the container, as in PAL DV in AVI.
///
/// # Safety
/// Both streams are valid, `to` with codec parameters that were copied.
pub(crate) unsafe fn copy_aspect(from: *const ffi::AVStream, to: *mut ffi::AVStream) {
    // SAFETY: the caller's promise.
    unsafe {
        let ratio = (*from).sample_aspect_ratio;
        (*to).sample_aspect_ratio = ratio;
        if ratio.num > 0 && ratio.den > 0 {
            (*(*to).codecpar).sample_aspect_ratio = ratio;
        }
    }
}

/// # Safety
/// `stream` is valid and of a muxer before its header.
pub(crate) unsafe fn set_display_matrix(stream: *mut ffi::AVStream, matrix: [i32; 9]) {
    let kind = ffi::AVPacketSideDataType::AV_PKT_DATA_DISPLAYMATRIX;
    // SAFETY: the caller's promise; the place is as large as asked for, or null.
    unsafe {
        let place = new_side_data(stream, kind, size_of_val(&matrix));
        if !place.is_null() {
            place.cast::<[i32; 9]>().write_unaligned(matrix);
        }
    }
}

/// What a screen must know of pictures of high dynamic range, and of stereoscopic and 360° ones: they
/// are other pictures behind the encoder, but made for the same screen.
///
/// # Safety
/// Both streams are valid, `to` of a muxer before its header.
pub(crate) unsafe fn copy_display(from: *const ffi::AVStream, to: *mut ffi::AVStream) {
    use ffi::AVPacketSideDataType::*;
    for kind in [
        AV_PKT_DATA_MASTERING_DISPLAY_METADATA,
        AV_PKT_DATA_CONTENT_LIGHT_LEVEL,
        AV_PKT_DATA_STEREO3D,
        AV_PKT_DATA_SPHERICAL,
    ] {
        // SAFETY: the caller's promise; the place is as large as asked for, or null.
        unsafe {
            let Some(bytes) = facts::side_data(from, kind) else { continue };
            let place = new_side_data(to, kind, bytes.len());
            if !place.is_null() {
                ptr::copy_nonoverlapping(bytes.as_ptr(), place, bytes.len());
            }
        }
    }
}

/// Chapters, moved by `start` nanoseconds as all packets are, and cut to `length`. False when out
/// of memory.
///
/// # Safety
/// Both contexts are valid, `to` of a muxer before its header.
pub(crate) unsafe fn copy_chapters(
    from: *const ffi::AVFormatContext,
    to: *mut ffi::AVFormatContext,
    start: i64,
    length: Option<i64>,
) -> bool {
    // SAFETY: the caller's promise; all memory is libav's, which frees it with the context.
    unsafe {
        let count = (*from).nb_chapters as usize;
        if count == 0 || (*to).nb_chapters != 0 {
            return true;
        }
        let list =
            ffi::av_calloc(count, size_of::<*mut ffi::AVChapter>()).cast::<*mut ffi::AVChapter>();
        if list.is_null() {
            return false;
        }
        (*to).chapters = list;
        for i in 0..count {
            let source = &**(*from).chapters.add(i);
            let offset = av::rescale(start, av::NANOSECONDS, source.time_base);
            let offset = if offset == ffi::AV_NOPTS_VALUE { 0 } else { offset };
            let last = length.map(|l| av::rescale(l, av::NANOSECONDS, source.time_base));
            let (from, end) =
                (source.start.saturating_sub(offset), source.end.saturating_sub(offset));
            if end <= 0 || last.is_some_and(|last| from >= last) {
                continue;
            }
            let chapter = ffi::av_mallocz(size_of::<ffi::AVChapter>()).cast::<ffi::AVChapter>();
            if chapter.is_null() {
                return false;
            }
            (*chapter).id = source.id;
            (*chapter).time_base = source.time_base;
            (*chapter).start = from.max(0);
            (*chapter).end = last.map_or(end, |last| end.min(last));
            ffi::av_dict_copy(&raw mut (*chapter).metadata, source.metadata, 0);
            *list.add((*to).nb_chapters as usize) = chapter;
            (*to).nb_chapters += 1;
        }
        true
    }
}
