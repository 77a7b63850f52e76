//! Tries a plugin out, as its author would want before handing it to anybody: every format and
//! some awkward sizes, the same picture twice, the end of the stream.

use std::time::{Duration, Instant};

use super::describe::Value;
use super::error::PluginError;
use super::filter::{Filter, seconds};
use super::item::Item;
use super::load::{FilterTraits, Kind, Plugin};
use super::naming::{Naming, Request};
use super::ordering::Ordering;
use super::promised;
use super::specimen::{Trouble, content};
pub use super::specimen::{info, picture};
use filmgate_core::frame::{Rational, StreamInfo};

/// How one trial went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    /// the plugin said, by the contract, that it does not do this
    Declined(String),
    Failed(String),
}

/// One thing that was tried.
#[derive(Clone, Debug)]
pub struct Trial {
    pub name: String,
    pub outcome: Outcome,
    /// time a picture, where pictures were timed
    pub time: Option<Duration>,
    /// memory of the instance afterwards, in bytes
    pub memory: Option<usize>,
}

/// Small and odd enough to find loops that read past a row, down to a single sample.
const SIZES: [(u32, u32); 5] = [(320, 240), (33, 17), (2, 2), (1, 5), (1, 1)];

/// Timed at this size.
const TIMED: (u32, u32) = (1280, 720);

/// How many pictures a stream has.
const PICTURES: u64 = 6;

/// The most frames a second, and the most seconds a frame.
const RATE: f64 = 10_000.0;

/// The most that a sample may be wider than high, or higher than wide.
const ASPECT: f64 = 1000.0;

/// Tries everything. `parameters` are those that the user wants it tried with.
pub fn check(plugin: &Plugin, parameters: &[(String, Value)]) -> Vec<Trial> {
    let mut trials = match (&plugin.filter, plugin.kind) {
        (Some(traits), _) => check_filter(plugin, traits, parameters),
        (None, Kind::Naming) => vec![check_naming(plugin, parameters)],
        (None, _) => vec![check_ordering(plugin, parameters)],
    };
    let example = promised::example(plugin).map_err(|trouble| match trouble {
        // To refuse its own example is no answer by the contract.
        Trouble::Plugin(e) => Trouble::Text(e.to_string()),
        text => text,
    });
    trials.push(trial("its example".to_owned(), example.map(|()| Tried::default())));
    trials
}

fn check_filter(
    plugin: &Plugin,
    traits: &FilterTraits,
    parameters: &[(String, Value)],
) -> Vec<Trial> {
    let (mut trials, mut given, mut come) = (Vec::new(), 0, 0);
    for &format in &traits.formats {
        for (width, height) in SIZES {
            let result = stream(plugin, &info(format, width, height), parameters, traits.parallel);
            if let Ok(tried) = &result {
                (given, come) = (given + PICTURES, come + tried.frames);
            }
            trials.push(trial(format!("{format} {width}x{height}"), result));
        }
        let result = timed(plugin, &info(format, TIMED.0, TIMED.1), parameters);
        trials.push(trial(format!("{format} {}x{}", TIMED.0, TIMED.1), result));
    }
    // Some choose pictures; one that never chooses any leaves no output.
    let any = match (given, come) {
        (1.., 0) => Err(Trouble::Text(format!("dropped all of {given} frames"))),
        _ => Ok(Tried::default()),
    };
    trials.push(trial("whether anything comes out".to_owned(), any));
    if let (Some(reach), Some(&format)) = (traits.reach, traits.formats.first()) {
        let result = promised::reach(plugin, parameters, format, reach);
        trials.push(trial("how far it looks".to_owned(), result.map(|()| Tried::default())));
    }
    if let (true, Some(&format)) = (traits.live, traits.formats.first()) {
        let result = promised::live(plugin, parameters, format);
        trials
            .push(trial("other parameters at work".to_owned(), result.map(|()| Tried::default())));
    }
    trials
}

/// What was measured in a trial that went well.
#[derive(Default)]
struct Tried {
    time: Option<Duration>,
    memory: Option<usize>,
    /// how many frames came out
    frames: usize,
}

fn trial(name: String, result: Result<Tried, Trouble>) -> Trial {
    let none = (None, None);
    let (outcome, (time, memory)) = match result {
        Ok(tried) => (Outcome::Passed, (tried.time, tried.memory)),
        Err(Trouble::Plugin(e @ (PluginError::Refused { .. } | PluginError::Parameter { .. }))) => {
            (Outcome::Declined(e.to_string()), none)
        }
        Err(Trouble::Plugin(e)) => (Outcome::Failed(e.to_string()), none),
        Err(Trouble::Text(t)) => (Outcome::Failed(t), none),
    };
    Trial { name, outcome, time, memory }
}

/// Some pictures and the end: what comes out has to be a stream. A parallel filter has to answer
/// the same for the last picture when an instance of its own sees nothing else.
fn stream(
    plugin: &Plugin,
    info: &StreamInfo,
    parameters: &[(String, Value)],
    parallel: bool,
) -> Result<Tried, Trouble> {
    let mut filter = Filter::start(plugin, info, parameters)?;
    rates(filter.output())?;
    let (mut all, mut last) = (Vec::new(), Vec::new());
    for index in 0..PICTURES {
        last = filter.process(picture(info, index)?)?;
        all.extend(last.iter().map(|f| (f.index, f.timestamp)));
    }
    if parallel {
        filter.end()
    } else {
        all.extend(filter.flush()?.iter().map(|f| (f.index, f.timestamp)))
    }
    order(&all)?;
    if filter.held_at_end() > 0 {
        return Err(Trouble::Text(format!(
            "kept {} of {PICTURES} frames when the stream had ended, and gave nothing for them",
            filter.held_at_end()
        )));
    }
    let tried = Tried { memory: Some(filter.memory()), frames: all.len(), time: None };
    if !parallel {
        return Ok(tried);
    }
    let alone = Filter::start(plugin, info, parameters)?.process(picture(info, PICTURES - 1)?)?;
    if last.iter().map(content).eq(alone.iter().map(content)) {
        Ok(tried)
    } else {
        Err(Trouble::Text(
        "says that it is parallel, but answers differently for the same picture, depending on those before it".to_owned(),
    ))
    }
}

/// Numbers and timestamps of what came out, in its order: the former do not fall, the latter
/// rise.
fn order(frames: &[(u64, i64)]) -> Result<(), Trouble> {
    for pair in frames.windows(2) {
        let ((before, earlier), (number, time)) = (pair[0], pair[1]);
        if time <= earlier {
            return Err(Trouble::Text(format!(
                "gave frame {number} (at {}) behind frame {before} (at {}): timestamps have to rise",
                seconds(time),
                seconds(earlier)
            )));
        }
        if number < before {
            return Err(Trouble::Text(format!(
                "gave frame {number} behind frame {before}: numbers must not fall"
            )));
        }
    }
    Ok(())
}

/// Rates and shapes that no stream has are slips of a computation.
fn rates(output: &StreamInfo) -> Result<(), Trouble> {
    let sane = |r: Rational, most: f64| {
        let value = f64::from(r.num) / f64::from(r.den);
        value <= most && value >= most.recip()
    };
    let wrong = |what: &str, r: Rational| {
        Err(Trouble::Text(format!("announced the {what} {}/{}", r.num, r.den)))
    };
    match output.frame_rate {
        Some(rate) if !sane(rate, RATE) => return wrong("frame rate", rate),
        _ => {}
    }
    if sane(output.sample_aspect, ASPECT) {
        Ok(())
    } else {
        wrong("sample aspect ratio", output.sample_aspect)
    }
}

fn timed(
    plugin: &Plugin,
    info: &StreamInfo,
    parameters: &[(String, Value)],
) -> Result<Tried, Trouble> {
    const TIMES: u32 = 20;
    let mut filter = Filter::start(plugin, info, parameters)?;
    let source = picture(info, 0)?;
    let mut times = Vec::new();
    for index in 0..TIMES {
        let mut frame = source.clone();
        frame.index = index.into();
        frame.timestamp = i64::from(index) * 40_000_000;
        let start = Instant::now();
        filter.process(frame)?;
        times.push(start.elapsed());
    }
    times.sort();
    let time = times.get(times.len() / 2).copied();
    Ok(Tried { time, memory: Some(filter.memory()), frames: 0 })
}

fn items() -> Vec<Item> {
    ["cam/seg10.mp4", "cam/seg2.mp4", "cam/seg1.mp4", "b/2018-09-08 10.15.02.mp4", "ä 1.MP4"]
        .iter()
        .zip(0i64..)
        .map(|(path, i)| Item {
            path: (*path).to_owned(),
            size: 1000 + i.unsigned_abs(),
            modified: 1_536_401_702_000_000 + i,
            properties: vec![("duration".to_owned(), Value::Integer(6_000_000))],
        })
        .collect()
}

fn check_naming(plugin: &Plugin, parameters: &[(String, Value)]) -> Trial {
    let names = |folders: bool| -> Result<(), Trouble> {
        let mut naming = Naming::start(plugin, parameters)?;
        for (index, item) in (0..).zip(items()) {
            let request = Request {
                sources: vec![item],
                index,
                position: Some(40_000_000),
                taken: Some(1_536_401_702_000_000),
                extension: "jpg".to_owned(),
                folders,
                ..Request::default()
            };
            naming.name(&request)?;
            naming.name(&Request { attempt: 1, ..request })?;
        }
        Ok(())
    };
    let result = names(true).and_then(|()| names(false)).map(|()| Tried::default());
    trial("ten names, with and without folders".to_owned(), result)
}

fn check_ordering(plugin: &Plugin, parameters: &[(String, Value)]) -> Trial {
    let order = || -> Result<(), Trouble> {
        let mut ordering = Ordering::start(plugin, parameters)?;
        ordering.order(&[])?;
        let first = ordering.order(&items())?;
        if first == ordering.order(&items())? {
            Ok(())
        } else {
            Err(Trouble::Text("answers differently for the same files".to_owned()))
        }
    };
    trial(
        "no file, five files, and the same five again".to_owned(),
        order().map(|()| Tried::default()),
    )
}
