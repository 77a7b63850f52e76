//! One file in, one file out: decode, the chain of plugins, encode, and what is not video copied
//! beside it.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};

use super::chain::Chain;
use super::compare::{Compare, SideBySide, Sources};
use super::ends::{Ended, Sink, Source};
use super::error::PipelineError;
use super::flow::{Collect, Flow, Trouble};
use super::observe::Observer;
use super::output::{NewOutput, Selection, Writer};
use super::parts::Parts;
use super::stats::{Meter, Progress, Reading};
use super::window::{Cut, Window};
use crate::job::Output;
use filmgate_av::{
    DecodeOptions, EncodeOptions, Input, MediaError, MediaErrorKind, Muxer, Packet, VideoDecoder,
    VideoEncoder, encoder_formats,
};
use filmgate_core::cancel::Cancel;
use filmgate_core::frame::{PixelFormat, PlanePool, Rational, StreamInfo};
use filmgate_plugin::{PluginError, Supervisor};

/// Copied packets that may wait for the muxer.
const PACKETS: usize = 512;

/// What to do.
pub struct FileJob {
    pub output: Output,
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
    /// which part of the input
    pub window: Window,
    /// which streams of it
    pub selection: Selection,
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
    /// pictures before the first key frame, which nobody can decode
    pub undecodable_lead: u64,
    /// timestamps that had to be moved to rise
    pub nudged: u64,
    /// jumps of the input's clock that were taken out
    pub jumps: u64,
    /// what of a later input is not in the output, with the reason
    pub missing: Vec<String>,
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
    /// frames that it kept when the stream had ended, and that are lost
    pub held_at_end: u64,
    /// whether not all came out of it that was to come
    pub incomplete: bool,
}

/// A job whose parts are open, checked and connected, and of which nothing has run yet.
pub struct Prepared {
    pub(super) job: FileJob,
    pub(super) parts: Parts,
    pub(super) chain: Chain,
    encoder: VideoEncoder,
    writer: Writer,
    /// which streams of the input are copied
    pub(super) copied: Vec<bool>,
    /// nanoseconds of the wanted part, where somebody knows
    pub(super) duration: Option<i64>,
    pub(super) summary: Summary,
    pub(super) observer: Option<Observer>,
    compare: Option<Compare>,
}

impl FileJob {
    /// Sets up the chain and begins the output, for inputs that are open: the caller knows what
    /// may be opened. Those behind the first one follow it as if they were one.
    ///
    /// # Errors
    /// Everything that can be wrong before the first picture. Nothing is left behind then.
    pub fn prepare(
        self,
        mut input: Input,
        rest: Vec<Input>,
        cancel: &Cancel,
    ) -> Result<Prepared, PipelineError> {
        let video = self.selection.video.map_or_else(|| input.best_video(), Ok)?;
        input.learn_hdr(video)?;
        let options = DecodeOptions { threads: self.decoder_threads, ..DecodeOptions::default() };
        let decoder = VideoDecoder::new(&input, video, &options).map_err(undecodable)?;
        let source = decoder.output();
        let chain = Chain::plan(&source, &self.plugins, &self.encoder_formats()?)?;
        let compare = self.side_by_side(&input, video, &chain, &source)?;
        let encoded = compare.as_ref().map_or(&chain.output, |c| c.side_by_side.output()).clone();
        let options_of_encoder = self.encode_options(&input, video);
        let clock = time_base(&input, video, &self.output.format);
        let encoder = VideoEncoder::new(&encoded, clock, &options_of_encoder)?;
        let mut summary = Summary {
            input: Some(source),
            output: Some(encoder.output()),
            conversions: chain.notes.iter().cloned().chain(encoder.note()).collect(),
            workers: self.workers,
            ..Summary::default()
        };
        let output = NewOutput {
            output: &self.output,
            replace: self.replace,
            input: &input,
            video,
            encoder: &encoder,
            selection: &self.selection,
            window: self.window,
            cancel,
            dry_run: self.dry_run,
        };
        let writer = output.begin(&mut summary)?;
        let duration = wanted_duration(self.window, &input, &rest);
        let copied = writer.copied(input.facts().streams.len());
        let parts = Parts::new(input, decoder, video, rest, &copied, options);
        summary.missing.clone_from(&parts.missing);
        Ok(Prepared {
            job: self,
            parts,
            chain,
            encoder,
            writer,
            copied,
            duration,
            summary,
            observer: None,
            compare,
        })
    }

    /// The formats that the encoder may be given: those it takes, and of them what was asked for
    /// and what the container knows.
    fn encoder_formats(&self) -> Result<Vec<PixelFormat>, PipelineError> {
        let mut formats = encoder_formats(&self.encode.codec)?;
        if self.output.format == "yuv4mpegpipe" {
            formats.retain(|f| f.is_yuv() || *f == PixelFormat::Gray8);
        }
        let Some(wanted) = self.encode.pixel_format else { return Ok(formats) };
        if formats.contains(&wanted) {
            return Ok(vec![wanted]);
        }
        let taken: Vec<&str> = formats.into_iter().map(PixelFormat::name).collect();
        let (codec, taken) = (&self.encode.codec, taken.join(", "));
        let message = format!("the encoder \"{codec}\" does not take {wanted}; it takes {taken}");
        Err(MediaError { kind: MediaErrorKind::Unsupported, message }.into())
    }

    /// What puts before and after into one picture, where that is asked for.
    fn side_by_side(
        &self,
        input: &Input,
        video: usize,
        chain: &Chain,
        source: &StreamInfo,
    ) -> Result<Option<Compare>, PipelineError> {
        if !self.compare {
            return Ok(None);
        }
        let facts = input.facts().streams.get(video).and_then(|s| s.video.as_ref());
        let rotation = facts.map_or(0, |f| f.rotation);
        let side_by_side = SideBySide::new(source, &chain.output, rotation)?;
        // Each worker, and each of the queues around it, may have frames.
        let waiting = 4 * self.workers.max(1) * (chain.stages.len() + 1);
        Ok(Some(Compare { sources: Sources::new(waiting), side_by_side }))
    }

    fn encode_options(&self, input: &Input, video: usize) -> EncodeOptions {
        let facts = input.facts().streams.get(video).and_then(|s| s.video.as_ref());
        EncodeOptions {
            global_header: Muxer::needs_global_header(&self.output.format),
            interlaced: facts.and_then(|f| f.interlaced),
            hdr: input.x265_hdr(video),
            ..self.encode.clone()
        }
    }
}

/// Nanoseconds that the wanted part lasts, where all inputs say how long they are.
fn wanted_duration(window: Window, input: &Input, rest: &[Input]) -> Option<i64> {
    let all = std::iter::once(input).chain(rest).map(|i| i.facts().duration);
    let whole = all.sum::<Option<i64>>().map(|all| (all - window.start).max(0));
    match (whole, window.duration) {
        (Some(whole), Some(wanted)) => Some(whole.min(wanted)),
        (one, other) => one.or(other),
    }
}

/// What is not supported about a decoder is the input's fault, not the output's; and where not one
/// picture can be decoded to begin with, nothing is cut off.
pub(super) fn undecodable(error: MediaError) -> PipelineError {
    match error.kind {
        MediaErrorKind::Unsupported | MediaErrorKind::Decode => PipelineError::Undecodable(error),
        _ => error.into(),
    }
}

/// The encoder's clock: the input stream's, so that no timestamp is rounded; one tick a frame for
/// containers that know nothing but a frame rate.
fn time_base(input: &Input, video: usize, format: &str) -> Rational {
    let Some(stream) = input.facts().streams.get(video) else {
        return Rational { num: 1, den: 90_000 };
    };
    match (format, stream.frame_rate) {
        ("avi" | "mxf" | "h264", Some(rate)) if rate.num > 0 => {
            Rational { num: rate.den, den: rate.num }
        }
        _ => stream.time_base,
    }
}

impl Prepared {
    /// What is about to happen.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Nanoseconds that the wanted part of the input lasts, where somebody knows.
    pub fn duration(&self) -> Option<i64> {
        self.duration
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
            parts: self.parts,
            cut: Cut::new(self.job.window),
            deal,
            packets,
            meter: Arc::clone(&decode_meter),
            accept_truncated: self.job.accept_truncated,
            sources: self.compare.as_ref().map(|c| c.sources.clone()),
        };
        let mut sink = Sink {
            encoder: self.encoder,
            writer: self.writer,
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
        summary.plugins = plugin_summaries(&self.job.plugins, &self.chain.filter_meters);
        if sink.frames == 0
            && let Some(error) = nothing_left(&summary.plugins)
        {
            return Err(error.into());
        }
        sink.finish(&mut summary)?;
        summary.wall = start.elapsed();
        summary.frames_in = ended.frames;
        summary.damaged = ended.damaged;
        summary.undecodable_lead = ended.undecodable_lead;
        summary.jumps = ended.jumps;
        summary.truncated = ended.truncated;
        summary.decode = decode_meter.reading();
        summary.convert = self.chain.convert_meter.reading();
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

pub fn plugin_summaries(plugins: &[Arc<Supervisor>], meters: &[Arc<Meter>]) -> Vec<PluginSummary> {
    plugins
        .iter()
        .zip(meters)
        .map(|(supervisor, meter)| PluginSummary {
            name: supervisor.plugin().name().to_owned(),
            reading: meter.reading(),
            bypassed: supervisor.bypassed(),
            failures: supervisor.failures(),
            held_at_end: supervisor.held_at_end(),
            incomplete: supervisor.is_incomplete(),
        })
        .collect()
}

/// Which plugin is the reason that no picture came out of a chain: the last one that was given
/// any. None where no picture came to the plugins, and where there are none.
pub fn nothing_left(plugins: &[PluginSummary]) -> Option<PluginError> {
    let last = plugins.iter().rfind(|p| p.reading.frames > 0)?;
    Some(PluginError::NothingLeft {
        plugin: last.name.clone(),
        given: last.reading.frames,
        held: last.held_at_end,
    })
}

/// How many threads parallel plugins get when nobody says: one a processor.
pub fn default_workers() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}
