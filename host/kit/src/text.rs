//! The files that are in the program: templates, the Rust SDK, and the contract.

use std::path::Path;

use include_dir::{Dir, include_dir};

use crate::error::KitError;

pub(crate) static TEMPLATES: Dir = include_dir!("$CARGO_MANIFEST_DIR/templates");
pub(crate) static SDK: Dir = include_dir!("$CARGO_MANIFEST_DIR/../../plugins/sdk/src");
/// The few functions of a C library that a plugin in C needs.
pub(crate) static LIBC: Dir =
    include_dir!("$CARGO_MANIFEST_DIR/../../plugins/examples/emboss-c/libc");
pub(crate) static WIT: Dir = include_dir!("$CARGO_MANIFEST_DIR/../../wit");

/// All files below a folder, each with its path in it.
pub(crate) fn files<'a>(dir: &'a Dir<'a>) -> Vec<(&'a Path, &'a str)> {
    let mut all: Vec<_> =
        dir.files().filter_map(|f| Some((f.path(), f.contents_utf8()?))).collect();
    all.extend(dir.dirs().flat_map(files));
    all
}

/// Writes a file, and the folders above it.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), KitError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(KitError::file(folder))?;
    }
    std::fs::write(path, text).map_err(KitError::file(path))
}
