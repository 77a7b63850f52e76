//! Programs that the author installed: found, asked, and run.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::KitError;

/// The program of that name: in `first`, else on the PATH.
pub(crate) fn find(name: &str, first: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = first.iter().cloned().chain(std::env::split_paths(&path));
    folders.filter(|f| f.is_absolute()).map(|folder| folder.join(name)).find(|p| is_program(p))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

/// What a program prints on stdout; none where it cannot be started or fails.
pub(crate) fn ask(program: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    let output =
        command.args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs a compiler in `folder`. What it says goes to stderr as it is.
pub(crate) fn run(folder: &Path, command: &mut Command) -> Result<(), KitError> {
    run_asking(folder, command.stdin(Stdio::null()))
}

/// The same for a program that may ask for something on the terminal.
pub(crate) fn run_asking(folder: &Path, command: &mut Command) -> Result<(), KitError> {
    let name = shown(command.get_program().to_owned(), command);
    let status = command
        .current_dir(folder)
        .stdout(std::io::stderr())
        .status()
        .map_err(KitError::file(Path::new(command.get_program())))?;
    if status.success() {
        return Ok(());
    }
    Err(KitError::Compiler { folder: folder.to_owned(), command: name, code: status.code() })
}

/// The program with its first argument: enough to know what was run.
fn shown(program: OsString, command: &Command) -> String {
    let name = Path::new(&program).file_name().unwrap_or(&program).to_string_lossy().into_owned();
    match command.get_args().next().map(|a| a.to_string_lossy()) {
        Some(first) if !first.starts_with('-') && !first.contains('/') => format!("{name} {first}"),
        _ => name,
    }
}
