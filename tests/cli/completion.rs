//! Completion of plugins, their parameters and values, in the shells themselves.

use std::path::Path;
use std::process::Command;

use filmgate_tests::hostile::{built_in, program};
use filmgate_tests::outside::python;
use filmgate_tests::shell::Shell;
use filmgate_tests::tools::{FISH, ZSH, available};

/// A folder with two sound plugins, a broken one and a naming policy, and the scripts.
fn prepared() -> Shell {
    let shell = Shell::new();
    std::fs::create_dir(shell.path("plugins")).expect("made");
    for name in ["denoise", "watermark", "edges", "template", "natural"] {
        shell.copy(&built_in(name), format!("plugins/{name}.wasm"));
    }
    shell.write("plugins/denied.wasm", "\0asm and then nothing that is WebAssembly");
    shell.write("logo.png", "");
    std::os::unix::fs::symlink(program(), shell.path("filmgate")).expect("linked");
    for name in ["bash", "zsh", "fish"] {
        let script = shell.filmgate(&format!("completions {name}")).done().stdout;
        shell.write(name, script);
    }
    shell
}

fn command(shell: &Shell, program: &Path) -> Command {
    let mut command = Command::new(program);
    shell.settle(&mut command);
    let path = std::env::var("PATH").expect("a path");
    command.env("PATH", format!("{}:{path}", shell.folder().display()));
    command.env("FILMGATE_PLUGIN_PATH", shell.path("plugins"));
    command
}

/// What a line becomes with a tab behind it.
fn typed(shell: &Shell, program: &str, setup: &str, line: &str) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("cli/typed.py");
    let mut command = command(shell, &python());
    command.arg(script).args([program, setup, line]);
    shell.say(&mut command).done().stdout.trim_end_matches('\n').to_owned()
}

/// What is typed, and what it becomes. A space behind the word says that it is whole.
const LINES: [(&str, &str); 9] = [
    ("filmgate spl", "filmgate split "),
    ("filmgate run --on-f", "filmgate run --on-failure "),
    ("filmgate run -i a.mp4 -p wat", "filmgate run -i a.mp4 -p watermark "),
    ("filmgate run -p denoise:fra", "filmgate run -p denoise:frames="),
    ("filmgate run --plugin=wat", "filmgate run --plugin=watermark "),
    ("filmgate run -p watermark:picture=lo", "filmgate run -p watermark:picture=logo.png "),
    ("filmgate watch a -o b --names templ", "filmgate watch a -o b --names template "),
    ("filmgate join a --order-plugin nat", "filmgate join a --order-plugin natural "),
    ("filmgate plugin inspect nat", "filmgate plugin inspect natural "),
];

#[test]
fn bash_completes_plugins_and_parameters() {
    let shell = prepared();
    for (line, wanted) in LINES {
        let found = typed(&shell, "bash,--norc,--noprofile,-i", "source ./bash", line);
        assert_eq!(found, wanted, "{line}");
    }
}

#[test]
fn zsh_completes_plugins_and_parameters() {
    if !available(&ZSH) {
        return;
    }
    let shell = prepared();
    let setup = "bindkey -e; autoload -Uz compinit; compinit -u -D; source ./zsh";
    for (line, wanted) in LINES {
        let found = typed(&shell, "zsh,-f,-i", setup, line);
        assert_eq!(found.trim_end(), wanted.trim_end(), "{line}");
    }
}

#[test]
fn fish_completes_plugins_and_parameters() {
    if !available(&FISH) {
        return;
    }
    let shell = prepared();
    for (line, wanted) in LINES {
        let mut command = command(&shell, Path::new("fish"));
        command.args(["--no-config", "-c"]);
        command.arg(format!("source ./fish; complete -C '{line}'"));
        let found = shell.say(&mut command).done().stdout;
        let wanted = wanted.trim_end().rsplit_once(' ').expect("a word").1;
        let is_it = |l: &str| l.split('\t').next() == Some(wanted);
        assert!(found.lines().any(is_it), "{line}: {found}");
    }
}

/// A plugin that is no WebAssembly, and one that never answers, are left out.
#[test]
fn candidates_are_those_that_load_and_fit() {
    let shell = prepared();
    let names = |line: &str| {
        let mut command = command(&shell, &program());
        let words: Vec<&str> = line.split(' ').collect();
        let last = words.len() - 1;
        command.env("FILMGATE_COMPLETE", "bash").env("_CLAP_IFS", "\n");
        command.env("_CLAP_COMPLETE_INDEX", last.to_string()).arg("--").args(&words);
        shell.say(&mut command).done().stdout
    };
    let own = |line: &str| -> Vec<String> {
        let beside = ["denied", "denoise", "edges", "natural", "template", "watermark"];
        let found = names(line);
        found.lines().filter(|l| beside.contains(l)).map(str::to_owned).collect()
    };
    assert_eq!(own("filmgate run -p "), ["denoise", "edges", "watermark"]);
    assert_eq!(own("filmgate split --names "), ["template"]);
    assert_eq!(own("filmgate join --order-plugin "), ["natural"]);
    assert!(names("filmgate run -p edges").contains("edges:"));
    // What is set already is not offered again, and the values of a choice are.
    let open = names("filmgate run -p denoise:frames=3,");
    assert!(!open.contains("frames=3,frames="), "{open}");
    assert_eq!(names("filmgate run -p denied:"), "");
    assert_eq!(names("filmgate run -p nothing:"), "");
    assert_eq!(names("filmgate run --on-failure "), "fail\nbypass");
}
