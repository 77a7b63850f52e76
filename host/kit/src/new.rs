//! A folder to begin with: made from a template, ready to be built.

use std::path::{Path, PathBuf};

use crate::build;
use crate::error::KitError;
use crate::language::{Kind, Language};
use crate::manifest::check_name;
use crate::text::{LIBC, SDK, TEMPLATES, WIT, files, write};

/// What a new plugin is to be.
#[derive(Clone, Copy, Debug)]
pub struct New<'a> {
    /// the folder; its last part is the plugin's name
    pub folder: &'a Path,
    pub kind: Kind,
    pub language: Language,
}

/// Makes the folder, and gives back the plugin's name. Where it fails there is no folder.
///
/// # Errors
/// [`KitError::Usage`] for a bad name, [`KitError::Exists`], [`KitError::File`].
pub fn create(new: &New) -> Result<String, KitError> {
    let name = new.folder.file_name().map(|n| n.to_string_lossy().into_owned());
    let name = name.ok_or_else(|| {
        KitError::Usage(format!("{}: ends without a name for the plugin", new.folder.display()))
    })?;
    check_name(&name).map_err(KitError::Usage)?;
    if new.folder.symlink_metadata().is_ok() {
        return Err(KitError::Exists(new.folder.to_owned()));
    }
    std::fs::create_dir_all(new.folder).map_err(KitError::file(new.folder))?;
    let made = fill(new, &name);
    if made.is_err() {
        // It is ours alone: it was not there before.
        let _ = std::fs::remove_dir_all(new.folder);
    }
    made.map(|()| name)
}

fn fill(new: &New, name: &str) -> Result<(), KitError> {
    let words = words(new, name);
    for (path, text) in template(new) {
        write(&new.folder.join(path), &replaced(text, &words))?;
    }
    for (path, text) in files(&WIT) {
        write(&new.folder.join("wit").join(path), text)?;
    }
    match new.language {
        Language::Rust => {
            let sdk = new.folder.join("vendor/filmgate-plugin");
            for (path, text) in files(&SDK) {
                // Its own README, which a test of it includes, stays behind.
                let text = text.replace(README_TEST, "");
                write(&sdk.join("src").join(path), &text)?;
            }
            for (path, text) in files(&WIT) {
                write(&sdk.join("wit").join(path), text)?;
            }
            let manifest = TEMPLATES.get_file("rust/sdk.toml").and_then(|f| f.contents_utf8());
            write(&sdk.join("Cargo.toml"), &replaced(manifest.unwrap_or_default(), &words))
        }
        Language::C | Language::Zig => {
            for (path, text) in files(&LIBC) {
                write(&new.folder.join("libc").join(path), text)?;
            }
            build::bindings(new.folder, new.kind)
        }
        Language::Js | Language::Ts | Language::Python => Ok(()),
    }
}

/// The lines of the SDK that compile its README, which is not copied.
const README_TEST: &str = "/// The README's example compiles too.
#[cfg(doctest)]
#[doc = include_str!(\"../README.md\")]
pub struct Readme;
";

/// The files of the template, each with its path in the new folder.
fn template(new: &New) -> Vec<(PathBuf, &'static str)> {
    let (language, kind) = (new.language.id(), new.kind.id());
    // Zig calls the same C.
    let c = [format!("c/{kind}"), "c/all".to_owned()];
    let own = ["all".to_owned(), format!("{language}/all"), format!("{language}/{kind}")];
    let shared: &[String] = if new.language == Language::Zig { &c } else { &[] };
    let mut all = Vec::new();
    for folder in own.iter().chain(shared) {
        let Some(dir) = TEMPLATES.get_dir(folder) else { continue };
        for (path, text) in files(dir) {
            let path = path.strip_prefix(folder).unwrap_or(path);
            if shared.contains(folder) && path == Path::new(Language::C.source()) {
                continue;
            }
            let hidden =
                if path == Path::new("gitignore") { ".gitignore".into() } else { path.to_owned() };
            all.push((hidden, text));
        }
    }
    all
}

type Words = Vec<(&'static str, String)>;

/// What stands for the words in double braces.
fn words(new: &New, name: &str) -> Words {
    let world = new.kind.world().replace('-', "_");
    let run = match new.kind {
        Kind::Filter => format!(
            "\n    filmgate run -i clip.mp4 -p ./{name}.wasm -o out.mp4\n    filmgate frame -i clip.mp4 -p ./{name}.wasm -o frame.png"
        ),
        Kind::Naming => {
            format!("\n    filmgate split -i clip.mp4 --naming ./{name}.wasm -o frames --every 1s")
        }
        Kind::Ordering => {
            format!("\n    filmgate join 'parts/*.mp4' --order ./{name}.wasm -o film.mp4")
        }
    };
    let test = match new.language {
        Language::Rust => {
            "    cargo test                       # the tests in src/lib.rs\n".to_owned()
        }
        _ => String::new(),
    };
    vec![
        ("name", name.to_owned()),
        ("kind", new.kind.id().to_owned()),
        ("language", new.language.name().to_owned()),
        ("language_id", new.language.id().to_owned()),
        ("summary", new.kind.summary().to_owned()),
        ("source", new.language.source().to_owned()),
        ("world", world.clone()),
        ("c_prefix", world),
        ("use", run),
        ("test", test),
        ("filmgate", env!("CARGO_PKG_VERSION").to_owned()),
    ]
}

fn replaced(text: &str, words: &Words) -> String {
    words.iter().fold(text.to_owned(), |text, (word, value)| {
        text.replace(&format!("{{{{{word}}}}}"), value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_every_kind() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        for language in Language::ALL {
            for kind in Kind::ALL {
                let folder = dir.path().join(format!("{}-{}", language.id(), kind.id()));
                create(&New { folder: &folder, kind, language }).expect("made");
                assert!(folder.join(language.source()).is_file(), "{folder:?}");
                let read = crate::manifest::Manifest::read(&folder).expect("its plugin.toml");
                assert_eq!((read.kind, read.language), (kind, language));
                for file in ["README.md", "LICENSE", ".gitignore", "wit/filter.wit"] {
                    let text = std::fs::read_to_string(folder.join(file)).expect(file);
                    assert!(!text.contains("{{"), "{folder:?} {file}: {text}");
                }
            }
        }
    }

    #[test]
    fn what_exists_is_left_alone() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let new = |folder| New { folder, kind: Kind::Filter, language: Language::Js };
        assert!(matches!(create(&new(dir.path())), Err(KitError::Usage(_) | KitError::Exists(_))));
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("nowhere", &link).expect("a link");
        assert!(matches!(create(&new(&link)), Err(KitError::Exists(_))));
        assert!(matches!(create(&new(&dir.path().join("A"))), Err(KitError::Usage(_))));
        assert!(!dir.path().join("A").exists());
    }
}
