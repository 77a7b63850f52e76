//! What `--version` tells of the build: the compiler, and the version of wasmtime.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-env=FILMGATE_RUSTC={}", rustc().unwrap_or_default());
    println!("cargo:rustc-env=FILMGATE_WASMTIME={}", wasmtime().unwrap_or_default());
    println!("cargo:rustc-env=FILMGATE_TARGET={}", env::var("TARGET").unwrap_or_default());
}

fn rustc() -> Option<String> {
    let output = Command::new(env::var_os("RUSTC")?).arg("--version").output().ok()?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

/// The locked version of wasmtime, which does not tell it itself. In the repository the lock file
/// stands two folders above, in a package in it.
fn wasmtime() -> Option<String> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR")?);
    let locks = [here.join("../../Cargo.lock"), here.join("Cargo.lock")];
    let lock = locks.iter().find(|path| path.exists())?;
    println!("cargo:rerun-if-changed={}", lock.display());
    let text = fs::read_to_string(lock).ok()?;
    let mut lines = text.lines().skip_while(|line| *line != "name = \"wasmtime\"");
    let version = lines.nth(1)?.strip_prefix("version = \"")?.strip_suffix('"')?;
    Some(version.to_owned())
}
