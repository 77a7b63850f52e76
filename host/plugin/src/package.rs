//! Plugins by digest: `NAME@sha256:…` for the file of a plugin folder, `oci://REGISTRY/NAME@sha256:…`
//! for a package that was pulled from a registry. Nothing here talks to a network.
//!
//! A pulled package is a folder `sha256-…` with the manifest of that digest and the component that
//! the manifest names by its own digest, so a changed byte in either is noticed whenever it is used.

use std::path::{Path, PathBuf};

use super::error::PluginError;
use super::plain::read_plain;

/// What the names of packages in registries begin with.
pub const SCHEME: &str = "oci://";
/// The files of a pulled package.
pub const MANIFEST: &str = "manifest.json";
pub const COMPONENT: &str = "plugin.wasm";
pub const SIGNATURE: &str = "signature.minisig";
/// The name under which it was pulled, for people.
pub const NAME: &str = "name";
/// A manifest is small; what is larger is none.
const MANIFEST_BYTES: u64 = 4 << 20;
/// Which tags of packages stand for which digests, in the working folder.
pub const LOCK: &str = "filmgate.lock";

/// What stands between a name and its digest.
const AT: &str = "@sha256:";
const DIGITS: usize = 64;

/// A plugin's file, and the SHA-256 that it has to have, in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    pub path: PathBuf,
    pub sha256: Option<String>,
}

/// Name and digest of `NAME@sha256:…`; the digest is none for a name without one.
///
/// # Errors
/// What is wrong with the digest.
pub fn split_digest(text: &str) -> Result<(&str, Option<&str>), String> {
    let Some((name, digest)) = text.split_once(AT) else { return Ok((text, None)) };
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if digest.len() == DIGITS && digest.bytes().all(hex) {
        return Ok((name, Some(digest)));
    }
    Err(format!("a digest is sha256: with {DIGITS} digits from 0 to 9 and a to f behind it"))
}

/// How many bytes of `NAME…:key=value` are the name, where it has a digest or is that of a package:
/// colons are a part of those.
pub(super) fn name_length(text: &str) -> Option<usize> {
    if let Some(at) = text.find(AT)
        && (text.starts_with(SCHEME) || !text[..at].contains(':'))
    {
        let rest = at + AT.len();
        return Some(text[rest..].find(':').map_or(text.len(), |colon| rest + colon));
    }
    let path = text.strip_prefix(SCHEME)?;
    // Values of parameters may have slashes.
    let names = &path[..path.find('=').unwrap_or(path.len())];
    let last = text.len() - path.len() + names.rfind('/').map_or(0, |slash| slash + 1);
    // `name:1.2:key=value`, `name:key=value`
    let mut parts = text[last..].split(':');
    let name = parts.next().unwrap_or_default().len();
    let tag = parts.next().filter(|part| !part.contains('=')).map_or(0, |tag| tag.len() + 1);
    Some(last + name + tag)
}

/// The folder of all pulled packages: `filmgate/packages` in `$XDG_DATA_HOME` or `~/.local/share`.
pub fn folder() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    let data = set("XDG_DATA_HOME").or_else(|| set("HOME").map(|home| home.join(".local/share")));
    data.map(|data| data.join("filmgate/packages"))
}

/// The folder of the package whose manifest has this digest.
pub fn folder_of(digest: &str) -> Option<PathBuf> {
    folder().map(|all| all.join(format!("sha256-{digest}")))
}

/// A package on this machine.
#[derive(Clone, Debug)]
pub struct Pulled {
    /// `oci://…@sha256:…`, as it was pulled
    pub name: String,
    /// the component
    pub path: PathBuf,
    /// whether it came with a signature; whose it is, `plugin pull` says
    pub signed: bool,
}

/// All packages on this machine, by name. What cannot be read is left out.
pub fn pulled() -> Vec<Pulled> {
    let folders = folder().and_then(|all| std::fs::read_dir(all).ok());
    let folders = folders.into_iter().flatten().flatten().map(|entry| entry.path());
    let mut all: Vec<Pulled> = folders
        .filter_map(|folder| {
            let digest = folder.file_name()?.to_str()?.strip_prefix("sha256-")?.to_owned();
            let name = std::fs::read_to_string(folder.join(NAME)).ok()?;
            let (bare, _) = split_digest(name.trim()).ok()?;
            let name = format!("{bare}{AT}{digest}");
            let signed = folder.join(SIGNATURE).is_file();
            Some(Pulled { name, path: folder.join(COMPONENT), signed })
        })
        .collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

/// The component of `oci://…`, which was pulled, by its digest or that of [`LOCK`].
pub(super) fn locate(name: &str) -> Result<Located, PluginError> {
    let syntax = |reason| PluginError::Syntax { text: name.to_owned(), reason };
    let (bare, digest) = split_digest(name).map_err(syntax)?;
    let digest = match digest {
        Some(digest) => digest.to_owned(),
        None => locked(bare, Path::new(LOCK))?.ok_or_else(|| {
            syntax(format!(
                "a package is named by its digest, {bare}{AT}…, or {LOCK} has its digest; \
                 `filmgate plugin pull {bare} --lock` writes that"
            ))
        })?,
    };
    let missing = || PluginError::NotPulled { name: bare.to_owned(), digest: digest.clone() };
    let folder = folder_of(&digest).ok_or_else(missing)?;
    let path = folder.join(MANIFEST);
    let manifest = match read_plain(&path, MANIFEST_BYTES) {
        Ok(manifest) => manifest,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Err(missing()),
        Err(source) => return Err(PluginError::Read { path, source }),
    };
    let found = filmgate_core::digest::of_bytes(&manifest);
    if found != digest {
        return Err(PluginError::Digest { path, expected: digest, found });
    }
    let component = component_of(&manifest)
        .map_err(|reason| PluginError::NotAComponent { path: path.clone(), reason })?;
    Ok(Located { path: folder.join(COMPONENT), sha256: Some(component.sha256) })
}

/// The digest of `name` in a lock file: a line `NAME@sha256:…` for each package.
///
/// # Errors
/// `Read` where there is one that cannot be read.
pub fn locked(name: &str, lock: &Path) -> Result<Option<String>, PluginError> {
    let text = match std::fs::read_to_string(lock) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(PluginError::Read { path: lock.to_owned(), source }),
    };
    let pairs = text.lines().filter_map(|line| split_digest(line.trim()).ok());
    let mut digests = pairs.filter(|(n, _)| *n == name).filter_map(|(_, digest)| digest);
    Ok(digests.next().map(str::to_owned))
}

/// What a manifest says of its component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// in hexadecimal
    pub sha256: String,
    pub size: u64,
}

/// The component in an OCI image manifest (image specification, manifest.md): its only layer of a
/// WebAssembly type, as `wkg` and filmgate write it.
///
/// # Errors
/// What is wrong with the manifest.
pub fn component_of(manifest: &[u8]) -> Result<Layer, String> {
    #[derive(serde::Deserialize)]
    struct Manifest {
        layers: Vec<Descriptor>,
    }
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Descriptor {
        media_type: String,
        digest: String,
        size: u64,
    }
    let manifest: Manifest =
        serde_json::from_slice(manifest).map_err(|e| format!("is no manifest of a plugin: {e}"))?;
    let mut layers = manifest.layers.iter().filter(|l| l.media_type == "application/wasm");
    let (Some(layer), None) = (layers.next(), layers.next()) else {
        return Err("holds no WebAssembly component, or several".to_owned());
    };
    let named = format!("x@{}", layer.digest);
    match split_digest(&named)? {
        (_, Some(sha256)) => Ok(Layer { sha256: sha256.to_owned(), size: layer.size }),
        _ => Err(format!("names its component by {}, not by its SHA-256", layer.digest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn names_end_where_their_digest_does() {
        let name = |text: &str| name_length(text).map(|n| text[..n].to_owned());
        let pinned = format!("glow@sha256:{HEX}");
        assert_eq!(name(&pinned), Some(pinned.clone()));
        assert_eq!(name(&format!("{pinned}:a=1,b=2")), Some(pinned.clone()));
        for package in ["oci://h:5000/a/glow", "oci://h/glow:1.2", "oci://h:5000/glow:1.2"] {
            assert_eq!(name(package).as_deref(), Some(package));
            assert_eq!(name(&format!("{package}:a=h/x")).as_deref(), Some(package), "{package}");
            let pinned = format!("{package}@sha256:{HEX}");
            assert_eq!(name(&format!("{pinned}:a=1")), Some(pinned));
        }
        assert_eq!(name("glow:text=a@sha256:b"), None);
        assert_eq!(name("glow"), None);
    }

    #[test]
    fn digests_are_complete() {
        assert_eq!(split_digest("glow"), Ok(("glow", None)));
        assert_eq!(split_digest(&format!("glow@sha256:{HEX}")), Ok(("glow", Some(HEX))));
        for digest in ["", "12", &HEX[1..], &HEX.to_uppercase(), &format!("{HEX}0")] {
            assert!(split_digest(&format!("glow@sha256:{digest}")).is_err(), "{digest}");
        }
    }
}
