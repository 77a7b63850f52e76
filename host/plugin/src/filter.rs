//! A filter at work: one instance, pictures in, pictures out, every answer checked.

use wasmtime::Store;
use wasmtime::component::Resource;

use super::bindings::filter::FilterPlugin;
use super::bindings::frames::{Rational as GuestRational, StreamInfo as GuestStreamInfo};
use super::bindings::types::Error as GuestError;
use super::describe::{Value, properties, text_property};
use super::error::PluginError;
use super::guest::{Guest, Misuse};
use super::held::{HeldFrame, Source};
use super::instance::Instance;
use super::live::Live;
use super::load::{Kind, Plugin, Pre};
use super::log::harmless;
use filmgate_core::frame::{Color, Frame, PixelFormat, Rational, StreamInfo, check_size};

/// One configured instance of a filter.
pub struct Filter {
    instance: Instance,
    bindings: FilterPlugin,
    live: Option<Live>,
    output: StreamInfo,
    /// whether each frame of an answer has to stand for one that was handed in
    stands: bool,
    /// one more than the turn of the picture that was handed in last
    handed: u64,
    /// how many of them it still held when the stream had ended
    held_at_end: usize,
    answered: Answered,
}

/// A frame of an answer, and the turn of the one that it stands for.
pub(super) type Answer = (Option<u64>, Frame);

/// How far along the stream the answers have come.
#[derive(Default)]
struct Answered {
    /// the turn of the last picture of the host's that came back
    turn: Option<u64>,
    /// number and timestamp of the last picture that the plugin made
    made: Option<(u64, i64)>,
}

impl Answered {
    fn note(&mut self, held: &HeldFrame) {
        let facts = held.facts();
        match held.source() {
            Some(source) => self.turn = self.turn.max(Some(source.turn)),
            None => self.made = self.made.max(Some((facts.index, facts.timestamp))),
        }
    }

    /// Whether the picture, or one that stands for it or comes behind it, has come out already.
    fn is_past(&self, source: &Source) -> bool {
        let stands_for = (source.frame.index, source.frame.timestamp);
        self.turn.is_some_and(|turn| source.turn <= turn)
            || self.made.is_some_and(|made| stands_for <= made)
    }
}

impl Filter {
    /// Instantiates the plugin and configures it for pictures like `input`.
    ///
    /// # Errors
    /// `WrongKind`, `Parameter`, `Refused`, `Failed`, `Cancelled`.
    pub fn start(
        plugin: &Plugin,
        input: &StreamInfo,
        parameters: &[(String, Value)],
    ) -> Result<Filter, PluginError> {
        let Pre::Filter(pre) = &plugin.pre else { return Err(plugin.wrong_kind(Kind::Filter)) };
        let mut instance = Instance::new(&plugin.engine, plugin.name(), &plugin.limits);
        instance.guest().make.full_range = input.color.range.as_deref() == Some("pc");
        let (bindings, live) = instance.call(
            || "was started".to_owned(),
            |store| {
                let instance = pre.instance_pre().instantiate(&mut *store)?;
                Ok((FilterPlugin::new(&mut *store, &instance)?, Live::of(&instance, store)?))
            },
        )?;
        let doing = || format!("was configured for {}", summary(input));
        let (stream, parameters) = (to_guest(input), properties(parameters));
        let answer = instance.call(doing, |store| {
            bindings.filmgate_plugin_filter().call_configure(store, &stream, &parameters)
        })?;
        let output = answer.map_err(|e| instance.refusal(doing(), e))?;
        let output = from_guest(&output, input).map_err(|e| instance.misuse(doing(), e))?;
        instance.expect_pictures(input.width.max(output.width), input.height.max(output.height));
        Ok(Filter {
            instance,
            bindings,
            live,
            output,
            stands: plugin.filter.as_ref().is_some_and(|f| f.reach.is_some()),
            handed: 0,
            held_at_end: 0,
            answered: Answered::default(),
        })
    }

    /// What comes out.
    pub fn output(&self) -> &StreamInfo {
        &self.output
    }

    /// Bytes of memory that the instance takes now.
    pub fn memory(&self) -> usize {
        self.instance.memory()
    }

    /// Hands one picture in and takes out what the plugin answers.
    ///
    /// # Errors
    /// `Refused`: the plugin could not do it, and may be asked again. Anything else: this
    /// instance is at its end; see [`Filter::kept`].
    pub fn process(&mut self, frame: Frame) -> Result<Vec<Frame>, PluginError> {
        let answers = self.answer(frame, self.handed)?;
        Ok(answers.into_iter().map(|(_, frame)| frame).collect())
    }

    /// As [`Filter::process`]. `turn`: the frame's place in the stream, beyond that of all that
    /// were handed in before.
    pub(super) fn answer(&mut self, frame: Frame, turn: u64) -> Result<Vec<Answer>, PluginError> {
        let (index, timestamp) = (frame.index, frame.timestamp);
        let doing = move || format!("was given frame {index} (at {})", seconds(timestamp));
        let instance = &mut self.instance;
        let held = HeldFrame::input(frame, turn);
        self.handed = turn + 1;
        let handle =
            instance.guest().frames.hold(held).map_err(|e| instance.misuse(doing(), e.0))?;
        let filter = self.bindings.filmgate_plugin_filter();
        let answer = instance.call(doing, |store| filter.call_process(store, handle))?;
        let handles = answer.map_err(|e| instance.refusal(doing(), e))?;
        self.collect(handles, doing)
    }

    /// Whether all up to `turn` have been answered or dropped.
    ///
    /// # Errors
    /// `Failed`, and the instance is at its end.
    pub(super) fn check_answered(&mut self, turn: u64) -> Result<(), PluginError> {
        let mut sources = self.instance.guest().frames.sources();
        sources.retain(|s| s.turn <= turn && !self.answered.is_past(s));
        let Some(source) = sources.first() else { return Ok(()) };
        let (index, doing) = (source.frame.index, "looked on".to_owned());
        let reason = format!("still holds frame {index}, further behind than it says it looks");
        Err(self.instance.misuse(doing, reason))
    }

    /// Has it go on with other parameters. False where it cannot, and another instance has to be
    /// made.
    ///
    /// # Errors
    /// As [`Filter::process`].
    pub(super) fn reconfigure(
        &mut self,
        parameters: &[(String, Value)],
    ) -> Result<bool, PluginError> {
        let Some(Live(function)) = self.live else { return Ok(false) };
        let doing = || "was given other parameters".to_owned();
        let parameters = properties(parameters);
        let call = |store: &mut Store<Guest>| function.call(store, (parameters,));
        match self.instance.call(doing, call)?.0 {
            Ok(()) => Ok(true),
            Err(GuestError::Unsupported(_)) => Ok(false),
            Err(e) => Err(self.instance.refusal(doing(), e)),
        }
    }

    /// The stream has ended: takes out what the plugin kept.
    ///
    /// # Errors
    /// As [`Filter::process`].
    pub fn flush(&mut self) -> Result<Vec<Frame>, PluginError> {
        Ok(self.last_answer()?.into_iter().map(|(_, frame)| frame).collect())
    }

    /// As [`Filter::flush`].
    pub(super) fn last_answer(&mut self) -> Result<Vec<Answer>, PluginError> {
        let doing = || "was asked for its last frames".to_owned();
        let filter = self.bindings.filmgate_plugin_filter();
        let answer = self.instance.call(doing, |store| filter.call_flush(store))?;
        let handles = answer.map_err(|e| self.instance.refusal(doing(), e))?;
        let frames = self.collect(handles, doing)?;
        self.end();
        Ok(frames)
    }

    /// The stream has ended, and nothing more is asked for: what it still holds is lost.
    pub fn end(&mut self) {
        self.held_at_end = self.kept().len();
        self.instance.guest().frames.clear();
    }

    /// Whether the instance broke, and is not entered again.
    pub fn is_over(&self) -> bool {
        self.instance.is_over()
    }

    /// Pictures that were handed in and that it still held at the end, though neither they nor
    /// any in their place had come out.
    pub fn held_at_end(&self) -> usize {
        self.held_at_end
    }

    /// The pictures that the plugin holds and has not given back, as they were handed in and in
    /// that order. After a failure the picture of that call may be among them.
    pub fn kept(&mut self) -> Vec<Frame> {
        let mut sources = self.instance.guest().frames.sources();
        sources.retain(|source| !self.answered.is_past(source));
        sources.iter().map(|source| source.frame.clone()).collect()
    }

    /// [`Filter::kept`], without the picture that was handed in last.
    pub fn kept_before(&mut self) -> Vec<Frame> {
        let mut sources = self.instance.guest().frames.sources();
        sources.retain(|s| s.turn + 1 < self.handed && !self.answered.is_past(s));
        sources.iter().map(|source| source.frame.clone()).collect()
    }

    /// Takes the answer out of the plugin's hands: all of it, or, where a part breaks a rule,
    /// nothing, so that what it holds can still be saved.
    fn collect(
        &mut self,
        handles: Vec<Resource<HeldFrame>>,
        doing: impl Fn() -> String,
    ) -> Result<Vec<Answer>, PluginError> {
        let guest = self.instance.guest();
        let sound = handles.iter().try_for_each(|handle| {
            let held = guest.frames.get(handle).map_err(|e| e.0)?;
            if self.stands && held.source().is_none() {
                return Err("answered with a frame that stands for none of the stream, though it \
                            says how far it looks; `like` makes one that does"
                    .to_owned());
            }
            fits(held.facts(), &self.output)
        });
        sound.map_err(|e| self.instance.misuse(doing(), e))?;
        let mut frames = Vec::with_capacity(handles.len());
        for handle in handles {
            let taken = self.take(&handle);
            frames.push(taken.map_err(|e| self.instance.misuse(doing(), e.0))?);
        }
        Ok(frames)
    }

    fn take(&mut self, handle: &Resource<HeldFrame>) -> Result<Answer, Misuse> {
        let guest = self.instance.guest();
        let held = guest.frames.take(handle)?;
        self.answered.note(&held);
        let turn = held.source().map(|source| source.turn);
        Ok((turn, held.into_frame(&guest.make)?))
    }
}

/// Whether a picture of the answer is what `configure` announced.
fn fits(f: &Frame, wanted: &StreamInfo) -> Result<(), String> {
    if (f.format, f.width, f.height) == (wanted.format, wanted.width, wanted.height) {
        return Ok(());
    }
    Err(format!(
        "answered with a {} frame of {}x{} after it had announced {}",
        f.format,
        f.width,
        f.height,
        summary(wanted)
    ))
}

/// `yuv420p 1280x720`
pub fn summary(info: &StreamInfo) -> String {
    format!("{} {}x{}", info.format, info.width, info.height)
}

/// A time for people: `1.240 s`.
pub fn seconds(nanoseconds: i64) -> String {
    format!("{:.3} s", nanoseconds as f64 / 1e9)
}

fn to_guest(info: &StreamInfo) -> GuestStreamInfo {
    let color = &info.color;
    // Samples of RGB and gray have one range. Gray has a matrix, which says what it is of a color.
    let range = color.range.clone().filter(|_| info.format.is_yuv());
    let space = color.space.clone().filter(|_| info.format.has_matrix());
    let named = [
        ("color-range", &range),
        ("color-space", &space),
        ("color-primaries", &color.primaries),
        ("color-transfer", &color.transfer),
    ];
    let more: Vec<(String, Value)> = named
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), Value::Text(value.clone()?))))
        .collect();
    GuestStreamInfo {
        width: info.width,
        height: info.height,
        format: info.format.name().to_owned(),
        frame_rate: info.frame_rate.map(|r| GuestRational { num: r.num, den: r.den }),
        sample_aspect: GuestRational { num: info.sample_aspect.num, den: info.sample_aspect.den },
        more: properties(&more),
    }
}

/// The longest name of a colour property, in bytes.
const COLOR_BYTES: usize = 32;

fn from_guest(answer: &GuestStreamInfo, input: &StreamInfo) -> Result<StreamInfo, String> {
    let format = PixelFormat::from_name(&answer.format).ok_or_else(|| {
        format!("announced the unknown format `{}`", harmless(&answer.format, 64))
    })?;
    check_size(answer.width, answer.height).map_err(|e| format!("announced {e}"))?;
    let aspect =
        positive(answer.sample_aspect).ok_or("announced a sample aspect ratio that is none")?;
    let frame_rate = match answer.frame_rate {
        Some(rate) => Some(positive(rate).ok_or("announced a frame rate that is none")?),
        None => None,
    };
    let color = |name: &str, before: &Option<String>| {
        let own = text_property(&answer.more, name).filter(|text| text.len() <= COLOR_BYTES);
        match own {
            Some(text) if harmless(&text, 8 * COLOR_BYTES) != text => {
                let shown = harmless(&text, 8 * COLOR_BYTES);
                Err(format!("announced a {name} with control characters in it: `{shown}`"))
            }
            Some(text) if text == "unknown" => Ok(None),
            Some(text) => Ok(Some(text)),
            None => Ok(before.clone()),
        }
    };
    let from = &input.color;
    let held = |name: &str, before: &Option<String>, holds: bool| {
        let told = color(name, before)?;
        Ok::<_, String>(if holds { told } else { before.clone() })
    };
    Ok(StreamInfo {
        format,
        width: answer.width,
        height: answer.height,
        frame_rate,
        sample_aspect: aspect,
        color: Color {
            range: held("color-range", &from.range, format.is_yuv())?,
            space: held("color-space", &from.space, format.has_matrix())?,
            primaries: color("color-primaries", &from.primaries)?,
            transfer: color("color-transfer", &from.transfer)?,
        },
    })
}

fn positive(r: GuestRational) -> Option<Rational> {
    (r.num > 0 && r.den > 0).then_some(Rational { num: r.num, den: r.den })
}
