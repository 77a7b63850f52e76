//! A component from a plugin's folder: the language's own compiler makes a module, and what is in
//! this program makes a component of it.

mod c;
mod javascript;
mod python;
mod rust;
mod zig;

use std::io::Write;
use std::path::{Path, PathBuf};

use wasm_metadata::{AddMetadata, AddMetadataField};
use wit_bindgen_core::Files;
use wit_parser::{Resolve, SourceMap, WorldId};

use crate::error::KitError;
use crate::language::{Kind, Language};
use crate::manifest::Manifest;
use crate::text::{WIT, files, write};
use filmgate_core::digest;
use filmgate_core::publish::Aside;
use filmgate_plugin::pack;

pub(crate) use c::clang;
pub(crate) use rust::{rustup, std_for_wasm};
pub(crate) use zig::zig;
pub(crate) use {
    javascript::{BUNDLER, TOOL as QJS},
    python::TOOL as COMPONENTIZE_PY,
};

/// The folder below the plugin's own for what a build leaves.
const BUILD: &str = "build";

/// How to build.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Leave WASI in where a language's runtime asks for it, so that the text of an exception
    /// arrives in the log
    pub debug: bool,
}

/// A component that was built.
#[derive(Clone, Debug)]
pub struct Built {
    pub path: PathBuf,
    pub size: u64,
    /// SHA-256, in hexadecimal
    pub digest: String,
}

/// What a compiler made.
enum Made {
    /// A core module that carries its interface, or does not.
    Module {
        bytes: Vec<u8>,
        carries_wit: bool,
    },
    Component(Vec<u8>),
}

/// Builds the plugin in `folder` to `NAME.wasm` in it.
///
/// # Errors
/// [`KitError::Manifest`], [`KitError::Tool`] for a compiler that is not installed,
/// [`KitError::Compiler`] for one that found mistakes, [`KitError::Component`] for a module that
/// does not fit the contract, and [`KitError::Publish`].
pub fn build(folder: &Path, options: Options) -> Result<Built, KitError> {
    let manifest = Manifest::read(folder)?;
    let folder = folder.canonicalize().map_err(KitError::file(folder))?;
    let work = folder.join(BUILD);
    std::fs::create_dir_all(&work).map_err(KitError::file(&work))?;
    let made = match manifest.language {
        Language::Rust => rust::module(&folder),
        Language::C => c::module(&folder, &work, manifest.kind),
        Language::Zig => zig::module(&folder, &work, manifest.kind),
        Language::Js => javascript::component(&folder, &work, &manifest, options),
        Language::Ts => javascript::component(&folder, &work, &manifest, options),
        Language::Python => python::component(&folder, &work, manifest.kind, options),
    }?;
    let path = folder.join(format!("{}.wasm", manifest.name));
    let wrong = |reason: String| KitError::Component { path: path.clone(), reason };
    let component = match made {
        Made::Module { bytes, carries_wit } => {
            let world = (!carries_wit).then(|| manifest.kind.world());
            pack(&bytes, world, &[]).map_err(wrong)?
        }
        Made::Component(bytes) => bytes,
    };
    let component = described(&manifest, &component).map_err(wrong)?;
    let aside = Aside::create(&path, true)?;
    aside.file().and_then(|mut file| file.write_all(&component)).map_err(KitError::file(&path))?;
    aside.publish()?;
    Ok(Built { size: component.len() as u64, digest: digest::of_bytes(&component), path })
}

/// The component with what `plugin.toml` says in its metadata, as `wasm-tools metadata` shows it.
fn described(manifest: &Manifest, component: &[u8]) -> Result<Vec<u8>, String> {
    let text = |e: anyhow::Error| format!("{e:#}");
    let mut add = AddMetadata::default();
    add.name = AddMetadataField::Set(manifest.name.clone());
    add.language = vec![(manifest.language.name().to_owned(), String::new())];
    add.processed_by = vec![("filmgate".to_owned(), env!("CARGO_PKG_VERSION").to_owned())];
    add.version = AddMetadataField::Set(wasm_metadata::Version::new(manifest.version.clone()));
    if let Some(summary) = &manifest.summary {
        add.description = AddMetadataField::Set(summary.parse().map_err(text)?);
    }
    if let Some(license) = &manifest.license {
        add.licenses = AddMetadataField::Set(license.parse().map_err(text)?);
    }
    if !manifest.authors.is_empty() {
        let authors = manifest.authors.join(", ");
        add.authors = AddMetadataField::Set(authors.parse().map_err(text)?);
    }
    if let Some(source) = &manifest.source {
        add.source = AddMetadataField::Set(source.parse().map_err(text)?);
    }
    add.to_wasm(component).map_err(text)
}

/// The contract that is in this program, and one of its worlds.
fn contract(kind: Kind) -> Result<(Resolve, WorldId), String> {
    let mut sources = SourceMap::new();
    for (path, text) in files(&WIT) {
        if path.extension().is_some_and(|e| e == "wit") {
            sources.push_str(&path.to_string_lossy(), text);
        }
    }
    let mut resolve = Resolve::default();
    let group = sources.parse().map_err(|(_, e)| format!("{e:?}"))?;
    let package = resolve.push_group(group).map_err(|e| format!("{e:?}"))?;
    let world =
        resolve.select_world(&[package], Some(kind.world())).map_err(|e| format!("{e:?}"))?;
    Ok((resolve, world))
}

/// Writes what joins C to the contract to `bindings/`.
pub(crate) fn bindings(folder: &Path, kind: Kind) -> Result<(), KitError> {
    let folder = folder.join("bindings");
    let wrong = |reason: String| KitError::Component { path: folder.clone(), reason };
    let (mut resolve, world) = contract(kind).map_err(wrong)?;
    let mut out = Files::default();
    wit_bindgen_c::Opts::default()
        .build()
        .generate(&mut resolve, world, &mut out)
        .map_err(|e| wrong(format!("{e:#}")))?;
    for (name, bytes) in out.iter() {
        let path = folder.join(name);
        match std::str::from_utf8(bytes) {
            Ok(text) => write(&path, text)?,
            Err(_) => std::fs::write(&path, bytes).map_err(KitError::file(&path))?,
        }
    }
    Ok(())
}

/// Reads what a compiler wrote.
fn read(path: &Path) -> Result<Vec<u8>, KitError> {
    std::fs::read(path).map_err(KitError::file(path))
}
