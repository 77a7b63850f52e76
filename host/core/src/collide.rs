//! Files that a job reads and files that it writes: no output may replace an input, and no two
//! outputs may be one file.
//!
//! Two names are one file if device and inode are the same, so hard links and symbolic links are
//! seen through; a file that does not exist yet is known by its path, with links in it followed.
//! A name with a number in it (`%06d`) stands for all files there that it fits, and a local
//! playlist for the files that it names. Devices, pipes and URLs are never compared.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// An output that would overwrite something.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Collision {
    #[error("{}: {output} is {input} ({}); choose another name", .path.display(), .other.display())]
    WithInput { output: String, path: PathBuf, input: String, other: PathBuf },
    #[error("{}: {second} and {first} ({}) are one file, which cannot be written twice", .path.display(), .other.display())]
    WithOutput { second: String, path: PathBuf, first: String, other: PathBuf },
}

/// What a job reads and what it writes, each with what it is for: `the input`, `--tags`.
#[derive(Clone, Debug, Default)]
pub struct Files {
    read: Vec<Entry>,
    written: Vec<Entry>,
    /// names with a number that are written: files that do not exist yet as well
    numbered: Vec<(String, PathBuf)>,
}

#[derive(Clone, Debug)]
struct Entry {
    what: String,
    path: PathBuf,
    place: Place,
}

/// What tells files apart.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// device and inode
    There(u64, u64),
    NotYet(PathBuf),
}

impl Files {
    /// Adds a file that is read. What does not exist is left out: reading it fails anyway.
    pub fn reads(&mut self, what: impl Into<String>, path: &Path) {
        let what = what.into();
        for path in series(path) {
            if let Some(place @ Place::There(..)) = place(&path) {
                self.read.push(Entry { what: what.clone(), path, place });
            }
        }
    }

    /// Adds a local playlist (HLS, or libav's `concat`) and the files that it names.
    pub fn reads_playlist(&mut self, what: impl Into<String>, path: &Path) {
        let what = what.into();
        self.reads(what.clone(), path);
        for named in named_in(path) {
            self.reads(format!("a file of {what}"), &named);
        }
    }

    /// Adds a file that is written, or the files that a name with a number stands for.
    pub fn writes(&mut self, what: impl Into<String>, path: &Path) {
        let what = what.into();
        if !path.exists() && path.file_name().and_then(|n| n.to_str()).and_then(number_in).is_some()
        {
            self.numbered.push((what.clone(), path.to_owned()));
        }
        for path in series(path) {
            if let Some(place) = place(&path) {
                self.written.push(Entry { what: what.clone(), path, place });
            }
        }
    }

    /// The first output that is an input, or another output.
    ///
    /// # Errors
    /// `WithInput`, `WithOutput`.
    pub fn check(&self) -> Result<(), Collision> {
        for (number, output) in self.written.iter().enumerate() {
            self.check_output(output)?;
            let same = |other: &&Entry| other.place == output.place;
            if let Some(first) = self.written[..number].iter().find(same) {
                return Err(Collision::WithOutput {
                    second: output.what.clone(),
                    path: output.path.clone(),
                    first: first.what.clone(),
                    other: first.path.clone(),
                });
            }
        }
        for (what, pattern) in &self.numbered {
            let is_of = |entry: &&Entry| entry.what != *what && fits(pattern, &entry.path);
            if let Some(other) = self.written.iter().find(is_of) {
                return Err(Collision::WithOutput {
                    second: other.what.clone(),
                    path: other.path.clone(),
                    first: what.clone(),
                    other: pattern.clone(),
                });
            }
        }
        Ok(())
    }

    fn check_output(&self, output: &Entry) -> Result<(), Collision> {
        match self.read.iter().find(|input| input.place == output.place) {
            None => Ok(()),
            Some(input) => Err(Collision::WithInput {
                output: output.what.clone(),
                path: output.path.clone(),
                input: input.what.clone(),
                other: input.path.clone(),
            }),
        }
    }

    /// Whether a file is one of those that are read or written: for outputs whose names turn out
    /// only while the job runs.
    pub fn holds(&self, path: &Path) -> bool {
        let mut all = self.read.iter().chain(&self.written);
        place(path).is_some_and(|place| all.any(|entry| entry.place == place))
    }
}

/// Where a name leads; none for what is no plain file.
fn place(path: &Path) -> Option<Place> {
    match fs::metadata(path) {
        Ok(facts) if facts.is_file() => Some(Place::There(facts.dev(), facts.ino())),
        Ok(_) => None,
        Err(_) => Some(Place::NotYet(resolved(path, LINKS))),
    }
}

/// How many symbolic links are followed (path_resolution(7): Linux follows 40).
const LINKS: u32 = 40;

/// The path of a file that is not there: links and `..` resolved as far as there is something.
fn resolved(path: &Path, links: u32) -> PathBuf {
    if let (Ok(target), 1..) = (fs::read_link(path), links) {
        let folder = path.parent().unwrap_or(Path::new(""));
        return resolved(&folder.join(target), links - 1);
    }
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for folder in absolute.ancestors().skip(1) {
        if let (Ok(real), Ok(rest)) = (fs::canonicalize(folder), absolute.strip_prefix(folder)) {
            return real.join(rest);
        }
    }
    absolute
}

/// The files that a name stands for: those that are there for a name with a number in it, else the
/// name itself.
pub fn series(path: &Path) -> Vec<PathBuf> {
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    let Some((before, after)) = number_in(name).filter(|_| !path.exists()) else {
        return vec![path.to_owned()];
    };
    let folder = path.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let fits = |name: &str| {
        let digits = name.strip_prefix(&*before).and_then(|rest| rest.strip_suffix(&*after));
        digits.is_some_and(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit()))
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|e| e.file_name()).filter(|n| n.to_str().is_some_and(fits));
    let mut files: Vec<PathBuf> = names.map(|name| path.with_file_name(name)).collect();
    files.sort();
    files
}

/// Whether a file may get a name of this pattern: it has no number there, and lies in its folder.
fn fits(pattern: &Path, path: &Path) -> bool {
    let name = |path: &Path| path.file_name().map(|n| n.to_string_lossy().into_owned());
    let Some((before, after)) = name(pattern).and_then(|n| number_in(&n)) else { return false };
    let folder = |path: &Path| {
        let parent = path.parent().filter(|f| !f.as_os_str().is_empty());
        resolved(parent.unwrap_or(Path::new(".")), LINKS)
    };
    let name = name(path).unwrap_or_default();
    let digits = name.strip_prefix(&*before).and_then(|rest| rest.strip_suffix(&*after));
    digits.is_some_and(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit()))
        && folder(pattern) == folder(path)
}

/// What stands before and behind the number in `frame%06d.png`.
fn number_in(name: &str) -> Option<(String, String)> {
    let mut from = 0;
    while let Some(found) = name[from..].find('%') {
        let at = from + found;
        let behind = &name[at + 1..];
        let digits = behind.len() - behind.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        match behind.as_bytes().get(digits) {
            Some(b'd') => {
                let rest = &behind[digits + 1..];
                return Some((name[..at].replace("%%", "%"), rest.replace("%%", "%")));
            }
            Some(b'%') if digits == 0 => from = at + 2,
            _ => from = at + 1,
        }
    }
    None
}

/// The longest playlist that is looked through, in bytes.
const PLAYLIST_BYTES: u64 = 16 << 20;

/// The files that a playlist names: a name a line (HLS), `file 'NAME'` (concat), or `URI="NAME"`.
pub fn named_in(playlist: &Path) -> Vec<PathBuf> {
    let small = fs::metadata(playlist).is_ok_and(|f| f.is_file() && f.len() <= PLAYLIST_BYTES);
    let Some(text) = small.then(|| fs::read(playlist).ok()).flatten() else { return Vec::new() };
    let folder = playlist.parent().unwrap_or(Path::new(""));
    let text = String::from_utf8_lossy(&text);
    let name = |line: &str| {
        let line = line.trim();
        let quoted = line.split_once("URI=\"").and_then(|(_, rest)| rest.split_once('"'));
        let name = match (quoted, line.strip_prefix("file ")) {
            (Some((name, _)), _) => name,
            (None, Some(name)) => name.trim().trim_matches(['\'', '"']),
            (None, None) => line,
        };
        let name = name.strip_prefix("file:").unwrap_or(name);
        (!name.is_empty() && !name.starts_with('#')).then(|| folder.join(name))
    };
    text.lines().filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn collides(input: &Path, output: &Path) -> bool {
        let mut files = Files::default();
        files.reads("the input", input);
        files.writes("the output", output);
        files.check().is_err()
    }

    #[test]
    fn a_name_with_a_number_stands_for_files_to_come() {
        let dir = tempfile::tempdir().expect("a folder");
        let collides = |other: &str| {
            let mut files = Files::default();
            files.writes("a segment of the output", &dir.path().join("x%d.ts"));
            files.writes("the output", &dir.path().join("x.m3u8"));
            files.writes("--receipt", &dir.path().join(other));
            files.check().is_err()
        };
        assert!(collides("x0.ts") && collides("x123.ts"));
        assert!(
            !collides("x.ts") && !collides("y0.ts") && !collides("x0.mp4") && !collides("xa.ts")
        );
    }

    #[test]
    fn one_file_has_many_names() {
        let dir = tempfile::tempdir().expect("a folder");
        let at = |name: &str| dir.path().join(name);
        fs::write(at("film"), "x").expect("written");
        fs::write(at("other"), "x").expect("written");
        fs::create_dir(at("sub")).expect("made");
        fs::hard_link(at("film"), at("hard")).expect("linked");
        symlink("film", at("soft")).expect("linked");
        symlink(dir.path(), at("sub/up")).expect("linked");
        for name in ["film", "./film", "sub/../film", "hard", "soft", "sub/up/film", "sub/up/soft"]
        {
            assert!(collides(&at("film"), &at(name)), "{name}");
            assert!(collides(&at(name), &at("film")), "{name}");
        }
        assert!(!collides(&at("film"), &at("other")) && !collides(&at("film"), &at("new")));
        assert!(!collides(Path::new("/dev/null"), Path::new("/dev/null")));
    }

    #[test]
    fn outputs_that_are_not_there_yet_are_known_by_their_path() {
        let dir = tempfile::tempdir().expect("a folder");
        let at = |name: &str| dir.path().join(name);
        fs::create_dir(at("sub")).expect("made");
        symlink(dir.path(), at("sub/up")).expect("linked");
        symlink("new", at("dangling")).expect("linked");
        let twice = |a: &str, b: &str| {
            let mut files = Files::default();
            files.writes("the output", &at(a));
            files.writes("--tags", &at(b));
            files.check()
        };
        for name in ["new", "./new", "sub/../new", "sub/up/new", "dangling"] {
            let error = twice("new", name).expect_err(name).to_string();
            assert!(error.contains("--tags and the output") && error.contains("twice"));
        }
        assert_eq!(twice("new", "sub/new"), Ok(()));
        assert_eq!(twice("none/new", "none/newer"), Ok(()));
        assert!(twice("none/new", "./none/new").is_err());
    }

    #[test]
    fn numbered_names_stand_for_the_files_that_are_there() {
        let dir = tempfile::tempdir().expect("a folder");
        let at = |name: &str| dir.path().join(name);
        for name in ["f001.png", "f7.png", "g1.png", "50%1.png"] {
            fs::write(at(name), "x").expect("written");
        }
        for (input, output) in [
            ("f%03d.png", "f001.png"),
            ("f001.png", "f%d.png"),
            ("f%03d.png", "f%03d.png"),
            ("50%%%d.png", "50%1.png"),
        ] {
            assert!(collides(&at(input), &at(output)), "{input} {output}");
        }
        for (input, output) in [("f%03d.png", "g%03d.png"), ("f%d.png", "g1.png")] {
            assert!(!collides(&at(input), &at(output)), "{input} {output}");
        }
    }

    #[test]
    fn playlists_name_files() {
        let dir = tempfile::tempdir().expect("a folder");
        let at = |name: &str| dir.path().join(name);
        for name in ["a.ts", "b c.ts", "key", "d.ts"] {
            fs::write(at(name), "x").expect("written");
        }
        fs::write(at("l"), "#EXTM3U\n#EXT-X-KEY:URI=\"key\",IV=0\na.ts\nfile 'b c.ts'\n")
            .expect("written");
        let collides = |output: &str| {
            let mut files = Files::default();
            files.reads_playlist("the input", &at("l"));
            files.writes("the output", &at(output));
            files.check().is_err()
        };
        assert!(["l", "a.ts", "b c.ts", "key"].into_iter().all(collides));
        assert!(!collides("d.ts"));
    }
}
