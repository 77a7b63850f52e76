//! What can go wrong with a request: each fault has one meaning, whoever asks.

use std::fmt::Display;
use std::io;
use std::path::PathBuf;

/// Why a request is not carried out.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// a name that is not allowed
    #[error("{0}")]
    Name(String),
    /// a request that cannot be understood
    #[error("{0}")]
    Request(String),
    #[error("there is no {0}")]
    NotFound(String),
    /// the state of things does not allow it now
    #[error("{0}")]
    Conflict(String),
    /// another request is writing the same thing
    #[error("{0}")]
    Locked(String),
    #[error("the body has the SHA-256 {found}, and {expected} was announced")]
    Digest { expected: String, found: String },
    #[error("the body has {found} bytes, and {expected} were announced")]
    Length { expected: u64, found: u64 },
    #[error("{0}")]
    TooLarge(String),
    /// a quota is used up
    #[error("{0}")]
    Quota(String),
    #[error("the disk is full")]
    Full,
    /// an upload is continued elsewhere than where it stands
    #[error("the upload stands at {expected} bytes, not {given}")]
    Offset { expected: u64, given: u64 },
    /// an upload that is complete is continued
    #[error("the upload is complete")]
    Complete,
    /// what the request depends on is not so
    #[error("{0}")]
    Precondition(&'static str),
    #[error("{0}")]
    MediaType(String),
    /// what is asked for is not there yet, or not for so many
    #[error("{0}")]
    Busy(String),
    #[error("this method is not allowed here")]
    Method,
    #[error("no or a wrong token was given")]
    Unauthorized,
    #[error("not allowed: {0}")]
    Forbidden(String),
    #[error("too many requests; try again in {seconds} s")]
    TooMany { seconds: u64 },
    /// the sender stopped in the middle
    #[error("{0}")]
    Cut(String),
    #[error("{what}: {source}")]
    System { what: String, source: io::Error },
    #[error("the index: {0}")]
    Index(#[source] rusqlite::Error),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Fault {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Fault::Full,
            _ => Fault::Index(error),
        }
    }
}

impl Fault {
    pub fn name(what: &str, name: &str, reason: impl Display) -> Fault {
        let short: String = name.chars().take(80).collect();
        Fault::Name(format!("{what} {short:?}: {reason}"))
    }

    pub fn system(what: impl Display, source: impl Into<io::Error>) -> Fault {
        let source = source.into();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Fault::Full,
            _ => Fault::System { what: what.to_string(), source },
        }
    }
}

/// Why the server does not start or stops.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// wrong settings
    #[error("{0}")]
    Settings(String),
    #[error("the root {}: {reason}", .path.display())]
    Root { path: PathBuf, reason: String },
    #[error("{address}: {source}")]
    Listen { address: String, source: io::Error },
    #[error(transparent)]
    Fault(#[from] Fault),
    #[error("{what}: {source}")]
    System { what: String, source: io::Error },
}
