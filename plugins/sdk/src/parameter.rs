//! Describing parameters: what the host checks, and makes help, completion and forms from.

use std::marker::PhantomData;
use std::ops::RangeInclusive;

use crate::bindings::filter::filmgate::plugin::types::ParameterSpec;
use crate::{Color, Value};

/// The kinds of parameters, as types, so that the compiler checks that a default is of its
/// parameter's kind.
pub mod kind {
    /// Yes or no.
    #[derive(Debug)]
    pub enum Boolean {}
    /// A whole number.
    #[derive(Debug)]
    pub enum Integer {}
    /// A number with a fraction.
    #[derive(Debug)]
    pub enum Decimal {}
    /// Any text.
    #[derive(Debug)]
    pub enum Text {}
    /// One of several texts.
    #[derive(Debug)]
    pub enum Choice {}
    /// A colour with opacity.
    #[derive(Debug)]
    pub enum Color {}
    /// The content of a file that the user names.
    #[derive(Debug)]
    pub enum File {}
}

/// What is common to the kinds of parameters.
pub trait Kind {
    /// The kind's name in the contract.
    const NAME: &'static str;
    /// What a default is given as.
    type Default: Into<Value>;
}

macro_rules! kinds {
    ($($kind:ident $name:literal $default:ty;)*) => {
        $(impl Kind for kind::$kind {
            const NAME: &'static str = $name;
            type Default = $default;
        })*
    };
}

kinds! {
    Boolean "boolean" bool;
    Integer "integer" i64;
    Decimal "decimal" f64;
    Text "text" String;
    Choice "choice" String;
    Color "color" Color;
    File "file" Vec<u8>;
}

/// One parameter of a plugin.
///
/// ```
/// use filmgate_plugin::Parameter;
///
/// Parameter::integer("radius", "how far the blur reaches").range(1..=64).unit("px").default(3);
/// Parameter::choice("planes", "what is changed", ["luma", "all"]).default("luma");
/// Parameter::file("table", "a .cube file with the colours").required();
/// ```
///
/// A parameter without a default that is not [`required`](Parameter::required) may be absent;
/// read it with [`Parameters::get`](crate::Parameters::get).
#[derive(Debug)]
pub struct Parameter<K> {
    pub(crate) spec: ParameterSpec,
    kind: PhantomData<K>,
}

impl<K: Kind> Parameter<K> {
    /// `name`: lower-case letters, digits and hyphens, a letter first. `summary`: one line for
    /// people.
    fn new(name: &str, summary: &str) -> Parameter<K> {
        Parameter {
            spec: ParameterSpec {
                name: name.to_owned(),
                summary: summary.to_owned(),
                kind: K::NAME.to_owned(),
                unit: None,
                default_value: None,
                required: false,
                minimum: None,
                maximum: None,
                choices: Vec::new(),
                more: Vec::new(),
            },
            kind: PhantomData,
        }
    }

    /// The value when the user gives none.
    pub fn default(mut self, value: impl Into<K::Default>) -> Self {
        self.spec.default_value = Some(value.into().into());
        self
    }

    /// The user must give it.
    pub fn required(mut self) -> Self {
        self.spec.required = true;
        self
    }
}

impl Parameter<kind::Boolean> {
    /// Yes or no.
    pub fn boolean(name: &str, summary: &str) -> Self {
        Self::new(name, summary)
    }
}

impl Parameter<kind::Integer> {
    /// A whole number.
    pub fn integer(name: &str, summary: &str) -> Self {
        Self::new(name, summary)
    }

    /// The least and the greatest number.
    pub fn range(mut self, range: RangeInclusive<i64>) -> Self {
        self.spec.minimum = Some(*range.start() as f64);
        self.spec.maximum = Some(*range.end() as f64);
        self
    }

    /// What the number counts: `px`, `frames`, `ms`, `%` …
    pub fn unit(mut self, unit: &str) -> Self {
        self.spec.unit = Some(unit.to_owned());
        self
    }
}

impl Parameter<kind::Decimal> {
    /// A number with a fraction.
    pub fn decimal(name: &str, summary: &str) -> Self {
        Self::new(name, summary)
    }

    /// The least and the greatest number.
    pub fn range(mut self, range: RangeInclusive<f64>) -> Self {
        self.spec.minimum = Some(*range.start());
        self.spec.maximum = Some(*range.end());
        self
    }

    /// What the number counts: `px`, `s`, `%` …
    pub fn unit(mut self, unit: &str) -> Self {
        self.spec.unit = Some(unit.to_owned());
        self
    }
}

impl Parameter<kind::Text> {
    /// Any text.
    pub fn text(name: &str, summary: &str) -> Self {
        Self::new(name, summary)
    }

    /// The least and the greatest length, in bytes.
    pub fn length(mut self, bytes: RangeInclusive<u32>) -> Self {
        self.spec.minimum = Some(f64::from(*bytes.start()));
        self.spec.maximum = Some(f64::from(*bytes.end()));
        self
    }
}

impl Parameter<kind::Choice> {
    /// One of several texts, at least one.
    pub fn choice<'a>(
        name: &str,
        summary: &str,
        choices: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut parameter = Self::new(name, summary);
        parameter.spec.choices = choices.into_iter().map(str::to_owned).collect();
        parameter
    }
}

impl Parameter<kind::Color> {
    /// A colour with opacity.
    pub fn color(name: &str, summary: &str) -> Self {
        Self::new(name, summary)
    }
}

impl Parameter<kind::File> {
    /// The content of a file that the user names. The plugin never sees the path.
    pub fn file(name: &str, summary: &str) -> Self {
        Self::new(name, summary)
    }

    /// The greatest length, in bytes.
    pub fn at_most(mut self, bytes: u32) -> Self {
        self.spec.maximum = Some(f64::from(bytes));
        self
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Boolean(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Value {
        Value::Integer(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Value {
        Value::Decimal(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Value {
        Value::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Value {
        Value::Text(value)
    }
}

impl From<Color> for Value {
    fn from(value: Color) -> Value {
        Value::Color(value)
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Value {
        Value::File(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_builder_fills_the_record() {
        let spec = Parameter::integer("radius", "how far").range(1..=64).unit("px").default(3).spec;
        assert_eq!((spec.name.as_str(), spec.kind.as_str()), ("radius", "integer"));
        assert_eq!((spec.minimum, spec.maximum), (Some(1.0), Some(64.0)));
        assert_eq!(spec.unit.as_deref(), Some("px"));
        assert_eq!(spec.default_value, Some(Value::Integer(3)));
        assert!(!spec.required);
        let spec = Parameter::choice("planes", "which", ["luma", "all"]).required().spec;
        assert_eq!(spec.choices, ["luma", "all"]);
        assert!(spec.required && spec.default_value.is_none());
        assert_eq!(Parameter::file("table", "colours").at_most(9).spec.maximum, Some(9.0));
        assert_eq!(Parameter::text("pattern", "name").length(1..=5).spec.minimum, Some(1.0));
    }
}
