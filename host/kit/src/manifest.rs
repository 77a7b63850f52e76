//! `plugin.toml`: what a plugin is called, and how it is built.

use std::path::Path;

use serde::Deserialize;

use crate::error::KitError;
use crate::language::{Kind, Language};

/// The file's name in a plugin's folder.
pub(crate) const FILE: &str = "plugin.toml";

/// What a plugin's author says of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub name: String,
    /// as semver.org has it
    pub version: String,
    #[serde(default)]
    pub summary: Option<String>,
    pub kind: Kind,
    pub language: Language,
    /// an SPDX expression
    #[serde(default)]
    pub license: Option<String>,
    #[serde(default)]
    pub authors: Vec<String>,
    /// the address of the source code
    #[serde(default)]
    pub source: Option<String>,
}

impl Manifest {
    /// Reads it from a plugin's folder.
    ///
    /// # Errors
    /// [`KitError::Manifest`] where there is none, or it says something that cannot be.
    pub fn read(folder: &Path) -> Result<Manifest, KitError> {
        let path = folder.join(FILE);
        let wrong = |reason: String| KitError::Manifest { path: path.clone(), reason };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Err(wrong(
                    "not found; `filmgate plugin new` makes a folder that has one".to_owned(),
                ));
            }
            Err(e) => return Err(wrong(e.to_string())),
        };
        let manifest: Manifest =
            toml::from_str(&text).map_err(|e| wrong(e.to_string().trim_end().to_owned()))?;
        check_name(&manifest.name).map_err(wrong)?;
        Ok(manifest)
    }
}

/// The contract's rule for names (`description.name` in types.wit), and one that a package of every
/// language may have.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let letter = |c: char| c.is_ascii_lowercase();
    let fits = |c: char| letter(c) || c.is_ascii_digit() || c == '-';
    if name.starts_with(letter)
        && name.chars().all(fits)
        && name.len() <= 64
        && !name.ends_with('-')
        && !name.contains("--")
        && !["test", "core", "std", "alloc"].contains(&name)
    {
        return Ok(());
    }
    Err(format!(
        "{name:?} is no name for a plugin: use lower-case letters, digits and single hyphens \
         between them, a letter first, at most 64; not test, core, std or alloc"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_contract() {
        for name in ["a", "soft-glow-2", "x9"] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        let long = "a".repeat(65);
        for name in ["", "9a", "Glow", "a_b", "../x", "a/b", "-a", "a-", "a--b", "ä", "test", &long]
        {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
