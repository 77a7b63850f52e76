//! Samples to AAC, which every container of `encode` holds.

use std::collections::VecDeque;
use std::ffi::c_int;
use std::ptr;

use crate::av::{self, AvFrame, AvPacket, Codec};
use crate::codec::encode::EncodedPacket;
use crate::error::{MediaError, MediaErrorKind as Kind};
use crate::log;
use crate::mux::template::StreamTemplate;
use ffmpeg_next::ffi;
use filmgate_core::frame::Rational;
use filmgate_core::time;

/// Encodes samples of 16 bits.
pub struct SoundEncoder {
    codec: Codec,
    rate: u32,
    channels: usize,
    /// interleaved, less than what a packet holds
    waiting: VecDeque<i16>,
    /// samples of one channel that the encoder has got
    sent: i64,
}

const NAME: &str = "the encoder \"aac\"";

/// Bits a second and channel.
const BIT_RATE: i64 = 64_000;

impl SoundEncoder {
    /// # Errors
    /// Unsupported where this FFmpeg has no AAC encoder, or AAC no such rate or number of channels.
    pub fn new(rate: u32, channels: u8) -> Result<SoundEncoder, MediaError> {
        log::init();
        // SAFETY: a look-up by name that gives null or a static description.
        let encoder = unsafe { ffi::avcodec_find_encoder_by_name(c"aac".as_ptr()) };
        if encoder.is_null() {
            let message = "this FFmpeg has no AAC encoder".to_owned();
            return Err(MediaError::new(Kind::Unsupported, message));
        }
        // SAFETY: a static description.
        let mut codec = unsafe { Codec::new(encoder) }.ok_or_else(|| MediaError::memory(NAME))?;
        let context = codec.get_mut();
        context.sample_fmt = ffi::AVSampleFormat::AV_SAMPLE_FMT_FLTP;
        context.sample_rate = c_int::try_from(rate).unwrap_or(0);
        context.bit_rate = BIT_RATE * i64::from(channels);
        context.time_base = ffi::AVRational { num: 1, den: context.sample_rate };
        // Every container takes it, and most want it.
        context.flags |= ffi::AV_CODEC_FLAG_GLOBAL_HEADER as c_int;
        log::forget();
        // SAFETY: an unopened context, its own description, and no options.
        let code = unsafe {
            ffi::av_channel_layout_default(&raw mut context.ch_layout, c_int::from(channels));
            ffi::avcodec_open2(codec.as_mut_ptr(), encoder, ptr::null_mut())
        };
        if code < 0 {
            let what = format!("open {NAME} for {channels} channels of {rate} Hz");
            return Err(MediaError::av(Kind::Unsupported, what, code));
        }
        let (waiting, channels) = (VecDeque::new(), usize::from(channels));
        Ok(SoundEncoder { codec, rate, channels, waiting, sent: 0 })
    }

    /// What a container must know of its packets.
    ///
    /// # Errors
    /// OutOfMemory.
    pub fn template(&self) -> Result<StreamTemplate, MediaError> {
        // SAFETY: the encoder is open.
        unsafe { StreamTemplate::of_codec(self.codec.as_ptr()) }
    }

    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Nanoseconds of what has been sent.
    pub fn time(&self) -> i64 {
        let samples = self.sent + (self.waiting.len() / self.channels) as i64;
        let rate = i32::try_from(self.rate).unwrap_or(i32::MAX);
        time::begin_of(samples, Rational { num: rate, den: 1 })
    }

    /// Interleaved samples, and the packets that are ready then.
    ///
    /// # Errors
    /// Encode, OutOfMemory.
    pub fn send(&mut self, samples: &[i16]) -> Result<Vec<EncodedPacket>, MediaError> {
        self.waiting.extend(samples);
        let size = usize::try_from(self.codec.get().frame_size).unwrap_or(0).max(1);
        let mut packets = Vec::new();
        while self.waiting.len() >= size * self.channels {
            let frame = self.frame(size)?;
            log::forget();
            // SAFETY: the context is open; libav takes references of its own.
            let code = unsafe { ffi::avcodec_send_frame(self.codec.as_mut_ptr(), frame.as_ptr()) };
            if code < 0 {
                return Err(MediaError::av(Kind::Encode, NAME, code));
            }
            self.sent += size as i64;
            while let Some(packet) = self.receive()? {
                packets.push(packet);
            }
        }
        Ok(packets)
    }

    /// As [`SoundEncoder::send`], with silence up to a time in nanoseconds.
    ///
    /// # Errors
    /// As [`SoundEncoder::send`].
    pub fn silence_until(&mut self, time: i64) -> Result<Vec<EncodedPacket>, MediaError> {
        let missing = i128::from(time.saturating_sub(self.time())) * i128::from(self.rate);
        let samples = usize::try_from(missing / 1_000_000_000).unwrap_or(0);
        self.send(&vec![0; samples * self.channels])
    }

    /// The next samples as libav wants them: a plane a channel, from -1 to 1.
    fn frame(&mut self, size: usize) -> Result<AvFrame, MediaError> {
        let memory = || MediaError::memory(NAME);
        let mut frame = AvFrame::new().ok_or_else(memory)?;
        let context = self.codec.get();
        let raw = frame.get_mut();
        raw.nb_samples = c_int::try_from(size).unwrap_or(0);
        raw.format = context.sample_fmt as c_int;
        raw.sample_rate = context.sample_rate;
        raw.pts = self.sent;
        // SAFETY: a blank frame whose size, format and layout are set; libav makes its buffers.
        let code = unsafe {
            let code =
                ffi::av_channel_layout_copy(&raw mut raw.ch_layout, &raw const context.ch_layout);
            if code < 0 { code } else { ffi::av_frame_get_buffer(frame.as_mut_ptr(), 0) }
        };
        if code < 0 {
            return Err(memory());
        }
        for (index, sample) in self.waiting.drain(..size * self.channels).enumerate() {
            let (channel, at) = (index % self.channels, index / self.channels);
            // SAFETY: as many planes as channels (at most 8, which is what `data` has), of `size`
            // floats each, as asked for above.
            unsafe {
                let plane = frame.get().data[channel].cast::<f32>();
                plane.add(at).write(f32::from(sample) / 32_768.0);
            }
        }
        Ok(frame)
    }

    fn receive(&mut self) -> Result<Option<EncodedPacket>, MediaError> {
        let mut packet = AvPacket::new().ok_or_else(|| MediaError::memory(NAME))?;
        // SAFETY: an open context and a blank packet.
        let code =
            unsafe { ffi::avcodec_receive_packet(self.codec.as_mut_ptr(), packet.as_mut_ptr()) };
        let failed = |code| MediaError::av(Kind::Encode, NAME, code);
        let time_base = self.codec.get().time_base;
        Ok(av::received(code).map_err(failed)?.then_some(EncodedPacket { packet, time_base }))
    }
}
