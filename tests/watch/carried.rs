//! What belongs to a picture beside its samples: which way is up, and the profile of its colours,
//! in every format that carries them. Pillow says what is right.

use std::path::{Path, PathBuf};

use filmgate_tests::hostile::root;
use filmgate_tests::outside::script;
use filmgate_tests::shell::Shell;
use serde_json::Value;

use crate::desk::{done, files, once, pillow};

fn ask(what: &str, folder: &Path) -> String {
    let path = root().join("tests/watch/carried.py");
    script(&path, &[what.as_ref(), folder.as_os_str()])
}

/// Names by stem and ending, so that `rgb6.png` and `rgb6.jpg` keep apart.
const NAMES: &str = "--names template:pattern={stem}-{name}.{ext}";

#[test]
fn all_eight_orientations_are_turned_as_pillow_turns_them() {
    let shell = Shell::new();
    std::fs::create_dir(shell.path("in")).expect("a folder");
    ask("turned", &shell.path("in"));
    let sources = files(&shell.path("in"));
    // Three kinds of JPEG and of PNG, two of WebP and of TIFF, eight ways each.
    assert_eq!(sources.len(), 10 * 8, "{sources:?}");
    let over = once(&shell, &format!("-p emboss --format png {NAMES}")).fine();
    let outputs = done(&over.told);
    assert_eq!(outputs.len(), sources.len(), "{}", over.stderr);
    // Pillow 13 turns a TIFF as it loads it, and then back again; the PNG of the same samples tells.
    let judge = |source: &str| shell.path("in").join(source.replace(".tiff", ".png"));
    let pairs: Vec<PathBuf> = outputs
        .iter()
        .flat_map(|(source, output)| [judge(source), shell.path("out").join(output)])
        .collect();
    assert_eq!(pillow("emboss", &pairs), "equal\n");
    // What is upright now does not say that it is to be turned.
    let outputs: Vec<PathBuf> = pairs.into_iter().skip(1).step_by(2).collect();
    let facts: Vec<Value> = serde_json::from_str(&pillow("facts", &outputs)).expect("JSON");
    for (fact, path) in facts.iter().zip(&outputs) {
        let orientation = &fact["orientation"];
        assert!(orientation.is_null() || *orientation == 1, "{}: {fact}", path.display());
    }
}

/// A profile of several segments of a JPEG, by its bytes, from and to every format that has one.
#[test]
fn long_colour_profiles_are_kept_byte_by_byte() {
    for format in ["same", "jpg", "png", "webp", "tiff"] {
        let shell = Shell::new();
        std::fs::create_dir(shell.path("in")).expect("a folder");
        ask("profiles", &shell.path("in"));
        let sources = files(&shell.path("in"));
        let over = once(&shell, &format!("--format {format} {NAMES}")).fine();
        assert_eq!(done(&over.told).len(), sources.len(), "{}", over.stderr);
        for line in over.told.iter().filter(|t| t["event"] == "done") {
            assert_eq!(line["notes"], serde_json::json!([]), "{format}: {line}");
        }
        assert_eq!(ask("same-profile", &shell.path("out")), "same\n", "{format}");
    }
}
