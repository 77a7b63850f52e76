//! Packages in OCI registries: pushed, pulled by digest, signed. A package is what `wkg` makes of a
//! component: a configuration of type `application/vnd.wasm.config.v0+json`, and one layer.

mod address;
mod client;
mod keys;
mod lock;

use std::io::Write;
use std::path::{Path, PathBuf};

use oci_client::RegistryOperation;
use serde_json::json;

use crate::error::KitError;
use crate::tools;
pub use address::Address;
use client::{Remote, digest_of};
use filmgate_core::digest;
use filmgate_core::publish::Aside;
use filmgate_plugin::package::{self, COMPONENT, MANIFEST, NAME, SCHEME, SIGNATURE};
use filmgate_plugin::{COMPONENT_BYTES, Plugin, PluginError, read_plain};
pub use keys::Keys;
pub use lock::lock;

/// The type of the configuration, which makes a package one of WebAssembly.
const CONFIG_TYPE: &str = "application/vnd.wasm.config.v0+json";
const LAYER_TYPE: &str = "application/wasm";
const SIGNATURE_TYPE: &str = "application/vnd.filmgate.minisign.v1";
const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";
/// A signature has four lines.
const SIGNATURE_BYTES: u64 = 4096;

/// A package in a registry or on this machine.
#[derive(Clone, Debug)]
pub struct Package {
    /// `oci://REGISTRY/NAME:TAG@sha256:…`, as it was asked for, with the manifest's digest
    pub name: String,
    /// the SHA-256 of the component, in hexadecimal
    pub component: String,
    pub size: u64,
    /// the key that signed it, in minisign's base64
    pub signed_by: Option<String>,
    /// where the component is on this machine; none for one that was pushed
    pub path: Option<PathBuf>,
}

/// Puts a plugin into a registry, and with `key`, a file of minisign's, its signature.
///
/// # Errors
/// [`KitError::Usage`] for an address with a digest, [`KitError::Tool`] without minisign,
/// [`KitError::Denied`], [`KitError::Unreachable`].
pub fn push(plugin: &Plugin, to: &Address, key: Option<&Path>) -> Result<Package, KitError> {
    if to.digest().is_some() {
        let message = format!("{to}: a digest is made by pushing; leave out @sha256:…");
        return Err(KitError::Usage(message));
    }
    let path = &plugin.path;
    let component = read_plain(path, COMPONENT_BYTES)
        .map_err(|source| PluginError::Read { path: path.clone(), source })?;
    let (config, manifest) = manifest(plugin, &component);
    let digest = digest::of_bytes(&manifest);
    // Before anything is uploaded: a package that cannot be signed is not pushed.
    let signature = key.map(|key| sign(&digest, key)).transpose()?;
    let remote = Remote::new(to)?;
    remote.run(RegistryOperation::Push, async |remote| {
        remote.push_blob(&component).await?;
        remote.push_blob(&config).await?;
        remote.push_manifest(&remote.tagged(&to.tag()), &manifest).await?;
        if let Some(signature) = &signature {
            remote.push_blob(signature).await?;
            remote.push_blob(b"{}").await?;
            let tag = remote.tagged(&signature_tag(&digest));
            remote.push_manifest(&tag, &signature_manifest(signature)).await?;
        }
        Ok(())
    })?;
    Ok(Package {
        name: to.with_digest(&digest),
        component: digest::of_bytes(&component),
        size: component.len() as u64,
        signed_by: None,
        path: None,
    })
}

/// The configuration and the manifest of a package: nothing of the time or the machine is in it, so
/// that the same component gives the same digest.
fn manifest(plugin: &Plugin, component: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let config = json!({
        "architecture": "wasm", "os": "wasip2",
        "layerDigests": [format!("sha256:{}", digest::of_bytes(component))],
    })
    .to_string();
    let about = &plugin.description;
    let more = |key: &str| about.more.iter().find(|(k, _)| k == key).map(|(_, v)| v.clone());
    let mut annotations = serde_json::Map::new();
    for (key, value) in [
        ("title", Some(about.name.clone())),
        ("version", Some(about.version.clone())),
        ("description", Some(about.summary.clone())),
        ("licenses", more("license")),
        ("authors", more("author")),
        ("url", more("homepage")),
    ] {
        if let Some(value) = value {
            annotations.insert(format!("org.opencontainers.image.{key}"), value.into());
        }
    }
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": client::MANIFEST_TYPE,
        "config": descriptor(CONFIG_TYPE, config.as_bytes()),
        "layers": [descriptor(LAYER_TYPE, component)],
        "annotations": annotations,
    });
    (config.into_bytes(), manifest.to_string().into_bytes())
}

fn descriptor(media_type: &str, bytes: &[u8]) -> serde_json::Value {
    json!({ "mediaType": media_type, "digest": digest_of(bytes), "size": bytes.len() })
}

fn signature_manifest(signature: &[u8]) -> Vec<u8> {
    json!({
        "schemaVersion": 2,
        "mediaType": client::MANIFEST_TYPE,
        "artifactType": SIGNATURE_TYPE,
        "config": descriptor(EMPTY_TYPE, b"{}"),
        "layers": [descriptor(SIGNATURE_TYPE, signature)],
    })
    .to_string()
    .into_bytes()
}

/// Where the signature of a package is: registries without the referrers API have tags alone.
fn signature_tag(digest: &str) -> String {
    format!("sha256-{digest}.minisig")
}

/// What is signed: `sha256:…`, the manifest's digest.
fn signed_text(digest: &str) -> String {
    format!("sha256:{digest}")
}

/// Lets minisign sign the digest; it asks for the key's password.
fn sign(digest: &str, key: &Path) -> Result<Vec<u8>, KitError> {
    let minisign = tools::find("minisign", &[]).ok_or_else(|| KitError::Tool {
        tool: "minisign".to_owned(),
        how: "install it (Debian, Fedora, Homebrew: minisign)".to_owned(),
    })?;
    let folder = std::env::temp_dir().join(format!("filmgate-sign-{}", std::process::id()));
    std::fs::create_dir(&folder).map_err(KitError::file(&folder))?;
    let signed = sign_in(&folder, &minisign, digest, key);
    let _ = std::fs::remove_dir_all(&folder);
    signed
}

fn sign_in(folder: &Path, minisign: &Path, digest: &str, key: &Path) -> Result<Vec<u8>, KitError> {
    let (message, signature) = (folder.join("digest"), folder.join("digest.minisig"));
    std::fs::write(&message, signed_text(digest)).map_err(KitError::file(&message))?;
    let key = std::path::absolute(key).map_err(KitError::file(key))?;
    let mut command = std::process::Command::new(minisign);
    command.arg("-S").arg("-s").arg(key).arg("-m").arg(&message).arg("-x").arg(&signature);
    tools::run_asking(folder, &mut command)?;
    std::fs::read(&signature).map_err(KitError::file(&signature))
}

/// Fetches a package to this machine, checked by its digest and the keys that are trusted. What was
/// fetched before is checked again, without a network, where the address has a digest.
///
/// # Errors
/// [`KitError::Missing`], [`KitError::Denied`], [`KitError::Unreachable`],
/// [`KitError::NotVerified`] with both digests or the reason why no signature is good.
pub fn pull(from: &Address, keys: &Keys) -> Result<Package, KitError> {
    if let Some(digest) = from.digest()
        && let Some(package) = pulled(from, digest, keys)?
    {
        return Ok(package);
    }
    let remote = Remote::new(from)?;
    let wanted = keys.for_package(&from.without_digest());
    let (manifest, component, signature) = remote.run(RegistryOperation::Pull, async |remote| {
        let manifest = remote.pull_manifest(&remote.reference()).await?;
        let digest = digest::of_bytes(&manifest);
        from.check(&digest)?;
        let layer = layer(from, &manifest)?;
        let component = remote.pull_blob(&layer.sha256, layer.size, COMPONENT_BYTES).await?;
        let signature = match remote.signature(&signature_tag(&digest)).await {
            Err(KitError::Missing { .. }) => None,
            other => Some(other?),
        };
        Ok((manifest, component, signature))
    })?;
    let digest = digest::of_bytes(&manifest);
    let signed_by = keys::verify(from, &digest, signature.as_deref(), &wanted)?;
    let name = from.with_digest(&digest);
    let folder = keep(&digest, &manifest, &component, signature.as_deref(), &name)?;
    Ok(Package {
        name,
        component: digest::of_bytes(&component),
        size: component.len() as u64,
        signed_by,
        path: Some(folder.join(COMPONENT)),
    })
}

/// The digest that the tag of an address stands for in the registry.
fn current(from: &Address) -> Result<String, KitError> {
    let remote = Remote::new(from)?;
    remote.run(RegistryOperation::Pull, async |remote| {
        let manifest = remote.pull_manifest(&remote.tagged(&from.tag())).await?;
        Ok(digest::of_bytes(&manifest))
    })
}

fn layer(from: &Address, manifest: &[u8]) -> Result<package::Layer, KitError> {
    package::component_of(manifest)
        .map_err(|reason| KitError::NotVerified { package: from.to_string(), reason })
}

/// A package that is on this machine; none where it is not, or was damaged and has to be fetched.
fn pulled(from: &Address, digest: &str, keys: &Keys) -> Result<Option<Package>, KitError> {
    let Some(folder) = package::folder_of(digest) else { return Ok(None) };
    let Ok(manifest) = read_plain(&folder.join(MANIFEST), SIGNATURE_BYTES << 10) else {
        return Ok(None);
    };
    let Ok(component) = read_plain(&folder.join(COMPONENT), COMPONENT_BYTES) else {
        return Ok(None);
    };
    if digest::of_bytes(&manifest) != digest
        || digest::of_bytes(&component) != layer(from, &manifest)?.sha256
    {
        return Ok(None);
    }
    let signature = read_plain(&folder.join(SIGNATURE), SIGNATURE_BYTES).ok();
    let wanted = keys.for_package(&from.without_digest());
    let signed_by = keys::verify(from, digest, signature.as_deref(), &wanted)?;
    Ok(Some(Package {
        name: from.with_digest(digest),
        component: digest::of_bytes(&component),
        size: component.len() as u64,
        signed_by,
        path: Some(folder.join(COMPONENT)),
    }))
}

/// Keeps a package on this machine; the manifest comes last, and makes it one.
fn keep(
    digest: &str,
    manifest: &[u8],
    component: &[u8],
    signature: Option<&[u8]>,
    name: &str,
) -> Result<PathBuf, KitError> {
    let folder = package::folder_of(digest).ok_or_else(|| {
        KitError::Usage("there is no folder for packages: set HOME or XDG_DATA_HOME".to_owned())
    })?;
    std::fs::create_dir_all(&folder).map_err(KitError::file(&folder))?;
    let signature = signature.map(|bytes| (SIGNATURE, bytes));
    let files = [(COMPONENT, component), (NAME, name.as_bytes())].into_iter().chain(signature);
    for (name, bytes) in files.chain([(MANIFEST, manifest)]) {
        let path = folder.join(name);
        let aside = Aside::create(&path, true)?;
        aside.file().and_then(|mut f| f.write_all(bytes)).map_err(KitError::file(&path))?;
        aside.publish()?;
    }
    Ok(folder)
}
