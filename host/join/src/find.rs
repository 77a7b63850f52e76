//! Which files a join was given: files, folders and lists become a list of candidates. Only lists
//! are opened here.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::segment::Candidate;
use super::spec::JoinSpec;
use filmgate_core::glob::{self, Globs};
use filmgate_engine::spec::{Fault, SpecError};

/// The longest list of names, in bytes.
const LIST_BYTES: u64 = 64 << 20;

/// A file that may be a segment, and whether the user named it.
pub(super) struct Found {
    pub(super) candidate: Candidate,
    pub(super) named: bool,
}

/// All files that were given, in that order; files of a folder by name.
pub(super) fn candidates(spec: &JoinSpec) -> Result<Vec<Found>, SpecError> {
    let globs = spec.globs()?;
    let mut finder = Finder { null: spec.null, globs: globs.as_ref(), found: Vec::new() };
    for input in &spec.input {
        if input == Path::new("-") {
            let text = read_list(io::stdin().lock(), "standard input")?;
            finder.listed(&text, Path::new(""))?;
        } else {
            finder.add(input)?;
        }
    }
    for list in &spec.list {
        let name = list.display().to_string();
        let file = fs::File::open(list).map_err(|e| missing(format!("--list {name}: {e}")))?;
        let text = read_list(file, &name)?;
        finder.listed(&text, list.parent().unwrap_or(Path::new("")))?;
    }
    Ok(finder.found)
}

fn missing(message: String) -> SpecError {
    SpecError::new(Fault::InputMissing, message)
}

fn read_list(list: impl Read, name: &str) -> Result<Vec<u8>, SpecError> {
    let mut text = Vec::new();
    let failed = |e: String| missing(format!("the list {name}: {e}"));
    list.take(LIST_BYTES + 1).read_to_end(&mut text).map_err(|e| failed(e.to_string()))?;
    if text.len() as u64 > LIST_BYTES {
        return Err(failed(format!("is longer than {} MiB", LIST_BYTES >> 20)));
    }
    Ok(text)
}

struct Finder<'a> {
    null: bool,
    globs: Option<&'a Globs>,
    found: Vec<Found>,
}

impl Finder<'_> {
    fn listed(&mut self, text: &[u8], folder: &Path) -> Result<(), SpecError> {
        let end = if self.null { 0 } else { b'\n' };
        for line in text.split(|b| *b == end) {
            let name = if self.null { line } else { line.strip_suffix(b"\r").unwrap_or(line) };
            if !name.is_empty() {
                self.add(&folder.join(OsStr::from_bytes(name)))?;
            }
        }
        Ok(())
    }

    fn add(&mut self, path: &Path) -> Result<(), SpecError> {
        if !path.is_dir() {
            let name = path.file_name().map_or_else(|| path.to_owned(), PathBuf::from);
            let candidate = Candidate { path: path.to_owned(), name };
            self.found.push(Found { candidate, named: true });
            return Ok(());
        }
        let mut names = Vec::new();
        self.walk(path, Path::new(""), &mut vec![path.to_owned()], &mut names)?;
        names.sort();
        self.found.extend(names.into_iter().map(|name| Found {
            candidate: Candidate { path: path.join(&name), name },
            named: false,
        }));
        Ok(())
    }

    /// Files below `root/below` that the pattern matches; without one, the media files in it.
    /// `above`: the folders on the way, so that a symbolic link to one of them is not followed
    /// around in circles.
    fn walk(
        &self,
        root: &Path,
        below: &Path,
        above: &mut Vec<PathBuf>,
        out: &mut Vec<PathBuf>,
    ) -> Result<(), SpecError> {
        let folder = root.join(below);
        let failed = |e: io::Error| missing(format!("{}: {e}", folder.display()));
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = below.join(entry.file_name());
            let path = root.join(&name);
            if path.is_dir() {
                let enters = self.globs.is_some_and(|globs| globs.enters(&name));
                if enters && !above.iter().any(|a| filmgate_core::publish::same_file(a, &path)) {
                    above.push(path);
                    self.walk(root, &name, above, out)?;
                    above.pop();
                }
            } else if self.takes(&name) {
                out.push(name);
            }
        }
        Ok(())
    }

    fn takes(&self, name: &Path) -> bool {
        match self.globs {
            Some(globs) => globs.is_match(name),
            None => glob::is_media(name) && !glob::is_hidden(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(root: &Path, glob: Option<&str>) -> Vec<String> {
        let globs = glob.map(|g| Globs::new(&[g]).expect("a glob"));
        let mut finder = Finder { null: false, globs: globs.as_ref(), found: Vec::new() };
        finder.add(root).expect("the folder can be read");
        let name = |f: &Found| f.candidate.name.to_string_lossy().into_owned();
        finder.found.iter().map(name).collect()
    }

    #[test]
    fn folders_hold_media_files() {
        let dir = tempfile::tempdir().expect("a folder");
        for name in ["b.MP4", "a.ts", "notes.txt", ".out.mp4.7-0.partial", ".hidden.mp4", "-x.mkv"]
        {
            fs::write(dir.path().join(name), "").expect("written");
        }
        fs::create_dir_all(dir.path().join("task/cam.mp4")).expect("made");
        fs::write(dir.path().join("task/cam.mp4/1.mp4"), "").expect("written");
        std::os::unix::fs::symlink(dir.path(), dir.path().join("task/up")).expect("linked");
        assert_eq!(names(dir.path(), None), ["-x.mkv", "a.ts", "b.MP4"]);
        assert_eq!(names(dir.path(), Some("*.t?")), ["a.ts"]);
        assert_eq!(names(dir.path(), Some("{a,b}.{ts,MP4}")), ["a.ts", "b.MP4"]);
        assert_eq!(names(dir.path(), Some("*/cam*/*.mp4")), ["task/cam.mp4/1.mp4"]);
        assert_eq!(names(dir.path(), Some("**/1.mp4")), ["task/cam.mp4/1.mp4"]);
    }
}
