//! One encode, set up and run: pictures, the chain of plugins, the encoder, sound, the outputs.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::outputs::{OutputSummary, Outputs, Service};
use super::pictures::{Ended, Pace, Pictures};
use super::push::Watched;
use super::sound::Sound;
use crate::job::Output;
use crate::pipeline::flow::{Collect, Deal, Flow, Trouble};
use crate::pipeline::{
    Chain, Meter, PipelineError, PluginSummary, Progress, Reading, nothing_left, plugin_summaries,
};
use filmgate_av::{
    EncodeOptions, MediaError, MediaErrorKind, Muxer, StreamTemplate, VideoEncoder, encoder_formats,
};
use filmgate_core::cancel::Cancel;
use filmgate_core::frame::{Frame, PixelFormat, PlanePool, Rational, StreamInfo};
use filmgate_plugin::Supervisor;

/// What to do.
pub struct Job {
    pub pictures: Box<dyn Pictures>,
    pub sound: Option<Box<dyn Sound>>,
    pub plugins: Vec<Arc<Supervisor>>,
    pub encode: EncodeOptions,
    pub outputs: Vec<Output>,
    pub service: Service,
    /// threads for parallel plugins
    pub workers: usize,
    /// let pictures go at the times that they are for, and not before
    pub realtime: bool,
}

/// What stops a job: gently, so that everything that came is written and every output ends well,
/// or at once.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    /// no more pictures are taken
    pub gently: Cancel,
    /// nothing is waited for any more
    pub hard: Cancel,
    /// nobody wants what came of it: files do not appear
    pub abandon: Cancel,
}

/// How long after the gentle one the hard stop comes.
const GRACE: Duration = Duration::from_millis(600);

/// How long servers may take after the last picture to take what waits for them.
const LINGER: Duration = Duration::from_secs(10);

/// What was done.
#[derive(Debug, Default)]
pub struct Summary {
    pub frames_in: u64,
    pub frames_out: u64,
    pub wall: Duration,
    pub input: Option<StreamInfo>,
    pub output: Option<StreamInfo>,
    /// conversions of pixel formats behind the source's own
    pub conversions: Vec<String>,
    pub ended: Ended,
    pub plugins: Vec<PluginSummary>,
    pub outputs: Vec<OutputSummary>,
    /// what went wrong with one of the outputs, while others went on
    pub failure: Option<PipelineError>,
    /// whether it was stopped, rather than came to its end
    pub stopped: bool,
    /// reading and converting
    pub read: Reading,
    pub encode: Reading,
    pub write: Reading,
}

/// A job whose parts are open, checked and connected, and of which nothing has run yet.
pub struct Prepared {
    pictures: Box<dyn Pictures>,
    sound: Option<Box<dyn Sound>>,
    plugins: Vec<Arc<Supervisor>>,
    chain: Chain,
    encoder: VideoEncoder,
    outputs: Outputs,
    workers: usize,
    realtime: bool,
    summary: Summary,
}

impl Job {
    /// Sets everything up and begins the outputs.
    ///
    /// # Errors
    /// Everything that can be wrong before the first picture. Nothing is left behind then.
    pub fn prepare(mut self, stop: &Stop) -> Result<Prepared, PipelineError> {
        let formats = self.encoder_formats()?;
        let (source, chain) = self.plan(&formats)?;
        self.pictures.choose(&source)?;
        let header = self.outputs.iter().any(|o| Muxer::needs_global_header(&o.format));
        let options = EncodeOptions { global_header: header, ..self.encode.clone() };
        let encoder = VideoEncoder::new(&chain.output, self.pictures.time_base(), &options)?;
        let mut templates: Vec<StreamTemplate> = vec![encoder.template()?];
        if let Some(sound) = &self.sound {
            templates.push(sound.template()?);
        }
        let outputs = Outputs::begin(&self.outputs, templates, &self.service, &stop.hard)?;
        let summary = Summary {
            input: Some(source),
            output: Some(chain.output.clone()),
            conversions: chain.notes.iter().cloned().chain(encoder.note()).collect(),
            ..Summary::default()
        };
        Ok(Prepared {
            pictures: self.pictures,
            sound: self.sound,
            plugins: self.plugins,
            chain,
            encoder,
            outputs,
            workers: self.workers,
            realtime: self.realtime,
            summary,
        })
    }

    fn encoder_formats(&self) -> Result<Vec<PixelFormat>, PipelineError> {
        let formats = encoder_formats(&self.encode.codec)?;
        match self.encode.pixel_format {
            None => Ok(formats),
            Some(wanted) if formats.contains(&wanted) => Ok(vec![wanted]),
            Some(wanted) => {
                let taken: Vec<&str> = formats.into_iter().map(PixelFormat::name).collect();
                let (codec, taken) = (&self.encode.codec, taken.join(", "));
                let message =
                    format!("the encoder \"{codec}\" does not take {wanted}; it takes {taken}");
                Err(MediaError { kind: MediaErrorKind::Unsupported, message }.into())
            }
        }
    }

    /// The offer of the source with which the chain needs the fewest conversions. What loses least
    /// is offered first, but to give out the encoder's format is no more work for a source that
    /// converts anyway.
    fn plan(&self, formats: &[PixelFormat]) -> Result<(StreamInfo, Chain), PipelineError> {
        let mut best: Option<(StreamInfo, Chain)> = None;
        for offer in self.pictures.offers(formats) {
            let chain = Chain::plan(&offer, &self.plugins, formats)?;
            let better = |(_, before): &(StreamInfo, Chain)| chain.notes.len() < before.notes.len();
            if best.as_ref().is_none_or(better) {
                best = Some((offer, chain));
            }
        }
        best.ok_or_else(|| PipelineError::System("the source offers no pictures".to_owned()))
    }
}

/// Reads on a thread of its own.
struct Reader {
    pictures: Box<dyn Pictures>,
    deal: Deal,
    pace: Option<Pace>,
    meter: Arc<Meter>,
}

impl Reader {
    fn run(mut self, stop: &Stop, trouble: &Trouble) -> (u64, Ended) {
        let mut count = 0;
        while !stop.gently.is_cancelled() && !stop.hard.is_cancelled() {
            let pictures = &mut self.pictures;
            match self.meter.time(1, || pictures.next()) {
                Ok(Some(frame)) => {
                    if let Some(pace) = &mut self.pace {
                        pace.wait(frame.timestamp, &stop.gently);
                    }
                    count += 1;
                    if !self.deal.send(vec![frame]) {
                        break;
                    }
                }
                Ok(None) => break,
                // What was cut off by the stop is nobody's fault.
                Err(_) if stop.gently.is_cancelled() => break,
                Err(e) => {
                    trouble.report(e.into());
                    break;
                }
            }
        }
        (count, self.pictures.ended())
    }
}

/// Encodes and writes, on the thread that runs the job.
struct Sink<'a> {
    encoder: VideoEncoder,
    sound: Option<Box<dyn Sound>>,
    outputs: Outputs,
    encode: Meter,
    write: Meter,
    frames: u64,
    /// when the last picture is over
    end: i64,
    progress: &'a Progress,
}

impl Sink<'_> {
    fn drain(&mut self, mut frames: Collect) -> Result<(), PipelineError> {
        while let Some(message) = frames.receive() {
            message.iter().try_for_each(|frame| self.take(frame))?;
        }
        Ok(())
    }

    fn take(&mut self, frame: &Frame) -> Result<(), PipelineError> {
        if self.outputs.wants_key() {
            self.encoder.force_key();
        }
        let encoder = &mut self.encoder;
        self.encode.time(1, || encoder.send(frame))?;
        self.frames += 1;
        self.end = frame.timestamp.saturating_add(frame.duration.unwrap_or(0));
        self.progress.note(frame.timestamp);
        self.deliver()?;
        self.deliver_sound()
    }

    fn deliver(&mut self) -> Result<(), PipelineError> {
        loop {
            let encoder = &mut self.encoder;
            let Some(packet) = self.encode.time(0, || encoder.receive())? else { return Ok(()) };
            let outputs = &mut self.outputs;
            self.write.time(1, || outputs.write(0, &packet))?;
        }
    }

    fn deliver_sound(&mut self) -> Result<(), PipelineError> {
        let Some(sound) = &mut self.sound else { return Ok(()) };
        for packet in sound.until(self.end)? {
            self.outputs.write(1, &packet)?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), PipelineError> {
        let encoder = &mut self.encoder;
        self.encode.time(0, || encoder.finish())?;
        self.deliver()?;
        self.deliver_sound()
    }
}

impl Prepared {
    /// What is about to happen.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// The outputs on the network, to be watched while the job runs.
    pub fn pushes(&self) -> Vec<Watched> {
        self.outputs.pushes()
    }

    /// Runs the job until the source ends or `stop.gently` is set, and ends all outputs.
    ///
    /// # Errors
    /// The first thing that went wrong. What was encoded until then is lost for files, whose names
    /// do not appear.
    pub fn run(
        self,
        pool: &PlanePool,
        stop: &Stop,
        progress: &Progress,
    ) -> Result<Summary, PipelineError> {
        let start = Instant::now();
        let trouble = Trouble::new(&stop.hard);
        let (flow, deal, collect) = Flow::start(&self.chain.stages, self.workers, pool, &trouble)?;
        let pace = self.realtime.then(Pace::new);
        let read = Arc::<Meter>::default();
        let reader = Reader { pictures: self.pictures, deal, pace, meter: Arc::clone(&read) };
        let mut sink = Sink {
            encoder: self.encoder,
            sound: self.sound,
            outputs: self.outputs,
            encode: Meter::default(),
            write: Meter::default(),
            frames: 0,
            end: 0,
            progress,
        };
        let over = Cancel::new();
        let watch = watch(stop, &over)?;
        let (count, ended) = pump(reader, &mut sink, collect, stop, &trouble);
        flow.join(&trouble);
        let mut summary = self.summary;
        summary.stopped = stop.gently.is_cancelled();
        (summary.frames_in, summary.ended, summary.frames_out) = (count, ended, sink.frames);
        let result = match trouble.take() {
            Some(error) => Err(error),
            None => {
                summary.plugins = plugin_summaries(&self.plugins, &self.chain.filter_meters);
                complete(sink, stop, &mut summary)
            }
        };
        over.cancel();
        // It only looks at flags.
        let _ = watch.join();
        result?;
        summary.wall = start.elapsed();
        summary.read = read.reading();
        Ok(summary)
    }
}

/// Encodes what is left, and ends the outputs.
fn complete(mut sink: Sink<'_>, stop: &Stop, summary: &mut Summary) -> Result<(), PipelineError> {
    if sink.frames == 0 || stop.abandon.is_cancelled() {
        return Err(match summary.stopped || stop.abandon.is_cancelled() {
            true => PipelineError::Interrupted,
            false => nothing_left(&summary.plugins)
                .map_or_else(|| no_pictures().into(), PipelineError::from),
        });
    }
    sink.finish()?;
    (summary.encode, summary.write) = (sink.encode.reading(), sink.write.reading());
    let patience = if summary.stopped { GRACE / 2 } else { LINGER };
    (summary.outputs, summary.failure) = sink.outputs.finish(patience);
    match &summary.failure {
        Some(_) if summary.outputs.len() == 1 => summary.failure.take().map_or(Ok(()), Err),
        _ => Ok(()),
    }
}

fn no_pictures() -> MediaError {
    MediaError {
        kind: MediaErrorKind::Empty,
        message: "not one picture came; there is no output".to_owned(),
    }
}

/// Makes the gentle stop a hard one when the job has not ended within its time.
fn watch(stop: &Stop, over: &Cancel) -> Result<thread::JoinHandle<()>, PipelineError> {
    const STEP: Duration = Duration::from_millis(20);
    let (stop, over) = (stop.clone(), over.clone());
    let run = move || {
        let mut since = None;
        while !over.is_cancelled() {
            thread::sleep(STEP);
            if stop.gently.is_cancelled()
                && since.get_or_insert_with(Instant::now).elapsed() > GRACE
            {
                return stop.hard.cancel();
            }
        }
    };
    let spawned = thread::Builder::new().name("watch".to_owned()).spawn(run);
    spawned.map_err(|e| PipelineError::System(format!("a thread could not be started: {e}")))
}

/// Reads on a thread of its own, encodes and writes on this one, until both have nothing more to
/// do.
fn pump(
    reader: Reader,
    sink: &mut Sink<'_>,
    frames: Collect,
    stop: &Stop,
    trouble: &Trouble,
) -> (u64, Ended) {
    thread::scope(|scope| {
        let reader = thread::Builder::new()
            .name("reader".to_owned())
            .spawn_scoped(scope, || reader.run(stop, trouble));
        if let Err(e) = sink.drain(frames) {
            trouble.report(e);
        }
        let lost = |what: String| {
            trouble.report(PipelineError::System(what));
            (0, Ended::default())
        };
        match reader.map(thread::ScopedJoinHandle::join) {
            Ok(Ok(ended)) => ended,
            Ok(Err(_)) => lost("the thread of the source panicked".to_owned()),
            Err(e) => lost(format!("the thread of the source could not be started: {e}")),
        }
    })
}

/// The time base of a steady rate: one tick a picture.
pub fn ticks(rate: Rational) -> Rational {
    Rational { num: rate.den, den: rate.num }
}
