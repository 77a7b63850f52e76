//! Where plugins are looked for, and what is found there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::error::PluginError;
use super::package::{self, Located};

/// The folders in which plugins are looked for, the first to win. A name that stands in several
/// is taken from the first.
///
/// `FILMGATE_PLUGIN_PATH` (several, with `:` between them), `$XDG_DATA_HOME/filmgate/plugins`,
/// beside the executable (`plugins`, and `../lib/filmgate/plugins` for an installed one), and the
/// system's folders.
pub fn folders() -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = Vec::new();
    if let Some(path) = std::env::var_os("FILMGATE_PLUGIN_PATH") {
        all.extend(std::env::split_paths(&path).filter(|p| !p.as_os_str().is_empty()));
    }
    let home = std::env::var_os("HOME").map(PathBuf::from).filter(|p| p.is_absolute());
    let data = std::env::var_os("XDG_DATA_HOME")
        .map(PathBuf::from)
        .filter(|p| p.is_absolute())
        .or_else(|| home.map(|h| h.join(".local/share")));
    all.extend(data.map(|d| d.join("filmgate/plugins")));
    if let Some(beside) = executable_folder() {
        all.push(beside.join("plugins"));
        all.extend(beside.parent().map(|p| p.join("lib/filmgate/plugins")));
    }
    all.push(PathBuf::from("/usr/local/lib/filmgate/plugins"));
    all.push(PathBuf::from("/usr/lib/filmgate/plugins"));
    // By whatever path it is reached, a folder is one.
    let mut seen = BTreeSet::new();
    all.retain(|p| seen.insert(p.canonicalize().unwrap_or_else(|_| p.clone())));
    all
}

fn executable_folder() -> Option<PathBuf> {
    let executable = std::env::current_exe().ok()?;
    Some(executable.canonicalize().unwrap_or(executable).parent()?.to_owned())
}

/// A plugin's file, not yet loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// the file's name without `.wasm`: what `-p` takes
    pub name: String,
    pub path: PathBuf,
    /// the file of the same name in an earlier folder that is taken instead
    pub hidden_by: Option<PathBuf>,
}

/// All plugins in `folders`, by folder and name. Folders that do not exist or cannot be read
/// hold none; the second list names the latter with the reason.
pub fn find_all(folders: &[PathBuf]) -> (Vec<Found>, Vec<(PathBuf, std::io::Error)>) {
    let (mut all, mut unreadable) = (Vec::<Found>::new(), Vec::new());
    for folder in folders {
        match files_of(folder) {
            Ok(files) => {
                for path in files {
                    let Some(name) = path.file_stem().map(|s| s.to_string_lossy().into_owned())
                    else {
                        continue;
                    };
                    let hidden_by = all.iter().find(|f| f.name == name).map(|f| f.path.clone());
                    all.push(Found { name, path, hidden_by });
                }
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => unreadable.push((folder.clone(), e)),
        }
    }
    (all, unreadable)
}

fn files_of(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "wasm") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The file of a plugin: itself, when `name` is a path (it holds a `/` or ends in `.wasm`), else
/// `NAME.wasm` in the first of `folders` that has it.
///
/// # Errors
/// `NotFound`, with the nearest name that there is; `Read` for a path that is not there.
pub fn find(name: &str, folders: &[PathBuf]) -> Result<PathBuf, PluginError> {
    locate(name, folders).map(|located| located.path)
}

/// As [`find`], with the digest that the file has to have where `name` ends in `@sha256:…` or is
/// that of a package, `oci://…`. [`Plugin::load_located`](crate::Plugin::load_located) checks it.
///
/// # Errors
/// As [`find`]; `Syntax` for a package without a digest, `NotPulled`, and `Digest`.
pub fn locate(name: &str, folders: &[PathBuf]) -> Result<Located, PluginError> {
    if name.starts_with(package::SCHEME) {
        return package::locate(name);
    }
    let syntax = |reason| PluginError::Syntax { text: name.to_owned(), reason };
    let (name, digest) = package::split_digest(name).map_err(syntax)?;
    let path = find_file(name, folders)?;
    Ok(Located { path, sha256: digest.map(str::to_owned) })
}

fn find_file(name: &str, folders: &[PathBuf]) -> Result<PathBuf, PluginError> {
    if name.contains('/') || name.ends_with(".wasm") {
        let path = PathBuf::from(name);
        return match path.metadata() {
            Ok(_) => Ok(path),
            Err(source) => Err(PluginError::Read { path, source }),
        };
    }
    let (all, _) = find_all(folders);
    if let Some(found) = all.iter().find(|f| f.name == name) {
        return Ok(found.path.clone());
    }
    Err(PluginError::NotFound {
        name: name.to_owned(),
        nearest: nearest(
            name.split('=').next().unwrap_or(name),
            all.iter().map(|f| f.name.as_str()),
        )
        .map(str::to_owned),
        searched: folders.iter().filter(|f| f.is_dir()).cloned().collect(),
    })
}

/// The name that was probably meant: at most a third of it wrong, or the beginning of one.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (name.chars().count() / 3).max(1);
    known
        .map(|k| (strsim::damerau_levenshtein(name, k), k))
        .filter(|(distance, k)| {
            *distance <= allowed || (name.len() > 2 && (k.starts_with(name) || name.starts_with(k)))
        })
        .min()
        .map(|(_, k)| k)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_near() {
        let known = ["emboss", "grayscale", "denoise"];
        assert_eq!(nearest("embos", known.into_iter()), Some("emboss"));
        assert_eq!(nearest("mebsos", known.into_iter()), Some("emboss"));
        assert_eq!(nearest("gray", known.into_iter()), Some("grayscale"));
        assert_eq!(nearest("blur", known.into_iter()), None);
    }

    #[test]
    fn the_first_folder_wins() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        for folder in [&a, &b] {
            std::fs::create_dir(folder).expect("made");
            std::fs::write(folder.join("x.wasm"), "").expect("written");
        }
        std::fs::write(a.join("readme.txt"), "").expect("written");
        let folders = [dir.path().join("none"), b.clone(), a.clone()];
        let (all, unreadable) = find_all(&folders);
        assert!(unreadable.is_empty());
        assert_eq!(all.len(), 2);
        assert_eq!(all[1].hidden_by, Some(b.join("x.wasm")));
        assert_eq!(find("x", &folders).expect("found"), b.join("x.wasm"));
        assert!(matches!(find("y", &folders), Err(PluginError::NotFound { .. })));
        assert!(matches!(find("./y.wasm", &folders), Err(PluginError::Read { .. })));
    }
}
