//! JavaScript and TypeScript: componentize-qjs puts an interpreter and the program into one
//! component; esbuild takes the types out of TypeScript and bundles what is imported.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Made, Options, read};
use crate::error::KitError;
use crate::language::Language;
use crate::manifest::Manifest;
use crate::tools;

/// The packager, and the version that the template asks for.
pub(crate) const TOOL: &str = "componentize-qjs";
pub(crate) const BUNDLER: &str = "esbuild";

pub(super) fn component(
    folder: &Path,
    work: &Path,
    manifest: &Manifest,
    options: Options,
) -> Result<Made, KitError> {
    let mut source = folder.join(manifest.language.source());
    if manifest.language == Language::Ts {
        let bundle = work.join("plugin.js");
        let mut command = Command::new(tool(folder, BUNDLER)?);
        command.arg(&source).args(["--bundle", "--format=esm", "--log-level=warning"]);
        command.arg(format!("--outfile={}", bundle.display()));
        tools::run(folder, &mut command)?;
        source = bundle;
    }
    let output = work.join("plugin.wasm");
    let mut command = Command::new(tool(folder, TOOL)?);
    command.args(["--wit", "wit", "--world", manifest.kind.world(), "--sync", "--js"]);
    command.arg(&source).args((!options.debug).then_some("--stub-wasi"));
    command.arg("--output").arg(&output);
    tools::run(folder, &mut command)?;
    Ok(Made::Component(read(&output)?))
}

fn own(folder: &Path) -> Vec<PathBuf> {
    vec![folder.join("node_modules/.bin")]
}

/// A tool of package.json; where it is not there yet, npm installs what package.json names into the
/// plugin's own folder, as cargo does for Rust.
fn tool(folder: &Path, name: &str) -> Result<PathBuf, KitError> {
    if let Some(tool) = tools::find(name, &own(folder)) {
        return Ok(tool);
    }
    let missing = |tool: &str, how: &str| KitError::Tool { tool: tool.into(), how: how.into() };
    let npm = tools::find("npm", &[])
        .ok_or_else(|| missing("npm", "install Node.js 20 or newer (https://nodejs.org)"))?;
    tools::run(folder, Command::new(npm).args(["install", "--no-audit", "--no-fund", "--silent"]))?;
    tools::find(name, &own(folder))
        .ok_or_else(|| missing(name, &format!("name it in package.json, or npm install {name}")))
}
