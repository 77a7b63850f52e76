//! Sound decoded, resampled and encoded to be like another stream's: the rate, the channels and
//! the codec. Nothing is mixed or filtered beyond what that takes.

use std::collections::VecDeque;
use std::ffi::c_int;
use std::ptr::{self, NonNull};

use crate::audio::silence;
use crate::av::{self, AvFrame, AvPacket, Codec};
use crate::demux::open::Input;
use crate::demux::packet::Packet;
use crate::error::{MediaError, MediaErrorKind as Kind};
use crate::log;
use ffmpeg_next::ffi;
use filmgate_core::frame::Rational;

/// Transcodes audio: decodes one stream, resamples, and encodes it to match another stream.
pub struct AudioTranscoder {
    decoder: Codec,
    encoder: Codec,
    resampler: Resampler,
    fifo: Fifo,
    name: String,
    time_base: ffi::AVRational,
    /// when the next sample to be encoded is heard, at the encoder's rate
    next: Option<i64>,
    ready: VecDeque<Packet>,
    damaged: u64,
}

/// An owned SwrContext.
struct Resampler(NonNull<ffi::SwrContext>);

// SAFETY: plain memory, used through `&mut self` of its owner.
unsafe impl Send for Resampler {}

impl Drop for Resampler {
    fn drop(&mut self) {
        let mut raw = self.0.as_ptr();
        // SAFETY: ours, freed once.
        unsafe { ffi::swr_free(&raw mut raw) }
    }
}

/// An owned AVAudioFifo.
struct Fifo(NonNull<ffi::AVAudioFifo>);

// SAFETY: as above.
unsafe impl Send for Fifo {}

impl Drop for Fifo {
    fn drop(&mut self) {
        // SAFETY: ours, freed once.
        unsafe { ffi::av_audio_fifo_free(self.0.as_ptr()) }
    }
}

/// Decodes audio to find errors in it.
pub struct AudioDecoder {
    decoder: Codec,
    name: String,
    damaged: u64,
}

impl AudioDecoder {
    /// # Errors
    /// Unsupported where libav has no decoder for it.
    pub fn new(input: &Input, stream: usize) -> Result<AudioDecoder, MediaError> {
        let raw = input.stream(stream)?;
        let name = format!("{}, stream {stream}", input.path().display());
        // SAFETY: the stream is valid and only read.
        let decoder = unsafe { open_decoder(&*(*raw).codecpar, (*raw).time_base) };
        let decoder = decoder.ok_or_else(|| {
            MediaError::new(Kind::Unsupported, format!("{name}: its sound cannot be decoded"))
        })?;
        Ok(AudioDecoder { decoder, name, damaged: 0 })
    }

    /// Packets that could not be decoded.
    pub fn damaged(&self) -> u64 {
        self.damaged
    }

    /// Takes a packet of the stream; none for its end.
    ///
    /// # Errors
    /// OutOfMemory.
    pub fn send(&mut self, packet: Option<&Packet>) -> Result<(), MediaError> {
        log::forget();
        let raw = packet.map_or(ptr::null(), |p| p.packet.as_ptr());
        // SAFETY: an open decoder; a valid packet, or null for the end.
        if unsafe { ffi::avcodec_send_packet(self.decoder.as_mut_ptr(), raw) } < 0 {
            self.damaged += 1;
        }
        loop {
            let mut frame = AvFrame::new().ok_or_else(|| MediaError::memory(&self.name))?;
            // SAFETY: an open decoder and a blank frame.
            let code = unsafe {
                ffi::avcodec_receive_frame(self.decoder.as_mut_ptr(), frame.as_mut_ptr())
            };
            match decoded(&self.name, code)? {
                Decoded::Frame => {}
                Decoded::NoMore => return Ok(()),
                Decoded::Damaged => self.damaged += 1,
            }
        }
    }
}

impl AudioTranscoder {
    /// From a stream of `input` to the codec and parameters of a stream of `like`.
    ///
    /// # Errors
    /// Unsupported where this FFmpeg cannot decode the one or encode the other in just that way.
    pub fn new(
        input: &Input,
        stream: usize,
        like: &Input,
        likes: usize,
    ) -> Result<AudioTranscoder, MediaError> {
        let (source, target) = (input.stream(stream)?, like.stream(likes)?);
        let name = format!("{}, stream {stream}", input.path().display());
        let cannot = |what: &str| MediaError::new(Kind::Unsupported, format!("{name}: {what}"));
        log::forget();
        // SAFETY: both streams are valid and only read.
        unsafe {
            let (from, to) = (&*(*source).codecpar, &*(*target).codecpar);
            let time_base = (*source).time_base;
            let decoder = open_decoder(from, time_base)
                .ok_or_else(|| cannot("its sound cannot be decoded"))?;
            let encoder = silence::open_like(to)
                .ok_or_else(|| cannot("sound like the first segment's cannot be encoded"))?;
            let resampler = resampler(decoder.get(), encoder.get())
                .ok_or_else(|| cannot("its sound cannot be resampled"))?;
            let context = encoder.get();
            let channels = context.ch_layout.nb_channels;
            let fifo = NonNull::new(ffi::av_audio_fifo_alloc(context.sample_fmt, channels, 1024))
                .ok_or_else(|| MediaError::memory(&name))?;
            Ok(AudioTranscoder {
                decoder,
                encoder,
                resampler,
                fifo: Fifo(fifo),
                name,
                time_base,
                next: None,
                ready: VecDeque::new(),
                damaged: 0,
            })
        }
    }

    /// The units of its packets' times.
    pub fn time_base(&self) -> Rational {
        Rational { num: 1, den: self.encoder.get().sample_rate.max(1) }
    }

    /// Packets that could not be decoded.
    pub fn damaged(&self) -> u64 {
        self.damaged
    }

    /// Takes a packet of the stream; none for its end.
    ///
    /// # Errors
    /// Encode, OutOfMemory.
    pub fn send(&mut self, packet: Option<&Packet>) -> Result<(), MediaError> {
        log::forget();
        let raw = packet.map_or(ptr::null(), |p| p.packet.as_ptr());
        // SAFETY: an open decoder; a valid packet, or null for the end.
        if unsafe { ffi::avcodec_send_packet(self.decoder.as_mut_ptr(), raw) } < 0 {
            self.damaged += 1;
        }
        loop {
            let mut frame = AvFrame::new().ok_or_else(|| MediaError::memory(&self.name))?;
            // SAFETY: an open decoder and a blank frame.
            let code = unsafe {
                ffi::avcodec_receive_frame(self.decoder.as_mut_ptr(), frame.as_mut_ptr())
            };
            match decoded(&self.name, code)? {
                Decoded::Frame => self.take(Some(&frame))?,
                Decoded::NoMore => break,
                Decoded::Damaged => self.damaged += 1,
            }
        }
        if packet.is_none() {
            self.take(None)?;
            self.encode(true)?;
        }
        Ok(())
    }

    /// The next packet, its times in [`AudioTranscoder::time_base`], as they stand in the source.
    pub fn receive(&mut self) -> Option<Packet> {
        self.ready.pop_front()
    }

    /// Resamples a frame, or what the resampler still holds.
    fn take(&mut self, frame: Option<&AvFrame>) -> Result<(), MediaError> {
        let (rate, own) = (self.encoder.get().sample_rate, self.decoder.get().sample_rate);
        let (data, count) =
            frame.map_or((ptr::null_mut(), 0), |f| (f.get().extended_data, f.get().nb_samples));
        if let (Some(frame), None) = (frame, self.next) {
            let base = ffi::AVRational { num: 1, den: rate };
            let time = frame.get().best_effort_timestamp;
            self.next = Some(match av::rescale(time, self.time_base, base) {
                ffi::AV_NOPTS_VALUE => 0,
                time => time,
            });
        }
        // SAFETY: the resampler is set up for the decoder's frames; the output frame has room for
        // as many samples as it is told.
        unsafe {
            let held = ffi::swr_get_delay(self.resampler.0.as_ptr(), i64::from(own.max(1)));
            let most = (held + i64::from(count)) * i64::from(rate) / i64::from(own.max(1)) + 64;
            let most = c_int::try_from(most).map_err(|_| MediaError::memory(&self.name))?;
            let mut out = silence::blank(self.encoder.get(), most)
                .ok_or_else(|| MediaError::memory(&self.name))?;
            let place = out.get_mut().extended_data;
            #[allow(
                clippy::unnecessary_cast,
                reason = "its constness differs from version to version"
            )]
            let made =
                ffi::swr_convert(self.resampler.0.as_ptr(), place as _, most, data as _, count);
            if made < 0 {
                return Err(MediaError::av(Kind::Encode, &self.name, made));
            }
            let written = ffi::av_audio_fifo_write(self.fifo.0.as_ptr(), place.cast(), made);
            if written < made {
                return Err(MediaError::memory(&self.name));
            }
        }
        self.encode(false)
    }

    /// Encodes whole packets of what has come together; at the end, all of it.
    fn encode(&mut self, end: bool) -> Result<(), MediaError> {
        let size = match self.encoder.get().frame_size {
            0 => silence::ANY_SIZE,
            size => size,
        };
        loop {
            // SAFETY: the fifo is ours.
            let there = unsafe { ffi::av_audio_fifo_size(self.fifo.0.as_ptr()) };
            if there < size && (!end || there == 0) {
                break;
            }
            let count = there.min(size);
            // SAFETY: the frame has room for `count` samples of the encoder's format.
            let mut frame = unsafe {
                let mut frame = silence::blank(self.encoder.get(), count)
                    .ok_or_else(|| MediaError::memory(&self.name))?;
                let place = frame.get_mut().extended_data;
                let read = ffi::av_audio_fifo_read(self.fifo.0.as_ptr(), place.cast(), count);
                if read < count {
                    return Err(MediaError::memory(&self.name));
                }
                frame
            };
            let pts = self.next.unwrap_or(0);
            frame.get_mut().pts = pts;
            self.next = Some(pts + i64::from(count));
            // SAFETY: an open encoder and a valid frame.
            let code =
                unsafe { ffi::avcodec_send_frame(self.encoder.as_mut_ptr(), frame.as_ptr()) };
            if code < 0 {
                return Err(encode_error(&self.name, code));
            }
            self.collect()?;
        }
        if end {
            // SAFETY: an open encoder; null for the end.
            let code = unsafe { ffi::avcodec_send_frame(self.encoder.as_mut_ptr(), ptr::null()) };
            if code < 0 {
                return Err(encode_error(&self.name, code));
            }
            self.collect()?;
        }
        Ok(())
    }

    fn collect(&mut self) -> Result<(), MediaError> {
        loop {
            let mut packet = AvPacket::new().ok_or_else(|| MediaError::memory(&self.name))?;
            // SAFETY: an open encoder and a blank packet.
            let code = unsafe {
                ffi::avcodec_receive_packet(self.encoder.as_mut_ptr(), packet.as_mut_ptr())
            };
            if !av::received(code).map_err(|code| encode_error(&self.name, code))? {
                return Ok(());
            }
            let time_base = ffi::AVRational { num: 1, den: self.encoder.get().sample_rate.max(1) };
            self.ready.push_back(Packet { packet, time_base });
        }
    }
}

fn encode_error(name: &str, code: c_int) -> MediaError {
    MediaError::av(Kind::Encode, name, code)
}

/// What a decoder answered.
enum Decoded {
    Frame,
    NoMore,
    /// something of the stream cannot be decoded; the next call goes on behind it
    Damaged,
}

/// Errors of the machine end the work; all others are the stream's, and are counted.
fn decoded(name: &str, code: c_int) -> Result<Decoded, MediaError> {
    match av::received(code) {
        Ok(true) => Ok(Decoded::Frame),
        Ok(false) => Ok(Decoded::NoMore),
        Err(code) if code == av::errno(nix::libc::ENOMEM) => Err(MediaError::memory(name)),
        Err(_) => Ok(Decoded::Damaged),
    }
}

/// # Safety
/// Valid parameters.
unsafe fn open_decoder(par: &ffi::AVCodecParameters, time_base: ffi::AVRational) -> Option<Codec> {
    // SAFETY: the caller's promise; a static description or null.
    unsafe {
        let decoder = ffi::avcodec_find_decoder(par.codec_id);
        if decoder.is_null() {
            return None;
        }
        let mut codec = Codec::new(decoder)?;
        let context = codec.as_mut_ptr();
        if ffi::avcodec_parameters_to_context(context, par) < 0 {
            return None;
        }
        (*context).pkt_timebase = time_base;
        (ffi::avcodec_open2(context, decoder, ptr::null_mut()) >= 0).then_some(codec)
    }
}

/// # Safety
/// Open codecs.
unsafe fn resampler(from: &ffi::AVCodecContext, to: &ffi::AVCodecContext) -> Option<Resampler> {
    let mut raw = ptr::null_mut();
    // SAFETY: the caller's promise; out-pointer to null; freed by Resampler.
    unsafe {
        #[allow(clippy::unnecessary_cast, reason = "its constness differs from version to version")]
        let code = ffi::swr_alloc_set_opts2(
            &raw mut raw,
            (&raw const to.ch_layout) as _,
            to.sample_fmt,
            to.sample_rate,
            (&raw const from.ch_layout) as _,
            from.sample_fmt,
            from.sample_rate,
            0,
            ptr::null_mut(),
        );
        let resampler = Resampler(NonNull::new(raw)?);
        (code >= 0 && ffi::swr_init(resampler.0.as_ptr()) >= 0).then_some(resampler)
    }
}
