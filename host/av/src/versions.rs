//! What differs between the versions of FFmpeg that filmgate compiles against, 5.1 to 9: fields that
//! moved, types that changed. Nothing else in the host asks for a version.
//!
//! docs/ffmpeg-versions.md has the differences that users notice.

use std::ffi::c_int;

use ffmpeg_next::ffi;

/// libav's type of bytes that a write callback gets: constant since FFmpeg 7.0.
#[cfg(ffmpeg_7_0)]
pub(crate) type Written = *const u8;
#[cfg(not(ffmpeg_7_0))]
pub(crate) type Written = *mut u8;

/// Whether libav writes a rotation into Matroska: 5.1 loses it, 7.1 keeps it; of those between them
/// it is not known.
pub(crate) const MATROSKA_KEEPS_ROTATION: bool = cfg!(ffmpeg_7_1);

/// How long a frame lasts, in its time base: `duration` since FFmpeg 6.0.
pub(crate) fn duration(frame: &ffi::AVFrame) -> i64 {
    #[cfg(ffmpeg_6_0)]
    let duration = frame.duration;
    #[cfg(not(ffmpeg_6_0))]
    let duration = frame.pkt_duration;
    duration
}

/// Sets what [`duration`] gives.
pub(crate) fn set_duration(frame: &mut ffi::AVFrame, duration: i64) {
    #[cfg(ffmpeg_6_0)]
    let field = &mut frame.duration;
    #[cfg(not(ffmpeg_6_0))]
    let field = &mut frame.pkt_duration;
    *field = duration;
}

/// The list of a stream's side data and its length: in the codec parameters since FFmpeg 6.1.
///
/// # Safety
/// The stream is valid.
pub(crate) unsafe fn side_data_list(
    stream: *const ffi::AVStream,
) -> (*const ffi::AVPacketSideData, c_int) {
    // SAFETY: the caller's promise.
    unsafe {
        #[cfg(not(ffmpeg_6_1))]
        let list = ((*stream).side_data.cast_const(), (*stream).nb_side_data);
        #[cfg(ffmpeg_6_1)]
        let list = {
            let par = (*stream).codecpar;
            ((*par).coded_side_data.cast_const(), (*par).nb_coded_side_data)
        };
        list
    }
}

/// Room for side data of a stream, which libav owns; null when out of memory.
///
/// # Safety
/// `stream` is valid and of a muxer before its header.
pub(crate) unsafe fn new_side_data(
    stream: *mut ffi::AVStream,
    kind: ffi::AVPacketSideDataType,
    size: usize,
) -> *mut u8 {
    // SAFETY: the caller's promise.
    unsafe {
        #[cfg(not(ffmpeg_6_1))]
        let place = ffi::av_stream_new_side_data(stream, kind, size);
        #[cfg(ffmpeg_6_1)]
        let place = {
            let par = (*stream).codecpar;
            let (list, count) =
                (&raw mut (*par).coded_side_data, &raw mut (*par).nb_coded_side_data);
            let entry = ffi::av_packet_side_data_new(list, count, kind, size, 0);
            if entry.is_null() { std::ptr::null_mut() } else { (*entry).data }
        };
        place
    }
}

/// Copies a stream's side data to another one whose codec parameters were copied: since FFmpeg 6.1
/// it came along with those.
///
/// # Safety
/// Both streams are valid, `to` of a muxer before its header.
pub(crate) unsafe fn copy_side_data(from: *const ffi::AVStream, to: *mut ffi::AVStream) {
    if cfg!(ffmpeg_6_1) {
        return;
    }
    // SAFETY: the caller's promise; the entries are `count` valid ones.
    unsafe {
        let (entries, count) = side_data_list(from);
        for i in 0..usize::try_from(count).unwrap_or(0) {
            let entry = &*entries.add(i);
            let place = new_side_data(to, entry.type_, entry.size);
            if !place.is_null() && !entry.data.is_null() {
                std::ptr::copy_nonoverlapping(entry.data, place, entry.size);
            }
        }
    }
}

/// The pixel formats that an encoder takes, a list that ends with `AV_PIX_FMT_NONE`; null where it
/// lists none. A field up to FFmpeg 8, a function since 7.1.
///
/// # Safety
/// `encoder` is a static description.
pub(crate) unsafe fn pixel_formats(encoder: *const ffi::AVCodec) -> *const ffi::AVPixelFormat {
    // SAFETY: the caller's promise.
    #[cfg(not(ffmpeg_7_1))]
    let formats = unsafe { (*encoder).pix_fmts };
    // SAFETY: the caller's promise; this list is one of pixel formats (libavcodec/avcodec.h).
    #[cfg(ffmpeg_7_1)]
    let formats =
        unsafe { supported(encoder, ffi::AVCodecConfig::AV_CODEC_CONFIG_PIX_FORMAT).cast() };
    formats
}

/// The sample formats that an encoder takes, best first, as [`pixel_formats`].
///
/// # Safety
/// `encoder` is a static description.
pub(crate) unsafe fn sample_formats(encoder: *const ffi::AVCodec) -> *const ffi::AVSampleFormat {
    // SAFETY: the caller's promise.
    #[cfg(not(ffmpeg_7_1))]
    let formats = unsafe { (*encoder).sample_fmts };
    // SAFETY: the caller's promise; this list is one of sample formats (libavcodec/avcodec.h).
    #[cfg(ffmpeg_7_1)]
    let formats =
        unsafe { supported(encoder, ffi::AVCodecConfig::AV_CODEC_CONFIG_SAMPLE_FORMAT).cast() };
    formats
}

/// # Safety
/// `encoder` is a static description.
#[cfg(ffmpeg_7_1)]
unsafe fn supported(
    encoder: *const ffi::AVCodec,
    what: ffi::AVCodecConfig,
) -> *const std::ffi::c_void {
    let mut list = std::ptr::null();
    // SAFETY: the caller's promise; the list is static, null where everything is supported or the
    // call fails, and its length may go unasked.
    unsafe {
        ffi::avcodec_get_supported_config(
            std::ptr::null(),
            encoder,
            what,
            0,
            &raw mut list,
            std::ptr::null_mut(),
        );
    }
    list
}
