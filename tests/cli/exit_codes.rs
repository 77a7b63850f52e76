//! docs/exit-codes.md and the program's own list say the same.

use std::collections::BTreeMap;

use filmgate::commands::Exit;
use filmgate_tests::hostile::root;

/// Code and name of each row.
fn documented() -> BTreeMap<u8, String> {
    let page = root().join("docs/exit-codes.md");
    let text = std::fs::read_to_string(&page).expect("docs/exit-codes.md can be read");
    let mut rows = BTreeMap::new();
    for line in text.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, code, name, when, advice, _] = cells[..] else { continue };
        let Ok(code) = code.parse::<u8>() else { continue };
        assert!(!when.is_empty() && !advice.is_empty(), "row {code} is not filled in");
        let name = name.trim_matches('`').to_owned();
        assert!(rows.insert(code, name).is_none(), "two rows for {code}");
    }
    rows
}

/// Code and name of each variant, as the source has them.
fn declared() -> BTreeMap<u8, String> {
    let source = root().join("host/cli/src/exit.rs");
    let text = std::fs::read_to_string(source).expect("the source can be read");
    let start = text.find("pub enum Exit {").expect("the list");
    let list = &text[start..start + text[start..].find("\n}").expect("its end")];
    let variant = |line: &str| {
        let (name, code) = line.trim().strip_suffix(',')?.split_once(" = ")?;
        Some((code.parse().ok()?, name.to_owned()))
    };
    list.lines().filter_map(variant).collect()
}

/// `PluginUnknown` as `plugin-unknown`.
fn hyphened(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !out.is_empty() {
            out.push('-');
        }
        out.extend(c.to_lowercase());
    }
    out
}

#[test]
fn the_page_and_the_program_agree() {
    let declared: BTreeMap<u8, String> =
        declared().into_iter().map(|(code, name)| (code, hyphened(&name))).collect();
    assert!(declared.len() >= 20);
    assert_eq!(documented(), declared);
    assert_eq!(documented()[&(Exit::Interrupted as u8)], "interrupted");
}
