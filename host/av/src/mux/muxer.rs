//! Packets into a container: the streams, the header and the end. How single packets are timed and
//! written is in `mux_io`.

use std::ffi::{CString, c_int};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use crate::av;
use crate::codec::encode::VideoEncoder;
use crate::demux::facts;
use crate::demux::open::Input;
use crate::error::{MediaError, MediaErrorKind as Kind};
use crate::io::sink::{Output, Sink, close_reopened, reopen};
use crate::log;
use crate::mux::address::Patience;
use crate::mux::mux_io::{
    Track, copy_aspect, copy_chapters, copy_display, copy_tags, set_display_matrix, usable_tag,
};
use crate::mux::pieces::Pieces;
use crate::mux::targets::find_muxer;
use crate::mux::template::StreamTemplate;
use crate::options;
use crate::versions::copy_side_data;
use ffmpeg_next::ffi;

/// Writes one container. Streams are added first, then comes the header, then packets, then
/// [`Muxer::finish`]. Dropping it leaves the sink with an unfinished file.
pub struct Muxer {
    pub(crate) context: Context,
    pub(crate) output: Output,
    pub(crate) tracks: Vec<Track>,
    pub(crate) header_written: bool,
    pub(crate) name: String,
    pub(crate) format: String,
    pub(crate) retimed: u64,
    /// packets of the input that libav refused, and the first reason
    pub(crate) refused: u64,
    pub(crate) refusal: Option<MediaError>,
    /// of muxers that open what they write themselves; behind the context, which asks it
    pub(crate) patience: Option<Patience>,
    /// the files of a playlist; behind the context, which closes them
    pub(crate) pieces: Option<Box<Pieces>>,
}

// SAFETY: nothing in it is tied to a thread; it is used through `&mut self`.
unsafe impl Send for Muxer {}

/// An owned muxer context; its I/O is the Muxer's and is dropped after it.
pub(crate) struct Context(pub(crate) *mut ffi::AVFormatContext);

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: ours, freed once; its `pb` is not touched by this (libavformat/avformat.h).
        unsafe { ffi::avformat_free_context(self.0) }
    }
}

impl Muxer {
    /// Whether encoders for this container must put their extradata in its header
    /// ([`crate::EncodeOptions::global_header`]).
    pub fn needs_global_header(format: &str) -> bool {
        let format = find_muxer(format);
        // SAFETY: muxers are static.
        !format.is_null() && unsafe { (*format).flags } & ffi::AVFMT_GLOBALHEADER != 0
    }

    /// A muxer that writes to `sink` from its start. `url` is the file's name, for messages.
    ///
    /// # Errors
    /// Unsupported for a format that this FFmpeg does not have; OutOfMemory.
    pub fn create(format: &str, sink: Box<dyn Sink>, url: &Path) -> Result<Muxer, MediaError> {
        Muxer::start(format, sink, url, true)
    }

    /// A muxer that writes to a pipe or the network: only forward, and each packet at once.
    ///
    /// # Errors
    /// As [`Muxer::create`].
    pub fn stream(format: &str, sink: Box<dyn Sink>, url: &Path) -> Result<Muxer, MediaError> {
        Muxer::start(format, sink, url, false)
    }

    fn start(
        format: &str,
        sink: Box<dyn Sink>,
        url: &Path,
        seekable: bool,
    ) -> Result<Muxer, MediaError> {
        log::init();
        let name = format!("write {}", url.display());
        let muxer = find_muxer(format);
        // SAFETY: muxers are static.
        if muxer.is_null() || unsafe { (*muxer).flags } & ffi::AVFMT_NOFILE != 0 {
            let message = format!("{name}: this FFmpeg cannot write \"{format}\" to one file");
            return Err(MediaError::new(Kind::Unsupported, message));
        }
        let mut output = Output::new(sink, seekable).ok_or_else(|| MediaError::memory(&name))?;
        let mut raw = ptr::null_mut();
        // SAFETY: out-pointer and static muxer; names are optional.
        let code = unsafe {
            ffi::avformat_alloc_output_context2(&raw mut raw, muxer, ptr::null(), ptr::null())
        };
        if code < 0 || raw.is_null() {
            return Err(MediaError::memory(&name));
        }
        let context = Context(raw);
        let path =
            CString::new([b"file:", url.as_os_str().as_bytes()].concat()).unwrap_or_default();
        // SAFETY: the context is ours; the output outlives it (see the order of the fields);
        // `url` is freed by libav, which is why it is made by libav.
        unsafe {
            (*raw).pb = output.as_mut_ptr();
            (*raw).flags |= ffi::AVFMT_FLAG_CUSTOM_IO;
            if format == "yuv4mpegpipe" {
                // More than 8 bits and other chroma than 4:2:0, which all readers of today know.
                (*raw).strict_std_compliance = ffi::FF_COMPLIANCE_EXPERIMENTAL as c_int;
            }
            if matches!(format, "mp4" | "mov") {
                // FLAC and TrueHD, which libav calls experimental though both are specified, and
                // the boxes of stereo and 360° video and of Dolby Vision (st3d, sv3d, dvcC), which
                // it calls unofficial and would leave out without a word.
                (*raw).strict_std_compliance = ffi::FF_COMPLIANCE_EXPERIMENTAL as c_int;
            }
            if seekable {
                // Nobody waits for a single packet: the buffer may fill up.
                (*raw).flush_packets = 0;
            }
            if seekable && format == "mpegts" {
                // Sound may wait so long for more to share a packet with; what the ffmpeg program
                // says, too (its -muxdelay).
                (*raw).max_delay = 700_000;
            }
            if !seekable {
                (*raw).flags |= ffi::AVFMT_FLAG_FLUSH_PACKETS;
            }
            (*raw).opaque = output.opaque();
            (*raw).io_open = Some(reopen);
            (*raw).io_close2 = Some(close_reopened);
            (*raw).url = ffi::av_strdup(path.as_ptr());
        }
        Ok(Muxer::assemble(context, output, name, format, None))
    }

    pub(crate) fn assemble(
        context: Context,
        output: Output,
        name: String,
        format: &str,
        patience: Option<Patience>,
    ) -> Muxer {
        let (tracks, header_written, retimed) = (Vec::new(), false, 0);
        let format = format.to_owned();
        let pieces = None;
        let (refused, refusal) = (0, None);
        Muxer {
            context,
            output,
            tracks,
            header_written,
            name,
            format,
            retimed,
            refused,
            refusal,
            patience,
            pieces,
        }
    }

    /// A stream for an encoder's packets. `from` is the stream that the pictures came from: its
    /// tags, disposition and rotation go along.
    ///
    /// # Errors
    /// Unsupported where the container cannot hold the codec; OutOfMemory.
    pub fn add_encoded(
        &mut self,
        encoder: &VideoEncoder,
        from: Option<(&Input, usize)>,
    ) -> Result<usize, MediaError> {
        let codec = encoder.codec.get();
        self.check_stream((codec.codec_type, codec.codec_id, 0))?;
        let source = from.map(|(input, stream)| input.stream(stream)).transpose()?;
        let (index, stream) = self.new_stream()?;
        // SAFETY: the new stream and the encoder are valid; so is the source, if there is one.
        let code = unsafe {
            let code =
                ffi::avcodec_parameters_from_context((*stream).codecpar, encoder.codec.as_ptr());
            (*stream).time_base = codec.time_base;
            (*stream).sample_aspect_ratio = codec.sample_aspect_ratio;
            if encoder.input().frame_rate.is_some() {
                (*stream).avg_frame_rate = codec.framerate;
            }
            if let Some(source) = source {
                copy_tags(source, stream);
                // Of VP8 and VP9 in WebM; what was encoded here has no alpha.
                let metadata = &raw mut (*stream).metadata;
                ffi::av_dict_set(metadata, c"alpha_mode".as_ptr(), ptr::null(), 0);
                copy_display(source, stream);
                if let Some(matrix) = facts::display_matrix(source) {
                    set_display_matrix(stream, matrix);
                }
            }
            code
        };
        if code < 0 {
            return Err(MediaError::av(Kind::OutOfMemory, &self.name, code));
        }
        self.tracks.push(Track::new(codec.time_base, None));
        Ok(index)
    }

    /// A stream for packets of whoever `template` comes from.
    ///
    /// # Errors
    /// Unsupported where the container cannot hold the codec; OutOfMemory.
    pub fn add_stream(&mut self, template: &StreamTemplate) -> Result<usize, MediaError> {
        self.check_stream(template.what())?;
        let (index, stream) = self.new_stream()?;
        // SAFETY: a new stream of a muxer before its header.
        if !unsafe { template.apply(stream) } {
            return Err(MediaError::memory(&self.name));
        }
        self.tracks.push(Track::new(template.time_base, None));
        Ok(index)
    }

    /// A stream whose packets are taken over as they are.
    ///
    /// # Errors
    /// Unsupported where the container cannot hold the codec; OutOfMemory.
    pub fn add_copy(&mut self, input: &Input, stream: usize) -> Result<usize, MediaError> {
        let source = input.stream(stream)?;
        // SAFETY: the source is valid.
        let (par, time_base) = unsafe { ((*source).codecpar, (*source).time_base) };
        // SAFETY: as above.
        self.check_stream(unsafe { ((*par).codec_type, (*par).codec_id, (*par).codec_tag) })?;
        let (index, target) = self.new_stream()?;
        // SAFETY: both streams and the muxer are valid.
        let code = unsafe {
            let code = ffi::avcodec_parameters_copy((*target).codecpar, par);
            let muxer = (*self.context.0).oformat;
            (*(*target).codecpar).codec_tag = usable_tag((*muxer).codec_tag, par);
            (*target).time_base = time_base;
            (*target).avg_frame_rate = (*source).avg_frame_rate;
            (*target).r_frame_rate = (*source).r_frame_rate;
            copy_aspect(source, target);
            copy_tags(source, target);
            copy_side_data(source, target);
            code
        };
        if code < 0 {
            return Err(MediaError::av(Kind::OutOfMemory, &self.name, code));
        }
        self.tracks.push(Track::new(time_base, Some(input.facts().start)));
        Ok(index)
    }

    /// Takes over the tags and chapters of a whole file, but for those that describe its own
    /// container.
    ///
    /// # Errors
    /// OutOfMemory.
    pub fn set_metadata(&mut self, from: &Input) -> Result<(), MediaError> {
        self.set_metadata_within(from, 0, None)
    }

    /// As [`Muxer::set_metadata`], for a part of the input: from `start` nanoseconds after its
    /// beginning, and as long as `length`. Chapters are moved and cut to it.
    ///
    /// # Errors
    /// OutOfMemory.
    pub fn set_metadata_within(
        &mut self,
        from: &Input,
        start: i64,
        length: Option<i64>,
    ) -> Result<(), MediaError> {
        self.set_tags(from);
        let start = from.facts().start.saturating_add(start);
        // SAFETY: both contexts are valid.
        if unsafe { copy_chapters(from.context.as_ptr(), self.context.0, start, length) } {
            Ok(())
        } else {
            Err(MediaError::memory(&self.name))
        }
    }

    /// Takes over the tags of a whole file, but for those that describe its own container.
    pub fn set_tags(&mut self, from: &Input) {
        const OF_THE_CONTAINER: [&str; 5] =
            ["major_brand", "minor_version", "compatible_brands", "encoder", "duration"];
        for (key, value) in &from.facts().metadata {
            if !OF_THE_CONTAINER.contains(&key.as_str()) {
                let (key, value) = (av::c_string(key), av::c_string(value));
                // SAFETY: the context is ours; libav copies the strings.
                unsafe {
                    ffi::av_dict_set(
                        &raw mut (*self.context.0).metadata,
                        key.as_ptr(),
                        value.as_ptr(),
                        0,
                    );
                }
            }
        }
    }

    /// Writes the header. `options` are the muxer's, by name: `("movflags", "+faststart")`.
    ///
    /// # Errors
    /// Unsupported for an unknown option, or streams that the container does not take; Write.
    pub fn write_header(&mut self, options: &[(String, String)]) -> Result<(), MediaError> {
        let mut dictionary = av::Dictionary::new();
        let whose = format!("the container \"{}\"", self.format);
        for (key, value) in options {
            // SAFETY: an AVFormatContext begins with its AVClass.
            unsafe { options::check(self.context.0.cast(), &whose, key) }?;
            dictionary.set(key, value);
        }
        self.renew();
        log::forget();
        // SAFETY: our context, with streams and I/O in place.
        let code = unsafe { ffi::avformat_write_header(self.context.0, dictionary.as_mut_ptr()) };
        self.sink_error()?;
        if code < 0 {
            // Set-up data of a copied stream that make no sense are the input's fault.
            let kind = match code {
                ffi::AVERROR_INVALIDDATA if self.has_copies() => Kind::Read,
                _ => Kind::Unsupported,
            };
            return Err(MediaError::av(kind, &self.name, code));
        }
        self.header_written = true;
        Ok(())
    }

    /// Writes what is still held back and the container's end, and gives the sink back, flushed.
    ///
    /// # Errors
    /// Write, with the sink's first error; Read where the container refused all packets of a copied
    /// stream.
    pub fn finish(mut self) -> Result<Box<dyn Sink>, MediaError> {
        self.flush()?;
        self.end()
    }

    /// Writes what is still held back. After it, [`Muxer::refused`] is final.
    ///
    /// # Errors
    /// As [`Muxer::finish`].
    pub fn flush(&mut self) -> Result<(), MediaError> {
        if self.header_written && self.has_copies() { self.flush_held() } else { Ok(()) }
    }

    /// Gives the sink all that can be read without what follows; of a fragmented mp4 with
    /// `frag_custom`, that ends the fragment. For live outputs, whose packets must not wait.
    ///
    /// # Errors
    /// Write, with the sink's error.
    pub fn flush_live(&mut self) -> Result<(), MediaError> {
        self.renew();
        log::forget();
        // SAFETY: the header has been written; null stands for "write what is buffered".
        let code = unsafe { ffi::av_write_frame(self.context.0, ptr::null_mut()) };
        self.sink_error()?;
        if code < 0 {
            return Err(MediaError::av(Kind::Encode, &self.name, code));
        }
        self.output.flush().map_err(|e| MediaError::write(&self.name, &e))
    }

    fn end(mut self) -> Result<Box<dyn Sink>, MediaError> {
        if !self.header_written {
            let message = format!("{}: finished before its header was written", self.name);
            return Err(MediaError::new(Kind::Unsupported, message));
        }
        self.renew();
        log::forget();
        // SAFETY: the header has been written, so the trailer may be, once: self is consumed.
        let code = unsafe { ffi::av_write_trailer(self.context.0) };
        self.sink_error()?;
        self.output.flush().map_err(|e| MediaError::write(&self.name, &e))?;
        if code < 0 {
            return Err(MediaError::av(Kind::Write(std::io::ErrorKind::Other), &self.name, code));
        }
        self.output.close().map_err(|e| MediaError::write(&self.name, &e))?;
        let Muxer { context, output, pieces, .. } = self;
        drop(context);
        drop(pieces);
        Ok(output.into_sink())
    }

    /// What went wrong below libav in the call that has just ended.
    pub(crate) fn sink_error(&mut self) -> Result<(), MediaError> {
        if let Some(pieces) = &mut self.pieces {
            pieces.running = false;
            if let Some(error) = pieces.take_error() {
                return Err(MediaError::write(&self.name, &error));
            }
        }
        match self.output.take_error() {
            Some(error) => Err(MediaError::write(&self.name, &error)),
            None => self.patience.as_ref().map_or(Ok(()), |p| p.check(&self.name)),
        }
    }

    /// The next call of libav may take as long as any.
    pub(crate) fn renew(&mut self) {
        if let Some(pieces) = &mut self.pieces {
            pieces.running = true;
        }
        if let Some(patience) = &self.patience {
            patience.renew();
        }
    }

    pub(crate) fn new_stream(&mut self) -> Result<(usize, *mut ffi::AVStream), MediaError> {
        if self.header_written {
            let message = format!("{}: a stream after the header", self.name);
            return Err(MediaError::new(Kind::Unsupported, message));
        }
        // SAFETY: a valid context before its header.
        let stream = unsafe { ffi::avformat_new_stream(self.context.0, ptr::null()) };
        if stream.is_null() {
            Err(MediaError::memory(&self.name))
        } else {
            Ok((self.tracks.len(), stream))
        }
    }
}
