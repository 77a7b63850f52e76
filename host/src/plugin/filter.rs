//! A filter at work: one instance, pictures in, pictures out, every answer checked.

use super::bindings::filter::FilterPlugin;
use super::bindings::frames::{Rational as GuestRational, StreamInfo as GuestStreamInfo};
use super::describe::{Value, properties, text_property};
use super::error::PluginError;
use super::frames::HeldFrame;
use super::instance::Instance;
use super::load::{Kind, Plugin, Pre};
use super::log::harmless;
use crate::frame::{Color, Frame, PixelFormat, Rational, StreamInfo, check_size};

/// One configured instance of a filter.
pub struct Filter {
    instance: Instance,
    bindings: FilterPlugin,
    output: StreamInfo,
    /// the number of the last source picture that came back
    returned: Option<u64>,
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
        instance.guest().full_range = input.color.range.as_deref() == Some("pc");
        let bindings =
            instance.call(|| "was started".to_owned(), |store| pre.instantiate(store))?;
        let doing = || format!("was configured for {}", summary(input));
        let (stream, parameters) = (to_guest(input), properties(parameters));
        let answer = instance.call(doing, |store| {
            bindings.filmgate_plugin_filter().call_configure(store, &stream, &parameters)
        })?;
        let output = answer.map_err(|e| instance.refusal(doing(), e))?;
        let output = from_guest(&output, input).map_err(|e| instance.misuse(doing(), e))?;
        Ok(Filter { instance, bindings, output, returned: None })
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
    /// instance is at its end; see [`Filter::salvage`].
    pub fn process(&mut self, frame: Frame) -> Result<Vec<Frame>, PluginError> {
        let (index, timestamp) = (frame.index, frame.timestamp);
        let doing = move || format!("was given frame {index} (at {})", seconds(timestamp));
        let baggage = frame.baggage.clone();
        let instance = &mut self.instance;
        let handle = instance
            .guest()
            .frames
            .hold(HeldFrame::input(frame))
            .map_err(|e| instance.misuse(doing(), e.0))?;
        let filter = self.bindings.filmgate_plugin_filter();
        let answer = instance.call(doing, |store| filter.call_process(store, handle))?;
        let handles = answer.map_err(|e| instance.refusal(doing(), e))?;
        let mut frames = self.collect(handles, doing)?;
        for frame in &mut frames {
            // A picture that the plugin made inherits what only the encoder understands.
            frame.baggage = frame.baggage.take().or_else(|| baggage.clone());
        }
        Ok(frames)
    }

    /// The stream has ended: takes out what the plugin kept.
    pub fn flush(&mut self) -> Result<Vec<Frame>, PluginError> {
        let doing = || "was asked for its last frames".to_owned();
        let filter = self.bindings.filmgate_plugin_filter();
        let answer = self.instance.call(doing, |store| filter.call_flush(store))?;
        let handles = answer.map_err(|e| self.instance.refusal(doing(), e))?;
        let frames = self.collect(handles, doing)?;
        self.instance.guest().frames.take_all();
        Ok(frames)
    }

    /// After a failure: the source pictures that the plugin still held and had not given back,
    /// untouched and in order. The picture of the call that failed may be among them.
    pub fn salvage(mut self) -> Vec<Frame> {
        let guest = self.instance.guest();
        let mut saved: Vec<Frame> = Vec::new();
        for held in guest.frames.take_all() {
            let late = self.returned.is_some_and(|r| held.index() <= r);
            let twice = saved.last().is_some_and(|f| f.index == held.index());
            if held.source && !late && !twice {
                saved.extend(held.into_frame(&guest.pool, guest.full_range));
            }
        }
        saved
    }

    fn collect(
        &mut self,
        handles: Vec<wasmtime::component::Resource<HeldFrame>>,
        doing: impl Fn() -> String,
    ) -> Result<Vec<Frame>, PluginError> {
        let mut frames = Vec::with_capacity(handles.len());
        for handle in handles {
            let taken = self.take(&handle);
            frames.push(taken.map_err(|e| self.instance.misuse(doing(), e))?);
        }
        Ok(frames)
    }

    fn take(&mut self, handle: &wasmtime::component::Resource<HeldFrame>) -> Result<Frame, String> {
        let guest = self.instance.guest();
        let held = guest.frames.take(handle).map_err(|e| e.0)?;
        let f = held.facts();
        let wanted = &self.output;
        if (f.format, f.width, f.height) != (wanted.format, wanted.width, wanted.height) {
            return Err(format!(
                "answered with a {} frame of {}x{} after it had announced {}",
                f.format,
                f.width,
                f.height,
                summary(wanted)
            ));
        }
        if held.source {
            self.returned = self.returned.max(Some(f.index));
        }
        held.into_frame(&guest.pool, guest.full_range).map_err(|e| e.0)
    }
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
    let named = [
        ("color-range", &color.range),
        ("color-space", &color.space),
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
        text_property(&answer.more, name)
            .filter(|text| text.len() <= COLOR_BYTES)
            .or_else(|| before.clone())
    };
    let from = &input.color;
    Ok(StreamInfo {
        format,
        width: answer.width,
        height: answer.height,
        frame_rate,
        sample_aspect: aspect,
        color: Color {
            range: color("color-range", &from.range),
            space: color("color-space", &from.space),
            primaries: color("color-primaries", &from.primaries),
            transfer: color("color-transfer", &from.transfer),
        },
    })
}

fn positive(r: GuestRational) -> Option<Rational> {
    (r.num > 0 && r.den > 0).then_some(Rational { num: r.num, den: r.den })
}
