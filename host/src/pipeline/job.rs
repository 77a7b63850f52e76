//! One file in, one file out: decode, the chain of plugins, encode, and what is not video copied
//! beside it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};

use super::chain::Chain;
use super::compare::{Compare, SideBySide, Sources};
use super::destination::Destination;
use super::ends::{Ended, Sink, Source};
use super::error::PipelineError;
use super::flow::{Collect, Flow, Trouble};
use super::observe::Observer;
use super::stats::{Meter, Progress, Reading};
use crate::cancel::Cancel;
use crate::frame::{PlanePool, Rational, StreamInfo};
use crate::media::{
    DecodeOptions, EncodeOptions, Input, MediaError, MediaErrorKind, Muxer, Packet, VideoDecoder,
    VideoEncoder, encoder_formats,
};
use crate::plugin::Supervisor;

/// Copied packets that may wait for the muxer.
const PACKETS: usize = 512;

/// What to do.
pub struct FileJob {
    pub input: PathBuf,
    pub output: PathBuf,
    /// libav's name of the container; by the ending of `output` where none
    pub format: Option<String>,
    /// whether a file that is there may be replaced
    pub replace: bool,
    pub plugins: Vec<Arc<Supervisor>>,
    pub encode: EncodeOptions,
    /// threads for parallel plugins
    pub workers: usize,
    /// threads of the decoder; 0 for its own choice
    pub decoder_threads: usize,
    /// make do with an input that ends before its time
    pub accept_truncated: bool,
    /// only find out what would be done: nothing is written, not even aside
    pub dry_run: bool,
    /// encode each picture with the one it came of left of it
    pub compare: bool,
}

/// What was done.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    pub frames_in: u64,
    pub frames_out: u64,
    pub wall: Duration,
    pub input: Option<StreamInfo>,
    pub output: Option<StreamInfo>,
    /// streams copied, as `audio (aac)`
    pub copied: Vec<String>,
    /// streams that are not in the output, with the reason
    pub left_out: Vec<String>,
    /// conversions of pixel formats
    pub conversions: Vec<String>,
    pub decode: Reading,
    pub convert: Reading,
    pub encode: Reading,
    pub mux: Reading,
    pub plugins: Vec<PluginSummary>,
    pub workers: usize,
    /// packets that could not be decoded
    pub damaged: u64,
    /// timestamps that had to be moved to rise
    pub nudged: u64,
    /// why the input ended early, where that was accepted
    pub truncated: Option<String>,
    pub bytes: u64,
}

/// One plugin's part.
#[derive(Clone, Debug)]
pub struct PluginSummary {
    pub name: String,
    pub reading: Reading,
    pub bypassed: u64,
    pub failures: u64,
}

/// A job whose parts are open, checked and connected, and of which nothing has run yet.
pub struct Prepared {
    pub(super) job: FileJob,
    pub(super) input: Input,
    decoder: VideoDecoder,
    pub(super) video: usize,
    pub(super) chain: Chain,
    encoder: VideoEncoder,
    muxer: Muxer,
    /// stream of the input to stream of the output, for what is copied
    pub(super) copies: Vec<Option<usize>>,
    encoded: usize,
    destination: Destination,
    pub(super) summary: Summary,
    pub(super) observer: Option<Observer>,
    compare: Option<Compare>,
}

impl FileJob {
    /// Opens the input (opened by the caller, who knows the whitelists), sets up the chain and
    /// begins the output.
    ///
    /// # Errors
    /// Everything that can be wrong before the first picture. Nothing is left behind then.
    pub fn prepare(self, input: Input) -> Result<Prepared, PipelineError> {
        let video = input.best_video()?;
        let options = DecodeOptions { threads: self.decoder_threads };
        let decoder = VideoDecoder::new(&input, video, &options).map_err(undecodable)?;
        let source = decoder.output();
        let format = Muxer::format_for(&self.output, self.format.as_deref())?;
        let taken = encoder_formats(&self.encode.codec)?;
        let chain = Chain::plan(&source, &self.plugins, &taken)?;
        let compare = compare(&self, &input, video, &chain, &source)?;
        let encoded_info =
            compare.as_ref().map_or(&chain.output, |c| c.side_by_side.output()).clone();
        let options = EncodeOptions {
            global_header: Muxer::needs_global_header(&format),
            ..self.encode.clone()
        };
        let encoder = VideoEncoder::new(&encoded_info, time_base(&input, video), &options)?;
        let destination = Destination::of(&self)?;
        let mut muxer = Muxer::create(&format, destination.sink()?, &self.output)?;
        let mut summary = Summary {
            input: Some(source),
            output: Some(encoded_info),
            conversions: chain.notes.clone(),
            workers: self.workers,
            ..Summary::default()
        };
        let (copies, encoded) = add_streams(&mut muxer, &input, video, &encoder, &mut summary)?;
        muxer.set_metadata(&input)?;
        muxer.write_header(&header_options(&format))?;
        let job = self;
        Ok(Prepared {
            job,
            input,
            decoder,
            video,
            chain,
            encoder,
            muxer,
            copies,
            encoded,
            destination,
            summary,
            observer: None,
            compare,
        })
    }
}

/// What puts before and after into one picture, where the job asks for it.
fn compare(
    job: &FileJob,
    input: &Input,
    video: usize,
    chain: &Chain,
    source: &StreamInfo,
) -> Result<Option<Compare>, PipelineError> {
    if !job.compare {
        return Ok(None);
    }
    let facts = input.facts().streams.get(video).and_then(|s| s.video.as_ref());
    let side_by_side = SideBySide::new(source, &chain.output, facts.map_or(0, |f| f.rotation))?;
    Ok(Some(Compare { sources: Sources::default(), side_by_side }))
}

/// What is not supported about a decoder is the input's fault, not the output's; and where not one
/// picture can be decoded to begin with, nothing is cut off.
fn undecodable(error: MediaError) -> PipelineError {
    match error.kind {
        MediaErrorKind::Unsupported | MediaErrorKind::Decode => PipelineError::Undecodable(error),
        _ => error.into(),
    }
}

/// The encoder's clock: the input stream's, so that no timestamp is rounded.
fn time_base(input: &Input, video: usize) -> Rational {
    input.facts().streams.get(video).map_or(Rational { num: 1, den: 90_000 }, |s| s.time_base)
}

/// mp4 and mov with the index in front, so that a player can start before all is there.
fn header_options(format: &str) -> Vec<(String, String)> {
    match format {
        "mp4" | "mov" => vec![("movflags".to_owned(), "+faststart".to_owned())],
        _ => Vec::new(),
    }
}

/// The output's streams, in the order of the input's: the video from the encoder, the rest
/// copied where the container takes it.
fn add_streams(
    muxer: &mut Muxer,
    input: &Input,
    video: usize,
    encoder: &VideoEncoder,
    summary: &mut Summary,
) -> Result<(Vec<Option<usize>>, usize), PipelineError> {
    let mut copies = vec![None; input.facts().streams.len()];
    let mut encoded = 0;
    for stream in &input.facts().streams {
        if stream.index == video {
            encoded = muxer.add_encoded(encoder, Some((input, video)))?;
            continue;
        }
        let name = format!("{} ({})", stream.kind.name(), stream.codec);
        match muxer.add_copy(input, stream.index) {
            Ok(index) => {
                copies[stream.index] = Some(index);
                summary.copied.push(name);
            }
            Err(e) if e.kind == MediaErrorKind::Unsupported => {
                summary.left_out.push(format!("stream {}, {name}: {e}", stream.index));
            }
            Err(e) => return Err(e.into()),
        }
    }
    Ok((copies, encoded))
}

impl Prepared {
    /// What is about to happen.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Nanoseconds that the input lasts, where somebody knows.
    pub fn duration(&self) -> Option<i64> {
        self.input.facts().duration
    }

    /// Runs the job and publishes the output.
    ///
    /// # Errors
    /// The first thing that went wrong; the output is then as it was before.
    pub fn run(
        self,
        pool: &PlanePool,
        cancel: &Cancel,
        progress: &Arc<Progress>,
    ) -> Result<Summary, PipelineError> {
        let start = Instant::now();
        let trouble = Trouble::new(cancel);
        let (flow, deal, collect) =
            Flow::start(&self.chain.stages, self.job.workers, pool, &trouble)?;
        let (packets, copied) = bounded(PACKETS);
        let decode_meter = Arc::<Meter>::default();
        let source = Source {
            input: self.input,
            decoder: self.decoder,
            video: self.video,
            wanted: self.copies.iter().map(Option::is_some).collect(),
            deal,
            packets,
            meter: Arc::clone(&decode_meter),
            accept_truncated: self.job.accept_truncated,
            sources: self.compare.as_ref().map(|c| c.sources.clone()),
        };
        let mut sink = Sink {
            encoder: self.encoder,
            muxer: self.muxer,
            encoded: self.encoded,
            copies: self.copies,
            encode: Meter::default(),
            mux: Meter::default(),
            frames: 0,
            progress: Arc::clone(progress),
            observer: self.observer,
            compare: self.compare,
        };
        let ended = pump(source, &mut sink, collect, copied, &trouble, cancel);
        flow.join(&trouble);
        if let Some(error) = trouble.take() {
            return Err(error);
        }
        if cancel.is_cancelled() {
            return Err(PipelineError::Interrupted);
        }
        let mut summary = self.summary;
        sink.finish(&mut summary)?;
        summary.bytes = self.destination.publish()?;
        summary.wall = start.elapsed();
        summary.frames_in = ended.frames;
        summary.damaged = ended.damaged;
        summary.truncated = ended.truncated;
        summary.decode = decode_meter.reading();
        summary.convert = self.chain.convert_meter.reading();
        summary.plugins = plugin_summaries(&self.job.plugins, &self.chain.filter_meters);
        Ok(summary)
    }
}

/// Reads and decodes on a thread of its own, encodes and writes on this one, until both ends have
/// nothing more to do.
fn pump(
    source: Source,
    sink: &mut Sink,
    frames: Collect,
    packets: Receiver<Packet>,
    trouble: &Trouble,
    cancel: &Cancel,
) -> Ended {
    thread::scope(|scope| {
        let source = thread::Builder::new()
            .name("source".to_owned())
            .spawn_scoped(scope, || source.run(trouble, cancel));
        if let Err(e) = sink.drain(frames, packets, cancel) {
            trouble.report(e);
        }
        let lost = |what: String| {
            trouble.report(PipelineError::System(what));
            Ended::default()
        };
        match source.map(thread::ScopedJoinHandle::join) {
            Ok(Ok(ended)) => ended,
            Ok(Err(_)) => lost("the thread of the source panicked".to_owned()),
            Err(e) => lost(format!("the thread of the source could not be started: {e}")),
        }
    })
}

fn plugin_summaries(plugins: &[Arc<Supervisor>], meters: &[Arc<Meter>]) -> Vec<PluginSummary> {
    plugins
        .iter()
        .zip(meters)
        .map(|(supervisor, meter)| PluginSummary {
            name: supervisor.plugin().name().to_owned(),
            reading: meter.reading(),
            bypassed: supervisor.bypassed(),
            failures: supervisor.failures(),
        })
        .collect()
}

/// How many threads parallel plugins get when nobody says: one a processor.
pub fn default_workers() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Whether `output` is `input` by another name.
pub fn is_input(input: &Path, output: &Path) -> bool {
    crate::publish::same_file(input, output)
}
