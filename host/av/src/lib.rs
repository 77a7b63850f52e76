//! Everything of libav: open, probe, demux, decode, convert, encode, mux. No libav type leaves this
//! crate. `unsafe` is allowed in it, and each block says why it is sound.
//!
//! A job reads like this: [`Input::open`], [`VideoDecoder`] for the stream that is to be changed,
//! [`Converter`] where a plugin wants another pixel format, [`VideoEncoder`], and a [`Muxer`] that
//! takes the encoded pictures and, untouched, the packets of all other streams. Which frame goes
//! where, in which thread, is decided by the caller; nothing here starts a thread of its own but
//! libav's codecs.
//!
//! The bindings are made from the headers that filmgate is built with. libav promises that a later
//! library of the same major version works with them; numbers that such a library may have added
//! (pixel formats) are checked before they become Rust values.
#![allow(unsafe_code)]

mod audio;
mod av;
mod codec;
mod demux;
mod error;
mod formats;
mod interrupt;
mod io;
mod log;
mod mux;
mod options;
mod versions;

#[cfg(test)]
mod tests;

pub use audio::resample::{AudioDecoder, AudioTranscoder};
pub use audio::silence::Silence;
pub use audio::sound::SoundEncoder;
pub use codec::available::{Library, has_decoder, has_encoder, libraries};
pub use codec::choice::{
    default_encoder, encoder_named, picture_encoder, pixel_format, takes_option,
};
pub use codec::convert::Converter;
pub use codec::decode::{DecodeOptions, VideoDecoder};
pub use codec::encode::{EncodeOptions, EncodedPacket, VideoEncoder};
pub use codec::encoders::{check_words, encoder_formats};
pub use codec::order::PictureOrder;
pub use codec::raw::{RawFormat, RawPictures};
pub use demux::display::{is_packed, is_told_by_order};
pub use demux::ending::Ending;
pub use demux::facts::{
    AudioFacts, Beside, Chapter, MediaFacts, StreamFacts, StreamKind, VideoFacts,
};
pub use demux::images::images_of;
pub use demux::open::Input;
pub use demux::packet::Packet;
pub use demux::shape::{PacketIndex, Shape};
pub use demux::source::{InputSource, OpenedFile, check_input_format, is_device, numbered, scheme};
pub use error::{MediaError, MediaErrorKind};
pub use filmgate_sys::quiet_libraries;
pub use filmgate_sys::zero_fresh_memory;
pub use io::file::OpenOptions;
pub use io::pipe::{Stdout, is_pipe};
pub use io::sink::Sink;
pub use mux::holds::{
    encodes_fields, holds_beside, holds_color, holds_cover, holds_language, holds_rotation,
    holds_sound, holds_tags, holds_timecode, text_tags, way_out,
};
pub use mux::muxer::Muxer;
pub use mux::network::{Push, check_push};
pub use mux::pieces::Shelf;
pub use mux::remux::{Like, Times};
pub use mux::targets::{default_format, header_options, holds_chapters};
pub use mux::template::StreamTemplate;

use ffmpeg_next::ffi;

/// Makes libav ready: its log goes to `tracing` under the target `libav`. Once per process; later
/// calls do nothing, and everything here that opens anything calls it.
pub fn init() {
    log::init();
}

/// The versions of libav's libraries that filmgate runs with, for people.
pub fn version() -> String {
    // SAFETY: plain getters.
    let versions = unsafe {
        [
            ("libavformat", ffi::avformat_version()),
            ("libavcodec", ffi::avcodec_version()),
            ("libavutil", ffi::avutil_version()),
            ("libswscale", ffi::swscale_version()),
        ]
    };
    let texts =
        versions.map(|(name, v)| format!("{name} {}.{}.{}", v >> 16, v >> 8 & 0xff, v & 0xff));
    texts.join(", ")
}
