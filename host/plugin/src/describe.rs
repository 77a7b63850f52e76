//! What a plugin says of itself, checked against the rules of the contract (`wit/types.wit`).

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use super::bindings::types;
use super::log::harmless;

const NAME_BYTES: usize = 64;
const SUMMARY_BYTES: usize = 200;
const PARAMETERS: usize = 64;
const CHOICES: usize = 256;

/// The longest part of an error message that repeats what the plugin said, in bytes.
const ERROR_BYTES: usize = 500;

/// The greatest whole number that every guest language reads exactly: 2^53.
const WHOLE: f64 = 9_007_199_254_740_992.0;

/// The longest text.
const TEXT_BYTES: usize = 64 << 10;

/// What a plugin says of itself.
#[derive(Clone, Debug, Serialize)]
pub struct Description {
    pub name: String,
    /// the plugin's own, as semver.org has it
    pub version: String,
    pub summary: String,
    pub parameters: Vec<Parameter>,
    /// license, authors, homepage, category, keywords, example: whatever it gives as text
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub more: Vec<(String, String)>,
}

/// What kind of value a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ParameterKind {
    Boolean,
    Integer,
    Decimal,
    Text,
    Choice,
    Color,
    File,
}

impl ParameterKind {
    pub fn name(self) -> &'static str {
        match self {
            ParameterKind::Boolean => "boolean",
            ParameterKind::Integer => "integer",
            ParameterKind::Decimal => "decimal",
            ParameterKind::Text => "text",
            ParameterKind::Choice => "choice",
            ParameterKind::Color => "color",
            ParameterKind::File => "file",
        }
    }

    fn from_name(name: &str) -> Option<ParameterKind> {
        use ParameterKind::*;
        [Boolean, Integer, Decimal, Text, Choice, Color, File]
            .into_iter()
            .find(|k| k.name() == name)
    }
}

/// One parameter of a plugin.
#[derive(Clone, Debug, Serialize)]
pub struct Parameter {
    pub name: String,
    pub summary: String,
    pub kind: ParameterKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    pub required: bool,
    /// least number, or least length of a text in bytes
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum: Option<f64>,
    /// greatest number, or greatest length in bytes
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
}

/// The value of a parameter or property.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    Boolean(bool),
    Integer(i64),
    Decimal(f64),
    Text(String),
    /// red, green, blue, alpha
    Color([u8; 4]),
    #[serde(serialize_with = "length_only")]
    File(Vec<u8>),
}

fn length_only<S: serde::Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format!("{} bytes", bytes.len()))
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Boolean(b) => write!(f, "{b}"),
            Value::Integer(i) => write!(f, "{i}"),
            Value::Decimal(d) => write!(f, "{d}"),
            Value::Text(t) => f.write_str(t),
            Value::Color([r, g, b, 255]) => write!(f, "#{r:02x}{g:02x}{b:02x}"),
            Value::Color([r, g, b, a]) => write!(f, "#{r:02x}{g:02x}{b:02x}{a:02x}"),
            Value::File(bytes) => write!(f, "{} bytes", bytes.len()),
        }
    }
}

impl Value {
    pub(super) fn from_guest(value: types::Value) -> Value {
        match value {
            types::Value::Boolean(b) => Value::Boolean(b),
            types::Value::Integer(i) => Value::Integer(i),
            types::Value::Decimal(d) => Value::Decimal(d),
            types::Value::Text(t) => Value::Text(t),
            types::Value::Color(c) => Value::Color([c.red, c.green, c.blue, c.alpha]),
            types::Value::File(f) => Value::File(f),
        }
    }

    pub(super) fn to_guest(&self) -> types::Value {
        match self {
            Value::Boolean(b) => types::Value::Boolean(*b),
            Value::Integer(i) => types::Value::Integer(*i),
            Value::Decimal(d) => types::Value::Decimal(*d),
            Value::Text(t) => types::Value::Text(t.clone()),
            Value::Color([red, green, blue, alpha]) => types::Value::Color(types::Rgba {
                red: *red,
                green: *green,
                blue: *blue,
                alpha: *alpha,
            }),
            Value::File(f) => types::Value::File(f.clone()),
        }
    }
}

/// Properties for a plugin, from plain pairs.
pub(super) fn properties(pairs: &[(String, Value)]) -> Vec<types::Property> {
    pairs
        .iter()
        .map(|(name, value)| types::Property { name: name.clone(), value: value.to_guest() })
        .collect()
}

/// A property of type text, by name.
pub(super) fn text_property(list: &[types::Property], name: &str) -> Option<String> {
    list.iter().find_map(|p| match &p.value {
        types::Value::Text(text) if p.name == name => Some(text.clone()),
        _ => None,
    })
}

/// Checks what the guest answered; the error says which rule it breaks.
pub(super) fn description(from: types::Description) -> Result<Description, String> {
    identifier(&from.name, "its name")?;
    version(&from.version)?;
    line(&from.summary, "its summary")?;
    if from.parameters.len() > PARAMETERS {
        return Err(format!("{} parameters; at most {PARAMETERS}", from.parameters.len()));
    }
    let mut names = BTreeSet::new();
    let mut parameters = Vec::with_capacity(from.parameters.len());
    for spec in from.parameters {
        let name = harmless(&spec.name, NAME_BYTES);
        let parameter = parameter(spec).map_err(|e| format!("parameter `{name}`: {e}"))?;
        if !names.insert(parameter.name.clone()) {
            return Err(format!("two parameters are called `{name}`"));
        }
        parameters.push(parameter);
    }
    required(&from.more)?;
    let more = from
        .more
        .into_iter()
        .take(PARAMETERS)
        .filter_map(|p| match p.value {
            types::Value::Text(text) => {
                Some((harmless(&p.name, NAME_BYTES), harmless(&text, SUMMARY_BYTES)))
            }
            _ => None,
        })
        .collect();
    Ok(Description {
        name: from.name,
        version: from.version,
        summary: from.summary,
        parameters,
        more,
    })
}

/// What a host has to know to run a plugin right, of what later versions of the contract add.
const KNOWN: [&str; 0] = [];

/// A plugin that needs more than this filmgate knows would run, and do something else.
fn required(more: &[types::Property]) -> Result<(), String> {
    for property in more.iter().filter(|p| p.name == "requires") {
        let types::Value::Text(words) = &property.value else {
            return Err("what it requires is not given as text".to_owned());
        };
        if let Some(word) = words.split_whitespace().find(|word| !KNOWN.contains(word)) {
            return Err(format!(
                "it requires `{}`, which this filmgate does not know; a newer filmgate may run it",
                harmless(word, NAME_BYTES)
            ));
        }
    }
    Ok(())
}

fn identifier(name: &str, what: &str) -> Result<(), String> {
    let sound = name.len() <= NAME_BYTES
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if sound {
        Ok(())
    } else {
        Err(format!(
            "{what} `{}` is not 1 to {NAME_BYTES} lower-case letters, digits and hyphens, a letter first",
            harmless(name, NAME_BYTES)
        ))
    }
}

/// MAJOR.MINOR.PATCH with whatever semver.org allows behind it.
fn version(text: &str) -> Result<(), String> {
    let core = text.split(['-', '+']).next().unwrap_or_default();
    let parts: Vec<&str> = core.split('.').collect();
    let numbers = parts.iter().all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()));
    if parts.len() == 3 && numbers && text.len() <= NAME_BYTES && harmless(text, NAME_BYTES) == text
    {
        Ok(())
    } else {
        Err(format!("its version `{}` is not like `1.4.0`", harmless(text, NAME_BYTES)))
    }
}

fn line(text: &str, what: &str) -> Result<(), String> {
    if text.len() > SUMMARY_BYTES {
        return Err(format!("{what} is {} bytes long; at most {SUMMARY_BYTES}", text.len()));
    }
    if harmless(text, SUMMARY_BYTES) != text {
        return Err(format!("{what} is not one plain line"));
    }
    Ok(())
}

fn parameter(spec: types::ParameterSpec) -> Result<Parameter, String> {
    identifier(&spec.name, "its name")?;
    line(&spec.summary, "its summary")?;
    let kind = ParameterKind::from_name(&spec.kind).ok_or_else(|| {
        format!(
            "this filmgate does not know the kind `{}` (a newer one may)",
            harmless(&spec.kind, NAME_BYTES)
        )
    })?;
    if let Some(unit) = &spec.unit {
        line(unit, "its unit")?;
    }
    bounds(&spec, kind)?;
    choices(&spec, kind)?;
    let parameter = Parameter {
        name: spec.name,
        summary: spec.summary,
        kind,
        unit: spec.unit,
        default: spec.default_value.map(Value::from_guest),
        required: spec.required,
        minimum: spec.minimum,
        maximum: spec.maximum,
        choices: spec.choices,
    };
    if parameter.default.is_some() && parameter.required {
        return Err("it must be given, and has a default, which nothing would use".to_owned());
    }
    if let Some(default) = &parameter.default {
        check(&parameter, default)
            .map_err(|e| format!("its default {}", harmless(&e, ERROR_BYTES)))?;
    }
    Ok(parameter)
}

/// Whether the value is of the parameter's kind and within its range.
pub(super) fn check(parameter: &Parameter, value: &Value) -> Result<(), String> {
    let within = |n: f64| {
        parameter.minimum.is_none_or(|m| n >= m) && parameter.maximum.is_none_or(|m| n <= m)
    };
    let sound = match (parameter.kind, value) {
        (ParameterKind::Boolean, Value::Boolean(_)) | (ParameterKind::Color, Value::Color(_)) => {
            true
        }
        (ParameterKind::Integer, Value::Integer(i)) => {
            (*i as f64).abs() <= WHOLE && within(*i as f64)
        }
        (ParameterKind::Decimal, Value::Decimal(d)) => d.is_finite() && within(*d),
        (ParameterKind::Text, Value::Text(t)) => t.len() <= TEXT_BYTES && within(t.len() as f64),
        (ParameterKind::Choice, Value::Text(t)) => parameter.choices.contains(t),
        (ParameterKind::File, Value::File(f)) => within(f.len() as f64),
        _ => false,
    };
    if sound { Ok(()) } else { Err(format!("`{value}` is not {}", takes(parameter))) }
}

/// What the parameter takes, for people: `a whole number from 1 to 64 px`.
pub fn takes(parameter: &Parameter) -> String {
    let unit = parameter.unit.as_ref().map(|u| format!(" {u}")).unwrap_or_default();
    let range = match (parameter.minimum, parameter.maximum) {
        (Some(low), Some(high)) => format!(" from {low} to {high}"),
        (Some(low), None) => format!(" from {low}"),
        (None, Some(high)) => format!(" up to {high}"),
        (None, None) => String::new(),
    };
    match parameter.kind {
        ParameterKind::Boolean => "true or false".to_owned(),
        ParameterKind::Integer => format!("a whole number{range}{unit}"),
        ParameterKind::Decimal => format!("a number{range}{unit}"),
        ParameterKind::Text if range.is_empty() => "a text".to_owned(),
        ParameterKind::Text => format!("a text of{range} bytes"),
        ParameterKind::Choice => format!("one of {}", parameter.choices.join(", ")),
        ParameterKind::Color => "a colour (#rrggbb or #rrggbbaa)".to_owned(),
        ParameterKind::File if range.is_empty() => "the path of a file".to_owned(),
        ParameterKind::File => format!("the path of a file of{range} bytes"),
    }
}

fn bounds(spec: &types::ParameterSpec, kind: ParameterKind) -> Result<(), String> {
    use ParameterKind::*;
    let low = spec.minimum.unwrap_or(f64::NEG_INFINITY);
    let high = spec.maximum.unwrap_or(f64::INFINITY);
    let given = [spec.minimum, spec.maximum].into_iter().flatten();
    if given.clone().any(|b| !b.is_finite() || b.abs() > WHOLE) || low > high {
        return Err(format!("its range {low} to {high} is not one"));
    }
    if kind == Integer && low.ceil() > high.floor() {
        return Err(format!("there is no whole number from {low} to {high}"));
    }
    let allowed =
        matches!(kind, Integer | Decimal | Text) || (kind == File && spec.minimum.is_none());
    if given.count() > 0 && !allowed {
        return Err(format!("a {} has no range", kind.name()));
    }
    Ok(())
}

fn choices(spec: &types::ParameterSpec, kind: ParameterKind) -> Result<(), String> {
    if (kind == ParameterKind::Choice) == spec.choices.is_empty() {
        return Err("a choice has at least one choice, and nothing else has any".to_owned());
    }
    if spec.choices.len() > CHOICES {
        return Err(format!("{} choices; at most {CHOICES}", spec.choices.len()));
    }
    let mut seen = BTreeSet::new();
    if let Some(twice) = spec.choices.iter().find(|choice| !seen.insert(choice.as_str())) {
        return Err(format!("the choice `{}` stands twice", harmless(twice, NAME_BYTES)));
    }
    spec.choices.iter().try_for_each(|c| line(c, "a choice"))
}
