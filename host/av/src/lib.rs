//! Everything of libav: open, probe, demux, decode, convert, encode, mux. All `unsafe` of filmgate
//! is here, and no libav type leaves.
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

mod address;
mod av;
mod avio;
mod choice;
mod codecs;
mod convert;
mod decode;
mod demux;
mod display;
mod encode;
mod encoders;
mod ending;
mod error;
mod facts;
mod file;
mod formats;
mod hdr;
mod holds;
mod interrupt;
mod leading;
mod lend;
mod log;
mod mux;
mod mux_io;
mod network;
mod open;
mod options;
mod order;
mod palette;
mod pieces;
mod pipe;
mod quick;
mod raw;
mod remux;
mod resample;
mod seek;
mod setup;
mod shape;
mod silence;
mod sink;
mod sound;
mod source;
mod targets;
mod template;
mod versions;

#[cfg(test)]
mod tests;

pub use choice::{default_encoder, encoder_named, picture_encoder, pixel_format};
pub use codecs::{Library, has_decoder, has_encoder, libraries};
pub use convert::Converter;
pub use decode::{DecodeOptions, VideoDecoder};
pub use demux::Packet;
pub use display::{is_packed, is_told_by_order};
pub use encode::{EncodeOptions, EncodedPacket, VideoEncoder};
pub use encoders::{check_words, encoder_formats};
pub use ending::Ending;
pub use error::{MediaError, MediaErrorKind};
pub use facts::{AudioFacts, MediaFacts, StreamFacts, StreamKind, VideoFacts};
pub use file::OpenOptions;
pub use holds::{holds_sound, way_out};
pub use mux::Muxer;
pub use network::{Push, check_push};
pub use open::Input;
pub use order::PictureOrder;
pub use pieces::Shelf;
pub use pipe::{Stdout, is_pipe};
pub use raw::{RawFormat, RawPictures};
pub use remux::{Chapter, Like, Times};
pub use resample::{AudioDecoder, AudioTranscoder};
pub use shape::{PacketIndex, Shape};
pub use silence::Silence;
pub use sink::Sink;
pub use sound::SoundEncoder;
pub use source::{InputSource, check_input_format, numbered, scheme};
pub use targets::{default_format, header_options, holds_chapters};
pub use template::StreamTemplate;

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
