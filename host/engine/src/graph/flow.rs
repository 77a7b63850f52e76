//! Threads and bounded queues between a source and a sink.
//!
//! Pictures are dealt out to the workers of a stage in turn, and collected from them in the same
//! turn. So order is kept without sorting, nothing runs ahead further than the queues are long,
//! and which worker gets which picture is the same in every run.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use super::chain::{Stage, Worker};
use super::pieces::{Cuts, PieceWorker, Share, Task};
use crate::error::PipelineError;
use filmgate_core::cancel::Cancel;
use filmgate_core::frame::{Frame, PlanePool};

/// Messages that may wait in one queue.
const QUEUE: usize = 2;

/// Native stack of a worker. Plugins use at most half a MiB of it; libav some more.
const STACK: usize = 4 << 20;

/// Deals messages out to several receivers in turn.
pub(crate) struct Deal {
    senders: Vec<Sender<Vec<Frame>>>,
    next: usize,
}

/// What became of a message that was only offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offered {
    Taken,
    /// whose turn it is has enough to do; the message is dropped, and the turn stays
    Full,
    /// nobody is there any more
    Gone,
}

impl Deal {
    /// False when nobody is there any more.
    pub(crate) fn send(&mut self, frames: Vec<Frame>) -> bool {
        let sent = self.senders[self.next].send(frames).is_ok();
        self.next = (self.next + 1) % self.senders.len();
        sent
    }

    /// Sends if that needs no waiting.
    pub(crate) fn offer(&mut self, frames: Vec<Frame>) -> Offered {
        match self.senders[self.next].try_send(frames) {
            Ok(()) => {
                self.next = (self.next + 1) % self.senders.len();
                Offered::Taken
            }
            Err(TrySendError::Full(_)) => Offered::Full,
            Err(TrySendError::Disconnected(_)) => Offered::Gone,
        }
    }
}

/// Collects messages from several senders in the turn in which they were dealt out.
pub(crate) struct Collect<T = Vec<Frame>> {
    receivers: Vec<Receiver<T>>,
    next: usize,
}

impl<T> Collect<T> {
    /// None at the end.
    pub(crate) fn receive(&mut self) -> Option<T> {
        let message = self.current().recv().ok()?;
        self.advance();
        Some(message)
    }

    /// The queue that the next message comes from.
    pub(crate) fn current(&self) -> &Receiver<T> {
        &self.receivers[self.next]
    }

    /// A message was taken from [`Collect::current`].
    pub(crate) fn advance(&mut self) {
        self.next = (self.next + 1) % self.receivers.len();
    }
}

fn queues(count: usize) -> (Deal, Collect) {
    let (senders, receivers) = (0..count).map(|_| bounded(QUEUE)).unzip();
    (Deal { senders, next: 0 }, Collect { receivers, next: 0 })
}

/// The first error of a job; it stops everything else.
#[derive(Clone)]
pub(crate) struct Trouble {
    first: Arc<Mutex<Option<PipelineError>>>,
    stop: Cancel,
}

impl Trouble {
    pub(crate) fn new(stop: &Cancel) -> Trouble {
        Trouble { first: Arc::default(), stop: stop.clone() }
    }

    /// Keeps the error if it is the first, and stops the job.
    pub(crate) fn report(&self, error: PipelineError) {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        // What was cancelled because of another error says nothing.
        if first.is_none() && !self.stop.is_cancelled() {
            *first = Some(error);
        }
        self.stop.cancel();
    }

    pub(crate) fn take(&self) -> Option<PipelineError> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The running threads of all stages.
pub(crate) struct Flow {
    threads: Vec<JoinHandle<()>>,
}

impl Flow {
    /// Starts the stages, each parallel one with `workers` threads. What is sent to the `Deal` comes
    /// out of the `Collect`, changed, in order. `ends`: how many threads [`Flow::finish`] is to put
    /// behind them; 1 where it is not called.
    pub(crate) fn start(
        stages: &[Stage],
        workers: usize,
        ends: usize,
        pool: &PlanePool,
        trouble: &Trouble,
    ) -> Result<(Flow, Deal, Collect), PipelineError> {
        let count = |stage: &Stage| if stage.parallel { workers.max(1) } else { 1 };
        let mut flow = Flow { threads: Vec::new() };
        let (source, mut before) = queues(stages.first().map_or(ends, count));
        for (number, stage) in stages.iter().enumerate() {
            let next = stages.get(number + 1).map_or(ends, count);
            let pieces = match workers {
                2.. => PieceWorker::start(stage, workers)?,
                _ => None,
            };
            before = match pieces {
                Some((cuts, pieces)) => flow.start_pieces(cuts, pieces, before, trouble, next)?,
                None if stage.parallel => flow.start_parallel(stage, before, pool, trouble)?,
                None => flow.start_serial(stage, before, pool, trouble, next)?,
            };
        }
        Ok((flow, source, before))
    }

    /// Puts one thread behind each queue of `before`, which makes something else of the pictures.
    /// `make` is called once for each thread.
    pub(crate) fn finish<T, W>(
        &mut self,
        before: Collect,
        trouble: &Trouble,
        mut make: impl FnMut() -> Result<W, PipelineError>,
    ) -> Result<Collect<Vec<T>>, PipelineError>
    where
        T: Send + 'static,
        W: FnMut(Frame) -> Result<T, PipelineError> + Send + 'static,
    {
        let mut receivers = Vec::with_capacity(before.receivers.len());
        for input in before.receivers {
            let (sender, receiver) = bounded(QUEUE);
            receivers.push(receiver);
            let (mut work, trouble) = (make()?, trouble.clone());
            self.spawn("end worker", move || {
                for frames in &input {
                    if trouble.stop.is_cancelled() {
                        return;
                    }
                    let taken = match frames.into_iter().map(&mut work).collect() {
                        Ok(made) => sender.send(made).is_ok(),
                        Err(e) => return trouble.report(e),
                    };
                    if !taken {
                        return;
                    }
                }
            })?;
        }
        Ok(Collect { receivers, next: 0 })
    }

    /// Waits for all threads, after both ends have been dropped or the job was stopped.
    pub(crate) fn join(self, trouble: &Trouble) {
        for thread in self.threads {
            if thread.join().is_err() {
                trouble.report(PipelineError::System("a worker thread panicked".to_owned()));
            }
        }
    }

    /// One thread a worker, each with queues of its own: a message in, a message out. The
    /// messages come out in turn, so that a stage behind can collect them; a parallel stage is
    /// only ever followed by a serial one or the sink, which collect.
    fn start_parallel(
        &mut self,
        stage: &Stage,
        before: Collect,
        pool: &PlanePool,
        trouble: &Trouble,
    ) -> Result<Collect, PipelineError> {
        let mut receivers = Vec::with_capacity(before.receivers.len());
        for input in before.receivers {
            let (sender, receiver) = bounded(QUEUE);
            receivers.push(receiver);
            let mut worker = Worker::start(stage, pool)?;
            let trouble = trouble.clone();
            self.spawn("worker", move || {
                for frames in &input {
                    if trouble.stop.is_cancelled() {
                        return;
                    }
                    let taken = match worker.process(frames) {
                        Ok(frames) => sender.send(frames).is_ok(),
                        Err(e) => return trouble.report(e),
                    };
                    if !taken {
                        return;
                    }
                }
                // Nothing comes of it: what parallel plugins kept is only counted.
                if !trouble.stop.is_cancelled()
                    && let Err(e) = worker.flush()
                {
                    trouble.report(e);
                }
            })?;
        }
        Ok(Collect { receivers, next: 0 })
    }

    /// One thread that sees every picture in order, and flushes at the end.
    fn start_serial(
        &mut self,
        stage: &Stage,
        mut before: Collect,
        pool: &PlanePool,
        trouble: &Trouble,
        next: usize,
    ) -> Result<Collect, PipelineError> {
        let (mut after, collect) = queues(next);
        let mut worker = Worker::start(stage, pool)?;
        let trouble = trouble.clone();
        self.spawn("serial worker", move || {
            loop {
                let message = before.receive();
                if trouble.stop.is_cancelled() {
                    return;
                }
                let last = message.is_none();
                let result = match message {
                    Some(frames) => worker.process(frames),
                    None => worker.flush(),
                };
                let taken = match result {
                    Ok(frames) => send_each(&mut after, frames),
                    Err(e) => return trouble.report(e),
                };
                if last || !taken {
                    return;
                }
            }
        })?;
        Ok(collect)
    }

    /// A thread that deals out the pieces of the stream in turn, one a worker, and one that puts
    /// them together again. The queues hold a piece each, so that all workers have one.
    fn start_pieces(
        &mut self,
        cuts: Cuts,
        workers: Vec<PieceWorker>,
        mut before: Collect,
        trouble: &Trouble,
        next: usize,
    ) -> Result<Collect, PipelineError> {
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        for worker in workers {
            let (sender, tasks) = bounded(cuts.frames());
            inputs.push(sender);
            let (sender, shares) = bounded(cuts.frames());
            outputs.push(shares);
            let trouble = trouble.clone();
            self.spawn("piece worker", move || work_on_pieces(worker, &tasks, &sender, &trouble))?;
        }
        self.spawn("pieces", move || {
            let mut turn = 0;
            while let Some(frames) = before.receive() {
                for frame in frames {
                    for piece in cuts.pieces(turn) {
                        let input = &inputs[(piece % inputs.len() as u64) as usize];
                        if input.send(Task { piece, turn, frame: frame.clone() }).is_err() {
                            return;
                        }
                    }
                    turn += 1;
                }
            }
        })?;
        let (mut after, collect) = queues(next);
        self.spawn("pieces together", move || {
            let mut piece = 0;
            while let Ok(Share { frames, whole }) = outputs[piece].recv() {
                if !send_each(&mut after, frames) {
                    return;
                }
                if whole {
                    piece = (piece + 1) % outputs.len();
                }
            }
        })?;
        Ok(collect)
    }

    fn spawn(
        &mut self,
        name: &str,
        work: impl FnOnce() + Send + 'static,
    ) -> Result<(), PipelineError> {
        let builder = thread::Builder::new().name(name.to_owned()).stack_size(STACK);
        let thread = builder
            .spawn(work)
            .map_err(|e| PipelineError::System(format!("a thread could not be started: {e}")))?;
        self.threads.push(thread);
        Ok(())
    }
}

fn work_on_pieces(
    mut worker: PieceWorker,
    tasks: &Receiver<Task>,
    shares: &Sender<Share>,
    trouble: &Trouble,
) {
    for task in tasks {
        if trouble.stop.is_cancelled() {
            return;
        }
        let taken = match worker.take(task) {
            Ok(share) => shares.send(share).is_ok(),
            Err(e) => return trouble.report(e),
        };
        if !taken {
            return;
        }
    }
    if trouble.stop.is_cancelled() {
        return;
    }
    match worker.end() {
        // Where nothing takes it any more, nothing is to be done about it.
        Ok(share) => drop(share.map(|share| shares.send(share))),
        Err(e) => trouble.report(e),
    }
}

/// One message a picture, so that a parallel stage behind shares them out evenly.
fn send_each(deal: &mut Deal, frames: Vec<Frame>) -> bool {
    frames.into_iter().all(|frame| deal.send(vec![frame]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use filmgate_core::frame::PixelFormat;

    fn message(index: u64) -> Vec<Frame> {
        let planes = Vec::new();
        let (timestamp, duration, tags, baggage) = (0, None, None, None);
        let format = PixelFormat::Gray8;
        let (width, height) = (1, 1);
        vec![Frame { format, width, height, planes, index, timestamp, duration, tags, baggage }]
    }

    #[test]
    fn an_offer_that_is_refused_keeps_its_turn() {
        let (mut deal, collect) = queues(3);
        for index in 0..6 {
            assert_eq!(deal.offer(message(index)), Offered::Taken);
        }
        // It is the first worker's turn; that another one has room does not matter.
        assert_eq!(deal.offer(message(6)), Offered::Full);
        assert_eq!(collect.receivers[1].recv().expect("there")[0].index, 1);
        assert_eq!(deal.offer(message(7)), Offered::Full);
        assert_eq!(collect.receivers[0].recv().expect("there")[0].index, 0);
        assert_eq!(deal.offer(message(8)), Offered::Taken);
        assert_eq!(deal.offer(message(9)), Offered::Taken);
        let left = |worker: usize| -> Vec<u64> {
            collect.receivers[worker].try_iter().map(|message| message[0].index).collect()
        };
        assert_eq!((left(0), left(1), left(2)), (vec![3, 8], vec![4, 9], vec![2, 5]));
        drop(collect);
        assert_eq!(deal.offer(message(10)), Offered::Gone);
    }
}
