//! Where packets go: one encode, several outputs. Files and standard output are written by the
//! thread that encodes; a server that may go away has a thread of its own.

use std::io::{self, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tracing::error;

use super::backlog::Bounds;
use super::chunks::Chunks;
use super::connection::Address;
use super::null::Null;
use super::playlist::Playlist;
use super::push::{Item, KeyWanted, Push, Watched};
use super::report::{OutputReport, SinkReport};
use super::sequence::Sequence;
use super::target::{Output, Selection, Target};
use crate::error::PipelineError;
use crate::source::Window;
use filmgate_av::{
    self as av, Beside, EncodedPacket, Input, MediaError, MediaErrorKind, MediaFacts, Muxer,
    Packet, Stdout, StreamFacts, StreamKind, StreamTemplate, VideoEncoder, header_options,
    holds_beside, holds_chapters, holds_color, holds_cover, holds_language, holds_rotation,
    holds_sound, holds_tags, holds_timecode, text_tags,
};
use filmgate_core::cancel::Cancel;
use filmgate_core::publish::{self, Aside};
use filmgate_core::words::counted;

/// How outputs are served.
#[derive(Clone, Debug)]
pub struct Service {
    /// whether a file that is there may be replaced
    pub replace: bool,
    /// what may wait for a server
    pub bounds: Bounds,
    /// what connecting to a server, and one write to it, may take
    pub patience: Duration,
    /// whether servers may go away and are connected again while the encoder goes on; else the
    /// encoder waits for them, and an error ends the output
    pub lasting: bool,
}

impl Default for Service {
    fn default() -> Service {
        let (bounds, patience) = (Bounds::default(), Duration::from_secs(10));
        Service { replace: false, bounds, patience, lasting: true }
    }
}

/// What all outputs of a job are made of.
pub(super) struct Parts<'a> {
    pub(super) encoder: &'a VideoEncoder,
    /// the input that describes the output, and which of its streams is decoded
    pub(super) from: Option<(&'a Input, usize)>,
    pub(super) selection: &'a Selection,
    pub(super) window: Window,
    /// audio that comes from elsewhere
    pub(super) audio: Option<StreamTemplate>,
    pub(super) service: &'a Service,
    pub(super) stop: &'a Cancel,
    /// nothing is to be written, not even aside
    pub(super) dry_run: bool,
}

/// The streams of an output: which of them is what.
#[derive(Default)]
struct Streams {
    video: usize,
    audio: Option<usize>,
    /// stream of the input to stream of the output
    copies: Vec<Option<usize>>,
}

struct Local {
    muxer: Muxer,
    streams: Streams,
    /// where a file is to appear
    aside: Option<Aside>,
    /// the files of a playlist
    playlist: Option<Playlist>,
}

enum Kind {
    Local(Box<Local>),
    Images(Sequence),
    Push(Push, Streams),
    Chunks(Box<Chunks>),
    /// with what went wrong
    Failed(PipelineError),
}

struct One {
    name: String,
    kind: Kind,
}

/// A packet on its way to all outputs.
enum Parcel {
    Video(EncodedPacket),
    Audio(EncodedPacket),
    /// with the beginning of its input, nanoseconds
    Copy(Packet, i64),
}

impl Parcel {
    fn share(&self) -> Result<Parcel, MediaError> {
        Ok(match self {
            Parcel::Video(packet) => Parcel::Video(packet.share()?),
            Parcel::Audio(packet) => Parcel::Audio(packet.share()?),
            Parcel::Copy(packet, start) => Parcel::Copy(packet.share()?, *start),
        })
    }
}

/// All outputs of a job.
pub(super) struct Outputs {
    all: Vec<One>,
    /// somebody who is connected again waits for a keyframe
    key: KeyWanted,
    /// where the input begins that is copied from, nanoseconds
    start: i64,
    /// which of its streams any output copies
    copied: Vec<bool>,
}

impl Outputs {
    /// Begins all of them.
    ///
    /// # Errors
    /// Whatever can be wrong before the first packet. For a server that may go away it is nothing
    /// wrong not to be there.
    pub(super) fn begin(
        outputs: &[Output],
        parts: &Parts<'_>,
        report: &mut SinkReport,
    ) -> Result<Outputs, PipelineError> {
        let facts = parts.from.map(|(input, _)| input.facts());
        let mut begun = Outputs {
            all: Vec::with_capacity(outputs.len()),
            key: KeyWanted::default(),
            start: facts.map_or(0, |f| f.start),
            copied: vec![false; facts.map_or(0, |f| f.streams.len())],
        };
        let is_push = |o: &Output| {
            matches!(o.target, Target::Url(_)) && parts.service.lasting && !parts.dry_run
        };
        // Files first: no server is to hear of a job that cannot begin.
        for output in outputs.iter().filter(|o| !is_push(o)) {
            let mut notes = Notes::new(output, outputs.len() > 1);
            let kind = match &output.target {
                Target::Images(pattern) => parts.images(pattern, &mut notes)?,
                Target::Chunks(to) => {
                    let (options, to) = (&output.options, to.clone());
                    let chunks = Chunks::begin(&output.format, parts.encoder, options, to)?;
                    Kind::Chunks(Box::new(chunks))
                }
                _ => Kind::Local(Box::new(parts.local(output, &mut notes)?)),
            };
            begun.add(output, kind, notes, report);
        }
        for output in outputs.iter().filter(|o| is_push(o)) {
            let mut notes = Notes::new(output, outputs.len() > 1);
            let kind = parts.push(output, &begun.key, &mut notes)?;
            begun.add(output, kind, notes, report);
        }
        report.copied.dedup();
        Ok(begun)
    }

    fn add(&mut self, output: &Output, kind: Kind, notes: Notes, report: &mut SinkReport) {
        let streams = match &kind {
            Kind::Local(local) => Some(&local.streams),
            Kind::Push(_, streams) => Some(streams),
            Kind::Images(_) | Kind::Chunks(_) | Kind::Failed(_) => None,
        };
        for (known, copy) in self.copied.iter_mut().zip(streams.iter().flat_map(|s| &s.copies)) {
            *known |= copy.is_some();
        }
        report.left_out.extend(notes.left_out);
        report.missing.extend(notes.missing);
        for copied in notes.copied {
            if !notes.several || !report.copied.contains(&copied) {
                report.copied.push(copied);
            }
        }
        self.all.push(One { name: output.target.name(), kind });
    }

    /// Which streams of the input any of them copies.
    pub(super) fn copied(&self) -> &[bool] {
        &self.copied
    }

    /// Whether somebody needs a keyframe, once.
    pub(super) fn wants_key(&self) -> bool {
        self.key.swap(false, std::sync::atomic::Ordering::Relaxed)
    }

    pub(super) fn write_video(&mut self, packet: EncodedPacket) -> Result<(), PipelineError> {
        self.write(Parcel::Video(packet))
    }

    pub(super) fn write_audio(&mut self, packet: EncodedPacket) -> Result<(), PipelineError> {
        self.write(Parcel::Audio(packet))
    }

    pub(super) fn write_copied(&mut self, packet: Packet) -> Result<(), PipelineError> {
        let start = self.start;
        self.write(Parcel::Copy(packet, start))
    }

    /// One packet to all of them. An output that fails is given up; the others go on.
    ///
    /// # Errors
    /// The first one's, when none is left.
    fn write(&mut self, parcel: Parcel) -> Result<(), PipelineError> {
        let last = self.all.len().saturating_sub(1);
        let (mut parcel, mut failed) = (Some(parcel), false);
        for (number, one) in self.all.iter_mut().enumerate() {
            let own = match &parcel {
                Some(all) if number < last => all.share()?,
                _ => match parcel.take() {
                    Some(parcel) => parcel,
                    None => break,
                },
            };
            if let Err(e) = one.kind.write(own) {
                one.kind = Kind::Failed(e);
                failed = true;
                if last > 0 {
                    error!("{}: given up; the other outputs go on", one.name);
                }
            }
        }
        if failed && self.all.iter().all(|one| matches!(one.kind, Kind::Failed(_))) {
            return Err(self.first_failure());
        }
        Ok(())
    }

    fn first_failure(&mut self) -> PipelineError {
        let first = self.all.drain(..).find_map(|one| match one.kind {
            Kind::Failed(e) => Some(e),
            _ => None,
        });
        first.unwrap_or_else(|| PipelineError::System("there is no output".to_owned()))
    }

    /// The outputs on the network, for whatever watches them.
    pub(super) fn pushes(&self) -> Vec<Watched> {
        let one = |one: &One| match &one.kind {
            Kind::Push(push, _) => Some(push.watch(&one.name)),
            _ => None,
        };
        self.all.iter().filter_map(one).collect()
    }

    /// Ends all of them: files get their names, servers what still waits for them, within
    /// `patience`. The first failure beside the reports.
    pub(super) fn finish(self, patience: Duration) -> (Vec<OutputReport>, Option<PipelineError>) {
        for one in &self.all {
            if let Kind::Push(push, _) = &one.kind {
                push.end(patience);
            }
        }
        let (mut reports, mut failure) = (Vec::new(), None);
        for One { name, kind } in self.all {
            let mut report = OutputReport { name, ..OutputReport::default() };
            let bytes = match kind {
                Kind::Local(local) => local.finish(),
                Kind::Images(sequence) => sequence.finish().map(|bytes| (Some(bytes), 0)),
                Kind::Push(push, _) => {
                    report.push = Some(push.join());
                    Ok((None, 0))
                }
                Kind::Chunks(_) => Ok((None, 0)),
                Kind::Failed(e) => Err(e),
            };
            match bytes {
                Ok((bytes, refused)) => (report.bytes, report.refused) = (bytes, refused),
                Err(e) => {
                    report.error = Some(e.to_string());
                    failure = failure.or(Some(e));
                }
            }
            reports.push(report);
        }
        (reports, failure)
    }
}

impl Kind {
    fn write(&mut self, parcel: Parcel) -> Result<(), PipelineError> {
        match (self, parcel) {
            (Kind::Local(local), parcel) => local.write(parcel),
            (Kind::Images(sequence), Parcel::Video(packet)) => sequence.write(packet.data()),
            (Kind::Push(push, streams), parcel) => {
                let (packet, stream) = match parcel {
                    Parcel::Video(packet) => (packet, Some(streams.video)),
                    Parcel::Audio(packet) => (packet, streams.audio),
                    Parcel::Copy(packet, start) => {
                        let stream = streams.copies.get(packet.stream()).copied().flatten();
                        (packet.into_encoded(-start), stream)
                    }
                };
                if let Some(stream) = stream {
                    push.push(Item { packet, stream });
                }
                Ok(())
            }
            (Kind::Chunks(chunks), Parcel::Video(packet)) => chunks.write(packet),
            (Kind::Images(_) | Kind::Chunks(_) | Kind::Failed(_), _) => Ok(()),
        }
    }
}

/// What people should know of the streams of an output.
struct Notes {
    /// the output's name, where there are several
    prefix: String,
    several: bool,
    copied: Vec<String>,
    left_out: Vec<String>,
    /// without which the output is seen otherwise than the input
    missing: Vec<String>,
}

impl Notes {
    fn new(output: &Output, several: bool) -> Notes {
        let prefix = if several { format!("{}: ", output.target.name()) } else { String::new() };
        Notes { prefix, several, copied: Vec::new(), left_out: Vec::new(), missing: Vec::new() }
    }

    fn miss(&mut self, what: &str) {
        self.missing.push(format!("{}{what}", self.prefix));
    }

    fn leave_out(&mut self, what: &str) {
        self.left_out.push(format!("{}{what}", self.prefix));
    }
}

impl Parts<'_> {
    fn images(&self, pattern: &Path, notes: &mut Notes) -> Result<Kind, PipelineError> {
        let sequence = Sequence::begin(pattern, self.service.replace, self.dry_run)?;
        self.video_alone("a file of a picture", notes);
        if let Some((input, video)) = self.from {
            self.look_at_whole(input, IMAGES, notes);
            if let Some(stream) = input.facts().streams.get(video) {
                look_beside(stream, IMAGES, notes);
            }
        }
        Ok(Kind::Images(sequence))
    }

    fn local(&self, output: &Output, notes: &mut Notes) -> Result<Local, PipelineError> {
        let format = &*output.format;
        let (mut muxer, aside, playlist) = self.open(output, format)?;
        let streams = self.add_streams(&mut muxer, format, notes)?;
        if let Some((input, _)) = self.from {
            self.look_at_whole(input, format, notes);
            muxer.set_metadata_within(input, self.window.start, self.window.duration)?;
        }
        let seekable = output.target.is_seekable();
        let planned = self.dry_run && matches!(output.target, Target::Playlist(_));
        let mut options = header_options(if planned { "mpegts" } else { format }, seekable);
        options.retain(|(key, _)| !output.options.iter().any(|(own, _)| own == key));
        // A plan of a playlist is checked with the container of its segments.
        if !planned {
            options.extend(output.options.iter().cloned());
        }
        muxer.write_header(&options).map_err(|e| explained(playlist.as_ref(), e))?;
        Ok(Local { muxer, streams, aside, playlist })
    }

    /// Notes what of the whole input a container cannot hold: chapters and tags.
    fn look_at_whole(&self, input: &Input, format: &str, notes: &mut Notes) {
        let MediaFacts { chapters, metadata, .. } = input.facts();
        if !chapters.is_empty() && !holds_chapters(format) {
            let chapters = counted(chapters.len() as u64, "chapter");
            notes.leave_out(&format!("{chapters}: {format} holds none"));
        }
        let tags = text_tags(metadata);
        if !tags.is_empty() && !holds_tags(format) {
            notes.leave_out(&format!("the tags {}: {format} holds none", tags.join(", ")));
        }
    }

    fn open(
        &self,
        output: &Output,
        format: &str,
    ) -> Result<(Muxer, Option<Aside>, Option<Playlist>), PipelineError> {
        let name = output.target.name();
        let name = Path::new(&name);
        if self.dry_run {
            let sink = Box::new(Null::default());
            return Ok(match &output.target {
                Target::Null | Target::Chunks(_) => {
                    (Muxer::create(format, sink, name)?, None, None)
                }
                Target::File(path) | Target::Images(path) => {
                    publish::check_folder(path)?;
                    (Muxer::create(format, sink, path)?, None, None)
                }
                Target::Opened(_) => (Muxer::create(format, sink, name)?, None, None),
                Target::Playlist(_) => (Muxer::stream("mpegts", sink, name)?, None, None),
                Target::Url(_) if Muxer::opens_itself(format) => {
                    (Muxer::stream("matroska", sink, name)?, None, None)
                }
                Target::Stdout | Target::Url(_) => (Muxer::stream(format, sink, name)?, None, None),
            });
        }
        Ok(match &output.target {
            Target::File(path) | Target::Images(path) => {
                let aside = Aside::create(path, self.service.replace)?;
                let file = aside.file().map_err(|e| unusable(aside.path(), &e))?;
                (Muxer::create(format, Box::new(file), aside.target())?, Some(aside), None)
            }
            Target::Null | Target::Chunks(_) => {
                (Muxer::create(format, Box::new(Null::default()), name)?, None, None)
            }
            Target::Opened(opened) => {
                let file = opened.file.try_clone().map_err(|e| unusable(name, &e))?;
                (Muxer::create(format, Box::new(file), name)?, None, None)
            }
            Target::Playlist(path) => {
                let (files, muxer) = Playlist::begin(path, self.service.replace)?;
                (muxer, None, Some(files))
            }
            Target::Stdout => {
                let stdout = Stdout::new(self.stop).map_err(|e| unusable(name, &e))?;
                (Muxer::stream(format, Box::new(stdout), name)?, None, None)
            }
            Target::Url(url) if Muxer::opens_itself(format) => {
                let patience = Some(self.service.patience);
                (Muxer::address(format, url, self.stop, patience)?, None, None)
            }
            Target::Url(url) => {
                let push = Box::new(av::Push::open(url, self.stop)?);
                (Muxer::stream(format, push, name)?, None, None)
            }
        })
    }

    /// The output's streams, in the order of the input's: the video from the encoder, the rest
    /// copied where the container takes it; then audio from elsewhere.
    fn add_streams(
        &self,
        muxer: &mut Muxer,
        format: &str,
        notes: &mut Notes,
    ) -> Result<Streams, PipelineError> {
        let mut streams = Streams::default();
        match self.from {
            None => streams.video = muxer.add_encoded(self.encoder, None)?,
            Some((input, video)) => {
                streams.copies = vec![None; input.facts().streams.len()];
                let alone = !holds_sound(format);
                if alone {
                    self.video_alone(format, notes);
                }
                for stream in &input.facts().streams {
                    if stream.index == video {
                        streams.video = muxer.add_encoded(self.encoder, self.from)?;
                        look_beside(stream, format, notes);
                    } else if !alone && self.selection.wants(stream.index) {
                        if stream.is_timecode() && holds_timecode(format) {
                            continue;
                        }
                        if stream.attached_picture && !holds_cover(format) {
                            notes.leave_out(&format!(
                                "{}: {format} holds no cover picture",
                                text(stream)
                            ));
                            continue;
                        }
                        let added = muxer.add_copy(input, stream.index);
                        streams.copies[stream.index] =
                            self.take(added, input, stream, format, notes)?;
                    }
                }
            }
        }
        if let Some(audio) = &self.audio {
            streams.audio = Some(muxer.add_stream(audio)?);
        }
        Ok(streams)
    }

    /// What becomes of a stream that may be copied, when a muxer was asked.
    fn take(
        &self,
        added: Result<usize, MediaError>,
        input: &Input,
        stream: &StreamFacts,
        muxer_format: &str,
        notes: &mut Notes,
    ) -> Result<Option<usize>, PipelineError> {
        let is_named = self.selection.copied.is_some();
        match added {
            Ok(index) => {
                notes.copied.push(format!("{} ({})", stream.kind.name(), stream.codec));
                if let Some(language) = stream.language.as_ref().filter(|l| *l != "und")
                    && !holds_language(muxer_format)
                {
                    let what = format!("the language of {} ({language})", text(stream));
                    notes.leave_out(&format!("{what}: {muxer_format} holds none"));
                }
                return Ok(Some(index));
            }
            Err(e) if e.kind != MediaErrorKind::Unsupported => return Err(e.into()),
            // An mp4's chapters are a track of their own, too, and are carried as chapters.
            Err(_) if stream.codec == "bin_data" && !input.facts().chapters.is_empty() => {}
            Err(e) if is_named || stream.kind == StreamKind::Audio => {
                return Err(refused(e, stream).into());
            }
            Err(e) => notes.leave_out(&format!("{}: {e}", text(stream))),
        }
        Ok(None)
    }

    /// Notes what is left out of an output that holds video and nothing else.
    fn video_alone(&self, what: &str, notes: &mut Notes) {
        let Some((input, video)) = self.from else { return };
        let wanted = |s: &&StreamFacts| s.index != video && self.selection.wants(s.index);
        let others: Vec<String> = input.facts().streams.iter().filter(wanted).map(text).collect();
        if !others.is_empty() {
            notes.leave_out(&format!("{}: {what} holds pictures alone", others.join("; ")));
        }
    }

    /// A server that may go away: whether the container holds the streams is found out before
    /// anything is connected.
    fn push(
        &self,
        output: &Output,
        key: &KeyWanted,
        notes: &mut Notes,
    ) -> Result<Kind, PipelineError> {
        let Target::Url(url) = &output.target else {
            return Err(PipelineError::System("no server".to_owned()));
        };
        let format = &*output.format;
        let opens_itself = Muxer::opens_itself(format);
        let nowhere = Box::new(Null::default());
        // What opens its address itself (RTSP) cannot be asked; Matroska takes everything.
        let stand_in = if opens_itself { "matroska" } else { format };
        let mut muxer = Muxer::stream(stand_in, nowhere, Path::new(&output.target.name()))?;
        let mut streams = self.add_streams(&mut muxer, stand_in, notes)?;
        let mut templates = vec![self.encoder.template()?];
        streams.video = 0;
        if let Some((input, _)) = self.from {
            for (stream, copy) in streams.copies.iter_mut().enumerate() {
                if copy.is_some() {
                    *copy = Some(templates.len());
                    templates.push(input.template(stream)?);
                }
            }
        }
        if let Some(audio) = &self.audio {
            streams.audio = Some(templates.len());
            templates.push(audio.share()?);
        }
        let address = Address {
            url: url.clone(),
            format: format.to_owned(),
            patience: self.service.patience,
        };
        let push = Push::start(address, Arc::new(templates), self.service.bounds, key, self.stop)
            .map_err(PipelineError::System)?;
        Ok(Kind::Push(push, streams))
    }
}

fn text(stream: &StreamFacts) -> String {
    format!("stream {}, {} ({})", stream.index, stream.kind.name(), stream.label())
}

/// The muxer of image files, by libav's name.
const IMAGES: &str = "image2";

/// Notes what stands beside the video that is encoded and is not in an output.
fn look_beside(stream: &StreamFacts, format: &str, notes: &mut Notes) {
    let Some(video) = &stream.video else { return };
    for beside in &video.beside {
        let what = beside.name();
        match beside {
            Beside::DolbyVision { compatible: true } => {
                notes.leave_out(&format!("{what}: not for video that is encoded"));
            }
            Beside::DolbyVision { compatible: false } => notes.miss(&format!(
                "{what}, without which its colors are wrong, is lost where video is encoded"
            )),
            _ if holds_beside(format, *beside) => {}
            _ => notes.miss(&format!("{what} is lost: {format} cannot hold it; .mp4 and .mkv can")),
        }
    }
    let hdr = matches!(video.color.transfer.as_deref(), Some("smpte2084" | "arib-std-b67"));
    if hdr && !holds_color(format) {
        notes.miss(&format!(
            "high dynamic range is lost: {format} cannot say that its colors are of it, and players show \
             them too dark or pale"
        ));
    }
    if video.rotation != 0 && !holds_rotation(format) {
        let way_out = "mp4 and mov can, or rotate the frames themselves: -p flip:mode=right";
        notes.leave_out(&format!(
            "the rotation by {}°: {format} cannot hold it; {way_out}",
            video.rotation
        ));
    }
}

/// Audio is not left out unasked, nor is what was asked for.
fn refused(error: MediaError, stream: &StreamFacts) -> MediaError {
    // libav's name for a stream whose codec the input does not say: no container is at fault.
    if stream.codec == "none" {
        let message = format!(
            "{}: the input does not say its codec (damaged?); leave it out with --map or --no-audio",
            text(stream)
        );
        return MediaError { kind: MediaErrorKind::NotMedia, message };
    }
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

/// An error of a muxer, with the file that it is about where it writes several.
fn explained(playlist: Option<&Playlist>, error: MediaError) -> PipelineError {
    match playlist {
        Some(playlist) => playlist.explain(error),
        None => error.into(),
    }
}

impl Local {
    fn write(&mut self, parcel: Parcel) -> Result<(), PipelineError> {
        let written = match parcel {
            Parcel::Video(packet) => self.muxer.write_encoded(self.streams.video, packet),
            Parcel::Audio(packet) => match self.streams.audio {
                Some(stream) => self.muxer.write_encoded(stream, packet),
                None => Ok(()),
            },
            Parcel::Copy(packet, _) => {
                match self.streams.copies.get(packet.stream()).copied().flatten() {
                    Some(stream) => self.muxer.write_copied(stream, packet),
                    None => Ok(()),
                }
            }
        };
        written.map_err(|e| explained(self.playlist.as_ref(), e))
    }

    /// How many bytes it has, where that is known, and how many packets of the input it refused.
    fn finish(mut self) -> Result<(Option<u64>, u64), PipelineError> {
        let playlist = self.playlist.as_ref();
        self.muxer.flush().map_err(|e| explained(playlist, e))?;
        let refused = self.muxer.refused();
        let mut sink = self.muxer.finish().map_err(|e| explained(playlist, e))?;
        if let Some(playlist) = playlist {
            return Ok((Some(playlist.sync()?), refused));
        }
        let Some(aside) = self.aside else { return Ok((sink.stream_position().ok(), refused)) };
        let bytes = sink.seek(SeekFrom::End(0)).unwrap_or(0);
        drop(sink);
        aside.publish()?;
        Ok((Some(bytes), refused))
    }
}
