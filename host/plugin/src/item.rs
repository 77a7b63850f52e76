//! What a policy is told of a file.

use super::bindings::media;
use super::describe::{Value, properties};

/// Facts of one file (`wit/media.wit`). Times before 1970 count as 1970.
#[derive(Clone, Debug, Default)]
pub struct Item {
    /// below the folder that the user named, `/` between components
    pub path: String,
    /// bytes
    pub size: u64,
    /// microseconds since 1970-01-01 UTC
    pub modified: i64,
    /// `created`, `duration`, `codec`, `width`, `height`, `tag:NAME` …
    pub properties: Vec<(String, Value)>,
}

impl Item {
    pub(super) fn to_guest(&self) -> media::Item {
        media::Item {
            path: self.path.clone(),
            size: self.size,
            modified: self.modified.max(0),
            properties: properties(&self.properties),
        }
    }
}
