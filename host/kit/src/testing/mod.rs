//! `filmgate plugin test`: what a plugin promises by describing itself, tried out. Each case that
//! fails says what to do about it.

mod filter;
mod golden;
mod junit;
mod policy;

use std::path::Path;
use std::time::{Duration, Instant};

use filmgate_plugin::check::{Outcome, check};
use filmgate_plugin::{Kind, Parameter, ParameterKind, Plugin, PluginError, Value, resolve};
pub use junit::junit;

/// How one case went.
#[derive(Clone, Debug)]
pub struct Case {
    pub name: String,
    pub outcome: Outcome,
    /// what the author can do about a failure
    pub advice: &'static str,
    pub time: Duration,
}

/// What is wrong: a text, or an error of the plugin. One that it answered with is no failure.
enum Wrong {
    Text(String),
    Plugin(PluginError),
}

impl From<PluginError> for Wrong {
    fn from(error: PluginError) -> Wrong {
        Wrong::Plugin(error)
    }
}

impl From<String> for Wrong {
    fn from(text: String) -> Wrong {
        Wrong::Text(text)
    }
}

/// How golden frames are used.
#[derive(Clone, Copy, Debug)]
pub struct Golden<'a> {
    /// the file that has their digests
    pub file: &'a Path,
    /// write it, instead of comparing with it
    pub bless: bool,
}

/// Tries everything. A plugin with a required parameter is tried with `given`.
///
/// # Errors
/// `Parameter` where `given` does not suit.
pub fn test(
    plugin: &Plugin,
    given: &[(String, String)],
    golden: Option<Golden>,
) -> Result<Vec<Case>, PluginError> {
    let parameters = resolve(&plugin.description, given)?;
    let mut cases: Vec<Case> = check(plugin, &parameters)
        .into_iter()
        .map(|trial| Case {
            name: trial.name,
            outcome: trial.outcome,
            advice: "run it with `filmgate plugin check`, which shows what the plugin logs; build with --debug to see exceptions",
            time: trial.time.unwrap_or_default(),
        })
        .collect();
    for (name, given) in variations(&plugin.description.parameters, given) {
        let parameters = resolve(&plugin.description, &given)?;
        let name = format!("parameter {name}");
        let advice = "narrow the range of the parameter in `describe`, or answer with an error that names it";
        cases.push(case(name, advice, || match plugin.kind {
            Kind::Filter => filter::small(plugin, &parameters),
            Kind::Naming => policy::naming(plugin, &parameters),
            Kind::Ordering => policy::ordering(plugin, &parameters),
        }));
    }
    match plugin.kind {
        Kind::Filter => filter::cases(plugin, &parameters, golden, &mut cases),
        Kind::Naming => cases.push(case("200 names of generated files", NAMES, || {
            policy::naming(plugin, &parameters)
        })),
        Kind::Ordering => cases.push(case("orders of 0 to 300 generated files", ORDERS, || {
            policy::ordering(plugin, &parameters)
        })),
    }
    Ok(cases)
}

const NAMES: &str = "a name depends on the request alone, and is one that naming.wit allows";
const ORDERS: &str = "an order depends on the files alone, and names each of them once";

/// Runs one case.
fn case(
    name: impl Into<String>,
    advice: &'static str,
    run: impl FnOnce() -> Result<(), Wrong>,
) -> Case {
    let begun = Instant::now();
    let outcome = match run() {
        Ok(()) => Outcome::Passed,
        Err(Wrong::Plugin(e @ (PluginError::Refused { .. } | PluginError::Parameter { .. }))) => {
            Outcome::Declined(e.to_string())
        }
        Err(Wrong::Plugin(e)) => Outcome::Failed(e.to_string()),
        Err(Wrong::Text(text)) => Outcome::Failed(text),
    };
    Case { name: name.into(), outcome, advice, time: begun.elapsed() }
}

type Given = Vec<(String, String)>;

/// Each parameter at its first and its last value, the others as they are.
fn variations(parameters: &[Parameter], given: &[(String, String)]) -> Vec<(String, Given)> {
    let mut all = Vec::new();
    for parameter in parameters {
        for value in ends(parameter) {
            let mut with: Given =
                given.iter().filter(|(name, _)| *name != parameter.name).cloned().collect();
            with.push((parameter.name.clone(), value.clone()));
            all.push((format!("{}={value}", parameter.name), with));
        }
    }
    all
}

/// The first and the last value that a parameter says it takes. A color has none, nor has a file.
fn ends(parameter: &Parameter) -> Vec<String> {
    let range = [parameter.minimum, parameter.maximum].into_iter().flatten();
    match parameter.kind {
        ParameterKind::Boolean => vec!["false".to_owned(), "true".to_owned()],
        ParameterKind::Integer => range.map(|n| format!("{n:.0}")).collect(),
        ParameterKind::Decimal => range.map(|n| n.to_string()).collect(),
        ParameterKind::Choice => {
            let ends = [parameter.choices.first(), parameter.choices.last()];
            ends.into_iter().flatten().cloned().collect()
        }
        ParameterKind::Color => vec!["#00000000".to_owned(), "#ffffffff".to_owned()],
        ParameterKind::Text | ParameterKind::File => Vec::new(),
    }
}

type Values = [(String, Value)];
