//! C: clang and wasm-ld, with the few functions of a C library that the template brings along.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Made, read};
use crate::error::KitError;
use crate::language::Kind;
use crate::tools;

pub(super) fn module(folder: &Path, work: &Path, kind: Kind) -> Result<Made, KitError> {
    let clang = clang().ok_or_else(|| missing("clang with a WebAssembly back end", "clang"))?;
    let linker = tools::find("wasm-ld", &[]).ok_or_else(|| missing("wasm-ld", "lld"))?;
    let mut objects = Vec::new();
    // One by one, and linked without clang, which would run a wasm-opt that it finds on the PATH.
    for source in sources(folder)? {
        let object = work.join(format!("{}.o", source.to_string_lossy().replace('/', "-")));
        let mut command = Command::new(&clang);
        command.args(["--target=wasm32-unknown-unknown", "-std=c11", "-O3", "-msimd128"]);
        command.args(["-mbulk-memory", "-ffreestanding", "-Wall", "-Wextra"]);
        command.args(["-isystem", "libc", "-isystem", "bindings", "-I", "."]);
        // Where the folder lies is no part of what is built.
        command.arg(format!("-ffile-prefix-map={}=.", folder.display()));
        command.arg("-c").arg(&source).arg("-o").arg(&object);
        tools::run(folder, &mut command)?;
        objects.push(object);
    }
    let output = work.join("plugin.wasm");
    let mut command = Command::new(linker);
    command.args(["--no-entry", "--strip-all", "--stack-first", "-o"]).arg(&output);
    command.args(objects).arg(object(kind));
    tools::run(folder, &mut command)?;
    Ok(Made::Module { bytes: read(&output)?, carries_wit: true })
}

/// The object that carries the contract.
fn object(kind: Kind) -> String {
    format!("bindings/{}_component_type.o", kind.world().replace('-', "_"))
}

/// The .c files of the folder and its parts, below it, in order.
pub(super) fn sources(folder: &Path) -> Result<Vec<PathBuf>, KitError> {
    let mut all = Vec::new();
    for part in ["", "libc", "bindings"] {
        let path = folder.join(part);
        let entries = std::fs::read_dir(&path).map_err(KitError::file(&path))?;
        for entry in entries {
            let name = entry.map_err(KitError::file(&path))?.file_name();
            let file = Path::new(part).join(name);
            if file.extension().is_some_and(|e| e == "c") {
                all.push(file);
            }
        }
    }
    all.sort();
    Ok(all)
}

fn missing(tool: &str, package: &str) -> KitError {
    KitError::Tool {
        tool: tool.to_owned(),
        how: format!(
            "install it (Debian, Fedora: {package}; macOS: brew install llvm lld), or see `filmgate plugin doctor --lang c`"
        ),
    }
}

/// A clang that compiles for WebAssembly; Apple's does not. `WASM_CC` names one.
pub(crate) fn clang() -> Option<PathBuf> {
    let named = std::env::var_os("WASM_CC").map(PathBuf::from);
    let usual = ["/opt/homebrew/opt/llvm/bin", "/usr/local/opt/llvm/bin"].map(PathBuf::from);
    let found = tools::find("clang", &[]);
    let further = usual.iter().map(|folder| folder.join("clang"));
    named.into_iter().chain(found).chain(further).find(|clang| {
        tools::ask(clang, &["-print-targets"]).is_some_and(|targets| targets.contains("wasm32"))
    })
}
