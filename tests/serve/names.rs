//! Names that could lead elsewhere, and links that do.

use std::os::unix::fs::symlink;

use super::Served;

#[test]
fn names_that_could_lead_elsewhere_are_refused_and_nothing_is_written() {
    let served = Served::new();
    let long = format!("t/d/{}", "n".repeat(256));
    for (path, words) in [
        ("t/d/../../../escaped", "`..`"),
        ("t/d/%2e%2e/%2e%2e/escaped", "`..`"),
        ("t/d/%252e%252e/escaped", "twice"),
        ("t/d/..%2f..%2fescaped", "slash"),
        ("t/d//etc/escaped", "absolute"),
        ("t/d/%2fetc%2fescaped", "slash"),
        ("t/d/a%00b", "control"),
        ("t/d/a%ffb", "UTF-8"),
        ("t/d/x.mp4.partial", "being written"),
        (".filmgate/d/escaped", "the server's own"),
        (&*long, "255"),
    ] {
        served.put(path, "x").is_problem(400, "name", words);
    }
    assert!(!served.path("escaped").exists() && !std::path::Path::new("/etc/escaped").exists());
    let root: Vec<_> = std::fs::read_dir(served.path("root")).expect("readable").collect();
    assert_eq!(root.len(), 1, "only the server's own folder: {root:?}");
}

#[test]
fn links_planted_in_the_root_lead_nowhere() {
    let served = Served::new();
    served.put("t/d/a.mp4", "inside").is(201);
    let outside = served.shell.write("secret", "outside");
    symlink(served.shell.folder(), served.path("root/t/d/folder")).expect("a link");
    symlink(&outside, served.path("root/t/d/file")).expect("a link");
    served.put("t/d/folder/new", "x").is_problem(409, "conflict", "folder");
    for method in ["GET", "DELETE"] {
        let arguments = format!("-X {method}");
        let said = served.curl(&arguments, "tasks/t/d/folder/secret");
        said.is_problem(409, "conflict", "folder");
        served.curl(&arguments, "tasks/t/d/file").is_problem(404, "not-found", "file");
    }
    // A join follows links, so that it is not begun.
    let join = serde_json::json!({"path": "."});
    served.post("tasks/t/d/join", &join, "").is_problem(409, "conflict", "symbolic link");
    served.put("t/d/file", "replaced").is(201);
    assert_eq!(std::fs::read(&outside).expect("there"), b"outside");
    assert!(!served.path("new").exists());
}
