//! What the program says, to people and to programs, and what its help says of it.

use std::process::{Command, Stdio};

use clap::{CommandFactory, Parser};
use filmgate::commands::Arguments;
use filmgate_tests::hostile::{program, root};
use filmgate_tests::outside::{made, small};
use filmgate_tests::shell::Shell;

#[test]
fn a_run_tells_people_on_stderr_and_programs_on_stdout() {
    let (shell, input) = (Shell::new(), small("plain.mp4", "-bf 2"));
    let said = shell.run(&input, "a.mp4", "-p emboss -p denoise").done();
    assert_eq!(said.stdout, "");
    for part in [
        "a.mp4: 25 frames",
        "yuv420p 320x180",
        "copied",
        "audio (aac)",
        "emboss",
        "denoise",
        "encode",
    ] {
        assert!(said.stderr.contains(part), "{part}: {}", said.stderr);
    }
    assert!(!said.stderr.contains('\u{1b}') && !said.stderr.contains('\r'), "{said:?}");
    let said = shell.run(&input, "b.mp4", "-p emboss -q").done();
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", ""));
    let said = shell.run(&input, "c.mp4", "-p emboss --json").done();
    assert_eq!(said.stderr, "");
    let json = said.json();
    for field in [
        "input",
        "output",
        "frames_in",
        "frames_out",
        "bytes",
        "seconds",
        "workers",
        "decoded",
        "encoded",
        "copied",
        "left_out",
        "conversions",
        "damaged_packets",
        "nudged_timestamps",
        "truncated",
        "stages",
        "plugins",
    ] {
        assert!(json.get(field).is_some(), "{field}: {json}");
    }
    assert_eq!(json["nudged_timestamps"], 0);
    assert_eq!(json["damaged_packets"], 0);
    for stage in ["decode", "encode", "mux"] {
        assert_eq!(json["stages"][stage]["frames"], 25, "{stage}");
    }
}

#[test]
fn the_bar_is_for_terminals() {
    let input = made(
        "four-seconds.mp4",
        "-f lavfi -i testsrc2=size=320x180:rate=25:duration=4 -c:v libx264 -preset ultrafast",
    );
    let shell = Shell::new();
    let on_a_terminal = |more: &str| {
        let line = format!(
            "{} run -y -i {} -o bar.mp4 -p denoise --preset placebo {more}",
            program().canonicalize().expect("it is there").display(),
            input.canonicalize().expect("it is there").display()
        );
        let mut command = Command::new("script");
        command.args(["-qec", &line, "/dev/null"]).env("TERM", "xterm").env("COLUMNS", "100");
        shell.settle(&mut command);
        shell.say(&mut command).done().stdout
    };
    let seen = on_a_terminal("");
    assert!(seen.contains('%') && seen.contains("frames,") && seen.contains("left"), "{seen}");
    assert!(seen.contains("bar.mp4: 100 frames"), "{seen}");
    assert_eq!(on_a_terminal("-q"), "");
}

#[test]
fn readers_that_go_away_and_full_disks_do_not_end_in_a_panic() {
    let shell = Shell::new();
    for line in ["plugin list", "plugin list --json", "plugin inspect emboss", "run --help"] {
        for to in ["| true", ">/dev/full", ">&-", "2>&1 | true", "2>&-"] {
            let mut command = Command::new("bash");
            let script = format!("\"$0\" {line} {to}; echo \"${{PIPESTATUS[0]}}\" >&3");
            command.args(["-c", &format!("{{ {script}; }} 3>code")]);
            command.arg(program().canonicalize().expect("it is there")).stdout(Stdio::null());
            shell.settle(&mut command);
            let said = shell.say(&mut command);
            let code = std::fs::read_to_string(shell.path("code")).expect("a code");
            let wanted: &[&str] = match (to, line) {
                (">/dev/full", "run --help") => &["0", "1", "2"],
                (">/dev/full", _) => &["1"],
                _ => &["0"],
            };
            assert!(wanted.contains(&code.trim()), "{line} {to}: {code} {said:?}");
            assert!(!said.stderr.contains("panicked"), "{line} {to}: {said:?}");
        }
    }
}

#[test]
fn a_broken_stderr_does_not_change_the_exit_code() {
    let shell = Shell::new();
    let mut command = Command::new("bash");
    let script =
        "{ sleep 0.2; \"$0\" run -i none.mp4 -o x.mp4; echo $? >code; } 2>&1 | true; sleep 0.6";
    command.args(["-c", script]).arg(program().canonicalize().expect("it is there"));
    shell.settle(&mut command);
    shell.say(&mut command);
    assert_eq!(std::fs::read_to_string(shell.path("code")).expect("a code"), "20\n");
}

#[test]
fn every_option_has_a_line_of_help() {
    fn walk(command: &clap::Command, path: &str) {
        assert!(command.get_about().is_some(), "{path}");
        for argument in command.get_arguments() {
            let named = argument.get_help().is_some_and(|h| !h.to_string().is_empty());
            assert!(named, "{path}: {} has no help", argument.get_id());
        }
        for sub in command.get_subcommands() {
            walk(sub, &format!("{path} {}", sub.get_name()));
        }
    }
    let mut command = Arguments::command();
    command.build();
    walk(&command, "filmgate");
}

/// Command lines of filmgate's in the Markdown text, each as its words.
fn lines_of(text: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let joined = text.replace("\\\n", " ");
    for line in joined.lines() {
        let line = line.trim().trim_start_matches("$ ");
        let Some(at) = line.find("filmgate ").filter(|_| !line.starts_with(['#', '|', '`', '-']))
        else {
            continue;
        };
        let before = &line[..at];
        if !(before.is_empty() || before.ends_with('/') || before.ends_with("&& ")) {
            continue;
        }
        let line = line[at..].split(" #").next().unwrap_or_default();
        found.push(
            line.split_whitespace().map(|w| w.trim_matches(['\'', '"']).to_owned()).collect(),
        );
    }
    found
}

#[test]
fn what_the_pages_show_is_understood() {
    let mut pages = vec!["README.md".to_owned(), "plugins/README.md".to_owned()];
    pages.extend(
        ["sdk", "filters/emboss", "examples/emboss-c", "filters/grayscale", "filters/denoise"]
            .map(|p| format!("plugins/{p}/README.md")),
    );
    let mut tried = 0;
    for page in pages {
        let text = std::fs::read_to_string(root().join(&page)).expect(&page);
        for words in lines_of(&text) {
            let verb = words.get(1).map_or("", String::as_str);
            if !["run", "plugin"].contains(&verb) {
                continue;
            }
            tried += 1;
            if let Err(e) = Arguments::try_parse_from(&words) {
                panic!("{page}: {words:?}: {e}");
            }
        }
    }
    assert!(tried >= 6, "{tried} lines only");
}

#[test]
fn help_and_version_go_to_stdout() {
    let shell = Shell::new();
    for line in ["--help", "--version", "run --help", "plugin --help", "plugin check --help"] {
        let said = shell.filmgate(line).done();
        assert!(!said.stdout.is_empty() && said.stderr.is_empty(), "{line}: {said:?}");
    }
    let help = shell.filmgate("--help").stdout;
    assert!(help.contains("docs/exit-codes.md") && root().join("docs/exit-codes.md").exists());
    let help = shell.filmgate("run --help").stdout;
    for part in ["-p emboss", "--crf", "--preset", "--on-failure", "--accept-truncated", "mkv"] {
        assert!(help.contains(part), "{part}");
    }
    for line in ["", "run", "nonsense", "run -i a.mp4", "plugin", "run -i a -o b --nonsense"] {
        let said = shell.filmgate(line);
        assert_eq!(said.code, Some(2), "{line}: {said:?}");
        assert!(said.stdout.is_empty() && !said.stderr.is_empty(), "{line}: {said:?}");
    }
}
