//! A chain on one thread: for whoever cannot use threads between pictures, or has better use for
//! them.

use super::chain::{Chain, Worker};
use crate::error::PipelineError;
use filmgate_core::frame::{Frame, PlanePool};

/// All stages of a chain, one behind the other, on this thread.
pub struct SerialGraph(Vec<Worker>);

impl SerialGraph {
    /// Makes an instance of everything in the chain.
    ///
    /// # Errors
    /// What a plugin says to its configuration.
    pub fn start(chain: &Chain, pool: &PlanePool) -> Result<SerialGraph, PipelineError> {
        let workers = chain.stages.iter().map(|stage| Worker::start(stage, pool));
        Ok(SerialGraph(workers.collect::<Result<_, _>>()?))
    }

    /// Takes a picture in, and gives what comes out by now.
    ///
    /// # Errors
    /// What a plugin does wrong, or a conversion.
    pub fn feed(&mut self, frame: Frame) -> Result<Vec<Frame>, PipelineError> {
        self.feed_from(0, vec![frame])
    }

    fn feed_from(
        &mut self,
        first: usize,
        mut frames: Vec<Frame>,
    ) -> Result<Vec<Frame>, PipelineError> {
        for worker in &mut self.0[first..] {
            frames = worker.process(frames)?;
        }
        Ok(frames)
    }

    /// What the stages still hold, each through those behind it.
    ///
    /// # Errors
    /// As [`SerialGraph::feed`].
    pub fn flush(&mut self) -> Result<Vec<Frame>, PipelineError> {
        let mut out = Vec::new();
        for number in 0..self.0.len() {
            let kept = self.0[number].flush()?;
            out.extend(self.feed_from(number + 1, kept)?);
        }
        Ok(out)
    }
}
