//! Packets of many files into one stream: streams made like those of an input but with a clock
//! and a set-up of their own, packets put at the times that the caller says, and room kept in
//! front of an mp4 for its index.

use std::ffi::c_int;

use crate::av::{self, AvPacket};
use crate::demux::facts::Chapter;
use crate::demux::open::Input;
use crate::demux::packet::Packet;
use crate::error::{MediaError, MediaErrorKind as Kind};
use crate::log;
use crate::mux::mux_io::{Track, copy_aspect, copy_tags, usable_tag};
use crate::mux::muxer::Muxer;
use crate::versions::copy_side_data;
use ffmpeg_next::ffi;
use filmgate_core::frame::Rational;

/// How a stream of the output differs from the one that it is made like.
#[derive(Clone, Debug)]
pub struct Like {
    /// of the packets that will come
    pub time_base: Rational,
    /// four letters to write instead of the source's: `avc3`
    pub tag: Option<[u8; 4]>,
    /// in place of the source's
    pub extradata: Option<Vec<u8>>,
}

/// Where a packet goes, in its stream's [`Like::time_base`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    pub pts: i64,
    pub dts: i64,
    /// 0 where nobody knows
    pub duration: i64,
}

impl Packet {
    /// A packet of bytes from elsewhere, that can be decoded by itself.
    ///
    /// # Errors
    /// OutOfMemory.
    pub fn of(data: &[u8], time_base: Rational) -> Result<Packet, MediaError> {
        let mut packet = AvPacket::new().ok_or_else(|| MediaError::memory("make a packet"))?;
        fill(&mut packet, data)?;
        packet.get_mut().flags = ffi::AV_PKT_FLAG_KEY;
        Ok(Packet { packet, time_base: av::to_av(time_base) })
    }

    /// Puts other bytes in its place; all else stays.
    ///
    /// # Errors
    /// OutOfMemory.
    pub fn replace_data(&mut self, data: &[u8]) -> Result<(), MediaError> {
        let mut packet = AvPacket::new().ok_or_else(|| MediaError::memory("make a packet"))?;
        fill(&mut packet, data)?;
        // SAFETY: two valid packets; side data are copied.
        let code = unsafe { ffi::av_packet_copy_props(packet.as_mut_ptr(), self.packet.as_ptr()) };
        if code < 0 {
            return Err(MediaError::memory("make a packet"));
        }
        self.packet = packet;
        Ok(())
    }

    /// Says when it is to be decoded, in its time base, where its file does not.
    pub fn set_dts(&mut self, dts: i64) {
        self.packet.get_mut().dts = dts;
    }

    /// Says when it is to be shown and decoded, in its time base.
    pub(crate) fn set_times(&mut self, pts: i64, dts: i64) {
        let raw = self.packet.get_mut();
        (raw.pts, raw.dts) = (pts, dts);
    }

    /// The edit list of its file hides it: it is there to be decoded, not to be shown.
    pub fn is_hidden(&self) -> bool {
        self.packet.get().flags & ffi::AV_PKT_FLAG_DISCARD != 0
    }

    /// What the decoder has to be told from this packet on, where its file changes that half-way.
    pub fn new_extradata(&self) -> Option<&[u8]> {
        self.beside(ffi::AVPacketSideDataType::AV_PKT_DATA_NEW_EXTRADATA)
    }

    /// What Matroska stores beside its block as BlockAdditional 1, behind that number in 8 bytes:
    /// the alpha plane of VP8 and VP9. libav writes no other numbers (`mkv_write_block`).
    pub fn block_addition(&self) -> Option<&[u8]> {
        self.beside(ffi::AVPacketSideDataType::AV_PKT_DATA_MATROSKA_BLOCKADDITIONAL)
            .filter(|bytes| bytes.starts_with(&1u64.to_be_bytes()))
    }

    fn beside(&self, kind: ffi::AVPacketSideDataType) -> Option<&[u8]> {
        let mut size = 0;
        // SAFETY: a valid packet; the side data are `size` bytes and live as long as the packet.
        unsafe {
            let data = ffi::av_packet_get_side_data(self.packet.as_ptr(), kind, &raw mut size);
            (!data.is_null()).then(|| std::slice::from_raw_parts(data, size))
        }
    }
}

/// Fresh bytes for a blank packet.
fn fill(packet: &mut AvPacket, data: &[u8]) -> Result<(), MediaError> {
    let size = c_int::try_from(data.len()).map_err(|_| MediaError::memory("make a packet"))?;
    // SAFETY: a blank packet, which has room for `size` bytes afterwards; `data` is other memory.
    unsafe {
        if ffi::av_new_packet(packet.as_mut_ptr(), size) < 0 {
            return Err(MediaError::memory("make a packet"));
        }
        std::ptr::copy_nonoverlapping(data.as_ptr(), packet.get_mut().data, data.len());
    }
    Ok(())
}

impl Muxer {
    /// A stream like one of `input`, for packets that come by [`Muxer::write_placed`].
    ///
    /// # Errors
    /// Unsupported where the container cannot hold the codec; OutOfMemory.
    pub fn add_like(
        &mut self,
        input: &Input,
        stream: usize,
        like: &Like,
    ) -> Result<usize, MediaError> {
        let source = input.stream(stream)?;
        // SAFETY: the source is valid.
        let par = unsafe { (*source).codecpar };
        // SAFETY: as above.
        self.check_stream(unsafe { ((*par).codec_type, (*par).codec_id, (*par).codec_tag) })?;
        let (index, target) = self.new_stream()?;
        let time_base = av::to_av(like.time_base);
        // SAFETY: both streams and the muxer are valid.
        let code = unsafe {
            let code = ffi::avcodec_parameters_copy((*target).codecpar, par);
            let to = (*target).codecpar;
            (*to).codec_tag = match like.tag {
                Some(tag) => u32::from_le_bytes(tag),
                None => usable_tag((*(*self.context.0).oformat).codec_tag, par),
            };
            (*target).time_base = time_base;
            (*target).avg_frame_rate = (*source).avg_frame_rate;
            (*target).r_frame_rate = (*source).r_frame_rate;
            copy_aspect(source, target);
            copy_tags(source, target);
            copy_side_data(source, target);
            match &like.extradata {
                Some(bytes) if code >= 0 => set_extradata(to, bytes),
                _ => code,
            }
        };
        if code < 0 {
            return Err(MediaError::av(Kind::OutOfMemory, &self.name, code));
        }
        self.tracks.push(Track::new(time_base, None));
        Ok(index)
    }

    /// Whether a container holds [`Packet::block_addition`].
    pub fn keeps_additions(format: &str) -> bool {
        matches!(format, "matroska" | "webm")
    }

    /// Writes a packet to a stream of [`Muxer::add_like`]. `sort`: hold packets back until they
    /// can be written in the order of their times, as containers without an index want it.
    ///
    /// # Errors
    /// Write, with the sink's error; Encode where libav refuses the packet.
    pub fn write_placed(
        &mut self,
        stream: usize,
        packet: Packet,
        times: Times,
        sort: bool,
    ) -> Result<(), MediaError> {
        let addition = packet.block_addition().filter(|_| Muxer::keeps_additions(&self.format));
        let addition = addition.map(<[u8]>::to_vec);
        let mut packet = packet.packet;
        let raw = packet.get_mut();
        (raw.pts, raw.dts, raw.duration) = (times.pts, times.dts, times.duration);
        raw.flags &= ffi::AV_PKT_FLAG_KEY;
        // What stands beside a packet counts from the start of its file, or was taken account of.
        // SAFETY: a valid packet.
        unsafe { ffi::av_packet_free_side_data(packet.as_mut_ptr()) };
        if let Some(bytes) = addition {
            let kind = ffi::AVPacketSideDataType::AV_PKT_DATA_MATROSKA_BLOCKADDITIONAL;
            // SAFETY: a valid packet; the place is as large as asked for, or null.
            unsafe {
                let place =
                    ffi::av_packet_new_side_data(packet.as_mut_ptr(), kind, bytes.len() as _);
                if place.is_null() {
                    return Err(MediaError::memory(&self.name));
                }
                std::ptr::copy_nonoverlapping(bytes.as_ptr(), place, bytes.len());
            }
        }
        let target = self.place(stream, &mut packet)?;
        log::forget();
        // SAFETY: the header has been written; libav takes over the packet's data (sorted) or
        // leaves them to us (unsorted).
        let code = unsafe {
            if sort {
                ffi::av_interleaved_write_frame(target, packet.as_mut_ptr())
            } else {
                ffi::av_write_frame(target, packet.as_mut_ptr())
            }
        };
        self.sink_error()?;
        match code {
            0.. => Ok(()),
            code => {
                Err(MediaError::av(Kind::Encode, format!("{}: stream {stream}", self.name), code))
            }
        }
    }

    /// Gives up the room that `moov_size` kept in front: the index goes behind the media, and
    /// moves to the front from there if `front` says so. The caller makes the room a `free` box.
    ///
    /// # Errors
    /// Unsupported where the muxer is not mp4's.
    pub fn give_up_room(&mut self, front: bool) -> Result<(), MediaError> {
        let search = ffi::AV_OPT_SEARCH_CHILDREN as c_int;
        // SAFETY: our context, which begins with its AVClass; both options are plain numbers that
        // the muxer reads in its trailer.
        let code = unsafe {
            let object = self.context.0.cast();
            let code = ffi::av_opt_set_int(object, c"moov_size".as_ptr(), 0, search);
            if front && code >= 0 {
                let (key, value) = (c"movflags".as_ptr(), c"+faststart".as_ptr());
                ffi::av_opt_set(object, key, value, search)
            } else {
                code
            }
        };
        if code < 0 {
            return Err(MediaError::av(Kind::Unsupported, &self.name, code));
        }
        Ok(())
    }

    /// Sets the chapters. They may be set until [`Muxer::finish`]; containers that have none
    /// ignore them.
    ///
    /// # Errors
    /// OutOfMemory.
    pub fn set_chapters(&mut self, chapters: &[Chapter]) -> Result<(), MediaError> {
        // SAFETY: our context; all memory is libav's, which frees it with the context.
        unsafe {
            let context = &mut *self.context.0;
            if context.nb_chapters != 0 || chapters.is_empty() {
                return Ok(());
            }
            let size = size_of::<*mut ffi::AVChapter>();
            let list = ffi::av_calloc(chapters.len(), size).cast::<*mut ffi::AVChapter>();
            if list.is_null() {
                return Err(MediaError::memory(&self.name));
            }
            context.chapters = list;
            for (number, chapter) in chapters.iter().enumerate() {
                let size = size_of::<ffi::AVChapter>();
                let raw = ffi::av_mallocz(size).cast::<ffi::AVChapter>();
                if raw.is_null() {
                    return Err(MediaError::memory(&self.name));
                }
                (*raw).id = number as i64 + 1;
                // Nanoseconds do not fit into the units of all containers.
                (*raw).time_base = ffi::AVRational { num: 1, den: 1000 };
                (*raw).start = chapter.start / 1_000_000;
                (*raw).end = chapter.end / 1_000_000;
                if !chapter.title.is_empty() {
                    let title = av::c_string(&chapter.title);
                    let metadata = &raw mut (*raw).metadata;
                    ffi::av_dict_set(metadata, c"title".as_ptr(), title.as_ptr(), 0);
                }
                *list.add(number) = raw;
                context.nb_chapters += 1;
            }
        }
        Ok(())
    }
}

/// # Safety
/// Valid parameters that are ours.
unsafe fn set_extradata(par: *mut ffi::AVCodecParameters, bytes: &[u8]) -> c_int {
    let padding = ffi::AV_INPUT_BUFFER_PADDING_SIZE as usize;
    // SAFETY: the caller's promise; the old extradata are libav's to free, the new ones have the
    // zeroed padding that libav asks for (codec_par.h).
    unsafe {
        ffi::av_freep((&raw mut (*par).extradata).cast());
        (*par).extradata_size = 0;
        if bytes.is_empty() {
            return 0;
        }
        let place = ffi::av_mallocz(bytes.len() + padding).cast::<u8>();
        let Ok(size) = c_int::try_from(bytes.len()) else { return av::errno(nix::libc::EINVAL) };
        if place.is_null() {
            return av::errno(nix::libc::ENOMEM);
        }
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), place, bytes.len());
        (*par).extradata = place;
        (*par).extradata_size = size;
        0
    }
}
