//! Filters: sizes from one sample to 8K, many instances, frames dealt out to workers, tags.

use std::collections::BTreeMap;

use super::{Case, Golden, Values, Wrong, case, golden};
use filmgate_core::frame::{Frame, PixelFormat, Plane};
use filmgate_plugin::check::{info, picture};
use filmgate_plugin::{Filter, Plugin};

const SMALL: [(u32, u32); 4] = [(64, 48), (17, 3), (2, 2), (1, 1)];
const HUGE: (u32, u32) = (7680, 4320);
const INSTANCES: usize = 16;
/// Frames that are dealt out to workers.
const FRAMES: u64 = 12;

pub(super) fn cases(
    plugin: &Plugin,
    parameters: &Values,
    golden: Option<Golden>,
    cases: &mut Vec<Case>,
) {
    let Some(traits) = &plugin.filter else { return };
    let Some(&format) = traits.formats.first() else { return };
    cases.push(case(
        format!("{format} 7680x4320"),
        "work in bands of rows, and allocate nothing by the frame: 8K needs 50 MB a frame; --deadline and --memory are the user's",
        || huge(plugin, parameters, format),
    ));
    cases.push(case(
        format!("{INSTANCES} instances at once"),
        "an instance depends on nothing but its parameters and frames: seed random numbers yourself",
        || instances(plugin, parameters, format),
    ));
    if traits.parallel {
        cases.push(case(
            "frames dealt out to 1, 2 and 5 workers",
            "say `serial` where an answer depends on frames before it",
            || workers(plugin, parameters, format),
        ));
    }
    cases.push(case(
        "tags stay on their frames",
        "answer with the frame that you were given, or a clone, or give a new frame its index",
        || tags(plugin, parameters, format),
    ));
    if let Some(golden) = golden {
        cases.push(case(
            "golden frames",
            "where the change is meant, `filmgate plugin test --bless` takes the new frames",
            || golden::compare(plugin, parameters, golden),
        ));
    }
}

/// A few frames of each small size, in the format that the plugin likes best.
pub(super) fn small(plugin: &Plugin, parameters: &Values) -> Result<(), Wrong> {
    let format = plugin.filter.as_ref().and_then(|f| f.formats.first().copied());
    for (width, height) in SMALL {
        let Some(format) = format else { break };
        let info = info(format, width, height);
        let mut filter = Filter::start(plugin, &info, parameters)?;
        for index in 0..3 {
            filter.process(picture(&info, index)?)?;
        }
        end(plugin, &mut filter)?;
    }
    Ok(())
}

/// Ends a stream as the host does, with the frames that were kept.
pub(super) fn end(plugin: &Plugin, filter: &mut Filter) -> Result<Vec<Frame>, Wrong> {
    if plugin.filter.as_ref().is_some_and(|f| f.parallel) {
        filter.end();
        return Ok(Vec::new());
    }
    Ok(filter.flush()?)
}

fn huge(plugin: &Plugin, parameters: &Values, format: PixelFormat) -> Result<(), Wrong> {
    let info = info(format, HUGE.0, HUGE.1);
    let mut filter = Filter::start(plugin, &info, parameters)?;
    filter.process(picture(&info, 0)?)?;
    end(plugin, &mut filter).map(drop)
}

fn instances(plugin: &Plugin, parameters: &Values, format: PixelFormat) -> Result<(), Wrong> {
    let info = info(format, 64, 48);
    let start = |_| Filter::start(plugin, &info, parameters);
    let mut filters = (0..INSTANCES).map(start).collect::<Result<Vec<_>, _>>()?;
    let mut first = None;
    for (number, filter) in filters.iter_mut().enumerate() {
        let answer = content(&filter.process(picture(&info, 0)?)?);
        match &first {
            None => first = Some(answer),
            Some(first) if *first != answer => {
                return Err(format!("instance {number} answers otherwise than the first").into());
            }
            Some(_) => {}
        }
    }
    Ok(())
}

fn workers(plugin: &Plugin, parameters: &Values, format: PixelFormat) -> Result<(), Wrong> {
    let info = info(format, 64, 48);
    let mut first: Option<Vec<Content>> = None;
    for workers in [1, 2, 5] {
        let start = |_| Filter::start(plugin, &info, parameters);
        let mut filters = (0..workers).map(start).collect::<Result<Vec<_>, _>>()?;
        let mut answers = Vec::new();
        for (index, worker) in (0..FRAMES).zip((0..workers).cycle()) {
            answers.push(content(&filters[worker].process(picture(&info, index)?)?));
        }
        match &first {
            None => first = Some(answers),
            Some(first) => {
                if let Some(frame) = first.iter().zip(&answers).position(|(a, b)| a != b) {
                    return Err(format!(
                        "frame {frame} is another one with {workers} workers than with 1"
                    )
                    .into());
                }
            }
        }
    }
    Ok(())
}

fn tags(plugin: &Plugin, parameters: &Values, format: PixelFormat) -> Result<(), Wrong> {
    let info = info(format, 64, 48);
    let mut filter = Filter::start(plugin, &info, parameters)?;
    let mut all = Vec::new();
    for index in 0..FRAMES {
        let mut frame = picture(&info, index)?;
        let tag = ("filmgate.test".to_owned(), index.to_string());
        frame.tags = Some(Box::new(BTreeMap::from([tag])));
        all.extend(filter.process(frame)?);
    }
    all.extend(end(plugin, &mut filter)?);
    for frame in all {
        let tag = frame.tags.as_ref().and_then(|tags| tags.get("filmgate.test"));
        if tag != Some(&frame.index.to_string()) {
            return Err(format!("frame {} lost the tag that it came with", frame.index).into());
        }
    }
    Ok(())
}

/// What has to be equal for two answers to be.
pub(super) type Content = Vec<(u64, i64, Vec<Vec<u8>>)>;

pub(super) fn content(frames: &[Frame]) -> Content {
    let one = |f: &Frame| (f.index, f.timestamp, f.planes.iter().map(Plane::to_packed).collect());
    frames.iter().map(one).collect()
}
