//! `filmgate.lock`: which tags of packages stand for which digests, so that a pipeline goes on with
//! the plugins that it was made with.

use std::io::Write;
use std::path::Path;

use super::{Address, Package};
use crate::error::KitError;
use filmgate_core::publish::Aside;
use filmgate_plugin::package::{locked, split_digest};

const HEADER: &str = "# Which packages stand for names without a digest. Written by `filmgate plugin pull --lock`;\n\
                      # remove a line to take what its tag stands for now.\n";

/// Pulls a package by the digest that the lock file has for it, else by its tag, and writes the
/// digest to the lock file.
///
/// # Errors
/// As [`super::pull`]; [`KitError::NotVerified`] with both digests where the tag was moved.
pub fn lock(from: &Address, keys: &super::Keys, file: &Path) -> Result<Package, KitError> {
    let name = from.without_digest();
    let before = locked(&name, file)?;
    if let (Some(locked), None) = (&before, from.digest()) {
        same_tag(from, locked, file)?;
    }
    let package = match (&before, from.digest()) {
        (Some(digest), None) => super::pull(&from.pinned(digest), keys)?,
        _ => super::pull(from, keys)?,
    };
    let (_, digest) = split_digest(&package.name).map_err(KitError::Usage)?;
    match (&before, digest) {
        (Some(before), Some(digest)) if before != digest => {
            return Err(KitError::NotVerified {
                package: name,
                reason: format!(
                    "{} has sha256:{before}, but sha256:{digest} was asked for; remove its line to take that",
                    file.display()
                ),
            });
        }
        (Some(_), _) => return Ok(package),
        (None, _) => {}
    }
    let mut text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => HEADER.to_owned(),
        Err(e) => return Err(KitError::file(file)(e)),
    };
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text = format!("{text}{}\n", package.name);
    let aside = Aside::create(file, true)?;
    aside.file().and_then(|mut f| f.write_all(text.as_bytes())).map_err(KitError::file(file))?;
    aside.publish()?;
    Ok(package)
}

/// Refuses a tag that stands for another digest now. Without a network the lock file alone counts.
fn same_tag(from: &Address, locked: &str, file: &Path) -> Result<(), KitError> {
    match super::current(from) {
        Ok(now) if now != locked => Err(KitError::NotVerified {
            package: from.to_string(),
            reason: format!(
                "its tag was moved: {} has sha256:{locked}, the registry now has sha256:{now}; remove its line to take that",
                file.display()
            ),
        }),
        Ok(_) | Err(KitError::Unreachable { .. }) => Ok(()),
        Err(e) => Err(e),
    }
}
