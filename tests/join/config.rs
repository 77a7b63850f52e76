//! `join --config`, and the other options that `join` has in common with `run`.

use std::path::Path;

use filmgate::cancel::Cancel;
use filmgate::collide::Files;
use filmgate::engine::graph::Progress;
use filmgate::join::{JoinError, JoinSpec, prepare};
use filmgate_tests::hostile::built_in;
use filmgate_tests::shell::Shell;
use serde_json::Value;

use super::cases::segments;

/// The good segments in the folder `in`.
fn shell() -> Shell {
    let shell = Shell::new();
    std::fs::create_dir(shell.path("in")).expect("made");
    for (number, source) in segments("good").iter().enumerate() {
        shell.copy(source, format!("in/seg{}.mp4", number + 9));
    }
    shell
}

fn paths(plan: &Value) -> Vec<&str> {
    let segments = plan["segments"].as_array().expect("segments");
    segments.iter().map(|s| s["path"].as_str().expect("a path")).collect()
}

#[test]
fn a_file_joins_as_its_options_would() {
    let shell = shell();
    let text = "input = ['in']\noutput = 'a.mp4'\nglob = '{seg9,seg11}.mp4'\n\
                order-plugin = 'by:key=name'\nchapters = true\nno-faststart = true\n\
                receipt = 'a.json'\n";
    shell.write("j.toml", text);
    shell.filmgate("join --config j.toml -q").done();
    let line = "join in --glob {seg9,seg11}.mp4 --order-plugin by:key=name --chapters \
                --no-faststart -o b.mp4";
    shell.filmgate(&format!("{line} -q")).done();
    let read = |name| std::fs::read(shell.path(name)).expect("there");
    assert!(read("a.mp4") == read("b.mp4"));
    let receipt: Value = serde_json::from_slice(&read("a.json")).expect("JSON");
    assert_eq!(receipt["inputs"].as_array().map(Vec::len), Some(2));
    assert_eq!(receipt["plugins"][0]["name"], "by");
    assert_eq!(
        (&receipt["summary"]["status"], &receipt["summary"]["exit"]),
        (&"done".into(), &0.into())
    );
    assert_eq!(paths(&receipt["summary"]), ["in/seg11.mp4", "in/seg9.mp4"]);
    let plugin = "[[plugin]]\nname = 'emboss'\nparameters = { planes = 'all' }\nmemory = 64\n";
    shell.write("j.toml", format!("{text}{plugin}"));
    let plan = |line: &str| shell.filmgate(&format!("{line} --dry-run --json")).done().json();
    let by_file = plan("join --config j.toml -o b.mp4");
    assert_eq!(by_file["plugins"][0]["memory_mib"], 64);
    assert_eq!(by_file, plan(&format!("{line} -p emboss:planes=all --memory 64")));
}

#[test]
fn flags_come_before_the_file() {
    let shell = shell();
    shell.write("j.toml", "input = 'in'\noutput = 'a.mp4'\norder = 'name'\ngap = 'keep'\n");
    let plan = |more: &str| {
        let line = format!("join --config j.toml --dry-run --json {more}");
        shell.filmgate(&line).done().json()
    };
    let by_file = plan("");
    assert_eq!(paths(&by_file), ["in/seg10.mp4", "in/seg11.mp4", "in/seg9.mp4"]);
    assert_eq!(by_file["gap"], "keep");
    let by_flags = plan("--order natural --gap close -o b.mkv in/seg10.mp4 in/seg9.mp4");
    assert_eq!(paths(&by_flags), ["in/seg9.mp4", "in/seg10.mp4"]);
    assert_eq!((&by_flags["gap"], &by_flags["output"]), (&"close".into(), &"b.mkv".into()));
    assert!(!shell.path("a.mp4").exists() && !shell.path("b.mkv").exists());
}

#[test]
fn what_is_wrong_has_a_line_and_a_column() {
    let shell = Shell::new();
    for (text, parts) in [
        ("gap = 'keep'\nimput = 'x'", ["j.toml:2:1: ", "`input`"]),
        ("order = 'sideways'", ["j.toml:1:9: ", "`natural`"]),
        ("\ncrf = 999", ["j.toml:2:7: ", "from 0"]),
        ("name-plugin = ':'", ["j.toml:1:15: ", "invalid value"]),
        ("workers = 2", ["j.toml:1:1: ", "`workers`"]),
    ] {
        shell.write("j.toml", text);
        shell.filmgate("join --config j.toml a -o b").refused(2, &parts);
    }
}

#[test]
fn conflicts_hold_across_file_and_flags() {
    let shell = shell();
    for (text, flags, parts) in [
        ("into = 'x'", "in -o a.mp4", ["--output", "--into"]),
        ("order = 'name'", "in -o a.mp4 --order-plugin natural", ["--order", "--order-plugin"]),
        ("no-proof = true", "in -o a.mp4 --delete-sources", ["--no-proof", "--delete-sources"]),
        ("json = true", "in -o a.mp4 --progress-json", ["--progress-json", "--json"]),
        ("crf = 20", "in -o a.mp4", ["--crf", "--plugin"]),
        ("into = 'x'", "in", ["--dest-name", "--name-plugin"]),
        ("output = 'a.mp4'", "", ["`input`", "--list"]),
        ("glob = '../*'", "in -o a.mp4", ["--glob", "../*"]),
    ] {
        shell.write("j.toml", text);
        shell.filmgate(&format!("join --config j.toml {flags}")).refused(2, &parts);
    }
    shell.write("j.toml", "input = 'in'\noutput = 'j.toml'\nformat = 'mp4'");
    shell.filmgate("join --config j.toml -y").refused(31, &["j.toml"]);
}

#[test]
fn the_schema_has_every_key() {
    let schema = Shell::new().filmgate("join --config-schema").done().json();
    let properties = schema["properties"].as_object().expect("a table");
    for key in ["input", "glob", "order", "gap", "plugin", "into", "delete-sources", "receipt"] {
        assert!(properties.contains_key(key), "{key}");
    }
    assert_eq!(properties["order"]["enum"][0], "natural");
    assert!(!properties.contains_key("dry-run") && !properties.contains_key("config"));
}

#[test]
fn progress_is_reported_line_by_line() {
    let shell = shell();
    let said = shell.filmgate("join in -o a.mp4 -p emboss --progress-json").done();
    let lines: Vec<Value> =
        said.stdout.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    let (first, last) = (&lines[0], &lines[lines.len() - 1]);
    assert_eq!((&first["event"], &last["event"]), (&"start".into(), &"result".into()));
    assert_eq!(paths(first), paths(last));
    assert_eq!(last["status"], "done");
    assert!(lines[1..lines.len() - 1].iter().all(|l| l["event"] == "progress"));
    let said = shell.filmgate("join in -o a.mp4 --progress-json");
    let last: Value =
        serde_json::from_str(said.stdout.lines().last().expect("a line")).expect("JSON");
    assert_eq!((said.code, &last["exit"]), (Some(30), &30.into()));
}

/// `watch --include` uses the same module, `filmgate_core::glob`.
#[test]
fn patterns_match_as_in_watch() {
    let shell = Shell::new();
    let source = &segments("good")[0];
    for name in ["x1.mp4", "x2.mp4", ".x3.mp4", "cam1/x1.mp4", "cam1/deep/x2.mp4", "cam2/x1.mp4"] {
        let path = shell.path(format!("in/{name}"));
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new(""))).expect("made");
        shell.copy(source, format!("in/{name}"));
    }
    let cases: [(&str, &[&str]); 7] = [
        ("{x1,x2}.mp4", &["x1.mp4", "x2.mp4"]),
        ("*.mp4", &["x1.mp4", "x2.mp4"]),
        ("cam?/*.mp4", &["cam1/x1.mp4", "cam2/x1.mp4"]),
        ("cam[!2]/x*", &["cam1/x1.mp4"]),
        ("**/x2.mp4", &["cam1/deep/x2.mp4", "x2.mp4"]),
        ("cam1/**", &["cam1/deep/x2.mp4", "cam1/x1.mp4"]),
        (".x3.mp4", &[]),
    ];
    for (pattern, wanted) in cases {
        let line = format!("join in --glob {pattern} --order given -o o.mp4 --dry-run --json");
        let plan = shell.filmgate(&line).done().json();
        let wanted: Vec<String> = wanted.iter().map(|name| format!("in/{name}")).collect();
        assert_eq!(paths(&plan), wanted, "{pattern}");
    }
}

#[test]
fn a_program_joins_as_the_command_line_does() {
    let (shell, cancel) = (shell(), Cancel::new());
    let spec = JoinSpec {
        input: vec![shell.path("in")],
        output: Some(shell.path("a.mp4")),
        order_plugin: built_in("natural").to_str().and_then(|path| path.parse().ok()),
        delete_sources: true,
        ..JoinSpec::default()
    };
    let prepared = prepare(&spec, Files::default(), &cancel).expect("a plan");
    assert_eq!(prepared.plan().segments.len(), 3);
    assert!(prepared.plan().result.is_none() && !shell.path("a.mp4").exists());
    let progress = Progress::default();
    let joined = prepared.run(&progress).expect("joined");
    assert!(joined.report().result.is_some() && shell.path("in/seg9.mp4").exists());
    let report = joined.finish().expect("removed");
    assert!(!report.is_partial());
    assert_eq!(report.removed.map(|r| r.len()), Some(3));
    assert_eq!(progress.frames(), 150);
    let again = prepare(&spec, Files::default(), &cancel);
    assert!(matches!(again, Err(JoinError::Nothing { unreadable: 0 })));
}
