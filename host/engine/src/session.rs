//! The session: one source through the graph of plugins to one sink. Every verb that decodes or
//! encodes runs on it.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, never, select};

use crate::error::PipelineError;
use crate::graph::compare::{Compare, SideBySide, Sources};
use crate::graph::flow::{Collect, Deal, Flow, Offered, Trouble};
use crate::graph::{Chain, Doing, Meter, Progress, Reading, Stage};
use crate::report::{LiveReport, PluginReport, Report, StreamReport};
use crate::sink::{
    EncodedImage, End, Opening, PlannedEncoder, Selection, Sink, SinkPlan, SinkReport, Watched,
};
use crate::source::{Event, Pace, Source, rotation};
use crate::stop::{self, Stop};
use crate::swap::{Next, Swap};
use filmgate_av::Packet;
use filmgate_core::cancel::Cancel;
use filmgate_core::frame::{Frame, PixelFormat, PlanePool, StreamInfo};
use filmgate_plugin::Supervisor;

/// Copied packets that may wait for the sink.
const PACKETS: usize = 512;

/// How often a sink that waits for frames looks about.
const STEP: Duration = Duration::from_millis(50);

/// Looks at the frames of a job as they reach the sink, in output order, on the thread that runs
/// the job. Its error ends the job.
pub type Observer = Box<dyn FnMut(&Frame) -> Result<(), PipelineError> + Send>;

/// A job, put together.
pub struct Session {
    pub source: Box<dyn Source>,
    /// in the order in which frames go through them
    pub plugins: Vec<Arc<Supervisor>>,
    pub sink: Box<dyn SinkPlan>,
    pub options: Options,
}

/// How a job runs.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// threads for parallel plugins
    pub workers: usize,
    /// let frames go at the times that they are for, and not before
    pub realtime: bool,
    /// drop frames rather than fall behind
    pub live: bool,
    /// let no frame wait for later ones: of a live source
    pub in_order: bool,
    /// put each frame beside the one it came of
    pub compare: bool,
    /// only find out what would be done: nothing is written, not even aside
    pub dry_run: bool,
    /// whether the source makes its frames itself, rather than decoding them
    pub raw: bool,
}

/// A job whose parts are open, checked and connected, and of which nothing has run yet.
pub struct Prepared {
    pub(crate) source: Box<dyn Source>,
    pub(crate) plugins: Vec<Arc<Supervisor>>,
    pub(crate) chain: Chain,
    /// what comes to the chain
    chain_input: StreamInfo,
    sink: Box<dyn Sink>,
    pub(crate) options: Options,
    /// what a conversion at the end of the graph is for, and what that takes
    pub(crate) whom: String,
    pub(crate) formats: Vec<PixelFormat>,
    pub(crate) encoder: PlannedEncoder,
    pub(crate) selection: Selection,
    /// which streams of the input are copied
    pub(crate) copied: Vec<bool>,
    report: Report,
    /// what the sink said when it was opened
    notes: SinkReport,
    observer: Option<Observer>,
    compare: Option<Compare>,
    /// where other plugins come from while it runs
    swap: Option<Arc<Swap>>,
}

impl Session {
    /// Plans the graph and begins the outputs.
    ///
    /// # Errors
    /// Everything that can be wrong before the first frame. Nothing is left behind then.
    pub fn prepare(mut self, stop: &Stop, pool: &PlanePool) -> Result<Prepared, PipelineError> {
        let formats = self.sink.formats(&*self.source)?;
        let (decoded, chain) = self.plan(&formats)?;
        self.source.choose(&decoded)?;
        let compare = self.side_by_side(&chain, &decoded)?;
        let frames = compare.as_ref().map_or(&chain.output, |c| c.side_by_side.output()).clone();
        let mut report = Report {
            conversions: chain.notes.clone(),
            workers: self.options.workers,
            ..Report::default()
        };
        let described = StreamReport::from(&decoded);
        if self.source.report().continuity.is_some() {
            let endless = self.source.is_endless();
            let stream = Some(described.clone());
            report.source = Some(LiveReport { stream, endless, ..LiveReport::default() });
        }
        if self.options.raw {
            report.read = Some(described);
        } else {
            report.decoded = Some(described);
        }
        let (whom, encoder) = (self.sink.whom(), self.sink.encoder());
        let selection = self.sink.selection();
        let mut notes = SinkReport::default();
        let opening = Opening {
            source: &mut *self.source,
            decoded: &decoded,
            frames: &frames,
            stop,
            dry_run: self.options.dry_run,
            workers: self.options.workers,
            pool,
        };
        let sink = self.sink.open(opening, &mut notes)?;
        let copied = sink.copied();
        report.missing = self.source.copy(&copied);
        report.show_sink(&notes);
        Ok(Prepared {
            source: self.source,
            plugins: self.plugins,
            chain,
            chain_input: decoded,
            sink,
            options: self.options,
            whom,
            formats,
            encoder,
            selection,
            copied,
            report,
            notes,
            observer: None,
            compare,
            swap: None,
        })
    }

    /// The offer of the source with which the chain needs the fewest conversions. What loses least
    /// is offered first, but to give out the encoder's format is no more work for a source that
    /// converts anyway.
    fn plan(&self, formats: &[PixelFormat]) -> Result<(StreamInfo, Chain), PipelineError> {
        let mut best: Option<(StreamInfo, Chain)> = None;
        for offer in self.source.offers(formats) {
            let chain = Chain::plan(&offer, &self.plugins, formats)?;
            let better = |(_, before): &(StreamInfo, Chain)| chain.notes.len() < before.notes.len();
            if best.as_ref().is_none_or(better) {
                best = Some((offer, chain));
            }
        }
        best.ok_or_else(|| PipelineError::System("the source offers no frames".to_owned()))
    }

    /// What puts before and after into one frame, where that is asked for.
    fn side_by_side(
        &self,
        chain: &Chain,
        decoded: &StreamInfo,
    ) -> Result<Option<Compare>, PipelineError> {
        if !self.options.compare {
            return Ok(None);
        }
        let rotation = rotation(&*self.source);
        let side_by_side = SideBySide::new(decoded, &chain.output, rotation)?;
        // Each worker, and each of the queues around it, may have frames.
        let waiting = 4 * self.options.workers.max(1) * (chain.stages.len() + 1);
        Ok(Some(Compare { sources: Sources::new(waiting), side_by_side }))
    }
}

/// Reads on a thread of its own.
struct Reader<'a> {
    source: &'a mut dyn Source,
    deal: Deal,
    packets: Sender<Packet>,
    pace: Option<Pace>,
    live: bool,
    meter: &'a Meter,
    /// where frames are kept for comparison
    sources: Option<Sources>,
    late: u64,
    /// other plugins that are to take over
    swap: Option<&'a Swap>,
}

impl Reader<'_> {
    /// How many frames came too late, and whether the source has more for the next plugins.
    fn run(mut self, stop: &Stop, trouble: &Trouble) -> (u64, bool) {
        while !stop.gently.is_cancelled() && !stop.hard.is_cancelled() {
            if self.swap.is_some_and(Swap::is_pending) {
                return (self.late, true);
            }
            let begun = Instant::now();
            let event = self.source.next();
            let frames = u64::from(matches!(event, Ok(Some(Event::Frame(_)))));
            self.meter.add(begun.elapsed(), frames);
            let more = match event {
                Ok(Some(Event::Packet(packet))) => self.packets.send(packet).is_ok(),
                Ok(Some(Event::Frame(frame))) => self.pass_on(frame, stop),
                Ok(None) => false,
                // What was cut off by the stop is nobody's fault.
                Err(_) if stop.gently.is_cancelled() => false,
                Err(e) => {
                    trouble.report(e);
                    false
                }
            };
            if !more {
                break;
            }
        }
        (self.late, false)
    }

    /// False when nothing takes it any more.
    fn pass_on(&mut self, mut frame: Frame, stop: &Stop) -> bool {
        if let Some(pace) = &mut self.pace {
            pace.wait(frame.timestamp, &stop.gently);
        }
        if let Some(sources) = &self.sources {
            sources.put(&mut frame);
        }
        if !self.live {
            return self.deal.send(vec![frame]);
        }
        match self.deal.offer(vec![frame]) {
            Offered::Taken => true,
            Offered::Full => {
                self.late += 1;
                self.source.drop_last();
                true
            }
            Offered::Gone => false,
        }
    }
}

/// What comes out of the graph: frames, or what the sink's workers made of them.
trait Made {
    fn into(self, drain: &mut Drain<'_>) -> Result<(), PipelineError>;
}

impl Made for Frame {
    fn into(self, drain: &mut Drain<'_>) -> Result<(), PipelineError> {
        drain.progress.note(self.timestamp);
        drain.frames += 1;
        if let Some(observer) = drain.observer {
            observer(&self)?;
        }
        let both = drain.compare.as_mut().map(|c| c.picture(&self)).transpose()?;
        drain.progress.does(Doing::Encode);
        let taken = drain.sink.frame(both.as_ref().unwrap_or(&self));
        drain.progress.does(Doing::Frames);
        taken
    }
}

impl Made for EncodedImage {
    fn into(self, drain: &mut Drain<'_>) -> Result<(), PipelineError> {
        let timestamp = self.timestamp;
        drain.frames += 1;
        drain.sink.image(self)?;
        drain.progress.note(timestamp);
        Ok(())
    }
}

/// Feeds the sink, on the thread that runs the job.
struct Drain<'a> {
    sink: &'a mut dyn Sink,
    progress: &'a Progress,
    observer: &'a mut Option<Observer>,
    compare: &'a mut Option<Compare>,
    frames: u64,
}

impl Drain<'_> {
    /// Takes frames and packets as they come, until both have ended. Both are taken at any time,
    /// so that neither can hold up the source while the other is waited for.
    fn run<T: Made>(
        &mut self,
        mut frames: Collect<Vec<T>>,
        mut packets: Receiver<Packet>,
        hard: &Cancel,
    ) -> Result<(), PipelineError> {
        let (mut more_frames, mut more_packets) = (true, true);
        while (more_frames || more_packets) && !hard.is_cancelled() {
            let next = if more_frames { frames.current().clone() } else { never() };
            select! {
                recv(next) -> message => match message {
                    Ok(message) => {
                        frames.advance();
                        message.into_iter().try_for_each(|made| made.into(self))?;
                    }
                    Err(_) => more_frames = false,
                },
                recv(packets) -> packet => match packet {
                    Ok(packet) => self.sink.packet(packet)?,
                    Err(_) => {
                        more_packets = false;
                        packets = never();
                    }
                },
                default(STEP) => self.sink.idle(),
            }
        }
        Ok(())
    }
}

impl Prepared {
    /// What is about to happen.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// What a frame goes through.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Nanoseconds that the wanted part of the source lasts, where that is known.
    pub fn duration(&self) -> Option<i64> {
        self.source.duration()
    }

    /// Whether it ends only when it is stopped.
    pub fn is_endless(&self) -> bool {
        self.source.is_endless()
    }

    /// The outputs on the network, to be watched while the job runs.
    pub fn pushes(&self) -> Vec<Watched> {
        self.sink.pushes()
    }

    /// Has `observer` see every frame of the output.
    pub fn observe(&mut self, mut observer: Observer) {
        self.observer = Some(match self.observer.take() {
            None => observer,
            Some(mut first) => Box::new(move |frame| {
                first(frame)?;
                observer(frame)
            }),
        });
    }

    /// Has the plugins exchanged while it runs, by `swap`.
    pub fn exchange(&mut self, swap: &Arc<Swap>) {
        let pixel_formats = self.formats.clone();
        swap.begin(self.chain_input.clone(), pixel_formats, &self.chain, &self.plugins);
        self.swap = Some(Arc::clone(swap));
    }

    /// Runs the job until the source ends, or `stop` is set, and ends the outputs.
    ///
    /// # Errors
    /// The first thing that went wrong, beside what was done up to then. An output that appears
    /// only when it is whole is as it was before.
    pub fn run(
        self,
        pool: &PlanePool,
        stop: &Stop,
        progress: &Progress,
    ) -> (Report, Option<PipelineError>) {
        let start = Instant::now();
        let Prepared { mut source, mut plugins, mut chain, mut sink, options, .. } = self;
        let (mut observer, mut compare) = (self.observer, self.compare);
        let (mut report, decode) = (self.report, Meter::default());
        let over = Cancel::new();
        let watch = stop::watch(stop, &over);
        let mut whole = Pumped::default();
        let result = loop {
            if watch.is_err() {
                break Ok(whole);
            }
            let job = Running {
                source: &mut *source,
                chain: &chain,
                sink: &mut *sink,
                options: &options,
                observer: &mut observer,
                compare: &mut compare,
                swap: self.swap.as_deref(),
            };
            let pumped = match job.pump(pool, stop, progress, &decode) {
                Ok(pumped) => pumped,
                Err(e) => break Err(e),
            };
            whole.add(&pumped);
            match self.swap.as_deref().filter(|_| pumped.goes_on).and_then(Swap::take) {
                Some(next) => Next { plugins, chain } = next,
                None => break Ok(whole),
            }
        };
        report.stopped = stop.gently.is_cancelled();
        let meters = plugins.iter().zip(&chain.filter_meters);
        report.plugins = meters.map(|(s, m)| PluginReport::new(s, m.reading())).collect();
        let (result, pumped) = match result {
            Ok(pumped) => (Ok(()), pumped),
            Err(e) => (Err(e), Pumped::default()),
        };
        report.frames_out = pumped.frames;
        let reading = Some(decode.reading());
        if options.raw {
            report.stages.read = reading;
        } else {
            report.stages.decode = reading;
        }
        report.stages.encode = pumped.encode;
        report.stages.convert = chain.convert_meter.reading();
        // What it said when it was opened is said again beside what it did.
        let mut notes = self.notes;
        let result = match result {
            Ok(()) => {
                progress.does(Doing::Finish);
                let (stopped, dropped) = (report.stopped, chain.nothing_left(&plugins));
                sink.finish(&mut End { source: &*source, stopped, stop, dropped }, &mut notes)
            }
            Err(error) => {
                sink.abandon(&mut notes);
                Err(error)
            }
        };
        report.take_sink(notes);
        let source = source.report();
        if source.lost_alpha || chain.lost_alpha() {
            let hint = if options.raw {
                "; where the fourth byte of a pixel means nothing, name the format rgb0 or bgr0"
            } else {
                ""
            };
            let lost = format!(
                "transparency (alpha): {} has none; numbered .png images keep it{hint}",
                chain.output.format
            );
            tracing::warn!("not all of it is in the output: {lost}");
            report.missing.push(lost);
        }
        report.source_ended(source, pumped.late);
        over.cancel();
        let watched = watch.map(|thread| {
            // It only looks at flags.
            let _ = thread.join();
        });
        report.wall = start.elapsed();
        (report, result.and(watched).err())
    }
}

/// What comes out at the end of the graph.
enum Ends {
    Frames(Collect),
    Images(Collect<Vec<EncodedImage>>),
}

/// What went through.
#[derive(Default)]
struct Pumped {
    frames: u64,
    late: u64,
    /// what the sink's workers took
    encode: Reading,
    /// other plugins go on with the source
    goes_on: bool,
}

impl Pumped {
    fn add(&mut self, more: &Pumped) {
        self.frames += more.frames;
        self.late += more.late;
        self.encode.add(more.encode);
    }
}

/// A job while it runs.
struct Running<'a> {
    source: &'a mut dyn Source,
    chain: &'a Chain,
    sink: &'a mut dyn Sink,
    options: &'a Options,
    observer: &'a mut Option<Observer>,
    compare: &'a mut Option<Compare>,
    swap: Option<&'a Swap>,
}

impl Running<'_> {
    /// Reads and decodes on a thread of its own, feeds the sink on this one, until both have
    /// nothing more to do.
    fn pump(
        self,
        pool: &PlanePool,
        stop: &Stop,
        progress: &Progress,
        meter: &Meter,
    ) -> Result<Pumped, PipelineError> {
        let trouble = Trouble::new(&stop.hard);
        let maker = self.sink.maker();
        let ends = maker.as_ref().map_or(1, |(threads, _)| *threads);
        // Pieces of a stream would make frames wait that come as they happen.
        let in_order: Vec<Stage>;
        let mut stages = self.chain.stages.as_slice();
        if self.options.live || self.options.in_order {
            in_order = stages.iter().map(Stage::in_order).collect();
            stages = &in_order;
        }
        let (mut flow, deal, collect) =
            Flow::start(stages, self.options.workers, ends, pool, &trouble)?;
        let encode = Arc::<Meter>::default();
        let ends = match &maker {
            None => Ends::Frames(collect),
            Some((_, make)) => Ends::Images(flow.finish(collect, &trouble, || make(&encode))?),
        };
        let (sender, packets) = bounded(PACKETS);
        let reader = Reader {
            source: self.source,
            deal,
            packets: sender,
            pace: self.options.realtime.then(Pace::new),
            live: self.options.live,
            meter,
            sources: self.compare.as_ref().map(|c| c.sources.clone()),
            late: 0,
            swap: self.swap,
        };
        let mut drain = Drain {
            sink: self.sink,
            progress,
            observer: self.observer,
            compare: self.compare,
            frames: 0,
        };
        let (late, goes_on) = thread::scope(|scope| {
            let reader = thread::Builder::new()
                .name("source".to_owned())
                .spawn_scoped(scope, || reader.run(stop, &trouble));
            let drained = match ends {
                Ends::Frames(frames) => drain.run(frames, packets, &stop.hard),
                Ends::Images(images) => drain.run(images, packets, &stop.hard),
            };
            if let Err(e) = drained {
                trouble.report(e);
            }
            let lost = |what: String| {
                trouble.report(PipelineError::System(what));
                (0, false)
            };
            match reader.map(thread::ScopedJoinHandle::join) {
                Ok(Ok(ended)) => ended,
                Ok(Err(_)) => lost("the thread of the source panicked".to_owned()),
                Err(e) => lost(format!("the thread of the source could not be started: {e}")),
            }
        });
        let frames = drain.frames;
        flow.join(&trouble);
        let encode = encode.reading();
        trouble.take().map_or(Ok(Pumped { frames, late, encode, goes_on }), Err)
    }
}
