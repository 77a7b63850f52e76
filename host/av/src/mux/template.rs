//! What a container must know of a stream, apart from whoever makes its packets: so that one encode
//! goes into several containers, and into new ones whenever a server is reconnected.

use std::ptr::NonNull;

use crate::av;
use crate::av::AvPacket;
use crate::codec::encode::{EncodedPacket, VideoEncoder};
use crate::demux::open::Input;
use crate::demux::packet::Packet;
use crate::error::MediaError;
use crate::mux::holds::What;
use ffmpeg_next::ffi;
use filmgate_core::frame::Rational;

/// Owned AVCodecParameters.
struct Parameters(NonNull<ffi::AVCodecParameters>);

// SAFETY: plain memory without a tie to a thread.
unsafe impl Send for Parameters {}
// SAFETY: only read through `&self`.
unsafe impl Sync for Parameters {}

impl Drop for Parameters {
    fn drop(&mut self) {
        let mut raw = self.0.as_ptr();
        // SAFETY: ours, freed once.
        unsafe { ffi::avcodec_parameters_free(&raw mut raw) }
    }
}

/// The description of a stream of encoded packets, for [`crate::Muxer::add_stream`].
pub struct StreamTemplate {
    parameters: Parameters,
    pub(crate) time_base: ffi::AVRational,
    frame_rate: ffi::AVRational,
    sample_aspect: ffi::AVRational,
}

impl StreamTemplate {
    fn blank(time_base: ffi::AVRational) -> Result<StreamTemplate, MediaError> {
        // SAFETY: allocates or gives null.
        let raw = unsafe { ffi::avcodec_parameters_alloc() };
        let parameters = NonNull::new(raw).ok_or_else(|| MediaError::memory("a stream"))?;
        let none = ffi::AVRational { num: 0, den: 1 };
        Ok(StreamTemplate {
            parameters: Parameters(parameters),
            time_base,
            frame_rate: none,
            sample_aspect: none,
        })
    }

    /// Of an encoder that is open.
    ///
    /// # Safety
    /// `codec` is valid.
    pub(crate) unsafe fn of_codec(
        codec: *const ffi::AVCodecContext,
    ) -> Result<StreamTemplate, MediaError> {
        // SAFETY: the caller's promise.
        let mut template = StreamTemplate::blank(unsafe { (*codec).time_base })?;
        // SAFETY: both are valid.
        let code =
            unsafe { ffi::avcodec_parameters_from_context(template.parameters.0.as_ptr(), codec) };
        match code {
            0.. => {
                // SAFETY: the caller's promise.
                (template.frame_rate, template.sample_aspect) =
                    unsafe { ((*codec).framerate, (*codec).sample_aspect_ratio) };
                Ok(template)
            }
            _ => Err(MediaError::memory("a stream")),
        }
    }

    /// # Safety
    /// `stream` is a new one of a muxer before its header.
    pub(crate) unsafe fn apply(&self, stream: *mut ffi::AVStream) -> bool {
        // SAFETY: the caller's promise; the parameters are valid.
        unsafe {
            let code = ffi::avcodec_parameters_copy((*stream).codecpar, self.parameters.0.as_ptr());
            (*(*stream).codecpar).codec_tag = 0;
            (*stream).time_base = self.time_base;
            (*stream).sample_aspect_ratio = self.sample_aspect;
            if self.frame_rate.num > 0 {
                (*stream).avg_frame_rate = self.frame_rate;
            }
            code >= 0
        }
    }

    /// What decides whether a container holds it.
    pub(crate) fn what(&self) -> What {
        // SAFETY: valid for as long as self.
        (unsafe { self.parameters.0.as_ref() }.codec_type, self.codec_id(), 0)
    }

    fn codec_id(&self) -> ffi::AVCodecID {
        // SAFETY: valid for as long as self.
        unsafe { self.parameters.0.as_ref() }.codec_id
    }

    /// The same once more.
    ///
    /// # Errors
    /// OutOfMemory.
    pub fn share(&self) -> Result<StreamTemplate, MediaError> {
        let mut template = StreamTemplate::blank(self.time_base)?;
        // SAFETY: both are valid.
        let code = unsafe {
            ffi::avcodec_parameters_copy(template.parameters.0.as_ptr(), self.parameters.0.as_ptr())
        };
        if code < 0 {
            return Err(MediaError::memory("a stream"));
        }
        (template.frame_rate, template.sample_aspect) = (self.frame_rate, self.sample_aspect);
        Ok(template)
    }

    /// libav's name of the codec.
    pub fn codec(&self) -> String {
        // SAFETY: a table look-up that gives static text.
        unsafe { av::text(ffi::avcodec_get_name(self.codec_id())) }
    }
}

impl VideoEncoder {
    /// What a container must know of its packets.
    ///
    /// # Errors
    /// OutOfMemory.
    pub fn template(&self) -> Result<StreamTemplate, MediaError> {
        // SAFETY: the encoder is open.
        let mut template = unsafe { StreamTemplate::of_codec(self.codec.as_ptr()) }?;
        if self.input().frame_rate.is_none() {
            template.frame_rate.num = 0;
        }
        Ok(template)
    }
}

impl Input {
    /// What a container must know of one of its streams.
    ///
    /// # Errors
    /// OutOfMemory.
    pub fn template(&self, stream: usize) -> Result<StreamTemplate, MediaError> {
        let source = self.stream(stream)?;
        // SAFETY: the stream is valid.
        let template = StreamTemplate::blank(unsafe { (*source).time_base })?;
        // SAFETY: both are valid.
        let code = unsafe {
            ffi::avcodec_parameters_copy(template.parameters.0.as_ptr(), (*source).codecpar)
        };
        if code < 0 { Err(MediaError::memory("a stream")) } else { Ok(template) }
    }
}

/// The same packet once more; the data are shared.
fn share(from: &AvPacket) -> Result<AvPacket, MediaError> {
    let mut packet = AvPacket::new().ok_or_else(|| MediaError::memory("share a packet"))?;
    // SAFETY: a blank packet and a valid one; data that are not counted yet are copied.
    match unsafe { ffi::av_packet_ref(packet.as_mut_ptr(), from.as_ptr()) } {
        0.. => Ok(packet),
        _ => Err(MediaError::memory("share a packet")),
    }
}

impl EncodedPacket {
    /// The same packet once more; the data are shared.
    ///
    /// # Errors
    /// OutOfMemory.
    pub fn share(&self) -> Result<EncodedPacket, MediaError> {
        Ok(EncodedPacket { packet: share(&self.packet)?, time_base: self.time_base })
    }

    /// Nanoseconds; 0 where nobody knows.
    pub fn length(&self) -> i64 {
        av::nanoseconds(self.packet.get().duration, self.time_base).unwrap_or(0).max(0)
    }

    /// The time base of its times.
    pub fn time_base(&self) -> Option<Rational> {
        av::positive(self.time_base)
    }
}

impl Packet {
    /// The same packet once more; the data are shared.
    ///
    /// # Errors
    /// OutOfMemory.
    pub fn share(&self) -> Result<Packet, MediaError> {
        Ok(Packet { packet: share(&self.packet)?, time_base: self.time_base })
    }

    /// As if it came from an encoder, its times moved by some nanoseconds.
    pub fn into_encoded(mut self, by: i64) -> EncodedPacket {
        self.shift(by);
        EncodedPacket { packet: self.packet, time_base: self.time_base }
    }
}
