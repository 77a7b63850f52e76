//! One picture out of a video, as it comes out of the plugins at a time.
//!
//! Plugins that see pictures in order get some from before that time first, and as many from
//! behind it as they need to give it back, so that filters over time show what they show in a
//! whole job, as far as they look back no further than [`LEAD`] pictures.

use std::collections::VecDeque;
use std::sync::Arc;

use super::chain::Chain;
use super::compare::SideBySide;
use super::error::PipelineError;
use super::job::{nothing_left, plugin_summaries};
use super::line::Line;
use filmgate_av::{DecodeOptions, Input, MediaError, MediaErrorKind, VideoDecoder};
use filmgate_core::frame::{Frame, PixelFormat, PlanePool, Rational};
use filmgate_plugin::{Supervisor, seconds};

/// Pictures that serial plugins see before the one that is wanted.
pub const LEAD: usize = 32;

/// Pictures that they may see behind it before they are asked to give back what they hold; more
/// than a plugin may hold.
const AHEAD: usize = 160;

/// What to make.
pub struct StillJob {
    /// nanoseconds from the start
    pub at: i64,
    pub plugins: Vec<Arc<Supervisor>>,
    /// what the result may be like, the favourite first
    pub formats: &'static [PixelFormat],
    /// put the source picture left of it
    pub compare: bool,
}

/// What was made.
pub struct Still {
    pub picture: Frame,
    /// degrees clockwise by which it is to be turned for display
    pub rotation: i32,
    /// nanoseconds from the start
    pub timestamp: i64,
}

impl StillJob {
    /// Makes the picture that stands at the time: the last one that begins no later.
    ///
    /// # Errors
    /// Whatever is wrong with input, plugins or formats; `Media` of kind Decode where the input
    /// ends before that time, or the plugins give no picture.
    pub fn run(&self, input: Input, pool: &PlanePool) -> Result<Still, PipelineError> {
        let video = input.best_video()?;
        let decoder = VideoDecoder::new(&input, video, &DecodeOptions::default())?;
        let source = decoder.output();
        let chain = Chain::plan(&source, &self.plugins, self.formats)?;
        let rotation =
            input.facts().streams[video].video.as_ref().map_or(0, |facts| facts.rotation);
        let lead = if chain.stages.iter().all(|s| s.parallel) { 0 } else { LEAD };
        let length = length(source.frame_rate);
        let mut reel = Reel { input, decoder, video, length, offset: None, ended: false };
        let mut window = reel.window(self.at, lead)?;
        let target = window.before.back().cloned().ok_or_else(|| nothing("the input"))?;
        let mut line = Line::start(&chain, pool)?;
        let mut out = Vec::new();
        for frame in window.before.drain(..) {
            out.extend(line.feed(frame)?);
        }
        let reached = |out: &[Frame]| out.iter().any(|f| f.index >= target.index);
        for _ in 0..AHEAD {
            if reached(&out) {
                break;
            }
            let next = match window.next.take() {
                Some(frame) => Some(frame),
                None => reel.next()?,
            };
            let Some(frame) = next else { break };
            out.extend(line.feed(frame)?);
        }
        if !reached(&out) {
            out.extend(line.flush()?);
        }
        let mut picture = choose(out, target.index, self.at).ok_or_else(|| {
            let plugins = plugin_summaries(&self.plugins, &chain.filter_meters);
            nothing_left(&plugins).map_or_else(|| nothing("the plugins"), PipelineError::from)
        })?;
        if self.compare {
            picture =
                SideBySide::new(&source, &chain.output, rotation)?.picture(&target, &picture)?;
        }
        Ok(Still { picture, rotation, timestamp: target.timestamp })
    }
}

fn nothing(whose: &str) -> PipelineError {
    let message = format!("{whose} gave no picture at that time");
    MediaError { kind: MediaErrorKind::Decode, message }.into()
}

/// Nanoseconds that a picture lasts at this rate; at 25 a second where nobody knows.
fn length(rate: Option<Rational>) -> i64 {
    let rate = rate.filter(|r| r.num > 0).unwrap_or(Rational { num: 25, den: 1 });
    (1_000_000_000 * i64::from(rate.den) / i64::from(rate.num)).max(1)
}

/// The picture that came of source picture `target`, the one that stands at the time where there
/// are several; the one that stands in its place where it was dropped.
fn choose(mut out: Vec<Frame>, target: u64, at: i64) -> Option<Frame> {
    let own = out.iter().rposition(|f| f.index == target && f.timestamp <= at);
    let own = own.or_else(|| out.iter().position(|f| f.index == target));
    let place = own.or_else(|| out.iter().rposition(|f| f.index < target));
    (!out.is_empty()).then(|| out.swap_remove(place.unwrap_or(0)))
}

/// The input from the wanted time on.
struct Reel {
    input: Input,
    decoder: VideoDecoder,
    video: usize,
    /// nanoseconds that a picture lasts, as far as is known
    length: i64,
    /// what is added to the decoder's numbers, which begin where it began: as far as pictures
    /// come evenly, plugins see the numbers of a whole job
    offset: Option<u64>,
    ended: bool,
}

/// Pictures around the wanted time: those that begin no later, the last of which is wanted, and
/// the one behind it.
struct Window {
    before: VecDeque<Frame>,
    next: Option<Frame>,
}

impl Reel {
    /// Goes to the time and decodes up to it.
    fn window(&mut self, at: i64, lead: usize) -> Result<Window, PipelineError> {
        let early = i64::try_from(lead).unwrap_or(0).saturating_mul(self.length);
        self.input.seek(self.video, at.saturating_sub(early))?;
        let mut before = VecDeque::with_capacity(lead + 1);
        while let Some(frame) = self.next()? {
            if frame.timestamp > at && !before.is_empty() {
                return Ok(Window { before, next: Some(frame) });
            }
            let late = frame.timestamp > at;
            if before.len() > lead {
                before.pop_front();
            }
            before.push_back(frame);
            if late {
                return Ok(Window { before, next: None });
            }
        }
        if let Some(last) = before.back() {
            let end = last.timestamp.saturating_add(last.duration.unwrap_or(self.length));
            if at > end.saturating_add(self.length) {
                let message = format!(
                    "{}: there is no picture at {}; the last one ends at {}",
                    self.input.path().display(),
                    seconds(at),
                    seconds(end)
                );
                return Err(MediaError { kind: MediaErrorKind::Decode, message }.into());
            }
        }
        Ok(Window { before, next: None })
    }

    /// The next picture; none at the end.
    fn next(&mut self) -> Result<Option<Frame>, PipelineError> {
        loop {
            if let Some(mut frame) = self.decoder.receive()? {
                let began = |f: &Frame| {
                    u64::try_from((f.timestamp + self.length / 2) / self.length).unwrap_or(0)
                };
                frame.index += *self.offset.get_or_insert_with(|| began(&frame));
                return Ok(Some(frame));
            }
            if self.ended {
                return Ok(None);
            }
            match self.input.read()? {
                Some(packet) if packet.stream() == self.video => self.decoder.send(&packet)?,
                Some(_) => {}
                None => {
                    self.decoder.end()?;
                    self.ended = true;
                }
            }
        }
    }
}
