//! Looking at the pictures of a job as they reach the encoder, in output order, without changing
//! them: for what goes into files beside the output.

use super::error::PipelineError;
use super::job::Prepared;
use filmgate_core::frame::Frame;

/// Called with every picture of the output, on the thread that runs the job. Its error ends the
/// job.
pub type Observer = Box<dyn FnMut(&Frame) -> Result<(), PipelineError> + Send>;

impl Prepared {
    /// Has `observer` see every picture of the output.
    pub fn observe(&mut self, observer: Observer) {
        self.observer = Some(observer);
    }
}
