//! From a description to a job: inputs opened, plugins loaded, outputs and encoder worked out, put
//! together as one session; then run, with the files beside the outputs.

mod encoder;
mod files;
mod images;
mod inputs;
mod live;
mod names;
mod outputs;
mod reach;
mod receipt;
mod source;
mod stills;
pub mod stream;
mod streams;
mod tags;

use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use serde_json::json;
use tracing::warn;

use crate::error::PipelineError;
use crate::graph::{Chain, Progress};
use crate::plan::Plan;
use crate::report::Report;
use crate::session::{Observer, Options, Prepared, Session};
use crate::sink::{Discard, Encoded, Images, Selection, SinkPlan, Watched};
use crate::source::{Fifo, Files, FilesOptions, Live, Source};
use crate::spec::{JobSpec, SpecError, Verb};
use crate::stop::Stop;
use filmgate_av::{DecodeOptions, EncodeOptions, MediaError};
use filmgate_core::cancel::Cancel;
use filmgate_core::frame::{Frame, PlanePool};
use filmgate_core::publish;
use filmgate_plugin::{CodeCache, Engine, PluginRecord, Supervisor};
pub use reach::Reach;
pub use receipt::Receipt;
use stills::Stills;
use tags::TagFile;

/// What libav says of an option's value is a mistake in the description.
fn usage_of(error: MediaError) -> PipelineError {
    SpecError::usage(error.message).into()
}

fn usage(message: impl Into<String>) -> PipelineError {
    SpecError::usage(message).into()
}

/// What surrounds a job, beside its description.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// the file that the description was read from
    pub config: Option<PathBuf>,
    /// how the job was asked for, for its receipt
    pub command: Vec<String>,
    /// only find out what would be done: nothing is written, not even aside
    pub dry_run: bool,
}

/// A job whose parts are open, checked and connected, and of which nothing has run yet.
pub struct Job {
    prepared: Prepared,
    /// images of an input, of which the first one is prepared
    stills: Option<Stills>,
    plugins: Vec<Arc<Supervisor>>,
    stop: Stop,
    pool: PlanePool,
    tags: Option<TagFile>,
    receipt: Option<Receipt>,
    cancel: Cancel,
    /// a pipe that libav reads by itself
    _fifo: Option<Fifo>,
}

/// The parts of a session.
struct Parts {
    source: Box<dyn Source>,
    sink: Box<dyn SinkPlan>,
    options: Options,
    fifo: Option<Fifo>,
}

/// What parts are made with.
struct Workshop<'a> {
    spec: &'a JobSpec,
    engine: &'a Engine,
    plugins: &'a [Arc<Supervisor>],
    stop: &'a Stop,
    pool: &'a PlanePool,
    dry_run: bool,
}

/// Puts a job together. `cancel` stops it: a job that goes on until it is stopped ends well then,
/// with everything that came in its outputs; any other ends at once, without output.
///
/// # Errors
/// Everything that can be wrong before the first frame. Nothing is left behind then.
pub fn prepare(
    spec: &JobSpec,
    surroundings: &Surroundings,
    cancel: &Cancel,
) -> Result<Job, PipelineError> {
    spec.check()?;
    let is_lasting = spec.verb == Verb::Encode || spec.reconnect;
    let stop = if is_lasting { Stop::gently(cancel) } else { Stop::at_once(cancel) };
    let mut files = files::files(spec);
    if let Some(config) = &surroundings.config {
        files.reads("the configuration", config);
    }
    files.check()?;
    for path in [&spec.tags, &spec.receipt].into_iter().flatten() {
        publish::check(path, spec.overwrite)?;
    }
    let outputs = match spec.verb {
        Verb::Run | Verb::Encode => outputs::outputs(spec)?,
        Verb::Split | Verb::Frame => Vec::new(),
    };
    let encode = match spec.verb {
        Verb::Run | Verb::Encode => encoder::encoder(spec, &outputs)?,
        Verb::Split | Verb::Frame => EncodeOptions::default(),
    };
    // A gentle stop must not end a call of a plugin.
    let pool = PlanePool::new();
    let engine = Engine::new(&CodeCache::ForUser, &pool, &stop.hard)?;
    let loaded = spec.plugins().load(&engine, &stop.hard)?;
    loaded.add_to(&mut files);
    files.check()?;
    let plugins = loaded.supervisors;
    let workshop = Workshop {
        spec,
        engine: &engine,
        plugins: &plugins,
        stop: &stop,
        pool: &pool,
        dry_run: surroundings.dry_run,
    };
    let mut stills = None;
    let parts = match spec.verb {
        Verb::Run => workshop.run(encode, outputs)?,
        Verb::Encode => workshop.encode(encode, outputs)?,
        Verb::Split => workshop.split()?,
        Verb::Frame => {
            let (all, input) = Stills::plan(&workshop)?;
            let first = all.parts(0, input)?;
            stills = Some(all);
            first
        }
    };
    let Parts { source, sink, options, fifo } = parts;
    let session = Session { source, plugins: plugins.clone(), sink, options };
    let prepared = session.prepare(&stop, &pool)?;
    for reason in &prepared.report().missing {
        warn!("{reason}");
    }
    if !surroundings.dry_run {
        for reason in &prepared.report().left_out {
            warn!("not in the output: {reason}");
        }
    }
    let (tags, receipt) = (None, None);
    let cancel = cancel.clone();
    let mut job = Job { prepared, stills, plugins, stop, pool, tags, receipt, cancel, _fifo: fifo };
    if !surroundings.dry_run {
        job.begin_reports(spec, surroundings)?;
    }
    Ok(job)
}

impl Workshop<'_> {
    fn options(&self) -> Options {
        Options {
            workers: inputs::workers(self.spec),
            realtime: self.spec.realtime,
            live: self.spec.live,
            compare: self.spec.compare,
            dry_run: self.dry_run,
            raw: false,
            in_order: false,
        }
    }

    fn run(
        &self,
        mut encode: EncodeOptions,
        outputs: Vec<crate::sink::Output>,
    ) -> Result<Parts, PipelineError> {
        let spec = self.spec;
        let window = inputs::window(spec);
        let (source, selection): (Box<dyn Source>, _) = if spec.reconnect {
            let (source, open) = live::live_source(spec, &self.stop.gently)?;
            let input = live::open_live(spec, &source, &open)?;
            let selection = inputs::selection(spec, &input)?;
            encoder::set_keyframe_interval(
                &mut encode,
                spec,
                inputs::input_rate(&input, &selection),
            );
            let reading = live::reading(spec, source, open, DecodeOptions::default());
            let choice = images::choice(spec);
            let live = Live::new(reading, input, choice, window, None, self.pool)?;
            (Box::new(live), selection)
        } else {
            let mut opened = inputs::open(spec, &self.stop.gently)?;
            let first = opened.remove(0);
            let selection = inputs::selection(spec, &first)?;
            encoder::set_keyframe_interval(
                &mut encode,
                spec,
                inputs::input_rate(&first, &selection),
            );
            let options = FilesOptions {
                video: selection.video,
                window,
                decode: DecodeOptions::default(),
                accept_truncated: spec.accept_truncated,
                cancel: self.stop.gently.clone(),
            };
            (Box::new(Files::new(first, opened, options)?), selection)
        };
        let mut service = outputs::service(spec);
        // A file is not faster than its reader; only what comes in its own time can be late.
        service.lasting = spec.realtime || source.is_endless();
        let sink: Box<dyn SinkPlan> = if outputs::is_discarded(spec, &outputs) {
            Box::new(Discard)
        } else {
            Box::new(Encoded { encode, outputs, service, selection, audio: None })
        };
        Ok(Parts { source, sink, options: self.options(), fifo: None })
    }

    fn encode(
        &self,
        mut encode: EncodeOptions,
        outputs: Vec<crate::sink::Output>,
    ) -> Result<Parts, PipelineError> {
        let spec = self.spec;
        let made = if self.dry_run {
            source::planned_source(spec, self.pool, self.stop)?
        } else {
            source::encode_source(spec, self.pool, self.stop)?
        };
        let rate = made.source.first().and_then(|(input, video)| {
            let selection = Selection { video: Some(video), ..Selection::default() };
            inputs::input_rate(input, &selection)
        });
        encoder::set_keyframe_interval(&mut encode, spec, rate);
        let audio = source::encode_audio(spec, self.stop, self.dry_run)?;
        let (service, selection) = (outputs::service(spec), Selection::video_alone());
        let sink: Box<dyn SinkPlan> = if outputs::is_discarded(spec, &outputs) {
            Box::new(Discard)
        } else {
            Box::new(Encoded { encode, outputs, service, selection, audio })
        };
        let options = Options { raw: true, ..self.options() };
        Ok(Parts { source: made.source, sink, options, fifo: made.fifo })
    }

    fn split(&self) -> Result<Parts, PipelineError> {
        let spec = self.spec;
        let names = names::names(spec)?;
        let scene = images::scene(spec, self.engine, &self.stop.hard)?;
        if !self.dry_run {
            images::make_folder(&names.folder)?;
        }
        let namer = images::namer(&names, self.engine)?;
        let (source, open) = live::live_source(spec, &self.stop.gently)?;
        let input = live::open_live(spec, &source, &open)?;
        let item = live::item(&source, &input);
        let decode = DecodeOptions { threads: 0, keyframes: spec.keyframes, prompt: spec.live };
        let reading = live::reading(spec, source, open, decode);
        let (choice, window) = (images::choice(spec), inputs::window(spec));
        let live = Live::new(reading, input, choice, window, scene.as_ref(), self.pool)?;
        let sink = Images {
            format: names.format,
            write: images::write_options(spec),
            namer,
            bound: images::bound(spec),
            sync: spec.sync,
            item,
        };
        let (source, sink) = (Box::new(live), Box::new(sink));
        Ok(Parts { source, sink, options: self.options(), fifo: None })
    }
}

/// What a job did, and what goes beside its outputs.
pub struct Done {
    pub report: Report,
    /// the first thing that went wrong
    pub error: Option<PipelineError>,
    /// what the last image of `frame` shows, upright, where it is to be shown
    pub picture: Option<Frame>,
    tags: Option<TagFile>,
    receipt: Option<Receipt>,
    cancel: Cancel,
}

impl Job {
    /// Begins the files beside the output, so that nothing hinders them behind it.
    fn begin_reports(
        &mut self,
        spec: &JobSpec,
        surroundings: &Surroundings,
    ) -> Result<(), PipelineError> {
        if let Some(path) = &spec.tags {
            let tags = TagFile::create(path, spec.overwrite)?;
            self.prepared.observe(tags.observer());
            self.tags = Some(tags);
        }
        if let Some(path) = &spec.receipt {
            let outputs = spec.output.iter().chain(&spec.also);
            let named = outputs.map(|path| match spec.verb {
                Verb::Split => path.clone(),
                _ => outputs::local(path).unwrap_or_else(|| path.clone()),
            });
            let outputs = match &self.stills {
                Some(stills) => stills.files(),
                None => named.collect::<Vec<_>>(),
            };
            let inputs = spec.input.iter().chain(&spec.fifo).chain(&spec.image);
            let inputs = inputs.chain(&spec.audio).chain(&spec.audio_fifo);
            let inputs = inputs.filter(|path| path.as_os_str() != "silence").cloned().collect();
            let command = &surroundings.command;
            let receipt = Receipt::create(path, spec.overwrite, command, outputs)?;
            let plugins: Vec<_> =
                self.plugins.iter().map(|p| PluginRecord::supervised(p)).collect();
            let (plugins, encoder) = (json!(plugins), json!(self.plan().encoder));
            self.receipt = Some(receipt.with(inputs, plugins, encoder));
        }
        Ok(())
    }

    /// What is about to happen.
    pub fn plan(&self) -> Plan {
        self.prepared.plan()
    }

    /// What is about to happen, as far as the report says.
    pub fn report(&self) -> &Report {
        self.prepared.report()
    }

    /// The graph of plugins.
    pub fn chain(&self) -> &Chain {
        self.prepared.chain()
    }

    /// The plugins, in the order in which frames go through them.
    pub fn plugins(&self) -> &[Arc<Supervisor>] {
        &self.plugins
    }

    /// Has `observer` see every frame of the output, in order, on the thread that runs the job.
    pub fn observe(&mut self, observer: Observer) {
        self.prepared.observe(observer);
    }

    /// Nanoseconds that the wanted part of the source lasts, where that is known.
    pub fn duration(&self) -> Option<i64> {
        self.prepared.duration()
    }

    /// The outputs on the network, to be watched while the job runs.
    pub fn pushes(&self) -> Vec<Watched> {
        self.prepared.pushes()
    }

    /// Runs the job until the source ends or it is stopped, and ends the outputs.
    pub fn run(self, progress: &Progress) -> Done {
        let (mut report, mut error) = self.prepared.run(&self.pool, &self.stop, progress);
        if let (Some(stills), None) = (&self.stills, &error) {
            error = stills.run_others(&mut report, progress).err();
        }
        let picture = self.stills.and_then(|stills| stills.take_picture());
        Done { report, error, picture, tags: self.tags, receipt: self.receipt, cancel: self.cancel }
    }
}

impl Done {
    /// Publishes the files beside the output, now that it has its own name. `summary`: what the
    /// receipt says of the job.
    ///
    /// # Errors
    /// Publish; System where an input or output cannot be read again for its digest.
    pub fn publish(self, summary: &impl Serialize) -> Result<(), PipelineError> {
        if let Some(tags) = self.tags {
            tags.publish()?;
        }
        if let Some(receipt) = self.receipt {
            receipt.publish(summary, &self.cancel)?;
        }
        Ok(())
    }
}
