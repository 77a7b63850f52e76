//! Making [`Error`]s.

use crate::Error;

impl Error {
    /// The value of a parameter is wrong in a way that its description could not rule out. `why`
    /// is what people read behind the parameter's name: `must be odd`.
    pub fn parameter(name: &str, why: impl AsRef<str>) -> Error {
        Error::InvalidParameter(format!("{name}: {}", why.as_ref()))
    }

    /// The plugin cannot work with this input.
    pub fn unsupported(message: impl Into<String>) -> Error {
        Error::Unsupported(message.into())
    }

    /// Anything else that went wrong. Say what, and what can be done about it.
    pub fn failed(message: impl Into<String>) -> Error {
        Error::Failed(message.into())
    }

    /// The text that people get to see.
    pub fn message(&self) -> &str {
        match self {
            Error::InvalidParameter(text) | Error::Unsupported(text) | Error::Failed(text) => text,
        }
    }
}
