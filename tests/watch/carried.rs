//! What belongs to a picture beside its samples: which way is up, and the profile of its colours,
//! in every format that carries them. Pillow says what is right.

use std::ffi::OsStr;
use std::path::Path;

use filmgate_tests::hostile::root;
use filmgate_tests::outside::script;
use filmgate_tests::shell::Shell;

use crate::desk::{done, files, once};

fn ask(what: &str, folders: &[&Path]) -> String {
    let path = root().join("tests/watch/carried.py");
    let folders = folders.iter().map(|f| f.as_os_str());
    script(&path, &std::iter::once(OsStr::new(what)).chain(folders).collect::<Vec<_>>())
}

/// Names by stem and ending, so that `rgb6.png` and `rgb6.jpg` keep apart.
const NAMES: &str = "--names template:pattern={stem}-{name}.{ext}";

#[test]
fn all_eight_orientations_are_turned_as_pillow_turns_them() {
    let shell = Shell::new();
    std::fs::create_dir(shell.path("in")).expect("a folder");
    ask("turned", &[&shell.path("in")]);
    let sources = files(&shell.path("in"));
    // Three kinds of JPEG and of PNG, two of WebP and of TIFF, eight ways each.
    assert_eq!(sources.len(), 10 * 8, "{sources:?}");
    let over = once(&shell, &format!("--format png {NAMES}")).fine();
    assert_eq!(done(&over.told).len(), sources.len(), "{}", over.stderr);
    assert_eq!(ask("upright", &[&shell.path("in"), &shell.path("out")]), "upright\n");
}

/// A profile of several segments of a JPEG, by its bytes, from and to every format that has one.
#[test]
fn long_colour_profiles_are_kept_byte_by_byte() {
    for format in ["same", "jpg", "png", "webp", "tiff"] {
        let shell = Shell::new();
        std::fs::create_dir(shell.path("in")).expect("a folder");
        ask("profiles", &[&shell.path("in")]);
        let sources = files(&shell.path("in"));
        let over = once(&shell, &format!("--format {format} {NAMES}")).fine();
        assert_eq!(done(&over.told).len(), sources.len(), "{}", over.stderr);
        for line in over.told.iter().filter(|t| t["event"] == "done") {
            assert_eq!(line["notes"], serde_json::json!([]), "{format}: {line}");
        }
        assert_eq!(ask("same-profile", &[&shell.path("out")]), "same\n", "{format}");
    }
}
