//! Reading the parameters that the host hands over.

use crate::stream::find;
use crate::{Color, Error, Property, Value};

/// The parameters of one job: every one that has a value, given or default, checked by the host
/// against its description.
#[derive(Clone, Debug, Default)]
pub struct Parameters(Vec<Property>);

impl Parameters {
    /// From names and values; for tests.
    pub fn new<'a>(values: impl IntoIterator<Item = (&'a str, Value)>) -> Parameters {
        let named = |(name, value): (&str, Value)| Property { name: name.to_owned(), value };
        Parameters(values.into_iter().map(named).collect())
    }

    /// The value of a parameter that may be absent, as one of `bool`, `i64`, `f64`, `&str`,
    /// [`Color`] and `&[u8]`.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`], naming it, where the value is of another kind.
    pub fn get<'a, T: FromValue<'a>>(&'a self, name: &str) -> Result<Option<T>, Error> {
        let Some(value) = find(&self.0, name) else { return Ok(None) };
        let wrong = || {
            Error::parameter(name, format!("must be {}, is of kind {}", T::EXPECTED, value.kind()))
        };
        T::from_value(value).map(Some).ok_or_else(wrong)
    }

    fn need<'a, T: FromValue<'a>>(&'a self, name: &str) -> Result<T, Error> {
        self.get(name)?.ok_or_else(|| Error::parameter(name, "is missing"))
    }

    /// The value of a parameter of kind `boolean`.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`], naming it, where it is absent or of another kind.
    pub fn boolean(&self, name: &str) -> Result<bool, Error> {
        self.need(name)
    }

    /// The value of a parameter of kind `integer`.
    ///
    /// # Errors
    /// As [`boolean`](Parameters::boolean).
    pub fn integer(&self, name: &str) -> Result<i64, Error> {
        self.need(name)
    }

    /// The value of a parameter of kind `decimal`.
    ///
    /// # Errors
    /// As [`boolean`](Parameters::boolean).
    pub fn decimal(&self, name: &str) -> Result<f64, Error> {
        self.need(name)
    }

    /// The value of a parameter of kind `text`.
    ///
    /// # Errors
    /// As [`boolean`](Parameters::boolean).
    pub fn text(&self, name: &str) -> Result<&str, Error> {
        self.need(name)
    }

    /// The value of a parameter of kind `choice`.
    ///
    /// # Errors
    /// As [`boolean`](Parameters::boolean).
    pub fn choice(&self, name: &str) -> Result<&str, Error> {
        self.need(name)
    }

    /// The value of a parameter of kind `color`.
    ///
    /// # Errors
    /// As [`boolean`](Parameters::boolean).
    pub fn color(&self, name: &str) -> Result<Color, Error> {
        self.need(name)
    }

    /// The content of the file that a parameter of kind `file` names.
    ///
    /// # Errors
    /// As [`boolean`](Parameters::boolean).
    pub fn file(&self, name: &str) -> Result<&[u8], Error> {
        self.need(name)
    }
}

impl Value {
    /// The kind of parameter that has such a value (`text` also for `choice`).
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Boolean(_) => "boolean",
            Value::Integer(_) => "integer",
            Value::Decimal(_) => "decimal",
            Value::Text(_) => "text",
            Value::Color(_) => "color",
            Value::File(_) => "file",
        }
    }
}

impl From<Vec<Property>> for Parameters {
    fn from(properties: Vec<Property>) -> Parameters {
        Parameters(properties)
    }
}

/// What a parameter can be read as.
pub trait FromValue<'a>: Sized {
    /// What the value must be, for the error: `an integer`.
    const EXPECTED: &'static str;
    /// `None` where the value is of another kind.
    fn from_value(value: &'a Value) -> Option<Self>;
}

macro_rules! readable {
    ($($type:ty, $expected:literal, $case:ident($value:ident) => $read:expr;)*) => {
        $(impl<'a> FromValue<'a> for $type {
            const EXPECTED: &'static str = $expected;
            fn from_value(value: &'a Value) -> Option<Self> {
                match value {
                    Value::$case($value) => Some($read),
                    _ => None,
                }
            }
        })*
    };
}

readable! {
    bool, "true or false", Boolean(value) => *value;
    i64, "a whole number", Integer(value) => *value;
    f64, "a number", Decimal(value) => *value;
    &'a str, "a text", Text(value) => value;
    Color, "a colour", Color(value) => *value;
    &'a [u8], "a file", File(value) => value;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_by_name_and_kind() {
        let parameters = Parameters::new([
            ("radius", 3.into()),
            ("strength", 0.5.into()),
            ("planes", "luma".into()),
            ("wide", true.into()),
        ]);
        assert_eq!(parameters.integer("radius"), Ok(3));
        assert_eq!(parameters.decimal("strength"), Ok(0.5));
        assert_eq!(parameters.choice("planes"), Ok("luma"));
        assert_eq!(parameters.boolean("wide"), Ok(true));
        assert_eq!(parameters.get::<&str>("title"), Ok(None));
    }

    #[test]
    fn errors_name_the_parameter() {
        let parameters = Parameters::new([("radius", "wide".into())]);
        let wrong =
            Error::InvalidParameter("radius: must be a whole number, is of kind text".into());
        assert_eq!(parameters.integer("radius"), Err(wrong));
        let missing = Error::InvalidParameter("planes: is missing".into());
        assert_eq!(parameters.choice("planes"), Err(missing));
    }
}
