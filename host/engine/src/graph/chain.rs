//! A chain of plugins, set up: formats negotiated, conversions put in between, and grouped into
//! stages whose pictures may, or may not, be shared out between workers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::negotiate::negotiate;
use super::stats::Meter;
use crate::error::PipelineError;
use filmgate_av::Converter;
use filmgate_core::frame::{Frame, PixelFormat, PlanePool, StreamInfo};
use filmgate_plugin::{
    FilterTraits, OnFailure, Plugin, PluginError, Reach, Supervised, Supervisor,
};

/// One link of a chain, as planned.
#[derive(Clone)]
pub enum Link {
    Convert { from: StreamInfo, to: StreamInfo, meter: Arc<Meter>, lost_alpha: Arc<AtomicBool> },
    Filter { supervisor: Arc<Supervisor>, input: StreamInfo, meter: Arc<Meter> },
}

/// Links that one thread runs, one behind the other.
#[derive(Clone, Default)]
pub struct Stage {
    pub links: Vec<Link>,
    /// whether several threads may, each with instances of its own
    pub parallel: bool,
    /// how far its only plugin looks, where the stream may be cut up between several threads
    pub reach: Option<Reach>,
}

impl Stage {
    /// The same, on one thread unless it is parallel: what comes in leaves as soon as it can.
    pub(crate) fn in_order(&self) -> Stage {
        Stage { reach: None, ..self.clone() }
    }
}

/// A chain, planned. Instances made on the way are only asked for what they give, and dropped.
pub struct Chain {
    pub stages: Vec<Stage>,
    /// what comes out at the end
    pub output: StreamInfo,
    /// time spent on conversions of pixel formats
    pub convert_meter: Arc<Meter>,
    /// one for each plugin, in the order given
    pub filter_meters: Vec<Arc<Meter>>,
    /// what was converted and why, for people
    pub notes: Vec<String>,
    lost_alpha: Arc<AtomicBool>,
}

impl Chain {
    /// Plans the way from `source` through the plugins to an encoder that takes `encoder`.
    /// Every plugin is started and configured once, so that nothing can be wrong with any of
    /// them when the job begins.
    ///
    /// # Errors
    /// `NoCommonFormat`, and whatever a plugin says to its configuration.
    pub fn plan(
        source: &StreamInfo,
        plugins: &[Arc<Supervisor>],
        encoder: &[PixelFormat],
    ) -> Result<Chain, PipelineError> {
        let mut builder = Builder::default();
        let mut current = source.clone();
        for (number, supervisor) in plugins.iter().enumerate() {
            let taken = fitting(encoder, &current);
            let ahead = formats_ahead(&plugins[number..], &taken)?;
            let formats = negotiate(current.format, &ahead)
                .map_err(|stage| nothing_in_common(&plugins[number + stage..], encoder))?;
            let wanted = formats.first().copied().unwrap_or(current.format);
            current = builder.convert(&current, wanted, supervisor.plugin().name());
            current = builder.filter(supervisor, &current)?;
        }
        let taken = fitting(encoder, &current);
        let formats =
            negotiate(current.format, &[&taken]).map_err(|_| nothing_in_common(&[], encoder))?;
        let wanted = formats.first().copied().unwrap_or(current.format);
        let output = builder.convert(&current, wanted, "the encoder");
        Ok(Chain {
            stages: builder.stages,
            output,
            convert_meter: builder.convert_meter,
            filter_meters: builder.filter_meters,
            notes: builder.notes,
            lost_alpha: builder.lost_alpha,
        })
    }
}

impl Chain {
    /// Whether a conversion has taken the transparency of a frame away up to now.
    pub fn lost_alpha(&self) -> bool {
        self.lost_alpha.load(Ordering::Relaxed)
    }

    /// Which of its plugins is the reason that no frame came out: the last one that was given any.
    /// None where no frame came to the plugins, and where there are none.
    pub fn nothing_left(&self, plugins: &[Arc<Supervisor>]) -> Option<PluginError> {
        let mut all = plugins.iter().zip(&self.filter_meters);
        let (last, meter) = all.rfind(|(_, meter)| meter.reading().frames > 0)?;
        Some(PluginError::NothingLeft {
            plugin: last.plugin().name().to_owned(),
            given: meter.reading().frames,
            held: last.held_at_end(),
        })
    }
}

/// Of the formats that an encoder takes, those whose chroma divides the picture evenly, where
/// there are any: x264 and x265 refuse 4:2:0 pictures of odd size, and a row or column cut off
/// would be lost.
fn fitting(encoder: &[PixelFormat], info: &StreamInfo) -> Vec<PixelFormat> {
    let whole = |format: &&PixelFormat| {
        let (across, down) = format.chroma_shift();
        info.width.is_multiple_of(1 << across) && info.height.is_multiple_of(1 << down)
    };
    if encoder.iter().any(|f| whole(&f)) {
        encoder.iter().filter(whole).copied().collect()
    } else {
        encoder.to_vec()
    }
}

fn traits(plugin: &Plugin) -> Result<&FilterTraits, PipelineError> {
    plugin.filter.as_ref().ok_or_else(|| {
        PipelineError::Plugin(PluginError::WrongKind {
            plugin: plugin.name().to_owned(),
            found: plugin.kind.noun(),
            wanted: filmgate_plugin::Kind::Filter.noun(),
        })
    })
}

fn formats_ahead<'a>(
    plugins: &'a [Arc<Supervisor>],
    encoder: &'a [PixelFormat],
) -> Result<Vec<&'a [PixelFormat]>, PipelineError> {
    let mut ahead = Vec::with_capacity(plugins.len() + 1);
    for supervisor in plugins {
        ahead.push(traits(supervisor.plugin())?.formats.as_slice());
    }
    ahead.push(encoder);
    Ok(ahead)
}

fn nothing_in_common(stage: &[Arc<Supervisor>], encoder: &[PixelFormat]) -> PipelineError {
    let known = PixelFormat::ALL.map(PixelFormat::name).join(" ");
    PipelineError::NoCommonFormat(match stage.first() {
        Some(supervisor) => {
            let plugin = supervisor.plugin();
            let takes = plugin.filter.as_ref().map(|f| f.unknown.join(" ")).unwrap_or_default();
            format!(
                "plugin `{}` has no pixel format in common with this filmgate: it takes {takes}; known here are {known}",
                plugin.name()
            )
        }
        None => format!(
            "the encoder has no pixel format in common with this filmgate: it takes {encoder:?}; known here are {known}"
        ),
    })
}

#[derive(Default)]
struct Builder {
    stages: Vec<Stage>,
    /// conversions that go into the stage of the plugin behind them
    waiting: Vec<Link>,
    convert_meter: Arc<Meter>,
    filter_meters: Vec<Arc<Meter>>,
    notes: Vec<String>,
    lost_alpha: Arc<AtomicBool>,
}

impl Builder {
    fn convert(&mut self, from: &StreamInfo, wanted: PixelFormat, whom: &str) -> StreamInfo {
        let to = StreamInfo { format: wanted, ..from.clone() };
        if from.format == wanted {
            return to;
        }
        self.notes.push(format!("{} to {wanted} for {whom}", from.format));
        let link = Link::Convert {
            from: from.clone(),
            to: to.clone(),
            meter: Arc::clone(&self.convert_meter),
            lost_alpha: Arc::clone(&self.lost_alpha),
        };
        match whom {
            "the encoder" => self.push(link, true),
            _ => self.waiting.push(link),
        }
        to
    }

    fn filter(
        &mut self,
        supervisor: &Arc<Supervisor>,
        input: &StreamInfo,
    ) -> Result<StreamInfo, PipelineError> {
        let output = supervisor.start(input)?.output().clone();
        let meter = Arc::<Meter>::default();
        self.filter_meters.push(Arc::clone(&meter));
        let FilterTraits { parallel, reach, .. } = *traits(supervisor.plugin())?;
        // Where a plugin may be passed by, each frame must come to one instance only.
        let reach = reach.filter(|_| supervisor.on_failure() == OnFailure::Fail);
        for link in std::mem::take(&mut self.waiting) {
            self.push(link, parallel || reach.is_some());
        }
        let (supervisor, input) = (Arc::clone(supervisor), input.clone());
        let link = Link::Filter { supervisor, input, meter };
        match reach {
            Some(_) => self.stages.push(Stage { links: vec![link], parallel, reach }),
            None => self.push(link, parallel),
        }
        Ok(output)
    }

    /// Into the last stage, when that runs the same way; a serial plugin always has a thread of
    /// its own, so that several of them work at the same time.
    fn push(&mut self, link: Link, parallel: bool) {
        let full = |stage: &Stage| {
            !stage.parallel && stage.links.iter().any(|l| matches!(l, Link::Filter { .. }))
        };
        match self.stages.last_mut() {
            Some(stage) if stage.parallel == parallel && !full(stage) => stage.links.push(link),
            _ => self.stages.push(Stage { links: vec![link], parallel, reach: None }),
        }
    }
}

/// The links of a stage with instances behind them, for one thread.
pub struct Worker {
    links: Vec<Live>,
    pool: PlanePool,
}

enum Live {
    Convert { converter: Box<Converter>, meter: Arc<Meter>, lost_alpha: Arc<AtomicBool> },
    Filter { filter: Box<Supervised>, meter: Arc<Meter> },
}

impl Worker {
    /// Makes an instance of everything in the stage.
    pub fn start(stage: &Stage, pool: &PlanePool) -> Result<Worker, PipelineError> {
        let mut links = Vec::with_capacity(stage.links.len());
        for link in &stage.links {
            links.push(match link {
                Link::Convert { from, to, meter, lost_alpha } => Live::Convert {
                    converter: Box::new(Converter::new(from, to.format, to.width, to.height)?),
                    meter: Arc::clone(meter),
                    lost_alpha: Arc::clone(lost_alpha),
                },
                Link::Filter { supervisor, input, meter } => Live::Filter {
                    filter: Box::new(supervisor.start(input)?),
                    meter: Arc::clone(meter),
                },
            });
        }
        Ok(Worker { links, pool: pool.clone() })
    }

    /// Takes pictures through all links.
    pub fn process(&mut self, frames: Vec<Frame>) -> Result<Vec<Frame>, PipelineError> {
        self.process_from(0, frames)
    }

    /// The end of the stream: what the links kept, each flushed through those behind it.
    pub fn flush(&mut self) -> Result<Vec<Frame>, PipelineError> {
        let mut out = Vec::new();
        for number in 0..self.links.len() {
            if let Live::Filter { filter, meter } = &mut self.links[number] {
                let kept = meter.time(0, || filter.flush())?;
                out.extend(self.process_from(number + 1, kept)?);
            }
        }
        Ok(out)
    }

    /// Whether a conversion has taken the transparency of a picture away since it was asked for the
    /// last time.
    pub(super) fn take_lost_alpha(&mut self) -> bool {
        let lost = self.links.iter_mut().map(|link| match link {
            Live::Convert { converter, .. } => converter.take_lost_alpha(),
            Live::Filter { .. } => false,
        });
        // All are asked.
        lost.fold(false, |all, one| all | one)
    }

    /// Whether a plugin holds frames that it was given, and may still give back.
    pub fn holds_frames(&mut self) -> bool {
        self.links.iter_mut().any(|link| match link {
            Live::Filter { filter, .. } => filter.holds_frames(),
            Live::Convert { .. } => false,
        })
    }

    fn process_from(
        &mut self,
        first: usize,
        mut frames: Vec<Frame>,
    ) -> Result<Vec<Frame>, PipelineError> {
        for link in &mut self.links[first..] {
            let mut next = Vec::with_capacity(frames.len());
            for frame in frames {
                match link {
                    Live::Convert { converter, meter, lost_alpha } => {
                        next.push(meter.time(1, || converter.convert(&frame, &self.pool))?);
                        if converter.lost_alpha() {
                            lost_alpha.store(true, Ordering::Relaxed);
                        }
                    }
                    Live::Filter { filter, meter } => {
                        next.extend(meter.time(1, || filter.process(frame))?);
                    }
                }
            }
            frames = next;
        }
        Ok(frames)
    }
}
