//! Images that a folder or a pattern (`dir/*.png`) stands for. libav's demuxer counts through
//! numbered names and nothing else, so it is given numbered links to them, in a folder of its own.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::error::{MediaError, MediaErrorKind as Kind};
use filmgate_core::glob::{Globs, is_hidden};
use filmgate_core::natural;

/// Extensions of images that libav reads from numbered files.
const EXTENSIONS: [&str; 19] = [
    "png", "jpg", "jpeg", "bmp", "tif", "tiff", "webp", "tga", "ppm", "pgm", "pbm", "pnm", "pam",
    "dpx", "exr", "jp2", "j2k", "sgi", "qoi",
];

/// Whether a name that is no file's is a pattern.
pub(crate) fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?', '['])
}

/// The images of a folder, or of a pattern whose last part has `*`, `?` or `[a-z]`, in natural
/// order. All have one extension.
///
/// # Errors
/// NotFound, Denied; NotMedia where there is no image, or images of several kinds.
pub fn images_of(path: &Path) -> Result<Vec<PathBuf>, MediaError> {
    let (folder, globs) = if path.is_dir() {
        (path, None)
    } else {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let wrong = |why| fail(path, Kind::NotFound, why);
        let globs = Globs::new(&[name]).map_err(wrong)?;
        (path.parent().unwrap_or(Path::new("")), Some(globs))
    };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut files = Vec::new();
    let unreadable = |e: io::Error| {
        let kind = match e.kind() {
            io::ErrorKind::PermissionDenied => Kind::Denied,
            _ => Kind::NotFound,
        };
        fail(path, kind, format!("{}: {e}", folder.display()))
    };
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        let name = file.file_name().map(Path::new).unwrap_or(Path::new(""));
        let is_wanted = match &globs {
            Some(globs) => globs.is_match(name),
            None => !is_hidden(name) && EXTENSIONS.contains(&&*extension(name)),
        };
        if is_wanted && file.is_file() {
            files.push(file);
        }
    }
    files.sort_by(|a, b| natural::compare(a.as_os_str().as_bytes(), b.as_os_str().as_bytes()));
    check_kinds(path, &files)?;
    Ok(files)
}

fn check_kinds(path: &Path, files: &[PathBuf]) -> Result<(), MediaError> {
    let Some(first) = files.first() else {
        let (kind, what) = if path.is_dir() {
            (Kind::NotMedia, "is a directory that holds no images")
        } else {
            (Kind::NotFound, "no file has such a name")
        };
        return Err(fail(path, kind, what.to_owned()));
    };
    let known = extension(first);
    if !EXTENSIONS.contains(&&*known) {
        let what = format!("{} is not an image that is read by a pattern", first.display());
        return Err(fail(path, Kind::NotMedia, what));
    }
    match files.iter().find(|f| extension(f) != known) {
        None => Ok(()),
        Some(other) => {
            let folder = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
            let what = format!(
                "images of several kinds ({} and {}); name one kind: '{}' or '{}'",
                name(first),
                name(other),
                folder.join(format!("*.{known}")).display(),
                folder.join(format!("*.{}", extension(other))).display()
            );
            Err(fail(path, Kind::NotMedia, what))
        }
    }
}

/// Numbered links to files, removed when it is dropped.
pub(crate) struct Links {
    folder: TempDir,
    extension: String,
}

impl Links {
    /// # Errors
    /// Read, where they cannot be made.
    pub(crate) fn to(path: &Path) -> Result<Links, MediaError> {
        let files = images_of(path)?;
        let make = || {
            let folder = tempfile::Builder::new().prefix("filmgate-images-").tempdir()?;
            for (number, file) in files.iter().enumerate() {
                let name = format!("{:09}.{}", number + 1, extension(file));
                symlink(file.canonicalize()?, folder.path().join(name))?;
            }
            Ok(folder)
        };
        let failed = |e: io::Error| fail(path, Kind::Read, format!("cannot be linked to: {e}"));
        let folder = make().map_err(failed)?;
        let extension = files.first().map(|f| extension(f)).unwrap_or_default();
        Ok(Links { folder, extension })
    }

    /// The pattern that libav counts through.
    pub(crate) fn pattern(&self) -> String {
        let folder = self.folder.path().to_string_lossy().replace('%', "%%");
        format!("{folder}/%09d.{}", self.extension)
    }
}

fn extension(path: &Path) -> String {
    path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn fail(path: &Path, kind: Kind, what: String) -> MediaError {
    MediaError::new(kind, format!("open {}: {what}", path.display()))
}
