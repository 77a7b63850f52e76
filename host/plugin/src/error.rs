//! What can go wrong with a plugin, in types by which callers decide (exit code, crash policy).

use std::path::PathBuf;
use std::time::Duration;

/// Why a plugin cannot be loaded, set up or used. The texts are for people: what, which file,
/// why, and the way out.
#[derive(Debug, thiserror::Error)]
pub enum PluginError {
    /// No plugin of that name in any folder.
    #[error("no plugin named `{name}`{}; {}looked in {}", suggestion(.nearest), colon(.name), folders(.searched))]
    NotFound { name: String, nearest: Option<String>, searched: Vec<PathBuf> },

    /// `-p` text that is not `NAME[:key=value,…]`.
    #[error("`{text}` does not name a plugin: {reason} (write NAME or NAME:key=value,key=value)")]
    Syntax { text: String, reason: String },

    #[error("plugin {}: cannot be read: {source}", .path.display())]
    Read { path: PathBuf, source: std::io::Error },

    /// A package that is not on this machine.
    #[error(
        "package {name}@sha256:{digest} is not on this machine; `filmgate plugin pull {name}@sha256:{digest}` fetches it"
    )]
    NotPulled { name: String, digest: String },

    /// Another file than the one that was asked for, or a changed one.
    #[error("plugin {}: is not the one that was asked for: expected sha256:{expected}, found sha256:{found}", .path.display())]
    Digest { path: PathBuf, expected: String, found: String },

    /// Not a WebAssembly component: a core module, another file, a damaged one.
    #[error("plugin {}: {reason}", .path.display())]
    NotAComponent { path: PathBuf, reason: String },

    /// The machine could not start the compiler, or did not let it write.
    #[error("plugin {}: the process that compiles it failed: {source}", .path.display())]
    Compiler { path: PathBuf, source: std::io::Error },

    /// A component, but not of this contract or not of a version that this filmgate serves.
    #[error("plugin {}: {reason}", .path.display())]
    WrongInterface { path: PathBuf, reason: String },

    /// What it says of itself breaks the contract.
    #[error("plugin {}: describes itself in a way that the contract forbids: {reason}", .path.display())]
    Description { path: PathBuf, reason: String },

    /// A plugin of one kind where another is wanted.
    #[error("plugin `{plugin}` is {found}, but {wanted} is wanted here")]
    WrongKind { plugin: String, found: &'static str, wanted: &'static str },

    /// An unknown, missing or unusable parameter.
    #[error("plugin `{plugin}`: {reason}")]
    Parameter { plugin: String, reason: String },

    /// The plugin itself answered with an error.
    #[error("plugin `{plugin}` {doing}: {message}")]
    Refused { plugin: String, doing: String, message: String },

    /// The plugin broke off or broke a rule; its instance is gone.
    #[error("plugin `{plugin}` {doing}: {failure}")]
    Failed { plugin: String, doing: String, failure: Failure },

    /// The machine did not let it run: no memory, or a limit that the user has set (ulimit).
    #[error(
        "plugin `{plugin}` {doing}: this machine refused: {reason}; `ulimit -a` shows the limits"
    )]
    Machine { plugin: String, doing: String, reason: String },

    /// Nothing is left to be written.
    #[error("plugin `{plugin}` dropped every frame: it was given {given}, and none came out of it{}; there is no output", kept(*.held))]
    NothingLeft { plugin: String, given: u64, held: u64 },

    /// Three failures in a minute.
    #[error(
        "plugin `{plugin}` failed {failures} times within a minute and is not started again; the last time: {last}"
    )]
    Quarantined { plugin: String, failures: usize, last: String },

    /// Ctrl-C, or another part of the job failed.
    #[error("plugin `{plugin}` was interrupted")]
    Cancelled { plugin: String },
}

/// How a plugin's instance came to its end.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Failure {
    #[error("did not return within {} ms; --deadline sets how long a call may take", .0.as_millis())]
    Deadline(Duration),
    #[error("ran out of its {} MiB of memory; --memory sets how much it may have", .0 >> 20)]
    Memory(usize),
    /// It broke a rule of the contract in a call to the host or in an answer.
    #[error("broke the contract: {0}")]
    Misuse(String),
    #[error("trapped: {0}")]
    Trap(String),
    /// It was asked once more after any of the above; it was not entered.
    #[error("had broken before, and is not entered again")]
    Over,
}

fn suggestion(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|n| format!(", did you mean `{n}`?")).unwrap_or_default()
}

/// Parameters as FFmpeg has them: `blur=5`.
fn colon(name: &str) -> String {
    match name.split_once('=') {
        Some((plugin, value)) => format!(
            "parameters follow a colon, each with its name: {plugin}:KEY={value}, and `filmgate plugin \
             inspect {plugin}` lists them; "
        ),
        None => String::new(),
    }
}

fn kept(held: u64) -> String {
    match held {
        0 => String::new(),
        held => format!(" ({held} it kept when the stream had ended)"),
    }
}

fn folders(searched: &[PathBuf]) -> String {
    if searched.is_empty() {
        return "no folder: none of the plugin folders exists".to_owned();
    }
    searched.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", ")
}
