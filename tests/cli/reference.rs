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
        assert_eq!(self.verdict(), "compared\n");
    }

    /// A line for each case that differs, and a last one.
    fn verdict(&self) -> String {
        assert!(!self.list.is_empty());
        let list = self.folder.path().join("cases.json");
        let text = serde_json::to_vec(&self.list).expect("cases are JSON");
        std::fs::write(&list, text).expect("cases can be stored");
        let path = root().join("tests/cli/reference.py");
        script(&path, &[Path::new(&list).as_os_str()])
    }
}

#[test]
fn the_judge_sees_a_single_wrong_sample_and_a_missing_picture() {
    let flat = vec![77u8; 8 * 6];
    let mut relief = flat.clone();
    for y in 1..5 {
        relief[y * 8 + 1..y * 8 + 7].fill(128);
    }
    let mut wrong = relief.clone();
    wrong[2 * 8 + 3] += 1;
    let case = Case { checks: &["emboss"], format: "gray8", size: (8, 6), ..Case::default() };
    let mut cases = Cases::new();
    cases.add(&case, &flat, &relief);
    cases.judge();
    cases.add(&case, &flat, &wrong);
    cases.add(&case, &[flat.clone(), flat].concat(), &relief);
    let verdict = cases.verdict();
    assert!(verdict.contains("case 1") && verdict.contains("row 2, column 3"), "{verdict}");
    assert!(verdict.contains("case 2") && verdict.contains("1 pictures, not 2"), "{verdict}");
}
