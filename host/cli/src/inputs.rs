//! How `join` and `watch` read a length of time, until their options are fields of a description.

use std::time::Duration;

use filmgate_engine::spec::Length;

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    text.parse::<Length>().map(|length| length.0)
}
