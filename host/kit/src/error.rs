//! What can go wrong for an author, in types by which callers decide.

use std::path::{Path, PathBuf};

use filmgate_core::publish::PublishError;
use filmgate_plugin::PluginError;

/// Why something of the kit could not be done. The texts are for people: what, which file, why,
/// and the way out.
#[derive(Debug, thiserror::Error)]
pub enum KitError {
    /// What was asked for makes no sense.
    #[error("{0}")]
    Usage(String),

    #[error("{} exists; choose another name, or remove it", .0.display())]
    Exists(PathBuf),

    /// No `plugin.toml`, or one that says nothing useful.
    #[error("{}: {reason}", .path.display())]
    Manifest { path: PathBuf, reason: String },

    /// A compiler or a packager is not installed.
    #[error("{tool} is not installed; {how}")]
    Tool { tool: String, how: String },

    /// A compiler found something; its own messages went before.
    #[error("{}: {command} failed{}", .folder.display(), with_code(*.code))]
    Compiler { folder: PathBuf, command: String, code: Option<i32> },

    /// What the compiler made is no plugin.
    #[error("{}: cannot be made a component: {reason}", .path.display())]
    Component { path: PathBuf, reason: String },

    #[error("{}: {source}", .path.display())]
    File { path: PathBuf, source: std::io::Error },

    /// The registry has no such package.
    #[error("there is no package {package}; check its name and tag")]
    Missing { package: String },

    /// The registry has it, or not: it does not tell without rights.
    #[error(
        "registry {registry} denies access to {package}; set FILMGATE_REGISTRY_USER and FILMGATE_REGISTRY_PASSWORD to an account that may (some registries answer so where there is no such package)"
    )]
    Denied { package: String, registry: String },

    #[error("{package}: the registry cannot be used: {reason}")]
    Unreachable { package: String, reason: String },

    /// Another digest than the one that was asked for, or no signature that is trusted.
    #[error("package {package}: refused: {reason}")]
    NotVerified { package: String, reason: String },

    #[error(transparent)]
    Publish(#[from] PublishError),

    #[error(transparent)]
    Plugin(#[from] PluginError),
}

impl KitError {
    pub(crate) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> KitError {
        let path = path.to_owned();
        |source| KitError::File { path, source }
    }
}

fn with_code(code: Option<i32>) -> String {
    code.map(|code| format!(" with exit code {code}")).unwrap_or_default()
}
