//! What processes of the server have in common.

/// The variable that tells a process who its parent is, so that it ends with it.
pub const PARENT: &str = "FILMGATE_PARENT";
