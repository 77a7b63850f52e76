//! `plugin list`, `inspect`, `check` and `pack`.

use std::fs;

use filmgate_tests::hostile::{Module, Policy, built_in};
use filmgate_tests::outside::succeed;
use filmgate_tests::shell::Shell;
use serde_json::Value;

const BUILT: [(&str, &str); 7] = [
    ("denoise", "filter"),
    ("emboss", "filter"),
    ("emboss-c", "filter"),
    ("gopro", "ordering"),
    ("grayscale", "filter"),
    ("natural", "ordering"),
    ("template", "naming"),
];

fn plugin<'a>(list: &'a Value, name: &str) -> Vec<&'a Value> {
    let plugins = list["plugins"].as_array().expect("a list of plugins");
    plugins.iter().filter(|p| p["name"] == name).collect()
}

/// The fields that programs rely on.
fn described(plugin: &Value) {
    assert_eq!(plugin["sha256"].as_str().map(str::len), Some(64), "{plugin}");
    assert_eq!(plugin["interface"], "0.1.0");
    assert!(plugin["size"].as_u64().is_some_and(|s| s > 1000));
    assert!(plugin["imports"].is_array());
    let about = &plugin["about"];
    for field in ["name", "version", "summary"] {
        assert!(about[field].as_str().is_some_and(|t| !t.is_empty()), "{field}: {plugin}");
    }
    for parameter in about["parameters"].as_array().expect("a list") {
        for field in ["name", "summary", "kind"] {
            assert!(parameter[field].is_string(), "{field}: {parameter}");
        }
        assert!(parameter["required"].is_boolean());
    }
    if plugin["kind"] == "filter" {
        assert!(plugin["formats"].as_array().is_some_and(|f| f.contains(&"yuv420p".into())));
        assert!(matches!(plugin["concurrency"].as_str(), Some("parallel" | "serial")));
    }
}

#[test]
fn list_shows_what_there_is() {
    let shell = Shell::new();
    let said = shell.filmgate("plugin list --json").done();
    assert_eq!(said.stderr, "");
    let list = said.json();
    assert!(list["folders"].as_array().is_some_and(|f| f.len() >= 3));
    assert_eq!(list["unreadable"], serde_json::json!([]));
    let text = shell.filmgate("plugin list").done().stdout;
    for (name, kind) in BUILT {
        let found = plugin(&list, name);
        assert_eq!(found.len(), 1, "{name}");
        assert_eq!(found[0]["kind"], kind);
        described(found[0]);
        let line = text.lines().find(|l| l.trim_start().starts_with(&format!("{name} ")));
        assert!(line.is_some_and(|l| l.contains(kind)), "{name}: {text}");
    }
}

#[test]
fn list_tells_what_does_not_load_and_what_comes_first() {
    let shell = Shell::new();
    for folder in ["first", "second"] {
        fs::create_dir(shell.path(folder)).expect("a folder");
    }
    shell.copy(&built_in("emboss"), "second/emboss.wasm");
    shell.copy(&built_in("grayscale"), "first/emboss.wasm");
    shell.write("first/broken.wasm", "nothing");
    shell.write("first/notes.txt", "no plugin");
    shell.write(
        "second/traps.wasm",
        Module { describe: "(unreachable)".into(), ..Module::default() }.component(),
    );
    let path = format!("{}:{}", shell.path("first").display(), shell.path("second").display());
    let list = |arguments: &[&str], path: &str| {
        let mut command = shell.command();
        shell.say(command.args(arguments).env("FILMGATE_PLUGIN_PATH", path))
    };
    let json = list(&["plugin", "list", "--json"], &path).done().json();
    let broken = plugin(&json, "broken");
    assert!(broken[0]["error"].as_str().is_some_and(|e| e.contains("not a WebAssembly file")));
    let traps = plugin(&json, "traps");
    assert!(traps[0]["error"].as_str().is_some_and(|e| e.contains("trapped")), "{traps:?}");
    // The built ones lie beside the program, and come last.
    let found = plugin(&json, "emboss");
    assert_eq!(found.len(), 3);
    assert_eq!(found[0]["about"]["name"], "grayscale");
    assert!(found[0].get("hidden_by").is_none());
    for hidden in &found[1..] {
        assert_eq!(hidden["hidden_by"], shell.path("first/emboss.wasm").to_string_lossy().as_ref());
    }
    assert!(plugin(&json, "notes").is_empty());
    let text = list(&["plugin", "list"], &path).done().stdout;
    assert!(text.contains("broken") && text.contains("does not load"), "{text}");
    assert!(text.contains("not used") && text.contains("first/emboss.wasm comes first"), "{text}");
    // The other way round, the other one wins.
    let name = |path: &str| {
        list(&["plugin", "inspect", "emboss", "--json"], path).done().json()["about"]["name"]
            .clone()
    };
    assert_eq!(name(&path), "grayscale");
    let turned = format!("{}:{}", shell.path("second").display(), shell.path("first").display());
    assert_eq!(name(&turned), "emboss");
    let none = list(&["plugin", "list", "--json"], "/nowhere").done().json();
    assert_eq!(none["folders"][0], "/nowhere");
}

#[test]
fn a_data_folder_of_the_user_is_looked_in() {
    let shell = Shell::new();
    fs::create_dir_all(shell.path("share/filmgate/plugins")).expect("folders");
    shell.copy(&built_in("emboss"), "share/filmgate/plugins/mine.wasm");
    let mut command = shell.command();
    command.env("XDG_DATA_HOME", shell.path("share")).args(["plugin", "inspect", "mine", "--json"]);
    let json = shell.say(&mut command).done().json();
    assert_eq!((&json["name"], &json["about"]["name"]), (&"mine".into(), &"emboss".into()));
}

#[test]
fn inspect_says_all() {
    let shell = Shell::new();
    let json = shell.filmgate("plugin inspect denoise --json").done().json();
    described(&json);
    assert_eq!(json["concurrency"], "serial");
    let parameters = json["about"]["parameters"].as_array().expect("a list");
    let threshold = parameters.iter().find(|p| p["name"] == "threshold").expect("it is there");
    assert_eq!((&threshold["kind"], &threshold["default"]), (&"integer".into(), &8.into()));
    assert_eq!(threshold["minimum"].as_f64(), Some(0.0));
    assert_eq!(threshold["maximum"].as_f64(), Some(255.0));
    let text = shell.filmgate("plugin inspect denoise").done().stdout;
    for part in ["threshold: a whole number from 0 to 255", "default 8", "serial", "sha256"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let path = built_in("emboss");
    let sum = succeed(std::process::Command::new("sha256sum").arg(&path));
    let mut command = shell.command();
    command.args(["plugin", "inspect", "--json"]).arg(&path);
    let json = shell.say(&mut command).done().json();
    assert_eq!(json["sha256"].as_str(), std::str::from_utf8(&sum[..64]).ok());
    shell.filmgate("plugin inspect denoisy").refused(10, &["did you mean `denoise`"]);
    shell.filmgate("plugin inspect ./none.wasm").refused(10, &["./none.wasm", "No such file"]);
}

#[test]
fn check_passes_what_is_built() {
    let shell = Shell::new();
    for (name, _) in BUILT {
        let json = shell.filmgate(&format!("plugin check {name} --json")).done().json();
        assert_eq!(json["passed"], true, "{name}: {json}");
        let trials = json["trials"].as_array().expect("a list");
        assert!(!trials.is_empty());
        for trial in trials {
            assert_eq!(trial["outcome"], "passed", "{name}: {trial}");
        }
    }
    let text = shell.filmgate("plugin check emboss:planes=all").done().stdout;
    assert!(text.contains("yuv420p 1x1") && text.contains("ms a frame"), "{text}");
    shell.filmgate("plugin check emboss:planes=none").refused(11, &["`planes`"]);
}

#[test]
fn check_catches_what_is_hostile() {
    let shell = Shell::new();
    let state = "(global.set $counter (i32.add (global.get $counter) (i32.const 1))) \
        (call $set-timestamp (local.get $frame) (i64.extend_i32_u (global.get $counter))) \
        (call $same (local.get $frame))";
    shell.write("state.wasm", Module::processing(state).component());
    let said = shell.filmgate("plugin check ./state.wasm --json");
    assert_eq!(said.code, Some(14), "{said:?}");
    assert_eq!(said.json()["passed"], false);
    let said = shell.filmgate("plugin check ./state.wasm");
    assert!(said.stdout.contains("FAILED: says that it is parallel"), "{said:?}");
    assert!(said.stderr.contains("trials failed"), "{said:?}");
    shell.write("hangs.wasm", Module::processing("(loop $l (br $l)) (unreachable)").component());
    let said = shell.filmgate("plugin check ./hangs.wasm --deadline 50");
    assert_eq!(said.code, Some(14), "{said:?}");
    assert!(said.stdout.contains("within 50 ms"), "{said:?}");
    // Answers an order of no files where five were given.
    let order = Policy { answer: "(call $list (i32.const 0))".into(), ..Policy::default() };
    shell.write("order.wasm", order.ordering());
    let said = shell.filmgate("plugin check ./order.wasm");
    assert_eq!(said.code, Some(14), "{said:?}");
    assert!(said.stdout.contains("0 places for 5 files"), "{said:?}");
}

/// Frames that break what the contract says of a stream, though each for itself is sound.
fn no_streams() -> Vec<(&'static str, Module, &'static str)> {
    let stamped = |time: &str| {
        Module::serial(
            &format!(
                "(global.set $counter (i32.add (global.get $counter) (i32.const 1)))
                 (call $set-timestamp (local.get $frame) {time}) (call $same (local.get $frame))"
            ),
            "(call $none)",
        )
    };
    let falling = "(i64.sub (i64.const 1000) (i64.extend_i32_u (global.get $counter)))";
    let numbered = "(global.set $counter (i32.add (global.get $counter) (i32.const 1)))
        (call $info (local.get $frame) (i32.const 0x600))
        (call $same (call $new (i32.load (i32.const 0x600)) (i32.load (i32.const 0x604))
          (i32.load (i32.const 0x608)) (i32.load (i32.const 0x60c))
          (i64.sub (i64.const 1000) (i64.extend_i32_u (global.get $counter)))
          (i64.load (i32.const 0x618)) (i32.const 0) (i64.const 0)))";
    let many = "(loop $more
          (i32.store (i32.add (i32.const 0x400) (i32.mul (local.get $i) (i32.const 4)))
            (call $clone (local.get $frame)))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br_if $more (i32.lt_u (local.get $i) (i32.const 126))))
        (i32.store (i32.add (i32.const 0x400) (i32.mul (local.get $i) (i32.const 4)))
          (local.get $frame))
        (call $list (i32.const 127))";
    let serial = |process: &str| Module::serial(process, "(call $none)");
    let dropped = "(call $drop (local.get $frame)) (call $none)";
    vec![
        ("falling", stamped(falling), "timestamps have to rise"),
        ("equal", stamped("(i64.const 5)"), "timestamps have to rise"),
        ("numbers", serial(numbered), "numbers must not fall"),
        ("many", serial(many), "timestamps have to rise"),
        ("kept", serial("(call $none)"), "kept 6 of 6 frames"),
        ("kept-parallel", Module::processing("(call $none)"), "kept 6 of 6 frames"),
        ("dropped", serial(dropped), "dropped all of"),
        ("dropped-parallel", Module::processing(dropped), "dropped all of"),
        (
            "rate",
            announcing("(i32.const 1) (i32.const -1) (i32.const 1)", "(i32.const 1)", ""),
            "frame rate",
        ),
        (
            "slow",
            announcing("(i32.const 1) (i32.const 1) (i32.const -1)", "(i32.const 1)", ""),
            "frame rate",
        ),
        (
            "aspect",
            announcing("(i32.const 0) (i32.const 0) (i32.const 0)", "(i32.const -1)", ""),
            "sample aspect",
        ),
        (
            "color",
            announcing("(i32.const 0) (i32.const 0) (i32.const 0)", "(i32.const 1)", COLOR),
            "control characters",
        ),
    ]
}

/// Puts a property `color-range` that clears the screen into what `configure` answers.
const COLOR: &str = "(i32.store (i32.const 0x720) (i32.const 0x700))
    (i32.store (i32.const 0x724) (i32.const 11)) (i32.store8 (i32.const 0x728) (i32.const 3))
    (i32.store (i32.const 0x730) (i32.const 0x710)) (i32.store (i32.const 0x734) (i32.const 4))
    (i32.store (i32.const 0x328) (i32.const 0x720)) (i32.store (i32.const 0x32c) (i32.const 1))";

/// Announces a frame rate and a sample aspect ratio of `aspect` to 1, after which `more` is done.
fn announcing(rate: &str, aspect: &str, more: &str) -> Module {
    Module {
        fields: r#"(data (i32.const 0x700) "color-range") (data (i32.const 0x710) "\1b[2J")"#
            .to_owned(),
        configure: format!(
            "(drop (call $accept (local.get $width) (local.get $height)
               (local.get $format) (local.get $format_len) {rate} {aspect} (i32.const 1)))
             {more} (i32.const 0x300)"
        ),
        ..Module::default()
    }
}

#[test]
fn check_catches_what_is_no_stream() {
    let shell = Shell::new();
    for (name, module, reason) in no_streams() {
        let file = format!("{name}.wasm");
        shell.write(&file, module.component());
        let said = shell.filmgate(&format!("plugin check ./{file} --json"));
        assert_eq!(said.code, Some(14), "{name}: {said:?}");
        let json = said.json();
        let trials = json["trials"].as_array().expect("a list");
        let failed = |t: &&Value| t["message"].as_str().is_some_and(|m| m.contains(reason));
        assert!(trials.iter().any(|t| failed(&t)), "{name}: {json}");
    }
}

#[test]
fn check_shows_what_a_plugin_logs_and_how_long_it_takes_to_load() {
    let shell = Shell::new();
    let logs = "(call $log (i32.const 1) (i32.const 0x100) (i32.const 7))
        (call $same (local.get $frame))";
    shell.write("logs.wasm", Module::processing(logs).component());
    let said = shell.filmgate("plugin check ./logs.wasm").done();
    assert!(said.stderr.contains("hostile: hostile"), "{}", said.stderr);
    assert!(said.stdout.contains("loaded      in 0."), "{}", said.stdout);
    let json = shell.filmgate("plugin check ./logs.wasm --json").done().json();
    assert!(json["load_ms"].as_f64().is_some_and(|ms| ms > 0.0), "{json}");
}

#[test]
fn pack_makes_a_component_of_a_module() {
    let shell = Shell::new();
    let module = wat::parse_str(Module::default().text()).expect("sound text");
    shell.write("core.wasm", &module);
    let said = shell.filmgate("plugin pack core.wasm --world filter-plugin -o made.wasm").done();
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", ""));
    assert_eq!(shell.names(), ["core.wasm", "made.wasm"]);
    let json = shell.filmgate("plugin check ./made.wasm --json").done().json();
    assert_eq!(json["plugin"]["about"]["name"], "hostile");
    // In place of what was there, and not when it does not fit.
    shell.filmgate("plugin pack core.wasm --world filter-plugin -o made.wasm").done();
    let before = fs::read(shell.path("made.wasm")).expect("it is there");
    let said = shell.filmgate("plugin pack core.wasm --world naming-plugin -o made.wasm");
    said.refused(12, &["core.wasm", "cannot be made a component"]);
    shell.filmgate("plugin pack core.wasm -o made.wasm").refused(12, &["core.wasm"]);
    shell.filmgate("plugin pack made.wasm -o again.wasm").refused(12, &["it is one already"]);
    shell.write("text.wasm", "(module)");
    shell.filmgate("plugin pack text.wasm -o x.wasm").refused(12, &["no WebAssembly module"]);
    shell.filmgate("plugin pack none.wasm -o x.wasm").refused(10, &["none.wasm", "No such file"]);
    let said = shell.filmgate("plugin pack core.wasm --world filter-plugin -o none/x.wasm");
    said.refused(32, &["none/x.wasm", "No such file"]);
    assert_eq!(fs::read(shell.path("made.wasm")).expect("it is there"), before);
    assert_eq!(shell.names(), ["core.wasm", "made.wasm", "text.wasm"]);
}
