//! Tokens: who may do what.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use subtle::ConstantTimeEq;

use filmgate_core::digest::hexadecimal;

use crate::error::{Fault, ServeError};
use crate::store::{now, open_index};

/// 128 random bits in hexadecimal.
pub fn random_id() -> String {
    random(16)
}

fn random(bytes: usize) -> String {
    let mut buffer = vec![0; bytes];
    // The system's source of random numbers does not fail once the system is up (getrandom(2)).
    getrandom::fill(&mut buffer).expect("random numbers");
    hexadecimal(&buffer)
}

/// Something that a token allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub enum Scope {
    /// reads segments below a prefix `TASK[/DEVICE[/PATH]]`; everything, if it is empty
    Read(String),
    /// uploads and removes segments below a prefix
    Write(String),
    /// queues, follows and cancels jobs
    Jobs,
    /// everything
    Admin,
}

impl std::str::FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Scope, String> {
        let (kind, prefix) = text.split_once(':').unwrap_or((text, ""));
        let prefix = prefix.trim_matches('/').to_owned();
        if !prefix.is_empty() {
            crate::key::check_path("scope", &prefix).map_err(|e| e.to_string())?;
        }
        match kind {
            "read" => Ok(Scope::Read(prefix)),
            "write" => Ok(Scope::Write(prefix)),
            "jobs" if prefix.is_empty() => Ok(Scope::Jobs),
            "admin" if prefix.is_empty() => Ok(Scope::Admin),
            _ => Err("a scope is read[:PREFIX], write[:PREFIX], jobs or admin".to_owned()),
        }
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> String {
        scope.to_string()
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Scope::Read(prefix) if prefix.is_empty() => f.write_str("read"),
            Scope::Write(prefix) if prefix.is_empty() => f.write_str("write"),
            Scope::Read(prefix) => write!(f, "read:{prefix}"),
            Scope::Write(prefix) => write!(f, "write:{prefix}"),
            Scope::Jobs => f.write_str("jobs"),
            Scope::Admin => f.write_str("admin"),
        }
    }
}

/// What a request wants to do.
#[derive(Clone, Copy, Debug)]
pub enum Wish<'a> {
    /// `TASK/DEVICE/PATH`, or a part of it
    Read(&'a str),
    Write(&'a str),
    Jobs,
}

impl Scope {
    fn allows(&self, wish: Wish<'_>) -> bool {
        match (self, wish) {
            (Scope::Admin, _) | (Scope::Jobs, Wish::Jobs) => true,
            (Scope::Read(prefix), Wish::Read(path)) | (Scope::Write(prefix), Wish::Write(path)) => {
                let rest = path.strip_prefix(prefix.as_str());
                prefix.is_empty() || rest.is_some_and(|r| r.is_empty() || r.starts_with('/'))
            }
            _ => false,
        }
    }
}

/// A token, without its secret.
#[derive(Clone, Debug, Serialize)]
pub struct Token {
    pub name: String,
    pub scopes: Vec<Scope>,
    pub created: i64,
}

impl Token {
    /// # Errors
    /// `Forbidden`.
    pub fn check(&self, wish: Wish<'_>) -> Result<(), Fault> {
        if self.scopes.iter().any(|scope| scope.allows(wish)) {
            return Ok(());
        }
        let needed = match wish {
            Wish::Read(path) => format!("it needs read:{path}"),
            Wish::Write(path) => format!("it needs write:{path}"),
            Wish::Jobs => "it needs jobs".to_owned(),
        };
        Err(Fault::Forbidden(needed))
    }
}

fn parsed(scopes: &str) -> Vec<Scope> {
    scopes.lines().filter_map(|scope| scope.parse().ok()).collect()
}

/// Makes a token; gives the secret, which is stored nowhere.
///
/// # Errors
/// `Root`; `Settings` where there is one of that name.
pub fn add(root: &Path, name: &str, scopes: &[Scope]) -> Result<String, ServeError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > 64 || !name.chars().all(is_plain) {
        let said = format!("token {name:?}: a name is up to 64 letters, digits, - and _");
        return Err(ServeError::Settings(said));
    }
    let secret = format!("fg_{name}_{}", random(24));
    let scopes: Vec<String> = scopes.iter().map(ToString::to_string).collect();
    let values = params![name, hash(&secret), scopes.join("\n"), now()];
    let added = open_index(root, true)?
        .execute("INSERT OR IGNORE INTO tokens VALUES (?1, ?2, ?3, ?4)", values);
    match added.map_err(Fault::from)? {
        0 => Err(ServeError::Settings(format!("there is a token {name:?}; revoke it first"))),
        _ => Ok(secret),
    }
}

/// # Errors
/// `Root`, `Fault`.
pub fn list(root: &Path) -> Result<Vec<Token>, ServeError> {
    let index = open_index(root, true)?;
    let read = || -> rusqlite::Result<Vec<Token>> {
        let mut select = index.prepare("SELECT name, scopes, created FROM tokens ORDER BY name")?;
        let rows = select.query_map([], |row| {
            let scopes: String = row.get(1)?;
            Ok(Token { name: row.get(0)?, scopes: parsed(&scopes), created: row.get(2)? })
        })?;
        rows.collect()
    };
    Ok(read().map_err(Fault::from)?)
}

/// Makes a token worthless, for running servers too.
///
/// # Errors
/// `Root`; `Settings` where there is none of that name.
pub fn revoke(root: &Path, name: &str) -> Result<(), ServeError> {
    let removed = open_index(root, true)?.execute("DELETE FROM tokens WHERE name = ?1", [name]);
    match removed.map_err(Fault::from)? {
        0 => Err(ServeError::Settings(format!("there is no token {name:?}"))),
        _ => Ok(()),
    }
}

/// Whether there is any token: then none is let in without one.
///
/// # Errors
/// `Index`.
pub fn are_there(index: &Connection) -> Result<bool, Fault> {
    Ok(index.query_row("SELECT EXISTS (SELECT 1 FROM tokens)", [], |row| row.get(0))?)
}

/// The token of a secret.
///
/// # Errors
/// `Unauthorized`.
pub fn find(index: &Connection, secret: &str) -> Result<Token, Fault> {
    let name = secret.strip_prefix("fg_").and_then(|s| s.rsplit_once('_')).map(|(name, _)| name);
    let name = name.ok_or(Fault::Unauthorized)?;
    let select = "SELECT hash, scopes, created FROM tokens WHERE name = ?1";
    let found: Option<(String, String, i64)> = index
        .query_row(select, [name], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let (known, scopes, created) = found.ok_or(Fault::Unauthorized)?;
    if !bool::from(known.as_bytes().ct_eq(hash(secret).as_bytes())) {
        return Err(Fault::Unauthorized);
    }
    Ok(Token { name: name.to_owned(), scopes: parsed(&scopes), created })
}

/// A secret has 192 random bits: nobody guesses it from a plain hash.
fn hash(secret: &str) -> String {
    filmgate_core::digest::of_bytes(secret.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_found_by_their_secret_alone() {
        let root = tempfile::tempdir().expect("a folder");
        let scopes = ["read:t/d".parse().expect("a scope"), Scope::Jobs];
        let secret = add(root.path(), "cam_1", &scopes).expect("a token");
        assert!(add(root.path(), "cam_1", &scopes).is_err());
        let index = open_index(root.path(), true).expect("an index");
        let token = find(&index, &secret).expect("found");
        assert!(token.check(Wish::Read("t/d/x.mp4")).is_ok() && token.check(Wish::Jobs).is_ok());
        for wish in [Wish::Read("t"), Wish::Read("t/d2"), Wish::Write("t/d/x.mp4")] {
            assert!(token.check(wish).is_err(), "{wish:?}");
        }
        for wrong in ["", "fg_cam_1_", &secret[..secret.len() - 1], &secret.replace("cam", "cat")] {
            assert!(matches!(find(&index, wrong), Err(Fault::Unauthorized)), "{wrong}");
        }
        revoke(root.path(), "cam_1").expect("revoked");
        assert!(find(&index, &secret).is_err());
    }
}
