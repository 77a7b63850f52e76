//! Where a job writes to: a file, standard output, a URL, or pictures one by one.

use std::fs::File;
use std::io;
use std::path::Path;

use super::error::PipelineError;
use super::job::Summary;
use super::nowhere::Nowhere;
use super::sequence::Sequence;
use super::window::Window;
use crate::job::{Output, Target};
use filmgate_av::{
    EncodedPacket, Input, MediaError, MediaErrorKind, Muxer, Packet, Push, Stdout, StreamFacts,
    StreamKind, VideoEncoder, header_options, holds_chapters, holds_sound,
};
use filmgate_core::cancel::Cancel;
use filmgate_core::publish::{self, Aside};

/// Which streams of the input go into the output.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// the video to work on; libav's choice where none
    pub video: Option<usize>,
    /// the streams to copy, every one of which the output must be able to hold; where none, all
    /// that it can
    pub copied: Option<Vec<usize>>,
    /// streams that are not wanted in any case
    pub without: Vec<usize>,
}

impl Selection {
    /// Whether a stream is to be copied, if the output can hold it.
    pub(super) fn wants(&self, stream: usize) -> bool {
        let named = self.copied.as_ref().is_none_or(|list| list.contains(&stream));
        named && !self.without.contains(&stream)
    }
}

/// An output that is being written.
pub(super) enum Writer {
    Container(Box<Container>),
    Pictures(Sequence),
}

pub(super) struct Container {
    muxer: Muxer,
    /// where a file is to appear
    aside: Option<Aside>,
    encoded: usize,
    /// stream of the input to stream of the output, for what is copied
    copies: Vec<Option<usize>>,
}

/// What an output is made of.
pub(super) struct NewOutput<'a> {
    pub(super) output: &'a Output,
    pub(super) replace: bool,
    pub(super) input: &'a Input,
    pub(super) video: usize,
    pub(super) encoder: &'a VideoEncoder,
    pub(super) selection: &'a Selection,
    pub(super) window: Window,
    pub(super) cancel: &'a Cancel,
    /// nothing is to be written, not even aside
    pub(super) dry_run: bool,
}

impl NewOutput<'_> {
    /// Begins the output.
    pub(super) fn begin(&self, summary: &mut Summary) -> Result<Writer, PipelineError> {
        if let Target::Images(path) = &self.output.target {
            let sequence = Sequence::begin(path, self.replace, self.dry_run)?;
            self.alone("a file of a picture", summary);
            return Ok(Writer::Pictures(sequence));
        }
        let format = &*self.output.format;
        let (mut muxer, aside) = self.open(format)?;
        let (copies, encoded) = self.add_streams(&mut muxer, format, summary)?;
        let chapters = self.input.facts().chapters;
        if chapters > 0 && !holds_chapters(format) {
            summary.left_out.push(format!("{chapters} chapters: {format} holds none"));
        }
        muxer.set_metadata_within(self.input, self.window.start, self.window.duration)?;
        let mut options = header_options(format, self.output.target.is_seekable());
        options.retain(|(key, _)| !self.output.options.iter().any(|(own, _)| own == key));
        options.extend(self.output.options.iter().cloned());
        muxer.write_header(&options)?;
        Ok(Writer::Container(Box::new(Container { muxer, aside, encoded, copies })))
    }

    fn open(&self, format: &str) -> Result<(Muxer, Option<Aside>), PipelineError> {
        let name = self.output.target.path();
        if self.dry_run {
            let sink = Box::new(Nowhere::default());
            return Ok(match &self.output.target {
                Target::File(path) | Target::Playlist(path) | Target::Images(path) => {
                    publish::check_folder(path)?;
                    (Muxer::create(format, sink, path)?, None)
                }
                Target::Stdout | Target::Url(_) => (Muxer::stream(format, sink, &name)?, None),
            });
        }
        Ok(match &self.output.target {
            Target::File(path) | Target::Playlist(path) | Target::Images(path) => {
                let aside = Aside::create(path, self.replace)?;
                let file = aside.file().map_err(|e| unusable(aside.path(), &e))?;
                (Muxer::create(format, Box::new(file), aside.target())?, Some(aside))
            }
            Target::Stdout => {
                let stdout = Stdout::new(self.cancel).map_err(|e| unusable(&name, &e))?;
                (Muxer::stream(format, Box::new(stdout), &name)?, None)
            }
            Target::Url(url) => {
                (Muxer::stream(format, Box::new(Push::open(url, self.cancel)?), &name)?, None)
            }
        })
    }

    /// The output's streams, in the order of the input's: the video from the encoder, the rest
    /// copied where the container takes it.
    fn add_streams(
        &self,
        muxer: &mut Muxer,
        format: &str,
        summary: &mut Summary,
    ) -> Result<(Vec<Option<usize>>, usize), PipelineError> {
        let streams = &self.input.facts().streams;
        let mut copies = vec![None; streams.len()];
        let mut encoded = 0;
        let named = self.selection.copied.as_ref();
        let alone = !holds_sound(format);
        if alone {
            self.alone(format, summary);
        }
        for stream in streams {
            if stream.index == self.video {
                encoded = muxer.add_encoded(self.encoder, Some((self.input, self.video)))?;
                continue;
            }
            if alone || !self.selection.wants(stream.index) {
                continue;
            }
            let sound = stream.kind == StreamKind::Audio;
            match muxer.add_copy(self.input, stream.index) {
                Ok(index) => {
                    copies[stream.index] = Some(index);
                    summary.copied.push(format!("{} ({})", stream.kind.name(), stream.codec));
                }
                Err(e) if e.kind != MediaErrorKind::Unsupported => return Err(e.into()),
                // An mp4's chapters are a track of their own, too, and are carried as chapters.
                Err(_) if stream.codec == "bin_data" && self.input.facts().chapters > 0 => {}
                Err(e) if named.is_some() || sound => return Err(refused(e, stream).into()),
                Err(e) => summary.left_out.push(format!("{}: {e}", text(stream))),
            }
        }
        Ok((copies, encoded))
    }
}

impl NewOutput<'_> {
    /// Notes what is left out of an output that holds pictures and nothing else.
    fn alone(&self, what: &str, summary: &mut Summary) {
        let wanted = |s: &&StreamFacts| s.index != self.video && self.selection.wants(s.index);
        let others: Vec<String> =
            self.input.facts().streams.iter().filter(wanted).map(text).collect();
        if !others.is_empty() {
            summary.left_out.push(format!("{}: {what} holds pictures alone", others.join("; ")));
        }
    }
}

fn text(stream: &StreamFacts) -> String {
    format!("stream {}, {} ({})", stream.index, stream.kind.name(), stream.codec)
}

/// Sound is not left out unasked, nor is what was asked for.
fn refused(error: MediaError, stream: &StreamFacts) -> MediaError {
    let way_out = match stream.kind {
        StreamKind::Audio => {
            "choose another container (.mkv takes all), or leave the sound out with --no-audio"
        }
        _ => "choose another container (.mkv), or other streams with --map",
    };
    let message = format!("{error}, which {} is; {way_out}", text(stream));
    MediaError { message, ..error }
}

fn unusable(path: &Path, error: &io::Error) -> PipelineError {
    PipelineError::System(format!("{}: cannot be opened: {error}", path.display()))
}

impl Writer {
    /// Which streams of the input are copied.
    pub(super) fn copied(&self, count: usize) -> Vec<bool> {
        match self {
            Writer::Container(c) => c.copies.iter().map(Option::is_some).collect(),
            Writer::Pictures(_) => vec![false; count],
        }
    }

    pub(super) fn write_encoded(&mut self, packet: EncodedPacket) -> Result<(), PipelineError> {
        match self {
            Writer::Container(c) => Ok(c.muxer.write_encoded(c.encoded, packet)?),
            Writer::Pictures(sequence) => Ok(sequence.write(packet.data())?),
        }
    }

    pub(super) fn write_copied(&mut self, packet: Packet) -> Result<(), PipelineError> {
        let Writer::Container(c) = self else { return Ok(()) };
        match c.copies.get(packet.stream()).copied().flatten() {
            Some(stream) => Ok(c.muxer.write_copied(stream, packet)?),
            None => Ok(()),
        }
    }

    /// Ends the output and gives it its name; how many bytes it has, where that is known.
    pub(super) fn finish(self) -> Result<u64, PipelineError> {
        let container = match self {
            Writer::Container(container) => *container,
            Writer::Pictures(sequence) => return sequence.finish(),
        };
        let mut sink = container.muxer.finish()?;
        let Some(aside) = container.aside else {
            return Ok(sink.stream_position().unwrap_or(0));
        };
        let bytes = aside.file().and_then(|f: File| f.metadata()).map_or(0, |m| m.len());
        drop(sink);
        aside.publish()?;
        Ok(bytes)
    }
}
