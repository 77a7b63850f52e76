//! Other parameters, or another plugin, for a chain that runs: from which frame on, and whether they
//! fit.

use std::sync::Arc;

use super::describe::{Value, check};
use super::error::PluginError;
use super::filter::{Filter, summary};
use super::load::{FilterTraits, Kind, Plugin};
use filmgate_core::frame::StreamInfo;

/// What holds from a frame on.
#[derive(Clone)]
pub(super) struct Change {
    /// the number of the first frame
    from: u64,
    pub(super) plugin: Arc<Plugin>,
    pub(super) parameters: Vec<(String, Value)>,
}

/// All changes of one plugin in a chain, in the order of their frames.
#[derive(Default)]
pub(super) struct Changes {
    list: Vec<Change>,
    /// the number that comes behind those of all frames that any instance was given
    next: u64,
    /// what goes in and comes out, once an instance was started
    pub(super) stream: Option<(StreamInfo, StreamInfo)>,
}

impl Changes {
    /// The plugin that frames to come are given.
    pub(super) fn now(&self, first: &Arc<Plugin>) -> Arc<Plugin> {
        Arc::clone(self.list.last().map_or(first, |change| &change.plugin))
    }

    /// The plugin and the parameters of frames to come.
    pub(super) fn last(
        &self,
        plugin: &Arc<Plugin>,
        parameters: &[(String, Value)],
    ) -> (Arc<Plugin>, Vec<(String, Value)>) {
        match self.list.last() {
            Some(last) => (Arc::clone(&last.plugin), last.parameters.clone()),
            None => (Arc::clone(plugin), parameters.to_vec()),
        }
    }

    /// Adds one for the first frame that no instance was given, and says which that is.
    pub(super) fn add(&mut self, plugin: Arc<Plugin>, parameters: Vec<(String, Value)>) -> u64 {
        let from = self.next;
        self.list.push(Change { from, plugin, parameters });
        from
    }

    /// Notes that an instance is given frame `number`; the last of the changes up to there that
    /// are beyond the `followed` first.
    pub(super) fn due(&mut self, number: u64, followed: &mut usize) -> Option<Change> {
        self.next = self.next.max(number.saturating_add(1));
        let due = self.list[*followed..].iter().take_while(|c| c.from <= number).count();
        *followed += due;
        (due > 0).then(|| self.list[*followed - 1].clone())
    }
}

/// Starts an instance of `plugin` to see whether it could take the place of `planned`.
///
/// # Errors
/// `Parameter`, `Refused`, `WrongKind`, and what the plugin does wrong.
pub(super) fn try_out(
    planned: &Plugin,
    plugin: &Plugin,
    parameters: &[(String, Value)],
    stream: Option<&(StreamInfo, StreamInfo)>,
) -> Result<(), PluginError> {
    let (Some(old), Some(new)) = (&planned.filter, &plugin.filter) else {
        return Err(plugin.wrong_kind(Kind::Filter));
    };
    known(plugin, parameters)?;
    let refuse = |message: String| PluginError::Refused {
        plugin: plugin.name().to_owned(),
        doing: "cannot take over while the chain runs".to_owned(),
        message,
    };
    sees_enough(old, new).map_err(&refuse)?;
    let Some((input, output)) = stream else { return Ok(()) };
    if !new.formats.contains(&input.format) {
        return Err(refuse(format!("it does not take {}", input.format)));
    }
    let given = Filter::start(plugin, input, parameters)?.output().clone();
    if given == *output {
        return Ok(());
    }
    let (given, wanted) = (summary(&given), summary(output));
    let what = if given == wanted { "other facts of the stream".to_owned() } else { given };
    Err(refuse(format!("it announces {what}, where the chain was planned for {wanted}")))
}

/// Whether every parameter is one that it has, of the right kind and within its range.
fn known(plugin: &Plugin, parameters: &[(String, Value)]) -> Result<(), PluginError> {
    let fail = |reason| PluginError::Parameter { plugin: plugin.name().to_owned(), reason };
    for (name, value) in parameters {
        let spec = plugin.description.parameters.iter().find(|p| p.name == *name);
        let spec = spec.ok_or_else(|| fail(format!("there is no parameter `{name}`")))?;
        check(spec, value).map_err(|e| fail(format!("parameter `{name}`: {e}")))?;
    }
    let given = |name: &str| parameters.iter().any(|(n, _)| n == name);
    match plugin.description.parameters.iter().find(|p| p.required && !given(&p.name)) {
        Some(spec) => Err(fail(format!("parameter `{}` is missing", spec.name))),
        None => Ok(()),
    }
}

/// Whether it is content with the frames that instances are given in the place of the old one.
fn sees_enough(old: &FilterTraits, new: &FilterTraits) -> Result<(), String> {
    if old.parallel && !new.parallel {
        return Err("it needs to see every frame, which are shared out between workers".to_owned());
    }
    let Some(reach) = old.reach.filter(|_| !new.parallel) else { return Ok(()) };
    match new.reach {
        Some(new) if new.before <= reach.before && new.after <= reach.after => Ok(()),
        _ => Err(format!(
            "it looks further than the chain was planned for: {} frames before and {} behind",
            reach.before, reach.after
        )),
    }
}
