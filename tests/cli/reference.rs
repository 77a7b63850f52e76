//! Cases for `reference.py`, which works out with Pillow and numpy what must come out.

use std::path::Path;

use filmgate_tests::hostile::root;
use filmgate_tests::outside::script;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Cases that are handed to one Python process together.
pub(crate) struct Cases {
    folder: TempDir,
    list: Vec<Value>,
}

/// What came of a filter, and how it was set.
pub(crate) struct Case<'a> {
    /// one behind the other: `emboss`, `grayscale`, `denoise`, or `luma-relief`
    pub(crate) checks: &'a [&'a str],
    pub(crate) format: &'a str,
    pub(crate) size: (u32, u32),
    pub(crate) planes: &'a str,
    /// of `denoise`
    pub(crate) frames: u32,
    pub(crate) threshold: u32,
}

impl Default for Case<'_> {
    fn default() -> Self {
        Case {
            checks: &[],
            format: "yuv420p",
            size: (320, 180),
            planes: "luma",
            frames: 3,
            threshold: 8,
        }
    }
}

impl Cases {
    pub(crate) fn new() -> Cases {
        Cases { folder: tempfile::tempdir().expect("a folder for pictures"), list: Vec::new() }
    }

    /// Adds a case with the packed pictures before and after.
    pub(crate) fn add(&mut self, case: &Case, before: &[u8], after: &[u8]) {
        let number = self.list.len();
        let store = |name: &str, bytes: &[u8]| {
            let path = self.folder.path().join(format!("{number}.{name}"));
            std::fs::write(&path, bytes).expect("pictures can be stored");
            path
        };
        self.list.push(json!({
            "checks": case.checks,
            "format": case.format,
            "width": case.size.0,
            "height": case.size.1,
            "planes": case.planes,
            "frames": case.frames,
            "threshold": case.threshold,
            "before": store("before", before),
            "after": store("after", after),
        }));
    }

    /// Lets Python judge them all.
    pub(crate) fn judge(&self) {
        assert!(!self.list.is_empty());
        let list = self.folder.path().join("cases.json");
        let text = serde_json::to_vec(&self.list).expect("cases are JSON");
        std::fs::write(&list, text).expect("cases can be stored");
        let path = root().join("tests/cli/reference.py");
        assert_eq!(script(&path, &[Path::new(&list).as_os_str()]), "compared\n");
    }
}
