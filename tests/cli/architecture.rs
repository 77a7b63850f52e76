//! ARCHITECTURE.md is true: crates know only what its table lets them know, no modules of a crate
//! import each other in a ring, and what it names exists, and all that exists it names.
//!
//! The sources are read as text: `filmgate-*` in each Cargo.toml, `crate::` and `super::` paths in
//! each file. Tests inside the sources may import what they like.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Modules that may import each other in a ring: crate, modules, and why. `lib` is the crate's root.
const RINGS: [(&str, &[&str], &str); 3] = [
    (
        "plugin",
        &["bindings", "guest", "held"],
        "bindgen's output names the type of the host's frames, and they the types of the contract",
    ),
    (
        "join",
        &["display", "missing", "plan", "segment", "tracks"],
        "a plan consists of segments and tracks, whose display times and losses depend on the plan",
    ),
    (
        "watch",
        &["feed", "lib", "output", "settle", "tree", "video", "work"],
        "the root's options and reporter go down to every step of the worker",
    ),
];

fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the repository").to_owned()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The names of the folders in a folder, sorted.
fn folders(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let folders = entries.flatten().filter(|entry| entry.path().is_dir());
    folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn crates() -> BTreeSet<String> {
    folders(&root().join("host"))
}

// ---- imports ------------------------------------------------------------------------------------

/// A file's code without comments and without its tests, which stand at its end.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.map(|line| line.replace("pub(crate) use ", "pub use ") + "\n").collect()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The parts of a path that names begin with: `a::{b, c::d}` gives `[a, b]` and `[a, c, d]`.
fn paths(text: &str) -> Vec<Vec<String>> {
    if let Some(inside) = text.strip_prefix('{') {
        let (mut depth, mut start, mut all) = (0, 0, Vec::new());
        for (at, c) in inside.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => {
                    all.extend(paths(inside[start..at].trim_start()));
                    return all;
                }
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    all.extend(paths(inside[start..at].trim_start()));
                    start = at + 1;
                }
                _ => {}
            }
        }
        return all;
    }
    let word: String = text.chars().take_while(|&c| is_word(c)).collect();
    if word.is_empty() {
        return Vec::new();
    }
    let rest = text[word.len()..].strip_prefix("::").map(paths).unwrap_or_default();
    if rest.is_empty() {
        return vec![vec![word]];
    }
    rest.into_iter().map(|rest| [vec![word.clone()], rest].concat()).collect()
}

/// All paths in `code` that begin with `prefix::`.
fn paths_after(code: &str, prefix: &str) -> Vec<Vec<String>> {
    let prefix = format!("{prefix}::");
    let found = code.match_indices(&prefix);
    let whole = found.filter(|(at, _)| {
        let before = code[..*at].chars().next_back();
        !before.is_some_and(|c| is_word(c) || c == ':' || c == '$')
    });
    whole.flat_map(|(at, found)| paths(&code[at + found.len()..])).collect()
}

/// The names that a crate's root gives to items of its modules by `pub use`.
fn given_names(code: &str) -> BTreeMap<String, String> {
    let statements = code.split(';').filter_map(|s| s.trim_start().split_once("pub use "));
    let paths = statements.flat_map(|(_, path)| paths(path));
    let named = paths.filter(|path| path.len() > 1);
    named.filter_map(|path| Some((path.last()?.clone(), path.first()?.clone()))).collect()
}

/// Which modules of a crate import which: `lib` is its root.
type Imports = BTreeMap<String, BTreeSet<String>>;

/// Reads the imports of a crate from its files, each with its path below `src`.
fn imports(files: &BTreeMap<PathBuf, String>) -> Imports {
    let module = |file: &Path| -> Vec<String> {
        let mut parts: Vec<String> =
            file.with_extension("").iter().map(|p| p.to_string_lossy().into_owned()).collect();
        if parts.last().is_some_and(|last| last == "mod") || parts == ["lib"] || parts == ["main"] {
            parts.pop();
        }
        parts
    };
    let modules: BTreeSet<String> =
        files.keys().filter_map(|f| module(f).into_iter().next()).collect();
    let lib = files.get(Path::new("lib.rs")).map(|text| code(text)).unwrap_or_default();
    let given = given_names(&lib);
    let mut all = Imports::new();
    for (file, text) in files {
        let (own, text) = (module(file), code(text));
        let mut reached: Vec<Vec<String>> = paths_after(&text, "crate");
        for path in paths_after(&text, "super") {
            let more = path.iter().take_while(|part| *part == "super").count();
            let Some(kept) = own.len().checked_sub(1 + more) else { continue };
            reached.push([&own[..kept], &path[more..]].concat());
        }
        if own.is_empty() {
            // What the root gives names to it need not know.
            let private: Vec<&str> = text.split(';').filter(|s| !s.contains("pub use ")).collect();
            let private = private.join(";");
            for module in &modules {
                if !paths_after(&private, module).is_empty() {
                    reached.push(vec![module.clone()]);
                }
            }
        }
        let name = |first: Option<&String>| match first {
            Some(first) if modules.contains(first) => first.clone(),
            Some(first) => given.get(first).cloned().unwrap_or_else(|| "lib".to_owned()),
            None => "lib".to_owned(),
        };
        let from = own.first().cloned().unwrap_or_else(|| "lib".to_owned());
        let reached = reached.iter().map(|path| name(path.first()));
        let others: Vec<String> = reached.filter(|to| *to != from).collect();
        all.entry(from).or_default().extend(others);
    }
    all
}

/// All files of a crate but its folder of tests, by their paths below `src`.
fn sources(src: &Path) -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![src.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() && path != src.join("tests") {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let below = path.strip_prefix(src).expect("below").to_owned();
                files.insert(below, read(&path));
            }
        }
    }
    files
}

fn imports_of(name: &str) -> Imports {
    imports(&sources(&root().join("host").join(name).join("src")))
}

/// All that can be reached from a module.
fn reachable(imports: &Imports, from: &str) -> BTreeSet<String> {
    let (mut seen, mut next) = (BTreeSet::new(), vec![from.to_owned()]);
    while let Some(module) = next.pop() {
        for to in imports.get(&module).into_iter().flatten() {
            if seen.insert(to.clone()) {
                next.push(to.clone());
            }
        }
    }
    seen
}

/// The sets of modules that can all be reached from each other.
fn rings(imports: &Imports) -> BTreeSet<BTreeSet<String>> {
    let reach: BTreeMap<&String, BTreeSet<String>> =
        imports.keys().map(|module| (module, reachable(imports, module))).collect();
    let ring = |module: &String| -> BTreeSet<String> {
        let there = reach[module].iter();
        there.filter(|to| reach.get(to).is_some_and(|r| r.contains(module))).cloned().collect()
    };
    imports.keys().map(ring).filter(|ring| !ring.is_empty()).collect()
}

#[test]
fn no_modules_import_each_other_in_a_ring() {
    let mut faults = Vec::new();
    let mut met = [false; RINGS.len()];
    for name in crates() {
        let imports = imports_of(&name);
        for ring in rings(&imports) {
            let excused = RINGS.iter().position(|(of, modules, _)| {
                *of == name && ring.iter().all(|module| modules.contains(&module.as_str()))
            });
            if let Some(excused) = excused {
                met[excused] = true;
                continue;
            }
            let edges = ring.iter().map(|from| {
                let to: Vec<&str> = imports[from].intersection(&ring).map(String::as_str).collect();
                format!("\n    {from} imports {}", to.join(", "))
            });
            faults.push(format!("host/{name}:{}", edges.collect::<String>()));
        }
    }
    assert!(faults.is_empty(), "modules import each other in a ring:\n{}", faults.join("\n"));
    for ((name, modules, _), met) in RINGS.iter().zip(met) {
        assert!(met, "no ring any more, take it out of RINGS: {name}: {modules:?}");
    }
}

// ---- the document -------------------------------------------------------------------------------

/// What stands between backticks in a text.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The rows of the table of crates and folders: what is quoted in the first column, and in the last.
fn table(document: &str) -> BTreeMap<String, BTreeSet<String>> {
    let rows = document.lines().filter(|line| line.starts_with("| `host/"));
    let mut table = BTreeMap::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
        let [names, .., known] = cells[..] else { panic!("a row of the table: {row}") };
        for name in quoted(names) {
            let known = quoted(known).map(str::to_owned).collect();
            table.insert(name.trim_end_matches('/').to_owned(), known);
        }
    }
    table
}

fn document() -> String {
    read(&root().join("ARCHITECTURE.md"))
}

/// The crates of the project that a Cargo.toml depends on, for its tests as well.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let lines = manifest.lines().filter_map(|line| line.strip_prefix("filmgate-"));
    let names = lines.map(|line| line.chars().take_while(|&c| is_word(c)).collect());
    names.collect()
}

#[test]
fn crates_and_folders_know_what_the_table_says() {
    let table = table(&document());
    let mut faults = Vec::new();
    for name in crates() {
        let Some(known) = table.get(&format!("host/{name}")) else {
            faults.push(format!("host/{name} has no row"));
            continue;
        };
        let manifest = read(&root().join("host").join(&name).join("Cargo.toml"));
        for dependency in dependencies(&manifest).difference(known) {
            faults.push(format!("host/{name} depends on {dependency}"));
        }
        // A folder's row names what it knows of the same crate.
        let imports = imports_of(&name);
        let folders = folders(&root().join("host").join(&name).join("src"));
        for folder in &folders {
            let row = table.get(&format!("host/{name}/src/{folder}"));
            let (Some(known), Some(imported)) = (row, imports.get(folder)) else { continue };
            for other in imported.intersection(&folders).filter(|other| !known.contains(*other)) {
                faults.push(format!("host/{name}/src/{folder} imports {other}"));
            }
        }
    }
    assert!(faults.is_empty(), "ARCHITECTURE.md does not allow:\n{}", faults.join("\n"));
}

#[test]
fn unsafe_code_is_forbidden_but_in_three_crates() {
    let mut allowed = Vec::new();
    for name in crates() {
        let src = root().join("host").join(&name).join("src");
        if read(&src.join("lib.rs")).contains("#![forbid(unsafe_code)]") {
            continue;
        }
        let files = sources(&src).into_values();
        let blocks: usize = files.map(|text| text.matches("allow(unsafe_code)").count()).sum();
        allowed.push((name, blocks));
    }
    let wanted = [("av", 1), ("plugin", 1), ("sys", 1)].map(|(name, n)| (name.to_owned(), n));
    assert_eq!(allowed, wanted, "crate, and how often it allows unsafe code");
}

#[test]
fn what_the_document_names_exists() {
    let (document, root) = (document(), root());
    let crates = crates();
    let mut faults = BTreeSet::new();
    let mut section = root.clone();
    for line in document.lines() {
        if line.starts_with('#') {
            let about = quoted(line).next().map(|path| root.join(path).join("src"));
            section = about.unwrap_or_else(|| root.clone());
        }
        let words = line.split(|c: char| !(is_word(c) || "./-".contains(c)));
        // `a.rs` wherever it stands, and what is quoted as a path.
        let files = words.filter(|word| word.ends_with(".rs") && word.len() > 3);
        let paths = quoted(line).filter(|quoted| {
            let is_path = quoted.chars().all(|c| is_word(c) || "./-".contains(c));
            is_path && (quoted.contains('/') || quoted.ends_with(".md"))
        });
        for path in files.chain(paths) {
            if !root.join(path).exists() && !section.join(path).exists() {
                faults.insert(format!("{path} in: {line}"));
            }
        }
        for name in quoted(line).filter_map(|quoted| quoted.strip_prefix("filmgate-")) {
            if !crates.contains(name) {
                faults.insert(format!("filmgate-{name} in: {line}"));
            }
        }
    }
    assert!(
        faults.is_empty(),
        "ARCHITECTURE.md names what does not exist:\n{}",
        Vec::from_iter(faults).join("\n")
    );
}

#[test]
fn what_exists_is_named_in_the_document() {
    let (document, root) = (document(), root());
    let mut wanted: BTreeSet<String> = BTreeSet::new();
    for name in crates() {
        let below = folders(&root.join("host").join(&name).join("src"));
        let below = below.iter().filter(|folder| *folder != "tests");
        wanted.extend(below.map(|folder| format!("host/{name}/src/{folder}/")));
        wanted.insert(format!("host/{name}"));
    }
    let plugins = folders(&root.join("plugins")).into_iter();
    let plugins = plugins.filter(|name| name != "target" && !name.starts_with('.'));
    wanted.extend(plugins.map(|name| format!("plugins/{name}/")));
    wanted.extend(["wit/", "tests/", "bench/", "docs/", "scripts/"].map(str::to_owned));
    let named: BTreeSet<&str> = document.lines().flat_map(quoted).collect();
    let missing: Vec<&String> =
        wanted.iter().filter(|path| !named.contains(path.as_str())).collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md does not name {missing:?}");
}

// ---- the test itself ----------------------------------------------------------------------------

#[test]
fn rings_are_found_in_sources() {
    let files = |all: &[(&str, &str)]| -> BTreeMap<PathBuf, String> {
        all.iter().map(|(path, text)| (PathBuf::from(path), (*text).to_owned())).collect()
    };
    let found = rings(&imports(&files(&[
        ("lib.rs", "mod a;\nmod b;\nmod c;\npub use c::{Thing, d::Other};"),
        ("a.rs", "use crate::{b::B, Thing}; // crate::nothing"),
        ("b.rs", "use super::c;\n#[cfg(test)]\nmod tests {\n use super::super::a::A; }"),
        ("c/mod.rs", "use super::{Thing};"),
        ("c/d.rs", "fn f() { super::super::a::g() }"),
    ])));
    let ring = ["a", "b", "c"].map(str::to_owned);
    assert_eq!(found, BTreeSet::from([BTreeSet::from(ring)]));
    let sound = rings(&imports(&files(&[
        ("lib.rs", "mod a;\nmod b;\nuse a::A;\npub use b::B;"),
        ("a.rs", "use super::b::B;"),
        ("b.rs", "use std::fmt; struct B;"),
    ])));
    assert_eq!(sound, BTreeSet::new());
}
