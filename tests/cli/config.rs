//! Pipelines as files.

use filmgate_tests::hostile::root;
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
