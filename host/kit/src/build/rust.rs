//! Rust: cargo, for wasm32-unknown-unknown, which asks for nothing that the contract does not have.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Made, read};
use crate::error::KitError;
use crate::tools;

const TARGET: &str = "wasm32-unknown-unknown";
/// Debian's compiler, which comes with the sources of its standard library.
const DEBIAN: &str = "/usr/bin/rustc";

pub(super) fn module(folder: &Path) -> Result<Made, KitError> {
    let cargo = tools::find("cargo", &rustup()).ok_or_else(|| KitError::Tool {
        tool: "cargo".to_owned(),
        how: "install Rust: https://rustup.rs".to_owned(),
    })?;
    let std = std_for_wasm().ok_or_else(|| KitError::Tool {
        tool: format!("Rust's standard library for {TARGET}"),
        how: format!(
            "run `rustup target add {TARGET}` (Debian: apt install rustc-web rust-web-src lld)"
        ),
    })?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(folder.join("target"), PathBuf::from);
    let mut command = Command::new(cargo);
    command.args(["build", "--release", "--lib", "--target", TARGET, "--target-dir"]).arg(&target);
    command.env_remove("RUSTFLAGS").env("CARGO_ENCODED_RUSTFLAGS", flags(folder));
    if let Std::Compiled { linker } = std {
        command.env("RUSTC", DEBIAN).env("RUSTC_BOOTSTRAP", "1");
        command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        command.arg("-Zbuild-std=std,panic_abort");
    }
    tools::run(folder, &mut command)?;
    let output = target.join(TARGET).join("release").join(library(folder)?);
    Ok(Made::Module { bytes: read(&output)?, carries_wit: true })
}

/// The flags of .cargo/config.toml, which the variable replaces, and names for folders that differ
/// from machine to machine and would be in the messages of panics.
fn flags(folder: &Path) -> OsString {
    let mut flags = OsString::from("-Ctarget-feature=+simd128");
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let cargo = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| home.map(|home| home.join(".cargo")));
    let renamed = [(Some(folder.to_owned()), "."), (cargo, "cargo")];
    for (path, name) in renamed {
        let Some(path) = path else { continue };
        flags.push("\u{1f}--remap-path-prefix=");
        flags.push(path);
        flags.push(format!("={name}"));
    }
    flags
}

/// The file that cargo makes of the package: its name is in Cargo.toml.
fn library(folder: &Path) -> Result<String, KitError> {
    let path = folder.join("Cargo.toml");
    let text = std::fs::read_to_string(&path).map_err(KitError::file(&path))?;
    let wrong = |reason: String| KitError::Manifest { path: path.clone(), reason };
    let manifest: toml::Table = toml::from_str(&text).map_err(|e| wrong(e.to_string()))?;
    let name = |table: &str| manifest.get(table)?.get("name")?.as_str();
    let name = name("lib").or_else(|| name("package"));
    let name = name.ok_or_else(|| wrong("it names no package".to_owned()))?;
    Ok(format!("{}.wasm", name.replace('-', "_")))
}

/// Where the standard library for WebAssembly comes from.
pub(crate) enum Std {
    /// with the compiler
    Ready,
    /// compiled along, by Debian's compiler
    Compiled { linker: PathBuf },
}

pub(crate) fn std_for_wasm() -> Option<Std> {
    let rustc = tools::find("rustc", &rustup());
    if rustc.as_deref().is_some_and(has_target) {
        return Some(Std::Ready);
    }
    let sysroot = tools::ask(Path::new(DEBIAN), &["--print", "sysroot"])?;
    let sources = Path::new(&sysroot).join("lib/rustlib/src/rust/library/Cargo.lock");
    let linker = tools::find("wasm-ld", &[])?;
    sources.is_file().then_some(Std::Compiled { linker })
}

fn has_target(rustc: &Path) -> bool {
    let Some(folder) = tools::ask(rustc, &["--print", "target-libdir", "--target", TARGET]) else {
        return false;
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.into_iter().any(|e| e.file_name().to_string_lossy().starts_with("libcore-"))
}

/// Where rustup puts its programs, which a fresh shell does not have on its PATH yet.
pub(crate) fn rustup() -> Vec<PathBuf> {
    Vec::from_iter(std::env::var_os("CARGO_HOME").map(|home| PathBuf::from(home).join("bin")))
}
