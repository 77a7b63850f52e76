//! Which files `join` was given: files, folders and lists to a list of candidates. None of them is
//! opened here but the lists.

use std::fs;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use glob::{MatchOptions, Pattern};

use super::exit::{Exit, WithExit};
use super::join_args::JoinArguments;
use filmgate_join::Candidate;

/// Endings of media containers, in small letters.
const ENDINGS: &[&str] = &[
    "mp4", "m4v", "mov", "qt", "mkv", "webm", "ts", "m2ts", "mts", "flv", "avi", "mpg", "mpeg",
    "3gp", "mxf", "wmv", "asf", "ogv", "ogg", "m4a", "mp3", "aac", "wav", "mka", "nut",
];

/// The longest list of names, in bytes.
const LIST_BYTES: u64 = 64 << 20;

/// A file that may be a segment, and whether the user named it himself.
pub(super) struct Found {
    pub(super) candidate: Candidate,
    pub(super) named: bool,
}

/// All that was given, in the order in which it was given; files of a folder by name.
pub(super) fn candidates(arguments: &JoinArguments) -> Result<Vec<Found>> {
    let pattern = arguments.glob.as_deref().map(parse).transpose()?;
    let mut out = Vec::new();
    for input in &arguments.inputs {
        match input == Path::new("-") {
            true => {
                let text = read_list(io::stdin().lock(), "standard input")?;
                listed(&text, Path::new(""), arguments, pattern.as_deref(), &mut out)?;
            }
            false => add(input, pattern.as_deref(), &mut out)?,
        }
    }
    for list in &arguments.list {
        let name = list.display().to_string();
        let missing =
            |e: io::Error| WithExit::new(Exit::InputMissing, format!("--list {name}: {e}"));
        let text = read_list(fs::File::open(list).map_err(missing)?, &name)?;
        let folder = list.parent().unwrap_or(Path::new(""));
        listed(&text, folder, arguments, pattern.as_deref(), &mut out)?;
    }
    Ok(out)
}

fn read_list(list: impl Read, name: &str) -> Result<Vec<u8>, WithExit> {
    let mut text = Vec::new();
    let failed = |e: String| WithExit::new(Exit::InputMissing, format!("the list {name}: {e}"));
    list.take(LIST_BYTES + 1).read_to_end(&mut text).map_err(|e| failed(e.to_string()))?;
    match text.len() as u64 > LIST_BYTES {
        true => Err(failed(format!("is longer than {} MiB", LIST_BYTES >> 20))),
        false => Ok(text),
    }
}

fn listed(
    text: &[u8],
    folder: &Path,
    arguments: &JoinArguments,
    pattern: Option<&[Pattern]>,
    out: &mut Vec<Found>,
) -> Result<()> {
    let end = if arguments.null { 0 } else { b'\n' };
    for name in text.split(|b| *b == end) {
        let name = match arguments.null {
            true => name,
            false => name.strip_suffix(b"\r").unwrap_or(name),
        };
        if !name.is_empty() {
            add(&folder.join(std::ffi::OsStr::from_bytes(name)), pattern, out)?;
        }
    }
    Ok(())
}

fn add(path: &Path, pattern: Option<&[Pattern]>, out: &mut Vec<Found>) -> Result<()> {
    if !path.is_dir() {
        let name = path.file_name().map_or_else(|| path.to_owned(), PathBuf::from);
        out.push(Found { candidate: Candidate { path: path.to_owned(), name }, named: true });
        return Ok(());
    }
    let mut names = Vec::new();
    walk(path, Path::new(""), pattern, &mut names)?;
    names.sort();
    out.extend(
        names.into_iter().map(|name| Found {
            candidate: Candidate { path: path.join(&name), name },
            named: false,
        }),
    );
    Ok(())
}

/// The files below `root/below` that the pattern means; without one, the media files in it.
fn walk(
    root: &Path,
    below: &Path,
    pattern: Option<&[Pattern]>,
    out: &mut Vec<PathBuf>,
) -> Result<()> {
    let folder = root.join(below);
    let missing =
        |e: io::Error| WithExit::new(Exit::InputMissing, format!("{}: {e}", folder.display()));
    let options = MatchOptions { require_literal_leading_dot: true, ..MatchOptions::default() };
    for entry in fs::read_dir(&folder).map_err(missing)? {
        let name = entry.map_err(missing)?.file_name();
        let text = name.to_string_lossy();
        let (wanted, rest) = match pattern {
            Some([first, rest @ ..]) => (first.matches_with(&text, options), rest),
            _ => (is_media(Path::new(&name)), &[][..]),
        };
        if !wanted {
            continue;
        }
        let below = below.join(&name);
        let path = root.join(&below);
        match (path.is_dir(), rest.is_empty()) {
            (true, false) => walk(root, &below, Some(rest), out)?,
            (false, true) => out.push(below),
            _ => {}
        }
    }
    Ok(())
}

/// A visible file with the ending of a container, in capital letters or small ones.
fn is_media(name: &Path) -> bool {
    let hidden = name.as_os_str().as_bytes().starts_with(b".");
    let ending = name.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
    !hidden && ending.is_some_and(|e| ENDINGS.contains(&&*e))
}

/// A pattern, component by component.
fn parse(text: &str) -> Result<Vec<Pattern>, WithExit> {
    let wrong = |why: String| WithExit::new(Exit::Usage, format!("--glob {text}: {why}"));
    if text.is_empty() || text.starts_with('/') || text.split('/').any(|c| c == ".." || c == "**") {
        return Err(wrong("a pattern below the folder is wanted, such as *.ts or */cam1/*".into()));
    }
    let parts = text.split('/').filter(|c| !c.is_empty());
    parts.map(|c| Pattern::new(c).map_err(|e| wrong(e.to_string()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(root: &Path, pattern: Option<&str>) -> Vec<String> {
        let pattern = pattern.map(|p| parse(p).expect("a good pattern"));
        let mut found = Vec::new();
        add(root, pattern.as_deref(), &mut found).expect("the folder can be read");
        found.iter().map(|f| f.candidate.name.to_string_lossy().into_owned()).collect()
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
        assert_eq!(names(dir.path(), None), ["-x.mkv", "a.ts", "b.MP4"]);
        assert_eq!(names(dir.path(), Some("*.t?")), ["a.ts"]);
        assert_eq!(names(dir.path(), Some("*/cam*/*.mp4")), ["task/cam.mp4/1.mp4"]);
        for pattern in ["", "/etc/*", "../*", "a[", "**/x"] {
            assert!(parse(pattern).is_err(), "{pattern}");
        }
    }
}
