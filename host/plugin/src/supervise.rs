//! What happens when a filter breaks: the crash policies, the back-off before a fresh instance,
//! and the quarantine.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::{debug, warn};

use super::change::{Change, Changes};
use super::describe::Value;
use super::error::PluginError;
use super::filter::{Answer, Filter};
use super::load::Plugin;
use filmgate_core::backoff::Backoff;
use filmgate_core::cancel::Cancel;
use filmgate_core::clock::Clock;
use filmgate_core::frame::{Frame, StreamInfo};

/// What to do with a job whose plugin breaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// the job fails
    #[default]
    Fail,
    /// the picture passes unchanged, and is counted
    Bypass,
}

/// Frames that passed unchanged after which no more is said of each.
const TOLD: u64 = 20;

/// Failures within [`WINDOW`] that put a plugin in quarantine.
const FAILURES: usize = 3;

const WINDOW: Duration = Duration::from_secs(60);

/// The longest wait before a fresh instance is made: 1 s after the first failure of a job, 2 s after
/// the second, and 4 s after every other.
const LONGEST: Duration = Duration::from_secs(4);

/// The failures of one plugin, counted over all of its instances.
struct Record {
    backoff: Backoff,
    recent: VecDeque<Instant>,
    total: u64,
    last: String,
    quarantined: bool,
    bypassed: u64,
    held_at_end: u64,
}

impl Default for Record {
    fn default() -> Record {
        Record {
            backoff: Backoff::steady(LONGEST),
            recent: VecDeque::new(),
            total: 0,
            last: String::new(),
            quarantined: false,
            bypassed: 0,
            held_at_end: 0,
        }
    }
}

impl Record {
    /// Notes a failure and says how long to wait before the next instance; none in quarantine.
    fn note(&mut self, error: &PluginError, now: Instant) -> Option<Duration> {
        self.total += 1;
        self.last = error.to_string();
        self.recent.push_back(now);
        while self.recent.front().is_some_and(|t| now.duration_since(*t) > WINDOW) {
            self.recent.pop_front();
        }
        self.quarantined |= self.recent.len() >= FAILURES;
        (!self.quarantined).then(|| self.backoff.delay())
    }
}

/// One plugin in a chain, with its parameters: what its instances have in common.
pub struct Supervisor {
    plugin: Arc<Plugin>,
    parameters: Vec<(String, Value)>,
    on_failure: OnFailure,
    /// whether more pictures follow the one that it broke on, for which a fresh instance is made
    more_follow: bool,
    record: Mutex<Record>,
    changes: Mutex<Changes>,
    cancel: Cancel,
    clock: Clock,
}

impl Supervisor {
    pub fn new(
        plugin: Arc<Plugin>,
        parameters: Vec<(String, Value)>,
        on_failure: OnFailure,
        cancel: &Cancel,
    ) -> Supervisor {
        Supervisor {
            plugin,
            parameters,
            on_failure,
            more_follow: true,
            record: Mutex::default(),
            changes: Mutex::default(),
            cancel: cancel.clone(),
            clock: Clock::system(),
        }
    }

    /// The same by another clock, by which the waits after failures go.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Supervisor {
        Supervisor { clock, ..self }
    }

    /// The plugin that it began with.
    pub fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// Gives the plugin other parameters while it runs, all of them, as `resolve` gives them. The
    /// frame from which on they hold is the same for any number of workers, and is the answer: the
    /// number of the first frame that no instance has been given yet.
    ///
    /// A filter that takes parameters while it is at work keeps what it remembers; any other one
    /// is ended before that frame, as at the end of the stream, and begins anew.
    ///
    /// # Errors
    /// `Parameter` and `Refused`, and what the plugin does wrong when it is tried out with them;
    /// the running chain notices nothing then.
    pub fn set_parameters(&self, parameters: Vec<(String, Value)>) -> Result<u64, PluginError> {
        let plugin = self.changes().now(&self.plugin);
        self.replace(plugin, parameters)
    }

    /// Puts another plugin, or another version of it, in its place while the chain runs: from
    /// which frame on is the answer, as of [`Supervisor::set_parameters`].
    ///
    /// # Errors
    /// As [`Supervisor::set_parameters`]; `Refused` too where it takes another format, gives
    /// another size, format or rate, or needs to see more frames than the chain was planned for.
    pub fn replace(
        &self,
        plugin: Arc<Plugin>,
        parameters: Vec<(String, Value)>,
    ) -> Result<u64, PluginError> {
        let stream = self.changes().stream.clone();
        super::change::try_out(&self.plugin, &plugin, &parameters, stream.as_ref())?;
        Ok(self.changes().add(plugin, parameters))
    }

    fn changes(&self) -> std::sync::MutexGuard<'_, Changes> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What its instances are configured with when the job begins.
    pub fn parameters(&self) -> &[(String, Value)] {
        &self.parameters
    }

    pub fn on_failure(&self) -> OnFailure {
        self.on_failure
    }

    /// Pictures that passed unchanged because the plugin broke.
    pub fn bypassed(&self) -> u64 {
        self.record().bypassed
    }

    /// Pictures that it kept when the stream had ended, and that are lost.
    pub fn held_at_end(&self) -> u64 {
        self.record().held_at_end
    }

    /// Whether what came out is not all that was to come: it broke, or kept pictures.
    pub fn is_incomplete(&self) -> bool {
        let record = self.record();
        record.total > 0 || record.bypassed > 0 || record.held_at_end > 0
    }

    /// How often it broke.
    pub fn failures(&self) -> u64 {
        self.record().total
    }

    /// The same plugin for another job. Failures, back-off and quarantine are a job's own: what one
    /// file does to a plugin is not held against the next.
    #[must_use]
    pub fn for_next_job(&self) -> Arc<Supervisor> {
        Arc::new(self.renewed(true))
    }

    /// The same for a job of one picture: behind a failure there is nothing to wait for.
    #[must_use]
    pub fn for_one_picture(&self) -> Arc<Supervisor> {
        Arc::new(self.renewed(false))
    }

    fn renewed(&self, more_follow: bool) -> Supervisor {
        let (plugin, parameters) = self.changes().last(&self.plugin, &self.parameters);
        Supervisor {
            plugin,
            parameters,
            on_failure: self.on_failure,
            more_follow,
            record: Mutex::default(),
            changes: Mutex::default(),
            cancel: self.cancel.clone(),
            clock: self.clock.clone(),
        }
    }

    /// Starts one instance of it, to be used from one thread.
    pub fn start(self: &Arc<Self>, input: &StreamInfo) -> Result<Supervised, PluginError> {
        let filter = Filter::start(&self.plugin, input, &self.parameters)?;
        let output = filter.output().clone();
        if self.on_failure == OnFailure::Bypass && !same_picture(&output, input) {
            return Err(PluginError::Refused {
                plugin: self.plugin.name().to_owned(),
                doing: "cannot be run with --on-failure bypass".to_owned(),
                message: format!(
                    "it turns {} into {}, so that nothing could stand in for its frames",
                    super::filter::summary(input),
                    super::filter::summary(&output)
                ),
            });
        }
        self.changes().stream = Some((input.clone(), output.clone()));
        Ok(Supervised {
            supervisor: Arc::clone(self),
            plugin: Arc::clone(&self.plugin),
            parameters: self.parameters.clone(),
            followed: 0,
            input: input.clone(),
            output,
            filter: Some(filter),
            turn: 0,
            not_before: None,
        })
    }

    fn record(&self) -> std::sync::MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a failure and says how long to wait before the next instance; none in quarantine.
    fn failed(&self, error: &PluginError) -> Option<Duration> {
        let mut record = self.record();
        let before = record.quarantined;
        let wait = record.note(error, self.clock.now());
        if record.quarantined && !before {
            let (failures, last) = (record.recent.len(), record.last.clone());
            warn!("{}", PluginError::Quarantined { plugin: self.name(), failures, last });
        }
        wait
    }

    /// Says what went wrong; how often, the job's summary says.
    fn tell(&self, error: &PluginError, at_end: bool) {
        match self.record().bypassed {
            _ if at_end => warn!("{error}; what it had to give at the end is missing"),
            0..TOLD => warn!("{error}; the frame passes unchanged"),
            TOLD => warn!("{error}; the frame passes unchanged, and further ones without a word"),
            _ => debug!("{error}; the frame passes unchanged"),
        }
    }

    fn note_held(&self, frames: usize) {
        if frames > 0 {
            self.record().held_at_end += frames as u64;
            warn!(
                "plugin `{}` kept {frames} frames at the end of the stream and gave nothing for \
                 them: they are missing in the output",
                self.plugin.name()
            );
        }
    }

    fn bypass(&self, frames: usize) {
        self.record().bypassed += frames as u64;
    }

    fn name(&self) -> String {
        self.plugin.name().to_owned()
    }
}

fn same_picture(a: &StreamInfo, b: &StreamInfo) -> bool {
    (a.format, a.width, a.height) == (b.format, b.width, b.height)
}

/// One instance after another of one plugin, as the crash policy has it. For one thread.
pub struct Supervised {
    supervisor: Arc<Supervisor>,
    /// what runs now, with what parameters
    plugin: Arc<Plugin>,
    parameters: Vec<(String, Value)>,
    /// how many changes it has been through
    followed: usize,
    input: StreamInfo,
    output: StreamInfo,
    /// none after a failure, until the next picture
    filter: Option<Filter>,
    /// of the next picture
    turn: u64,
    /// when the next instance may be made
    not_before: Option<Instant>,
}

impl Supervised {
    /// What comes out.
    pub fn output(&self) -> &StreamInfo {
        &self.output
    }

    /// One picture in, whatever comes of it out. Under `Bypass` no error of the plugin gets
    /// through, and no picture is lost: this one, and those that the broken instance still held,
    /// come out as they went in.
    pub fn process(&mut self, frame: Frame) -> Result<Vec<Frame>, PluginError> {
        let turn = self.turn;
        Ok(frames(self.process_at(frame, turn)?))
    }

    /// As [`Supervised::process`]. `turn`: the frame's place among all that come to the plugin,
    /// beyond that of those that were handed to this instance before. Each frame of the answer has
    /// the turn of the one that it stands for, if any.
    ///
    /// # Errors
    /// As [`Supervised::process`].
    pub fn process_at(&mut self, frame: Frame, turn: u64) -> Result<Vec<Answer>, PluginError> {
        self.turn = turn + 1;
        let mut answers = self.follow(frame.index)?;
        answers.extend(self.answer(frame, turn)?);
        Ok(answers)
    }

    fn answer(&mut self, frame: Frame, turn: u64) -> Result<Vec<Answer>, PluginError> {
        if self.supervisor.on_failure == OnFailure::Fail {
            return match &mut self.filter {
                Some(filter) => filter.answer(frame, turn),
                None => Err(self.gone()),
            };
        }
        if !self.revive()? {
            self.supervisor.bypass(1);
            return Ok(vec![(Some(turn), frame)]);
        }
        let spare = frame.clone();
        match self.filter.as_mut().map(|f| f.answer(frame, turn)) {
            Some(Ok(answers)) => Ok(answers),
            Some(Err(e)) => self.pass_on(e, Some(spare)),
            None => Err(self.gone()),
        }
    }

    /// Does as it was told to do from the frame of this number on. What an instance that is ended
    /// for it still had to give comes out.
    fn follow(&mut self, number: u64) -> Result<Vec<Answer>, PluginError> {
        let Some(change) = self.supervisor.changes().due(number, &mut self.followed) else {
            return Ok(Vec::new());
        };
        let Change { plugin, parameters, .. } = change;
        let same = Arc::ptr_eq(&plugin, &self.plugin);
        let Some(mut filter) = self.filter.take() else {
            (self.plugin, self.parameters) = (plugin, parameters);
            return Ok(Vec::new());
        };
        let goes_on = if same { filter.reconfigure(&parameters) } else { Ok(false) };
        self.filter = Some(filter);
        let fails = self.supervisor.on_failure == OnFailure::Fail;
        let begins_anew = matches!(goes_on, Ok(false));
        let answers = match goes_on {
            Ok(true) => Vec::new(),
            Ok(false) => self.last_answers()?,
            Err(e) if fails => return Err(e),
            Err(e) => self.pass_on(e, None)?,
        };
        (self.plugin, self.parameters) = (plugin, parameters);
        if begins_anew {
            // Under `Bypass`, the next picture makes sure that there is one.
            self.filter = None;
            if fails {
                self.filter = Some(Filter::start(&self.plugin, &self.input, &self.parameters)?);
            }
        }
        Ok(answers)
    }

    /// The end of the stream: what a serial filter kept. A parallel one is not asked, since
    /// nobody asks it by the contract; what it kept is counted all the same.
    pub fn flush(&mut self) -> Result<Vec<Frame>, PluginError> {
        Ok(frames(self.last_answers()?))
    }

    /// As [`Supervised::flush`], with turns.
    ///
    /// # Errors
    /// As [`Supervised::flush`].
    pub fn last_answers(&mut self) -> Result<Vec<Answer>, PluginError> {
        let parallel = self.plugin.filter.as_ref().is_some_and(|f| f.parallel);
        let flush = |filter: &mut Filter| {
            if parallel && !filter.is_over() {
                filter.end();
                Ok(Vec::new())
            } else {
                filter.last_answer()
            }
        };
        match (self.filter.as_mut().map(flush), self.supervisor.on_failure) {
            (Some(Ok(answers)), _) => {
                self.supervisor.note_held(self.filter.as_ref().map_or(0, Filter::held_at_end));
                Ok(answers)
            }
            (Some(Err(e)), OnFailure::Fail) => Err(e),
            (Some(Err(e)), OnFailure::Bypass) => self.pass_on(e, None),
            (None, _) => Ok(Vec::new()),
        }
    }

    /// Ends an instance of a filter that says how far it looks, when it has looked beyond frame
    /// `turn`.
    ///
    /// # Errors
    /// `Failed` where it still holds that frame or one before it, which it has to have answered.
    pub fn check_answered(&mut self, turn: u64) -> Result<(), PluginError> {
        self.filter.as_mut().map_or(Ok(()), |filter| filter.check_answered(turn))
    }

    /// Whether the instance holds frames that it was given, and may still give back.
    pub fn holds_frames(&mut self) -> bool {
        self.filter.as_mut().is_some_and(|filter| !filter.kept().is_empty())
    }

    /// Makes sure that there is an instance; false when the plugin is in quarantine.
    fn revive(&mut self) -> Result<bool, PluginError> {
        while self.filter.is_none() {
            self.wait()?;
            if self.supervisor.record().quarantined {
                return Ok(false);
            }
            match Filter::start(&self.plugin, &self.input, &self.parameters) {
                Ok(filter) => self.filter = Some(filter),
                Err(e) => self.back_off(&e),
            }
        }
        Ok(!self.supervisor.record().quarantined)
    }

    /// After an error of `process` or, without `input`, of `flush`: what comes out in place of
    /// an answer, in order: the pictures that the instance still held, and `input`.
    fn pass_on(
        &mut self,
        error: PluginError,
        input: Option<Frame>,
    ) -> Result<Vec<Answer>, PluginError> {
        let refused = match &error {
            PluginError::Cancelled { .. } => return Err(error),
            // An answer by the contract, and no failure.
            PluginError::Refused { .. } | PluginError::Parameter { .. } => true,
            _ => false,
        };
        self.supervisor.tell(&error, input.is_none());
        let mut frames = Vec::new();
        if let Some(filter) = &mut self.filter {
            let held = if input.is_some() { filter.kept_before() } else { filter.kept() };
            // The instance goes on where nothing that it holds could come out behind `input`.
            if !refused || input.is_none() || !filter.kept().is_empty() {
                self.filter = None;
                frames = held;
            }
        }
        // An error at the end is noted, whatever it was: not all came out that was to come.
        if !refused || input.is_none() {
            self.back_off(&error);
            if input.is_some() && self.supervisor.more_follow {
                self.wait()?;
            } else {
                // Nothing comes that would be worth waiting for.
                self.go_on()?;
            }
        }
        frames.extend(input);
        self.supervisor.bypass(frames.len());
        Ok(frames.into_iter().map(|frame| (None, frame)).collect())
    }

    /// Notes a failure, and when a fresh instance may be made.
    fn back_off(&mut self, error: &PluginError) {
        let wait = self.supervisor.failed(error);
        self.not_before = wait.map(|wait| self.supervisor.clock.now() + wait);
    }

    /// Waits until a fresh instance may be made. A file can wait, and so no more pictures than need
    /// be pass unchanged.
    fn wait(&mut self) -> Result<(), PluginError> {
        let Some(end) = self.not_before.take() else { return Ok(()) };
        let clock = &self.supervisor.clock;
        while clock.now() < end && !self.supervisor.record().quarantined {
            self.go_on()?;
            clock.sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Whether the job goes on.
    fn go_on(&self) -> Result<(), PluginError> {
        if self.supervisor.cancel.is_cancelled() {
            Err(PluginError::Cancelled { plugin: self.supervisor.name() })
        } else {
            Ok(())
        }
    }

    fn gone(&self) -> PluginError {
        let record = self.supervisor.record();
        PluginError::Quarantined {
            plugin: self.supervisor.name(),
            failures: record.recent.len(),
            last: record.last.clone(),
        }
    }
}

fn frames(answers: Vec<Answer>) -> Vec<Frame> {
    answers.into_iter().map(|(_, frame)| frame).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(seconds: &[u64]) -> Vec<Option<u64>> {
        let (mut record, start) = (Record::default(), Instant::now());
        let error = PluginError::Cancelled { plugin: "p".to_owned() };
        seconds
            .iter()
            .map(|s| record.note(&error, start + Duration::from_secs(*s)).map(|w| w.as_secs()))
            .collect()
    }

    #[test]
    fn the_wait_doubles_up_to_four_seconds() {
        let waits = waits(&[0, 50, 100, 150, 200]);
        assert_eq!(waits, [Some(1), Some(2), Some(4), Some(4), Some(4)]);
    }

    #[test]
    fn three_failures_in_a_minute_are_the_last() {
        assert_eq!(waits(&[0, 1, 3]), [Some(1), Some(2), None]);
        assert_eq!(waits(&[0, 50, 100, 109, 500]), [Some(1), Some(2), Some(4), None, None]);
        assert_eq!(waits(&[0, 30, 61]), [Some(1), Some(2), Some(4)]);
    }
}
