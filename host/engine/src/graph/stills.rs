//! Still pictures through plugins: each picture is a stream of its own, with one frame in it.

use std::sync::Arc;

use super::chain::{Chain, Worker};
use crate::error::PipelineError;
use filmgate_core::frame::{Color, Frame, PixelFormat, PlanePool, Rational, StreamInfo};
use filmgate_plugin::Supervisor;

/// Chains that are kept for pictures of the same kind to come.
const KEPT: usize = 4;

/// A chain of plugins for still pictures, for one thread. Instances of parallel plugins, which
/// remember nothing, serve one picture after the other; of serial ones each picture gets its own.
/// Supervision is each picture's own: a plugin that broke begins the next one with a clean record.
pub struct StillChain {
    /// not shared with other chains
    plugins: Vec<Arc<Supervisor>>,
    pool: PlanePool,
    /// the one used last at the end
    kept: Vec<Set>,
    lost_alpha: bool,
}

struct Set {
    input: StreamInfo,
    output: &'static [PixelFormat],
    workers: Vec<Worker>,
    /// whether it may serve another picture
    again: bool,
}

impl StillChain {
    pub fn new(plugins: &[Arc<Supervisor>], pool: &PlanePool) -> StillChain {
        let plugins = plugins.iter().map(|p| p.for_one_picture()).collect();
        StillChain { plugins, pool: pool.clone(), kept: Vec::new(), lost_alpha: false }
    }

    /// The plugins, with what became of the picture that was processed last.
    pub fn plugins(&self) -> &[Arc<Supervisor>] {
        &self.plugins
    }

    /// Whether the picture that was processed last was transparent somewhere, and what came of it is
    /// not.
    pub fn lost_alpha(&self) -> bool {
        self.lost_alpha
    }

    /// Takes one picture through all plugins; what comes out has one of the formats `wanted`.
    ///
    /// # Errors
    /// What a plugin says or does, and `NoCommonFormat`. The instances are not used again then.
    pub fn process(
        &mut self,
        frame: Frame,
        wanted: &'static [PixelFormat],
    ) -> Result<Vec<Frame>, PipelineError> {
        let input = info(&frame);
        self.lost_alpha = false;
        if self.plugins.iter().any(|p| p.is_incomplete()) {
            *self = StillChain::new(&self.plugins, &self.pool);
        }
        if self.plugins.is_empty() && wanted.contains(&frame.format) {
            return Ok(vec![frame]);
        }
        let place = self.kept.iter().position(|s| s.input == input && s.output == wanted);
        let mut set = match place {
            Some(place) => self.kept.remove(place),
            None => self.start(input, wanted)?,
        };
        let mut frames = vec![frame];
        for worker in &mut set.workers {
            frames = worker.process(frames)?;
            self.lost_alpha |= worker.take_lost_alpha();
            if !set.again {
                frames.extend(worker.flush()?);
            }
        }
        // What an instance still holds is this picture, and must not come out as another one.
        if set.again && !set.workers.iter_mut().any(Worker::holds_frames) {
            if self.kept.len() == KEPT {
                self.kept.remove(0);
            }
            self.kept.push(set);
        }
        Ok(frames)
    }

    fn start(
        &self,
        input: StreamInfo,
        output: &'static [PixelFormat],
    ) -> Result<Set, PipelineError> {
        let chain = Chain::plan(&input, &self.plugins, output)?;
        let start = |stage| Worker::start(stage, &self.pool);
        let workers = chain.stages.iter().map(start).collect::<Result<_, _>>()?;
        let again = chain.stages.iter().all(|stage| stage.parallel);
        Ok(Set { input, output, workers, again })
    }
}

fn info(frame: &Frame) -> StreamInfo {
    StreamInfo {
        format: frame.format,
        width: frame.width,
        height: frame.height,
        frame_rate: None,
        sample_aspect: Rational { num: 1, den: 1 },
        color: Color::default(),
    }
}
