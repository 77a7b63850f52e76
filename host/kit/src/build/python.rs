//! Python: componentize-py puts the interpreter and the program into one component.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Made, Options, read};
use crate::error::KitError;
use crate::language::Kind;
use crate::tools;

/// The packager, and the version that the template asks for.
pub(crate) const TOOL: &str = "componentize-py";

pub(super) fn component(
    folder: &Path,
    work: &Path,
    kind: Kind,
    options: Options,
) -> Result<Made, KitError> {
    let tool = match tools::find(TOOL, &own(folder)) {
        Some(tool) => tool,
        None => install(folder)?,
    };
    let output = work.join("plugin.wasm");
    let mut command = Command::new(tool);
    command.args(["-d", "wit", "-w", kind.world(), "componentize"]);
    command.args((!options.debug).then_some("--stub-wasi"));
    command.args(["plugin", "-o"]).arg(&output);
    // The order of sets and names is the same in each build.
    command.env("PYTHONHASHSEED", "0").env("PYTHONDONTWRITEBYTECODE", "1");
    tools::run(folder, &mut command)?;
    Ok(Made::Component(read(&output)?))
}

fn own(folder: &Path) -> Vec<PathBuf> {
    vec![folder.join(".venv/bin")]
}

/// Installs what requirements.txt names into the plugin's own folder, as cargo does for Rust.
fn install(folder: &Path) -> Result<PathBuf, KitError> {
    let missing = |tool: &str, how: &str| KitError::Tool { tool: tool.into(), how: how.into() };
    let python = tools::find("python3", &[])
        .ok_or_else(|| missing("python3", "install Python 3.10 or newer (Debian: python3-venv)"))?;
    tools::run(folder, Command::new(python).args(["-m", "venv", ".venv"]))?;
    let mut pip = Command::new(folder.join(".venv/bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", "-r", "requirements.txt"]);
    tools::run(folder, &mut pip)?;
    tools::find(TOOL, &own(folder))
        .ok_or_else(|| missing(TOOL, "name it in requirements.txt, or pip install componentize-py"))
}
