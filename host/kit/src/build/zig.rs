//! Zig: its own compiler, which compiles the C that joins it to the contract too.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Made, c, read};
use crate::error::KitError;
use crate::language::Kind;
use crate::tools;

pub(super) fn module(folder: &Path, work: &Path, kind: Kind) -> Result<Made, KitError> {
    let (zig, first) = zig().ok_or_else(|| KitError::Tool {
        tool: "zig".to_owned(),
        how: "install it (https://ziglang.org/download, or pip install ziglang)".to_owned(),
    })?;
    let output = work.join("plugin.wasm");
    let world = kind.world().replace('-', "_");
    // What the generated C refers to so that its linker keeps the contract's section; here the
    // contract is put in afterwards.
    let anchor = format!("void __component_type_object_force_link_{world}(void) {{}}\n");
    let stub = work.join("anchor.c");
    std::fs::write(&stub, anchor).map_err(KitError::file(&stub))?;
    let mut command = Command::new(zig);
    command.args(first).args(["build-exe", "plugin.zig"]);
    command.args(["-target", "wasm32-freestanding", "-mcpu", "generic+simd128+bulk_memory"]);
    command.args(["-O", "ReleaseFast", "-fstrip", "-fno-entry", "-rdynamic"]);
    command.args(["-isystem", "libc", "-isystem", "bindings", "-I", "."]);
    command.args(["-cflags", "-std=c11", "-ffreestanding", "-fno-sanitize=undefined", "--"]);
    command.args(c::sources(folder)?).arg(&stub);
    command.arg(format!("-femit-bin={}", output.display()));
    command.arg("--cache-dir").arg(work.join("zig-cache"));
    tools::run(folder, &mut command)?;
    Ok(Made::Module { bytes: read(&output)?, carries_wit: false })
}

/// The program, and the arguments that come first: `zig`, or the one of PyPI's `ziglang`.
pub(crate) fn zig() -> Option<(PathBuf, &'static [&'static str])> {
    if let Some(zig) = tools::find("zig", &[]).or_else(|| tools::find("python-zig", &[])) {
        return Some((zig, &[]));
    }
    let python = tools::find("python3", &[])?;
    tools::ask(&python, &["-m", "ziglang", "version"]).map(|_| (python, &["-m", "ziglang"][..]))
}
