//! A packet of silence, coded like the sound of a stream, to stand where sound is missing.

use std::ffi::c_int;
use std::ptr;

use crate::av::{AvFrame, AvPacket, Codec};
use crate::demux::open::Input;
use crate::error::MediaError;
use crate::log;
use crate::versions;
use ffmpeg_next::ffi;

/// What an encoder needs to settle: the packets before are not yet what it makes of silence.
const SETTLING: usize = 4;

/// Samples of a packet where the codec allows any number.
pub(crate) const ANY_SIZE: c_int = 1024;

/// A packet of silence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    pub data: Vec<u8>,
    /// samples in it
    pub samples: i64,
}

impl Input {
    /// A packet of silence that may stand among those of an audio stream; none where this FFmpeg
    /// cannot encode its codec in just that way.
    ///
    /// # Errors
    /// Unsupported where there is no such stream.
    pub fn silence(&self, stream: usize) -> Result<Option<Silence>, MediaError> {
        let raw = self.stream(stream)?;
        log::forget();
        // SAFETY: the stream is valid and only read.
        Ok(unsafe { encode(&*(*raw).codecpar) })
    }
}

/// An encoder whose packets may stand among those of a stream.
///
/// # Safety
/// Valid parameters.
pub(crate) unsafe fn open_like(par: &ffi::AVCodecParameters) -> Option<Codec> {
    // SAFETY: the caller's promise; a static description or null.
    unsafe {
        let encoder = ffi::avcodec_find_encoder(par.codec_id).as_ref()?;
        let mut codec = Codec::new(encoder)?;
        let context = codec.get_mut();
        context.sample_rate = par.sample_rate;
        context.sample_fmt = *versions::sample_formats(encoder).as_ref()?;
        context.bit_rate = if par.bit_rate > 0 { par.bit_rate } else { 128_000 };
        context.time_base = ffi::AVRational { num: 1, den: par.sample_rate.max(1) };
        context.flags |= ffi::AV_CODEC_FLAG_GLOBAL_HEADER as c_int;
        if ffi::av_channel_layout_copy(&raw mut context.ch_layout, &par.ch_layout) < 0
            || ffi::avcodec_open2(codec.as_mut_ptr(), encoder, ptr::null_mut()) < 0
            || !is_set_up_alike(par, codec.get())
        {
            return None;
        }
        Some(codec)
    }
}

/// # Safety
/// Valid parameters.
unsafe fn encode(par: &ffi::AVCodecParameters) -> Option<Silence> {
    // SAFETY: the caller's promise.
    unsafe {
        let mut codec = open_like(par)?;
        let samples = match codec.get().frame_size {
            0 => ANY_SIZE,
            size => size,
        };
        let mut made = 0;
        for number in 0..64 {
            let mut frame = blank(codec.get(), samples)?;
            frame.get_mut().pts = i64::from(number) * i64::from(samples);
            if ffi::avcodec_send_frame(codec.as_mut_ptr(), frame.as_ptr()) < 0 {
                return None;
            }
            let mut packet = AvPacket::new()?;
            while ffi::avcodec_receive_packet(codec.as_mut_ptr(), packet.as_mut_ptr()) >= 0 {
                made += 1;
                if made > SETTLING && !packet.data().is_empty() {
                    let data = packet.data().to_vec();
                    return Some(Silence { data, samples: i64::from(samples) });
                }
            }
        }
        None
    }
}

/// Whether the stream's decoder will understand what this encoder makes: the object type, rate and
/// channels of AAC, which its other parts follow from.
///
/// # Safety
/// Valid parameters.
unsafe fn is_set_up_alike(par: &ffi::AVCodecParameters, codec: &ffi::AVCodecContext) -> bool {
    if par.codec_id != ffi::AVCodecID::AV_CODEC_ID_AAC || par.extradata_size < 2 {
        return true;
    }
    if codec.extradata_size < 2 || par.extradata.is_null() || codec.extradata.is_null() {
        return false;
    }
    // SAFETY: both are two bytes long at least.
    let (a, b) = unsafe {
        (par.extradata.cast::<[u8; 2]>().read(), codec.extradata.cast::<[u8; 2]>().read())
    };
    (a[0], a[1] & 0xf8) == (b[0], b[1] & 0xf8)
}

/// A frame of silence.
///
/// # Safety
/// An open encoder.
pub(crate) unsafe fn blank(codec: &ffi::AVCodecContext, samples: c_int) -> Option<AvFrame> {
    let mut frame = AvFrame::new()?;
    let raw = frame.get_mut();
    // SAFETY: the caller's promise; the planes are made for as many samples as are silenced.
    unsafe {
        raw.nb_samples = samples;
        raw.format = codec.sample_fmt as c_int;
        raw.sample_rate = codec.sample_rate;
        if ffi::av_channel_layout_copy(&raw mut raw.ch_layout, &codec.ch_layout) < 0
            || ffi::av_frame_get_buffer(frame.as_mut_ptr(), 0) < 0
        {
            return None;
        }
        let raw = frame.get_mut();
        let code = ffi::av_samples_set_silence(
            raw.extended_data,
            0,
            samples,
            codec.ch_layout.nb_channels,
            codec.sample_fmt,
        );
        (code >= 0).then_some(frame)
    }
}
