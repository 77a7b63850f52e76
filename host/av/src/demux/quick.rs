//! Whether the header of a file says enough to copy its packets, so that nothing need be decoded to
//! find out more.

use crate::demux::open::demuxer_names;
use ffmpeg_next::ffi;

/// Whether a header says all that is needed to copy its streams: of the containers with an index
/// in front or behind (`mov`), where every stream's parameters are complete.
///
/// # Safety
/// `context` is a valid demuxer context that nobody changes meanwhile.
pub(crate) unsafe fn says_all(context: *const ffi::AVFormatContext) -> bool {
    use ffi::AVCodecID::*;
    use ffi::AVMediaType::*;
    // SAFETY: the caller's promise.
    unsafe {
        let c = &*context;
        let mov = demuxer_names(c.iformat).0.split(',').any(|n| n == "mov");
        let complete = |i: usize| {
            let stream = *c.streams.add(i);
            let par = &*(*stream).codecpar;
            let indexed = ffi::avformat_index_get_entries_count(stream) > 0;
            let configured = par.extradata_size > 0;
            match par.codec_type {
                AVMEDIA_TYPE_VIDEO
                    if (*stream).disposition & ffi::AV_DISPOSITION_ATTACHED_PIC != 0 =>
                {
                    true
                }
                AVMEDIA_TYPE_VIDEO => {
                    let bare = matches!(par.codec_id, AV_CODEC_ID_MJPEG | AV_CODEC_ID_VP9);
                    indexed && par.width > 0 && par.height > 0 && (configured || bare)
                }
                // Others (mp3, ac3) have their rate and layout in the packets.
                AVMEDIA_TYPE_AUDIO => {
                    let known = matches!(par.codec_id, AV_CODEC_ID_AAC | AV_CODEC_ID_OPUS);
                    indexed
                        && known
                        && configured
                        && par.sample_rate > 0
                        && par.ch_layout.nb_channels > 0
                }
                _ => true,
            }
        };
        mov && c.nb_streams > 0 && (0..c.nb_streams as usize).all(complete)
    }
}
