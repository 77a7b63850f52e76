//! A stream to pictures: one source, each picture of it a file of its own, named by a policy and
//! published whole.
//!
//! ```text
//! source thread: Pictures (reopened when lost) ► Select ► dealt out
//!   stages of plugins ► workers: encode ► main thread: name, publish, keep the folder's bound
//! ```
//!
//! Pictures are published in their order. Every queue is bounded: a recording waits for the
//! slowest part, a live source too, unless late pictures are to be dropped.

mod feed;
mod keep;
mod place;
mod record;
mod select;
mod start;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crossbeam_channel::RecvTimeoutError;

use crate::namer::Namer;
use crate::pipeline::flow::{Collect, Flow, Trouble};
use crate::pipeline::reopen::{Pictures, Reading as SourceReading};
use crate::pipeline::{
    Chain, Continuity, Meter, PipelineError, PluginSummary, Progress, Reading, Window,
    plugin_summaries,
};
use feed::Feed;
use filmgate_av::{DecodeOptions, Input, InputSource, OpenOptions};
use filmgate_core::cancel::Cancel;
use filmgate_core::frame::{Frame, PlanePool, StreamInfo};
use filmgate_picture::{FrameWriter, PictureFormat, WriteOptions, turned};
use filmgate_plugin::{Item, Supervisor};
pub use keep::Bound;
use place::{Place, Written};
use select::Select;
pub use select::{Choice, Rate};

/// What to do.
pub struct Options {
    pub source: InputSource,
    pub open: OpenOptions,
    /// where pictures go; it is there
    pub folder: PathBuf,
    pub format: PictureFormat,
    pub write: WriteOptions,
    /// which part of the source
    pub window: Window,
    /// which of its pictures
    pub choice: Choice,
    /// what finds scenes, where their first pictures alone are wanted
    pub scene: Option<Arc<Supervisor>>,
    pub plugins: Vec<Arc<Supervisor>>,
    /// threads for parallel plugins, and for encoding
    pub workers: usize,
    /// end when the source does, even a live one
    pub once: bool,
    /// drop pictures rather than fall behind
    pub live: bool,
    pub bound: Bound,
    /// wait for the disk with every picture
    pub sync: bool,
    /// what names are made from: the file, where the source is one
    pub item: Option<Item>,
}

/// What was done.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// pictures that were decoded
    pub decoded: u64,
    /// of those, that were asked for
    pub chosen: u64,
    /// of those, that were dropped because they came too late
    pub late: u64,
    /// pictures in the folder at one time or other
    pub published: u64,
    pub bytes: u64,
    /// pictures that went again to hold the bound
    pub removed: u64,
    /// of those, that went before their time because the disk was full
    pub removed_early: u64,
    /// the last one
    pub last: Option<PathBuf>,
    pub wall: Duration,
    pub input: Option<StreamInfo>,
    pub output: Option<StreamInfo>,
    pub conversions: Vec<String>,
    pub continuity: Continuity,
    /// whether the source is one that is opened again
    pub endless: bool,
    /// whether somebody stopped it
    pub interrupted: bool,
    pub decode: Reading,
    pub convert: Reading,
    pub encode: Reading,
    pub publish: Reading,
    pub plugins: Vec<PluginSummary>,
    pub workers: usize,
}

/// A job whose source is open and whose parts fit each other.
pub struct Prepared {
    options: Options,
    pictures: Pictures,
    chain: Chain,
    place: Place,
}

/// Checks everything that can be wrong before the first picture.
///
/// # Errors
/// Of the source, the plugins and their formats, and the folder.
pub fn prepare(options: Options, input: Input, namer: Namer) -> Result<Prepared, PipelineError> {
    let reading = SourceReading {
        source: options.source.clone(),
        options: options.open.clone(),
        decode: DecodeOptions {
            threads: 0,
            keyframes: options.choice.keyframes,
            prompt: options.live,
        },
        reopen: !options.once,
    };
    let pictures = Pictures::new(reading, input)?;
    let turned = pictures.rotation() != 0;
    let formats = options.format.film_formats(options.write.subsampling, turned);
    let chain = Chain::plan(pictures.info(), &options.plugins, formats)?;
    let place = Place::new(&options, namer)?;
    Ok(Prepared { options, pictures, chain, place })
}

/// One encoded picture.
struct Encoded {
    bytes: Vec<u8>,
    timestamp: i64,
}

impl Prepared {
    /// Whether it ends only when it is stopped.
    pub fn is_endless(&self) -> bool {
        self.pictures.is_endless() && self.options.window.duration.is_none()
    }

    /// What a picture has gone through when it is encoded, for people.
    pub fn conversions(&self) -> &[String] {
        &self.chain.notes
    }

    /// Runs until the source ends, enough pictures are there, or somebody stops it.
    ///
    /// # Errors
    /// The first thing that went wrong, and what was done up to then.
    pub fn run(
        self,
        pool: &PlanePool,
        cancel: &Cancel,
        progress: &Arc<Progress>,
    ) -> (Summary, Option<PipelineError>) {
        let start = Instant::now();
        let mut summary = Summary {
            input: Some(self.pictures.info().clone()),
            output: Some(self.chain.output.clone()),
            conversions: self.chain.notes.clone(),
            endless: self.pictures.is_endless(),
            workers: self.options.workers,
            ..Summary::default()
        };
        let error = self.work(pool, cancel, progress, &mut summary).err();
        summary.wall = start.elapsed();
        (summary, error)
    }

    fn work(
        mut self,
        pool: &PlanePool,
        cancel: &Cancel,
        progress: &Arc<Progress>,
        summary: &mut Summary,
    ) -> Result<(), PipelineError> {
        let trouble = Trouble::new(cancel);
        let workers = self.options.workers.max(1);
        let stages = &self.chain.stages;
        let (mut flow, deal, collect) =
            Flow::start_towards(stages, workers, workers, pool, &trouble)?;
        let encode = Arc::<Meter>::default();
        let make = encoder(&self.options, &self.chain.output, self.pictures.rotation(), pool);
        let encoded = flow.finish(collect, &trouble, || make(&encode))?;
        let decode = Arc::<Meter>::default();
        let scene = self.options.scene.as_ref();
        let select =
            Select::new(self.options.choice, self.options.window, scene, &self.pictures, pool)?;
        let feed = Feed {
            pictures: self.pictures,
            select,
            deal,
            live: self.options.live,
            meter: Arc::clone(&decode),
        };
        let place = &mut self.place;
        let fed = pump(feed, &trouble, || publish_all(encoded, place, progress, summary, cancel));
        flow.join(&trouble);
        let error = trouble.take();
        summary.interrupted = error.is_none() && cancel.is_cancelled();
        fed.tell(summary);
        (summary.removed, summary.removed_early) = self.place.removed();
        summary.decode = decode.reading();
        summary.convert = self.chain.convert_meter.reading();
        summary.encode = encode.reading();
        summary.publish = self.place.meter.reading();
        summary.plugins = plugin_summaries(&self.options.plugins, &self.chain.filter_meters);
        self.place.finish();
        error.map_or(Ok(()), Err)
    }
}

type Encode = Box<dyn FnMut(Frame) -> Result<Encoded, PipelineError> + Send>;

/// Makes the encoder of a worker.
fn encoder(
    options: &Options,
    output: &StreamInfo,
    rotation: i32,
    pool: &PlanePool,
) -> impl Fn(&Arc<Meter>) -> Result<Encode, PipelineError> + use<> {
    let (format, write, color) = (options.format, options.write, output.color.clone());
    let pool = pool.clone();
    move |meter| {
        let failed = |e: String| PipelineError::System(format!("a picture cannot be written: {e}"));
        let mut writer =
            FrameWriter::new(format, write, &color, &pool).map_err(|e| failed(e.to_string()))?;
        let (meter, pool) = (Arc::clone(meter), pool.clone());
        Ok(Box::new(move |frame: Frame| {
            let timestamp = frame.timestamp;
            let bytes = meter.time(1, || {
                let frame = turned(frame, rotation, &pool).map_err(failed)?;
                writer.write(&frame).map_err(|e| failed(e.to_string()))
            })?;
            Ok(Encoded { bytes, timestamp })
        }))
    }
}

/// Feeds on a thread of its own, and publishes on this one.
fn pump(
    feed: Feed,
    trouble: &Trouble,
    publish: impl FnOnce() -> Result<(), PipelineError>,
) -> feed::Fed {
    thread::scope(|scope| {
        let source = thread::Builder::new()
            .name("source".to_owned())
            .spawn_scoped(scope, || feed.run(trouble));
        if let Err(e) = publish() {
            trouble.report(e);
        }
        let lost = |what: String| {
            trouble.report(PipelineError::System(what));
            feed::Fed::default()
        };
        match source.map(thread::ScopedJoinHandle::join) {
            Ok(Ok(fed)) => fed,
            Ok(Err(_)) => lost("the thread of the source panicked".to_owned()),
            Err(e) => lost(format!("the thread of the source could not be started: {e}")),
        }
    })
}

/// How often who waits for pictures looks about.
const STEP: Duration = Duration::from_millis(50);

fn publish_all(
    mut pictures: Collect<Vec<Encoded>>,
    place: &mut Place,
    progress: &Progress,
    summary: &mut Summary,
    cancel: &Cancel,
) -> Result<(), PipelineError> {
    while !cancel.is_cancelled() {
        let made = match pictures.current().recv_timeout(STEP) {
            Ok(made) => made,
            Err(RecvTimeoutError::Timeout) => {
                place.hold_bound(SystemTime::now());
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => break,
        };
        pictures.advance();
        for picture in made {
            let Written { path, bytes } = place.publish(&picture.bytes, picture.timestamp)?;
            progress.note(picture.timestamp);
            summary.published += 1;
            summary.bytes += bytes;
            summary.last = Some(path);
        }
    }
    Ok(())
}
