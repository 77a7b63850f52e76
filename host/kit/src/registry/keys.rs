//! Which keys are trusted to sign which packages.
//!
//! `keys.toml` in `filmgate` of `$XDG_CONFIG_HOME` or `~/.config`, or what `FILMGATE_KEYS` names:
//!
//! ```toml
//! "oci://registry.example.org/acme" = ["RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"]
//! ```

use std::collections::BTreeMap;
use std::path::PathBuf;

use minisign_verify::{PublicKey, Signature};

use super::{Address, signed_text};
use crate::error::KitError;

/// Public keys in minisign's base64, by the beginning of the names that they sign.
#[derive(Clone, Debug, Default)]
pub struct Keys(BTreeMap<String, Vec<String>>);

impl Keys {
    /// Reads the user's keys; none where there is no file.
    ///
    /// # Errors
    /// [`KitError::Manifest`] for a file that cannot be read, or holds a key that is none: without
    /// it, packages would pass that must not.
    pub fn of_user() -> Result<Keys, KitError> {
        let Some(path) = file() else { return Ok(Keys::default()) };
        let wrong = |reason: String| KitError::Manifest { path: path.clone(), reason };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Keys::default()),
            Err(e) => return Err(wrong(e.to_string())),
        };
        let keys: BTreeMap<String, Vec<String>> =
            toml::from_str(&text).map_err(|e| wrong(e.to_string().trim_end().to_owned()))?;
        for (name, keys) in &keys {
            if !name.starts_with(super::SCHEME) {
                return Err(wrong(format!("{name:?} does not begin with {}", super::SCHEME)));
            }
            for key in keys {
                PublicKey::from_base64(key).map_err(|e| wrong(format!("key {key:?}: {e}")))?;
            }
        }
        Ok(Keys(keys))
    }

    /// The keys for a package: those of the longest beginning of its name, part by part. None where
    /// nothing is said of it; an empty list trusts nobody.
    pub(super) fn for_package(&self, name: &str) -> Option<Vec<String>> {
        let fits = |prefix: &&String| {
            let rest = name.strip_prefix(prefix.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':']))
        };
        let best = self.0.keys().filter(fits).max_by_key(|prefix| prefix.len())?;
        self.0.get(best).cloned()
    }
}

fn file() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    set("FILMGATE_KEYS").or_else(|| {
        let config = set("XDG_CONFIG_HOME").or_else(|| Some(set("HOME")?.join(".config")))?;
        Some(config.join("filmgate/keys.toml"))
    })
}

/// The key that signed a package, where its keys are known.
pub(super) fn verify(
    package: &Address,
    digest: &str,
    signature: Option<&[u8]>,
    keys: &Option<Vec<String>>,
) -> Result<Option<String>, KitError> {
    let Some(keys) = keys else { return Ok(None) };
    let wrong = |reason: String| KitError::NotVerified { package: package.to_string(), reason };
    let text = signature.and_then(|bytes| std::str::from_utf8(bytes).ok()).ok_or_else(|| {
        wrong(format!("sha256:{digest} has no signature, and its keys are known"))
    })?;
    let signature =
        Signature::decode(text).map_err(|e| wrong(format!("its signature cannot be read: {e}")))?;
    let message = signed_text(digest);
    let signed = |key: &&String| {
        PublicKey::from_base64(key)
            .is_ok_and(|key| key.verify(message.as_bytes(), &signature, false).is_ok())
    };
    keys.iter().find(signed).cloned().map(Some).ok_or_else(|| {
        wrong(format!(
            "the signature of sha256:{digest} is not by a key that is trusted for it ({})",
            keys.join(", ")
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_beginning_counts_part_by_part() {
        let keys = [("oci://h/a", "1"), ("oci://h/a/b", "2"), ("oci://h/empty/", "3")];
        let keys = keys.map(|(name, key)| (name.to_owned(), vec![key.to_owned()]));
        let keys = Keys(keys.into_iter().collect());
        let key = |name: &str| keys.for_package(name).map(|keys| keys[0].clone());
        assert_eq!(key("oci://h/a"), Some("1".to_owned()));
        assert_eq!(key("oci://h/a:1.0"), Some("1".to_owned()));
        assert_eq!(key("oci://h/a/c:1.0"), Some("1".to_owned()));
        assert_eq!(key("oci://h/a/b/c"), Some("2".to_owned()));
        assert_eq!(key("oci://h/ab"), None);
        assert_eq!(key("oci://h/empty/x"), Some("3".to_owned()));
    }
}
