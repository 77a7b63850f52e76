//! `plugin new`, `build` and `doctor`: from nothing to a frame, in each language whose tools are here.

use std::fs;
use std::process::Command;

use filmgate_tests::hostile::{program, root};
use filmgate_tests::outside::{ffmpeg, succeed};
use filmgate_tests::shell::{Said, Shell};
use filmgate_tests::tools::{WASM_CC, available};
use serde_json::Value;

const KINDS: [&str; 3] = ["filter", "naming", "ordering"];
const LANGUAGES: [&str; 6] = ["rust", "c", "zig", "js", "ts", "python"];

/// filmgate with the tools of the machine: rustup's are found by HOME, which a shell here moves.
fn with_tools(shell: &Shell, line: &str) -> Said {
    let mut command = shell.command();
    let home = std::env::var_os("HOME").unwrap_or_default();
    let home = std::path::Path::new(&home);
    for (name, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
        let set = std::env::var_os(name).unwrap_or_else(|| home.join(folder).into());
        command.env(name, set);
    }
    // One folder for the libraries that all plugins in Rust share.
    command.env("CARGO_TARGET_DIR", root().join("target/author"));
    shell.say(command.args(line.split_whitespace()))
}

/// The languages that can be built here without fetching anything.
fn ready(shell: &Shell) -> Vec<String> {
    let needs = with_tools(shell, "plugin doctor --json").done().json();
    let missing = |language: &str| {
        let all = needs["needs"].as_array().expect("a list").iter();
        all.filter(|n| n["language"] == language).any(|n| n["found"].is_null())
    };
    LANGUAGES.iter().filter(|l| !missing(l)).map(|l| (*l).to_owned()).collect()
}

#[test]
fn a_new_plugin_is_complete_and_says_how_it_is_built() {
    let shell = Shell::new();
    for language in LANGUAGES {
        for kind in KINDS {
            let name = format!("{language}-{kind}");
            let said =
                shell.filmgate(&format!("plugin new {name} --kind {kind} --lang {language}"));
            let said = said.done().stdout;
            assert!(said.contains(&format!("filmgate plugin build {name}")), "{said}");
            for file in ["README.md", "LICENSE", "plugin.toml", ".gitignore", "wit/worlds.wit"] {
                assert!(shell.path(&name).join(file).is_file(), "{name}/{file}");
            }
            assert!(said.contains(&format!("edit     {name}/")), "{said}");
        }
    }
}

#[test]
fn bad_names_and_existing_folders_are_refused() {
    let shell = Shell::new();
    fs::create_dir(shell.path("there")).expect("a folder");
    shell.write("there/mine", "kept");
    shell.filmgate("plugin new there").refused(30, &["there", "exists"]);
    assert_eq!(fs::read_dir(shell.path("there")).expect("it is there").count(), 1);
    for name in ["Glow", "9lives", "a_b", "a--b", "-", "..", "."] {
        let mut command = shell.command();
        let said = shell.say(command.args(["plugin", "new", "--", name]));
        assert_eq!(said.code, Some(2), "{name}: {said:?}");
    }
    shell.filmgate("plugin new").refused(2, &["NAME"]);
    shell.filmgate("plugin build").refused(2, &["plugin.toml", "plugin new"]);
    assert_eq!(shell.names(), ["there"]);
}

#[test]
fn a_folder_that_cannot_be_made_is_reported() {
    let shell = Shell::new();
    shell.write("file", "no folder");
    shell.filmgate("plugin new file/glow --lang c").refused(1, &["file"]);
}

#[test]
fn missing_tools_are_named_with_the_way_to_install_them() {
    let shell = Shell::new();
    shell.filmgate("plugin new glow --lang c").done();
    let bare = |arguments: &[&str]| {
        let mut command = shell.command();
        shell.say(command.args(arguments).env("PATH", shell.folder()).env_remove("WASM_CC"))
    };
    bare(&["plugin", "build", "glow"]).refused(1, &["clang", "not installed", "Debian"]);
    let said = bare(&["plugin", "doctor", "--lang", "c"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stdout.contains("MISSING  clang"), "{said:?}");
    assert!(said.stdout.contains("lld"), "{said:?}");
}

#[test]
fn errors_of_the_compiler_are_passed_on() {
    if !available(&WASM_CC) {
        return;
    }
    let shell = Shell::new();
    shell.filmgate("plugin new glow --lang c").done();
    shell.filmgate("plugin build glow").done();
    let before = fs::read(shell.path("glow/glow.wasm")).expect("built");
    let source = shell.path("glow/plugin.c");
    let text = fs::read_to_string(&source).expect("the template");
    fs::write(&source, text.replace("fg_put(frame);", "fg_putt(frame)")).expect("written");
    let said = shell.filmgate("plugin build glow");
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stderr.contains("plugin.c:") && said.stderr.contains("fg_putt"), "{said:?}");
    // A build that failed leaves the plugin that there was.
    assert_eq!(fs::read(shell.path("glow/glow.wasm")).expect("still there"), before);
}

/// Builds the three kinds in a language, tries them, and gives back the frame that the filter made.
fn from_nothing_to_a_frame(language: &str) -> Vec<u8> {
    let shell = Shell::new();
    let clip = shell.path("clip.mkv");
    let mut command =
        ffmpeg("-f lavfi -i testsrc2=size=64x48:duration=1 -c:v ffv1 -pix_fmt yuv420p");
    succeed(command.arg(&clip));
    // Each plugin in Rust compiles the library for itself; one shows that it works.
    let kinds = if language == "rust" { &KINDS[..1] } else { &KINDS[..] };
    for kind in kinds {
        shell.filmgate(&format!("plugin new {kind}x --kind {kind} --lang {language}")).done();
        let built = with_tools(&shell, &format!("plugin build {kind}x --json")).done().json();
        let again = with_tools(&shell, &format!("plugin build {kind}x --json")).done().json();
        // The packagers of the others write something new each time.
        if ["rust", "c", "zig"].contains(&language) {
            assert_eq!(built["sha256"], again["sha256"], "{language} {kind}: builds differ");
        }
        let file = format!("{kind}x/{kind}x.wasm");
        let about = shell.filmgate(&format!("plugin inspect {file} --json")).done().json();
        assert_eq!(about["kind"], *kind, "{language}");
        let wasi = |i: &Value| i.as_str().is_some_and(|i| i.starts_with("wasi:"));
        let imports = about["imports"].as_array().expect("a list");
        assert!(!imports.iter().any(wasi), "{language} {kind}: {imports:?}");
        shell.filmgate(&format!("plugin check {file} --deadline 20000")).done();
    }
    let frame = "frame -i clip.mkv --at 0.2 -p filterx/filterx.wasm -o frame.png --deadline 20000";
    shell.filmgate(frame).done();
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-i"]).arg(shell.path("frame.png"));
    command.args(["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]);
    let frame = command.output().expect("ffmpeg runs").stdout;
    assert_eq!(frame.len(), 64 * 48 * 3);
    frame
}

/// What ffmpeg makes of the same frame.
fn by_ffmpeg() -> Vec<u8> {
    let shell = Shell::new();
    let clip = shell.path("clip.mkv");
    let mut command = ffmpeg(
        "-f lavfi -i testsrc2=size=64x48:duration=1 -vf lutyuv=y=255-val -c:v ffv1 -pix_fmt yuv420p",
    );
    succeed(command.arg(&clip));
    shell.filmgate("frame -i clip.mkv --at 0.2 -o frame.png").done();
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-i"]).arg(shell.path("frame.png"));
    command.args(["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]);
    command.output().expect("ffmpeg runs").stdout
}

#[test]
fn every_language_that_is_here_makes_the_same_frame_as_ffmpeg() {
    let shell = Shell::new();
    let ready = ready(&shell);
    assert!(ready.contains(&"c".to_owned()), "clang and lld are part of the setup: {ready:?}");
    assert!(ready.contains(&"rust".to_owned()), "Rust is part of the setup: {ready:?}");
    let expected = by_ffmpeg();
    for language in ready {
        eprintln!("{language}");
        assert_eq!(from_nothing_to_a_frame(&language), expected, "{language}");
    }
}

#[test]
fn the_metadata_is_what_plugin_toml_says() {
    if !available(&WASM_CC) {
        return;
    }
    let shell = Shell::new();
    shell.filmgate("plugin new glow --lang c").done();
    let manifest = shell.path("glow/plugin.toml");
    let text = fs::read_to_string(&manifest).expect("the template");
    let text = text.replace("authors = []", "authors = [\"Ada L.\"]").replace("# source", "source");
    fs::write(&manifest, text).expect("written");
    shell.filmgate("plugin build glow").done();
    let wasm = fs::read(shell.path("glow/glow.wasm")).expect("built");
    let text = String::from_utf8_lossy(&wasm);
    for part in ["Ada L.", "https://example.org/glow", "MIT", "turns light to dark"] {
        assert!(text.contains(part), "{part}");
    }
    // Where it was built is in none of it.
    assert!(!text.contains(&*shell.folder().to_string_lossy()));
    fs::write(&manifest, "name = 3").expect("written");
    shell.filmgate("plugin build glow").refused(2, &["plugin.toml"]);
    assert!(program().is_file());
}

/// The commands of docs/write-a-plugin.md, in their order.
#[test]
fn the_page_for_authors_works_word_by_word() {
    let page = fs::read_to_string(root().join("docs/write-a-plugin.md")).expect("the page");
    let lines = page.lines().filter(|line| {
        line.starts_with("filmgate plugin ")
            || line.starts_with("filmgate frame ")
            || line.starts_with("filmgate run ")
    });
    let lines: Vec<&str> = lines.collect();
    assert!(lines.len() >= 6, "{lines:?}");
    let ready = ready(&Shell::new());
    for language in ["c", "python", "js"].iter().filter(|l| ready.contains(&(**l).to_owned())) {
        let shell = Shell::new();
        let mut command = ffmpeg("-f lavfi -i testsrc2=size=64x48:duration=1");
        succeed(command.arg(shell.path("clip.mp4")));
        for line in &lines {
            let line = line.replace("--lang c", &format!("--lang {language}"));
            with_tools(&shell, line.trim_start_matches("filmgate ")).done();
        }
        assert!(shell.path("frame.png").is_file() && shell.path("out.mp4").is_file());
    }
}

/// A new filter in C with a change in its code.
fn changed(shell: &Shell, from: &str, to: &str) {
    let source = shell.path("glow/plugin.c");
    let text = fs::read_to_string(&source).expect("the template");
    assert!(text.contains(from), "{from}");
    fs::write(&source, text.replace(from, to)).expect("written");
}

#[test]
fn plugin_test_finds_what_breaks_a_promise_and_says_what_to_do() {
    if !available(&WASM_CC) {
        return;
    }
    let shell = Shell::new();
    shell.filmgate("plugin new glow --lang c").done();
    let test = |more: &str| {
        shell.filmgate(&format!("plugin test glow --deadline 60000 --memory 1024 --json {more}"))
    };
    let failed = |said: &Said| -> Vec<String> {
        assert_eq!(said.code, Some(14), "{said:?}");
        let cases = said.json()["cases"].as_array().expect("a list").clone();
        let failed = cases.iter().filter(|c| c["outcome"] == "failed");
        failed.map(|c| c["name"].as_str().expect("a name").to_owned()).collect()
    };
    let good = test("--bless").done().json();
    let names: Vec<&str> = good["cases"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|c| c["name"].as_str())
        .collect();
    for name in
        ["yuv420p 7680x4320", "parameter strength=0", "parameter strength=100", "golden frames"]
    {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    assert!(shell.path("glow/tests/golden.txt").is_file());
    test("").done();
    // Another picture: the golden frames are not these.
    changed(&shell, "255 - sample[i]", "254 - sample[i]");
    assert_eq!(failed(&test("")), ["golden frames"]);
    test("--bless").done();
    // A memory from frame to frame, in a filter that says that it has none.
    changed(&shell, "strength) / 100);", "strength) / 100 + calls % 2);");
    changed(&shell, "fg_put(frame);", "calls++, fg_put(frame);");
    changed(&shell, "static unsigned strength;", "static unsigned strength, calls;");
    let found = failed(&test("--junit report.xml"));
    assert!(found.iter().any(|n| n.contains("workers")), "{found:?}");
    // Another program reads the report.
    let mut python = Command::new("python3");
    python.args(["-c", "import sys, xml.etree.ElementTree as t; s = t.parse(sys.argv[1]).find('testsuite'); print(s.get('failures'), len(s.findall('testcase/failure')))"]);
    let out = python.arg(shell.path("report.xml")).output().expect("python runs").stdout;
    assert_eq!(String::from_utf8_lossy(&out).trim(), format!("{0} {0}", found.len()));
    // What plugin.toml says is another version than the code.
    let manifest = shell.path("glow/plugin.toml");
    let text = fs::read_to_string(&manifest).expect("the template");
    fs::write(&manifest, text.replace("0.1.0", "0.2.0")).expect("written");
    assert!(failed(&test("")).contains(&"name and version".to_owned()));
    shell.filmgate("plugin test glow/glow.wasm --bless").refused(2, &["--bless"]);
}

#[test]
fn plugin_test_knows_policies() {
    let shell = Shell::new();
    for plugin in ["natural", "template", "by"] {
        let file = filmgate_tests::hostile::built_in(plugin);
        let said = shell.filmgate(&format!("plugin test {} --json", file.display()));
        let cases = said.json();
        let generated = |c: &Value| c["name"].as_str().is_some_and(|n| n.contains("generated"));
        let case = cases["cases"].as_array().expect("a list").iter().find(|c| generated(c));
        assert_eq!(case.expect("it is tried")["outcome"], "passed", "{plugin}: {said:?}");
    }
}
