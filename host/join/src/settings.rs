//! What may be asked of a join.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What becomes of gaps between segments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Gap {
    /// where segments follow one another by their own times, gaps stay: the last frame is shown
    /// longer, and audio is filled with silence
    Keep,
    /// each segment begins where the one before it ends
    #[default]
    Close,
}

#[derive(Clone, Debug)]
pub struct Settings {
    pub gap: Gap,
    /// a chapter for each segment
    pub chapters: bool,
    /// the index in front
    pub faststart: bool,
    /// read the output back and compare
    pub proof: bool,
}
