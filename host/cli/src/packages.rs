//! `filmgate plugin push` and `pull`: plugins in OCI registries.

use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;
use serde_json::json;

use super::exit::Exit;
use super::out::{line, print, print_json};
use filmgate_core::cancel::Cancel;
use filmgate_core::frame::PlanePool;
use filmgate_kit::registry::{self, Address, Keys, Package};
use filmgate_plugin::{CodeCache, Engine, Limits, Plugin, catalogue, package};

#[derive(Debug, Subcommand)]
pub enum PackageCommand {
    /// Push a plugin to an OCI registry; prints the name with the digest by which to use it
    ///
    /// FILMGATE_REGISTRY_USER and FILMGATE_REGISTRY_PASSWORD log in. Registries on this machine
    /// (localhost, 127.0.0.1) are asked by http, all others by https.
    Push {
        /// Name a plugin of the plugin folders, or the path of a .wasm file
        plugin: String,
        /// Push to this address: oci://REGISTRY/NAME:TAG
        #[arg(value_name = "ADDRESS")]
        to: Address,
        /// Sign the digest with this secret key of minisign, which asks for its password
        #[arg(long, value_name = "KEY")]
        sign: Option<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Pull a plugin from an OCI registry to this machine, verified by digest and signature
    ///
    /// `-p` takes the name that is printed, without a network. The file keys.toml in
    /// ~/.config/filmgate says which keys sign which packages.
    Pull {
        /// Pull from this address: oci://REGISTRY/NAME:TAG, best with @sha256:…
        #[arg(value_name = "ADDRESS")]
        from: Address,
        /// Write the digest of the tag to a lock file, and refuse a tag that was moved since [default without a value: filmgate.lock]
        #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = package::LOCK)]
        lock: Option<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(command: PackageCommand, cancel: &Cancel) -> Result<Exit> {
    let (package, as_json) = match command {
        PackageCommand::Push { plugin, to, sign, json } => {
            let engine = Engine::new(&CodeCache::ForUser, &PlanePool::new(), cancel)?;
            let located = catalogue::locate(&plugin, &catalogue::folders())?;
            let plugin = Plugin::load_located(&engine, &located, &Limits::default())?;
            (registry::push(&plugin, &to, sign.as_deref())?, json)
        }
        PackageCommand::Pull { from, lock, json } => {
            let keys = Keys::of_user()?;
            let package = match lock {
                Some(file) => registry::lock(&from, &keys, &file)?,
                None => registry::pull(&from, &keys)?,
            };
            (package, json)
        }
    };
    show(&package, as_json)?;
    Ok(Exit::Done)
}

fn show(package: &Package, as_json: bool) -> Result<()> {
    if as_json {
        return print_json(&json!({
            "name": package.name,
            "sha256": package.component,
            "size": package.size,
            "signed_by": package.signed_by,
            "path": package.path.as_ref().map(|p| p.to_string_lossy()),
        }));
    }
    let mut out = String::new();
    line!(out, "{}", package.name);
    line!(out, "  component   {} bytes, sha256:{}", package.size, package.component);
    if let Some(path) = &package.path {
        let signed = package.signed_by.as_ref().map_or_else(
            || "not checked: keys.toml names no keys for it".to_owned(),
            |key| format!("by {key}"),
        );
        line!(out, "  signature   {signed}");
        line!(out, "  file        {}", path.display());
    }
    print(&out)
}
