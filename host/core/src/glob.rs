//! Which files of a folder a job takes: globs, and the file name extensions of video and audio. All
//! verbs select files with this module, so that a pattern means the same everywhere.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// Extensions of files that hold video.
const VIDEO: &[&str] = &[
    "mp4", "m4v", "mov", "qt", "mkv", "webm", "avi", "ts", "m2ts", "mts", "mpg", "mpeg", "flv",
    "wmv", "asf", "3gp", "ogv", "mxf", "nut",
    // Cameras: streams, camcorders and DVDs, recorders of Dahua, and 360° cameras, which write MP4.
    "m2t", "mod", "tod", "vob", "dav", "insv", "360", "osv",
];

/// Extensions of files that hold audio alone.
const AUDIO: &[&str] = &["m4a", "mp3", "aac", "wav", "mka", "ogg"];

/// Whether a file's extension is that of video, in upper or lower case.
pub fn is_video(path: &Path) -> bool {
    has_extension(path, VIDEO)
}

/// Whether a file's extension is that of video or audio, in upper or lower case.
pub fn is_media(path: &Path) -> bool {
    is_video(path) || has_extension(path, AUDIO)
}

fn has_extension(path: &Path, known: &[&str]) -> bool {
    let extension = path.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase);
    extension.is_some_and(|e| known.contains(&e.as_str()))
}

/// Whether the last part of a path begins with a dot.
pub fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_bytes().starts_with(b"."))
}

/// Patterns of paths below a folder: `*` (within one name), `?` (one byte: ä takes two), `[a-z]`,
/// `{a,b}`, and `**` for any number of folders. A pattern without `/` is compared with the file's name, any other with
/// the path below the folder. Hidden files never match: programs write unfinished files under such
/// names.
#[derive(Clone, Debug)]
pub struct Globs {
    files: GlobSet,
    /// folders that files which match can be in
    folders: GlobSet,
}

impl Globs {
    /// # Errors
    /// A pattern that is not a glob, or not below the folder; the message names it.
    pub fn new<T: AsRef<str>>(patterns: &[T]) -> Result<Globs, String> {
        let (mut files, mut folders) = (GlobSetBuilder::new(), GlobSetBuilder::new());
        for pattern in patterns.iter().map(AsRef::as_ref) {
            let wrong = |why: String| format!("{pattern:?} is not a glob: {why}");
            let parts = parts(pattern);
            if parts.is_empty() || pattern.starts_with('/') || parts.contains(&"..") {
                return Err(wrong("expected a pattern below the folder, such as *.ts".to_owned()));
            }
            let add = |set: &mut GlobSetBuilder, text: &str| {
                let glob = GlobBuilder::new(text).literal_separator(true).build();
                set.add(glob.map_err(|e| wrong(e.kind().to_string()))?);
                Ok::<(), String>(())
            };
            match parts.as_slice() {
                [name] if !name.contains('/') => add(&mut files, &format!("**/{name}"))?,
                _ => add(&mut files, &parts.join("/"))?,
            }
            for (place, part) in parts.iter().enumerate() {
                // Folders at any depth, also by a separator in braces: {a/b,c}.
                if part.contains("**") || part.contains('/') {
                    add(&mut folders, &[&parts[..place], &["**"]].concat().join("/"))?;
                    break;
                }
                if place + 1 < parts.len() {
                    add(&mut folders, &parts[..=place].join("/"))?;
                }
            }
        }
        let built = |set: &GlobSetBuilder| set.build().map_err(|e| e.to_string());
        Ok(Globs { files: built(&files)?, folders: built(&folders)? })
    }

    /// Whether a file matches; `path` is below the folder.
    pub fn is_match(&self, path: &Path) -> bool {
        !hides(path) && self.files.is_match(path)
    }

    /// Whether a pattern names this folder on the way to its files: `cam1` for `cam*/*.mp4`. No
    /// pattern without `/` does.
    pub fn enters(&self, folder: &Path) -> bool {
        !hides(folder) && self.folders.is_match(folder)
    }
}

fn hides(path: &Path) -> bool {
    path.iter().any(|part| part.as_bytes().starts_with(b"."))
}

/// A pattern at its separators, but for those in braces and brackets.
fn parts(pattern: &str) -> Vec<&str> {
    let (mut depth, mut escaped) = (0_i32, false);
    let separates = move |c: char| {
        if std::mem::take(&mut escaped) {
            return false;
        }
        match c {
            '\\' => escaped = true,
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            _ => {}
        }
        c == '/' && depth <= 0
    };
    pattern.split(separates).filter(|part| !part.is_empty() && *part != ".").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: [&str; 8] = [
        "x1.mp4",
        "x2.mp4",
        "x1.ts",
        "Ä.mp4",
        ".x1.mp4",
        "cam1/x1.mp4",
        "cam1/deep/x2.mp4",
        ".cam/x1.mp4",
    ];

    #[test]
    fn patterns_match_files_below_the_folder() {
        // Pattern; the files it matches; the folders on the way to them.
        let cases: [(&str, &[&str], &[&str]); 10] = [
            ("x?.mp4", &["x1.mp4", "x2.mp4", "cam1/x1.mp4", "cam1/deep/x2.mp4"], &[]),
            ("{x1,x2}.ts", &["x1.ts"], &[]),
            ("x[!1].*", &["x2.mp4", "cam1/deep/x2.mp4"], &[]),
            ("??.mp4", &["x1.mp4", "x2.mp4", "Ä.mp4", "cam1/x1.mp4", "cam1/deep/x2.mp4"], &[]),
            (".x1.mp4", &[], &[]),
            ("cam*/*.mp4", &["cam1/x1.mp4"], &["cam1"]),
            ("./cam1//x1.mp4", &["cam1/x1.mp4"], &["cam1"]),
            ("**/x2.mp4", &["x2.mp4", "cam1/deep/x2.mp4"], &["cam1", "cam1/deep"]),
            ("cam1/**", &["cam1/x1.mp4", "cam1/deep/x2.mp4"], &["cam1", "cam1/deep"]),
            ("{cam1/deep,cam2}/*", &["cam1/deep/x2.mp4"], &["cam1", "cam1/deep"]),
        ];
        for (pattern, wanted, folders) in cases {
            let globs = Globs::new(&[pattern]).expect("a glob");
            let matched: Vec<&str> =
                FILES.into_iter().filter(|f| globs.is_match(Path::new(f))).collect();
            assert_eq!(matched, wanted, "{pattern}");
            let entered: Vec<&str> = ["cam1", "cam1/deep", ".cam"]
                .into_iter()
                .filter(|f| globs.enters(Path::new(f)))
                .collect();
            assert_eq!(entered, folders, "{pattern}");
        }
        for pattern in ["", ".", "/etc/*", "../*", "a/../b", "a[", "{a", "a***/["] {
            assert!(Globs::new(&[pattern]).is_err(), "{pattern}");
        }
    }

    #[test]
    fn extensions_say_what_a_file_holds() {
        for (name, video, media) in [
            ("a.mp4", true, true),
            ("dir.d/B.MKV", true, true),
            ("a.m4a", false, true),
            ("a.txt", false, false),
            ("mp4", false, false),
            ("a.mp4~", false, false),
        ] {
            assert_eq!((is_video(Path::new(name)), is_media(Path::new(name))), (video, media));
        }
    }
}
