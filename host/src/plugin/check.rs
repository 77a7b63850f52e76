//! Tries a plugin out, as its author would want before handing it to anybody: every format and
//! some awkward sizes, the same picture twice, the end of the stream.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::describe::Value;
use super::error::PluginError;
use super::filter::Filter;
use super::item::Item;
use super::load::{FilterTraits, Kind, Plugin};
use super::naming::{Naming, Request};
use super::ordering::Ordering;
use crate::frame::{Color, Frame, PixelFormat, Plane, Rational, StreamInfo};

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

/// Tries everything. `parameters` are those that the user wants it tried with.
pub fn check(plugin: &Plugin, parameters: &[(String, Value)]) -> Vec<Trial> {
    match (&plugin.filter, plugin.kind) {
        (Some(traits), _) => check_filter(plugin, traits, parameters),
        (None, Kind::Naming) => vec![check_naming(plugin, parameters)],
        (None, _) => vec![check_ordering(plugin, parameters)],
    }
}

fn check_filter(
    plugin: &Plugin,
    traits: &FilterTraits,
    parameters: &[(String, Value)],
) -> Vec<Trial> {
    let mut trials = Vec::new();
    for &format in &traits.formats {
        for (width, height) in SIZES {
            let result = stream(plugin, &info(format, width, height), parameters, traits.parallel);
            trials.push(trial(format!("{format} {width}x{height}"), result));
        }
        let result = timed(plugin, &info(format, TIMED.0, TIMED.1), parameters);
        trials.push(trial(format!("{format} {}x{}", TIMED.0, TIMED.1), result));
    }
    trials
}

type Measured = (Option<Duration>, Option<usize>);

fn trial(name: String, result: Result<Measured, Trouble>) -> Trial {
    let (outcome, (time, memory)) = match result {
        Ok(measured) => (Outcome::Passed, measured),
        Err(Trouble::Plugin(e @ (PluginError::Refused { .. } | PluginError::Parameter { .. }))) => {
            (Outcome::Declined(e.to_string()), (None, None))
        }
        Err(Trouble::Plugin(e)) => (Outcome::Failed(e.to_string()), (None, None)),
        Err(Trouble::Text(t)) => (Outcome::Failed(t), (None, None)),
    };
    Trial { name, outcome, time, memory }
}

enum Trouble {
    Plugin(PluginError),
    Text(String),
}

impl From<PluginError> for Trouble {
    fn from(error: PluginError) -> Trouble {
        Trouble::Plugin(error)
    }
}

impl From<String> for Trouble {
    fn from(text: String) -> Trouble {
        Trouble::Text(text)
    }
}

/// Some pictures and the end. A parallel filter has to answer the same for the last picture
/// when an instance of its own sees nothing else.
fn stream(
    plugin: &Plugin,
    info: &StreamInfo,
    parameters: &[(String, Value)],
    parallel: bool,
) -> Result<Measured, Trouble> {
    const PICTURES: u64 = 6;
    let mut filter = Filter::start(plugin, info, parameters)?;
    let mut last = Vec::new();
    for index in 0..PICTURES {
        last = filter.process(picture(info, index)?)?;
    }
    if !parallel {
        filter.flush()?;
        return Ok((None, Some(filter.memory())));
    }
    let alone = Filter::start(plugin, info, parameters)?.process(picture(info, PICTURES - 1)?)?;
    match last.iter().map(content).eq(alone.iter().map(content)) {
        true => Ok((None, Some(filter.memory()))),
        false => Err(Trouble::Text(
            "says that it is parallel, but answers differently for the same picture, depending on those before it".to_owned(),
        )),
    }
}

fn timed(
    plugin: &Plugin,
    info: &StreamInfo,
    parameters: &[(String, Value)],
) -> Result<Measured, Trouble> {
    const PICTURES: u32 = 20;
    let mut filter = Filter::start(plugin, info, parameters)?;
    let source = picture(info, 0)?;
    let mut times = Vec::new();
    for index in 0..PICTURES {
        let mut frame = source.clone();
        frame.index = index.into();
        frame.timestamp = i64::from(index) * 40_000_000;
        let start = Instant::now();
        filter.process(frame)?;
        times.push(start.elapsed());
    }
    times.sort();
    Ok((times.get(times.len() / 2).copied(), Some(filter.memory())))
}

/// What has to be equal for two pictures to be.
fn content(frame: &Frame) -> (i64, Option<i64>, Vec<Vec<u8>>, Option<super::super::frame::Tags>) {
    let planes = frame.planes.iter().map(Plane::to_packed).collect();
    (frame.timestamp, frame.duration, planes, frame.tags.as_deref().cloned())
}

fn info(format: PixelFormat, width: u32, height: u32) -> StreamInfo {
    StreamInfo {
        format,
        width,
        height,
        frame_rate: Some(Rational { num: 25, den: 1 }),
        sample_aspect: Rational { num: 1, den: 1 },
        color: Color::default(),
    }
}

/// Noise that is the same every time, within the format's range.
fn picture(info: &StreamInfo, index: u64) -> Result<Frame, String> {
    let mut state = index.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut planes = Vec::new();
    for size in info.format.plane_sizes(info.width, info.height) {
        let mut bytes = Vec::with_capacity(size.bytes());
        while bytes.len() < size.bytes() {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let value = (state >> 48) as u16 >> (16 - info.format.bits());
            bytes.extend_from_slice(&value.to_le_bytes()[..info.format.sample_bytes()]);
        }
        planes.push(Plane::new(Arc::new(bytes), size.row_bytes, size)?);
    }
    Ok(Frame {
        format: info.format,
        width: info.width,
        height: info.height,
        planes,
        index,
        timestamp: i64::try_from(index).unwrap_or(i64::MAX).saturating_mul(40_000_000),
        duration: Some(40_000_000),
        tags: None,
        baggage: None,
    })
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
    let result = names(true).and_then(|()| names(false)).map(|()| (None, None));
    trial("ten names, with and without folders".to_owned(), result)
}

fn check_ordering(plugin: &Plugin, parameters: &[(String, Value)]) -> Trial {
    let order = || -> Result<(), Trouble> {
        let mut ordering = Ordering::start(plugin, parameters)?;
        ordering.order(&[])?;
        let first = ordering.order(&items())?;
        match first == ordering.order(&items())? {
            true => Ok(()),
            false => Err(Trouble::Text("answers differently for the same files".to_owned())),
        }
    };
    trial("no file, five files, and the same five again".to_owned(), order().map(|()| (None, None)))
}
