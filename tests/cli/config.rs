//! Pipelines as files.

use filmgate_tests::hostile::{Module, root};
use filmgate_tests::outside::small;
use filmgate_tests::shell::Shell;
use serde_json::Value;

#[test]
fn a_file_runs_as_its_options_would() {
    let (shell, input) = (Shell::new(), small("plain.mp4", "-bf 2"));
    shell.copy(&input, "in.mp4");
    shell.write(
        "p.toml",
        "input = 'in.mp4'\noutput = 'a.mp4'\npreset = 'ultrafast'\ncrf = 30\n\n\
         [[plugin]]\nname = 'emboss'\nparameters = { planes = 'all' }\non-failure = 'bypass'\n\
         memory = 64\n",
    );
    shell.filmgate("run --config p.toml -q").done();
    let line = "run -i in.mp4 -o b.mp4 --preset ultrafast --crf 30 -p emboss:planes=all -q";
    shell.filmgate(line).done();
    let read = |name| std::fs::read(shell.path(name)).expect("there");
    assert!(read("a.mp4") == read("b.mp4"));
    let plan = shell.filmgate("run --config p.toml -o c.mp4 --dry-run --json").done().json();
    assert_eq!(plan["plugins"][0]["on_failure"], "bypass");
    assert_eq!(plan["plugins"][0]["memory_mib"], 64);
    assert_eq!(plan["plugins"][0]["deadline_ms"], 2000);
}

#[test]
fn flag_before_environment_before_file() {
    let (shell, input) = (Shell::new(), small("plain.mp4", "-bf 2"));
    shell.copy(&input, "in.mp4");
    shell
        .write("p.toml", "input = 'in.mp4'\noutput = 'a.mp4'\ncrf = 30\n[[plugin]]\nname='emboss'");
    let crf = |environment: Option<&str>, more: &str| {
        let mut command = shell.command();
        environment.map(|value| command.env("FILMGATE_CRF", value));
        command.args("run --config p.toml --dry-run --json".split(' '));
        let plan = shell.say(command.args(more.split_whitespace())).done().json();
        (plan["encoder"]["options"]["crf"].clone(), plan["plugins"][0]["name"].clone())
    };
    assert_eq!(crf(None, ""), ("30".into(), "emboss".into()));
    assert_eq!(crf(Some("21"), ""), ("21".into(), "emboss".into()));
    assert_eq!(crf(Some("21"), "--crf 18 -p grayscale"), ("18".into(), "grayscale".into()));
}

#[test]
fn the_environment_s_defaults_hold_where_they_mean_something() {
    let (shell, input) = (Shell::new(), small("plain.mp4", "-bf 2"));
    shell.copy(&input, "in.mp4");
    let run = |environment: &[(&str, &str)], line: &str| {
        let mut command = shell.command();
        command.envs(environment.iter().copied()).args(["run", "-i", "in.mp4", "-y", "-q"]);
        shell.say(command.args(line.split_whitespace()))
    };
    let both = [("FILMGATE_PRESET", "slow"), ("FILMGATE_CRF", "60")];
    for line in [
        "-o o.mkv --codec ffv1",
        "-o o%d.png",
        "-o o.png --max-frames 1",
        "-o o%d.jpg",
        "-o o.gif",
        "-o o.webm --max-frames 3 --no-audio",
        "-o o.mkv --codec av1 --max-frames 3",
        "-o o.mp4",
        "-o o.mp4 --bitrate 1M",
        "-o o.mkv -o o.mp4",
        "-o /dev/null",
    ] {
        run(&both, line).done();
    }
    let options = |environment: &[(&str, &str)], line: &str| {
        let plan = run(environment, &format!("{line} --dry-run --json")).done().json();
        let options = plan["encoder"]["options"].clone();
        (options["preset"].clone(), options["crf"].clone())
    };
    let sound = [("FILMGATE_PRESET", "slow"), ("FILMGATE_CRF", "33")];
    assert_eq!(options(&sound, "-o p.mp4"), ("slow".into(), "33".into()));
    assert_eq!(options(&sound, "-o p.webm --no-audio"), (Value::Null, "33".into()));
    assert_eq!(options(&sound, "-o p.mp4 --bitrate 1M"), ("slow".into(), Value::Null));
    let empty = [("FILMGATE_PRESET", ""), ("FILMGATE_CRF", ""), ("FILMGATE_WORKERS", "")];
    assert_eq!(options(&empty, "-o p.mp4"), (Value::Null, Value::Null));
    // What the command line says is meant for this output.
    run(&[], "-o q.mkv --codec ffv1 --preset slow").refused(34, &["preset"]);
    run(&[], "-o q%d.png --preset slow").refused(34, &["preset"]);
    run(&[("FILMGATE_CRF", "high")], "-o q.mp4").refused(2, &["high", "FILMGATE_CRF"]);
    run(&[("FILMGATE_WORKERS", "0")], "-o q.mp4").refused(2, &["FILMGATE_WORKERS"]);
    run(&both, "-o q.mp4 --crf 60").refused(2, &["0 to 51"]);
    run(&both, "-o q.mp4 --crf 20 --bitrate 1M").refused(2, &["--bitrate"]);
}

#[test]
fn what_is_wrong_has_a_line_and_a_column() {
    let shell = Shell::new();
    for (text, parts) in [
        ("crf = 18\nimput = 'x'", ["p.toml:2:1: ", "`input`"]),
        ("crf =", ["p.toml:1:", ""]),
        ("[[plugin]]\nname = 'emboss'\ngrants = ['files']", ["p.toml:3:11: ", "env=NAME"]),
        ("\ncrf = 999", ["p.toml:2:7: ", "from 0"]),
        ("[[plugin]]\nname = 'emboss'\nmemroy = 3", ["p.toml:3:1: ", "`memory`"]),
    ] {
        shell.write("p.toml", text);
        shell.filmgate("run --config p.toml -i a -o b").refused(2, &parts);
    }
    // What does not go together may be on the line and in the file, and be found out late.
    shell.write("p.toml", "output = 'o.mp4'\ncrf = 20\nfragmented = true\n");
    let both = shell.filmgate("run --config p.toml -i a --bitrate 1M");
    both.refused(2, &["p.toml:2:1: ", "--bitrate cannot be used with --crf"]);
    shell.copy(&small("plain.mp4", "-bf 2"), "in.mp4");
    let late = shell.filmgate("run --config p.toml -i in.mp4 -o o.mkv");
    late.refused(2, &["p.toml:3:1: ", "--fragmented"]);
    shell.filmgate("run --config none.toml").refused(2, &["none.toml"]);
}

#[test]
fn the_schema_is_printed_as_it_is_committed() {
    let printed = Shell::new().filmgate("run --config-schema").done().json();
    let committed = std::fs::read_to_string(root().join("docs/pipeline.schema.json"));
    let committed: Value =
        serde_json::from_str(&committed.expect("docs/pipeline.schema.json")).expect("JSON");
    assert_eq!(printed, committed);
}

#[test]
fn grants_are_for_a_plugin_and_shown() {
    let (shell, input) = (Shell::new(), small("plain.mp4", "-bf 2"));
    let granted =
        "--dry-run --json -p emboss -p grayscale --grant emboss:clock --grant emboss:env=TZ";
    let plan = shell.run(&input, "o.mp4", granted).done().json();
    assert_eq!(plan["plugins"][0]["grants"], serde_json::json!(["clock", "env=TZ"]));
    assert_eq!(plan["plugins"][1]["grants"], serde_json::json!([]));
    shell.write("p.toml", "[[plugin]]\nname = 'emboss'\ngrants = ['random']");
    let plan = shell.run(&input, "o.mp4", "--dry-run --json --config p.toml").done().json();
    assert_eq!(plan["plugins"][0]["grants"], serde_json::json!(["random"]));
    for (grant, part) in [("blur:clock", "no plugin"), ("emboss:files", "env=NAME"), ("x", "NAME:")]
    {
        shell.run(&input, "o.mp4", &format!("-p emboss --grant {grant}")).refused(2, &[part]);
    }
}

/// What makes a whole job of each verb, without its input and output.
const VERBS: [(&str, &str, &str); 4] = [
    ("run", "crf = 30", "out.mp4"),
    ("encode", "crf = 30", "out.mkv"),
    ("split", "max-frames = 2", "out"),
    ("frame", "at = 0.2", "out.png"),
];

#[test]
fn every_verb_reads_a_file() {
    let (shell, input) = (Shell::new(), small("plain.mp4", "-bf 2"));
    shell.copy(&input, "in.mp4");
    for (verb, more, output) in VERBS {
        shell.write(
            "p.toml",
            format!("input = 'in.mp4'\noutput = '{output}'\n{more}\n[[plugin]]\nname = 'emboss'\n"),
        );
        // Nothing is written, and what would be is said.
        let line = format!("{verb} --config p.toml --dry-run --json --grant emboss:clock");
        let plan = shell.filmgate(&line).done().json();
        assert_eq!(plan["plugins"][0]["name"], "emboss", "{verb}: {plan}");
        assert_eq!(plan["plugins"][0]["grants"], serde_json::json!(["clock"]), "{verb}");
        assert!(!shell.path(output).exists(), "{verb}");
        // The receipt says what came of what.
        let line = format!("{verb} --config p.toml --receipt {verb}.json --deadline 900 --json");
        let summary = shell.filmgate(&line).done().json();
        assert_eq!(summary["exit"], 0, "{verb}");
        assert!(shell.path(output).exists(), "{verb}");
        let receipt = std::fs::read_to_string(shell.path(format!("{verb}.json"))).expect("there");
        let receipt: Value = serde_json::from_str(&receipt).expect("JSON");
        assert_eq!(receipt["plugins"][0]["deadline_ms"], 900, "{verb}");
        assert_eq!(receipt["inputs"][0]["path"], "in.mp4", "{verb}");
        assert_eq!(receipt["summary"]["exit"], 0, "{verb}");
        // Keys of other verbs are none of this one.
        shell.write("p.toml", "originals = 'keep'");
        let refused = shell.filmgate(&format!("{verb} --config p.toml -i in.mp4 -o x.mkv"));
        refused.refused(2, &["p.toml:1:1: ", "`originals`"]);
        let schema = shell.filmgate(&format!("{verb} --config-schema")).done().json();
        let key = more.split(' ').next().unwrap_or_default();
        assert!(schema["properties"][key]["description"].is_string(), "{verb}");
    }
}

#[test]
fn what_is_required_or_excluded_holds_for_line_and_file_together() {
    let shell = Shell::new();
    for (verb, file, line, part) in [
        ("run", "output = 'o.mp4'", "", "-i INPUT"),
        ("split", "input = 'a'", "", "-o OUTPUT"),
        ("encode", "output = 'o.mp4'", "", "--fifo"),
        ("run", "input = 'a'\noutput = 'o.mp4'\ncrf = 20", "--bitrate 1M", "--crf"),
        ("encode", "output = 'o.mp4'\nbufsize = '1M'", "-i a", "--maxrate"),
        ("encode", "output = 'o.mp4'\nimage = ['a.png']", "", "--duration"),
        ("split", "input = 'a'\noutput = 'o'\nevery = 2", "--fps 3", "--every"),
        ("run", "input = 'a'\noutput = 'o.mp4'\njson = true", "--progress-json", "--json"),
    ] {
        shell.write("p.toml", file);
        shell.filmgate(&format!("{verb} --config p.toml {line}")).refused(2, &[part]);
    }
}

#[test]
fn every_verb_has_the_same_options_for_plugins() {
    let (shell, input) = (Shell::new(), small("plain.mp4", "-bf 2"));
    shell.copy(&input, "in.mp4");
    let traps = Module::processing("(unreachable) (call $none)");
    shell.write("traps.wasm", Module { format: "yuv420p".to_owned(), ..traps }.component());
    for (verb, _, output) in VERBS {
        let line = |more: &str| format!("{verb} -i in.mp4 -o {output} -p emboss {more}");
        let plan = |more: &str| {
            let said = shell.filmgate(&line(&format!("--dry-run --json {more}"))).done().json();
            said["plugins"][0].clone()
        };
        assert_eq!(plan("--on-failure bypass")["on_failure"], "bypass", "{verb}");
        assert_eq!(plan("--memory 64")["memory_mib"], 64, "{verb}");
        assert_eq!(plan("-j 2 --deadline 700")["deadline_ms"], 700, "{verb}");
        let mut command = shell.command();
        command.args(line("--dry-run --json").split(' ')).env("FILMGATE_MEMORY", "32");
        assert_eq!(shell.say(&mut command).done().json()["plugins"][0]["memory_mib"], 32, "{verb}");
        shell.filmgate(&line("--grant blur:clock")).refused(2, &["no plugin"]);
        let fails = format!("{verb} -i in.mp4 -o {output} -p ./traps.wasm");
        assert_eq!(shell.filmgate(&fails).code, Some(14), "{verb}");
        let said = shell.filmgate(&format!("{fails} --on-failure bypass --json"));
        assert_eq!((said.code, &said.json()["exit"]), (Some(3), &3.into()), "{verb}: {said:?}");
    }
}

#[test]
fn a_dry_run_of_encode_checks_and_makes_no_pipe() {
    let shell = Shell::new();
    let line = "encode --fifo pipe -o o.mp4 --dry-run";
    shell.filmgate(&format!("{line} --size 321x179")).refused(2, &["even sizes"]);
    let said = shell.filmgate(&format!("{line} --size 320x180 --rate 50")).done();
    assert!(said.stdout.contains("libx264") && said.stdout.contains("ultrafast"), "{said:?}");
    assert!(!shell.path("pipe").exists() && !shell.path("o.mp4").exists());
    shell.filmgate("encode -i none.mp4 -o o.mp4 --dry-run").refused(20, &["none.mp4"]);
}

#[test]
fn options_of_encode_are_options_of_run() {
    let (shell, input) = (Shell::new(), small("plain.mp4", "-bf 2"));
    let more = "--keyframe-interval 0.2 --maxrate 1M --profile high --fragmented";
    let plan = shell.run(&input, "o.mp4", &format!("{more} --dry-run --json")).done().json();
    let options = &plan["encoder"]["options"];
    assert_eq!((&options["g"], &options["maxrate"]), (&"5".into(), &"1000000".into()), "{plan}");
    assert_eq!(options["bufsize"], "1000000", "one second of it");
    shell.run(&input, "o.mp4", more).done();
    let film = std::fs::read(shell.path("o.mp4")).expect("there");
    assert!(film.windows(4).any(|four| four == b"moof"), "in fragments");
}
