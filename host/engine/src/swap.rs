//! Plugins exchanged while a job runs: the old ones end before a frame, the new ones begin with it,
//! and source and encoder go on. The same frame is the first for any number of workers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::PipelineError;
use crate::graph::{Chain, Meter};
use crate::spec::SpecError;
use filmgate_core::frame::{PixelFormat, StreamInfo};
use filmgate_plugin::Supervisor;

/// How long a job may take to come to the next frame.
const PATIENCE: Duration = Duration::from_secs(10);

/// Plugins that are to take over.
pub(crate) struct Next {
    pub(crate) plugins: Vec<Arc<Supervisor>>,
    pub(crate) chain: Chain,
}

/// What a job's plugins are, and how they are exchanged.
#[derive(Default)]
pub struct Swap {
    state: Mutex<State>,
    pending: AtomicBool,
    taken: Condvar,
}

#[derive(Default)]
struct State {
    input: Option<StreamInfo>,
    output: Option<StreamInfo>,
    formats: Vec<PixelFormat>,
    next: Option<Next>,
    running: Vec<(Arc<Supervisor>, Arc<Meter>)>,
    over: bool,
}

impl Swap {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn begin(
        &self,
        input: StreamInfo,
        formats: Vec<PixelFormat>,
        chain: &Chain,
        plugins: &[Arc<Supervisor>],
    ) {
        let mut state = self.state();
        state.input = Some(input);
        state.output = Some(chain.output.clone());
        state.formats = formats;
        state.running = running(plugins, chain);
    }

    /// The plugins that run, in the order in which frames go through them, each with the time that
    /// it takes.
    pub fn running(&self) -> Vec<(Arc<Supervisor>, Arc<Meter>)> {
        self.state().running.clone()
    }

    /// Puts other plugins in the place of all that run, and waits until they have taken over.
    ///
    /// # Errors
    /// What can be wrong with a chain before its first frame; the running one notices nothing then.
    /// Usage where the frames would be of another size or pixel format, which the encoder cannot
    /// change to, and where the job has ended.
    pub fn replace(&self, plugins: Vec<Arc<Supervisor>>) -> Result<(), PipelineError> {
        let (input, output, formats) = {
            let state = self.state();
            let (Some(input), Some(output)) = (state.input.clone(), state.output.clone()) else {
                return Err(SpecError::usage("the job has not begun").into());
            };
            (input, output, state.formats.clone())
        };
        let chain = Chain::plan(&input, &plugins, &formats)?;
        let found = &chain.output;
        if (found.format, found.width, found.height) != (output.format, output.width, output.height)
        {
            return Err(SpecError::usage(format!(
                "these plugins make {} {}x{} frames, and viewers are being sent {} {}x{}; put a \
                 plugin at the end that keeps the size, such as scale, or change the stream's \
                 configuration and begin anew",
                found.format, found.width, found.height, output.format, output.width, output.height
            ))
            .into());
        }
        let mut state = self.state();
        state.next = Some(Next { plugins, chain });
        self.pending.store(true, Ordering::Release);
        let wait = |state: &mut State| state.next.is_some() && !state.over;
        let waited = self.taken.wait_timeout_while(state, PATIENCE, wait);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if state.next.take().is_some() {
            self.pending.store(false, Ordering::Release);
            return Err(SpecError::usage("no frame has come since; try again").into());
        }
        Ok(())
    }

    /// Whether other plugins are waiting.
    pub(crate) fn is_pending(&self) -> bool {
        self.pending.load(Ordering::Acquire)
    }

    /// The plugins that are to go on, now that the old ones have ended.
    pub(crate) fn take(&self) -> Option<Next> {
        let mut state = self.state();
        self.pending.store(false, Ordering::Release);
        let next = state.next.take()?;
        state.running = running(&next.plugins, &next.chain);
        self.taken.notify_all();
        Some(next)
    }

    /// The job has ended: nobody waits any longer.
    pub fn end(&self) {
        self.state().over = true;
        self.taken.notify_all();
    }
}

fn running(plugins: &[Arc<Supervisor>], chain: &Chain) -> Vec<(Arc<Supervisor>, Arc<Meter>)> {
    let meters = chain.filter_meters.iter().map(Arc::clone);
    plugins.iter().map(Arc::clone).zip(meters).collect()
}
