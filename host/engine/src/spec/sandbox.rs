//! Whether the process is locked in before it parses media.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What happens before media is parsed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Sandbox {
    /// Nothing is locked
    Off,
    /// The process is locked in, as far as the kernel can
    #[default]
    Auto,
    /// The process is locked in, or the job is refused
    Require,
}
