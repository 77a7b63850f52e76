//! Hands on which FFmpeg the bindings were made for, as `cfg(ffmpeg_6_0)` and so on: a few fields
//! of libav's structures came and went between FFmpeg 5.1 and 9. And what `--version` tells of the
//! build: the compiler, and the version of wasmtime.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// The versions that `src/media/versions.rs` tells apart.
const VERSIONS: [&str; 4] = ["ffmpeg_6_0", "ffmpeg_6_1", "ffmpeg_7_0", "ffmpeg_7_1"];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    for version in VERSIONS {
        println!("cargo:rustc-check-cfg=cfg({version})");
        let key = format!("DEP_FFMPEG_{}", version.to_uppercase());
        if env::var(key).as_deref() == Ok("true") {
            println!("cargo:rustc-cfg={version}");
        }
    }
    println!("cargo:rustc-env=FILMGATE_RUSTC={}", rustc().unwrap_or_default());
    println!("cargo:rustc-env=FILMGATE_WASMTIME={}", wasmtime().unwrap_or_default());
    println!("cargo:rustc-env=FILMGATE_TARGET={}", env::var("TARGET").unwrap_or_default());
}

fn rustc() -> Option<String> {
    let output = Command::new(env::var_os("RUSTC")?).arg("--version").output().ok()?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

/// The locked version of wasmtime, which does not tell it itself. In the repository the lock file
/// stands beside this folder, in a package in it.
fn wasmtime() -> Option<String> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR")?);
    let locks = [here.join("../Cargo.lock"), here.join("Cargo.lock")];
    let lock = locks.iter().find(|path| path.exists())?;
    println!("cargo:rerun-if-changed={}", lock.display());
    let text = fs::read_to_string(lock).ok()?;
    let mut lines = text.lines().skip_while(|line| *line != "name = \"wasmtime\"");
    let version = lines.nth(1)?.strip_prefix("version = \"")?.strip_suffix('"')?;
    Some(version.to_owned())
}
