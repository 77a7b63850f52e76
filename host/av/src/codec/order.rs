//! In which order a decoder gives out the pictures of a stream, beside the display times that its
//! packets have. The decoder goes by the coded pictures alone: it knows nothing of how the times came
//! about.

use std::ffi::c_int;
use std::ptr;

use crate::av::{self, AvFrame, Codec};
use crate::codec::decode::{DecodeOptions, open_decoder};
use crate::demux::open::Input;
use crate::demux::packet::Packet;
use crate::error::MediaError;
use ffmpeg_next::ffi;

/// Decodes the beginning of a piece of film and notes the times of its pictures.
pub struct PictureOrder {
    codec: Codec,
    /// in the order of the pictures, in the stream's time base
    times: Vec<i64>,
}

impl PictureOrder {
    /// # Errors
    /// Unsupported where libav has no decoder for the stream; OutOfMemory.
    pub fn new(input: &Input, stream: usize) -> Result<PictureOrder, MediaError> {
        let raw = input.stream(stream)?;
        let name = format!("{}, stream {stream}", input.path().display());
        let options = DecodeOptions { threads: 1, ..DecodeOptions::default() };
        // SAFETY: the stream is the input's and valid.
        let mut codec =
            unsafe { open_decoder((*raw).codecpar, (*raw).time_base, &name, &options) }?;
        // An H.264 stream that does not say how far it reorders is guessed at from its pictures, and
        // the first ones come out in the wrong order then, unless the decoder is told to wait for as
        // many as there may be (libavcodec/h264_slice.c, h264_select_output_picture).
        codec.get_mut().strict_std_compliance = ffi::FF_COMPLIANCE_STRICT as c_int;
        Ok(PictureOrder { codec, times: Vec::new() })
    }

    /// The next packet of the stream. What cannot be decoded is no matter of order.
    pub fn send(&mut self, packet: &Packet) {
        self.push(packet.packet.as_ptr());
    }

    fn push(&mut self, packet: *const ffi::AVPacket) {
        loop {
            // SAFETY: an open context; the packet is valid, or null for the end.
            let code = unsafe { ffi::avcodec_send_packet(self.codec.as_mut_ptr(), packet) };
            let taken = self.take();
            if code != av::errno(nix::libc::EAGAIN) || !taken {
                return;
            }
        }
    }

    /// Whether there was any picture.
    fn take(&mut self) -> bool {
        let mut any = false;
        while let Some(mut frame) = AvFrame::new() {
            // SAFETY: an open context and a blank frame.
            let code =
                unsafe { ffi::avcodec_receive_frame(self.codec.as_mut_ptr(), frame.as_mut_ptr()) };
            if code < 0 {
                break;
            }
            any = true;
            // The time of the packet that the picture came in; not libav's guess of what it should be.
            self.times.extend(Some(frame.get().pts).filter(|&t| t != ffi::AV_NOPTS_VALUE));
        }
        any
    }

    /// The time of the first picture that is shown before the one in front of it, and the other's;
    /// in the stream's time base.
    pub fn finish(mut self) -> Option<(i64, i64)> {
        self.push(ptr::null());
        let pairs = self.times.windows(2);
        pairs.map(|pair| (pair[1], pair[0])).find(|(this, before)| this < before)
    }
}
