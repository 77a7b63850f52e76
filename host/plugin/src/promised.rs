//! What a filter says of itself and the host relies on: how far it looks, that it takes other
//! parameters while it is at work, and that its example is one.

use super::describe::Value;
use super::filter::{Answer, Filter};
use super::load::{Plugin, Reach};
use super::parameters::{Reference, resolve};
use super::specimen::{Trouble, content, info, picture};
use filmgate_core::frame::{PixelFormat, StreamInfo};

const SIZE: (u32, u32) = (33, 17);

/// A filter that says how far it looks answers the same when it begins in the middle, and when it
/// is led to a place further on.
pub(super) fn reach(
    plugin: &Plugin,
    parameters: &[(String, Value)],
    format: PixelFormat,
    reach: Reach,
) -> Result<(), Trouble> {
    let info = info(format, SIZE.0, SIZE.1);
    let around = reach.before + reach.after;
    let end = 3 * around + 12;
    let start = end - around - 4;
    let whole = answers(&mut Filter::start(plugin, &info, parameters)?, &info, 0..end)?;
    let mut later = Filter::start(plugin, &info, parameters)?;
    let begun = answers(&mut later, &info, start - reach.before..end)?;
    let mut led = Filter::start(plugin, &info, parameters)?;
    for turn in 0..4 {
        led.answer(picture(&info, turn)?, turn)?;
    }
    let led = answers(&mut led, &info, start - reach.before..end)?;
    for (what, part) in [("begins in the middle", &begun), ("is led further on", &led)] {
        let wanted = |list: &[Answer]| -> Vec<_> {
            let behind = list.iter().filter(|(turn, _)| turn.is_some_and(|t| t >= start as u64));
            behind.map(|(_, frame)| content(frame)).collect()
        };
        if wanted(&whole) != wanted(part) {
            return Err(Trouble::Text(format!(
                "says that it looks {} frames back and {} ahead, but answers differently when it \
                 {what} with so many frames before",
                reach.before, reach.after
            )));
        }
    }
    Ok(())
}

/// All answers for frames of these turns, to the end of the stream.
fn answers(
    filter: &mut Filter,
    info: &StreamInfo,
    turns: std::ops::Range<usize>,
) -> Result<Vec<Answer>, Trouble> {
    let mut all = Vec::new();
    for turn in turns {
        let turn = turn as u64;
        all.extend(filter.answer(picture(info, turn)?, turn)?);
    }
    all.extend(filter.last_answer()?);
    Ok(all)
}

/// Given the parameters that it has already, it goes on as if nothing had been.
pub(super) fn live(
    plugin: &Plugin,
    parameters: &[(String, Value)],
    format: PixelFormat,
) -> Result<(), Trouble> {
    let info = info(format, SIZE.0, SIZE.1);
    let run = |change: bool| -> Result<Vec<_>, Trouble> {
        let mut filter = Filter::start(plugin, &info, parameters)?;
        let mut all = Vec::new();
        for index in 0..8 {
            if change && index == 4 && !filter.reconfigure(parameters)? {
                let text = "exports `live`, and does not take the parameters that it has";
                return Err(Trouble::Text(text.to_owned()));
            }
            all.extend(filter.process(picture(&info, index)?)?);
        }
        all.extend(filter.flush()?);
        Ok(all.iter().map(content).collect())
    };
    if run(false)? == run(true)? {
        return Ok(());
    }
    let text = "answers differently once it was given the parameters that it had already";
    Err(Trouble::Text(text.to_owned()))
}

/// The parameters that it gives as an example are some that it takes.
pub(super) fn example(plugin: &Plugin) -> Result<(), Trouble> {
    let more = &plugin.description.more;
    let Some((_, example)) = more.iter().find(|(name, _)| name == "example") else {
        return Ok(());
    };
    let reference = Reference::parse(&format!("x:{example}"))?;
    // What a file holds, the example cannot bring along.
    let files = &plugin.description.parameters;
    let is_file = |name: &str| files.iter().any(|p| p.name == name && p.kind.name() == "file");
    if reference.parameters.iter().any(|(name, _)| is_file(name)) {
        return Ok(());
    }
    resolve(&plugin.description, &reference.parameters)?;
    Ok(())
}
